"""Where everything is kept, and what moves it. Loads no torch."""

import os
from dataclasses import dataclass

from storytime_tui import paths
from storytime_tui.models import hub_cache


@dataclass(frozen=True)
class Place:
    """A file or folder: `title` for people, its `path`, and a sentence on how to have it elsewhere."""

    name: str
    title: str
    path: str
    how: str


_OURS = "To move it, set STORYTIME_HOME before you start Storytime, and move what is there."
_HUB = "To move it, set HF_HOME before you start Storytime."


def places() -> tuple[Place, ...]:
    """The files and folders that people look for. Raises StorytimeError if there is no home folder."""
    return (
        Place("settings_file", "settings", _short(paths.settings_file()), _OURS),
        Place("stories_file", "stories", _short(paths.stories_file()), _OURS),
        Place("collections_folder", "collections", _short(paths.collections_folder()), _OURS),
        Place("runs_folder", "runs", _short(paths.runs_folder()), _OURS),
        Place("cache_folder", "cache", _short(paths.cache_folder()), _OURS),
        Place("log_file", "log", _short(paths.log_file()), _OURS),
        Place("models_folder", "models of the Hub", _short(hub_cache.cache_folder()), _HUB),
    )


def _short(path: os.PathLike[str]) -> str:
    """The path with ~ for the home folder."""
    whole, home = os.path.abspath(path), os.path.expanduser("~")
    inside = home not in ("", "~", os.sep) and whole.startswith(home.rstrip(os.sep) + os.sep)
    return "~" + whole[len(home.rstrip(os.sep)) :] if inside else whole
