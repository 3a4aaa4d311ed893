"""The file in which the app remembers its shelf: `desk.json`, its owner's alone, since titles may be private."""

import json

from storytime_tui import paths, small_files
from storytime_tui.errors import StorytimeError
from storytime_tui.tui.shelf_memory import ShelfState, from_json, to_json

LIMIT = 40_000_000  # bytes: 100,000 stories of a collection, ticked one by one


def load() -> ShelfState | None:
    """What was kept; None where nothing was. Raises StorytimeError where the file cannot be read."""
    try:
        return from_json(small_files.read_json(paths.desk_file(), LIMIT))
    except FileNotFoundError:
        return None


def save(state: ShelfState) -> None:
    """Keep this. Raises StorytimeError where it cannot be written."""
    from storytime_tui import files  # the app reads before its first frame, and writes later

    path = paths.desk_file()
    try:
        files.write_atomically(path, json.dumps(to_json(state)).encode())
    except OSError as error:
        if path.is_dir():
            raise StorytimeError(
                f"{path} is a folder, so the ticks cannot be kept there: move it away."
            ) from error
        raise StorytimeError(files.explain(error, f"keeping the ticks in {path}")) from error
