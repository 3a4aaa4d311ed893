"""Windows cover the ring, whatever their length and stride; nothing leaks."""

import math
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui.corpus.collection import Story
from storytime_tui.corpus.splitting import split_stories
from storytime_tui.corpus.tokens import open_tokens
from storytime_tui.corpus.windows import epoch_windows, window_at
from tests.corpus.test_tokens import Bytes
from tests.examples import many

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


def test_half_a_window_as_stride_shows_each_token_twice() -> None:
    starts = epoch_windows(1024, 128, 0, 0)
    shown = np.bincount(
        np.concatenate([window_at(np.arange(1024, dtype=np.uint16), int(s), 256) for s in starts])
    )
    assert shown.tolist() == [2] * 1024


@given(st.integers(1, 50), st.integers(0, 200), st.integers(0, 120))
def test_a_window_goes_round_the_ring(count: int, start: int, length: int) -> None:
    window = window_at(np.arange(count, dtype=np.uint16), start, length)
    assert window.dtype == np.int64
    assert window.tolist() == [(start + i) % count for i in range(length)]


# Each story has a sign of its own, so that a leak of one token shows.
lengths = st.lists(st.integers(1, 60), min_size=2, max_size=20)


@settings(deadline=None, max_examples=many(60))
@given(
    lengths,
    st.floats(0.05, 0.5),
    st.integers(0, 2**31),
    st.integers(2, 64),
    st.integers(1, 64),
    st.integers(0, 5),
)
def test_no_token_of_a_validation_story_is_ever_in_a_training_window(
    tmp_path_factory: object,
    lengths: list[int],
    fraction: float,
    seed: int,
    length: int,
    stride: int,
    epoch: int,
) -> None:
    folder: Path = tmp_path_factory.mktemp("tokens")  # type: ignore[attr-defined]
    stories = [Story(f"S{i}", chr(ord("a") + i) * size) for i, size in enumerate(lengths)]
    split = split_stories(stories, fraction, seed)
    ids = open_tokens(split.training, Bytes(), folder).ids
    kept_away = {ord(story.text[0]) for story in split.validation}
    assert kept_away
    shown = {
        int(token)
        for start in epoch_windows(len(ids), min(stride, length), seed, epoch)
        for token in window_at(ids, int(start), length)
    }
    assert not shown & kept_away
    assert shown == {ord(story.text[0]) for story in split.training} | {256}
