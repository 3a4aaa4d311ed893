"""Unwrapping of scripts without capitals, where no small letter tells that a sentence runs on into the next line."""

import re
from itertools import pairwise

from storytime_tui.stopping import stoppable

_NARROWEST, _WIDEST = 24, 130  # columns; verse is narrower, unwrapped prose wider
_SAMPLE = 4000  # characters that tell the script, lines that tell the width
_FEWEST = 3  # lines that end inside a sentence
_SLACK = 4  # columns by which a line may be shorter, so that none begins with a full stop or ends with an opening quote
# Chinese and Japanese characters and their punctuation, without the Korean ones.
_UNSPACED = "\u2e80-\u312f\u3190-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff01-\uff9f\U00020000-\U0003ffff"
_WIDE = re.compile(f"[{_UNSPACED}\u1100-\u115f\u3130-\u318f\uac00-\ud7a3\uffe0-\uffe6]")  # two columns each
_ENDS_UNSPACED = re.compile(f"[{_UNSPACED}—…“”‘’]\\Z")
_STARTS_UNSPACED = re.compile(f"[{_UNSPACED}—…“”‘’]")
_UNSPACED_LETTER = re.compile(f"[{_UNSPACED}]")
_SENTENCE_END = re.compile(r"[。．！？!?.…؟।][」』”’\"')）\]】]*\Z|[」』”】]\Z")
_HEADING = re.compile(r"第.{1,9}[章回节節話话卷部編编幕]|[序終终]章|제 ?\d+ ?[장화부]")


def caseless_width(text: str) -> int | None:
    """The column at which a text in Chinese, Japanese, Korean, Hebrew and so on is hard-wrapped; None if it is not.

    Its lines then are about equally long, and most of the long ones end inside a sentence.
    """
    if text.isascii() or not _is_caseless(text):
        return None
    lines = [line for line in text.split("\n") if line.strip()]
    lines = lines[:: 1 + len(lines) // _SAMPLE]
    columns = sorted(map(_columns, lines))
    if not columns:
        return None
    width = columns[int(0.97 * (len(columns) - 1))]
    if not _NARROWEST <= width <= _WIDEST:
        return None
    full = [before for before, after in pairwise(lines) if _is_full(before, after, width)]
    inside = sum(not _SENTENCE_END.search(line) for line in full)
    is_wrapped = len(full) >= 0.25 * len(lines) and inside >= max(_FEWEST, 0.7 * len(full))
    return width if is_wrapped else None


def unwrap_caseless(text: str, width: int) -> str:
    """A text hard-wrapped at this width, with each full line joined with the next; indents and blank lines stay."""
    lines = text.split("\n")
    joined = [[lines[0]]]
    for before, after in stoppable(pairwise(lines)):
        runs_on = (
            before.strip()
            and after.strip()
            and not after[0].isspace()
            and _is_full(before, after, width)
            and not _HEADING.match(after)
        )
        if not runs_on:
            joined.append([after])
        elif are_unspaced(before, after):
            joined[-1].append(after)
        else:
            joined[-1] += [" ", after]
    return "\n".join(["".join(line) for line in joined])


def are_unspaced(before: str, after: str) -> bool:
    """Whether no space stands between these lines when they are joined: at least one side is Chinese or Japanese."""
    if before.isascii() and after.isascii():
        return False
    left, right = _ENDS_UNSPACED.search(before), _STARTS_UNSPACED.match(after)
    if left and right:  # quotes and dashes are of both kinds of script
        return bool(_UNSPACED_LETTER.search(before[-9:]) or _UNSPACED_LETTER.search(after[:9]))
    return bool(_UNSPACED_LETTER.match(before[-1:]) or _UNSPACED_LETTER.match(after))


def without_wraps(text: str) -> str:
    """A text whose line ends mean nothing, without those between Chinese or Japanese characters."""
    return text if text.isascii() or "\n" not in text else _WRAP.sub("", text)


_WRAP = re.compile(f"(?<=[{_UNSPACED}])[ \t]?\n[ \t]*(?=[{_UNSPACED}])")


def _is_caseless(text: str) -> bool:
    """Whether most letters are neither capitals nor small; told from three stretches of the text."""
    third = len(text) // 3
    stretches = (text[at : at + _SAMPLE] for at in (0, third, 2 * third))
    letters = [letter for letter in "".join(stretches) if letter.isalpha()]
    return 2 * sum(letter.lower() == letter.upper() for letter in letters) > len(letters)


def _columns(line: str) -> int:
    return len(line) if line.isascii() else len(line) + len(_WIDE.findall(line))


def _is_full(before: str, after: str, width: int) -> bool:
    """Whether the next line's first word, or character of an unspaced script, did not fit on a line."""
    columns = _columns(before)
    if columns > width + _SLACK:
        return False
    word = after.split(None, 1)[0]
    first = word[:1] if _UNSPACED_LETTER.match(word) else word
    return columns + min(_columns(first), width // 3) > width - _SLACK
