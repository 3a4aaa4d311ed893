"""Words remembered give the very ids that the library gives for the whole text, whatever the text."""

import json
from pathlib import Path

import pytest
import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st

from storytime_tui.models import word_memo
from storytime_tui.models.tokenizer import Tokenizer, load_tokenizer, train_tokenizer
from storytime_tui.models.word_memo import WordMemo, works_by_words
from tests.examples import many

TALES = [
    "The fox's house, by\n\nthe way, wasn't   closed. “Oh—no!” she said; it's 1,234 o'clock…\n",
    "Ça, c'était l'été à Łódź. Ёжик жил в лесу.  \t\n   'Ll 've 're 'S -- ** __init__ ½ ² Ⅷ\n\n\n",
]


@pytest.fixture(scope="module", name="own")
def make_own() -> Tokenizer:
    return train_tokenizer(TALES * 3, 420)


def plain(own: Tokenizer, text: str) -> list[int]:
    return own._inner.encode(text, add_special_tokens=False).ids


texts = st.text(
    alphabet=st.one_of(
        st.sampled_from(
            "  \n\n\t\r'’“”.,!_-—…sdmtlver aeThefox019éßÉЖω²½Ⅷ\u00a0\u2003\u200b\x1c\x85日´`ǅʰ\u0301"
        ),
        st.characters(exclude_categories=("Cs",)),
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=many(120))
@given(st.lists(texts, max_size=4))
@example(["a \n\n  b'll 'll''s  ", "x\n\n", "  ", " '", "½ a\n\n²b\nc"])
@example(["<|endoftext|> <|endoftext|>"])
def test_the_ids_are_those_of_the_whole_text(own: Tokenizer, several: list[str]) -> None:
    assert own._memo is not None
    assert own.encode_batch(several) == [plain(own, text) for text in several]


def test_every_sign_of_the_first_65536_is_taken_as_the_library_takes_it(own: Tokenizer) -> None:
    signs = [chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000]
    for start in range(0, len(signs), 4096):
        text = " ".join(f"a{sign}{sign} b{sign}1" for sign in signs[start : start + 4096])
        assert own.encode_batch([text.replace(" b", "\nb")])[0] == plain(own, text.replace(" b", "\nb"))


def test_a_word_is_asked_for_once() -> None:
    asked: list[str] = []

    def encode_all(words: list[str]) -> list[list[int]]:
        asked.extend(words)
        return [[len(word)] for word in words]

    memo = WordMemo(encode_all)  # type: ignore[arg-type]
    assert memo.encode("the fox the fox the") == [3, 4, 4, 4, 4]
    assert sorted(asked) == [" fox", " the", "the"]
    assert memo.encode(" fox") == [4]
    assert len(asked) == 3


def test_it_forgets_before_it_grows_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_memo, "_MAX_WORDS", 3)
    memo = WordMemo(lambda words: [[len(word)] for word in words])
    for _ in range(2):
        assert memo.encode("a bb ccc dddd eeeee") == [1, 3, 4, 5, 6]
        assert memo.encode("x yy") == [1, 3]
        assert len(memo._ids) <= 6


def test_only_what_works_word_by_word_is_remembered(own: Tokenizer) -> None:
    rules = json.loads(own._inner.to_str())
    assert works_by_words(own._inner)
    for change in (
        {"normalizer": {"type": "NFC"}},
        {
            "pre_tokenizer": {
                "type": "ByteLevel",
                "add_prefix_space": True,
                "trim_offsets": True,
                "use_regex": True,
            }
        },
        {"pre_tokenizer": {"type": "Whitespace"}},
        {"pre_tokenizer": None},
        {"model": {**rules["model"], "dropout": 0.1}},
    ):
        other = tokenizers.Tokenizer.from_str(json.dumps(rules | change))
        assert not works_by_words(other), change
    other = tokenizers.Tokenizer.from_str(json.dumps(rules))
    other.add_tokens(["foxes"])
    assert not works_by_words(other)


def test_real_books_have_the_ids_of_gpt_2s_own_tokenizer(shared: Path) -> None:
    own = load_tokenizer(shared / "gpt2_tokenizer")
    for name in ("8933_8933-8.txt", "21_21-0.txt"):
        data = (shared / "gutenberg_raw" / name).read_bytes()[:300_000]
        for text in (data.decode("utf-8", "replace"), data.decode("latin-1")):
            assert own.encode(text) == plain(own, text)
