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
