"""A test of learning rates: its rates, where it ends, what it suggests."""

import itertools
import math

import pytest

from storytime_tui.training.rate_range import (
    STEPS,
    RateTried,
    has_exploded,
    rates_around,
    suggestion,
    with_step,
)


def after(*losses: float) -> list[RateTried]:
    tried: list[RateTried] = []
    for loss in losses:
        tried = with_step(tried, rates_around(1e-3), loss)
        if has_exploded(tried):
            break
    return tried


def a_valley(lowest: int, fall: float = 1.0) -> list[float]:
    """Losses that fall until a step, then rise ever faster."""
    return [
        4.0 - fall * step / lowest if step <= lowest else 4.0 - fall + 0.05 * 1.5 ** (step - lowest)
        for step in range(STEPS)
    ]


def test_the_rates_rise_by_one_factor_around_the_usual_one_and_never_above_1() -> None:
    rates = rates_around(1e-3)
    assert len(rates) == STEPS <= 100
    assert (rates[0], rates[-1]) == pytest.approx((1e-5, 1e-1))
    factors = [next_one / one for one, next_one in itertools.pairwise(rates)]
    assert max(factors) == pytest.approx(min(factors))
    assert rates_around(0.5)[-1] == pytest.approx(1.0)


def test_the_smoothed_loss_has_no_bias_and_follows_the_loss() -> None:
    steady = after(*[3.0] * 20)
    assert [each.smoothed for each in steady] == pytest.approx([3.0] * 20)
    noisy = after(*[3.0 + 0.2 * (-1) ** step for step in range(30)])
    assert all(abs(each.smoothed - 3.0) < 0.05 for each in noisy[10:])


def test_a_tenth_of_the_rate_with_the_lowest_loss_is_suggested_and_the_test_ends_there() -> None:
    tried = after(*a_valley(50))
    assert 50 < len(tried) < STEPS
    found = suggestion(tried)
    assert found.rate is not None and found.lowest is not None and found.exploded is not None
    assert rates_around(1e-3)[50] <= found.lowest <= rates_around(1e-3)[54]
    assert found.rate == pytest.approx(found.lowest / 10, rel=0.05)
    assert float(f"{found.rate:.1e}") == found.rate  # two digits
    assert found.steps == len(tried)


@pytest.mark.parametrize(
    ("losses", "says"),
    [
        ([3.0] * STEPS, "hardly fell"),
        ([4.0 - step / STEPS for step in range(STEPS)], "still fell"),
        ([math.nan], "No loss could be measured"),
        ([3.0, 3.0, 3.0, math.inf], "hardly fell"),
        ([], "No loss could be measured"),
    ],
)
def test_without_a_valley_there_is_no_suggestion_but_a_reason(losses: list[float], says: str) -> None:
    found = suggestion(after(*losses))
    assert found.rate is None and says in found.sentence


def test_a_test_that_was_stopped_says_so_and_suggests_nothing() -> None:
    for losses in ([3.0] * 12, a_valley(50)[:12]):
        found = suggestion(after(*losses), stopped=True)
        assert found.rate is None
        assert found.sentence == f"The test was stopped at step 12 of {STEPS}: no suggestion."
    whole = after(*a_valley(50))  # a stop that comes after the end changes nothing
    assert suggestion(whole, stopped=True) == suggestion(whole)
    assert suggestion([], stopped=True).sentence == "No loss could be measured."


def test_a_loss_that_is_not_finite_ends_the_test() -> None:
    tried = after(4.0, 3.5, 3.0, 2.5, math.nan, 2.0)
    assert len(tried) == 5
    assert suggestion(tried).exploded == tried[-1].rate
