"""A run in training is written with from a copy in the memory, and ends as if nobody had."""

import threading
from pathlib import Path

import pytest

from storytime_tui import paths
from storytime_tui.errors import ModelError
from storytime_tui.generation.pieces import Piece
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs.generate import Teller, open_teller
from storytime_tui.jobs.snapshot import open_snapshot
from storytime_tui.jobs.train import learn
from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from tests.jobs.test_train import plan_for
from tests.tiny import write_collection

GREEDY = SamplerSettings(max_tokens=12, temperature=0.0, finish_sentence=False)


def told(teller: Teller) -> str:
    return "".join(piece.text for piece in teller.tell("The mouse", GREEDY) if isinstance(piece, Piece))


def scores_of(teller: Teller) -> list[float]:
    stream = teller.tell("The mouse", GREEDY)
    return [piece.logprob for piece in stream if isinstance(piece, Piece)]


def test_who_writes_meanwhile_changes_nothing_of_the_run(tmp_path: Path) -> None:
    plan = plan_for(write_collection(tmp_path / "tales"), evaluate_every=2, sample_every=3, dropout=0.1)
    alone = [
        event for event in learn(plan, Control(), "alone") if isinstance(event, ev.StepDone | ev.Sampled)
    ]

    control, texts, opened = Control(), [], []

    def write() -> None:
        while (teller := open_snapshot("written-with", control)) is not None:
            opened.append(teller.step)
            texts.append(told(teller))

    writer = threading.Thread(target=write)
    said: list[ev.Event] = []
    for event in learn(plan, control, "written-with"):
        if isinstance(event, ev.Started):
            writer.start()
        said.append(event)
    control.offer_snapshots(None)
    writer.join()

    assert isinstance(said[-1], ev.Finished)
    losses = [(event.step, event.loss) for event in said if isinstance(event, ev.StepDone)]
    assert losses == [(event.step, event.loss) for event in alone if isinstance(event, ev.StepDone)]
    samples = [(event.step, event.text) for event in said if isinstance(event, ev.Sampled)]
    assert samples == [(event.step, event.text) for event in alone if isinstance(event, ev.Sampled)]
    runs = paths.runs_folder()
    for name in ("model.safetensors", "trainer.safetensors"):  # all weights, and the optimiser's moments
        files = [runs / run / "checkpoints" / "last" / name for run in ("alone", "written-with")]
        assert files[0].read_bytes() == files[1].read_bytes()
    assert opened and opened == sorted(opened) and len(texts) == len(opened)


def test_a_snapshot_is_the_checkpoint_of_its_step(tmp_path: Path) -> None:
    plan = plan_for(write_collection(tmp_path / "tales"), listen=False, keep=10, precision="fp32")
    control, tellers = Control(), []
    assert open_snapshot("run", control) is None  # it has not begun
    for event in learn(plan, control, "run"):
        if isinstance(event, ev.CheckpointSaved) and event.step == 3:
            tellers.append(open_snapshot("run", control))
    (teller,) = tellers
    assert teller is not None and teller.step == 3
    assert (teller.strength, teller.voices) == (1.0, ("Tales",))
    assert teller.outdated  # the run has ended since: its checkpoint is opened next time
    as_saved = [scores_of(open_teller(f"run/step-{step}")) for step in (3, 6)]
    assert scores_of(teller) == pytest.approx(as_saved[0], abs=0.03)  # a checkpoint may be told in int8
    assert scores_of(teller) != pytest.approx(as_saved[1], abs=0.1)


def test_a_copy_that_does_not_fit_is_said_and_the_run_goes_on() -> None:
    control = Control()

    def no_room() -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] not enough memory")

    control.offer_snapshots(no_room)
    with pytest.raises(ModelError, match="not enough memory for a copy of the run hare"):
        open_snapshot("hare", control)
    control.offer_snapshots(None)
    assert open_snapshot("hare", control) is None


def test_no_copy_is_made_in_the_middle_of_an_update() -> None:
    control, weights = Control(), [0, 0]
    control.offer_snapshots(lambda: tuple(weights))
    seen: list[tuple[int, int]] = []
    going = threading.Event()

    def copy() -> None:
        going.set()
        while len(seen) < 300:
            seen.append(control.snapshot())

    copier = threading.Thread(target=copy)
    copier.start()
    going.wait()
    while copier.is_alive():
        with control.changing_weights():
            weights[0] += 1
            weights[1] += 1
    copier.join()
    assert all(one == other for one, other in seen)
    assert seen == sorted(seen)


def test_a_snapshot_of_a_lora_run_has_its_adapter(tmp_path: Path) -> None:
    tales = write_collection(tmp_path / "tales")
    list(learn(plan_for(tales, listen=False, precision="fp32"), Control(), "base"))
    plan = plan_for(
        tales, base="base", lora_rank=4, learning_rate=0.05, listen=False, keep=10, precision="fp32"
    )
    control, tellers = Control(), []
    for event in learn(plan, control, "lora"):
        if isinstance(event, ev.CheckpointSaved):
            tellers.append(open_snapshot("lora", control))
    assert tellers[-1] is not None
    step = tellers[-1].step
    assert scores_of(tellers[-1]) == pytest.approx(scores_of(open_teller(f"lora/step-{step}")), abs=0.05)
    assert scores_of(tellers[-1]) != pytest.approx(scores_of(open_teller("base")), abs=0.2)
