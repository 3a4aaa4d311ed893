"""The file `desk.json`, which stores the shelf's state. Only its owner may read it, because titles may be private."""

import json

from storytime_tui import paths, small_files
from storytime_tui.errors import StorytimeError
from storytime_tui.tui.shelf_memory import ShelfState, from_json, to_json

LIMIT = 40_000_000  # bytes; 100,000 stories of a collection ticked one by one need less


def load() -> ShelfState | None:
    """Load the state; None if none was saved. Raises StorytimeError if the file cannot be read."""
    try:
        return from_json(small_files.read_json(paths.desk_file(), LIMIT))
    except FileNotFoundError:
        return None


def save(state: ShelfState) -> None:
    """Save the state. Raises StorytimeError if it cannot be written."""
    from storytime_tui import files  # imported late: the app saves only after its first frame

    path = paths.desk_file()
    try:
        files.write_atomically(path, json.dumps(to_json(state)).encode())
    except OSError as error:
        if path.is_dir():
            raise StorytimeError(
                f"{path} is a folder, so the ticks cannot be saved there: move it away."
            ) from error
        raise StorytimeError(files.explain(error, f"saving the ticks in {path}")) from error
