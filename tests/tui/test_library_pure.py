"""The Library's pure functions: pasted text, cells, rows, ticks, tallies, sheets, the key line."""

import dataclasses
import itertools
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from storytime_tui.corpus.collection import Collection, Story
from storytime_tui.corpus.document import Chapter
from storytime_tui.formatting import folded, size
from storytime_tui.jobs.shelves import Copy
from storytime_tui.terminal import printable
from storytime_tui.tui.cells import fitted, wrapped
from storytime_tui.tui.import_task import ImportTask
from storytime_tui.tui.pasted import PastedText, Sources, read_paste, sources_of, typed_sources
from storytime_tui.tui.sheets import collection_sheet, story_sheet
from storytime_tui.tui.shelf_rows import TITLE, Titles, rows_of
from storytime_tui.tui.ticks import Ticks
from storytime_tui.tui.totals import Totals, original_of, ticked_duplicates, totals_of, training_stories
from storytime_tui.tui.widgets.key_line import Shown, fitting
from storytime_tui.tui.wording import about, compact
from tests.tui.fake_library import SHELF, collection

HOME = os.path.expanduser("~")

# -- what is pasted ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pasted", "sources"),
    [
        ("/home/me/tale.txt", ["/home/me/tale.txt"]),
        ("  /home/me/tale.txt \n", ["/home/me/tale.txt"]),
        ("'/home/me/my tale.txt'", ["/home/me/my tale.txt"]),
        ('"/home/me/my tale.txt"', ["/home/me/my tale.txt"]),
        ("/home/me/my\\ tale\\ \\(1\\).txt", ["/home/me/my tale (1).txt"]),
        ("/home/me/my tale.txt", ["/home/me/my tale.txt"]),
        ("/home/me/Alice's tale.txt", ["/home/me/Alice's tale.txt"]),
        ("/a.txt /b.txt", ["/a.txt", "/b.txt"]),
        ("'/a b.txt' '/c d.txt' ", ["/a b.txt", "/c d.txt"]),
        ("/a.txt\r/b.txt\r", ["/a.txt", "/b.txt"]),
        ("/a.txt\n/a.txt", ["/a.txt"]),
        ("file:///home/me/my%20tale.txt", ["/home/me/my tale.txt"]),
        ("file://localhost/a.txt\nfile:///b.txt", ["/a.txt", "/b.txt"]),
        ("FILE:///C:/Books/a.txt", ["C:/Books/a.txt"]),
        ("https://example.org/a?b=c#d", ["https://example.org/a?b=c#d"]),
        ("HTTP://EXAMPLE.ORG/x https://b.org/y", ["HTTP://EXAMPLE.ORG/x", "https://b.org/y"]),
        ("~/books", [f"{HOME}/books"]),
        ("./books/a.txt", ["./books/a.txt"]),
        ("C:\\Books\\My Tale.txt", ["C:\\Books\\My Tale.txt"]),
        ('"C:\\Books\\a b.txt" "D:\\c.txt"', ["C:\\Books\\a b.txt", "D:\\c.txt"]),
        ("/снег/狐.txt", ["/снег/狐.txt"]),
    ],
)
def test_what_terminals_write_for_dropped_files(pasted: str, sources: list[str]) -> None:
    assert read_paste(pasted) == Sources(tuple(sources))


@pytest.mark.parametrize(
    "pasted",
    [
        "",
        " \n",
        "/",
        "once upon a time",
        "see https://example.org",
        "ftp://example.org/a",
        "file://host/a.txt",
        "-/-",
    ],
)
def test_what_is_neither_a_path_nor_a_story(pasted: str) -> None:
    assert read_paste(pasted) is None


def test_a_text_is_offered_as_a_story_with_its_first_line_for_a_title() -> None:
    assert read_paste("# The Fox\r\n\r\nOnce.\r\n") == PastedText("# The Fox\n\nOnce.\n", "The Fox")
    long = "Once there was a fox who could not count and so he ate all of his geese but one, " * 3
    words = read_paste(long)
    assert isinstance(words, PastedText)
    assert words.title == "Once there was a fox who could not count and so he ate all"
    assert isinstance(read_paste("/a.txt\nand then a story"), PastedText)
    assert isinstance(read_paste("/a " * 40_000), PastedText)  # nobody drops so many


def test_what_is_typed_may_be_a_path_of_any_look() -> None:
    assert typed_sources("books/my tales") == ("books/my tales",)
    assert typed_sources(" 'my tales' ") == ("my tales",)
    assert typed_sources("~") == (HOME,)
    assert typed_sources("https://example.org/a") == ("https://example.org/a",)
    assert typed_sources("  ") == ()


@given(st.text(max_size=200))
def test_any_paste_can_be_read(text: str) -> None:
    found = read_paste(text)
    if isinstance(found, Sources):
        assert all(found.sources)
    assert len(sources_of(text)) == len(set(sources_of(text)))


# -- cells ------------------------------------------------------------------------------------------------

LETTERS = st.text(
    st.sampled_from("ab é“—狐萄\u0301\u200d😀\t\x1b\n") | st.characters(exclude_categories=["Cs"]),
    max_size=120,
)


@given(LETTERS, st.integers(1, 60))
def test_a_fitted_line_has_its_cells(text: str, width: int) -> None:
    assert cell_len(fitted(printable(text).replace("\n", " ").replace("\t", " "), width)) == width


@given(LETTERS, st.integers(12, 80))
def test_wrapping_keeps_every_sign_and_the_width(text: str, width: int) -> None:
    lines = list(wrapped(text, width))
    assert all(cell_len(line) <= width for line in lines)
    assert all(printable(line) == line for line in lines)
    assert "".join("".join(lines).split()) == "".join(printable(text).split())


@given(st.lists(st.text("abcdefg", min_size=1, max_size=12), min_size=1, max_size=60), st.integers(12, 40))
def test_lines_break_between_words_and_are_as_full_as_can_be(words: list[str], width: int) -> None:
    lines = list(wrapped(" ".join(words), width))
    assert " ".join(lines).split() == words
    for line, following in itertools.pairwise(lines):
        assert len(line) + 1 + len(following.split()[0]) > width


def test_wide_text_breaks_where_it_must_and_shapes_stay() -> None:
    assert list(wrapped("狐と葡萄の話である。", 12)) == ["狐と葡萄の話", "である。"]
    assert list(wrapped("  a verse\n    of two lines\n\nend", 20)) == [
        "  a verse",
        "    of two lines",
        "",
        "end",
    ]
    assert list(wrapped("    " + "word " * 5, 14)) == ["    word word", "word word word"]
    assert list(wrapped("x" * 30, 14)) == ["x" * 14, "x" * 14, "xx"]
    assert list(wrapped("an “ox” – and a word beyond", 14)) == ["an “ox” – and", "a word beyond"]


@pytest.mark.parametrize("text", ["word " * 400_000, "x" * 2_000_000, "A line of “talk”.\n" * 100_000])
@pytest.mark.timeout(60)  # half a second; looking back from each line to the first would take hours
def test_a_story_of_2_mb_is_wrapped_in_a_moment(text: str) -> None:
    assert sum(1 for _ in wrapped(text, 76)) > 20_000


# -- rows and filter --------------------------------------------------------------------------------------


def found(shelf: tuple[Collection, ...], wanted: str) -> list[tuple[str, int, bool]]:
    return [(shelf[s.place].name, len(s.stories), s.whole) for s in Titles(shelf).matching(wanted)]


def test_every_word_must_be_in_the_title_the_collection_or_the_author() -> None:
    assert found(SHELF, "") == [("hedgerow", 10, True), ("fir-trees", 17, True), ("attic", 15, True)]
    assert found(SHELF, "FIR") == [("fir-trees", 17, True)]
    assert found(SHELF, "fir 12") == [("fir-trees", 1, False)]
    assert found(SHELF, "other wren") == [("hedgerow", 1, False)]
    assert found(SHELF, "robins coat") == [("hedgerow", 1, False)]
    assert found(SHELF, "no such") == []
    assert folded("Ærø Mädchen’s É") == "ærø madchens e"


def test_rows_are_the_collections_and_the_stories_of_those_that_are_open() -> None:
    shown = Titles(SHELF).matching("a button")
    assert rows_of(shown, {0}) == [(0, TITLE), (0, 3)]
    assert rows_of(shown, set()) == [(0, TITLE)]
    every = Titles(SHELF).matching("")
    assert len(rows_of(every, {0, 1, 2})) == 3 + 10 + 17 + 15
    assert rows_of(every, {1})[:3] == [(0, TITLE), (1, TITLE), (1, 0)]


# -- ticks and tallies ------------------------------------------------------------------------------------


@given(st.sets(st.integers(0, 9)), st.sets(st.integers(0, 9), min_size=1))
def test_switching_ticks_all_unless_all_are_ticked(ticked: set[int], these: set[int]) -> None:
    first = SHELF[0]
    ticks = Ticks().switched(first, ticked) if ticked else Ticks()
    switched = ticks.switched(first, these)
    assert switched.places(first) == (ticked - these if these <= ticked else ticked | these)
    assert switched.count(SHELF) == len(switched.stories(SHELF)) == len(switched.places(first))
    assert switched.words(SHELF) == sum(story.words for _, story in switched.stories(SHELF))
    assert all(places for places in switched.chosen.values())


def test_ticks_stay_with_their_stories_when_the_shelf_changes() -> None:
    old = collection("mine", "Mine", ["One", "Two", "Three", "Four"])
    without = dataclasses.replace(old, stories=(old.stories[0], *old.stories[2:]))
    ticks = Ticks().switched(old, [0, 2])
    assert ticks.carried([old], [without]).places(without) == {0, 1}
    assert ticks.carried([old], [without]).carried([without], [old]) == ticks
    assert ticks.carried([old], []).carried([], [old]) == ticks  # taken away, and brought back
    every = Ticks().with_all_of(old)
    assert every.carried([old], [without]).state(without) == "all"
    renamed = dataclasses.replace(
        old, stories=tuple(dataclasses.replace(s, title="New") for s in old.stories)
    )
    assert ticks.carried([old], [renamed]) == ticks
    twin = dataclasses.replace(old, stories=(old.stories[1], old.stories[1], old.stories[1]))
    one_less = dataclasses.replace(twin, stories=twin.stories[:2])
    assert Ticks().switched(twin, [1]).carried([twin], [one_less]).places(one_less) == {1}


def test_a_tale_told_three_times_is_learned_once() -> None:
    copies = {
        ("fir-trees", 0): Copy(("hedgerow", 0), 1.0),
        ("fir-trees", 1): Copy(("fir-trees", 0), 1.0),
        ("attic", 0): Copy(("attic", 1), 1.0),
    }
    assert original_of(("fir-trees", 1), copies) == ("hedgerow", 0)
    ticks = Ticks().with_all_of(SHELF[0]).with_all_of(SHELF[1])
    assert ticked_duplicates(ticks, SHELF, copies) == {("fir-trees", 0), ("fir-trees", 1)}
    assert totals_of(ticks, SHELF, ticked_duplicates(ticks, SHELF, copies)) == Totals(27, 27 * 46, 2)
    assert len(training_stories(ticks, SHELF, copies)) == 25
    without_origin = (
        Ticks().with_all_of(SHELF[1]).with_all_of(SHELF[2].__class__("attic", "", SHELF[2].stories[:1]))
    )
    assert ticked_duplicates(without_origin, SHELF, copies) == {("fir-trees", 1)}
    assert ticked_duplicates(Ticks(), SHELF, copies) == set()
    assert training_stories(ticks, SHELF, {}) == [story for _, story in ticks.stories(SHELF)]
    circle = {("attic", 0): Copy(("attic", 1), 1.0), ("attic", 1): Copy(("attic", 0), 1.0)}
    assert len(ticked_duplicates(Ticks().with_all_of(SHELF[2]), SHELF, circle)) <= 2


# -- sheets -----------------------------------------------------------------------------------------------


@given(st.text("ab \n", max_size=80), st.lists(st.integers(-5, 100), max_size=5))
def test_chapters_lose_nothing_of_the_text(text: str, starts: list[int]) -> None:
    chapters = tuple(Chapter(f"C{i}", start) for i, start in enumerate(starts))
    sheet = story_sheet("T", ["F"], text, chapters, 40)
    headings = [sheet.lines[i] for i, kind in sorted(sheet.kinds.items()) if kind == "heading"]
    assert headings == [chapter.title for chapter in chapters]
    body = "".join(line for i, line in enumerate(sheet.lines) if i > 2 and sheet.kinds.get(i) != "heading")
    assert "".join(body.split()) == "".join(text.split())


def test_a_collections_sheet_has_a_line_for_each_story() -> None:
    stories = tuple(Story(f"Story {i} " + "x" * i, "word " * i) for i in range(1, 2000, 100))
    sheet = collection_sheet(Collection("c", "C", stories, description="What it is."), 40)
    assert "What it is." in sheet.lines
    assert sheet.lines[-20:][0].strip() == "1  Story 1 x"
    assert all(cell_len(line) <= 40 for line in sheet.lines)


# -- words ------------------------------------------------------------------------------------------------


def test_numbers_and_times_as_one_says_them() -> None:
    assert [compact(n) for n in (0, 999, 1000, 9949, 9950, 123_456, 999_499, 999_500, 12_300_000)] == [
        "0", "999", "1.0k", "9.9k", "10k", "123k", "999k", "1.0M", "12.3M",
    ]  # fmt: skip
    assert [about(s) for s in (0, 44, 45, 200, 3599, 9000, 40_000, 400_000)] == [
        "under 1 min", "under 1 min", "about 1 min", "about 3 min", "about 1 h", "about 2 h 30", "about 11 h",
        "about 5 days",
    ]  # fmt: skip
    assert [size(n) for n in (0, 1, 1400, 550_592, 999_499, 1_497_450, 120_000_000)] == [
        "0 kB", "1 kB", "1 kB", "551 kB", "999 kB", "1.5 MB", "120 MB",
    ]  # fmt: skip


def test_an_import_says_how_far_it_has_come() -> None:
    task = ImportTask("Fetching")
    assert task.progress() == "preparing…"
    task.report("copying", 3, 12)
    assert task.progress() == "copying 3 of 12"
    assert task.bar(8) == ("━━", "──────")
    task.report("downloading [/b]\n pg11.txt", 50_000, 170_000)
    assert task.progress() == "downloading [/b] pg11.txt 50 of 170 kB"
    task.report("waiting", 5, 0)
    assert task.bar(8) == ("", "")


def test_the_key_line_drops_the_seldom_keys_first_and_the_help_last() -> None:
    keys = [Shown(k, k, w, "", w) for k, w in (("a", "Aaaa"), ("b", "Bbbb"), ("c", "Cccc"), ("?", "Help"))]
    assert fitting(keys, ["Aaaa"], 27) == keys
    assert [k.key for k in fitting(keys, ["Aaaa"], 26)] == ["b", "c", "?"]
    assert [k.key for k in fitting(keys, ["Aaaa"], 19)] == ["b", "?"]
    assert [k.key for k in fitting(keys, [], 6)] == ["?"]
    assert fitting(keys, [], 3) == []


def test_a_title_that_is_written_from_right_to_left_does_not_pull_the_next_column_over() -> None:
    """A terminal that reorders lines takes numbers after such a title as part of it, unless a mark ends it."""
    for title in ("השועל והענבים", "قصة الثعلب والعنب", "שועל Fox"):
        for width in (5, 40):
            line = fitted(title, width)
            assert cell_len(line) == width
            assert line.endswith("\u200e")
    assert "\u200e" not in fitted("狐 and é", 20)
