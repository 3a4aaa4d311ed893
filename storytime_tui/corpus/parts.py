"""A story as training reads it: its collection's header line before it, before each chapter, and every few pages.

    end of text, "Shelf: Hedgerow Tales", blank line, the story's beginning,
                 "Shelf: Hedgerow Tales", blank line, what follows, ...

With one line per story, a collection of one book would show it once, and most windows of a long story never.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace

from storytime_tui.corpus.collection import Extract, Story, part_facts

PART = 2_000  # characters, about a window of tokens; the part then ends with its paragraph
_REST = 1_000  # characters; a shorter rest stays with the part before it
_BLANK = re.compile(r"\n\s*\n")


def with_line(story: Story, line: str, more: str = "") -> list[Story]:
    """The parts of a story, each with the header `line`; the first part has the header lines `more` too.

    A chapter begins a new part after an end-of-text; a later part of the same chapter continues the one before.
    """
    text = story.text
    places = [
        (start, end, number > 0)
        for first, last in chapter_spans(story, text)
        for number, (start, end) in enumerate(_cut(text, first, last))
    ]
    if len(places) < 2:
        return [replace(story, header=line + more)]  # unchanged, so its facts stay known
    parts: list[Story] = []
    before, size = 0, 0  # a position in characters, and the same in bytes
    for start, end, continues in places:
        size += len(text[before:start].encode())
        own = text[start:end]
        facts = part_facts(own)
        content: str | Extract = own
        if isinstance(story.content, Extract):  # the part stays on disk too
            begins = story.content.start + size
            content = Extract(story.content.path, begins, begins + facts.bytes)
        header = line if parts else line + more
        part = replace(story, content=content, chapters=(), known=facts, header=header, continues=continues)
        parts.append(part)
        before, size = end, size + facts.bytes
    return parts


def chapter_spans(story: Story, text: str) -> Iterator[tuple[int, int]]:
    """The spans of a story's chapters, and of the text before the first, without surrounding newlines."""
    places = sorted({0, *(chapter.start for chapter in story.chapters), len(text)})
    for start, end in itertools.pairwise(places):
        own = text[start:end]
        if own.strip():
            yield start + len(own) - len(own.lstrip("\n")), start + len(own.rstrip("\n"))


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Spans of about PART characters that end with a paragraph, without the blank lines between them."""
    while end - start >= PART + _REST:
        blank = _BLANK.search(text, start + PART, end - _REST)
        if blank is None:
            break
        yield start, blank.start()
        start = blank.end()
    yield start, end
