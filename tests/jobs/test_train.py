"""The main job, end to end and in one process: a folder of tales, a run that learns them, a tale told."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from storytime_tui import paths
from storytime_tui.errors import CorpusError, ModelError, PlanError, RunError, StorytimeError
from storytime_tui.generation.pieces import Piece, Told
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs.evaluate import evaluate_model
from storytime_tui.jobs.export import export_model
from storytime_tui.jobs.generate import choices, open_teller
from storytime_tui.jobs.progress import Stopped
from storytime_tui.jobs.tensorboard import with_tensorboard
from storytime_tui.jobs.train import learn, resume
from storytime_tui.models import hub_cache
from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from storytime_tui.training.plan import TrainingPlan, read_plan
from storytime_tui.training.runs import read_events, summary_of
from tests.tiny import write_collection


def plan_for(folder: Path, **values: object) -> TrainingPlan:
    return TrainingPlan(
        **{  # type: ignore[arg-type]
            "base": "scratch-2x64",
            "collections": (str(folder),),
            "max_steps": 6,
            "block_size": 64,
            "batch_size": 4,
            "accumulation": 1,
            "evaluate_every": 3,
            "sample_tokens": 5,
            **values,
        }
    )


@pytest.fixture
def tales(tmp_path: Path) -> Path:
    return write_collection(tmp_path / "tales")


def test_a_shape_named_by_its_size_is_learned(tales: Path) -> None:
    said = list(learn(plan_for(tales, base="scratch-2x64", max_steps=2), Control()))
    started = next(e for e in said if isinstance(e, ev.Started))
    checkpoint = paths.runs_folder() / started.run / "checkpoints" / "last"
    config = json.loads((checkpoint / "config.json").read_text())
    assert (config["n_layer"], config["n_embd"], config["n_head"]) == (2, 64, 1)
    assert read_plan(paths.runs_folder() / started.run / "plan.toml").learning_rate == 1e-3
    with pytest.raises(ModelError, match="scratch-3x100"):
        list(learn(plan_for(tales, base="scratch-3x100"), Control()))
    with pytest.raises(ModelError, match="random weights"):
        open_teller("scratch-2x64")


def test_what_would_have_to_be_fetched_is_said_of_a_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    notes = {choice.name: choice.note for choice in choices()}
    assert notes["distilgpt2"].endswith("353 MB to fetch")
    monkeypatch.setattr(hub_cache, "cached", lambda name: tmp_path if name == "distilgpt2" else None)
    notes = {choice.name: choice.note for choice in choices()}
    assert "fetch" not in notes["distilgpt2"] and "548 MB to fetch" in notes["gpt2"]
    assert notes["gpt2-medium"].endswith("1.5 GB to fetch")


def test_a_checkpoint_takes_twelve_bytes_for_each_parameter(tales: Path) -> None:
    """As the page on disk says: the weights and the optimiser's two moments, in full precision."""
    said = list(learn(plan_for(tales), Control()))
    started = next(e for e in said if isinstance(e, ev.Started))
    weights = ("model.safetensors", "trainer.safetensors")
    checkpoints = list((paths.runs_folder() / "tales-1" / "checkpoints").glob("step-*"))
    assert checkpoints
    for checkpoint in checkpoints:
        taken = sum((checkpoint / name).stat().st_size for name in weights)
        assert taken == pytest.approx(12 * started.parameters, rel=0.05)


def test_a_shelf_is_learned_kept_told_and_measured(tales: Path) -> None:
    said = list(learn(plan_for(tales), Control()))
    started = next(e for e in said if isinstance(e, ev.Started))
    assert started.run == "tales-1"
    assert (started.stories, started.validation_stories) == (7, 1)
    finished = said[-1]
    assert isinstance(finished, ev.Finished)
    kept = [e for e in said if not isinstance(e, ev.Preparing)]
    assert read_events(paths.runs_folder() / "tales-1") == kept
    samples = [e for e in said if isinstance(e, ev.Sampled)]
    assert [(e.step, e.held_out) for e in samples] == [(n, o) for n in (0, 3, 6) for o in (True, False)]
    assert len({(e.prompt, e.held_out) for e in samples}) == 2
    files = [file.read_text().partition("\n\n")[2] for file in tales.glob("*.txt")]
    assert sum(samples[0].prompt in text for text in files) == 1  # the held-out story's
    assert next(c.name for c in choices()) == "tales-1"

    teller = open_teller("tales-1")
    told = list(teller.tell("The mouse", SamplerSettings(max_tokens=12, seed=3)))
    assert isinstance(told[-1], Told) and told[-1].seen is not None
    assert teller.voices == ("Tales",) and told[-1].seen.voice == teller.see("The mouse").voice > 0
    assert told[-1].tokens == len(told) - 1 <= 12
    assert all(isinstance(piece, Piece) for piece in told[:-1])

    best = next(e for e in said if isinstance(e, ev.Evaluated) and e.step == finished.best_step)
    judged = evaluate_model("tales-1", [str(tales)], lambda *_: None, precision=started.precision, stride=64)
    assert judged.stories == 1
    assert judged.validation_loss == pytest.approx(best.validation_loss, abs=1e-3)
    assert judged.bits_per_byte == pytest.approx(best.bits_per_byte, abs=1e-3)
    slid = evaluate_model("tales-1", [str(tales)], lambda *_: None, precision=started.precision)
    assert slid.tokens == judged.tokens
    assert slid.validation_loss == pytest.approx(best.validation_loss, abs=0.1)
    everything = evaluate_model("tales-1", [str(tales)], lambda *_: None, everything=True)
    assert everything.stories == 8
    assert everything.bytes > judged.bytes


def test_a_run_can_be_the_base_of_another(tales: Path) -> None:
    list(learn(plan_for(tales, max_steps=3), Control(), "first"))
    said = list(learn(plan_for(tales, base="first", max_steps=3, learning_rate=1e-4), Control(), "second"))
    before = [e for e in read_events(paths.runs_folder() / "first") if isinstance(e, ev.Evaluated)]
    after = [e for e in said if isinstance(e, ev.Evaluated)]
    assert after[0].validation_loss == pytest.approx(before[-1].validation_loss, abs=1e-3)


def test_only_the_picked_stories_are_learned_and_they_are_written_into_the_plan(tales: Path) -> None:
    picked = tuple(f"tales/Tale Number {n}" for n in (0, 2, 4, 5))
    said = list(learn(plan_for(tales, stories=picked), Control(), "r"))
    started = next(e for e in said if isinstance(e, ev.Started))
    assert started.stories + started.validation_stories == 4
    with pytest.raises(CorpusError, match="'tales/Nobody' is not in the chosen collections"):
        list(learn(plan_for(tales, stories=("tales/Nobody",)), Control()))


def test_a_stopped_run_goes_on_and_a_finished_one_says_that_it_is(tales: Path) -> None:
    control = Control()
    for event in learn(plan_for(tales), control, "r"):
        if isinstance(event, ev.StepDone) and event.step == 2:
            control.stop()
    assert summary_of("r").state == "stopped"
    said = list(resume("r", Control()))
    assert isinstance(said[-1], ev.Finished)
    assert said[-1].stopped_by == "done"
    steps = [e.step for e in read_events(paths.runs_folder() / "r") if isinstance(e, ev.StepDone)]
    assert steps == [1, 2, 3, 4, 5, 6]
    with pytest.raises(RunError, match="has finished all of its 6 steps"):
        list(resume("r", Control()))


def test_a_run_whose_stories_changed_is_not_taken_for_the_same(tales: Path) -> None:
    control = Control()
    for event in learn(plan_for(tales), control, "r"):
        if isinstance(event, ev.StepDone) and event.step == 2:
            control.stop()
    path = tales / "tale-3.txt"
    path.write_text(path.read_text() + "\n\nAnd then the mouse went home.\n")
    with pytest.raises(RunError, match="have changed since it started"):
        list(resume("r", Control()))


def test_stopping_while_it_prepares_leaves_nothing_behind(tales: Path) -> None:
    control = Control()
    with pytest.raises(Stopped):
        for event in learn(plan_for(tales), control):
            if isinstance(event, ev.Preparing):
                control.stop()
    assert not paths.runs_folder().exists() or not list(paths.runs_folder().iterdir())


def test_what_cannot_work_is_said_before_anything_is_made(tales: Path, tmp_path: Path) -> None:
    short = tmp_path / "short"
    short.mkdir()
    (short / "a.txt").write_text("The mouse slept.\n\nThe end came soon.")
    (short / "b.txt").write_text("The frog sang all night long.")
    cases: list[tuple[TrainingPlan, type[StorytimeError], str]] = [
        (TrainingPlan(), PlanError, "No collection is chosen"),
        (plan_for(short, block_size=None), PlanError, "pick more stories"),
        (plan_for(tales, block_size=4096), PlanError, "sees at most [0-9]+ tokens"),
        (plan_for(tmp_path / "nowhere"), CorpusError, "nowhere"),
        (plan_for(tales, tokenizer="scratch-tiny"), PlanError, "no tokenizer of its own"),
        (plan_for(tales, device="cuda:7"), ModelError, "cuda"),
    ]
    for plan, kind, says in cases:
        with pytest.raises(kind, match=says):
            list(learn(plan, Control()))
    assert not paths.runs_folder().exists() or not list(paths.runs_folder().iterdir())


@pytest.mark.needs_torch
def test_a_run_open_elsewhere_is_refused_and_one_killed_goes_on(tales: Path, home: Path) -> None:
    code = (
        "import sys\nfrom storytime_tui.cli import main\n"
        "sys.exit(main(['train', '--corpus', sys.argv[1], '--base', 'scratch-2x64', '--run', 'r', '--json',"
        " '--set', 'epochs=1000', '--set', 'block_size=64', '--set', 'evaluate_every=5', '--set', 'sample_every=0']))"
    )
    program = subprocess.Popen(
        [sys.executable, "-c", code, str(tales)], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert program.stdout is not None
    for line in program.stdout:
        if '"checkpoint_saved"' in line:
            break
    with pytest.raises(RunError, match="open in another Storytime"):
        next(iter(resume("r", Control())))
    program.send_signal(signal.SIGKILL)
    program.wait(timeout=30)
    program.stdout.close()
    assert summary_of("r").state == "interrupted"
    control = Control()
    first_step = None
    for event in resume("r", control):
        if isinstance(event, ev.StepDone):
            first_step = first_step or event.step
            control.stop()
    assert first_step is not None
    assert first_step % 5 == 1  # from the checkpoint at a multiple of five
    assert summary_of("r").state == "stopped"


def test_untrained_scratch_bases_and_runs_without_checkpoints_tell_nothing(tales: Path) -> None:
    with pytest.raises(ModelError, match="train it on a collection first"):
        open_teller("scratch-small")
    control = Control()
    for event in learn(plan_for(tales), control, "r"):
        if isinstance(event, ev.Started):
            control.stop()
    with pytest.raises(ModelError, match="has no checkpoint yet"):
        open_teller("r")
    assert all(choice.name != "r" for choice in choices())


def test_a_story_told_while_it_trains_is_the_same_and_changes_nothing_of_the_training(tales: Path) -> None:
    """Each draws from its own seeds only, and what is computed does not depend on the number of threads."""
    quiet = [
        e.loss for e in learn(plan_for(tales, dropout=0.2), Control(), "quiet") if isinstance(e, ev.StepDone)
    ]
    teller = open_teller("quiet")
    stop = threading.Event()
    wished = SamplerSettings(max_tokens=30, min_tokens=30, seed=5)
    alone = [item.token for item in teller.tell("The", wished) if isinstance(item, Piece)]
    told = []

    def tell_on() -> None:
        while not stop.is_set():
            again = open_teller("quiet")  # which has read nothing yet
            told.append([item.token for item in again.tell("The", wished) if isinstance(item, Piece)])

    thread = threading.Thread(target=tell_on)
    thread.start()
    try:
        beside = [
            e.loss for e in learn(plan_for(tales, dropout=0.2), Control(), "b") if isinstance(e, ev.StepDone)
        ]
    finally:
        stop.set()
        thread.join(timeout=30)
    assert beside == quiet
    assert told and all(each == alone for each in told)


def test_killed_after_the_last_step_and_before_the_last_checkpoint_it_goes_on(tales: Path) -> None:
    control = Control()
    for event in learn(plan_for(tales), control, "r"):
        if isinstance(event, ev.StepDone) and event.step == 4:
            control.stop()
    folder = paths.runs_folder() / "r"
    lines = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    step = next(line for line in lines if b'"step_done"' in line)
    unsaved = b"".join(step.replace(b'"step": 1,', b'"step": %d,' % n) for n in (5, 6))
    (folder / "events.jsonl").write_bytes(b"".join(lines[:-1]) + unsaved)  # as if it had gone on to the end
    said = list(resume("r", Control()))
    assert isinstance(said[-1], ev.Finished)
    assert (said[-1].step, said[-1].stopped_by) == (6, "done")


def test_a_run_killed_before_its_first_checkpoint_says_that_it_begins_again(tales: Path) -> None:
    control = Control()
    for event in learn(plan_for(tales), control, "r"):
        if isinstance(event, ev.StepDone):
            control.stop()
    shutil.rmtree(paths.runs_folder() / "r" / "checkpoints")
    events = list(resume("r", Control()))
    started, news = [event for event in events if not isinstance(event, ev.Preparing)][:2]
    assert isinstance(started, ev.Started) and isinstance(news, ev.Recovered)
    assert news.message.endswith("before its first checkpoint, so it begins again at step 0.")
    assert isinstance(events[-1], ev.Finished)


def test_more_epochs_are_learned_after_the_end(tales: Path) -> None:
    list(learn(dataclasses.replace(plan_for(tales), max_steps=None, epochs=1.0), Control(), "r"))
    first = summary_of("r")
    assert first.state == "finished"
    said = list(resume("r", Control(), more_epochs=1.0))
    assert isinstance(said[-1], ev.Finished)
    assert said[-1].step == summary_of("r").total_steps > first.total_steps
    plan = read_plan(paths.runs_folder() / "r" / "plan.toml")
    assert plan.extended_at == (first.total_steps,)
    assert plan.epochs == pytest.approx(2.0, abs=0.05)  # the first was of whole steps


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(tales: Path) -> None:
    control = Control()
    for event in learn(plan_for(tales), control, "r"):
        if isinstance(event, ev.StepDone) and event.step == 5:
            control.stop()
    checkpoints = paths.runs_folder() / "r" / "checkpoints"
    weights = (checkpoints / "last").resolve() / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    said = list(resume("r", Control()))
    recovered = [e for e in said if isinstance(e, ev.Recovered)]
    assert "step-5 is damaged (model.safetensors" in recovered[0].message
    assert isinstance(said[-1], ev.Finished)
    assert said[-1].step == 6


def test_a_lora_run_learns_goes_on_and_tells(tales: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    list(learn(plan_for(tales), Control(), "base"))
    plan = dataclasses.replace(plan_for(tales), base="base", lora_rank=4, learning_rate=None)
    control = Control()
    for event in learn(plan, control, "small"):
        if isinstance(event, ev.StepDone) and event.step == 3:
            control.stop()
    last = paths.runs_folder() / "small" / "checkpoints" / "last"
    assert (last / "adapter_model.safetensors").is_file()
    assert not (last / "model.safetensors").exists()
    said = list(resume("small", Control()))
    assert isinstance(said[-1], ev.Finished)
    assert said[-1].stopped_by == "done"
    told = list(open_teller("small").tell("The mouse", SamplerSettings(max_tokens=5)))
    assert len(told) == 6


def test_frozen_embeddings_stay(tales: Path) -> None:
    from safetensors.torch import load_file

    list(learn(plan_for(tales), Control(), "base"))
    list(learn(dataclasses.replace(plan_for(tales), base="base", frozen_embeddings=True), Control(), "r"))
    before, after = (
        load_file(paths.runs_folder() / name / "checkpoints" / which / "model.safetensors")
        for name, which in (("base", "best"), ("r", "last"))
    )
    for name, weights in before.items():
        assert bool((weights == after[name]).all()) == ("wte" in name or "wpe" in name), name


@pytest.mark.needs_torch
def test_tensorboard_finds_the_runs_numbers(tales: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    said = list(with_tensorboard(learn(plan_for(tales), Control(), "r")))
    board = EventAccumulator(str(paths.runs_folder() / "r" / "tensorboard"))
    board.Reload()
    losses = [(e.step, e.loss) for e in said if isinstance(e, ev.StepDone)]
    found = [(scalar.step, scalar.value) for scalar in board.Scalars("training/loss")]
    assert [step for step, _ in found] == [step for step, _ in losses]
    assert [value for _, value in found] == pytest.approx([loss for _, loss in losses])
    assert len(board.Scalars("validation/bits_per_byte")) == sum(isinstance(e, ev.Evaluated) for e in said)


def test_a_damaged_checkpoint_tells_and_judges_nothing(tales: Path) -> None:
    list(learn(plan_for(tales), Control(), "r"))
    best = (paths.runs_folder() / "r" / "checkpoints" / "best").resolve()
    weights = bytearray((best / "model.safetensors").read_bytes())
    weights[-5] ^= 1
    (best / "model.safetensors").write_bytes(weights)
    with pytest.raises(ModelError, match=r"is damaged: model\.safetensors has changed since"):
        open_teller("r")
    with pytest.raises(ModelError, match="is damaged"):
        evaluate_model("r", [str(tales)], lambda *_: None)
    with pytest.raises(ModelError, match="is damaged"):
        export_model("r", tales.parent / "out")


def test_a_run_of_which_nothing_is_whole_is_not_begun_anew(tales: Path) -> None:
    list(learn(plan_for(tales), Control(), "r"))
    checkpoints = paths.runs_folder() / "r" / "checkpoints"
    kept = sorted(checkpoints.glob("step-*"))
    for folder in kept:
        (folder / "trainer.safetensors").write_bytes(b"")
    with pytest.raises(RunError, match="Every checkpoint of the run 'r' is damaged"):
        list(resume("r", Control(), more_epochs=1.0))
    assert sorted(checkpoints.glob("step-*")) == kept


def test_an_optimiser_that_is_not_installed_leaves_no_run_behind(
    tales: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes.optim", None)
    with pytest.raises(PlanError, match="needs bitsandbytes, which is not installed"):
        list(learn(plan_for(tales, optimizer="adamw8bit"), Control(), "r"))
    assert not (paths.runs_folder() / "r").exists()
