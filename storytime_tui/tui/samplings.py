"""A run's samples as they are looked at: those told at one time together, and a line that says what one is."""

from collections.abc import Sequence

from storytime_tui.training.events import Sampled
from storytime_tui.tui.wording import clipped

Sampling = tuple[Sampled, ...]


def samplings(samples: Sequence[Sampled]) -> list[Sampling]:
    """The samples, those of one time together: of one step, and each from another beginning."""
    found: list[list[Sampled]] = []
    for sample in samples:
        now = found[-1] if found else []
        if now and now[0].step == sample.step and all(sample.prompt != other.prompt for other in now):
            now.append(sample)
        else:
            found.append([sample])
    return [tuple(each) for each in found]


def beginnings(sampling: Sampling) -> list[str]:
    """What its samples are told from, in their order."""
    return [sample.prompt for sample in sampling]


def told_from(sample: Sampled) -> str:
    """What a sample is told from: `the first words of a held-out story`, `“Once upon a time”`."""
    shelf = clipped(" ".join(sample.voice.split()), 24)
    if sample.held_out:
        return f"a held-out story of {shelf}" if shelf else "the first words of a held-out story"
    prompt = f"“{clipped(' '.join(sample.prompt.split()), 24)}”" if sample.prompt.strip() else "nothing"
    return f"{prompt}, as {shelf}" if shelf else prompt


def when(sample: Sampled) -> str:
    """At which moment of the learning it was told."""
    return "untouched" if sample.step == 0 else f"step {sample.step:,}"
