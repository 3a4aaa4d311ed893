"""What comes from the terminal and is no UTF-8 becomes `�`. Textual's decoder raises then, and the app would end."""

import codecs
import contextlib
from collections.abc import Callable
from functools import partial
from importlib import import_module

from storytime_tui.tui.drivers import in_a_browser


def replace_undecodable() -> None:
    """Let Textual's drivers read any bytes. Windows has another driver, which gets letters from the system."""
    for driver in ("web_driver",) if in_a_browser() else ("linux_driver",):
        with contextlib.suppress(ImportError):
            vars(import_module(f"textual.drivers.{driver}"))["getincrementaldecoder"] = _decoder


def _decoder(encoding: str) -> Callable[[], codecs.IncrementalDecoder]:
    return partial(codecs.getincrementaldecoder(encoding), errors="replace")
