"""Copies among stories: the same tale in two books is found, different tales are not taken for one."""

import errno
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui.corpus import shared_hashes
from storytime_tui.corpus.collection import Facts, facts_of
from storytime_tui.corpus.duplicates import Copy, find_copies
from storytime_tui.corpus.sketches import SIZE, Sketch, compare, sketch
from storytime_tui.corpus.words import WORD
from storytime_tui.errors import CorpusError
from tests.examples import many

SHARED = Path(__file__).parents[3] / "shared"
BOOKS = SHARED / "gutenberg_raw"
GRIMM = SHARED / "corpora" / "grimm" / "raw_text"
LICENCE = " ".join(
    f"You may copy this tale number {n} and give it away under terms that come with it." for n in range(3)
)


def tale(seed: int, words: int = 600) -> str:
    """Some text unlike that of any other seed, in sentences."""
    dice = random.Random(seed)
    stock = ["the", "and", "a", "of", *("".join(dice.choices("abdeilmnorstu", k=5)) for _ in range(300))]
    said = [dice.choice(stock) + dice.choice(["", "", "", "", ",", "."]) for _ in range(words)]
    return " ".join(said)


def edited(text: str, seed: int, one_in: int) -> str:
    """The text with one word in so many changed."""
    dice = random.Random(seed)
    return " ".join("other" if dice.randrange(one_in) == 0 else word for word in text.split())


def copies(texts: Sequence[str]) -> dict[int, int]:
    return {copy.story: copy.of for copy in found(texts)}


def found(texts: Sequence[str]) -> tuple[Copy, ...]:
    return find_copies([facts_of(text) for text in texts])


# -- sketches ---------------------------------------------------------------------------------------------


def runs(text: str) -> set[tuple[str, ...]]:
    words = [word.casefold() for word in WORD.findall(text)]
    return {tuple(words[n : n + 5]) for n in range(len(words) - 4)}


def estimate(a: Sketch, b: Sketch) -> float:
    shared, in_a, in_b = compare(a, b)
    return shared / max(1, in_a + in_b - shared)


@given(st.lists(st.sampled_from(["one", "two", "Tom's", "3"]), max_size=60), st.lists(st.just("one")))
def test_a_short_text_s_sketch_holds_all_its_runs(words: list[str], more: list[str]) -> None:
    texts = " ".join(words), " ".join(words[3:] + more)
    a, b = (sketch(text) for text in texts)
    of_a, of_b = (runs(text) for text in texts)
    assert (len(a), len(b)) == (len(of_a), len(of_b))
    assert a.dtype == np.uint64
    assert (a[1:] > a[:-1]).all()
    assert len(np.intersect1d(a, b)) == len(of_a & of_b)
    assert estimate(a, b) == len(of_a & of_b) / max(1, len(of_a | of_b))


@settings(max_examples=many(30), deadline=None)
@given(st.integers(0, 1000), st.integers(2, 30), st.integers(400, 4000))
def test_a_long_text_s_sketch_is_a_fair_sample(seed: int, one_in: int, words: int) -> None:
    text = tale(seed, words)
    other = edited(text, seed, one_in)
    a, b = runs(text), runs(other)
    assert abs(estimate(sketch(text), sketch(other)) - len(a & b) / len(a | b)) < 0.15
    assert len(sketch(text)) == min(SIZE, len(a))


def test_a_sketch_is_of_words_alone() -> None:
    plain = 'He said: "Don\'t go, Tom-cat!" and went. ' * 2
    curly = (
        "HE SAID \u2014 \u201cDon\u2019t go, tom cat\u201d and went he said don\u2018t go tom cat and went"
    )
    assert sketch(plain).tolist() == sketch(curly).tolist() != []
    assert sketch("only four words here").tolist() == []
    assert sketch("").tolist() == []


def test_a_sketch_never_changes() -> None:
    """Shelves keep it on the disk: another would find nothing among them."""
    assert sketch("Once upon a time there").tolist() == [6274512199684683854]


# -- copies -----------------------------------------------------------------------------------------------


def test_the_same_tale_in_another_dress_is_a_copy() -> None:
    text = tale(1)
    dressed = text.upper().replace(".", "!")
    longer = f"{text} {LICENCE}"
    cut = " ".join(text.split()[:250])
    assert found([text, tale(2), dressed]) == (Copy(2, 0, 1.0),)
    for other in (edited(text, 3, 20), longer, cut):
        (copy,) = found([tale(4), text, tale(5), other])
        assert (copy.story, copy.of) == (3, 1)
        assert 0.6 < copy.share <= 1.0
    assert copies([text, edited(text, 3, 4)]) == {}


def test_different_tales_with_the_same_licence_are_none() -> None:
    assert copies([f"{tale(seed, 120)} {LICENCE}" for seed in range(60)]) == {}


def test_short_verses_must_be_the_same_word_for_word() -> None:
    verse = " ".join(tale(1).split()[:40])
    assert copies([verse, f"{verse} la", verse.upper(), "", "", "...", "..."]) == {2: 0, 6: 5}


def test_a_part_is_a_copy_of_the_whole_wherever_it_stands() -> None:
    one, two = tale(1, 500), tale(2, 700)
    assert copies([one, f"{one} {two}", two]) == {0: 1, 2: 1}
    assert copies([f"{one} {two}", two, one]) == {1: 0, 2: 0}
    parts = [f"{tale(n, 200)} {tale(n + 1, 200)}" for n in range(5)]  # they overlap: none is told by another
    assert copies(parts) == {}


def test_the_first_is_kept_unless_it_was_cut_short() -> None:
    text = tale(1, 1000)
    nearly, half = (" ".join(text.split()[:words]) for words in (950, 600))
    assert copies([nearly, text]) == {1: 0}
    assert copies([half, text, nearly]) == {0: 1, 2: 1}
    assert copies([tale(2), nearly, half, text, tale(3)]) == {2: 1, 3: 1}


def test_copies_of_a_copy_are_copies_of_the_first() -> None:
    first = tale(1, 2000)
    second = edited(first, 2, 12)
    third = edited(second, 3, 12)
    assert copies([first, third]) == {}
    assert copies([first, second, third]) == {1: 0, 2: 0}
    assert copies([third, first, second]) == {1: 0, 2: 0}
    assert copies([first, second, third, first]) == {1: 0, 2: 0, 3: 0}


def test_a_later_story_changes_nothing_of_those_before() -> None:
    texts = [tale(1), tale(2), edited(tale(1), 3, 20), tale(3), tale(2).upper()]
    known = copies(texts)
    for more in (tale(4), edited(tale(2), 4, 30), " ".join(tale(3).split()[:300])):
        assert {story: of for story, of in copies([*texts, more]).items() if story < len(texts)} == known


@settings(max_examples=many(50), deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 3), st.sampled_from([60, 200, 550, 600])), max_size=14
    )
)
def test_a_copy_is_of_a_story_that_is_kept(made: list[tuple[int, int, int]]) -> None:
    texts = [" ".join(edited(tale(seed), edit, 12).split()[:words]) for seed, edit, words in made]
    told = found(texts)
    dropped = {copy.story for copy in told}
    assert [copy.story for copy in told] == sorted(dropped)
    for copy in told:
        assert copy.of not in dropped
        assert made[copy.story][0] == made[copy.of][0]
        assert len(texts[copy.of].split()) >= 0.9 * len(texts[copy.story].split())
        assert 0.0 < copy.share <= 1.0
    kept = {made[story][0] for story in range(len(texts)) if story not in dropped}
    assert kept == {seed for seed, _, _ in made}  # no tale is lost
    assert all(story in dropped for story, text in enumerate(texts) if text in texts[:story])


def with_sketches(sketches: Sequence[Sketch]) -> list[Facts]:
    """The facts of stories of 1,000 words with these sketches."""
    return [Facts(1000, 5000, f"{n:032x}", f"{n:032x}", each) for n, each in enumerate(sketches, start=1)]


def random_sketches(count: int, fresh: Callable[[int], int] = lambda story: SIZE) -> list[Sketch]:
    numbers = np.random.default_rng(7)
    return [np.unique(numbers.integers(0, 2**63, fresh(n)).astype(np.uint64)) for n in range(count)]


@pytest.mark.timeout(60)  # a second; pair by pair it would be minutes
@pytest.mark.parametrize("shared", [0, 100, 250], ids=["all different", "the same licence", "all the same"])
def test_thousands_of_stories_take_no_long_time(shared: int) -> None:
    common = random_sketches(1, lambda _: shared)[0]
    sketches = [np.unique(np.append(each[shared:], common)) for each in random_sketches(5000)]
    told = find_copies(with_sketches(sketches))
    assert [(copy.story, copy.of) for copy in told] == [(n, 0) for n in range(1, 5000) if shared == 250]


# -- real books -------------------------------------------------------------------------------------------


def read(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return data.decode("latin-1").replace("\r\n", "\n")


def pieces(path: Path) -> list[str]:
    """A book cut, roughly, before whatever looks like a title."""
    return re.split(r"\n\n\n+(?=[^\n]{2,70}\n\n)", read(path))


@pytest.mark.skipif(not GRIMM.is_dir() or not BOOKS.is_dir(), reason="the books are not here")
def test_the_grimms_tales_of_two_sources() -> None:
    names = [path.stem for path in sorted(GRIMM.glob("*.txt"))]
    tales = [read(GRIMM / f"{name}.txt") for name in names]
    assert [(names[a], names[b]) for a, b in copies(tales).items()] == [
        ("Wedding_Of_Mrs_Fox", "The_Wedding_Of_Mrs_Fox_1")
    ]
    book = pieces(BOOKS / "2591_2591-0.txt")
    told = copies(book + tales)
    again = [name for number, name in enumerate(names, len(book)) if number in told]
    whole = set(names) - set(again)  # the book's three parts of it are copies of the one file
    assert whole == {"The_Adventures_Of_Chanticleer_And_Partlet"}
    assert sum(of == len(book) + names.index(*whole) for of in told.values()) == 3


@pytest.mark.skipif(not BOOKS.is_dir(), reason="the books are not here")
def test_two_editions_are_one_book_and_fables_are_many() -> None:
    names = [
        "55_55.txt",
        "17807_17807.txt",
        "55_wizoz10.txt",
        "503_503.txt",
        "21015_21015.txt",
        "503_blfry10.txt",
    ]
    assert copies([read(BOOKS / name) for name in names]) == {2: 0, 5: 3}
    fables = pieces(BOOKS / "21_21-0.txt")
    assert len(fables) > 300
    assert copies(fables) == {}


@pytest.mark.parametrize("at_once", [1, 300, 5_000])
@pytest.mark.parametrize("bits", [1, 10])
def test_many_stories_are_looked_through_a_range_of_hashes_at_a_time(
    monkeypatch: pytest.MonkeyPatch, at_once: int, bits: int
) -> None:
    common = random_sketches(1, lambda _: 250)[0]
    sketches = [
        np.unique(np.append(each[250:], common)) if n % 3 else each
        for n, each in enumerate(random_sketches(12))
    ]
    asked = with_sketches(sketches)
    whole = find_copies(asked)
    assert len(whole) == 8  # two in three have most of the first
    monkeypatch.setattr(shared_hashes, "_AT_ONCE", at_once)
    monkeypatch.setattr(shared_hashes, "_TABLE_BITS", bits)  # so small that all pairs share a place
    assert find_copies(asked) == whole


@settings(max_examples=many(60), deadline=None)
@given(
    st.lists(st.sets(st.integers(0, 40), max_size=30), min_size=1, max_size=12),
    st.integers(1, 60),
    st.integers(1, 12),
    st.integers(1, 8),
)
def test_pairs_are_those_that_share_enough_hashes_however_few_fit_into_memory(
    sets: list[set[int]], at_once: int, bits: int, fewest: int
) -> None:
    sketches = [np.array(sorted(each), np.uint64) for each in sets]
    for story, each in enumerate(sketches):  # at most three stories share a hash, so that every pair counts
        each += np.uint64(1000 * (story // 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared_hashes, "_AT_ONCE", at_once)
        patch.setattr(shared_hashes, "_TABLE_BITS", bits)
        found = list(shared_hashes.pairs_sharing(sketches, fewest))
    wanted = [
        (a, b)
        for a in range(len(sketches))
        for b in range(a + 1, len(sketches))
        if a // 3 == b // 3 and len(sets[a] & sets[b]) >= fewest
    ]
    assert found == wanted


def test_without_room_for_the_hashes_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shared_hashes, "_AT_ONCE", 100)
    monkeypatch.setattr(shared_hashes.tempfile, "TemporaryFile", full)
    with pytest.raises(CorpusError, match="disk is full: looking for copies"):
        find_copies(with_sketches(random_sketches(3)))
