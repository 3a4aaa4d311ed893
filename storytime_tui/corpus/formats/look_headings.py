"""Headings of a document without heading styles: short lines that stand alone and look like titles."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

LONGEST_TITLE, _MOST_WORDS = 80, 12
_LARGER = 1.15  # times the size of the text
_SAME_SIZE = 1.9  # points; sizes that differ by less are one level
_LEVELS = 3
_LONGEST_BYLINE = 60  # characters
_MOSTLY = 0.5  # of a document's letters; if more are bold, bold says nothing
_MOST_HEADINGS = 0.5  # of the paragraphs
_LEAST_TEXT = 100  # characters, on the average, under a heading
_TITLE_PAGE = 150  # characters that may stand before the first heading
_OPENING, _SEVERAL = 600, 3  # the same, or a tenth of the text, before at least so many headings
_DIFFERENT = 0.8  # of the headings; names of speakers come again and again
_WORD = re.compile(r"[^\W_]")
_NUMBERED = re.compile(
    r"(?:\w+\W{1,2})?(?:\d{1,3}|[ivxlc]{1,7})[.:]"
    r"|(?:chapter|part|story|tale|kapitel|teil|chapitre|partie|capítulo|capitolo|parte|глава|часть) [\w-]+[.:]",
    re.IGNORECASE,
)
_QUOTED = re.compile('["“„«‘\'][^.,;:!?"“”„«»]+["”“»’\']')
_BYLINE = re.compile(r"(?:by|von|par|por|di|door|av|af)[ :]\s*\S", re.IGNORECASE)


@dataclass(frozen=True)
class Look:
    """How all words of a paragraph look. `size`: in points, 0 if unknown."""

    bold: bool = False
    size: float = 0
    centred: bool = False


@dataclass(frozen=True)
class Shown:
    """A paragraph: its line in the document, its text and its look. `item`: of a list or table."""

    line: int
    text: str
    look: Look
    item: bool = False


def headings_by_look(shown: Sequence[Shown]) -> list[tuple[int, int]]:
    """The lines and levels of a document's headings, if no style marks them; -1 is the document's title.

    They are bold or larger than the text, or at least centred. Bold words on a sign, the names of speakers, a form,
    and a document in which everything is bold have no headings.
    """
    whole = sum(len(each.text) for each in shown)
    sizes: Counter[float] = Counter()
    for each in shown:
        sizes[each.look.size] += len(each.text)
    usual = sizes.most_common(1)[0][0] if sizes else 0
    all_bold = sum(len(each.text) for each in shown if each.look.bold) > _MOSTLY * whole
    all_centred = sum(len(each.text) for each in shown if each.look.centred) > _MOSTLY * whole

    def stands_out(look: Look) -> bool:
        return (look.bold and not all_bold) or look.size > max(_LARGER * usual, 1)

    found = [at for at in range(len(shown)) if stands_out(shown[at].look) and _may_be_title(shown, at)]
    if not found and not all_centred:
        found = [at for at in range(len(shown)) if shown[at].look.centred and _may_be_title(shown, at)]
    while found and not _text_after(shown, found[-1]):
        found.pop()
    return _with_levels(shown, found) if _are_headings(shown, found) else []


def _may_be_title(shown: Sequence[Shown], at: int) -> bool:
    """Whether a paragraph has the form of a title, and is no sign that the text before it announces."""
    text, words = shown[at].text, shown[at].text.split()
    if shown[at].item or "\n" in text or len(text) > LONGEST_TITLE or len(words) > _MOST_WORDS:
        return False
    if not _WORD.search(text) or text[0].islower() or text[-1] in ",;-–—…" or _BYLINE.match(text):
        return False
    if text[-1] in ".:" and _NUMBERED.fullmatch(text) is None:
        return False
    if text[-1] in "\"”“’»'" and _QUOTED.fullmatch(text) is None:
        return False
    if text[-1] in "!?" and any(word[0].islower() for word in words if len(word) > 4):
        return False
    return not at or shown[at - 1].text[-1] not in ":,"


def _are_headings(shown: Sequence[Shown], found: Sequence[int]) -> bool:
    """Whether these paragraphs divide the text as headings do."""
    if not found:
        return False
    others = set(range(len(shown))).difference(found)
    text = sum(len(shown[at].text) for at in others)
    before = sum(len(shown[at].text) for at in others if at < found[0])
    if len(found) == 1:
        return found[0] == 0 and text >= _LEAST_TEXT
    return (
        len(found) <= max(_MOST_HEADINGS * len(shown), 1)
        and text >= _LEAST_TEXT * len(found)
        and before <= (max(_OPENING, 0.1 * text) if len(found) >= _SEVERAL else _TITLE_PAGE)
        and len({shown[at].text for at in found}) >= _DIFFERENT * len(found)
    )


def _text_after(shown: Sequence[Shown], at: int) -> int:
    """How much text follows a paragraph."""
    return sum(len(each.text) for each in shown[at + 1 :])


def _with_levels(shown: Sequence[Shown], found: Sequence[int]) -> list[tuple[int, int]]:
    """The headings' levels by their sizes. Only if the first one has the next right below it, it is the title."""
    sizes: list[float] = []
    for size in sorted({shown[at].look.size for at in found}, reverse=True):
        if not sizes or sizes[-1] - size > _SAME_SIZE:
            sizes.append(size)
    levels = [
        min(sum(size - shown[at].look.size > _SAME_SIZE for size in sizes) + 1, _LEVELS) for at in found
    ]
    pairs = [
        at
        for at, following in pairwise(found)
        if sum(len(each.text) for each in shown[at + 1 : following]) <= _LONGEST_BYLINE
    ]
    if pairs == found[:1] and len(found) > 2 and levels[0] <= min(levels[1:]):
        levels[0] = -1
    return [(shown[at].line, level) for at, level in zip(found, levels, strict=True)]
