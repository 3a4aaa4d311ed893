"""Finding words in a story and replacing them on a new branch: as on the whole text, and undone exactly."""

import itertools
import re
import time
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storytime_tui.stories import history, tree
from storytime_tui.stories.finding import FoldedText, Place, Wanted, replaced
from storytime_tui.stories.store import StoryStore

LETTERS = st.text("abAB .’'\n", max_size=12)
SIGNS = [
    "a",
    "A",
    "b",
    "e",
    " ",
    "é",
    "’",
    "'",
    "\u0301",
    "ß",
    "ﬁ",
    "İ",
    "각",
    "가",
    "שָׁ",
    "น้",
    "👩‍👧",
    "👩",
    "👍🏽",
    "\n",
]
ANY = st.lists(st.sampled_from(SIGNS), max_size=12).map("".join)


def found(text: str, words: str, *, exact: bool = False, whole: bool = False) -> list[str]:
    return [text[slice(*place)] for place in FoldedText(text).find(Wanted(words, exact, whole))]


@given(st.lists(LETTERS, max_size=6), st.text("abAB", min_size=1, max_size=2), st.text("abx", max_size=3))
@example(["a", "", "b", "ab"], "ab", "x")
def test_replacing_gives_what_replacing_in_the_whole_text_gives(
    texts: list[str], words: str, other: str
) -> None:
    passages = list(enumerate(texts))
    text = "".join(texts)
    for exact, flags in ((True, 0), (False, re.IGNORECASE)):
        for whole, pattern in ((False, re.escape(words)), (True, rf"\b{re.escape(words)}\b")):
            places = FoldedText(text).find(Wanted(words, exact, whole))
            new = dict(passages) | replaced(passages, places, other)
            assert "".join(new.values()) == re.sub(pattern, lambda _: other, text, flags=flags)


@given(ANY, ANY)
def test_places_are_apart_and_hold_the_words_in_any_script(text: str, words: str) -> None:
    for exact in (True, False):
        places = FoldedText(text).find(Wanted(words, exact))
        assert all(place.start < place.end for place in places)
        assert all(one.end <= two.start for one, two in itertools.pairwise(places))
        for place in places:
            held = text[slice(*place)]
            assert held == words if exact else plain(held) == plain(words)


def plain(text: str) -> str:
    """Case and accents folded, letter by letter."""
    signs = unicodedata.normalize("NFKD", text.translate({0x2019: "'"}).casefold()).casefold()
    return "".join(sign for sign in signs if not unicodedata.combining(sign))


@pytest.mark.parametrize(
    ("text", "words", "there"),
    [
        ("Märchen, MARCHEN, ma\u0308rchen", "märchen", ["Märchen", "MARCHEN", "ma\u0308rchen"]),
        ("Straße, STRASSE", "strasse", ["Straße", "STRASSE"]),
        ("the mouse’s hat", "mouse's", ["mouse’s"]),
        ("שָׁלוֹם שלום", "שלום", ["שָׁלוֹם", "שלום"]),
        ("小さな猫。猫は", "猫", ["猫", "猫"]),
        ("각가", "가", ["가"]),
        ("👩‍👧 👩", "👩", ["👩"]),
        ("a fox, foxes", "FOX", ["fox", "fox"]),
    ],
)
def test_case_and_accents_do_not_count_unless_asked(text: str, words: str, there: list[str]) -> None:
    assert found(text, words) == there


def test_exact_case_and_whole_words_find_fewer() -> None:
    text = "The cat, the cathedral, the Cat; a café cafe\u0301 cafe"
    assert found(text, "cat") == ["cat", "cat", "Cat"]
    assert found(text, "cat", exact=True) == ["cat", "cat"]
    assert found(text, "cat", exact=True, whole=True) == ["cat"]
    assert found(text, "cafe", exact=True) == ["cafe"]  # not the one whose last letter has an accent


def test_a_place_across_passages_is_replaced_in_the_first() -> None:
    passages = [(1, "The little mo"), (2, "us"), (3, "e slept.")]
    assert replaced(passages, [Place(11, 16)], "vole") == {1: "The little vole", 2: "", 3: " slept."}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoryStore]:
    store = StoryStore(Path(tmp_path_factory.mktemp("found")) / "stories.sqlite3")
    yield store
    store.close()


@given(st.lists(LETTERS.filter(bool), min_size=1, max_size=5), st.text("ab", min_size=1, max_size=2))
def test_replace_all_is_one_step_and_undo_restores_every_passage(
    store: StoryStore, texts: Sequence[str], words: str
) -> None:
    story = store.new_story("t").id
    for text in texts:
        store.add_passage(story, "you", text)
    before = store.passages(story)
    places = FoldedText(store.text(story)).find(Wanted(words, exact=True))
    new = replaced([(passage.id, passage.text) for passage in before], places, "xy")
    tree.rewrite(store, story, new)
    assert store.text(story) == "".join(texts).replace(words, "xy")
    if places:
        history.undo(store, story)
    assert store.passages(story) == before
    if places:
        history.redo(store, story)
        assert store.text(story) == "".join(texts).replace(words, "xy")


def test_a_story_of_50_000_words_is_searched_within_50_ms() -> None:
    text = "The little mouse said: “Näh!” and swept the step before the moon came up. " * 3600
    began = time.process_time()
    places = FoldedText(text).find(Wanted("mouse"))
    assert len(places) == 3600 and time.process_time() - began < 0.5  # tenfold, for a busy machine
