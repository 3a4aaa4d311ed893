"""How a typed line joins the story so far: as a new paragraph, or going on with the sentence."""

import re

LONGEST = 200  # characters of a title that is offered for renaming
_SENTENCE_END = re.compile(r"""[.!?…]["”’')\]]*(?=\s|$)""")
_ENDS = ".!?…:;"
_CLOSERS = "\"'”’»)]*_"
_GLUED = ",.;:!?…)]’”»"


def joined(text: str, line: str) -> str:
    """What to append to `text` for a typed `line`: the line, after what must stand between the two.

    A line goes on with the sentence where the story stops within one, or where the line itself begins with a
    small letter or a sign such as a comma; otherwise it begins a new paragraph. White space around the line
    is not kept; every word is.
    """
    line = line.strip()
    if not line:
        return ""
    if not text.strip():
        return line
    if _glued(line):
        return line
    if not (_sentence_over(text) and not line[0].islower()):
        return line if text[-1].isspace() else " " + line
    newlines = len(text) - len(text.rstrip("\n"))
    return "\n" * max(0, 2 - newlines) + line


def _glued(line: str) -> bool:
    return line[0] in _GLUED and not line.startswith("...")


def _sentence_over(text: str) -> bool:
    if text.endswith("\n\n"):
        return True
    end = text.rstrip().rstrip(_CLOSERS)
    return not end or end[-1] in _ENDS


def title_from(line: str, width: int = 42) -> str:
    """A title for a story that has none yet: its first words."""
    words = line.split()
    title = ""
    for word in words:
        if len(title) + len(word) + 1 > width:
            return (title or word[: width - 1]) + "…"
        title = f"{title} {word}".strip()
    return title.rstrip(",;:.") or "Untitled"


def uncut(title: str, text: str) -> str:
    """The title to begin a renaming with: the whole sentence, where `title_from` made it of the first words of `text`
    and cut it."""
    line = " ".join(text.lstrip().partition("\n")[0].split())
    if not title.endswith("…") or title != title_from(line):
        return title
    end = _SENTENCE_END.search(line, len(title) - 1)
    return line[: min(LONGEST, end.end() if end else LONGEST)].rstrip()
