"""Token files: encoded once, found again, mended when damaged, made in bounded memory."""

import errno
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui import files
from storytime_tui.corpus import tokens
from storytime_tui.corpus.collection import Story
from storytime_tui.corpus.headers import header_ids
from storytime_tui.corpus.tokens import TokenFile, open_tokens, pieces_of, token_frequency_loss
from storytime_tui.errors import CorpusError
from storytime_tui.models.tokenizer import Tokenizer, train_tokenizer

STORIES = [Story("A", "fox"), Story("B", "häre ran"), Story("C", "")]


@dataclass
class Bytes:
    """An encoder whose ids are the text's bytes; it counts how often it is asked."""

    vocabulary_size: int = 257
    fingerprint: str = "bytes"
    end_of_text: int = 256
    calls: list[int] = field(default_factory=list)

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        self.calls.append(len(texts))
        return [list(text.encode()) for text in texts]


def test_the_stream_is_end_of_text_and_story_in_turn(tmp_path: Path) -> None:
    file = open_tokens(STORIES, Bytes(), tmp_path)
    assert file.ids.tolist() == [256, *b"fox", 256, *"häre ran".encode(), 256]
    assert isinstance(file.ids, np.memmap)
    assert file.ids.dtype == np.uint16
    assert (file.text_bytes, file.stories) == (3 + 9, 3)


def test_a_big_vocabulary_takes_four_bytes(tmp_path: Path) -> None:
    assert open_tokens(STORIES, Bytes(65536), tmp_path).ids.dtype == np.uint16
    big = open_tokens(STORIES, Bytes(65537, end_of_text=65536), tmp_path)
    assert big.ids.dtype == np.uint32
    assert big.ids[0] == 65536


def test_the_second_opening_encodes_nothing(tmp_path: Path) -> None:
    encoder, told = Bytes(), []
    first = open_tokens(STORIES, encoder, tmp_path, lambda done, total: told.append((done, total)))
    assert encoder.calls == [3]
    assert told == [(12, 12)]
    second = open_tokens(STORIES, encoder, tmp_path, lambda *_: pytest.fail("nothing to tell"))
    assert encoder.calls == [3]
    assert second.ids.tolist() == first.ids.tolist()
    assert len(list(tmp_path.iterdir())) == 1


def test_anything_that_matters_makes_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_tokens(STORIES, Bytes(), tmp_path)
    open_tokens(STORIES[::-1], Bytes(), tmp_path)
    open_tokens([Story("A", "foxh"), Story("B", "äre ran"), STORIES[2]], Bytes(), tmp_path)
    open_tokens(STORIES, Bytes(fingerprint="other"), tmp_path)
    monkeypatch.setattr(tokens, "CLEANING_VERSION", tokens.CLEANING_VERSION + 1)
    open_tokens(STORIES, Bytes(), tmp_path)
    assert len(list(tmp_path.iterdir())) == 5


def test_titles_do_not_matter(tmp_path: Path) -> None:
    encoder = Bytes()
    open_tokens(STORIES, encoder, tmp_path)
    open_tokens([Story("Other", story.text) for story in STORIES], encoder, tmp_path)
    assert len(encoder.calls) == 1


@pytest.mark.parametrize("name", ["ids.npy", "starts.npy", "facts.json"])
@pytest.mark.parametrize("damage", ["cut", "empty", "longer", "other", "shape", "pickle", "gone"])
def test_a_damaged_file_is_made_anew(tmp_path: Path, name: str, damage: str) -> None:
    encoder = Bytes()
    wanted = open_tokens(STORIES, encoder, tmp_path).ids.tolist()
    (folder,) = tmp_path.iterdir()
    path = folder / name
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "shape":
        np.save(path.open("wb"), np.zeros((3, 4), np.uint16))
    elif damage == "pickle":
        np.save(path.open("wb"), np.array([{"a": 1}], dtype=object), allow_pickle=True)
    else:
        path.write_bytes({"cut": data[:-3], "empty": b"", "longer": data + b"xx", "other": b"hello"}[damage])
    assert open_tokens(STORIES, encoder, tmp_path).ids.tolist() == wanted
    assert len(encoder.calls) == 2


def test_an_id_that_has_changed_on_the_disk_is_made_anew(tmp_path: Path) -> None:
    encoder = Bytes()
    wanted = open_tokens(STORIES, encoder, tmp_path).ids.tolist()
    (path,) = tmp_path.glob("*/ids.npy")
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    assert open_tokens(STORIES, encoder, tmp_path).ids.tolist() == wanted
    assert len(encoder.calls) == 2


def test_many_stories_are_encoded_in_batches_with_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_BATCH", 10)
    told: list[tuple[int, int]] = []
    encoder = Bytes()
    open_tokens([Story("", "seven..")] * 5, encoder, tmp_path, lambda done, total: told.append((done, total)))
    assert encoder.calls == [2, 2, 1]
    assert told == [(14, 35), (28, 35), (35, 35)]


def test_no_stories_and_a_full_disk_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CorpusError, match="no story"):
        open_tokens([], Bytes(), tmp_path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "_sync_file", full)
    with pytest.raises(CorpusError, match="disk is full"):
        open_tokens(STORIES, Bytes(), tmp_path)


long_texts = st.text(alphabet="ab é.\n\t—日", max_size=300)


@given(long_texts, st.integers(1, 40))
def test_a_long_text_is_cut_into_pieces_that_make_it_whole(text: str, size: int) -> None:
    pieces = list(pieces_of(text, size))
    assert "".join(pieces) == text
    assert pieces
    for before, after in pairwise(pieces):
        assert len(before) >= size
        assert before[-1].isalpha() and after[0].isspace()


@pytest.fixture(scope="module")
def byte_level() -> Tokenizer:
    """A byte-level BPE as GPT-2's, with merges of letters, of spaces and of line ends."""
    tales = ["The fox  ran home.\n\nThe hen's house, by\n\nthe way, was   closed.\n"] * 3
    return train_tokenizer(tales, 300)


@settings(deadline=None)
@given(st.text(alphabet="The fox\n'.s 1é", max_size=200), st.integers(1, 30))
def test_the_pieces_of_a_long_story_have_the_tokens_of_the_whole(
    byte_level: Tokenizer, text: str, size: int
) -> None:
    pieces = byte_level.encode_batch(list(pieces_of(text, size)))
    assert [token for piece in pieces for token in piece] == byte_level.encode_batch([text])[0]


def test_a_long_story_is_encoded_in_pieces_and_begins_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_BATCH", 10)
    text = "one two three four five six seven eight nine ten"
    encoder = Bytes()
    file = open_tokens([Story("Short", "x y"), Story("Long", text), Story("Last", "z")], encoder, tmp_path)
    assert len(encoder.calls) > 3
    assert file.ids.tolist() == [256, *b"x y", 256, *text.encode(), 256, *b"z"]
    assert file.starts.tolist() == [0, 4, 4 + 1 + len(text)]


def test_stopping_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_BATCH", 10)

    def stop(done: int, total: int) -> None:
        if done > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_tokens([Story("", "seven..")] * 9, Bytes(), tmp_path, stop)
    assert list(tmp_path.iterdir()) == []
    assert open_tokens([Story("", "seven..")] * 9, Bytes(), tmp_path).stories == 9


def stream(ids: Any, skipped: Sequence[tuple[int, int]] = ()) -> TokenFile:
    return TokenFile(ids, np.zeros(1, np.int64), 0, "", np.array(skipped, np.int64).reshape(-1, 2))


def test_what_is_not_learned_counts_for_no_token_frequency() -> None:
    with_headers = stream(np.array([0, 3, 3, 1, 2, 0, 3, 2, 2], np.uint16), [(1, 3), (6, 7)])
    without = stream(np.array([0, 1, 2, 0, 2, 2], np.uint16))
    assert token_frequency_loss(with_headers, with_headers, 4) == token_frequency_loss(without, without, 4)


def test_token_frequency_loss_is_the_add_one_unigram_loss() -> None:
    training = np.array([0, 0, 1, 2, 2, 2], np.uint16)
    validation = np.array([0, 2, 3], np.uint16)
    probability = {0: 3 / 10, 1: 2 / 10, 2: 4 / 10, 3: 1 / 10}
    wanted = -sum(math.log(probability[int(i)]) for i in validation) / 3
    assert token_frequency_loss(stream(training), stream(validation), 4) == pytest.approx(wanted, abs=1e-12)


def test_token_frequency_loss_of_a_long_stream_is_the_same_in_pieces(tmp_path: Path) -> None:
    ids = np.arange((1 << 20) + 5, dtype=np.uint32) % 7
    assert token_frequency_loss(stream(ids), stream(ids), 7) == pytest.approx(math.log(7), abs=1e-6)


def test_a_token_file_is_plain_data() -> None:
    assert stream(np.zeros(1, np.uint16)).stories == 1


def test_headers_stand_before_their_stories_and_are_marked(tmp_path: Path) -> None:
    stories = [
        Story("A", "fox", header="Shelf: S\nTitle: A\n"),
        Story("A", "ran", header="Shelf: S\n", continues=True),
        Story("B", "hen"),
    ]
    file = open_tokens(stories, Bytes(), tmp_path)
    told = bytes(id if id < 256 else 0 for id in file.ids.tolist())
    assert told == b"\0Shelf: S\nTitle: A\n\nfox\n\nShelf: S\n\nran\0hen"
    assert [told[begin:end] for begin, end in file.skipped.tolist()] == [
        b"Shelf: S\nTitle: A\n\n",
        b"Shelf: S\n\n",
        b"",
    ]
    assert file.text_bytes == len("fox\n\nranhen")
    assert open_tokens(stories[2:], Bytes(), tmp_path).stories == 1
    other = open_tokens([Story("A", "fox", header="Shelf: T\n")], Bytes(), tmp_path)
    assert other.digest != open_tokens([Story("A", "fox")], Bytes(), tmp_path).digest


def test_a_story_has_the_same_tokens_behind_a_header(tmp_path: Path) -> None:
    texts = ['"Stop!" said the wren.\n\nThe cat stopped.', "Ünter dem Tisch, 12 mice."]
    tokenizer = train_tokenizer(iter(texts * 20), 400)
    header = "Shelf: Hedgerow Tales\n"
    for text in texts:
        file = open_tokens([Story("", text, header=header)], tokenizer, tmp_path)
        assert file.ids.tolist()[1:] == tokenizer.encode(f"{header}\n{text}")
        (begin, end) = file.skipped.tolist()[0]
        assert file.ids.tolist()[begin:end] == header_ids(header, tokenizer)
        assert header_ids("", tokenizer) == []
