"""Numbers and outcomes in plain words: pure functions, so that every sentence can be tested."""

import math
from collections.abc import Sequence

from storytime_tui.formatting import count as count
from storytime_tui.formatting import progress
from storytime_tui.formatting import size as size
from storytime_tui.generation.pieces import WHY_IT_STOPPED, Told
from storytime_tui.training.events import Finished, Preparing, Started, VoiceMeasured
from storytime_tui.training.voice_report import of_passages, share_of


def compact(number: int) -> str:
    """At most five signs: `940`, `9.8k`, `123k`, `1.2M`."""
    if number < 1_000:
        return str(number)
    if number < 9_950:
        return f"{number / 1e3:.1f}k"
    if number < 999_500:
        return f"{number / 1e3:.0f}k"
    return f"{number / 1e6:.1f}M" if number < 99_950_000 else f"{number / 1e6:,.0f}M"


def about(seconds: float) -> str:
    """How long something will take, as one would say it: `under 1 min`, `about 3 min`, `about 2 h 30`."""
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


def duration(seconds: float) -> str:
    """`0:07`, `1:32`, `2:05:00`; a dash while it is unknown."""
    if not math.isfinite(seconds) or seconds < 0:
        return "–"
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, last = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{last:02}" if hours else f"{minutes}:{last:02}"


def tight(started: Started) -> str:
    """What to expect where a run may need more memory than there is; empty where it has enough."""
    if started.memory_needed <= started.memory_available:
        return ""
    return (
        f"needs about {size(started.memory_needed)} of {size(started.memory_available)}: "
        "it may read fewer windows at a time"
    )


def number(value: float | None, pattern: str = ",.3f") -> str:
    """The number, or a dash where there is none yet (or it is not a number)."""
    if value is None or not math.isfinite(value):
        return "–"
    return format(value, pattern)


def rate(value: float) -> str:
    """A learning rate, short: `5e-05` -> `5.0e-5`."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "–"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def preparing(event: Preparing) -> str:
    """What is being made ready, and how far that has come."""
    return progress(event.what, event.done, event.total)


def outcome(finished: Finished, started: Started | None, first_loss: float | None) -> str:
    """What came of a run, for somebody who has never seen a loss."""
    best = finished.best_validation_loss
    ended = "Stopped and kept" if finished.stopped_by == "stopped" else "Done"
    parts = [f"{ended} after {count(finished.step, 'step')} in {duration(finished.seconds)}."]
    if finished.stopped_by == "patience":
        parts.append(
            f"It ended early, since it no longer got better; the best, of step {finished.best_step:,}, is kept."
        )
    if math.isfinite(best):
        if first_loss is not None and math.isfinite(first_loss) and first_loss > best:
            parts.append(
                f"On stories it never saw, the loss fell from {first_loss:.2f} to {best:.2f}: it is as unsure "
                f"as between {choices(best)} equal choices, where it began with {choices(first_loss)}."
            )
        else:
            parts.append(f"On stories it never saw, the best loss is {best:.2f}.")
        if started is not None and math.isfinite(started.token_frequency_loss):
            gain = started.token_frequency_loss - best
            if gain > 0:
                parts.append(f"That is {gain:.2f} better than token frequencies alone.")
            else:
                parts.append(
                    "Token frequencies alone would still do better: give it more steps or more stories."
                )
    return " ".join(parts)


def voice(said: VoiceMeasured | None) -> str:
    """How much of what a run tells sounds like its shelf, as a sentence; "" where nobody listened."""
    share = share_of(said)
    if said is None or share is None:
        return ""
    shelf = "the shelf" if len(said.shelves) < 2 else "their shelves"
    at = f" It is told at strength {said.strength:g}." if said.strength != 1 else ""
    return f"{of_passages(share, said.passages)} passages that it told sound like {shelf}.{at}"


def interrupted(step: int, total: int, saved: int | None) -> str:
    """Where a run was when it was ended from outside, and from where it can go on."""
    place = f"It was interrupted at step {step:,} of {total:,}."
    if saved is None:
        return f"{place} No checkpoint was saved yet: r begins again."
    return f"{place} Its last checkpoint is of step {saved:,}: r goes on from there."


def lesson(titles: Sequence[str], stories: int) -> str:
    """What is learned from: the first collection by its title, and how many stories there are in all."""
    named = clipped(titles[0], 34) if titles else "nothing"
    more = f" and {len(titles) - 1} more" if len(titles) > 1 else ""
    return f"{named}{more} · {count(stories, 'story', 'stories')}"


def choices(loss: float) -> str:
    """Perplexity: e to the loss, as a number of equal choices."""
    value = math.exp(min(loss, 20))
    return f"{value:,.1f}" if value < 10 else f"{value:,.0f}"


def clipped(text: str, width: int) -> str:
    """At most `width` characters, the last one an ellipsis where something was cut."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def clipped_inside(text: str, width: int) -> str:
    """At most `width` characters, cut in the middle: names of runs differ at their ends."""
    if len(text) <= width:
        return text
    end = (width - 1) // 2
    return text[: max(0, width - 1 - end)] + "…" + (text[-end:] if end > 0 else "")


def ending(told: Told | None, failed: bool) -> str:
    """How a telling ended. Not how fast it was: a speed that stays looks like one that is."""
    if told is None:
        return "" if failed else "stopped"
    return (
        f"{count(told.tokens, 'token')} told"
        if told.stopped_by == "length"
        else WHY_IT_STOPPED[told.stopped_by]
    )
