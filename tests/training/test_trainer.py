"""The loop: it learns, it obeys, and it goes on exactly where it stood."""

import dataclasses
import errno
import math
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError

from storytime_tui.corpus.windows import epoch_windows, window_at
from storytime_tui.models.transformers_model import TransformersModel
from storytime_tui.training import checkpoints
from storytime_tui.training import events as ev
from storytime_tui.training.beginnings import Beginning
from storytime_tui.training.control import Control
from storytime_tui.training.evaluate import score_in_batches
from storytime_tui.training.loss import Objective
from storytime_tui.training.measuring import score_to_end
from storytime_tui.training.order import seed_of
from storytime_tui.training.plan import schedule_of
from storytime_tui.training.schedule import learning_rate_at
from storytime_tui.training.trainer import Trainer
from tests.models import small_llamas
from tests.tiny import TinyFiles, ours, tiny_gpt2
from tests.training.runs_in_small import (
    CPU,
    LESSON,
    TRAINING,
    VALIDATION,
    NoFiles,
    continued,
    plan_for,
    same,
    steps_in,
    trainer_in,
    weights_of,
)


def test_a_run_says_what_happens_in_order_and_learns(tmp_path: Path) -> None:
    said = list(trainer_in(tmp_path / "r", plan_for(max_steps=40, evaluate_every=10)).run())
    assert [type(e) for e in said[:3]] == [ev.Started, ev.Evaluated, ev.Sampled]
    assert isinstance(said[-1], ev.Finished)
    assert said[-1].stopped_by == "done"
    assert [e.step for e in steps_in(said)] == list(range(1, 41))
    evaluated = [e for e in said if isinstance(e, ev.Evaluated)]
    assert [e.step for e in evaluated] == [0, 10, 20, 30, 40]
    losses = [e.validation_loss for e in evaluated]
    assert losses[1] > losses[2] > losses[4]
    assert losses[0] == pytest.approx(math.log(64), abs=0.2)
    assert losses[-1] < losses[0] - 0.5
    assert said[-1].best_validation_loss == min(losses[1:])
    assert evaluated[-1].perplexity == pytest.approx(math.exp(losses[-1]))
    assert evaluated[-1].bits_per_byte == pytest.approx(losses[-1] * 300 / math.log(2) / 600)


@pytest.mark.parametrize("kind", ["gpt2", "smollm2", "mistral", "qwen2", "qwen3"])
def test_the_loss_curve_is_that_of_a_plain_loop(kind: str, tmp_path: Path) -> None:
    """Against a loop written out here: same windows, no dropout, plain cross-entropy, AdamW by its formula."""
    steps = 50 if kind in ("gpt2", "smollm2") else 20
    plan = plan_for(max_steps=steps, dropout=0.0, clip=1.0)
    if kind == "gpt2":
        model = tiny_gpt2(dropout=0.0)
        learning = ours(model)
    else:
        model = small_llamas.theirs(kind, vocab_size=64)
        learning = small_llamas.ours(model)
    trainer = trainer_in(tmp_path / "r", plan, model=learning, model_files=NoFiles())
    losses = [e.loss for e in steps_in(list(trainer.run()))]

    schedule = schedule_of(plan, len(TRAINING))
    decayed = [p for p in model.parameters() if p.dim() >= 2]
    plain = [p for p in model.parameters() if p.dim() < 2]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": plan.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        betas=(0.9, 0.95),
        fused=False,
        foreach=False,
    )
    order = [start for epoch in range(13) for start in epoch_windows(len(TRAINING), 32, plan.seed, epoch)]
    reference = []
    for step in range(steps):
        batch = torch.stack(
            [torch.from_numpy(window_at(TRAINING, int(s), 33)) for s in order[step * 8 : step * 8 + 8]]
        )
        logits = model(batch[:, :-1]).logits
        loss = torch.nn.functional.cross_entropy(logits.reshape(-1, 64), batch[:, 1:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        norm = torch.sqrt(sum((p.grad**2).sum() for p in model.parameters() if p.grad is not None))
        for p in model.parameters():
            p.grad *= min(1.0, plan.clip / (norm.item() + 1e-6))
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(
                step, peak=3e-3, warmup_steps=schedule.warmup_steps, total_steps=schedule.total_steps
            )
        optimizer.step()
        reference.append(loss.item())
    assert losses == pytest.approx(reference, abs=1e-4)


@pytest.mark.parametrize("stop_after", [1, 4, 7])
def test_stop_and_resume_give_the_very_bytes_of_an_uninterrupted_run(tmp_path: Path, stop_after: int) -> None:
    plan = plan_for()
    whole = list(trainer_in(tmp_path / "whole", plan).run())
    control = Control()
    first: list[ev.Event] = []
    for event in trainer_in(tmp_path / "parts", plan, control).run():
        first.append(event)
        if isinstance(event, ev.StepDone) and event.step == stop_after:
            control.stop()
    assert isinstance(first[-1], ev.Finished)
    assert (first[-1].stopped_by, first[-1].step) == ("stopped", stop_after)
    torch.rand(1000)  # what the program drew meanwhile must not matter
    second = list(continued(tmp_path / "parts", plan).run())
    assert second[0] == ev.Resumed(stop_after, from_checkpoint=True, total_steps=12)
    losses = [e.loss for e in steps_in(first) + steps_in(second)]
    assert losses == [e.loss for e in steps_in(whole)]
    assert same(weights_of(tmp_path / "whole"), weights_of(tmp_path / "parts"))


def test_a_stop_within_a_step_leaves_no_trace_of_it(tmp_path: Path) -> None:
    plan = plan_for(accumulation=4)
    list(trainer_in(tmp_path / "whole", plan).run())
    control = Control()
    trainer = trainer_in(tmp_path / "parts", plan, control)
    calls = 0
    forward = trainer.model.hidden

    def stop_in_the_middle(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        if trainer.model.training:
            calls += 1
            if calls == 4 * 5 + 2:  # the second micro-batch of the sixth step
                control.stop()
        return forward(*args, **kwargs)

    trainer.model.hidden = stop_in_the_middle  # type: ignore[method-assign]
    said = list(trainer.run())
    assert isinstance(said[-1], ev.Finished)
    assert said[-1].step == 5
    list(continued(tmp_path / "parts", plan).run())
    assert same(weights_of(tmp_path / "whole"), weights_of(tmp_path / "parts"))


def test_a_pause_waits_says_so_and_changes_nothing(tmp_path: Path) -> None:
    plan = plan_for()
    list(trainer_in(tmp_path / "whole", plan).run())
    control = Control()
    said: list[ev.Event] = []
    for event in trainer_in(tmp_path / "paused", plan, control).run():
        said.append(event)
        if isinstance(event, ev.StepDone) and event.step == 3:
            control.pause()
        if isinstance(event, ev.Paused):
            control.checkpoint()  # answered while it waits, too
        if isinstance(event, ev.CheckpointSaved) and event.step == 3:
            threading.Timer(0.05, control.resume).start()
    kinds = [type(e) for e in said]
    at = kinds.index(ev.Paused)
    assert kinds[at : at + 3] == [ev.Paused, ev.CheckpointSaved, ev.Resumed]
    assert same(weights_of(tmp_path / "whole"), weights_of(tmp_path / "paused"))


def test_a_paused_run_can_be_stopped(tmp_path: Path) -> None:
    control = Control()
    said = []
    for event in trainer_in(tmp_path / "r", plan_for(), control).run():
        said.append(event)
        if isinstance(event, ev.StepDone) and event.step == 2:
            control.pause()
        if isinstance(event, ev.Paused):
            control.stop()
    assert [type(e) for e in said[-2:]] == [ev.CheckpointSaved, ev.Finished]
    assert not any(isinstance(e, ev.Resumed) for e in said)


def test_samples_are_of_the_plans_prompt_or_of_the_one_asked_for(tmp_path: Path) -> None:
    control = Control()
    asked: list[tuple[str, int, int]] = []

    def sample(beginning: Beginning, tokens: int, seed: int) -> str:
        asked.append((beginning.prompt, tokens, seed))
        return "!"

    plan = plan_for(sample_every=6, sample_tokens=9, seed=5)
    for event in trainer_in(tmp_path / "r", plan, control, sample=sample).run():
        if isinstance(event, ev.StepDone) and event.step == 2:
            control.sample("The frog")
    at_fixed = (plan.sample_prompt, 9, 5)
    assert asked == [at_fixed, ("The frog", 9, 5), at_fixed, at_fixed]


def test_the_same_beginnings_are_told_before_the_first_step_and_at_each_sampling(tmp_path: Path) -> None:
    own = (Beginning("The wind had blown", "Mill Tales", held_out=True), Beginning("Once", "Mill Tales"))
    asked: list[tuple[Beginning, int, int]] = []

    def sample(beginning: Beginning, tokens: int, seed: int) -> str:
        asked.append((beginning, tokens, seed))
        return "!"

    trainer = trainer_in(tmp_path / "r", plan_for(sample_every=6, seed=5), sample=sample)
    trainer.dataset = dataclasses.replace(trainer.dataset, beginnings=own)
    said = [event for event in trainer.run() if isinstance(event, ev.Sampled)]
    assert {event.step for event in said} >= {0, 6, 12}
    assert asked == [(each, trainer.plan.sample_tokens, 5) for each in own] * (len(said) // 2)
    assert [dataclasses.replace(each, seconds=0.0) for each in said[:2]] == [
        ev.Sampled(0, "The wind had blown", "!", "Mill Tales", held_out=True),
        ev.Sampled(0, "Once", "!", "Mill Tales"),
    ]


def test_only_the_newest_checkpoints_and_the_best_are_kept_and_links_point_at_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emptied: list[str] = []
    own_rmtree = shutil.rmtree

    def rmtree(folder: Path, **how: Any) -> None:
        emptied.append(Path(folder).name)
        own_rmtree(folder, **how)

    monkeypatch.setattr(shutil, "rmtree", rmtree)
    said = list(trainer_in(tmp_path / "r", plan_for(max_steps=30, evaluate_every=3, keep=2)).run())
    saved = [e for e in said if isinstance(e, ev.CheckpointSaved)]
    assert len(saved) > 3
    root = tmp_path / "r" / "checkpoints"
    folders = {p.name for p in root.iterdir() if not p.is_symlink()}
    finished = said[-1]
    assert isinstance(finished, ev.Finished)
    assert folders <= {"step-30", f"step-{finished.best_step}", f"step-{saved[-2].step}"}
    assert len(folders) == 2
    assert (root / "last").resolve().name == "step-30"
    assert (root / "best").resolve().name == f"step-{finished.best_step}"
    # a backup that is made meanwhile finds no part of one: each has another name before it is emptied
    assert len(emptied) == len(saved) - 2 and all(name.startswith(".part-") for name in emptied)


def test_transformers_opens_a_checkpoint_and_gives_the_same_validation_loss(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    said = list(trainer_in(tmp_path / "r", plan_for()).run())
    final = [e for e in said if isinstance(e, ev.Evaluated)][-1]
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "r" / "checkpoints" / "last")
    score = score_to_end(
        score_in_batches(
            Objective(TransformersModel(theirs)),
            VALIDATION,
            600,
            block=32,
            batch=3,
            device=CPU,
            precision="fp32",
        )
    )
    assert score is not None
    assert score.loss == pytest.approx(final.validation_loss, abs=1e-6)


def test_a_loss_that_is_no_number_stops_the_run_and_says_what_to_try(tmp_path: Path) -> None:
    trainer = trainer_in(tmp_path / "r", plan_for())
    said: list[ev.Event] = []
    for event in trainer.run():
        said.append(event)
        if isinstance(event, ev.StepDone) and event.step == 5:
            with torch.no_grad():
                next(trainer.model.parameters()).fill_(math.nan)
    failed = said[-1]
    assert isinstance(failed, ev.Failed)
    assert "lower learning_rate" in failed.message
    assert (tmp_path / "r" / "checkpoints" / "last").resolve().name == "step-4"


@pytest.mark.parametrize(
    "full",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
    ids=["from the system", "from safetensors"],
)
def test_a_full_disk_is_a_sentence_and_the_last_checkpoint_stays_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: Exception
) -> None:
    plan = plan_for()
    folder = tmp_path / "r"
    saving = checkpoints.save_file
    saves = 0

    def fills_up(*args: Any, **kwargs: Any) -> None:
        nonlocal saves
        saves += 1
        if saves == 2:
            raise full
        saving(*args, **kwargs)

    monkeypatch.setattr(checkpoints, "save_file", fills_up)
    said = list(trainer_in(folder, plan).run())
    assert isinstance(said[-1], ev.Failed)
    assert "The disk is full" in said[-1].message
    assert sorted(p.name for p in (folder / "checkpoints").iterdir()) == ["best", "last", "step-4"]
    # once there is room, the run goes on, and ends as if the disk had never been full
    assert isinstance(list(continued(folder, plan).run())[-1], ev.Finished)
    list(trainer_in(tmp_path / "whole", plan).run())
    assert same(weights_of(tmp_path / "whole"), weights_of(folder))


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    plan = plan_for()
    list(trainer_in(tmp_path / "r", plan).run())
    checkpoint = checkpoints.checkpoint_folder(tmp_path / "r")
    for name in ("trainer.json", "trainer.safetensors"):
        hurt = tmp_path / name
        shutil.copytree(checkpoint, hurt)
        (hurt / name).write_bytes(b"\x00\x01 not what it was")
        with pytest.raises(checkpoints.RunError, match="is damaged"):
            trainer_in(tmp_path / "other", plan).resume_from(hurt)


def test_dropout_differs_from_micro_step_to_micro_step_and_from_seed_to_seed() -> None:
    seeds = {seed_of(seed, step, micro) for seed in range(4) for step in range(25) for micro in range(4)}
    assert len(seeds) == 400
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_scoring_counts_every_token_once_whatever_the_batch_and_stops_when_told() -> None:
    model = Objective(ours(tiny_gpt2()))

    def score(batch: int) -> float:
        found = score_to_end(
            score_in_batches(
                model, VALIDATION[:107], 200, block=32, batch=batch, device=CPU, precision="fp32"
            )
        )
        assert found is not None and found.tokens == 107
        return found.loss

    assert score(1) == pytest.approx(score(3), abs=1e-5) == pytest.approx(score(64), abs=1e-5)
    given_up = score_to_end(
        score_in_batches(
            model,
            VALIDATION,
            200,
            block=32,
            batch=2,
            device=CPU,
            precision="fp32",
        ),
        lambda done, total: False,
    )
    assert given_up is None
    model.train()
    score(2)
    assert model.training


def test_bf16_learns_too_where_the_processor_has_it(tmp_path: Path) -> None:
    plan = dataclasses.replace(plan_for(max_steps=20, evaluate_every=10), precision="bf16")
    folder = tmp_path / "r"
    folder.mkdir()
    model = ours(tiny_gpt2())
    trainer = Trainer(
        model,
        plan,
        LESSON,
        folder,
        device=CPU,
        precision="bf16",
        control=Control(),
        sample=lambda *_: "",
        model_files=TinyFiles(model),
    )
    losses = [e.validation_loss for e in trainer.run() if isinstance(e, ev.Evaluated)]
    assert losses[-1] < losses[0] - 0.2
    assert all(p.dtype == torch.float32 for p in trainer.model.parameters())
