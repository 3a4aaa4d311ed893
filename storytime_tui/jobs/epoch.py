"""What an epoch reads: each story in parts behind its shelf's line, as often as the plan says. Loads no torch.

The parts are made while they are read, since ten gigabytes of text have five million of them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from storytime_tui.corpus.collection import Collection, Story
from storytime_tui.corpus.headers import header_before, shelf_line
from storytime_tui.corpus.lazy import picked
from storytime_tui.corpus.names import is_numbered
from storytime_tui.corpus.parts import with_line
from storytime_tui.corpus.tokens import Readings
from storytime_tui.errors import PlanError
from storytime_tui.jobs.repeats import NO_STORY_LEFT, checked_repeats, times_read
from storytime_tui.training.plan import TrainingPlan


class Homes:
    """Maps each story to its collection by its text, and to that collection's line.

    A story not found (half of a story cut in two for validation) belongs to the first collection, which is then the
    only one. `voices`: of each collection, "" for none.
    """

    def __init__(self, collections: Sequence[Collection], voices: Sequence[str]) -> None:
        self.names = [collection.name for collection in collections]
        self._lines = {name: shelf_line(voice) for name, voice in zip(self.names, voices, strict=False)}
        self._home = homes_of(collections)

    def name(self, story: Story) -> str:
        """The name of the story's collection."""
        return self.names[self._home.get(story.facts.digest, 0)]

    def line(self, story: Story) -> str:
        """The line of the story's shelf; "" without lines."""
        return self._lines.get(self.name(story), "")


def homes_of(collections: Sequence[Collection]) -> dict[str, int]:
    """The number of the collection of each story, by the digest of its text: the first one that has it.

    Stories of the first collection are left out, since it is the only one of a shelf of a million stories.
    """
    home = {
        story.facts.digest: number
        for number, each in reversed(list(enumerate(collections)))
        if number
        for story in each.stories
    }
    if home:
        for story in collections[0].stories:
            home.pop(story.facts.digest, None)
    return home


@dataclass(frozen=True)
class Epoch(Readings):
    """Stories, each in parts behind its shelf's line and perhaps more headers.

    `times`: which of a story's readings it is, from 0 on. `headers`: the share of readings that get more headers.
    `own_lines`: headers are lines of their own, which are not learned; in runs from before the shelves' lines, they are
    a part of the text.
    """

    stories: Sequence[Story]
    times: Sequence[int]
    homes: Homes
    headers: float = 0.0
    seed: int = 0

    def __iter__(self) -> Iterator[Story]:
        """The parts, made now."""
        for story, time in zip(self.stories, self.times, strict=True):
            yield from self._parts(story, time)

    def marks(self) -> Iterator[str]:
        """See `Readings`."""
        for story, time in zip(self.stories, self.times, strict=True):
            more = f"{self.headers} {self.seed + time} {self._title(story)}\n" if self.headers else ""
            chapters = " ".join(str(chapter.start) for chapter in story.chapters)
            yield f"parts {story.facts.digest} {self.homes.line(story)}{more}{chapters}\n"

    @property
    def bytes(self) -> int:
        """See `Readings`."""
        return sum(story.facts.bytes for story in self.stories)

    def _title(self, story: Story) -> str:
        return "" if is_numbered(story.title, story.file) else story.title

    def _parts(self, story: Story, time: int) -> list[Story]:
        line, header = self.homes.line(story), ""
        if self.headers:
            header = header_before(self._title(story), story.text, share=self.headers, seed=self.seed + time)
        if line:
            return with_line(story, line, header.rstrip("\n") + "\n" if header else "")
        # in runs from before shelf lines, the header is part of the text and is learned
        return [replace(story, content=header + story.text, chapters=(), known=None) if header else story]


def with_lines(stories: Sequence[Story], homes: Homes) -> Epoch:
    """Each story once, in parts behind its shelf's line; the unchanged story where its shelf has none."""
    return Epoch(stories, bytes(len(stories)), homes)


def epoch_of(training: Sequence[Story], plan: TrainingPlan, homes: Homes) -> Epoch:
    """The stories of one epoch: each training story with its header, as often as `repeats` says.

    Each repetition draws its own header, so one may have a title line and another none. Raises PlanError if `repeats`
    names a collection that was not chosen, or if no story is left.
    """
    repeats = checked_repeats(plan, homes.names)
    places, times = array("q"), array("q")
    for place, story in enumerate(training):
        count = times_read(story, repeats.get(homes.name(story), 1.0), plan.seed) if repeats else 1
        places.extend([place] * count)
        times.extend(range(count))
    if not places:
        raise PlanError(NO_STORY_LEFT)
    return Epoch(picked(training, places), times, homes, plan.headers, plan.seed)
