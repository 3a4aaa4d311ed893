"""Writes a story to a file, in the format of its ending."""

import os
import re
from pathlib import Path

from storytime_tui import files, paths
from storytime_tui.errors import Misused, StoryError
from storytime_tui.stories.export.formats import FORMATS
from storytime_tui.stories.export.story_text import Exported
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.whole import read_tree

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,5}")


def write_story(store: StoryStore, story_id: int, to: Path, language: str = "en") -> Path:
    """Export a story to the file `to`. Returns its path.

    The file appears whole or not at all, and replaces none. Raises Misused for another ending or a language that is no
    tag, and StoryError.
    """
    to = _checked(to, language)
    data = FORMATS[to.suffix.lower()](Exported(read_tree(store, story_id), language))
    try:
        with files.file_written_atomically(to, shared=True, replace=False) as part:
            part.write_bytes(data)
    except OSError as error:
        if isinstance(error, FileExistsError) and os.path.lexists(to):  # else its folder is a file
            raise _there(to) from None
        raise StoryError(files.explain(error, f"writing the story to {to}")) from error
    return to.resolve()


def _checked(to: Path, language: str) -> Path:
    """The expanded path, if a story can be exported there. Raises as `write_story`."""
    to = paths.expanded(to, StoryError)
    if to.suffix.lower() not in FORMATS:
        *most, last = FORMATS
        raise Misused(
            f"A story is exported by the ending of its file: give --to a name that ends in {', '.join(most)} or "
            f"{last}, not {to.name!r}."
        )
    if not _LANGUAGE.fullmatch(language):
        raise Misused(f"--language is {language!r}, but must be a language tag such as en, de or pt-BR.")
    if os.path.lexists(to):
        raise _there(to)
    return to


def _there(to: Path) -> StoryError:
    return StoryError(f"{to} exists already and is not overwritten: choose another name, or remove it.")
