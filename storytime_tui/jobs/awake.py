"""Keeps the computer awake while a run trains, with wakepy; the screen may still turn off. Loads no torch."""

import contextlib
import logging
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

_log = logging.getLogger(__name__)
_PATIENCE = 5.0  # seconds for the system to release the computer; a call over D-Bus may take two


def _inhibitor() -> AbstractContextManager[Any]:
    """wakepy's context: the system does not sleep within it; where that is impossible, it only logs."""
    from wakepy import keep  # when a run starts: most programs never need it

    return keep.running(on_fail="pass")


@contextlib.contextmanager
def kept_awake(wanted: bool) -> Iterator[None]:
    """Keep the computer awake for the block, if `wanted`. The block never waits for it, nor fails with it.

    A thread of its own holds wakepy's context, since the desktop's answer may take seconds, or not come (a server
    has no D-Bus session).
    """
    if not wanted:
        yield
        return
    over = threading.Event()

    def hold() -> None:
        try:
            with _inhibitor() as mode:
                if not getattr(mode, "active", True):
                    _log.warning("the computer cannot be kept awake: no way that wakepy knows works here")
                over.wait()
        except Exception:
            _log.warning("the computer cannot be kept awake", exc_info=True)

    thread = threading.Thread(target=hold, name="storytime-awake", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_PATIENCE)
