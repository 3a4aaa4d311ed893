"""Numbers and outcomes in words. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from storytime_tui.formatting import count as count
from storytime_tui.formatting import progress
from storytime_tui.formatting import size as size
from storytime_tui.generation.pieces import WHY_IT_STOPPED, Told
from storytime_tui.training.events import Finished, Preparing, Started, VoiceMeasured
from storytime_tui.training.voice_report import of_passages, share_of
from storytime_tui.tui.own_key import own_key

if TYPE_CHECKING:
    from storytime_tui.jobs.memory import Room

WHAT_HAPPENS = """\
After the start, about one story in ten is held out. The model reads the others, predicts each next token, and \
changes a little after every step. From time to time it is evaluated on the held-out stories, and it tells the same \
beginnings again, so that you can watch it improve.

You can leave this screen, and read or write stories during the training. You can stop at any time; checkpoints are \
kept."""


def first_look() -> str:
    """What the key of the first look does."""
    return f"from nothing, about 1 minute: from noise to words (key {own_key('plan.first_look', '0')})"


def no_model(choosing: str = "") -> str:
    """That there is no model yet. `choosing`: the keys with which one can be chosen here."""
    train = f"There is no model yet: train one ({own_key('app.train_always', 'F3')})"
    return f"{train}, or choose one ({choosing})." if choosing else f"{train}."


def model_keys() -> str:
    """The keys that choose a model while a line is typed."""
    return f"{own_key('prompt.leave', 'escape')}, then {own_key('story.model', 'm')}"


def no_runs(*, hidden: bool) -> str:
    """What to do where no run is shown. `hidden`: because of the filter."""
    if hidden:
        return f"No run matches this. {own_key('runs.all', 'Escape')} shows all."
    return f"No runs yet. Press {own_key('app.train', '2')} to plan one."


def no_story() -> str:
    """That there is no story yet, and how one begins."""
    opening = own_key("story.openings", "b")
    return f"A story begins with your first line, or with an opening: press {opening} for three."


def compact(number: int) -> str:
    """A number in at most five characters: `940`, `9.8k`, `123k`, `1.2M`."""
    if number < 1_000:
        return str(number)
    if number < 9_950:
        return f"{number / 1e3:.1f}k"
    if number < 999_500:
        return f"{number / 1e3:.0f}k"
    return f"{number / 1e6:.1f}M" if number < 99_950_000 else f"{number / 1e6:,.0f}M"


def about(seconds: float) -> str:
    """An estimated duration: `under 1 min`, `about 3 min`, `about 2 h 30`."""
    minutes = round(seconds / 60)
    if seconds < 45:
        return "under 1 min"
    if minutes < 60:
        return f"about {max(1, minutes)} min"
    if minutes < 10 * 60:
        half = round(minutes / 30)
        return f"about {half // 2} h" + (" 30" if half % 2 else "")
    hours = round(minutes / 60)
    return f"about {hours} h" if hours < 48 else f"about {round(hours / 24)} days"


def plan_preview(
    epochs: float,
    steps: int,
    seconds: float | None,
    room: Room | None,
    *,
    exact: bool = False,
    width: int = 0,
) -> str:
    """What a plan comes to: `4 epochs · about 40 steps · about 2 min · peak 2.4 GB`.

    `exact`: the plan sets the number of steps; else it follows from the estimated tokens. In `width` cells (0: any
    number) the steps lose their `about`, or are left out, so that the time and the memory stay whole.
    """
    first = f"{epochs:.3g} {'epoch' if epochs == 1 else 'epochs'}"
    last = [] if seconds is None else [about(seconds)]
    if room is not None:
        last.append(f"peak {size(room.needed)}")
    in_steps = count(steps, "step")
    for middle in ([in_steps if exact else f"about {in_steps}"], [in_steps]):
        words = " · ".join([first, *middle, *last])
        if not width or len(words) <= width:
            return words
    return " · ".join([first, *last])


def duration(seconds: float) -> str:
    """A duration: `0:07`, `1:32`, `2:05:00`; a dash if unknown."""
    if not math.isfinite(seconds) or seconds < 0:
        return "–"
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, last = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{last:02}" if hours else f"{minutes}:{last:02}"


_STATES = {"stopping": "saving"}  # the other phases are called as they are


def run_state(phase: str, stopped: bool) -> str:
    """A run's state in a word, from the phase of its view; `stopped`: it ended before its last step."""
    return "stopped" if phase == "finished" and stopped else _STATES.get(phase, phase)


def memory_warning(started: Started) -> str:
    """A warning if a run may need more memory than is free; else ""."""
    if started.memory_needed <= started.memory_available:
        return ""
    return (
        f"peak about {size(started.memory_needed)}, free {size(started.memory_available)}: "
        "the batch may be reduced"
    )


def part_of(used: int, limit: int) -> str:
    """Memory in use beside its limit, in bytes: `1.8 of 19.8 GB`; alone if the limit is 0."""
    if not limit:
        return size(used)
    whole = size(limit)
    return f"{used / 1e9:,.1f} of {whole}" if whole.endswith("GB") else f"{size(used)} of {whole}"


def number(value: float | None, pattern: str = ",.3f") -> str:
    """A number, or a dash if there is none or it is not finite."""
    if value is None or not math.isfinite(value):
        return "–"
    return format(value, pattern)


def rate(value: float) -> str:
    """A learning rate: `5e-05` -> `5.0e-5`."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "–"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def progress_of(event: Preparing) -> str:
    """What is being prepared, and the progress."""
    return progress(event.what, event.done, event.total)


def outcome(finished: Finished, started: Started | None, first_loss: float | None) -> str:
    """A run's outcome, for readers who do not know what a loss is."""
    best = finished.best_validation_loss
    ended = "Stopped" if finished.stopped_by == "stopped" else "Finished"
    parts = [f"{ended} after {count(finished.step, 'step')} in {duration(finished.seconds)}."]
    if finished.stopped_by == "patience":
        parts.append(
            f"It stopped early because the validation loss stopped falling; step {finished.best_step:,} was the best."
        )
    if math.isfinite(best):
        if first_loss is not None and math.isfinite(first_loss) and first_loss > best:
            parts.append(
                f"On held-out stories, the loss fell from {first_loss:.2f} to {best:.2f}. It used to hesitate "
                f"among {perplexity(first_loss)} words; now among {perplexity(best)}."
            )
        else:
            parts.append(f"On held-out stories, the best loss is {best:.2f}.")
        baseline = started.token_frequency_loss if started else math.nan
        if math.isfinite(baseline) and best >= baseline:
            parts.append(
                f"The word-frequency baseline is lower, {baseline:.2f}: train for more epochs or on more stories."
            )
    return " ".join(parts)


def voice_sentence(measured: VoiceMeasured | None) -> str:
    """How many of a run's passages sound like its shelf, as a sentence; "" if not measured."""
    share = share_of(measured)
    if measured is None or share is None:
        return ""
    shelf = "the shelf" if len(measured.shelves) < 2 else "their shelves"
    at = f" Its strength is {measured.strength:g}." if measured.strength != 1 else ""
    return f"{of_passages(share, measured.passages)} told passages sound like {shelf}.{at}"


def interrupted(step: int, total: int, saved: int | None) -> str:
    """Where a run was interrupted, and what resuming it would do."""
    place = f"Interrupted at step {step:,} of {total:,}."
    if saved is None:
        return f"{place} No checkpoint was saved: {own_key('train.resume', 'r')} starts it again."
    return f"{place} Press {own_key('train.resume', 'r')} to resume from the checkpoint of step {saved:,}."


def training_text(titles: Sequence[str], stories: int) -> str:
    """The training text: the first collection's title, and the number of all stories."""
    named = clipped(titles[0], 34) if titles else "nothing"
    more = f" and {len(titles) - 1} more" if len(titles) > 1 else ""
    return f"{named}{more} · {count(stories, 'story', 'stories')}"


def perplexity(loss: float) -> str:
    """Perplexity, e to the loss: among how many words the model hesitates."""
    value = math.exp(min(loss, 20))
    return f"{value:,.1f}" if value < 10 else f"{value:,.0f}"


def clipped(text: str, width: int) -> str:
    """Cut a text to `width` characters, with an ellipsis at the end."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def clipped_inside(text: str, width: int) -> str:
    """Cut a text to `width` characters in the middle: names of runs differ at their ends."""
    if len(text) <= width:
        return text
    end = (width - 1) // 2
    return text[: max(0, width - 1 - end)] + "…" + (text[-end:] if end > 0 else "")


def telling_outcome(told: Told | None, failed: bool) -> str:
    """How a telling ended. Without its speed, which would look like a current one."""
    if told is None:
        return "" if failed else "stopped"
    return (
        f"{count(told.tokens, 'token')} told"
        if told.stopped_by == "length"
        else WHY_IT_STOPPED[told.stopped_by]
    )
