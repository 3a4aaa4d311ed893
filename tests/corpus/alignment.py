"""Which letters of a book stand in what was made of it: two texts aligned, in order, by letters and digits alone.

Quotes, dashes, spaces, capitals and a hyphen at a line's end may differ.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from itertools import pairwise

Range = tuple[int, int]

# -- letters ----------------------------------------------------------------------------------------------

# Marks that stand within a line of a story and are nobody's words: a footnote's number, a page's, a picture.
_MARKS = re.compile(r"\[(?:\d{1,3}|[A-Z*†‡]|FN ?#?\d+|Pg\.? ?\w+|Illustration)\]|\{\d{1,4}\}")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def _without_marks(line: str) -> str:
    return _MARKS.sub(lambda mark: " " * len(mark[0]), line)


@dataclass(frozen=True)
class Letters:
    """A text's letters in one string, and where each of them stood in the text."""

    letters: str
    places: list[int]
    word_starts: list[int]  # where a word begins, in `letters`
    text: str

    def is_line_start(self, letter: int) -> bool:
        """Whether only white space and signs stand before that letter on its line (true at the very end)."""
        return letter >= len(self.letters) or letter in self._line_starts

    def is_paragraph_start(self, letter: int) -> bool:
        """Whether a blank line stands between the letter before and this one."""
        if letter in (0, len(self.letters)):
            return True
        return "\n\n" in self.text[self.places[letter - 1] : self.places[letter]]

    @cached_property
    def _line_starts(self) -> set[int]:
        starts = {0}
        for index, (before, after) in enumerate(pairwise(self.places), 1):
            if after - before > 1 and "\n" in self.text[before:after]:
                starts.add(index)
        return starts


def letters_of(text: str) -> Letters:
    """The letters and digits of a text, without case, with what its marks hold left out."""
    letters: list[str] = []
    places: list[int] = []
    starts: list[int] = []
    for word in _WORD.finditer(_without_marks(text)):
        starts.append(len(letters))
        if word[0].isascii() and word[0].isalnum():  # nearly all words; the rest letter by letter
            letters.extend(word[0].lower())
            places.extend(range(*word.span()))
            continue
        for place, sign in enumerate(word[0], word.start()):
            for letter in unicodedata.normalize("NFKC", sign).casefold():
                if letter.isalnum():
                    letters.append(letter)
                    places.append(place)
    return Letters("".join(letters), places, starts, text)


# -- which letter became which ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """Letters `raw` to `raw + length` of the book are letters `out` to `out + length` of what was made of it."""

    raw: int
    out: int
    length: int


def align(raw: Letters, out: Letters) -> list[Run]:
    """The stretches that the two have in common, in order in both: none crosses another.

    Long stretches of letters that occur once in either text are found first (a patient diff), grown to both
    sides, and what lies between them is searched in the same way with shorter ones. Where a line was dropped
    that begins like the line after it, the cut is put at line ends.
    """
    runs = _between(raw, out, (0, len(raw.letters)), (0, len(out.letters)), (32, 12))
    return _slide(raw, out, _merged(runs))


def _between(
    raw: Letters, out: Letters, raw_span: Range, out_span: Range, lengths: tuple[int, ...]
) -> list[Run]:
    if raw_span[0] >= raw_span[1] or out_span[0] >= out_span[1]:
        return []
    if not lengths:
        return _word_runs(raw, out, raw_span, out_span)
    anchors = _anchors(raw, out, raw_span, out_span, lengths[0])
    runs = _grown(raw.letters, out.letters, anchors, raw_span, out_span)
    found: list[Run] = []
    at = Run(raw_span[0], out_span[0], 0)
    for run in [*runs, Run(raw_span[1], out_span[1], 0)]:
        gap = (at.raw + at.length, run.raw), (at.out + at.length, run.out)
        found += [*_between(raw, out, *gap, lengths[1:]), run]
        at = run
    return [run for run in found if run.length]


def _anchors(raw: Letters, out: Letters, raw_span: Range, out_span: Range, length: int) -> list[Range]:
    """Word starts where the next `length` letters stand once in each span and are the same, in order in both."""
    here = _shingles(raw, raw_span, length)
    there = _shingles(out, out_span, length)
    pairs = [(at, there[letters]) for letters, at in here.items() if letters in there]
    return _longest_rise(sorted(pairs))


def _shingles(text: Letters, span: Range, length: int) -> dict[str, int]:
    first, last = (bisect_left(text.word_starts, place) for place in span)
    found: dict[str, int] = {}
    twice = set()
    for start in text.word_starts[first:last]:
        if start + length > span[1]:
            break
        letters = text.letters[start : start + length]
        if letters in found:
            twice.add(letters)
        found[letters] = start
    for letters in twice:
        del found[letters]
    return found


def _longest_rise(pairs: list[Range]) -> list[Range]:
    """The longest chain of pairs that rises on both sides; the first sides rise already."""
    ends: list[int] = []  # for each length of chain, the smallest second side that ends one
    tails: list[int] = []
    before: list[int] = []
    for index, (_, second) in enumerate(pairs):
        place = bisect_left(ends, second)
        before.append(tails[place - 1] if place else -1)
        ends[place:], tails[place:] = [second, *ends[place + 1 :]], [index, *tails[place + 1 :]]
    chain = []
    index = tails[-1] if tails else -1
    while index >= 0:
        chain.append(pairs[index])
        index = before[index]
    return chain[::-1]


def _grown(raw: str, out: str, anchors: list[Range], raw_span: Range, out_span: Range) -> list[Run]:
    """A run about each anchor, as long as the letters agree."""
    runs: list[Run] = []
    raw_at, out_at = raw_span[0], out_span[0]
    for raw_start, out_start in anchors:
        if raw_start < raw_at or out_start < out_at:  # within the run before
            continue
        start = raw_start
        while start > raw_at and start - raw_start + out_start > out_at:
            if raw[start - 1] != out[start - 1 - raw_start + out_start]:
                break
            start -= 1
        end, shift = raw_start, out_start - raw_start
        last = min(raw_span[1], out_span[1] - shift)
        while end < last and raw[end] == out[end + shift]:
            end += 1
        runs.append(Run(start, start + shift, end - start))
        raw_at, out_at = end, end + shift
    return runs


def _word_runs(raw: Letters, out: Letters, raw_span: Range, out_span: Range) -> list[Run]:
    """Short gaps by whole words; a gap of which one side is long holds at most a few that are right."""
    raw_words, out_words = _words(raw, raw_span), _words(out, out_span)
    here = [raw.letters[first:last] for first, last in raw_words]
    there = [out.letters[first:last] for first, last in out_words]
    if len(here) * len(there) > 4_000_000:
        return []
    runs = []
    for block in SequenceMatcher(None, here, there, autojunk=False).get_matching_blocks():
        for step in range(block.size):
            first, last = raw_words[block.a + step]
            runs.append(Run(first, out_words[block.b + step][0], last - first))
    return runs


def _words(text: Letters, span: Range) -> list[Range]:
    first, last = (bisect_left(text.word_starts, place) for place in span)
    starts = text.word_starts[first:last]
    if not starts or starts[0] > span[0]:
        starts = [span[0], *starts]
    return list(pairwise([*starts, span[1]]))


def _merged(runs: Iterable[Run]) -> list[Run]:
    merged: list[Run] = []
    for run in runs:
        last = merged[-1] if merged else None
        if last and (last.raw + last.length, last.out + last.length) == (run.raw, run.out):
            merged[-1] = Run(last.raw, last.out, last.length + run.length)
        else:
            merged.append(run)
    return merged


def _slide(raw: Letters, out: Letters, runs: list[Run]) -> list[Run]:
    """The same runs; where a gap of dropped letters could as well stand elsewhere, it stands at line ends."""
    slid = runs[:1]
    for after in runs[1:]:
        before = slid[-1]
        gap = before.raw + before.length, after.raw
        if before.out + before.length == after.out:
            shift = _best_shift(raw, out, before, after, gap)
            before = Run(before.raw, before.out, before.length + shift)
            after = Run(after.raw + shift, after.out + shift, after.length - shift)
        slid[-1:] = [before, after]
    return [run for run in slid if run.length > 0]


def _best_shift(raw: Letters, out: Letters, before: Run, after: Run, gap: Range) -> int:
    letters = raw.letters
    low = high = 0
    while low > -before.length and letters[gap[0] + low - 1] == letters[gap[1] + low - 1]:
        low -= 1
    while high < after.length and letters[gap[0] + high] == letters[gap[1] + high]:
        high += 1

    def badness(shift: int) -> tuple[int, int, int]:
        first, last, joint = gap[0] + shift, gap[1] + shift, after.out + shift
        line_ends = raw.is_line_start(first) + raw.is_line_start(last)
        blanks = raw.is_paragraph_start(first) + raw.is_paragraph_start(last) + out.is_paragraph_start(joint)
        return -line_ends, -blanks, abs(shift)

    return min(range(low, high + 1), key=badness)
