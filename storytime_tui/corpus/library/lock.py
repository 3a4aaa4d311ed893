"""One lock for the whole shelf: who changes a card, or what a collection is called, holds it while doing so."""

import contextlib
from collections.abc import Iterator

from storytime_tui import files, paths
from storytime_tui.errors import CorpusError
from storytime_tui.terminal import printable_path

_PATIENCE = 10.0  # seconds; what is done under the lock takes milliseconds


@contextlib.contextmanager
def shelf_locked() -> Iterator[None]:
    """Keep other programs and threads from changing the shelf during the block. Not to be nested.

    Read what is to be changed inside the block: what was read before may be out of date. Raises CorpusError where
    the shelf stays locked for ten seconds, or cannot be written.
    """
    root = paths.collections_folder()
    lock = root.with_name(root.name + ".lock")
    busy = CorpusError(
        f"The shelf in {printable_path(root)} is being changed by another program: try again in a moment."
    )
    with contextlib.ExitStack() as held:
        try:  # the lock lies beside the shelf: whatever on it is renamed or removed, the lock stays
            held.enter_context(files.locked(lock, busy, patience=_PATIENCE))
        except OSError as error:
            raise CorpusError(
                files.explain(error, f"locking the shelf with {printable_path(lock)}")
            ) from error
        yield
