"""Whole books come out clean: measured against lines that were marked by hand, and on books made for the test."""

import hashlib
import tomllib
from functools import cache
from pathlib import Path

import pytest

from storytime_tui.corpus.document import Document, Tale
from tests.corpus import invented_books
from tests.corpus.invented_books import Book
from tests.corpus.telltales import leftover_marks, telltale_lines
from tests.corpus.truth_tools import (
    BOOKS,
    GRIMM,
    TRUTH,
    Truth,
    grimm_truth,
    grimm_wraps,
    is_same_file,
    key,
    line_counts,
    lines_of,
    marking_faults,
    missing_titles,
    output_of,
    shown_titles,
    tales_of,
    total,
    truths,
    wraps_of,
)

STORY_KEPT, REST_DROPPED, TITLES_FOUND, WRAPS_JOINED = 0.995, 0.99, 0.9, 0.99

cached_tales = cache(tales_of)

needs_books = pytest.mark.skipif(
    not BOOKS.is_dir(), reason="the books as distributed are not here (../shared/gutenberg_raw)"
)
needs_grimm = pytest.mark.skipif(
    not GRIMM.is_dir(), reason="the Grimm files are not here (../shared/corpora/grimm)"
)


def books() -> list[object]:
    return [pytest.param(truth, id=truth.name) for truth in truths()]


def divided(book: Book) -> tuple[Tale, ...]:
    from storytime_tui.corpus.dividing.divide import divide

    return divide(Document(book.text))


# -- books made for the test ------------------------------------------------------------------------------

INVENTED = {
    "before": invented_books.before_the_book,
    "after": invented_books.after_the_book,
    "pictures": invented_books.with_pictures,
}


@pytest.mark.parametrize("style", INVENTED)
def test_an_invented_book_keeps_its_story_and_drops_the_rest(style):
    book = INVENTED[style]()
    assert marking_faults(book.lines, book.ranges) == []
    text = output_of(divided(book))
    counts = line_counts(book.lines, text)
    story, drop = total(counts, book.ranges["story"]), total(counts, book.ranges["drop"])
    assert story[0] >= STORY_KEPT * story[1]
    assert drop[0] <= (1 - REST_DROPPED) * drop[1]
    assert telltale_lines(text) == leftover_marks(text) == []


@pytest.mark.parametrize("style", INVENTED)
def test_an_invented_book_shows_its_titles(style):
    book = INVENTED[style]()
    tales = divided(book)
    assert missing_titles(book.lines, book.ranges["title"], shown_titles(tales)) == []
    if book.titles:  # an omnibus; the other is a novel, and stays one story
        assert [key(tale.title) for tale in tales] == [key(title) for title in book.titles]
    else:
        assert len(tales) == 1 and len(tales[0].chapters) == len(book.ranges["title"])


@pytest.mark.parametrize("style", INVENTED)
def test_an_invented_book_is_unwrapped_and_its_verse_and_letter_are_not(style):
    book = INVENTED[style]()
    story = [number for first, last in book.ranges["story"] for number in range(first, last + 1)]
    indented = [number for number in story if book.lines[number - 1].startswith("    ")]
    on_purpose = [(n, n + 1) for n in indented if n + 1 in indented]
    others = [pair for kind in ("title", "drop", "either") for pair in book.ranges[kind]]
    wraps = wraps_of(book.lines, on_purpose, others, output_of(divided(book)))
    assert not wraps.broken and not wraps.left and len(wraps.joined) > 20
    assert len(wraps.whole) >= 2


# -- the marked books -------------------------------------------------------------------------------------


def test_four_books_and_the_grimm_files_are_marked():
    assert len(truths()) >= 4
    assert sum(map(len, grimm_truth().verse.values())) >= 40


@needs_books
@pytest.mark.parametrize("truth", books())
def test_every_line_of_a_marked_book_is_marked_once(truth: Truth):
    if not truth.path.exists():
        pytest.skip(f"{truth.file} is not here")
    assert is_same_file(truth.path, truth.bytes, truth.sha256), "another edition: its lines are not these"
    lines = lines_of(truth.path)
    assert marking_faults(lines, truth.ranges) == []
    marked = "\n".join(
        line for kind in ("story", "title") for a, b in truth.ranges[kind] for line in lines[a - 1 : b]
    )
    assert telltale_lines(marked) == [], "the telltales cry wolf"


@needs_books
@pytest.mark.parametrize("truth", books())
def test_a_marked_book_keeps_its_story_and_drops_the_rest(truth: Truth):
    if not truth.path.exists():
        pytest.skip(f"{truth.file} is not here")
    counts = line_counts(lines_of(truth.path), output_of(cached_tales(truth.path)))
    story, drop = total(counts, truth.ranges["story"]), total(counts, truth.ranges["drop"])
    assert story[0] >= STORY_KEPT * story[1]
    assert drop[0] <= (1 - REST_DROPPED) * drop[1]


@needs_books
@pytest.mark.parametrize("truth", books())
def test_the_headings_of_a_marked_book_are_titles_and_no_story(truth: Truth):
    if not truth.path.exists():
        pytest.skip(f"{truth.file} is not here")
    lines, tales = lines_of(truth.path), cached_tales(truth.path)
    missing = missing_titles(lines, truth.ranges["title"], shown_titles(tales))
    assert len(missing) <= (1 - TITLES_FOUND) * len(truth.ranges["title"]), missing
    left, words = total(line_counts(lines, output_of(tales)), truth.ranges["title"])
    assert left <= (1 - TITLES_FOUND) * words


@needs_books
@pytest.mark.parametrize("path", sorted(BOOKS.glob("*.txt")), ids=lambda path: path.stem)
def test_no_licence_or_transcriber_line_survives(path: Path):
    tales = cached_tales(path)
    assert sum(len(tale.text.split()) for tale in tales) > 10_000, "a book that came out empty is clean, too"
    for tale in tales:
        assert telltale_lines(tale.title) == telltale_lines(tale.text) == []
        assert leftover_marks(tale.text) == []


@needs_books
def test_grimms_fairy_tales_come_apart_into_their_62_tales():
    table = tomllib.loads((TRUTH / "titles_2591.toml").read_text(encoding="utf-8"))
    assert len(table["titles"]) == 62
    path = BOOKS / "2591_2591-0.txt"
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    tales = cached_tales(path)
    assert [key(tale.title) for tale in tales] == [key(title) for title in table["titles"]]
    by_title = {key(tale.title): tale for tale in tales}
    for title, parts in table["parts"].items():
        chapters = [key(chapter.title) for chapter in by_title[key(title)].chapters]
        assert all(any(chapter and chapter in key(part) for chapter in chapters) for part in parts)


# -- the Grimm files --------------------------------------------------------------------------------------


@needs_grimm
def test_the_grimm_files_are_those_that_were_marked():
    truth, paths = grimm_truth(), sorted(GRIMM.glob("*.txt"))
    assert len(paths) == truth.files and set(truth.verse) | set(truth.twice) <= {path.name for path in paths}
    assert hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest() == truth.sha256
    for name, passages in truth.verse.items():
        lines = lines_of(GRIMM / name)
        assert all(line.startswith(" ") for first, last in passages for line in lines[first - 1 : last])


@needs_grimm
def test_hard_wraps_of_the_grimm_files_are_joined_and_no_line_of_verse():
    truth = grimm_truth()
    found = {path.name: grimm_wraps(path, truth) for path in sorted(GRIMM.glob("*.txt"))}
    joined, left = (
        sum(len(getattr(wraps, which)) for wraps in found.values()) for which in ("joined", "left")
    )
    assert joined >= WRAPS_JOINED * (joined + left)
    assert {name: wraps.broken for name, wraps in found.items() if wraps.broken} == {}
    assert sum(len(wraps.whole) for wraps in found.values()) >= 40


@needs_grimm
def test_a_grimm_file_is_one_tale():
    assert {
        path.name: len(cached_tales(path)) for path in GRIMM.glob("*.txt") if len(cached_tales(path)) != 1
    } == {}


@needs_grimm
def test_the_tale_that_is_stored_twice_comes_out_as_one_text():
    first, second = (output_of(cached_tales(GRIMM / name)) for name in grimm_truth().twice)
    assert first == second and first
