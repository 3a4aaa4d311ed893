"""The strength that is chosen: more of the shelf's voice, while the text stays sound and nothing is recited."""

import math

from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.jobs.strengths import (
    ASKED,
    ENOUGH,
    MOST_COPIED,
    MOST_WORSE,
    Tried,
    best_strength,
    contrast_in_turn,
    tried_in_turn,
)
from storytime_tui.jobs.voice import MeasuredVoice

tried = st.builds(
    Tried,
    strength=st.sampled_from([0.75, 1.15, 1.3, 1.45, 2.0]),
    validation_loss=st.floats(2.5, 3.5) | st.just(math.nan) | st.just(math.inf),
    voice=st.floats(0, 1),
    copied=st.floats(0, 0.1),
)


@given(st.lists(tried), st.floats(0, 1), st.floats(0, 0.1))
def test_it_never_costs_soundness_and_never_loses_voice(
    others: list[Tried], voice: float, copied: float
) -> None:
    learned = Tried(1.0, 3.0, voice, copied)
    chosen = best_strength([learned, *others])
    of_it = [each for each in [learned, *others] if each.strength == chosen]
    assert any(
        each.voice >= learned.voice
        and each.validation_loss <= 3.0 * (1 + MOST_WORSE)
        and each.copied <= max(copied, MOST_COPIED)
        for each in of_it
    )


def test_more_voice_wins_and_of_equals_the_lower_strength() -> None:
    learned = Tried(1.0, 3.0, 0.5, 0.0)
    louder, loudest, broken = (
        Tried(1.15, 3.01, 0.9, 0.0),
        Tried(1.3, 3.05, 0.9, 0.0),
        Tried(1.45, 3.2, 1.0, 0.0),
    )
    assert best_strength([learned, louder, loudest, broken]) == 1.15
    assert best_strength([learned, Tried(1.15, 3.0, 0.5, 0.0)]) == 1.0
    assert best_strength([learned, Tried(1.15, 3.0, 0.9, 0.05)]) == 1.0  # it recites
    assert best_strength([Tried(1.0, math.nan, 0.5, 0.0), louder]) == 1.0


def search(losses: dict[float, float], voices: dict[float, float], patience: int = 99) -> list[float]:
    asked: list[float] = []

    def voice_at(strength: float) -> tuple[float, float]:
        asked.append(strength)
        return voices[strength], 0.0

    learned = Tried(1.0, losses[1.0], voices[1.0], 0.0)
    tried = tried_in_turn(learned, losses.__getitem__, voice_at, lambda: len(asked) >= patience)
    assert [each.strength for each in tried] == [1.0, *asked]
    return asked


def test_strengths_are_tried_until_one_costs_too_much_or_is_enough() -> None:
    cheap, low = dict.fromkeys(ASKED, 3.0), dict.fromkeys(ASKED, 0.4)
    assert search(cheap, low) == list(ASKED[1:])
    assert search({**cheap, ASKED[2]: 3.07}, low) == [ASKED[1]]
    assert search({**cheap, ASKED[1]: math.nan}, low) == []
    assert search(cheap, {**low, ASKED[1]: ENOUGH}) == [ASKED[1]]
    assert search(cheap, {**low, 1.0: 1.0}) == []
    assert search(cheap, low, patience=2) == list(ASKED[1:3])


def told(right: int, other: int, copied: float = 0.0) -> MeasuredVoice:
    """Twelve passages as each of two shelves."""
    return MeasuredVoice(24, right + other, 0, {}, {"A": (right, 12), "B": (other, 12)}, copied)


def test_voices_lean_away_from_each_other_where_that_helps_the_worst_of_them() -> None:
    at = {0.5: told(9, 12), 1.0: told(11, 11)}
    assert contrast_in_turn(told(8, 11), at.get, lambda: False) == (1.0, at[1.0])
    assert contrast_in_turn(told(8, 11), {0.5: told(12, 12), 1.0: None}.get, lambda: False)[0] == 0.5
    # not where it is no better, where it recites, or where a voice cannot be measured
    assert contrast_in_turn(told(9, 12), {0.5: told(9, 12), 1.0: told(12, 8)}.get, lambda: False)[0] == 0.0
    assert contrast_in_turn(told(8, 11), {0.5: told(12, 12, 0.5)}.get, lambda: False)[0] == 0.0
    assert contrast_in_turn(told(8, 11), at.get, lambda: True)[0] == 0.0


def test_one_voice_has_nothing_to_lean_away_from() -> None:
    alone = MeasuredVoice(24, 3, 0, {}, {"A": (3, 24)}, 0.0)
    asked: list[float] = []
    assert contrast_in_turn(alone, asked.append, lambda: False) == (0.0, alone) and not asked
