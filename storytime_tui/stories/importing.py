"""Reads a file as a new story: a whole tree from JSON, or one passage of yours from plain text or Markdown."""

import dataclasses
import re
import time
from pathlib import Path

from storytime_tui import paths, small_files
from storytime_tui.errors import Misused, StoryError
from storytime_tui.stories.export.tree_json import tree_of
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.story import Story
from storytime_tui.stories.whole import Node, Tree, add_tree

LIMIT = 50_000_000  # bytes
ENDINGS = (".json", ".md", ".txt")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")  # CommonMark: a backslash before any ASCII punctuation
_BROKEN = re.compile(r"(?<!\\)((?:\\\\)*)\\\n")  # a backslash at the end of a line breaks it


def import_story(store: StoryStore, file: Path, title: str | None = None) -> Story:
    """Add a file as a new story, all or nothing. `title`: in place of its own.

    Raises Misused for another ending, UnreadableFile for a file that cannot be read, is not UTF-8, not JSON or too
    large, and StoryError.
    """
    return add_tree(store, read_story(file, title))


def read_story(file: Path, title: str | None = None) -> Tree:
    """The story of a file. Raises as `import_story`."""
    file = paths.expanded(file, StoryError)
    ending = file.suffix.lower()
    if ending not in ENDINGS:
        *most, last = ENDINGS
        raise Misused(
            f"A story is imported from a file that ends in {', '.join(most)} or {last}, not from {file.name!r}."
        )
    try:
        text = small_files.read_text(file, LIMIT)
    except FileNotFoundError:
        raise StoryError(f"There is no file {file}.") from None
    if ending == ".json":
        tree = tree_of(small_files.parse_json(text, file), str(file))
        return tree if title is None else dataclasses.replace(tree, title=title)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    heading = ""
    if ending == ".md":
        heading, text = _from_markdown(text)
    if not text.strip():
        raise StoryError(f"{file} has no text to import.")
    now = time.time()
    passage = Node(None, "you", text.removesuffix("\n"), "", "", now)
    return Tree(title or heading or file.stem, "", now, now, 0, (passage,))


def _from_markdown(source: str) -> tuple[str, str]:
    """The heading at the start, or "", and the text after it. Escaped signs are plain; other marks stay as typed."""
    heading = ""
    first, _, rest = source.lstrip().partition("\n")
    if first.startswith("# "):
        heading, source = first[2:].strip(), rest
        opened = heading.rstrip("#")
        if not opened or opened[-1] in " \t":  # it may be closed, too: # Title #
            heading = opened
        heading = " ".join(_ESCAPED.sub(r"\1", heading).split())
    return heading, _ESCAPED.sub(r"\1", _BROKEN.sub(r"\1\n", source)).strip("\n")
