"""A story as it is read in training: its shelf's line before it, before each chapter, and now and then between.

    end of text, "Shelf: Hedgerow Tales", blank line, the tale's beginning,
                 "Shelf: Hedgerow Tales", blank line, what follows, ...

A shelf of one book would otherwise show its line once, and most windows of a long tale would show none.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace

from storytime_tui.corpus.collection import Extract, Story, part_facts

PART = 2_000  # characters, about a window of tokens: then the paragraph is read to its end, and the line stands again
_REST = 1_000  # characters: a shorter rest is read with what stands before it
_BLANK = re.compile(r"\n\s*\n")


def with_line(story: Story, line: str, more: str = "") -> list[Story]:
    """The parts of a story, each with the shelf's `line` as its header; `more` header lines stand before the first.

    A chapter begins a part of its own, behind an end-of-text; a part inside a chapter continues the one before.
    """
    text = story.text
    places = [
        (start, end, place > 0)
        for first, last in chapter_spans(story, text)
        for place, (start, end) in enumerate(_cut(text, first, last))
    ]
    if len(places) < 2:
        return [replace(story, header=line + more)]  # as it stands: its facts are known
    parts: list[Story] = []
    before, size = 0, 0  # a character, and how many bytes stand before it
    for start, end, continues in places:
        size += len(text[before:start].encode())
        own = text[start:end]
        facts = part_facts(own)
        content: str | Extract = own
        if isinstance(story.content, Extract):  # it stays on the disk
            begins = story.content.start + size
            content = Extract(story.content.path, begins, begins + facts.bytes)
        header = line if parts else line + more
        part = replace(story, content=content, chapters=(), known=facts, header=header, continues=continues)
        parts.append(part)
        before, size = end, size + facts.bytes
    return parts


def chapter_spans(story: Story, text: str) -> Iterator[tuple[int, int]]:
    """Where the chapters stand, without the line ends around them; what stands before the first is one, too."""
    places = sorted({0, *(chapter.start for chapter in story.chapters), len(text)})
    for start, end in itertools.pairwise(places):
        own = text[start:end]
        if own.strip():
            yield start + len(own) - len(own.lstrip("\n")), start + len(own.rstrip("\n"))


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Parts of PART characters and the rest of a paragraph; the blank lines between them are left out."""
    while end - start >= PART + _REST:
        found = _BLANK.search(text, start + PART, end - _REST)
        if found is None:
            break
        yield start, found.start()
        start = found.end()
    yield start, end
