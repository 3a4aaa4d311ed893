"""A text of any signs is read, cleaned and divided in a time that grows with its length, and a stop is heard in it."""

import contextlib
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from storytime_tui import stopping
from storytime_tui.corpus.cleaning import gutenberg_marks
from storytime_tui.corpus.collection import facts_of
from storytime_tui.corpus.dividing import heading_rules, titles
from storytime_tui.corpus.dividing.divide import read_book
from storytime_tui.corpus.formats import markup, markup_rules
from storytime_tui.corpus.formats.read import read_document
from storytime_tui.corpus.library.prepared import Source, prepare_sources
from storytime_tui.corpus.names import safe_file_name
from storytime_tui.errors import CorpusError
from storytime_tui.jobs import shelves
from storytime_tui.jobs.progress import Stopped

START = "*** START OF THE PROJECT GUTENBERG EBOOK X ***\n"
# What took minutes, or would have: each is made as long as is wanted, and read under each of these suffixes.
LONG = {
    "headings of one level": (lambda n: "# a\n" * (n // 4), ".md", 40_000),
    "headings without text": (lambda n: "## a\n\n" * (n // 6), ".txt", 240_000),
    "brackets that stay open": (lambda n: "[Illustration\n\n" * (n // 15), ".txt", 24_000),
    "white space before a bracket": (lambda n: "a(1) " * (n // 10) + "\x85" * (n // 2) + "[", ".txt", 120_000),
    "white space before a word": (lambda n: "\t" * (n // 2) + "<button>" * (n // 16), ".txt", 120_000),
    "white space before a mark": (lambda n: f"{START}a{' ' * n}b*** END OF THE PROJECT GUTENBERG", ".txt", 60_000),
    "a contents list of one title": (
        lambda n: "CONTENTS\n\n" + "LIST OF ILLUSTRATIONS\n\n" * (n // 23), ".txt", 30_000
    ),
    "attributes without end": (lambda n: "<p " + " ".join(map("a{}=1".format, range(n // 8))), ".html", 240_000),
    "a class name of many parts": (lambda n: f"<p class='poem{'_a' * (n // 9)}!'>a</p>" * 9, ".html", 2_000),
    "deep elements": (lambda n: "<div>" * 1000 + "<h1>a</h1><p>b</p>" * (n // 18), ".html", 15_000),
    "one word": (lambda n: "x" * n, ".txt", 240_000),
    "combining marks": (lambda n: "e" + "\u0301" * n, ".txt", 120_000),
    "quotes": (lambda n: '"' * n, ".txt", 240_000),
    "markup of links": (lambda n: "![" * (n // 2), ".md", 12_000),
    "lists in lists": (lambda n: "> - " * (n // 4), ".md", 30_000),
}  # fmt: skip


def seconds(path: Path) -> float:
    """How long the processor takes for all that an import makes of a file."""
    began = time.process_time()
    with contextlib.suppress(CorpusError):
        for tale in read_book(read_document(path)).tales:
            facts_of(tale.text)
    return time.process_time() - began


@pytest.mark.parametrize("kind", LONG)
def test_four_times_the_text_takes_about_four_times_as_long(kind: str, tmp_path: Path) -> None:
    make, suffix, length = LONG[kind]
    short, long = tmp_path / f"short{suffix}", tmp_path / f"long{suffix}"
    short.write_text(make(length // 4), encoding="utf-8")
    long.write_text(make(length), encoding="utf-8")
    seconds(short)  # what is loaded and built once is none of it
    # what grows with the square takes sixteen times as long, each time; other programs may disturb one of them
    assert any(seconds(long) < 10 * max(seconds(short), 0.05) for _ in range(4))


@pytest.mark.parametrize(
    ("piece", "suffix"),
    [
        ("# a\n", ".md"),
        ("a\n", ".md"),
        ("*a ", ".md"),
        ("## a\n\n", ".txt"),
        ("CHAPTER I\n\n", ".txt"),
        ("Once a fox slept.\n\n", ".txt"),
        ("once a fox slept under the hill and ate all of the apples that\n", ".txt"),
        ("<p>a</p>", ".html"),
    ],
)
def test_a_stop_is_asked_for_all_through_one_file(
    piece: str, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "_EVERY", 0.0)
    path = tmp_path / f"tale{suffix}"
    path.write_text(piece * (30_000 // len(piece)))
    asked = [time.process_time()]
    with stopping.stop_check(lambda: asked.append(time.process_time())):
        read_book(read_document(path))
    asked.append(time.process_time())
    pauses = [after - before for before, after in pairwise(asked)]
    assert len(asked) > 20
    assert max(pauses) < max(1.0, 0.5 * sum(pauses))


def test_a_stop_ends_the_import_of_one_file_and_leaves_nothing(tmp_path: Path, home: Path) -> None:
    path = tmp_path / "tale.md"
    path.write_text("# a\n" * 100_000)
    stop = threading.Event()
    told: list[str] = []

    def report(words: str, done: int, total: int) -> None:
        told.append(words)
        if told.count("reading") > 3:  # the file is being read: it is the only one
            stop.set()

    began = time.process_time()
    with pytest.raises(Stopped):
        shelves.add([path], report=report, stop=stop)
    assert time.process_time() - began < 5, "and not when the file has been read"
    assert not list((home / "collections").glob("*"))


def test_what_is_asked_may_end_the_preparing(tmp_path: Path) -> None:
    path = tmp_path / "tale.txt"
    path.write_text("Once a fox slept under the hill.\n\n" * 2000)

    class Enough(Exception):
        pass

    def progress(done: int, total: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        prepare_sources([Source(path, "tale.txt")], tmp_path / "cache", on_progress=progress)
    assert list((tmp_path / "cache").glob("*")) == []


def test_nobody_listens_outside_of_the_block() -> None:
    asked: list[int] = []
    with stopping.stop_check(lambda: asked.append(1)):
        assert list(stopping.stoppable("abc")) == ["a", "b", "c"]
    stopping.check_stop()
    assert asked == [1], "the first question comes at once, the next not before its time"


def test_a_title_of_a_whole_file_is_short(tmp_path: Path) -> None:
    path = tmp_path / "tale.md"
    path.write_text("# a\n" * 5000 + "\nOnce a fox slept under the hill and ate apples.\n")
    made = prepare_sources([Source(path, "tale.md")], tmp_path / "cache")
    assert max(len(story.title) for story in made.stories) <= 300


def test_many_files_of_one_name_get_names_of_their_own_quickly() -> None:
    taken: set[str] = set()
    began = time.process_time()
    names = [safe_file_name("???.txt", taken) for _ in range(20_000)]
    assert len({name.casefold() for name in names}) == 20_000
    assert names[:3] == ["---.txt", "--- (2).txt", "--- (3).txt"]
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("look", "begun", "more"),
    [
        (titles._FOOTNOTE_MARK.findall, "a", " "),
        (titles._TORN.findall, "a-", " "),
        (heading_rules._FRONT.fullmatch, "", "list of "),
        (gutenberg_marks._CREDIT.match, "", "\t"),
        (markup_rules._VERSE.fullmatch, "poem", "_a"),
        (markup._TAG.findall, "<p ", "a='"),
        (markup._TAG.findall, "", "<a "),
        (markup._TAG.findall, "<a ", "a = "),
    ],
)
def test_a_pattern_looks_at_each_sign_a_few_times(
    look: Callable[[str], object], begun: str, more: str
) -> None:
    text = begun + more * 30_000 + "!"
    began = time.process_time()
    look(text)
    assert time.process_time() - began < 2
