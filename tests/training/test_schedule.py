"""The learning rate: up, then down, never zero on the way (as the first notebook's was)."""

from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.training.schedule import FLOOR, learning_rate_at


@given(total=st.integers(1, 3000), warm=st.floats(0, 0.5), peak=st.floats(1e-6, 1))
def test_warm_up_rises_to_the_peak_and_the_cosine_falls_to_the_floor(
    total: int, warm: float, peak: float
) -> None:
    warmup = round(total * warm)
    rates = [learning_rate_at(s, peak=peak, warmup_steps=warmup, total_steps=total) for s in range(total)]
    assert all(0 < rate <= peak * 1.0000001 for rate in rates)
    assert rates[:warmup] == sorted(rates[:warmup])
    assert rates[warmup:] == sorted(rates[warmup:], reverse=True)
    if total - warmup > 1:
        assert abs(rates[warmup] - peak) < 1e-9 * peak + 1e-12
        assert abs(rates[-1] - FLOOR * peak) < 1e-6 * peak
