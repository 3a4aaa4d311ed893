"""The training loop: reads windows, computes gradients, and yields an event for everything that happens.

Read `Trainer._run` from top to bottom. All randomness is a function of the seed and the position: epoch e's
window order comes from (seed, e), a micro-batch's dropout masks from (seed, step, first window). No random state
has to be saved, and a resumed run draws the same numbers.
"""

import logging
import math
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from storytime_tui import files
from storytime_tui.errors import StorytimeError, is_fault
from storytime_tui.training import checkpoints
from storytime_tui.training import distributed as dd
from storytime_tui.training import events as ev
from storytime_tui.training.beginnings import Beginning, requested_beginnings
from storytime_tui.training.card import model_card
from storytime_tui.training.control import Control
from storytime_tui.training.dataset import Dataset
from storytime_tui.training.evaluate import Score, autocast, score_in_batches
from storytime_tui.training.loss import Objective, window_batch
from storytime_tui.training.measuring import MOST_TOKENS, measured
from storytime_tui.training.opening import started
from storytime_tui.training.optimizers import make_optimizer, make_scaler
from storytime_tui.training.order import WindowOrder, seed_of
from storytime_tui.training.plan import TrainingPlan, schedule_of
from storytime_tui.training.probe import Memory, is_out_of_memory, release_memory
from storytime_tui.training.schedule import learning_rate_at
from storytime_tui.training.skips import skips_of
from storytime_tui.training.tally import StepTally

_log = logging.getLogger(__name__)

SAVE_SECONDS = 120.0  # between checkpoints without a new best


class Trainer:
    """One run: `run()` yields its events; `control` steers it. Used from one thread only."""

    def __init__(
        self,
        model: Any,
        plan: TrainingPlan,
        dataset: Dataset,
        folder: Path,
        *,
        device: torch.device,
        precision: str,
        control: Control,
        sample: Callable[[Beginning, int, int], str],
        model_files: checkpoints.Files,
        ranks: dd.Ranks = dd.Ranks(),  # noqa: B008 - frozen
        memory: Memory | None = None,
    ) -> None:
        """`plan` is resolved; `folder` is the run's; `sample(beginning, tokens, seed)` generates with the model."""
        self.model, self.plan, self.dataset, self.folder = model, plan, dataset, folder
        self.device, self.precision, self.control, self.ranks = device, precision, control, ranks
        self._sample, self._model_files, self._memory = sample, model_files, memory
        assert plan.batch_size and plan.accumulation and plan.block_size
        self.micro = plan.batch_size  # windows per micro-batch; halved when out of memory
        self.windows = plan.batch_size * plan.accumulation  # windows per step, fixed
        self.schedule = schedule_of(plan, len(dataset.training_ids))
        objective = Objective(model, compiled=plan.compile == "on" and device.type == "cuda")
        self._objective = dd.wrap(objective, ranks, model.blocks, device)
        self.optimizer = make_optimizer(self._objective, plan)
        self.scaler = make_scaler(device, precision)
        self._order = WindowOrder(dataset.training_ids, plan, device)
        self._skips = skips_of(dataset.training_skipped, len(dataset.training_ids), device)
        self.step = 0
        self.best_loss: float | None = None
        self.best_step = 0
        self._worse = 0  # evaluations since the best
        self._saved_step = -1
        self._saved_at = time.monotonic()
        self._tally = StepTally(self.windows * plan.block_size, self.schedule.steps_per_epoch, device)
        self._last_score: Score | None = None

    def resume_from(self, checkpoint: Path) -> None:
        """Load the state of a checkpoint, except the weights, which the model already has."""
        progress = checkpoints.read_progress(checkpoint)
        checkpoints.load_optimizer(checkpoint, self.optimizer)
        if self.scaler.is_enabled() and progress.scaler:
            self.scaler.load_state_dict(progress.scaler)
        self.step, self._saved_step = progress.step, progress.step
        self.best_loss, self.best_step = progress.best_validation_loss, progress.best_step
        self._tally.seconds = progress.seconds
        extended = self.step in self.plan.extended_at  # more epochs reset the patience
        self._worse = 0 if extended else progress.worse
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
            if self.ranks.count > 1 and dd.is_lost_process(error):
                yield self._failed(
                    "Another process of the run has ended or cannot be reached: start all of them again, with "
                    f"--resume {self.folder.name}."
                )
                return
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

        while self.step < total and not self._out_of_patience() and (yield from self._handle_requests()):
            began = time.monotonic()
            result = yield from self._gradients()
            if result is None:
                break  # stopped within the step, which is discarded
            loss, waited = result
            with self.control.changing_weights():
                rate, norm = self._update()
                self.step += 1
            self._tally.add(self.step, loss, norm, rate, time.monotonic() - began - waited)

            evaluates = self.step % every == 0 or self.step == total
            samples = self.plan.sample_every and (
                self.step % self.plan.sample_every == 0 or self.step == total
            )
            if evaluates or samples or self._tally.due:
                problem = yield from self._report_steps()
                if problem:
                    yield self._failed(problem)
                    return
            if evaluates:
                yield from self._evaluate()
                if self.control.stopped and self.ranks.count == 1:
                    break
                if self._save_due() and self.step < total:
                    yield from self._save()
            if samples:
                yield from self._samples([None])

        problem = yield from self._report_steps()
        if problem:
            yield self._failed(problem)
            return
        if self.step > 0 and self._saved_step != self.step:
            yield from self._save()
        stopped_by = "done" if self.step >= total else "patience" if self._out_of_patience() else "stopped"
        best = self.best_loss if self.best_loss is not None else float("nan")
        yield ev.Finished(self.folder.name, self.step, best, self.best_step, stopped_by, self._tally.seconds)

    # -- one step ------------------------------------------------------------------------------------

    def _gradients(self) -> Generator[ev.Event, None, tuple[Tensor, float] | None]:
        """Accumulate the gradients of one step. Returns (mean loss, seconds paused), or None when stopped.

        When out of memory, the same windows are read in smaller micro-batches; no step's result changes.
        """
        while True:
            try:
                return (yield from self._micro_batches())
            except Exception as error:
                message = self._with_less_memory() if is_out_of_memory(error) else None
                if message is None:
                    raise
            release_memory(self._objective, self.device)
            yield ev.Recovered(self.step, message)

    def _micro_batches(self) -> Generator[ev.Event, None, tuple[Tensor, float] | None]:
        plan, own_windows, waited = self.plan, self.ranks.share(self.windows), 0.0
        assert plan.block_size
        self.optimizer.zero_grad(set_to_none=True)
        loss_sum = torch.zeros((), device=self.device)
        starts_of_step, skips = self._order.starts(self.step * self.windows, self.windows), self._skips
        counted = skips.counted(starts_of_step, plan.block_size) if skips else self.windows * plan.block_size
        for first in range(own_windows.start, own_windows.stop, self.micro):
            if first > own_windows.start and self.ranks.count == 1:
                paused_at = time.monotonic()
                continues = yield from self._handle_requests(between_steps=False)
                waited += time.monotonic() - paused_at
                if not continues:
                    self.optimizer.zero_grad(set_to_none=True)
                    return None
            end = min(first + self.micro, own_windows.stop)
            starts = starts_of_step[first:end]
            inputs, targets = window_batch(self._order.ids, starts, plan.block_size, self.device, skips)
            torch.manual_seed(seed_of(plan.seed, self.step, first))
            with dd.sync_on_last(self._objective, self.ranks, last=end == own_windows.stop):
                with autocast(self.device, self.precision):
                    loss = self._objective(inputs, targets, reduction="sum") / counted
                # the ranks' gradients are averaged, but should be summed
                torch.autograd.backward(self.scaler.scale(loss * self.ranks.count))
            loss_sum += loss.detach()
        return self.ranks.sum(loss_sum), waited

    def _update(self) -> tuple[float, Tensor]:
        """Clip the gradients and step the optimiser. Returns the learning rate and the norm before clipping."""
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
        return rate, dd.full_tensor(norm)

    def _with_less_memory(self) -> str | None:
        """Reduce the memory use from now on; returns a sentence about it, or None if no way is left."""
        if self.ranks.count > 1:
            return None  # the other ranks had enough memory, and wait
        if self.micro > 1:
            self.micro = max(1, self.micro // 2)
            return (
                f"The memory was full: from now on {self.micro} windows are read at a time, with as many windows "
                "in a step as before."
            )
        if not self.model.checkpointing:
            self.model.checkpointing = True
            return "The memory was full: from now on checkpointing is on, which takes more time."
        return None

    # -- between steps -------------------------------------------------------------------------------

    def _handle_requests(self, between_steps: bool = True) -> Generator[ev.Event, None, bool]:
        """Handle the control's requests; returns whether to continue."""
        if not self.ranks.is_main:
            while (command := self.ranks.receive()) == dd.SAVE:
                yield from self._save()
            return command == dd.GO
        paused = False
        while True:
            if between_steps:
                if self.step > 0 and self.control.take_checkpoint():  # before step 1 the request waits
                    problem = yield from self._report_steps()
                    if problem:
                        return True  # the loop finds the same problem and ends
                    self.ranks.send(dd.SAVE)
                    yield from self._save()
                yield from self._samples(self.control.take_prompts())
            if not self.control.paused:
                break
            if not paused:
                paused = True
                yield from self._report_steps()
                yield ev.Paused(self.step)
            self.control.wait_for_request(between_steps)
        stopped = self.control.stopped
        if paused and not stopped:
            yield ev.Resumed(self.step, from_checkpoint=False, total_steps=self.schedule.total_steps)
        if between_steps:
            self.ranks.send(dd.STOP if stopped else dd.GO)
        return not stopped

    def _report_steps(self) -> Generator[ev.Event, None, str]:
        """Yield the steps since the last report. Returns a sentence if a loss is not finite."""
        for done in self._tally.read():
            if not math.isfinite(done.loss):
                return (
                    f"The loss became {done.loss} at step {done.step}: try a lower learning_rate "
                    f"(it was {self.plan.learning_rate}) or precision=fp32. The last checkpoint is kept."
                )
            yield done
        return ""

    def _evaluate(self) -> Iterator[ev.Event]:
        began = time.monotonic()
        while True:
            try:
                score = yield from self._score()
                break
            except Exception as error:
                message = self._with_less_memory() if is_out_of_memory(error) else None
                if message is None:
                    raise
            release_memory(self._objective, self.device)
            yield ev.Recovered(self.step, message)
        if score is None:
            return  # stopped
        best = self.step > 0 and (self.best_loss is None or score.loss < self.best_loss)
        if best:
            self.best_loss, self.best_step, self._worse = score.loss, self.step, 0
        elif self.step > 0:
            self._worse += 1
        seconds = time.monotonic() - began
        yield ev.Evaluated(self.step, score.loss, score.perplexity, score.bits_per_byte, best, seconds)

    def _score(self) -> Generator[ev.Preparing, None, Score | None]:
        assert self.plan.block_size
        scoring = score_in_batches(
            self._objective,
            self.dataset.validation_ids,
            self.dataset.validation_bytes,
            block=self.plan.block_size,
            batch=self.micro,
            device=self.device,
            precision=self.precision,
            ranks=self.ranks,
            skipped=self.dataset.validation_skipped,
            most=MOST_TOKENS,
        )
        self._last_score = yield from measured(
            scoring, lambda done, windows: self.ranks.count == 1 and self.control.stopped
        )
        return self._last_score

    def _out_of_patience(self) -> bool:
        """Whether the validation loss has not improved for the plan's patience."""
        return 0 < self.plan.patience <= self._worse

    def _samples(self, requests: list[str | None]) -> Iterator[ev.Event]:
        if self.ranks.sharded or not self.ranks.is_main:
            return  # no rank has the whole model, or rank 0 generates the sample
        asked = requested_beginnings(requests, self.dataset.beginnings, self.plan, self.control.prompt)
        for beginning in asked:
            began, (prompt, voice) = time.monotonic(), (beginning.prompt, beginning.voice)
            text = self._sample(beginning, self.plan.sample_tokens, self.plan.seed)
            seconds = time.monotonic() - began
            yield ev.Sampled(self.step, prompt, text, voice, beginning.held_out, seconds)

    def _save_due(self) -> bool:
        late = time.monotonic() - self._saved_at > SAVE_SECONDS
        return self.best_step == self.step or (late and not self.ranks.sharded)  # ranks' clocks differ

    def _save(self) -> Iterator[ev.Event]:
        began, best = time.monotonic(), self.best_step == self.step
        progress = checkpoints.RunPosition(
            step=self.step,
            best_validation_loss=self.best_loss,
            best_step=self.best_step,
            worse=self._worse,
            seconds=self._tally.seconds,
            micro=self.micro,
            checkpointing=bool(self.model.checkpointing),
            scaler=self.scaler.state_dict(),
            data=self.dataset.fingerprint,
            device=str(self.device),
            precision=self.precision,
            threads=torch.get_num_threads(),
            torch=torch.__version__,
        )
        state = checkpoints.collect(self._model_files, self.optimizer)  # every rank takes part
        if self.ranks.is_main:
            card = model_card(self.folder.name, self.plan, self.dataset, progress, self._last_score)
            saved = checkpoints.save_checkpoint(
                self.folder, state, progress, self._model_files, card=card, best=best, keep=self.plan.keep
            )
            path, seconds = saved.relative_to(self.folder).as_posix(), time.monotonic() - began
            yield ev.CheckpointSaved(self.step, path, best, seconds)
        self._saved_step, self._saved_at = self.step, time.monotonic()

    # -- events --------------------------------------------------------------------------------------

    def _started(self) -> ev.Started:
        return started(
            self.folder.name,
            self.plan,
            self.dataset,
            self.schedule,
            device=str(self.device),
            precision=self.precision,
            parameters=sum(p.numel() for p in self.model.parameters()),
            memory=(self._memory.needed, self._memory.available) if self._memory else (0, 0),
        )

    def _failed(self, message: str) -> ev.Failed:
        return ev.Failed(self.folder.name, self.step, message)
