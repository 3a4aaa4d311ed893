"""Every folder the program touches.

`STORYTIME_HOME`, when set, holds everything; otherwise platformdirs' data, config, cache and log folders.
Nothing is created here: whoever writes makes the folder first.
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
    """A path with its `~` or `~user` written out. Raises `kind` where nobody has that home."""
    try:
        return Path(named).expanduser()
    except RuntimeError:  # no such user, or no home of one's own
        shown, first = printable_line(os.fspath(named)[:200]), printable_line(Path(named).parts[0][:200])
        raise kind(
            f"{shown} cannot be found: no user of this machine has the home {first}. Name another place, or write "
            f"./{first} for something that is called so."
        ) from None


def _usual(ask: Callable[..., str]) -> Path:
    """One of platformdirs' folders. Raises StorytimeError where the system knows of no home to put it in."""
    try:
        folder = ask(_APP, appauthor=False)
    except RuntimeError:
        folder = ""
    if not os.path.isabs(folder):  # older versions give ~/.local with the ~ still in it
        raise StorytimeError(
            "The system knows of no home folder of yours: let HOME name it, or STORYTIME_HOME another folder."
        )
    return Path(folder)


def check_home() -> None:
    """Raise StorytimeError where the folders for what is kept cannot be: no home, a file in their place, no permission.

    Only `STORYTIME_HOME` must be writable from the start: it was named on purpose.
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
            if not os.path.lexists(place):  # a link that leads nowhere is there
                continue
        except NotADirectoryError:
            continue  # what is none is further up
        except OSError as error:
            reason = error.strerror or "the system refuses"
            raise StorytimeError(
                f"STORYTIME_HOME names {shown}, which cannot be used ({reason.lower()}): name another folder, or leave "
                "the variable out."
            ) from None
        if not is_folder:
            raise StorytimeError(
                f"STORYTIME_HOME names {shown}, but {place} is not a folder: name another, or leave the variable out."
            )
        if not os.access(place, os.W_OK | os.X_OK):
            raise StorytimeError(
                f"STORYTIME_HOME names {shown}, but nothing can be written in {place}: name another folder, or leave "
                "the variable out."
            )
        return


def _check_is_folder(what: str, folder: Path) -> None:
    """Raise StorytimeError where something that is no folder is in the place of a usual folder or above it."""
    for place in (folder, *folder.parents):
        if os.path.isdir(place):
            return
        if os.path.lexists(place):
            raise StorytimeError(
                f"The {what} of this program would be kept in {folder}, but {place} is not a folder: move it away, "
                f"let XDG_{what.upper()}_HOME name another folder if it is set, or STORYTIME_HOME."
            )


def data_folder() -> Path:
    """What must not be lost: collections, runs, stories."""
    return _home() or _usual(platformdirs.user_data_dir)


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
    return home / "cache" if home else _usual(platformdirs.user_cache_dir)


def settings_file() -> Path:
    """The user's preferences."""
    home = _home()
    config = home if home else _usual(platformdirs.user_config_dir)
    return config / "settings.toml"


def log_file() -> Path:
    """The log that keeps the traceback of every error a user was told about in one sentence."""
    home = _home()
    logs = home / "logs" if home else _usual(platformdirs.user_log_dir)
    return logs / "storytime.log"


def bundled_collections_folder() -> Path:
    """The collections that ship with the program: beside the package in a checkout, inside it in a wheel."""
    package = Path(__file__).parent
    inside = package / "textdata"
    return inside if inside.is_dir() else package.parent / "textdata"
