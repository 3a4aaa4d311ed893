"""What a run survives: too little memory, damaged checkpoints, patience at an end, an end that was not the last."""

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from storytime_tui.errors import RunError
from storytime_tui.training import checkpoints
from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from storytime_tui.training.plan import plan_with_more, schedule_of
from storytime_tui.training.schedule import learning_rate_at
from storytime_tui.training.sums import damage_in
from tests.tiny import ours, tiny_gpt2
from tests.training.runs_in_small import (
    TRAINING,
    continued,
    plan_for,
    same,
    steps_in,
    trainer_in,
    weights_of,
)


def fail_once(model: Any, call: int, error: Exception, windows: int = 10**9) -> None:
    """Let a model run out of memory at its so-manieth reading, or whenever it reads more windows at once."""
    hidden, calls = model.hidden, 0

    def failing(ids: torch.Tensor, *rest: Any) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == call or len(ids) > windows:
            raise error
        found: torch.Tensor = hidden(ids, *rest)
        return found

    model.hidden = failing


HURT_PLAN = plan_for(dropout=0.0, sample_every=0)


@pytest.fixture(scope="module")
def unhurt(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[float], dict[str, torch.Tensor]]:
    """The losses and the weights of the run that had memory enough."""
    folder = tmp_path_factory.mktemp("unhurt")
    said = list(trainer_in(folder / "whole", HURT_PLAN, model=ours(tiny_gpt2(dropout=0.0))).run())
    return [event.loss for event in steps_in(said)], weights_of(folder / "whole")


GPU_IS_FULL = torch.OutOfMemoryError("CUDA out of memory")
CPU_IS_FULL = RuntimeError("DefaultCPUAllocator: can't allocate memory")


# where it happens is the same for both: the other error is met at the beginning, in the middle and at the end
@pytest.mark.parametrize(
    ("error", "call"),
    [
        *((GPU_IS_FULL, call) for call in (1, 2, 12, 13, 14, 29, 30, 31, 40)),
        *((CPU_IS_FULL, call) for call in (1, 13, 40)),
    ],
    ids=lambda value: {GPU_IS_FULL: "gpu", CPU_IS_FULL: "cpu"}.get(value),
)
def test_out_of_memory_anywhere_changes_no_step(
    tmp_path: Path, unhurt: tuple[list[float], dict[str, torch.Tensor]], call: int, error: Exception
) -> None:
    model = ours(tiny_gpt2(dropout=0.0))
    fail_once(model, call, error)
    trainer = trainer_in(tmp_path / "hurt", HURT_PLAN, model=model)
    said = list(trainer.run())
    recovered = [e for e in said if isinstance(e, ev.Recovered)]
    assert [e.message for e in recovered] == [
        "The memory was full: from now on 2 windows are read at a time, with as many windows in a step as before."
    ]
    assert trainer.micro == 2
    losses, weights = unhurt
    assert [e.loss for e in steps_in(said)] == pytest.approx(losses, abs=1e-5)
    hurt = weights_of(tmp_path / "hurt")
    for name, tensor in weights.items():
        torch.testing.assert_close(hurt[name], tensor, atol=1e-4, rtol=0)


def test_it_halves_as_often_as_it_must_and_remembers_it(tmp_path: Path) -> None:
    model, control = ours(tiny_gpt2()), Control()
    fail_once(model, 0, torch.OutOfMemoryError("full"), windows=1)
    plan = plan_for(sample_every=0)
    for event in trainer_in(tmp_path / "r", plan, control, model=model).run():
        if isinstance(event, ev.StepDone) and event.step == 3:
            control.stop()
    assert checkpoints.read_progress(tmp_path / "r" / "checkpoints" / "last").micro == 1
    assert continued(tmp_path / "r", plan).micro == 1


def test_blocks_are_computed_twice_before_it_gives_up_and_then_it_says_what_to_do(tmp_path: Path) -> None:
    model = ours(tiny_gpt2())
    fail_once(model, 0, torch.OutOfMemoryError("full"), windows=0)
    said = list(trainer_in(tmp_path / "r", plan_for(), model=model).run())
    assert [type(e) for e in said] == [ev.Started, ev.Recovered, ev.Recovered, ev.Recovered, ev.Failed]
    assert model.checkpointing
    assert isinstance(said[-1], ev.Failed)
    assert "set a smaller block_size" in said[-1].message


# -- damaged checkpoints ----------------------------------------------------------------------------------


FILES = ["model.safetensors", "trainer.safetensors", "trainer.json", "config.json", "README.md", "SHA256SUMS"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 12 steps, of which 4, 8 and 12 are kept."""
    folder = tmp_path_factory.mktemp("finished") / "r"
    list(trainer_in(folder, plan_for(keep=9)).run())
    return folder


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", [0.0, 0.3, 0.99])
def test_any_byte_that_is_not_what_was_saved_is_seen(
    finished: Path, tmp_path: Path, name: str, place: float
) -> None:
    import shutil

    folder = Path(shutil.copytree(finished, tmp_path / "r", symlinks=True))
    newest = checkpoints.checkpoint_steps(folder)[-1]
    path = folder / "checkpoints" / f"step-{newest}" / name
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 1
    path.write_bytes(data)
    found, sentences = checkpoints.newest_complete(folder)
    before = checkpoints.checkpoint_steps(finished)[-2]
    assert found is not None and found.name == f"step-{before}"
    assert len(sentences) == 1 and f"step-{newest} is damaged" in sentences[0]


def test_a_run_goes_on_from_the_checkpoint_before_the_damaged_one_to_the_same_end(tmp_path: Path) -> None:
    plan, control = plan_for(keep=9), Control()
    list(trainer_in(tmp_path / "whole", plan).run())
    for event in trainer_in(tmp_path / "hurt", plan, control).run():
        if isinstance(event, ev.StepDone) and event.step == 9:
            control.stop()
    weights = tmp_path / "hurt" / "checkpoints" / "step-9" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-7])
    said = list(continued(tmp_path / "hurt", plan).run())
    assert isinstance(said[0], ev.Resumed)
    assert said[0].step < 9
    assert same(weights_of(tmp_path / "whole"), weights_of(tmp_path / "hurt"))
    assert not list((tmp_path / "hurt" / "checkpoints").glob("*.damaged"))


def test_where_nothing_is_whole_there_is_nothing_to_go_on_from(finished: Path, tmp_path: Path) -> None:
    import shutil

    folder = Path(shutil.copytree(finished, tmp_path / "r", symlinks=True))
    steps = checkpoints.checkpoint_steps(folder)
    for step in steps:
        (folder / "checkpoints" / f"step-{step}" / "trainer.json").unlink()
    found, sentences = checkpoints.newest_complete(folder)
    assert found is None
    assert len(sentences) == len(steps)


def test_any_tool_can_check_the_sums(finished: Path) -> None:
    folder = (finished / "checkpoints" / "last").resolve()
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=True)


def test_the_card_says_what_it_is(finished: Path) -> None:
    card = (finished / "checkpoints" / "last" / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlibrary_name: transformers\n")
    for said in (
        "step 12",
        "| validation loss |",
        "| bits per byte |",
        "| learning_rate | 0.003 |",
        "8 stories",
    ):
        assert said in card.replace("\\", "")


# -- patience, and more epochs ----------------------------------------------------------------------------


def test_a_run_ends_when_it_has_not_become_better_for_long(tmp_path: Path) -> None:
    plan = plan_for(max_steps=400, evaluate_every=2, patience=3, learning_rate=0.05, sample_every=0)
    said = list(trainer_in(tmp_path / "r", plan).run())
    scores = [e for e in said if isinstance(e, ev.Evaluated)]
    assert isinstance(said[-1], ev.Finished)
    assert said[-1].stopped_by == "patience"
    assert said[-1].step < 400
    assert [e.best for e in scores[-4:]] == [True, False, False, False]
    assert said[-1].best_step == scores[-4].step


def test_patience_is_the_same_after_a_resume(tmp_path: Path) -> None:
    plan = plan_for(max_steps=400, evaluate_every=2, patience=3, learning_rate=0.05, sample_every=0)
    whole = list(trainer_in(tmp_path / "whole", plan).run())
    end = whole[-1]
    assert isinstance(end, ev.Finished)
    control = Control()
    for event in trainer_in(tmp_path / "parts", plan, control).run():
        if isinstance(event, ev.StepDone) and event.step == end.step - 3:
            control.stop()
    said = list(continued(tmp_path / "parts", plan).run())
    assert isinstance(said[-1], ev.Finished)
    assert (said[-1].step, said[-1].stopped_by) == (end.step, "patience")


def test_a_finished_run_goes_on_for_more_epochs(tmp_path: Path) -> None:
    plan = plan_for(max_steps=None, epochs=2.0)
    first = list(trainer_in(tmp_path / "r", plan).run())
    end = first[-1].step  # type: ignore[attr-defined]
    longer = plan_with_more(plan, 3.0, end, (end, end / 2))
    assert longer.extended_at == (end,)
    total = schedule_of(longer, len(TRAINING)).total_steps
    assert total == pytest.approx(end * 2.5, abs=1)
    said = list(continued(tmp_path / "r", longer).run())
    assert said[0] == ev.Resumed(end, from_checkpoint=True, total_steps=total)
    assert [e.step for e in steps_in(said)] == list(range(end + 1, total + 1))
    # and again byte for byte when that is interrupted
    list(trainer_in(tmp_path / "again", plan).run())
    control = Control()
    for event in continued_with(tmp_path / "again", longer, control):
        if isinstance(event, ev.StepDone) and event.step == end + 4:
            control.stop()
    list(continued(tmp_path / "again", longer).run())
    assert same(weights_of(tmp_path / "r"), weights_of(tmp_path / "again"))


def continued_with(folder: Path, plan: Any, control: Control) -> Any:
    return continued(folder, plan, control).run()


@pytest.mark.parametrize("schedule", ["cosine", "linear", "wsd"])
def test_the_rate_of_more_epochs_rises_briefly_to_that_of_the_longer_run(schedule: str) -> None:
    asked = {"peak": 1.0, "warmup_steps": 10, "total_steps": 1000, "schedule": schedule}
    longer = [learning_rate_at(s, **asked) for s in range(1000)]  # type: ignore[arg-type]
    extended = [learning_rate_at(s, extended_at=(400,), **asked) for s in range(1000)]  # type: ignore[arg-type]
    assert extended[:400] == longer[:400]
    assert 0.1 < extended[400] < longer[400]
    assert extended[400:420] == sorted(extended[400:420])
    assert extended[420:] == longer[420:]


def test_more_epochs_for_a_stopped_run_only_lengthen_it() -> None:
    plan = dataclasses.replace(plan_for(max_steps=None, epochs=2.0))
    total = schedule_of(plan, len(TRAINING)).total_steps
    longer = plan_with_more(plan, 1.0, None, (total, total / 2))
    assert (longer.extended_at, longer.epochs) == ((), 3.0)


def test_a_bound_on_steps_gives_way_to_more_epochs() -> None:
    longer = plan_with_more(plan_for(max_steps=12), 1.0, 12, (12, 7.8))
    assert longer.max_steps is None
    assert longer.epochs == pytest.approx(12 / 7.8 + 1)


# -- the trainer's own state, with wrong numbers in it -------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        '{"format": 2, "step": ' + "9" * 5000 + "}",
        "[]",
        "null",
        "{}",
        '{"format": "2"}',
        pytest.param({"step": -1}, id="negative"),
        pytest.param({"step": "3"}, id="text"),
        pytest.param({"micro": 0}, id="nothing at once"),
        pytest.param({"seconds": 1e999}, id="infinite"),
        pytest.param({"scaler": {"scale": []}}, id="scaler"),
        pytest.param({"more": 1}, id="unknown"),
    ],
    ids=lambda content: str(content)[:12],
)
def test_a_state_with_wrong_numbers_is_one_sentence(finished: Path, tmp_path: Path, content: Any) -> None:
    shutil.copytree(finished, tmp_path / "run", symlinks=True)
    folder = checkpoints.checkpoint_folder(tmp_path / "run")
    state = folder / "trainer.json"
    if isinstance(content, dict):
        content = json.dumps({**json.loads(state.read_text()), **content})
    state.write_text(content)
    with pytest.raises(RunError, match="is damaged"):
        checkpoints.read_progress(folder)


@pytest.mark.parametrize("key", ["x", "0", "99.exp_avg", "-1.exp_avg", "0.exp_avg", "0.step", "0.", "a.b"])
def test_moments_that_are_not_the_model_s_are_one_sentence(finished: Path, tmp_path: Path, key: str) -> None:
    shutil.copytree(finished, tmp_path / "run", symlinks=True)
    folder = checkpoints.checkpoint_folder(tmp_path / "run")
    place = folder / "trainer.safetensors"
    save_file({**load_file(place), key: torch.full((2, 3), float("nan"))}, place)
    trainer = trainer_in(tmp_path / "other", plan_for())
    with pytest.raises(RunError, match="does not fit its model"):
        checkpoints.load_optimizer(folder, trainer.optimizer)


def test_a_damaged_checkpoint_of_the_same_step_is_not_passed_off_as_the_new_one(tmp_path: Path) -> None:
    stale = tmp_path / "run" / "checkpoints" / "step-12"
    stale.mkdir(parents=True)
    (stale / "model.safetensors").write_text("of another run")
    list(trainer_in(tmp_path / "run", plan_for()).run())
    assert not damage_in(stale) and checkpoints.read_progress(stale).step == 12
