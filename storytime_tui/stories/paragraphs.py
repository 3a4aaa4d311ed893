"""Where a paragraph of a story ends: models end one with one or two line ends, and a verse has lines of its own."""

import re

VERSE = 60  # characters; a longer line is prose
_QUOTES = "\"'“”‘’"
_ENDED = re.compile(r"""[.!?…:。！？]["”’')\]*_]*$""")


def are_paragraphs(line: str, following: str) -> bool:
    """Whether two adjacent lines are paragraphs of prose, not verses."""
    line, following = line.rstrip(), following.strip()
    if not _ENDED.search(line):
        return False
    spoken = not {line[0], line[-1], following[:1]}.isdisjoint(_QUOTES)
    return spoken or max(len(line), len(following)) > VERSE


def paragraphs(text: str) -> list[list[str]]:
    """The paragraphs of a story, as the page shows them: each a list of its lines, one but for verses.

    Line ends of any kind end a line; white space around a line is left out.
    """
    found: list[list[str]] = []
    gap = True
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        line = line.strip()
        if not line:
            gap = True
        elif gap or are_paragraphs(found[-1][-1], line):
            found.append([line])
            gap = False
        else:
            found[-1].append(line)
    return found
