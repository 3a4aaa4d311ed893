"""The loop: windows in, gradients out, and an event for everything that happens.

Read `Trainer._run` from top to bottom. Randomness is a function of the seed and the place: epoch e's window
order comes from (seed, e), the dropout masks of a micro-batch from (seed, step, its first window). Nothing
random has to be saved, and a run that goes on from a checkpoint draws what it would have drawn.
"""

import logging
import math
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from storytime_tui import files
from storytime_tui.errors import StorytimeError, is_fault
from storytime_tui.training import checkpoints
from storytime_tui.training import distributed as dd
from storytime_tui.training import events as ev
from storytime_tui.training.beginnings import Beginning, wished
from storytime_tui.training.card import model_card
from storytime_tui.training.control import Control
from storytime_tui.training.dataset import Dataset
from storytime_tui.training.evaluate import Score, autocast, score_stream
from storytime_tui.training.loss import Objective, window_batch
from storytime_tui.training.optimizers import make_optimizer, make_scaler
from storytime_tui.training.order import WindowOrder
from storytime_tui.training.plan import TrainingPlan, schedule_of
from storytime_tui.training.probe import Memory, is_out_of_memory, release_memory
from storytime_tui.training.schedule import learning_rate_at
from storytime_tui.training.skips import skips_of
from storytime_tui.training.tally import StepTally

_log = logging.getLogger(__name__)

SAVE_SECONDS = 120.0  # between checkpoints, when no new best asks for one


class Trainer:
    """One run: `run()` yields its events; `control` steers it. Used from one thread only."""

    def __init__(
        self,
        model: Any,
        plan: TrainingPlan,
        lesson: Dataset,
        folder: Path,
        *,
        device: torch.device,
        precision: str,
        control: Control,
        sample: Callable[[Beginning, int, int], str],
        files_of: checkpoints.Files,
        ranks: dd.Ranks = dd.Ranks(),  # noqa: B008 - frozen
        memory: Memory | None = None,
    ) -> None:
        """`plan` is resolved; `folder` is the run's; `sample(beginning, tokens, seed)` tells with the model."""
        self.model, self.plan, self.lesson, self.folder = model, plan, lesson, folder
        self.device, self.precision, self.control, self.ranks = device, precision, control, ranks
        self._sample, self._files_of, self._memory = sample, files_of, memory
        assert plan.batch_size and plan.accumulation and plan.block_size
        self.micro = plan.batch_size  # windows at once; out of memory halves it
        self.windows = plan.batch_size * plan.accumulation  # in a step, whatever the memory
        self.schedule = schedule_of(plan, len(lesson.training_ids))
        objective = Objective(model, compiled=plan.compile == "on" and device.type == "cuda")
        self._objective = dd.spread(objective, ranks, model.blocks, device)
        self.optimizer = make_optimizer(self._objective, plan)
        self.scaler = make_scaler(device, precision)
        self._order = WindowOrder(lesson.training_ids, plan, device)
        self._skips = skips_of(lesson.training_skipped, len(lesson.training_ids), device)
        self.step = 0
        self.best_loss: float | None = None
        self.best_step = 0
        self._worse = 0  # evaluations since the best
        self._saved_step = -1
        self._saved_at = time.monotonic()
        self._tally = StepTally(self.windows * plan.block_size, self.schedule.steps_per_epoch, device)
        self._last_score: Score | None = None

    def resume_from(self, checkpoint: Path) -> None:
        """Take up all that a checkpoint keeps beside the weights, which the model already has."""
        progress = checkpoints.read_progress(checkpoint)
        checkpoints.load_optimizer(checkpoint, self.optimizer)
        if self.scaler.is_enabled() and progress.scaler:
            self.scaler.load_state_dict(progress.scaler)
        self.step, self._saved_step = progress.step, progress.step
        self.best_loss, self.best_step = progress.best_validation_loss, progress.best_step
        self._tally.seconds = progress.seconds
        more = self.step in self.plan.extended_at  # epochs, and with them patience
        self._worse = 0 if more else progress.worse
        self.micro = min(self.micro, progress.micro)
        self.model.checkpointing = progress.checkpointing

    def run(self) -> Iterator[ev.Event]:
        """Train to the end of the plan, or until stopped. The last event is Finished or Failed."""
        try:
            yield from self._run()
        except StorytimeError as error:
            yield self._failed(str(error))
        except OSError as error:
            _log.exception("the run %s met a system error", self.folder.name)
            yield self._failed(files.explain(error, f"saving the run {self.folder.name}"))
        except BaseException as error:
            if not is_fault(error):
                raise
            if is_out_of_memory(error):
                yield self._failed(
                    "The memory is full with a single window at a time: set a smaller block_size, "
                    "checkpointing=on or lora_rank=16, or choose a smaller base."
                )
                return
            _log.exception("the run %s failed", self.folder.name)
            yield self._failed(
                f"The run stopped on an unexpected error ({type(error).__name__}); the log has it all."
            )

    def _run(self) -> Iterator[ev.Event]:
        total, every = self.schedule.total_steps, self.plan.evaluate_every or 1
        self.model.train()
        if self.step == 0:
            yield self._started()
            yield from self._evaluate()
            yield from self._samples([None] if self.plan.sample_every else [])
        else:
            yield ev.Resumed(self.step, from_checkpoint=True, total_steps=total)

        while self.step < total and not self._gave_up() and (yield from self._obey()):
            began = time.monotonic()
            outcome = yield from self._gradients()
            if outcome is None:
                break  # stopped within the step: as if it had not begun
            loss, waited = outcome
            rate, norm = self._update()
            self.step += 1
            self._tally.add(self.step, loss, norm, rate, time.monotonic() - began - waited)

            evaluates = self.step % every == 0 or self.step == total
            samples = self.plan.sample_every and (
                self.step % self.plan.sample_every == 0 or self.step == total
            )
            if evaluates or samples or self._tally.due:
                trouble = yield from self._read()
                if trouble:
                    yield self._failed(trouble)
                    return
            if evaluates:
                yield from self._evaluate()
                if self.control.stopped and self.ranks.count == 1:
                    break
                if self._due() and self.step < total:
                    yield from self._save()
            if samples:
                yield from self._samples([None])

        trouble = yield from self._read()
        if trouble:
            yield self._failed(trouble)
            return
        if self.step > 0 and self._saved_step != self.step:
            yield from self._save()
        done = "done" if self.step >= total else "patience" if self._gave_up() else "stopped"
        best = self.best_loss if self.best_loss is not None else float("nan")
        yield ev.Finished(self.folder.name, self.step, best, self.best_step, done, self._tally.seconds)

    # -- one step ------------------------------------------------------------------------------------

    def _gradients(self) -> Generator[ev.Event, None, tuple[Tensor, float] | None]:
        """Sum the gradients of one step's windows. Returns (mean loss, seconds paused), or None when stopped.

        Where the memory is too small the same windows are read again in smaller micro-batches: the step, and
        all after it, are the ones that there would have been.
        """
        while True:
            try:
                return (yield from self._micro_batches())
            except Exception as error:
                mended = self._with_less_memory() if is_out_of_memory(error) else None
                if mended is None:
                    raise
            release_memory(self._objective, self.device)
            yield ev.Recovered(self.step, mended)

    def _micro_batches(self) -> Generator[ev.Event, None, tuple[Tensor, float] | None]:
        plan, own, waited = self.plan, self.ranks.share(self.windows), 0.0
        assert plan.block_size
        self.optimizer.zero_grad(set_to_none=True)
        loss_sum = torch.zeros((), device=self.device)
        places, skips = self._order.starts(self.step * self.windows, self.windows), self._skips
        counted = skips.counted(places, plan.block_size) if skips else self.windows * plan.block_size
        for at in range(own.start, own.stop, self.micro):
            if at > own.start and self.ranks.count == 1:
                paused_at = time.monotonic()
                going_on = yield from self._obey(between_steps=False)
                waited += time.monotonic() - paused_at
                if not going_on:
                    self.optimizer.zero_grad(set_to_none=True)
                    return None
            end = min(at + self.micro, own.stop)
            starts = places[at:end]
            inputs, targets = window_batch(self._order.ids, starts, plan.block_size, self.device, skips)
            torch.manual_seed(_seed_of(plan.seed, self.step, at))
            with dd.quiet_until_last(self._objective, self.ranks, last=end == own.stop):
                with autocast(self.device, self.precision):
                    loss = self._objective(inputs, targets, reduction="sum") / counted
                # the ranks' gradients are averaged, and are parts of one sum
                torch.autograd.backward(self.scaler.scale(loss * self.ranks.count))
            loss_sum += loss.detach()
        return self.ranks.sum(loss_sum), waited

    def _update(self) -> tuple[float, Tensor]:
        """Clip and step. Returns the learning rate used and the gradient's norm before clipping."""
        assert self.plan.learning_rate
        rate = learning_rate_at(
            self.step,
            peak=self.plan.learning_rate,
            warmup_steps=self.schedule.warmup_steps,
            total_steps=self.schedule.total_steps,
            schedule=self.plan.schedule,
            extended_at=self.plan.extended_at,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.scaler.unscale_(self.optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self._objective.parameters(), self.plan.clip, foreach=True)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return rate, dd.whole(norm)

    def _with_less_memory(self) -> str | None:
        """Take less of it from now on; a sentence that says how, or None where there is no way left."""
        if self.ranks.count > 1:
            return None  # the others had enough, and wait
        if self.micro > 1:
            self.micro = max(1, self.micro // 2)
            return (
                f"The memory was full: from here on {self.micro} windows at a time are read, as many in a step "
                "as before."
            )
        if not self.model.checkpointing:
            self.model.checkpointing = True
            return "The memory was full: from here on blocks are computed twice, to keep less. Steps take longer."
        return None

    # -- between steps -------------------------------------------------------------------------------

    def _obey(self, between_steps: bool = True) -> Generator[ev.Event, None, bool]:
        """Do what was asked through the control; returns whether to go on."""
        if not self.ranks.speaks:
            while (command := self.ranks.hear()) == dd.SAVE:
                yield from self._save()
            return command == dd.GO
        paused = False
        while True:
            if between_steps:
                if self.step > 0 and self.control.take_checkpoint():  # before the first step it waits
                    trouble = yield from self._read()
                    if trouble:
                        return True  # the loop meets it
                    self.ranks.tell(dd.SAVE)
                    yield from self._save()
                yield from self._samples(self.control.take_prompts())
            if not self.control.paused:
                break
            if not paused:
                paused = True
                yield from self._read()
                yield ev.Paused(self.step)
            self.control.wait_for_request(between_steps)
        stopped = self.control.stopped
        if paused and not stopped:
            yield ev.Resumed(self.step, from_checkpoint=False, total_steps=self.schedule.total_steps)
        if between_steps:
            self.ranks.tell(dd.STOP if stopped else dd.GO)
        return not stopped

    def _read(self) -> Generator[ev.Event, None, str]:
        """Say what the steps since the last reading came to. Returns what is wrong, if a loss is no number."""
        for done in self._tally.read():
            if not math.isfinite(done.loss):
                return (
                    f"The loss became {done.loss} at step {done.step}: try a lower learning_rate "
                    f"(it was {self.plan.learning_rate}) or precision=fp32. The last checkpoint is kept."
                )
            yield done
        return ""

    def _evaluate(self) -> Iterator[ev.Event]:
        while True:
            try:
                score = self._score()
                break
            except Exception as error:
                mended = self._with_less_memory() if is_out_of_memory(error) else None
                if mended is None:
                    raise
            release_memory(self._objective, self.device)
            yield ev.Recovered(self.step, mended)
        if score is None:
            return  # stopped meanwhile
        best = self.step > 0 and (self.best_loss is None or score.loss < self.best_loss)
        if best:
            self.best_loss, self.best_step, self._worse = score.loss, self.step, 0
        elif self.step > 0:
            self._worse += 1
        yield ev.Evaluated(self.step, score.loss, score.perplexity, score.bits_per_byte, best)

    def _score(self) -> Score | None:
        assert self.plan.block_size
        self._last_score = score_stream(
            self._objective,
            self.lesson.validation_ids,
            self.lesson.validation_bytes,
            block=self.plan.block_size,
            batch=self.micro,
            device=self.device,
            precision=self.precision,
            on_batch=lambda done, total: self.ranks.count > 1 or not self.control.stopped,
            ranks=self.ranks,
            skipped=self.lesson.validation_skipped,
        )
        return self._last_score

    def _gave_up(self) -> bool:
        """Whether it has not become better for so long as the plan has patience."""
        return 0 < self.plan.patience <= self._worse

    def _samples(self, prompts: list[str | None]) -> Iterator[ev.Event]:
        if self.ranks.sharded or not self.ranks.speaks:
            return  # no rank holds all of the model, or another one tells
        for each in wished(prompts, self.lesson.beginnings, self.plan):
            text = self._sample(each, self.plan.sample_tokens, self.plan.seed)
            yield ev.Sampled(self.step, each.prompt, text, each.voice, each.held_out)

    def _due(self) -> bool:
        late = time.monotonic() - self._saved_at > SAVE_SECONDS
        return self.best_step == self.step or (late and not self.ranks.sharded)  # clocks differ, steps don't

    def _save(self) -> Iterator[ev.Event]:
        best = self.best_step == self.step
        progress = checkpoints.RunPosition(
            step=self.step,
            best_validation_loss=self.best_loss,
            best_step=self.best_step,
            worse=self._worse,
            seconds=self._tally.seconds,
            micro=self.micro,
            checkpointing=bool(self.model.checkpointing),
            scaler=self.scaler.state_dict(),
            data=self.lesson.fingerprint,
            device=str(self.device),
            precision=self.precision,
            threads=torch.get_num_threads(),
            torch=torch.__version__,
        )
        state = checkpoints.collect(self._files_of, self.optimizer)  # every rank gives its part
        if self.ranks.speaks:
            card = model_card(self.folder.name, self.plan, self.lesson, progress, self._last_score)
            saved = checkpoints.save_checkpoint(
                self.folder, state, progress, self._files_of, card=card, best=best, keep=self.plan.keep
            )
            yield ev.CheckpointSaved(self.step, saved.relative_to(self.folder).as_posix(), best)
        self._saved_step, self._saved_at = self.step, time.monotonic()

    # -- what is said --------------------------------------------------------------------------------

    def _started(self) -> ev.Started:
        plan, lesson = self.plan, self.lesson
        assert plan.block_size
        return ev.Started(
            run=self.folder.name,
            base=plan.base,
            collections=plan.collections,
            device=str(self.device),
            precision=self.precision,
            parameters=sum(p.numel() for p in self.model.parameters()),
            stories=lesson.stories,
            validation_stories=lesson.validation_stories,
            copies=lesson.copies,
            training_tokens=len(lesson.training_ids),
            validation_tokens=len(lesson.validation_ids),
            total_steps=self.schedule.total_steps,
            steps_per_epoch=self.schedule.steps_per_epoch,
            block_size=plan.block_size,
            token_frequency_loss=lesson.token_frequency_loss,
            time=time.time(),
            memory_needed=self._memory.needed if self._memory else 0,
            memory_available=self._memory.available if self._memory else 0,
        )

    def _failed(self, message: str) -> ev.Failed:
        return ev.Failed(self.folder.name, self.step, message)


def _seed_of(seed: int, step: int, window: int) -> int:
    return int(np.random.SeedSequence([seed, step, window]).generate_state(1, np.uint64)[0] >> np.uint64(1))
