"""Every folder the program touches.

If `STORYTIME_HOME` is set, it holds everything; otherwise platformdirs' data, config, cache and log folders do.
Nothing is created here: code that writes makes the folder first.
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import platformdirs

from storytime_tui.errors import StorytimeError
from storytime_tui.terminal import printable_line

_APP = "storytime"


def _home() -> Path | None:
    home = os.environ.get("STORYTIME_HOME")
    if not home:
        return None
    try:
        return expanded(home)
    except StorytimeError as error:
        raise StorytimeError(f"STORYTIME_HOME cannot be used: {error}") from None


def expanded(named: str | os.PathLike[str], kind: type[StorytimeError] = StorytimeError) -> Path:
    """A path with its `~` or `~user` expanded. Raises `kind` if that user or home does not exist."""
    try:
        return Path(named).expanduser()
    except RuntimeError:  # no such user, or the user has no home
        shown, first = printable_line(os.fspath(named)[:200]), printable_line(Path(named).parts[0][:200])
        raise kind(
            f"{shown} cannot be found: no user of this machine has the home {first}. Choose another path, or write "
            f"./{first} for a file of that name."
        ) from None


def _usual(ask: Callable[..., str]) -> Path:
    """One of platformdirs' folders. Raises StorytimeError if the user has no home folder."""
    try:
        folder = ask(_APP, appauthor=False)
    except RuntimeError:
        folder = ""
    if not os.path.isabs(folder):  # older versions give ~/.local with the ~ still in it
        raise StorytimeError(
            "You have no home folder on this system: set HOME to it, or set STORYTIME_HOME to another folder."
        )
    return Path(folder)


def check_home() -> None:
    """Raise StorytimeError if our folders cannot be used: no home, a file in their place, no permission.

    Write permission is checked for `STORYTIME_HOME` only, which the user set on purpose.
    """
    home = _home()
    if home is None:
        for usual in (data_folder, cache_folder, settings_file, log_file):
            usual()
        for what, folder in (("data", data_folder()), ("cache", cache_folder())):
            _check_is_folder(what, folder)
        return
    shown = str(home) if len(str(home)) <= 200 else str(home)[:200] + "…"
    for place in (home, *home.parents):
        try:
            is_folder = stat.S_ISDIR(os.stat(place).st_mode)
        except FileNotFoundError:
            is_folder = False
            if not os.path.lexists(place):  # a broken link does exist
                continue
        except NotADirectoryError:
            continue  # a parent is not a folder; the loop will reach it
        except OSError as error:
            reason = error.strerror or "the system refuses"
            raise StorytimeError(
                f"STORYTIME_HOME is {shown}, which cannot be used ({reason.lower()}): set it to another folder, or "
                "unset it."
            ) from None
        if not is_folder:
            raise StorytimeError(
                f"STORYTIME_HOME is {shown}, but {place} is not a folder: set it to another folder, or unset it."
            )
        if not os.access(place, os.W_OK | os.X_OK):
            raise StorytimeError(
                f"STORYTIME_HOME is {shown}, but {place} is not writable: set it to another folder, or unset it."
            )
        return


def _check_is_folder(what: str, folder: Path) -> None:
    """Raise StorytimeError if `folder` or a parent of it exists and is not a folder."""
    for place in (folder, *folder.parents):
        if os.path.isdir(place):
            return
        if os.path.lexists(place):
            raise StorytimeError(
                f"The {what} folder of this program is {folder}, but {place} is not a folder: move that file away, or "
                f"set XDG_{what.upper()}_HOME or STORYTIME_HOME to another folder."
            )


def data_folder() -> Path:
    """Data that must not be lost: collections, runs, stories."""
    return _home() or _usual(platformdirs.user_data_dir)


def collections_folder() -> Path:
    """Imported collections, one folder each."""
    return data_folder() / "collections"


def runs_folder() -> Path:
    """Training runs, one folder each."""
    return data_folder() / "runs"


def stories_file() -> Path:
    """The SQLite file of the stories."""
    return data_folder() / "stories.sqlite3"


def desk_file() -> Path:
    """The app's state between sessions: ticks, the place in the Library."""
    return data_folder() / "desk.json"


def cache_folder() -> Path:
    """Files that can be rebuilt, such as token files."""
    home = _home()
    return home / "cache" if home else _usual(platformdirs.user_cache_dir)


def settings_file() -> Path:
    """The user's preferences."""
    home = _home()
    config = home if home else _usual(platformdirs.user_config_dir)
    return config / "settings.toml"


def log_file() -> Path:
    """The log file, with the traceback of every unexpected error."""
    home = _home()
    logs = home / "logs" if home else _usual(platformdirs.user_log_dir)
    return logs / "storytime.log"


def bundled_collections_folder() -> Path:
    """The bundled collections: beside the package in a checkout, inside it in a wheel."""
    package = Path(__file__).parent
    inside = package / "textdata"
    return inside if inside.is_dir() else package.parent / "textdata"
