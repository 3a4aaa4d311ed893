"""The preset "by heart": a run that memorises, as a run should not."""

import dataclasses
from pathlib import Path

from storytime_tui.jobs.train import learn
from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from storytime_tui.training.plan import TrainingPlan, with_preset
from tests.tiny import write_collection


def test_by_heart_the_validation_loss_turns_while_the_training_loss_falls_on(tmp_path: Path) -> None:
    tales = write_collection(tmp_path / "tales", stories=3, sentences=20)
    plan = TrainingPlan(
        base="scratch-2x128",
        collections=(str(tales),),
        block_size=64,
        batch_size=8,
        accumulation=1,
        evaluate_every=15,
        sample_every=0,
        listen=False,
        device="cpu",
    )
    plan = with_preset(plan, "by heart", from_scratch=True)
    plan = dataclasses.replace(
        plan, learning_rate=3e-3
    )  # so small a model needs a higher rate for so few steps
    said = list(learn(plan, Control(), "heart"))
    validation = [event.validation_loss for event in said if isinstance(event, ev.Evaluated)]
    losses = [event.loss for event in said if isinstance(event, ev.StepDone)]
    best = min(validation)
    half = len(losses) // 2
    assert validation.index(best) < len(validation) - 1
    assert validation[-1] > best
    assert sum(losses[-10:]) < sum(losses[half : half + 10])  # it still falls
    assert sum(losses[-10:]) / 10 < best - 0.5  # and what it read is far likelier to it than what it did not
