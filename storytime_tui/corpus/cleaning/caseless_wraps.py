"""Unwrapping of scripts without capitals, where no small letter tells that a sentence runs on into the next line."""

import re
from itertools import pairwise
from typing import NamedTuple

from storytime_tui.stopping import stoppable

_NARROWEST, _WIDEST = 24, 150  # columns, or half as many characters; verse is narrower, unwrapped prose wider
_SAMPLE = 4000  # characters that tell the script, lines that tell the width
_FEWEST = 3  # lines that end inside a sentence
_MOST, _INSIDE = (
    0.4,
    0.6,
)  # so many lines within paragraphs are full, and so many of these end inside a sentence
_SLACK = 4  # columns by which a line may be shorter, so that none begins with a full stop or ends with an opening quote
# Chinese and Japanese characters and their punctuation, without the Korean ones.
_UNSPACED = "\u2e80-\u312f\u3190-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff01-\uff9f\U00020000-\U0003ffff"
_WIDE = re.compile(
    f"[{_UNSPACED}“”‘’—…·\u1100-\u115f\u3130-\u318f\uac00-\ud7a3\uffe0-\uffe6]"
)  # two columns each
_ENDS_UNSPACED = re.compile(f"[{_UNSPACED}—…“”‘’]\\Z")
_STARTS_UNSPACED = re.compile(f"[{_UNSPACED}—…“”‘’]")
_UNSPACED_LETTER = re.compile(f"[{_UNSPACED}]")
_SENTENCE_END = re.compile(r"[。．！？!?.…؟।][」』”’\"')）\]】]*\Z|[」』”】]\Z")
_HEADING = re.compile(r"第.{1,9}[章回节節話话卷部編编幕]|[序終终]章|제 ?\d+ ?[장화부]")


class Wrap(NamedTuple):
    """The width of a hard-wrapped text: in columns, of which wide characters take two, or in characters."""

    width: int
    columns: bool


def caseless_wrap(text: str) -> Wrap | None:
    """The width at which a text in Chinese, Japanese, Korean, Hebrew and so on is hard-wrapped; None if it is not.

    Within its paragraphs most lines then are equally long, and most of these end inside a sentence.
    """
    if text.isascii() or not _is_caseless(text):
        return None
    every = text.split("\n")
    pairs = [(a, b) for a, b in pairwise(every) if a.strip() and b.strip() and not b[0].isspace()]
    pairs = pairs[:: 1 + len(pairs) // _SAMPLE]
    best, most = None, 0
    for columns in (True, False) if pairs else ():
        lengths = sorted(_length(before, columns) for before, _ in pairs)
        wrap = Wrap(lengths[int(0.97 * (len(lengths) - 1))], columns)
        if not _NARROWEST <= wrap.width * (1 if columns else 2) <= _WIDEST:
            continue
        full = [before for before, after in pairs if _is_full(before, after, wrap)]
        inside = sum(not _SENTENCE_END.search(line) for line in full)
        is_wrapped = len(full) >= _MOST * len(pairs) and inside >= max(_FEWEST, _INSIDE * len(full))
        if is_wrapped and len(full) > most:
            best, most = wrap, len(full)
    return best


def unwrap_caseless(text: str, wrap: Wrap) -> str:
    """A text hard-wrapped so, with each full line joined with the next; indents and blank lines stay."""
    lines = text.split("\n")
    joined = [[lines[0]]]
    for before, after in stoppable(pairwise(lines)):
        runs_on = (
            before.strip()
            and after.strip()
            and not after[0].isspace()
            and _is_full(before, after, wrap)
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
    sample = "".join(text[at : at + _SAMPLE] for at in (0, third, 2 * third))
    if 10 * len(sample.encode("ascii", "ignore")) > 9 * len(
        sample
    ):  # most texts: looking at each letter takes long
        return False
    letters = [letter for letter in sample if letter.isalpha()]
    return 2 * sum(letter.lower() == letter.upper() for letter in letters) > len(letters)


def _length(line: str, columns: bool) -> int:
    return len(line) + (len(_WIDE.findall(line)) if columns and not line.isascii() else 0)


def _is_full(before: str, after: str, wrap: Wrap) -> bool:
    """Whether the next line's first word, or character of an unspaced script, did not fit on a line."""
    length = _length(before, wrap.columns)
    slack = _SLACK if wrap.columns else _SLACK // 2
    if length > wrap.width + slack:
        return False
    word = after.split(None, 1)[0]
    first = word[:1] if _UNSPACED_LETTER.match(word) else f" {word}"
    return length + min(_length(first, wrap.columns), wrap.width // 3) > wrap.width - slack
