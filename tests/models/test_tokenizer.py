import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import decoders, normalizers, pre_tokenizers
from tokenizers import models as token_models

from storytime_tui.errors import ModelError
from storytime_tui.models.tokenizer import (
    END_OF_TEXT,
    Tokenizer,
    byte_characters,
    load_tokenizer,
    train_tokenizer,
)
from tests.examples import many
from tests.loopback_hub import TALE

TRAINED = train_tokenizer([TALE * 3], 320)
TEXTS = [
    *["", " ", "\n\n", "Once upon a time"],
    *["“Three,” said the frog 🐸🧙‍♂️", "naïve\r\n\ttab", "a\x00b", TALE],
]
any_text = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.fixture(scope="session")
def gpt2(shared: Path) -> Tokenizer:
    return load_tokenizer(shared / "gpt2_tokenizer")


def joined(tokenizer: Tokenizer, ids: list[int]) -> bytes:
    return b"".join(map(tokenizer.token_bytes, ids))


# -- bytes --------------------------------------------------------------------------------------------------


def test_byte_map_is_a_bijection_of_printable_characters() -> None:
    table = byte_characters()
    assert sorted(table.values()) == list(range(256))
    assert len(table) == 256
    assert not any(character.isspace() for character in table)
    assert table["A"] == ord("A")
    assert table["Ġ"] == ord(" ")
    assert set(table) == set(pre_tokenizers.ByteLevel.alphabet())


@given(any_text)
@settings(max_examples=many(100), deadline=None)
def test_token_bytes_join_to_the_text(text: str) -> None:
    ids = TRAINED.encode(text)
    assert joined(TRAINED, ids).decode() == text
    assert TRAINED.decode(ids) == text
    assert all(0 <= token < TRAINED.vocabulary_size for token in ids)
    assert TRAINED.end_of_text not in ids


@given(text=any_text)
@settings(max_examples=many(100), deadline=None)
def test_token_bytes_of_gpt2_join_to_the_text(gpt2: Tokenizer, text: str) -> None:
    ids = gpt2.encode(text)
    assert joined(gpt2, ids).decode() == text


def test_every_token_of_gpt2_has_the_bytes_that_the_library_decodes(gpt2: Tokenizer, shared: Path) -> None:
    vocabulary = json.loads((shared / "gpt2_tokenizer" / "vocab.json").read_text())
    assert gpt2.vocabulary_size == len(vocabulary) == 50257
    assert gpt2.end_of_text == 50256
    for token in range(50256):
        assert gpt2.token_bytes(token).decode(errors="replace") == gpt2.decode([token])
    assert gpt2.encode("Hello world") == [15496, 995]


def test_end_of_text_and_unknown_ids_have_no_bytes() -> None:
    assert TRAINED.token_bytes(TRAINED.end_of_text) == b""
    assert TRAINED.token_bytes(TRAINED.vocabulary_size) == b""
    assert TRAINED.decode([TRAINED.end_of_text, *TRAINED.encode("a"), TRAINED.end_of_text]) == "a"


def sentence_piece(folder: Path) -> Tokenizer:
    """A tokenizer of Llama's form: "▁" for a space, a token for each byte."""
    every_byte = [f"<0x{byte:02X}>" for byte in range(256)]
    pieces = ["<unk>", "<s>", "</s>", *every_byte, "▁", "c", "a", "t", "▁c", "at", "▁cat"]
    vocabulary = {piece: n for n, piece in enumerate(pieces)}
    merges = [("▁", "c"), ("a", "t"), ("▁c", "at")]
    inner = tokenizers.Tokenizer(
        token_models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    )
    inner.normalizer = normalizers.Replace(" ", "▁")
    inner.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    inner.add_special_tokens(["<s>", "</s>"])
    inner.add_tokens(["<tale>"])
    inner.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"eos_token": {"content": "</s>"}}')
    return load_tokenizer(folder)


def test_sentence_piece_tokens_are_bytes_and_spaces(tmp_path: Path) -> None:
    tokenizer = sentence_piece(tmp_path)
    text = " cat cat “é”🐸"
    ids = tokenizer.encode(text)
    assert ids[0] == ids[1]  # "▁cat"
    assert joined(tokenizer, ids).decode() == text == tokenizer.decode(ids)
    assert tokenizer.token_bytes(3 + 0xE2) == b"\xe2"
    assert tokenizer.end_of_text == 2
    tale = tokenizer.encode("<tale>")
    assert joined(tokenizer, tale) == b"<tale>"


# -- a story cannot end its own text ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", [END_OF_TEXT, f"a{END_OF_TEXT}b", f" {END_OF_TEXT * 2}\n", "<|endof" + END_OF_TEXT]
)
def test_end_of_text_in_a_story_is_ordinary_text(text: str, tmp_path: Path) -> None:
    TRAINED.save(tmp_path)
    for tokenizer in (TRAINED, load_tokenizer(tmp_path)):
        for ids in (tokenizer.encode(text), *tokenizer.encode_batch(["x", text])):
            assert tokenizer.end_of_text not in ids
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_end_of_text_in_a_story_is_ordinary_text_for_gpt2(gpt2: Tokenizer) -> None:
    ids = gpt2.encode(f"a{END_OF_TEXT}b")
    assert 50256 not in ids
    assert gpt2.decode(ids) == f"a{END_OF_TEXT}b"


def test_a_vocabulary_with_end_of_text_as_an_ordinary_piece_cannot_be_tricked(tmp_path: Path) -> None:
    characters = sorted(set("a</s>b"))
    pieces = [("</s>", -1.0), *((character, -5.0) for character in characters)]
    tokenizers.Tokenizer(token_models.Unigram(pieces, 0)).save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text('{"eos_token": "</s>"}')
    tokenizer = load_tokenizer(tmp_path)
    ids = tokenizer.encode("</s>a</s></s>b")
    assert tokenizer.end_of_text not in ids
    assert joined(tokenizer, ids) == b"</s>a</s></s>b"


# -- training -----------------------------------------------------------------------------------------------


def test_training_is_deterministic_even_in_another_process() -> None:
    code = (
        "from storytime_tui.models.tokenizer import train_tokenizer; from tests.loopback_hub import TALE; "
        "print(train_tokenizer([TALE * 3], 320).fingerprint)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == TRAINED.fingerprint == train_tokenizer([TALE * 3], 320).fingerprint


def test_few_texts_give_fewer_tokens() -> None:
    assert train_tokenizer([], 2048).vocabulary_size == 257
    assert 257 < train_tokenizer([TALE, TALE], 2048).vocabulary_size < 2048
    assert TRAINED.vocabulary_size == 320
    assert TRAINED.end_of_text == 0


def test_training_finds_words() -> None:
    assert len(train_tokenizer([TALE * 10], 400).encode(TALE)) < len(TALE.encode()) / 2


def test_a_vocabulary_without_room_for_the_bytes_is_refused() -> None:
    with pytest.raises(ModelError, match="256 tokens is too small"):
        train_tokenizer([TALE], 256)


# -- folders ------------------------------------------------------------------------------------------------


def assert_transformers_agrees(tokenizer: Tokenizer, folder: Path) -> None:
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    for text in TEXTS:
        assert theirs(text)["input_ids"] == tokenizer.encode(text)
        assert theirs.decode(tokenizer.encode(text)) == text
    assert theirs.eos_token_id == tokenizer.end_of_text
    assert len(theirs) == tokenizer.vocabulary_size


@pytest.mark.parametrize("model_type", [None, "gpt2"])
def test_transformers_opens_a_trained_tokenizer(model_type: str | None, tmp_path: Path) -> None:
    TRAINED.save(tmp_path / "new")
    if model_type:  # as in a checkpoint, where the model's own configuration lies beside it
        (tmp_path / "new" / "config.json").write_text(json.dumps({"model_type": model_type}))
    assert_transformers_agrees(TRAINED, tmp_path / "new")
    again = load_tokenizer(tmp_path / "new")
    assert again.fingerprint == TRAINED.fingerprint
    assert again.end_of_text == TRAINED.end_of_text


def test_transformers_opens_gpt2s_tokenizer(gpt2: Tokenizer, shared: Path, tmp_path: Path) -> None:
    gpt2.save(tmp_path)
    assert_transformers_agrees(gpt2, tmp_path)
    for name in ("vocab.json", "merges.txt"):
        assert (tmp_path / name).read_bytes() == (shared / "gpt2_tokenizer" / name).read_bytes()
    assert load_tokenizer(tmp_path).fingerprint == gpt2.fingerprint


def test_the_window_of_the_model_beside_it_is_told_to_other_programs(tmp_path: Path) -> None:
    TRAINED.save(tmp_path, window=64)
    settings = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert settings["model_max_length"] == 64
    again = load_tokenizer(tmp_path)
    assert again.fingerprint == TRAINED.fingerprint
    again.save(tmp_path / "saved", window=32)
    assert json.loads((tmp_path / "saved/tokenizer_config.json").read_text()) == {
        **settings,
        "model_max_length": 32,
    }


def test_a_loaded_tokenizer_is_saved_as_it_was(tmp_path: Path) -> None:
    TRAINED.save(tmp_path)
    rules = json.loads((tmp_path / "tokenizer.json").read_text())
    (tmp_path / "tokenizer.json").write_text(json.dumps(rules, indent=3))
    (tmp_path / "tokenizer_config.json").write_text('{"eos_token": "<|endoftext|>", "of its own": 1}')
    load_tokenizer(tmp_path).save(tmp_path / "saved")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / "saved" / name).read_bytes() == (tmp_path / name).read_bytes()


def test_truncation_and_padding_of_a_file_are_ignored(tmp_path: Path) -> None:
    TRAINED.save(tmp_path)
    inner = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    inner.enable_truncation(4)
    inner.enable_padding(length=64)
    inner.save(str(tmp_path / "tokenizer.json"))
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.encode_batch([TALE, "a"]) == TRAINED.encode_batch([TALE, "a"])
    assert tokenizer.fingerprint == TRAINED.fingerprint


def test_another_vocabulary_has_another_fingerprint() -> None:
    assert train_tokenizer([TALE * 3], 321).fingerprint != TRAINED.fingerprint


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tokenizer_config.json", {"eos_token": "e"}),
        ("tokenizer_config.json", {"eos_token": {"content": "e", "special": True}}),
        ("special_tokens_map.json", {"eos_token": "e"}),
        ("generation_config.json", {"eos_token_id": TRAINED.encode("e")[0]}),
        ("generation_config.json", {"eos_token_id": [TRAINED.encode("e")[0], 0]}),
        ("config.json", {"eos_token_id": TRAINED.encode("e")[0]}),
    ],
)
def test_end_of_text_is_what_the_folder_says(name: str, content: dict[str, object], tmp_path: Path) -> None:
    TRAINED.save(tmp_path)
    (tmp_path / "tokenizer_config.json").unlink()
    (tmp_path / name).write_text(json.dumps(content))
    assert load_tokenizer(tmp_path).end_of_text == TRAINED.encode("e")[0]


def test_end_of_text_falls_back_to_gpt2s(tmp_path: Path) -> None:
    TRAINED.save(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"eos_token": "<not in it>"}')
    (tmp_path / "config.json").write_text('{"eos_token_id": 99999}')
    assert load_tokenizer(tmp_path).end_of_text == 0


def test_what_cannot_be_opened_is_one_sentence_with_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no tokenizer.*tokenizer\.json.*vocab\.json") as caught:
        load_tokenizer(tmp_path)
    assert str(tmp_path) in str(caught.value)
    (tmp_path / "vocab.json").write_text('{"a": 0}')
    with pytest.raises(ModelError, match="has no tokenizer"):  # the merges are missing
        load_tokenizer(tmp_path)
    (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    with pytest.raises(ModelError, match="has no end-of-text token"):
        load_tokenizer(tmp_path)
    for damaged in (b"{", b"", b"[]", b"\xff\xfe", b'{"version": "9"}'):
        (tmp_path / "tokenizer.json").write_bytes(damaged)
        with pytest.raises(ModelError, match="cannot be used"):
            load_tokenizer(tmp_path)


@pytest.mark.needs_torch
def test_forking_after_a_batch_prints_no_warning() -> None:
    code = (
        "import os; from storytime_tui.models.tokenizer import train_tokenizer\n"
        "train_tokenizer(['a b'], 300).encode_batch(['a'] * 1000)\n"
        "child = os.fork()\n"
        "os._exit(0) if child == 0 else os.waitpid(child, 0)\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TOKENIZERS_PARALLELISM"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0
    assert done.stdout + done.stderr == ""


def test_a_tokenizer_is_opened_once_until_its_files_change(tmp_path: Path) -> None:
    TRAINED.save(tmp_path)
    first = load_tokenizer(tmp_path)
    assert load_tokenizer(tmp_path) is first
    other = train_tokenizer([TALE * 3], 300)
    other.save(tmp_path)
    assert load_tokenizer(tmp_path).fingerprint == other.fingerprint != first.fingerprint
