"""How well books were cleaned, measured against lines that a reader marked by hand.

    python -m tests.corpus.truth_tools [--errors] [BOOK ...]    a table; with --errors, the lines that went wrong

A truth file holds line numbers only, no text: 1-based, inclusive, counted in the file as it is distributed,
decoded, with every line end made a newline.
"""

import hashlib
import re
import sys
import tomllib
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from storytime_tui.corpus.document import Tale
from tests.corpus.alignment import Letters, Range, align, letters_of
from tests.corpus.telltales import leftover_marks, telltale_lines

TRUTH = Path(__file__).parent / "truth"
SHARED = Path(__file__).parents[3] / "shared"
BOOKS = SHARED / "gutenberg_raw"
GRIMM = SHARED / "corpora" / "grimm" / "raw_text"

KINDS = ("story", "title", "drop", "either")


# -- files ------------------------------------------------------------------------------------------------


def lines_of(path: Path) -> list[str]:
    """A file's lines as the truth files count them."""
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "cp1252", "latin-1"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return re.sub("\r\n|\r", "\n", text).split("\n")
    raise AssertionError("latin-1 decodes every byte")


@dataclass(frozen=True)
class Truth:
    """What a reader marked in one book: for each kind of line its ranges."""

    name: str
    file: str
    bytes: int
    sha256: str
    ranges: dict[str, tuple[Range, ...]]

    @property
    def path(self) -> Path:
        """Where the book stands when ../shared is there."""
        return BOOKS / self.file


def truth_of(path: Path) -> Truth:
    """The truth file of one book."""
    table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    ranges = {kind: tuple(map(_range, table[kind])) for kind in KINDS}
    return Truth(path.stem, table["file"], table["bytes"], table["sha256"], ranges)


def _range(entry: int | list[int]) -> Range:
    return (entry, entry) if isinstance(entry, int) else (entry[0], entry[1])


def truths() -> list[Truth]:
    """Every book that was marked."""
    return [truth_of(path) for path in sorted(TRUTH.glob("book_*.toml"))]


def is_same_file(path: Path, size: int, sha256: str) -> bool:
    """Whether a file is, byte for byte, the one that was marked."""
    data = path.read_bytes()
    return len(data) == size and hashlib.sha256(data).hexdigest() == sha256


def marking_faults(raw_lines: Sequence[str], ranges: dict[str, tuple[Range, ...]]) -> list[str]:
    """What is wrong with a truth file: lines marked twice, not at all, or not in the book."""
    marks: Counter[int] = Counter()
    faults = []
    for kind, pairs in ranges.items():
        for first, last in pairs:
            if not 1 <= first <= last <= len(raw_lines):
                faults.append(f"{kind} {first}-{last} is no range of the book's {len(raw_lines)} lines")
            marks.update(range(first, last + 1))
    faults += [
        f"line {number} is marked {count} times" for number, count in sorted(marks.items()) if count > 1
    ]
    words = (number for number, line in enumerate(raw_lines, 1) if line.strip() and not marks[number])
    return faults + [f"line {number} is not marked" for number in words]


# -- words kept -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LineCount:
    """How many words a line of a book has, and how many of them stand in what was made of it."""

    kept: int
    words: int


def line_counts(raw_lines: Sequence[str], output_text: str) -> list[LineCount]:
    """For each line of a book the words that survived at their own place. A word survives as a whole or not."""
    raw, out = letters_of("\n".join(raw_lines)), letters_of(output_text)
    there = bytearray(len(raw.letters))
    for run in align(raw, out):
        there[run.raw : run.raw + run.length] = b"\1" * run.length
    line_ends, end = [], -1
    for text in raw_lines:
        end += len(text) + 1
        line_ends.append(end)
    kept, words = [0] * len(raw_lines), [0] * len(raw_lines)
    for first, last in pairwise([*raw.word_starts, len(raw.letters)]):
        line = bisect_left(line_ends, raw.places[first] + 1)
        words[line] += 1
        kept[line] += all(there[first:last])
    return [LineCount(*count) for count in zip(kept, words, strict=True)]


def total(counts: Sequence[LineCount], ranges: Iterable[Range]) -> tuple[int, int]:
    """The words kept and all words of these lines."""
    lines = [count for first, last in ranges for count in counts[first - 1 : last]]
    return sum(line.kept for line in lines), sum(line.words for line in lines)


def kept(raw_lines: Sequence[str], ranges: Iterable[Range], output_text: str) -> tuple[int, int]:
    """Of the words in these lines of a book: how many stand, in order, in the output; and how many there are."""
    return total(line_counts(raw_lines, output_text), ranges)


# -- titles -----------------------------------------------------------------------------------------------


def key(text: str) -> str:
    """A title as it is compared: its letters and digits."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", text).casefold() if sign.isalnum())


def missing_titles(raw_lines: Sequence[str], ranges: Iterable[Range], shown: Sequence[str]) -> list[str]:
    """The headings of a book that nobody shows as a title, in their order in the book.

    A shown title may leave a part out ("Chapter I", or the name after it), but not more than half.
    """
    left, missing = [key(title) for title in shown], []
    at = 0
    for first, last in ranges:
        heading = " ".join(line.strip() for line in raw_lines[first - 1 : last] if line.strip())
        places = [place for place in range(at, len(left)) if _same_title(left[place], key(heading))]
        if places:
            at = places[0] + 1
        else:
            missing.append(heading)
    return missing


def _same_title(shown: str, heading: str) -> bool:
    shorter, longer = sorted((shown, heading), key=len)
    return bool(shorter) and shorter in longer and 2 * len(shorter) >= len(longer)


# -- hard wraps and verse ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wraps:
    """Line ends of one file: which hard wraps were joined, which were not, and which verse was broken."""

    joined: tuple[int, ...]  # the 1-based number of the line before each
    left: tuple[int, ...]
    broken: tuple[Range, ...]  # the marked passages of which a line was joined, cut off, or lost
    whole: tuple[Range, ...]


def wraps_of(
    raw_lines: Sequence[str], passages: Sequence[Range], others: Sequence[Range], output_text: str
) -> Wraps:
    """What became of a file's line ends.

    A line end between two lines with words is a hard wrap unless one of them is in `passages` (verse) or in
    `others` (titles, lists). In a passage, and at its edges, none may go.
    """
    raw, out = letters_of("\n".join(raw_lines)), letters_of(output_text)
    home = _homes(raw, out)
    line_starts, start = [], 0
    for line in raw_lines:
        line_starts.append(start)
        start += len(line) + 1
    spans = {
        number: (bisect_left(raw.places, at), bisect_left(raw.places, at + len(line)))
        for number, (at, line) in enumerate(zip(line_starts, raw_lines, strict=True), 1)
    }

    def gap(number: int) -> str | None:
        """What stands in the output between this line and the next; None where a line is not there."""
        before, after = home[spans[number][1] - 1], home[spans[number + 1][0]]
        return None if before is None or after is None else out.text[before + 1 : after]

    kind = {number: "verse" for first, last in passages for number in range(first, last + 1)}
    kind |= {number: "other" for first, last in others for number in range(first, last + 1)}
    joined: list[int] = []
    left: list[int] = []
    hurt: set[int] = set()
    for number in range(1, len(raw_lines)):
        if spans[number][0] == spans[number][1] or spans[number + 1][0] == spans[number + 1][1]:
            continue  # a blank line, or signs alone
        between, kinds = gap(number), {kind.get(number), kind.get(number + 1)}
        if kinds == {None}:
            (joined if between is not None and "\n" not in between else left).append(number)
        elif "verse" in kinds and (between is None or "\n" not in between):
            hurt |= {number, number + 1}
    broken = tuple((first, last) for first, last in passages if hurt & set(range(first, last + 1)))
    whole = tuple(passage for passage in passages if passage not in broken)
    return Wraps(tuple(joined), tuple(left), broken, whole)


def _homes(raw: Letters, out: Letters) -> list[int | None]:
    """For each letter of the raw text its place in the output text."""
    home: list[int | None] = [None] * len(raw.letters)
    for run in align(raw, out):
        home[run.raw : run.raw + run.length] = out.places[run.out : run.out + run.length]
    return home


@dataclass(frozen=True)
class GrimmTruth:
    """The verse of the Grimm files by file name, and the two names under which one tale is stored."""

    files: int
    sha256: str
    twice: tuple[str, ...]
    verse: dict[str, tuple[Range, ...]]


def grimm_truth() -> GrimmTruth:
    """What a reader marked in the Grimm files."""
    table: dict[str, Any] = tomllib.loads((TRUTH / "grimm.toml").read_text(encoding="utf-8"))
    verse = {name: tuple(map(_range, passages)) for name, passages in table["verse"].items()}
    return GrimmTruth(table["files"], table["sha256"], tuple(table["twice"]), verse)


def grimm_wraps(path: Path, truth: GrimmTruth) -> Wraps:
    """What became of the line ends of one Grimm file."""
    return wraps_of(lines_of(path), truth.verse.get(path.name, ()), (), output_of(tales_of(path)))


# -- the table --------------------------------------------------------------------------------------------


def tales_of(path: Path) -> tuple[Tale, ...]:
    """A file as the app makes stories of it."""
    from storytime_tui.corpus.dividing.divide import divide
    from storytime_tui.corpus.formats.read import read_document

    return divide(read_document(path))


def shown_titles(tales: Iterable[Tale]) -> list[str]:
    """The titles of tales and of their chapters, as one reads them."""
    return [title for tale in tales for title in (tale.title, *(chapter.title for chapter in tale.chapters))]


def output_of(tales: Iterable[Tale]) -> str:
    """All that a model would learn of them."""
    return "\n\n".join(tale.text for tale in tales)


def main(arguments: Sequence[str]) -> None:
    """Print how the marked books fare; after `--errors`, line by line."""
    names = [name for name in arguments if not name.startswith("-")]
    show = "--errors" in arguments
    print(f"{'book':12}{'story kept':>12}{'dropped':>12}{'tales':>8}{'titles found':>16}")
    for truth in truths():
        if truth.path.exists() and (not names or any(name in truth.name for name in names)):
            _print_book(truth, show)
    if not names or "grimm" in names:
        _print_grimm(show)
    if not names:
        _print_telltales(show)


def _print_book(truth: Truth, show: bool) -> None:
    lines, tales = lines_of(truth.path), tales_of(truth.path)
    counts = line_counts(lines, output_of(tales))
    story, drop = total(counts, truth.ranges["story"]), total(counts, truth.ranges["drop"])
    titles = len(truth.ranges["title"])
    missing = missing_titles(lines, truth.ranges["title"], shown_titles(tales))
    print(
        f"{truth.name:12}{story[0] / story[1]:12.3%}{1 - drop[0] / drop[1]:12.3%}{len(tales):8}"
        f"{titles - len(missing):9} of {titles}"
    )
    if show:
        for kind, wrong in (("lost", "story"), ("kept", "drop"), ("kept title", "title")):
            _print_wrong(kind, lines, counts, truth.ranges[wrong], lost=kind == "lost")
        print(*(f"    no such title: {heading}" for heading in missing[:40]), sep="\n")


def _print_wrong(
    kind: str, lines: Sequence[str], counts: Sequence[LineCount], ranges: Iterable[Range], lost: bool
) -> None:
    numbers = [number for first, last in ranges for number in range(first, last + 1)]
    wrong = [
        number
        for number in numbers
        if (counts[number - 1].kept < counts[number - 1].words if lost else counts[number - 1].kept)
    ]
    for number in wrong[:40]:
        count = counts[number - 1]
        print(
            f"    {kind:10} {number:6} ({count.kept} of {count.words} words there) {lines[number - 1].strip()}"
        )
    if len(wrong) > 40:
        print(f"    {kind:10} and {len(wrong) - 40} more lines")


def _print_grimm(show: bool) -> None:
    truth = grimm_truth()
    if not GRIMM.exists():
        return
    found = {path.name: grimm_wraps(path, truth) for path in sorted(GRIMM.glob("*.txt"))}
    joined, left = (sum(len(getattr(wraps, side)) for wraps in found.values()) for side in ("joined", "left"))
    broken, whole = (
        sum(len(getattr(wraps, side)) for wraps in found.values()) for side in ("broken", "whole")
    )
    print(
        f"grimm: {joined / (joined + left):.3%} of {joined + left} wraps joined; verse passages broken: {broken} of",
        broken + whole,
    )
    if show:
        wrong = [(name, "not joined", number) for name, wraps in found.items() for number in wraps.left]
        wrong += [(name, "broken verse", first) for name, wraps in found.items() for first, _ in wraps.broken]
        for name, what, number in wrong[:40]:
            print(f"    {what:12} {name}:{number} {lines_of(GRIMM / name)[number - 1].strip()}")


def _print_telltales(show: bool) -> None:
    for path in sorted(BOOKS.glob("*.txt")):
        text = "\n".join(text for tale in tales_of(path) for text in (tale.title, tale.text))
        wrong = telltale_lines(text) + leftover_marks(text)
        if wrong:
            print(
                f"{path.name}: {len(wrong)} lines about the file, or with a mark of a picture, page or note"
            )
        for line in wrong[: 40 if show else 0]:
            print(f"    {line.strip()[:100]}")


if __name__ == "__main__":
    main(sys.argv[1:])
