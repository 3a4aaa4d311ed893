"""How a typed line joins the story so far: as a new paragraph, or within the last sentence."""

import re

from storytime_tui.stories.story import UNTITLED

LONGEST = 200  # characters of a suggested title
_SENTENCE_END = re.compile(r"""[.!?…]["”’')\]]*(?=\s|$)""")
_ENDS = ".!?…:;"
_CLOSERS = "\"'”’»)]*_"
_TRAILING = " ,;:.…–—-"  # at the end of a title
_CONTINUES = ",.;:!?…)]’”»"


def joined(text: str, line: str) -> str:
    """The text to append to `text` for a typed `line`: the separator, then the line.

    A line continues the sentence if the story stops within one, or if the line starts with a small letter or a mark
    such as a comma. Otherwise it starts a new paragraph, as does a line after a line end. Other white space around the
    line is dropped.
    """
    asked = "\n" in line[: len(line) - len(line.lstrip())]
    line = line.strip()
    newlines = len(text) - len(text.rstrip("\n"))
    if asked and text.strip():
        return "\n" * max(0, 2 - newlines) + line
    if not line:
        return ""
    if not text.strip():
        return line
    if _continues(line):
        return line
    if not (_sentence_over(text) and not line[0].islower()):
        return line if text[-1].isspace() else " " + line
    return "\n" * max(0, 2 - newlines) + line


def _continues(line: str) -> bool:
    return line[0] in _CONTINUES and not line.startswith("...")


def _sentence_over(text: str) -> bool:
    if text.endswith("\n\n"):
        return True
    end = text.rstrip().rstrip(_CLOSERS)
    return not end or end[-1] in _ENDS


def title_from(line: str, width: int = 42) -> str:
    """A title for a story without one: its first words, with … if there are more."""
    words = line.split()
    title = ""
    for word in words:
        if len(title) + len(word) + 1 > width:
            return (title.rstrip(_TRAILING) or word[: width - 1]) + "…"
        title = f"{title} {word}".strip()
    return title.rstrip(_TRAILING) or UNTITLED


def full_title(title: str, text: str) -> str:
    """The suggestion for a new title: the whole first sentence if `title_from` made the title from `text` and cut
    it, else the title itself."""
    line = " ".join(text.lstrip().partition("\n")[0].split())
    # earlier versions left a comma before the …
    if not title.endswith("…") or title.rstrip(_TRAILING) != title_from(line).rstrip(_TRAILING):
        return title
    end = _SENTENCE_END.search(line, len(title) - 1)
    return line[: min(LONGEST, end.end() if end else LONGEST)].rstrip()
