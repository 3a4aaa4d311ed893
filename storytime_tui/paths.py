"""Every folder the program touches.

`STORYTIME_HOME`, when set, holds everything; otherwise platformdirs' data, config, cache and log folders.
Nothing is created here: whoever writes makes the folder first.
"""

import os
from pathlib import Path

import platformdirs

from storytime_tui.errors import StorytimeError

_APP = "storytime"


def _home() -> Path | None:
    home = os.environ.get("STORYTIME_HOME")
    return Path(home).expanduser() if home else None


def check_home() -> None:
    """Raise StorytimeError where `STORYTIME_HOME` names what is no folder, or one that cannot be made or written in."""
    home = _home()
    if home is None:
        return
    there = next((place for place in (home, *home.parents) if os.path.lexists(place)), Path("/"))
    if not there.is_dir():
        raise StorytimeError(
            f"STORYTIME_HOME names {home}, but {there} is a file: name a folder, or leave the variable out."
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise StorytimeError(
            f"STORYTIME_HOME names {home}, but nothing can be written in {there}: name another folder, or leave the "
            "variable out."
        )


def data_folder() -> Path:
    """What must not be lost: collections, runs, stories."""
    return _home() or Path(platformdirs.user_data_dir(_APP, appauthor=False))


def collections_folder() -> Path:
    """Imported collections, one folder each."""
    return data_folder() / "collections"


def runs_folder() -> Path:
    """Fine-tuning runs, one folder each."""
    return data_folder() / "runs"


def stories_file() -> Path:
    """The SQLite file that holds every story told."""
    return data_folder() / "stories.sqlite3"


def desk_file() -> Path:
    """What the app remembers of its last sitting: ticks, the place in the Library."""
    return data_folder() / "desk.json"


def cache_folder() -> Path:
    """What can be made again: token files."""
    home = _home()
    return home / "cache" if home else Path(platformdirs.user_cache_dir(_APP, appauthor=False))


def settings_file() -> Path:
    """The user's preferences."""
    home = _home()
    config = home if home else Path(platformdirs.user_config_dir(_APP, appauthor=False))
    return config / "settings.toml"


def log_file() -> Path:
    """The log that keeps the traceback of every error a user was told about in one sentence."""
    home = _home()
    logs = home / "logs" if home else Path(platformdirs.user_log_dir(_APP, appauthor=False))
    return logs / "storytime.log"


def bundled_collections_folder() -> Path:
    """The collections that ship with the program: beside the package in a checkout, inside it in a wheel."""
    package = Path(__file__).parent
    inside = package / "textdata"
    return inside if inside.is_dir() else package.parent / "textdata"
