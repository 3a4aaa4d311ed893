"""Token files: encoded once, found again, mended when damaged; windows that cover the ring."""

import errno
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui import files
from storytime_tui.corpus import tokens
from storytime_tui.corpus.collection import Story
from storytime_tui.corpus.tokens import TokenFile, epoch_windows, open_tokens, token_frequency_loss, window_at
from storytime_tui.errors import CorpusError

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
    assert told == [(11, 11)]
    second = open_tokens(STORIES, encoder, tmp_path, lambda *_: pytest.fail("nothing to tell"))
    assert encoder.calls == [3]
    assert second.ids.tolist() == first.ids.tolist()
    assert [path.suffix for path in tmp_path.iterdir()] == [".npy"]


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


@pytest.mark.parametrize("damage", ["cut", "empty", "longer", "other", "shape", "pickle"])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: str) -> None:
    encoder = Bytes()
    wanted = open_tokens(STORIES, encoder, tmp_path).ids.tolist()
    (path,) = tmp_path.iterdir()
    data = path.read_bytes()
    if damage == "shape":
        np.save(path, np.zeros((3, 4), np.uint16))
    elif damage == "pickle":
        np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    else:
        path.write_bytes({"cut": data[:-3], "empty": b"", "longer": data + b"xx", "other": b"hello"}[damage])
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

    monkeypatch.setattr(files, "write_atomically", full)
    with pytest.raises(CorpusError, match="disk is full"):
        open_tokens(STORIES, Bytes(), tmp_path)


sizes = st.integers(1, 2000)


@settings(deadline=None)
@given(sizes, st.integers(1, 300), st.integers(0, 2**63 - 1), st.integers(0, 1000))
def test_the_windows_of_a_pass_cover_every_token(count: int, stride: int, seed: int, epoch: int) -> None:
    starts = epoch_windows(count, stride, seed, epoch)
    assert len(starts) == math.ceil(count / stride)
    assert len(set(starts.tolist())) == len(starts)
    ring = np.arange(count, dtype=np.uint32)
    seen = {int(i) for start in starts for i in window_at(ring, int(start), stride)}
    assert seen == set(range(count))
    assert starts.tolist() == epoch_windows(count, stride, seed, epoch).tolist()


def test_the_windows_are_the_same_on_every_machine() -> None:
    """An exact resume makes them again: they may never change."""
    assert epoch_windows(100, 16, 3, 2).tolist() == [69, 85, 53, 17, 1, 21, 37]


def test_each_pass_has_its_own_offset_and_order() -> None:
    passes = {tuple(epoch_windows(1000, 64, 5, epoch).tolist()) for epoch in range(10)}
    assert len(passes) == 10
    assert len({min(starts) for starts in passes}) > 5


@given(st.integers(1, 50), st.integers(0, 200), st.integers(0, 120))
def test_a_window_goes_round_the_ring(count: int, start: int, length: int) -> None:
    window = window_at(np.arange(count, dtype=np.uint16), start, length)
    assert window.dtype == np.int64
    assert window.tolist() == [(start + i) % count for i in range(length)]


def test_token_frequency_loss_is_the_add_one_unigram_loss() -> None:
    training = np.array([0, 0, 1, 2, 2, 2], np.uint16)
    validation = np.array([0, 2, 3], np.uint16)
    probability = {0: 3 / 10, 1: 2 / 10, 2: 4 / 10, 3: 1 / 10}
    wanted = -sum(math.log(probability[int(i)]) for i in validation) / 3
    assert token_frequency_loss(training, validation, 4) == pytest.approx(wanted, abs=1e-12)


def test_token_frequency_loss_of_a_long_stream_is_the_same_in_pieces(tmp_path: Path) -> None:
    ids = np.arange((1 << 20) + 5, dtype=np.uint32) % 7
    assert token_frequency_loss(ids, ids, 7) == pytest.approx(math.log(7), abs=1e-6)


def test_a_token_file_is_plain_data() -> None:
    assert TokenFile(np.zeros(1, np.uint16), 0, 1).stories == 1
