"""One lock for the whole library, held while a card or a collection's name is changed."""

import contextlib
from collections.abc import Iterator

from storytime_tui import files, paths
from storytime_tui.errors import CorpusError
from storytime_tui.terminal import printable_path

_PATIENCE = 10.0  # seconds; the work under the lock takes milliseconds


@contextlib.contextmanager
def shelf_locked() -> Iterator[None]:
    """Keep other programs and threads from changing the library during the block. Do not nest.

    Read what you will change inside the block. Raises CorpusError if the library stays locked for ten seconds or
    cannot be written.
    """
    root = paths.collections_folder()
    lock = root.with_name(root.name + ".lock")
    busy = CorpusError(
        f"The shelf in {printable_path(root)} is being changed by another program: try again in a moment."
    )
    with contextlib.ExitStack() as stack:
        try:  # the lock is beside the library's folder, so that renaming anything in it leaves the lock alone
            stack.enter_context(files.locked(lock, busy, patience=_PATIENCE))
        except OSError as error:
            raise CorpusError(
                files.explain(error, f"locking the shelf with {printable_path(lock)}")
            ) from error
        yield
