"""The loop: windows in, gradients out, and an event for everything that happens.

Read `Trainer.run` from top to bottom. Randomness is a function of the seed and the place: epoch e's window
order comes from (seed, e), the dropout masks of a micro-step from (seed, step, micro-step). Nothing random
has to be saved, and a run that goes on from a checkpoint draws what it would have drawn.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from storytime_tui import files
from storytime_tui.corpus.windows import epoch_windows
from storytime_tui.errors import StorytimeError
from storytime_tui.training import checkpoints
from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from storytime_tui.training.evaluate import autocast, score_stream
from storytime_tui.training.objective import next_token_loss, window_batch
from storytime_tui.training.plan import TrainingPlan, schedule_of
from storytime_tui.training.schedule import learning_rate_at

_log = logging.getLogger(__name__)

SAVE_SECONDS = 120.0  # between checkpoints, when no new best asks for one


@dataclass(frozen=True)
class Lesson:
    """What is learned from: two token streams (see `corpus.tokens`) and what is known about them."""

    training_ids: Any  # (tokens,) integers, memory-mapped
    validation_ids: Any  # (tokens,)
    validation_bytes: int
    stories: int
    validation_stories: int
    token_frequency_loss: float
    fingerprint: str
    copies: int = 0  # stories that were told twice, and left out


class Trainer:
    """One run: `run()` yields its events; `control` steers it. Used from one thread only."""

    def __init__(
        self,
        model: torch.nn.Module,
        plan: TrainingPlan,
        lesson: Lesson,
        folder: Path,
        *,
        device: torch.device,
        precision: str,
        control: Control,
        sample: Callable[[str, int, int], str],
        save_tokenizer: Callable[[Path], None],
    ) -> None:
        """`plan` is resolved; `folder` is the run's; `sample(prompt, tokens, seed)` tells with the model."""
        self.model, self.plan, self.lesson, self.folder = model, plan, lesson, folder
        self.device, self.precision, self.control = device, precision, control
        self._sample, self._save_tokenizer = sample, save_tokenizer
        self.schedule = schedule_of(plan, len(lesson.training_ids))
        self.optimizer = make_optimizer(model, plan)
        self.step = 0
        self.best_loss: float | None = None
        self.best_step = 0
        self.seconds = 0.0  # of training, earlier sittings included
        self._saved_step = -1
        self._saved_at = time.monotonic()
        self._step_seconds: deque[float] = deque(maxlen=10)  # averaged, so that tokens per second don't jump
        self._order: tuple[int, np.ndarray] | None = None  # (epoch, its shuffled window starts)

    def resume_from(self, checkpoint: Path) -> None:
        """Take up step, best and optimiser of a checkpoint whose weights the model already has."""
        progress = checkpoints.read_progress(checkpoint)
        checkpoints.load_optimizer(checkpoint, self.optimizer)
        self.step, self._saved_step = progress.step, progress.step
        self.best_loss, self.best_step = progress.best_validation_loss, progress.best_step
        self.seconds = progress.seconds

    def run(self) -> Iterator[ev.Event]:
        """Train to the end of the plan, or until stopped. The last event is Finished or Failed."""
        try:
            yield from self._run()
        except StorytimeError as error:
            yield self._failed(str(error))
        except OSError as error:
            _log.exception("the run %s met a system error", self.folder.name)
            yield self._failed(files.explain(error, f"saving the run {self.folder.name}"))
        except torch.OutOfMemoryError:
            yield self._failed(
                "The memory is full: set a smaller batch_size or block_size, or choose a smaller base."
            )
        except Exception as error:
            _log.exception("the run %s failed", self.folder.name)
            yield self._failed(
                f"The run stopped on an unexpected error ({type(error).__name__}); the log has it all."
            )

    def _run(self) -> Iterator[ev.Event]:
        total = self.schedule.total_steps
        self.model.train()
        if self.step == 0:
            yield self._started()
            yield from self._evaluate()
            yield from self._samples([None] if self.plan.sample_every else [])
        else:
            yield ev.Resumed(self.step, from_checkpoint=True)

        while self.step < total and (yield from self._obey()):
            began = time.monotonic()
            outcome = yield from self._gradients()
            if outcome is None:
                break  # stopped within the step: as if it had not begun
            loss, waited = outcome
            if not np.isfinite(loss):
                yield self._failed(
                    f"The loss became {loss} at step {self.step + 1}: try a lower learning_rate "
                    f"(it was {self.plan.learning_rate}) or precision=fp32. The last checkpoint is kept."
                )
                return
            rate, norm = self._update()
            self.step += 1
            yield self._step_done(loss, rate, norm, time.monotonic() - began - waited)

            if self.step % (self.plan.evaluate_every or 1) == 0 or self.step == total:
                yield from self._evaluate()
                if self.control.stopped:
                    break
                if self._due() and self.step < total:
                    yield self._save()
            if self.plan.sample_every and (self.step % self.plan.sample_every == 0 or self.step == total):
                yield from self._samples([None])

        if self.step > 0 and self._saved_step != self.step:
            yield self._save()
        done = "done" if self.step >= total else "stopped"
        best = self.best_loss if self.best_loss is not None else float("nan")
        yield ev.Finished(self.folder.name, self.step, best, self.best_step, done, self.seconds)

    # -- one step ------------------------------------------------------------------------------------

    def _gradients(self) -> Generator[ev.Event, None, tuple[float, float] | None]:
        """Sum the gradients of one step's micro-batches. Returns (mean loss, seconds paused) or None."""
        plan, waited = self.plan, 0.0
        assert plan.accumulation and plan.batch_size and plan.block_size
        self.optimizer.zero_grad(set_to_none=True)
        loss_sum = torch.zeros((), device=self.device)
        for micro in range(plan.accumulation):
            if micro > 0:
                paused_at = time.monotonic()
                going_on = yield from self._obey(between_steps=False)
                waited += time.monotonic() - paused_at
                if not going_on:
                    self.optimizer.zero_grad(set_to_none=True)
                    return None
            first = (self.step * plan.accumulation + micro) * plan.batch_size
            starts = [self._window_start(first + i) for i in range(plan.batch_size)]
            inputs, targets = window_batch(self.lesson.training_ids, starts, plan.block_size, self.device)
            torch.manual_seed(_seed_of(plan.seed, self.step, micro))
            with autocast(self.device, self.precision):
                loss = next_token_loss(self.model, inputs, targets)
            torch.autograd.backward(loss / plan.accumulation)
            loss_sum += loss.detach()
        return (loss_sum / plan.accumulation).item(), waited

    def _window_start(self, number: int) -> int:
        """Where the run's window `number` starts in the training stream; epochs follow one another."""
        epoch, place = divmod(number, self.schedule.windows_per_epoch)
        if self._order is None or self._order[0] != epoch:
            assert self.plan.stride
            starts = epoch_windows(len(self.lesson.training_ids), self.plan.stride, self.plan.seed, epoch)
            self._order = (epoch, starts)
        return int(self._order[1][place])

    def _update(self) -> tuple[float, float]:
        """Clip and step. Returns the learning rate used and the gradient's norm before clipping."""
        assert self.plan.learning_rate
        rate = learning_rate_at(
            self.step,
            peak=self.plan.learning_rate,
            warmup_steps=self.schedule.warmup_steps,
            total_steps=self.schedule.total_steps,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.plan.clip, foreach=True)
        self.optimizer.step()
        return rate, norm.item()

    # -- between steps -------------------------------------------------------------------------------

    def _obey(self, between_steps: bool = True) -> Generator[ev.Event, None, bool]:
        """Do what was asked through the control; returns whether to go on."""
        paused = False
        while True:
            if between_steps:
                if self.step > 0 and self.control.take_checkpoint():  # before the first step it waits
                    yield self._save()
                yield from self._samples(self.control.take_prompts())
            if not self.control.paused:
                break
            if not paused:
                paused = True
                yield ev.Paused(self.step)
            self.control.wait_for_request(between_steps)
        if paused and not self.control.stopped:
            yield ev.Resumed(self.step, from_checkpoint=False)
        return not self.control.stopped

    def _evaluate(self) -> Iterator[ev.Event]:
        assert self.plan.block_size and self.plan.batch_size
        score = score_stream(
            self.model,
            self.lesson.validation_ids,
            self.lesson.validation_bytes,
            block=self.plan.block_size,
            batch=self.plan.batch_size,
            device=self.device,
            precision=self.precision,
            on_batch=lambda done, total: not self.control.stopped,
        )
        if score is None:
            return  # stopped meanwhile
        best = self.step > 0 and (self.best_loss is None or score.loss < self.best_loss)
        if best:
            self.best_loss, self.best_step = score.loss, self.step
        yield ev.Evaluated(self.step, score.loss, score.perplexity, score.bits_per_byte, best)

    def _samples(self, prompts: list[str | None]) -> Iterator[ev.Event]:
        for asked in prompts:
            prompt = self.plan.sample_prompt if asked is None else asked
            yield ev.Sampled(self.step, prompt, self._sample(prompt, self.plan.sample_tokens, self.plan.seed))

    def _due(self) -> bool:
        return self.best_step == self.step or time.monotonic() - self._saved_at > SAVE_SECONDS

    def _save(self) -> ev.CheckpointSaved:
        best = self.best_step == self.step
        progress = checkpoints.Progress(
            step=self.step,
            best_validation_loss=self.best_loss,
            best_step=self.best_step,
            seconds=self.seconds,
            data=self.lesson.fingerprint,
            device=str(self.device),
            precision=self.precision,
            threads=torch.get_num_threads(),
            torch=torch.__version__,
        )
        saved = checkpoints.save_checkpoint(
            self.folder,
            self.model,
            self.optimizer,
            progress,
            self._save_tokenizer,
            best=best,
            keep=self.plan.keep,
        )
        self._saved_step, self._saved_at = self.step, time.monotonic()
        return ev.CheckpointSaved(self.step, saved.relative_to(self.folder).as_posix(), best)

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
        )

    def _step_done(self, loss: float, rate: float, norm: float, seconds: float) -> ev.StepDone:
        assert self.plan.batch_size and self.plan.accumulation and self.plan.block_size
        self.seconds += seconds
        self._step_seconds.append(seconds)
        tokens = self.plan.batch_size * self.plan.accumulation * self.plan.block_size
        return ev.StepDone(
            step=self.step,
            loss=loss,
            learning_rate=rate,
            tokens_per_second=tokens * len(self._step_seconds) / max(1e-9, sum(self._step_seconds)),
            epoch=self.step / self.schedule.steps_per_epoch,
            gradient_norm=norm,
            elapsed=self.seconds,
            memory=memory_used(self.device),
        )

    def _failed(self, message: str) -> ev.Failed:
        return ev.Failed(self.folder.name, self.step, message)


def make_optimizer(model: torch.nn.Module, plan: TrainingPlan) -> torch.optim.AdamW:
    """AdamW with weight decay on matrices only: biases and layer norms are not pulled to zero."""
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.dim() >= 2], "weight_decay": plan.weight_decay},
        {"params": [p for p in trained if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=plan.learning_rate or 0.0, betas=(0.9, 0.95), fused=True)


def memory_used(device: torch.device) -> int:
    """Bytes that the run holds: the device's own on a GPU, the process's on a CPU."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    return int(psutil.Process().memory_info().rss)


def _seed_of(seed: int, step: int, micro: int) -> int:
    return int(np.random.SeedSequence([seed, step, micro]).generate_state(1, np.uint64)[0] >> np.uint64(1))
