"""A BPE with byte fallback as GGUF: llama.cpp's scores come to the tokens that the merges make."""

import functools
import json
import string
from collections.abc import Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, normalizers, pre_tokenizers

from storytime_tui.errors import ModelError
from storytime_tui.models.export import weight_files
from storytime_tui.models.export.gguf import write_gguf
from storytime_tui.models.export.gguf_sentence_piece import OtherRulesError, scores_of
from storytime_tui.models.gguf.folder import folder_of
from storytime_tui.models.tokenizer import Tokenizer, load_tokenizer
from tests.models import sentence_pieces
from tests.models.small_llamas import theirs
from tests.tiny import tale

gguf = pytest.importorskip("gguf")

TEXTS = st.text(
    st.one_of(st.sampled_from([*" \n\t▁<>.0", "\N{FOX FACE}", *string.ascii_letters]), st.characters(codec="utf-8")),
    max_size=60,
)  # fmt: skip
REAL = [
    tale(0),
    "  Two spaces, a tab\t, and “so on” – he said.\r\n\n\n   Ünïcödé\x00\x7f 🦊👩‍👩‍👧 <0x0A> <s></s> ▁▁",
    *(path.read_text() for path in sorted(Path("textdata").glob("*/*.txt"))[:3]),
]


def write(inner: Any, folder: Path, **settings: Any) -> Any:
    """A small Mistral with this tokenizer, its GGUF file beside it, and what that says."""
    rows = max(inner.get_vocab().values()) + 4
    theirs("mistral", vocab_size=rows).save_pretrained(folder)
    sentence_pieces.save(inner, folder)
    if settings:
        (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "</s>", **settings}))
    config = json.loads((folder / "config.json").read_text())
    with weight_files.open_weights(folder) as weights:
        write_gguf(folder / "m.gguf", weights, config, folder, name="m")
    fields = gguf.GGUFReader(folder / "m.gguf").fields
    return {key: field.contents() for key, field in fields.items() if key.startswith("tokenizer.")}


@functools.cache
def rules_of(kind: str) -> str:
    """What was learned, as text: each test makes a tokenizer of its own of it, which it may change."""
    texts = [tale(seed) for seed in range(8)] + ["a  b   c\n\n  d    e" * 9]
    return sentence_pieces.train(texts, 700, kind).to_str()


def trained(kind: str) -> Any:
    return tokenizers.Tokenizer.from_str(rules_of(kind))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The tokenizer of each kind, and the same read back from a GGUF file."""

    @functools.cache
    def of(kind: str) -> tuple[Tokenizer, Tokenizer]:
        folder = tmp_path_factory.mktemp(kind)
        write(trained(kind), folder)
        return load_tokenizer(folder), load_tokenizer(folder_of(folder / "m.gguf", lambda *_: None))

    return of


def assert_same(kind: str, pair: tuple[Tokenizer, Tokenizer], text: str) -> None:
    before, after = pair
    if kind in ("metaspace", "words"):  # the one difference, see `sentence_piece`
        text = text.lstrip(" ▁")
    ids = before.encode(text)
    assert after.encode(text) == ids
    assert after.decode(ids) == before.decode(ids)
    assert all(after.token_bytes(token) == before.token_bytes(token) for token in ids)


@pytest.mark.parametrize("kind", sentence_pieces.KINDS)
@given(text=TEXTS)
def test_what_is_read_back_splits_any_text_the_same(kind: str, both: Any, text: str) -> None:
    assert_same(kind, both(kind), text)


@pytest.mark.parametrize("kind", sentence_pieces.KINDS)
def test_what_is_read_back_splits_real_texts_the_same(kind: str, both: Any) -> None:
    for text in REAL:
        assert_same(kind, both(kind), text)
    before, after = both(kind)
    assert after.end_of_text == before.end_of_text == 2


@pytest.mark.parametrize("kind", sentence_pieces.KINDS)
def test_the_metadata_is_what_llama_cpp_asks_of_a_sentence_piece(kind: str, tmp_path: Path) -> None:
    inner = trained(kind)
    told, vocabulary, size = write(inner, tmp_path), inner.get_vocab(), inner.get_vocab_size()
    pieces, types = told["tokenizer.ggml.tokens"], told["tokenizer.ggml.token_type"]
    assert told["tokenizer.ggml.model"] == "llama" and told["tokenizer.ggml.pre"] == "default"
    assert pieces[:size] == sorted(vocabulary, key=vocabulary.get)
    assert pieces[size:] == [f"[PAD{token}]" for token in range(size, size + 3)]
    kinds = gguf.TokenType
    assert types[:259] == [kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL, *[kinds.BYTE] * 256]
    assert set(types[259:size]) == {kinds.NORMAL} and set(types[size:]) == {kinds.UNUSED}
    merges = json.loads(inner.to_str())["model"]["merges"]
    scores = dict(zip(pieces, told["tokenizer.ggml.scores"], strict=True))
    made = [scores["".join(pair)] for pair in merges]
    assert made == sorted(made, reverse=True) and len(set(made)) == len(made)
    assert (told["tokenizer.ggml.unknown_token_id"], told["tokenizer.ggml.bos_token_id"]) == (0, 1)
    assert told["tokenizer.ggml.eos_token_id"] == 2
    assert told["tokenizer.ggml.add_bos_token"] is True and told["tokenizer.ggml.add_eos_token"] is False
    assert told["tokenizer.ggml.add_space_prefix"] is (kind != "replaced")


def test_what_stands_around_a_text_is_kept_when_it_is_read_and_written_again(tmp_path: Path) -> None:
    told = write(
        changed({"post_processor": None}),
        tmp_path,
        bos_token={"content": "<s>"},
        add_bos_token=True,
        add_eos_token=True,
    )
    names = [f"tokenizer.ggml.{name}" for name in ("add_bos_token", "add_eos_token", "bos_token_id")]
    assert [told[name] for name in names] == [True, True, 1]
    folder = folder_of(tmp_path / "m.gguf", lambda *_: None)
    config = json.loads((folder / "config.json").read_text())
    with weight_files.open_weights(folder) as weights:
        write_gguf(tmp_path / "again.gguf", weights, config, folder, name="m")
    again = gguf.GGUFReader(tmp_path / "again.gguf").fields
    assert all(again[name].contents() == told[name] for name in (*names, "tokenizer.ggml.tokens"))


def by_scores(text: str, scores: dict[str, float]) -> list[str]:
    """llama.cpp's way, written plainly: join the neighbours with the best whole, the first of equals."""
    parts = list(text)
    while True:
        whole = [one + other for one, other in pairwise(parts)]
        found = [(-scores[each], at) for at, each in enumerate(whole) if each in scores]
        if not found:
            return parts
        at = min(found)[1]
        parts[at : at + 2] = [whole[at]]


def short_texts() -> Any:
    return ("".join(each) for size in range(1, 9) for each in product("ab", repeat=size))


@st.composite
def merge_lists(draw: Any) -> list[tuple[str, str]]:
    """Any merges of a and b, in any order, and several that make the same."""
    known = ["a", "b"]
    found: list[tuple[str, str]] = []
    for _ in range(draw(st.integers(1, 9))):
        pair = draw(st.tuples(st.sampled_from(known), st.sampled_from(known)))
        if pair not in found and len("".join(pair)) < 7:
            found.append(pair)
            known = list(dict.fromkeys([*known, "".join(pair)]))
    return list(draw(st.permutations(found))) if draw(st.booleans()) else found


@given(merge_lists())
def test_scores_are_exact_or_refused(merges: list[tuple[str, str]]) -> None:
    """All texts of up to eight letters are split as by the library, and what is refused would be split otherwise."""
    pieces = list(dict.fromkeys(["a", "b", *map("".join, merges)]))
    model = sentence_pieces.of({piece: at for at, piece in enumerate(pieces)}, list(merges)).model
    try:
        scores = dict(zip(pieces, scores_of(pieces, merges), strict=True))
    except OtherRulesError as error:
        one, other = str(error).split("'")[1:4:2]
        assert one + other in pieces
        assert [each.value for each in model.tokenize(one + other)] == [one, other]
        return
    joined = {piece: score for piece, score in scores.items() if len(piece) > 1}
    for text in short_texts():
        assert by_scores(text, joined) == [each.value for each in model.tokenize(text)], text


def vocabulary_of(pieces: Sequence[str]) -> dict[str, int]:
    return {piece: at for at, piece in enumerate([*sentence_pieces.SPECIAL, *sentence_pieces.BYTES, *pieces])}


def refuse(inner: Any, folder: Path, words: str) -> None:
    with pytest.raises(
        ModelError, match=rf"{words}, so it would read other tokens: export .* safetensors\.$"
    ):
        write(inner, folder)


def test_two_tokens_that_only_llama_cpp_would_join_are_named(tmp_path: Path) -> None:
    inner = sentence_pieces.of(vocabulary_of([*"▁aow", "ow", "owa"]), [("o", "w")])
    refuse(inner, tmp_path, r"does not join 'ow' and 'a', which llama\.cpp would do")


def test_a_token_of_three_parts_is_one_that_nobody_makes(tmp_path: Path) -> None:
    inner = sentence_pieces.of(vocabulary_of([*"▁aow", "awa"]), [])
    told = write(inner, tmp_path)
    assert set(told["tokenizer.ggml.scores"]) == {0.0}
    before, after = (
        load_tokenizer(each) for each in (tmp_path, folder_of(tmp_path / "m.gguf", lambda *_: None))
    )
    assert after.encode("awa") == before.encode("awa") and len(after.encode("awa")) == 4


def changed(changes: dict[str, Any]) -> Any:
    rules = json.loads(trained("prepended").to_str())
    model = {**rules["model"], **changes.pop("model", {})}
    return type(trained("prepended")).from_str(json.dumps({**rules, **changes, "model": model}))


BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": {"dropout": 0.1}}, r"has options that llama\.cpp does not know"),
        ({"model": {"ignore_merges": True}}, r"has options that llama\.cpp does not know"),
        ({"normalizer": None}, "changes or splits texts in a way"),
        ({"normalizer": {"type": "Lowercase"}}, "changes or splits texts in a way"),
        ({"pre_tokenizer": {"type": "Digits", "individual_digits": True}}, "changes or splits texts in a way"),
        ({"normalizer": None, "pre_tokenizer": BYTES}, "changes or splits texts in a way"),
    ],
    ids=["dropout", "whole words", "no spaces", "lowercase", "digits", "bytes"],
)  # fmt: skip
def test_rules_that_llama_cpp_does_not_have_are_refused(
    changes: dict[str, Any], words: str, tmp_path: Path
) -> None:
    if words.startswith("changes"):
        words += r" that llama\.cpp does not know"
    refuse(changed(dict(changes)), tmp_path, words)


def test_words_that_are_split_before_tokens_reach_over_spaces_are_refused(tmp_path: Path) -> None:
    inner = trained("sentences")
    inner.normalizer = normalizers.Sequence([])  # Metaspace does its work
    inner.pre_tokenizer = pre_tokenizers.Metaspace("▁", "always", split=False)
    write(inner, tmp_path / "whole")
    inner.pre_tokenizer = pre_tokenizers.Metaspace("▁", "always", split=True)
    refuse(inner, tmp_path / "split", r"changes or splits texts in a way that llama\.cpp does not know")


def test_a_tokenizer_without_every_byte_is_refused(tmp_path: Path) -> None:
    vocabulary = vocabulary_of("▁ab")
    del vocabulary["<0x0A>"]
    refuse(sentence_pieces.of(vocabulary, []), tmp_path, "lacks tokens for some bytes")


def test_a_tokenizer_that_joins_bytes_is_refused(tmp_path: Path) -> None:
    inner = sentence_pieces.of(vocabulary_of([*"▁ab", "<0xE2><0x80>"]), [("<0xE2>", "<0x80>")])
    refuse(inner, tmp_path, "joins single bytes")


def test_added_tokens_are_found_in_texts_as_before(tmp_path: Path) -> None:
    inner = trained("prepended")
    tokens = ["[fox]", "[owl]  "]
    inner.add_tokens([AddedToken(each, normalized=False) for each in tokens])
    told = write(inner, tmp_path)
    assert told["tokenizer.ggml.token_type"][-5:-3] == [gguf.TokenType.USER_DEFINED] * 2
    before, after = (
        load_tokenizer(each) for each in (tmp_path, folder_of(tmp_path / "m.gguf", lambda *_: None))
    )
    text = "The [fox][fox] and the [owl]  The mouse [owl]"
    assert after.encode(text) == before.encode(text)
    assert [before.encode(text).count(inner.token_to_id(each)) for each in tokens] == [2, 1]


@pytest.mark.parametrize(
    ("kind", "tokens"),
    [
        ("metaspace", [AddedToken("[fox]", normalized=False)]),
        ("prepended", [AddedToken("[fox]", normalized=True)]),
        ("prepended", [AddedToken("[fox]", normalized=False, lstrip=True)]),
        ("prepended", [AddedToken("fox-owl", normalized=False), AddedToken("owl-mouse", normalized=False)]),
    ],
    ids=["spaced", "normalised", "strips", "overlap"],
)
def test_added_tokens_that_would_be_found_elsewhere_are_refused(
    kind: str, tokens: list[Any], tmp_path: Path
) -> None:
    inner = trained(kind)
    inner.add_tokens(tokens)
    refuse(inner, tmp_path, r"has added tokens that llama\.cpp would find elsewhere")
