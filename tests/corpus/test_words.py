"""Words: those that the pattern finds, all hashed at once as one by one; no two of a million alike."""

import random
import string
import tracemalloc
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui.corpus import words
from storytime_tui.corpus.words import WORD, word_hash, word_hashes
from tests.examples import many

SIGNS = 0x110000
# Letters whose small form is two or three signs, not all of them letters; apostrophes; marks; what parts words.
ODD = (
    "\u00df\u0149\u0130\u01f0\u1fb7\u0390\ufb03\u1e9e\u0345\u0301\u24b6\u00b5\u03c2\u03a3"
    "'\u2018\u2019\u02bc_- \n\u00a0\u3000\u2014\x1c\x85\u200b\ud800\udfff\U0001f600\U00010400\U00020000\U0001d7d8"
    "\u00b2\u00bd\u0660\u4e00\uac00aZ7\0"
)
TEXTS = st.text() | st.text(alphabet=ODD) | st.text(alphabet="aB1_'- \n.") | st.text(st.characters())


def check(text: str) -> None:
    assert word_hashes(text).tolist() == [word_hash(word) for word in WORD.findall(text)]


@settings(max_examples=many(150), deadline=None)
@given(TEXTS)
def test_all_at_once_are_as_one_by_one(text: str) -> None:
    check(text)


@settings(max_examples=many(150), deadline=None)
@given(TEXTS, st.integers(1, 12))
def test_pieces_make_no_difference(text: str, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(words, "_PIECE", piece)
        check(text)


@pytest.mark.parametrize("apart", ["", " ", "'", "a", "\u2019a\u2019"])
def test_every_sign_there_is(apart: str) -> None:
    for start in range(0, SIGNS, 0x8000):
        check(apart.join(map(chr, range(start, start + 0x8000))))


def test_long_texts_with_few_odd_signs() -> None:
    dice = random.Random(1)
    plain = "".join(dice.choices(string.ascii_letters + string.digits + "'''      .,\n", k=300_000))
    check(plain)
    check("".join(dice.choices(ODD, (1,) * len(ODD), k=70_000)) + plain)
    check("a" * 400_000 + "'s " + plain[:1000])  # one word longer than any piece


def test_what_is_compared_is_plain() -> None:
    assert word_hash("STRASSE") == word_hash("stra\u00dfe") == word_hash("STRA\u1e9eE")
    assert word_hash("Don\u2019t") == word_hash("DON\u02bcT") == word_hash("don't") != word_hash("dont")
    assert word_hashes("Na\u00efve \ufb01sh").tolist() == [word_hash("NA\u00cfVE"), word_hash("fish")]


def test_hashes_never_change() -> None:
    """Sketches and indexes on the disk hold them: others need other format numbers."""
    assert word_hashes("fox stra\u00dfe don\u2019t").tolist() == [
        17302832615738490703,
        16187882531978933865,
        5592531354367485518,
    ]
    assert word_hashes("").tolist() == word_hashes(" ' _ \u2014").tolist() == []


def test_a_million_words_have_a_million_hashes() -> None:
    letters = string.ascii_lowercase + "\u00e4\u00f6\u00fc\u00e9\u00e8\u00e1\u00f1\u0442\u043e"
    made = {"".join(signs) for length in (1, 2, 3) for signs in product(letters, repeat=length)}
    made |= {"".join(signs) for signs in product("etaoin", repeat=6)}
    made |= set(map(str, range(300_000)))
    dice = random.Random(2)
    while len(made) < 1_000_000:
        made.add("".join(dice.choices("etaoinshrdlucmfwyp", k=dice.randrange(4, 15))))
    hashes = word_hashes(" ".join(made))
    assert len(hashes) == len(made)
    assert len(set(hashes.tolist())) == len(made)
    for bits in (hashes >> 44, hashes & 0xFFFFF):  # each end is as even as chance: a million over 2**20
        assert abs(len(set(bits.tolist())) / (1 << 20) - 0.615) < 0.005


@pytest.mark.parametrize("text", ["one two 'three' ", "caf\u00e9 \u2018two\u2019 three "])
def test_memory_is_little_more_than_the_hashes(text: str) -> None:
    text *= 400_000
    word_hashes(text[:100])  # makes the tables
    tracemalloc.start()
    try:
        taken = word_hashes(text).nbytes
        assert tracemalloc.get_traced_memory()[1] < 1.3 * taken + 10_000_000
    finally:
        tracemalloc.stop()
