"""A run's samples, grouped by step as the screen shows them, and labels for them."""

from collections.abc import Sequence

from storytime_tui.training.events import Sampled
from storytime_tui.tui.wording import clipped

SampleGroup = tuple[Sampled, ...]


def group_samples(samples: Sequence[Sampled]) -> list[SampleGroup]:
    """Group the samples by step; the samples of a group have different prompts."""
    found: list[list[Sampled]] = []
    for sample in samples:
        now = found[-1] if found else []
        if now and now[0].step == sample.step and all(sample.prompt != other.prompt for other in now):
            now.append(sample)
        else:
            found.append([sample])
    return [tuple(each) for each in found]


def prompts_of(sampling: SampleGroup) -> list[str]:
    """The prompts of a group's samples, in order."""
    return [sample.prompt for sample in sampling]


def first_of_beginning(samples: Sequence[Sampled], shown: Sampled) -> Sampled | None:
    """The run's first sample of the same beginning; None if it is this one, or of the same step."""
    beginning = (shown.prompt, shown.voice)
    first = next((each for each in samples if (each.prompt, each.voice) == beginning), shown)
    return first if first.step < shown.step else None


def last_of_beginning(samples: Sequence[Sampled], shown: Sampled) -> Sampled | None:
    """The last sample of the same beginning from an earlier step; None if there is none."""
    beginning = (shown.prompt, shown.voice)
    earlier = (each for each in samples if (each.prompt, each.voice) == beginning and each.step < shown.step)
    return max(earlier, key=lambda each: each.step, default=None)


def steps_line(steps: Sequence[int], place: int, width: int) -> tuple[str, tuple[tuple[int, int, int], ...]]:
    """A line of at most `width` cells with as many steps around the one at `place` as fit, and where each stands.

    A standing is (place, first cell, end). The step at `place` is in brackets; "…" stands for those left out.
    """
    names = [f"[{step:,}]" if at == place else f" {step:,} " for at, step in enumerate(steps)]
    first, end = place, place + 1

    def length(first: int, end: int) -> int:
        return len("·".join(names[first:end])) + (first > 0) + (end < len(names))

    while first > 0 or end < len(names):  # to both sides in turn
        left, right = max(0, first - 1), min(len(names), end + 1)
        left_fits = first > 0 and length(left, end) <= width
        right_fits = end < len(names) and length(first, right) <= width
        if left_fits and (place - first < end - place or not right_fits):
            first = left
        elif right_fits:
            end = right
        else:
            break
    line, standings = "…" if first > 0 else "", []
    for at in range(first, end):
        line += "·" if at > first else ""
        standings.append((at, len(line), len(line) + len(names[at])))
        line += names[at]
    return line + ("…" if end < len(names) else ""), tuple(standings)


def prompt_label(sample: Sampled) -> str:
    """A label for a sample's prompt: `the first words of a held-out story`, `“Once upon a time”`."""
    shelf = clipped(" ".join(sample.voice.split()), 24)
    if sample.held_out:
        return f"a held-out story of {shelf}" if shelf else "the first words of a held-out story"
    prompt = f"“{clipped(' '.join(sample.prompt.split()), 24)}”" if sample.prompt.strip() else "nothing"
    return f"{prompt}, as {shelf}" if shelf else prompt


def step_label(sample: Sampled) -> str:
    """A label for a sample's step."""
    return "before training" if sample.step == 0 else f"step {sample.step:,}"
