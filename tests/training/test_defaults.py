"""What is chosen where nobody says, by the base and by the shelf."""

import pytest

from storytime_tui.training.defaults import is_small, usual_epochs, usual_rate, usual_step


@pytest.mark.parametrize(
    ("parameters", "tokens", "rate", "epochs"),
    [
        (14_000_000, 22_000, 5e-4, 4.0),  # the starter, and a shelf of sixteen tales
        (14_000_000, 150_000, 2.5e-4, 4.0),
        (14_000_000, 5_000_000, 1e-4, 3.0),
        (124_000_000, 22_000, 5e-5, 3.0),
        (1_600_000_000, 22_000, 1e-5, 3.0),
    ],
)
def test_a_small_model_takes_larger_steps_on_a_small_shelf(
    parameters: int, tokens: int, rate: float, epochs: float
) -> None:
    assert usual_rate(parameters, tokens, from_scratch=False) == rate
    assert usual_epochs(parameters, tokens, from_scratch=False) == epochs
    assert usual_rate(parameters, tokens, from_scratch=True) == 1e-3
    assert usual_epochs(parameters, tokens, from_scratch=True) == 10.0


def test_a_shelf_of_unknown_size_is_not_small() -> None:
    assert not is_small(14_000_000, None)
    assert [usual_step(tokens) for tokens in (20_000, 100_000, 2_000_000)] == [1024, 4096, 8192]
