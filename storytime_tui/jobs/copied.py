"""Finding what a text copies word for word from stories, such as a run's training stories. Loads no torch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from storytime_tui import paths
from storytime_tui.corpus.collection import Story
from storytime_tui.corpus.copied import Index, Stretch, open_index, place
from storytime_tui.corpus.words import WORD
from storytime_tui.errors import CorpusError, PlanError, RunError
from storytime_tui.models.catalogue import is_base_name
from storytime_tui.reporting import Report
from storytime_tui.training import runs
from storytime_tui.training.plan import read_plan

RUN_OF_WORDS = 8  # this many words in a row count as copied; shorter runs are common by chance
_BEFORE = 400  # characters before a told passage that are looked at with it: a run may begin there
_AROUND = 120  # words of a story shown before and after a run


@dataclass(frozen=True)
class Source:
    """A story that may be copied from, and the name of its collection."""

    collection: str
    story: Story


@dataclass(frozen=True)
class CopiedPlace:
    """A run of words that a text has from a story.

    `text`: the run as the text has it, at the characters `start` to `end`; `words`: their number. `story`: the title of
    the first story that has the run. `place`: the number of the run's first word in that story, counted from 1.
    """

    words: int
    collection: str
    story: str
    place: int
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Copies:
    """The copied runs of a text in its order, and the share of its words, 0 to 1, that are in one."""

    places: tuple[CopiedPlace, ...]
    share: float


@dataclass(frozen=True)
class Surroundings:
    """A copied run where it stands in its story: the text before it, the run, the text after it."""

    before: str
    run: str
    after: str


@dataclass(frozen=True)
class PassageCopies:
    """What a told passage has word for word from what its model learned from.

    `places`: the copied runs that reach into the passage, as characters of the text it stands in; `stories`: the story
    of each. `share`: of the passage's words, 0 to 1, that are in one. `longest`: the words of its longest run, however
    short.
    """

    places: tuple[CopiedPlace, ...]
    stories: tuple[Story, ...]
    share: float
    longest: int

    def surroundings(self, number: int) -> Surroundings:
        """A run with the words around it in its story. Blocks. Raises CorpusError if the story's text is gone."""
        found, text = self.places[number], self.stories[number].text
        first = found.place - 1
        start, end = place(text, first, found.words)
        before, _ = place(text, max(0, first - _AROUND), 1)
        _, after = place(text, first + found.words, _AROUND)
        return Surroundings(text[before:start], text[start:end], text[end:after])


@dataclass(frozen=True)
class Learned:
    """The index of what models learned from; None if nothing of it is known. `unknown`: a sentence on what is not.

    `sources`: the stories in the order of the index.
    """

    index: Index | None
    unknown: str = ""
    sources: tuple[Source, ...] = ()

    def look(self, text: str, start: int, end: int) -> PassageCopies:
        """What the told passage at these characters of a text copies; nothing if there is no index.

        A run counts if it has a word of the passage, also if it begins before it.
        """
        if self.index is None:
            return PassageCopies((), (), 0.0, 0)
        cut = next((at for at in range(max(0, start - _BEFORE), start) if _begins(text, at)), start)
        told = [run for run in self.index.stretches(text[cut:end], 1) if cut + run.end > start]
        copied = [run for run in told if run.words >= RUN_OF_WORDS]
        words = [match.start() for match in WORD.finditer(text, start, end)]
        inside = sum(any(cut + run.start <= at < cut + run.end for run in copied) for at in words)
        return PassageCopies(
            tuple(_place_of(run, self.sources[run.story], text, cut) for run in copied),
            tuple(self.sources[run.story].story for run in copied),
            inside / len(words) if words else 0.0,
            max((run.words for run in told), default=0),
        )


def _begins(text: str, at: int) -> bool:
    """Whether no word goes on from before this character."""
    return at == 0 or not text[at - 1].isalnum()


def _place_of(run: Stretch, source: Source, text: str, cut: int) -> CopiedPlace:
    start, end = cut + run.start, cut + run.end
    where = source.collection, source.story.title
    return CopiedPlace(run.words, *where, run.word + 1, text[start:end], start, end)


def find_copies(text: str, sources: Sequence[Source], report: Report | None = None) -> Copies:
    """The runs of at least `RUN_OF_WORDS` words that the text has from the stories, as `Index.stretches` finds them.

    Two runs of different stories may overlap; the share counts each word once. Raises CorpusError.
    """
    index = copied_index([source.story for source in sources], report)
    runs_of_words = index.stretches(text, RUN_OF_WORDS)
    places = (_place_of(run, sources[run.story], text, 0) for run in runs_of_words)
    return Copies(tuple(places), index.share(text, RUN_OF_WORDS))


def sources_in(collections: Sequence[str], report: Report | None = None) -> list[Source]:
    """The stories of collections, given by name, title or path. Raises CorpusError."""
    from storytime_tui.corpus.library.shelf import (
        find_collection,
    )  # loads how books are read; telling needs none

    def progress(done: int, total: int) -> None:
        if report is not None:
            report("reading the stories", done, total)

    found = [find_collection(name, progress) for name in dict.fromkeys(collections)]
    return [Source(collection.name, story) for collection in found for story in collection.stories]


def sources_of(model: str) -> list[Source]:
    """The training stories of a run (or `run/best`), and of the run that it was trained from, if it was.

    Raises RunError, PlanError or CorpusError if there is no such run, or its stories are gone.
    """
    from storytime_tui.jobs import dataset

    sources: list[Source] = []
    name, seen = model.partition("/")[0], set[str]()
    while not seen or (name not in seen and runs.is_run(name) and not is_base_name(name)):
        seen.add(name)
        chosen = dataset.choose_stories(read_plan(runs.run_folder(name) / runs.PLAN))
        whole = sources_in(chosen.plan.collections)
        home = {each.story.facts.digest: each.collection for each in reversed(whole)}
        first = whole[0].collection  # has the halves of a single story, which is cut in two for validation
        sources += [Source(home.get(s.facts.digest, first), s) for s in chosen.split.training]
        name = chosen.plan.base.partition("/")[0]
    return sources


def learned_from(models: Sequence[str], report: Report | None = None) -> Learned:
    """The index of the stories that these models (runs, folders, bases) learned from, as far as they are known.

    An exception raised by `report` ends the work. Raises CorpusError for a full disk.
    """
    sources: list[Source] = []
    unknown = []
    for model in models:
        name, of_run, _ = model.partition("/")
        if not runs.is_run(name) or (not of_run and is_base_name(name)):
            unknown.append(f"Copies cannot be looked for: it is not recorded what {model} learned from.")
            continue
        try:
            sources += sources_of(model)
        except (CorpusError, PlanError, RunError) as error:
            unknown.append(
                f"What {model} learned from cannot be read, so words copied from there are not found: {error}"
            )
    index = copied_index([source.story for source in sources], report) if sources else None
    return Learned(index, " ".join(unknown), tuple(sources))


def copied_index(stories: Sequence[Story], report: Report | None = None) -> Index:
    """The index of these stories. The first call builds it; later calls open it in milliseconds.

    An exception raised by `report` ends the work. Raises CorpusError for a full disk.
    """

    def progress(done: int, total: int) -> None:
        if report is not None:
            report("indexing the stories", done, total)

    return open_index(stories, paths.cache_folder() / "copied", progress)


def is_copied(text: str, index: Index) -> bool:
    """Whether eight consecutive words of the text occur in the stories, or the whole text if it is shorter."""
    return bool(index.stretches(text, min(RUN_OF_WORDS, max(1, len(text.split())))))


def copied_by(model: str, stop: threading.Event) -> Callable[[str], bool]:
    """A function that says whether a text is copied from a run's training stories. `model`: a run, or `run/best`.

    For a base, or a run whose stories are gone, the training stories are unknown, and nothing counts as copied.
    Blocks: call it in a thread. It returns soon after `stop` is set.
    """
    try:
        index = learned_from([model], until(stop)).index
    except (Cancelled, CorpusError):
        index = None
    if index is None:
        return lambda text: False
    return lambda text: is_copied(text, index)


class Cancelled(Exception):
    """The index is no longer needed."""


def until(stop: threading.Event) -> Report:
    """A report that raises `Cancelled` once `stop` is set."""

    def report(words: str, done: int, total: int) -> None:
        if stop.is_set():
            raise Cancelled

    return report
