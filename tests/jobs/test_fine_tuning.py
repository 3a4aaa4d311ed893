"""What fine-tuning is for: a run knows its own collection better than its base does, and than another run does."""

from storytime_tui.jobs.evaluate import evaluate_model
from storytime_tui.jobs.train import learn
from storytime_tui.training.control import Control
from storytime_tui.training.plan import TrainingPlan

COLLECTIONS = ("hedgerow-tales", "nonsense-from-the-attic")


def taught(run: str, base: str, collections: tuple[str, ...], steps: int) -> None:
    """Train a run on a thousand tokens a step."""
    plan = TrainingPlan(
        base=base,
        collections=collections,
        max_steps=steps,
        block_size=128,
        batch_size=8,
        accumulation=1,
        learning_rate=2e-3,
        evaluate_every=steps,
        sample_every=0,
        seed=2,
    )
    assert list(learn(plan, Control(), run))


def test_each_run_is_the_better_on_its_own_collection() -> None:
    first, second = COLLECTIONS
    taught("base", "scratch-2x64", COLLECTIONS, 30)  # one tokenizer for all
    taught("one", "base", (first,), 20)
    taught("two", "base", (second,), 20)
    bits = {
        (model, collection): evaluate_model(model, [collection], lambda *_: None, seed=2).bits_per_byte
        for model in ("base", "one", "two")
        for collection in COLLECTIONS
    }
    assert bits["one", first] < min(bits["two", first], bits["base", first])
    assert bits["two", second] < min(bits["one", second], bits["base", second])
