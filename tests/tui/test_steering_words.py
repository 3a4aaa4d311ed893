"""What the model sees, in numbers and words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.generation.pieces import Seen
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.tui.sizes import SIZES, next_size, size_of, with_size
from storytime_tui.tui.steering_words import (
    cells_of,
    left_out_words,
    sampler_words,
    shares_of,
    stopped_words,
    strength_bar,
)

COUNTS = st.integers(0, 300)


@given(COUNTS, COUNTS, COUNTS, COUNTS, st.integers(8, 40))
def test_the_parts_are_all_that_the_model_sees_and_the_bar_holds_them(
    voice: int, memory: int, note: int, story: int, width: int
) -> None:
    seen = Seen(voice + memory + note + story, 1200, memory=memory, note=note, voice=voice)
    shares = shares_of(seen)
    assert sum(share.tokens for share in shares) == seen.tokens
    assert shares[-1].name == "story"
    cells = cells_of(shares, seen.window, width)
    assert sum(cells) <= width and all(each >= 1 for each in cells)


def test_what_does_not_fit_is_said() -> None:
    assert left_out_words(None) == left_out_words(Seen(9, 64, memory=4)) == ("", "")
    memory, note = left_out_words(Seen(64, 64, memory=31, memory_left_out=20, note=16, note_left_out=1))
    assert "by 20 tokens:" in memory and "half of the window" in memory
    assert "by 1 token:" in note and "a quarter of the window" in note


def test_banned_words_are_named_with_how_often_they_were_stopped() -> None:
    assert stopped_words(()) == ""
    assert stopped_words((("very", 3), ("odd\x1b", 1), ("so", 2))) == (
        "stopped “very” 3 times, “odd␛” once, “so” twice"
    )


@pytest.mark.parametrize(
    ("tokens", "size"), [(1, "sentence"), (61, "paragraph"), (200, "paragraph"), (5000, "page")]
)
def test_a_length_of_ones_own_has_the_size_that_holds_it(tokens: int, size: str) -> None:
    assert size_of(SamplerSettings(max_tokens=tokens)) == size


def test_sizes_follow_each_other_and_end() -> None:
    settings = with_size(SamplerSettings(seed=7), "sentence")
    assert (settings.end_after, settings.finish_sentence, settings.seed) == ("sentence", True, 7)
    assert next_size(settings, -1) == size_of(settings) == "sentence"
    assert next_size(settings, 1) == "paragraph"
    page = with_size(settings, "page")
    assert page.end_after == "length" and next_size(page, 1) == size_of(page) == "page"
    assert all(size_of(with_size(page, size)) == size for size in SIZES)


def test_settings_and_strength_in_words() -> None:
    assert sampler_words(SamplerSettings(), 80) == "temperature 0.6 · top-p 0.9 · min-p 0.1"
    assert sampler_words(SamplerSettings(), 28) == "temperature 0.6 · top-p 0.9"
    assert sampler_words(SamplerSettings(temperature=0), 80) == "always the likeliest word"
    assert strength_bar(1.25) == "━━━━━━──── 1.25" and strength_bar(0) == "────────── 0"
