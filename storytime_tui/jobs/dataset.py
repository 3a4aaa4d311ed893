"""From chosen stories to the two token streams that a run learns from and is judged by. Loads no torch."""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from storytime_tui import paths
from storytime_tui.corpus.collection import Collection, Story, story_key
from storytime_tui.corpus.headers import header_before, shelf_line, voice_of
from storytime_tui.corpus.library.shelf import find_collection
from storytime_tui.corpus.names import is_numbered
from storytime_tui.corpus.parts import with_line
from storytime_tui.corpus.splitting import Split, split_stories
from storytime_tui.corpus.tokens import Encoder, TokenFile, open_tokens, token_frequency_loss
from storytime_tui.errors import CorpusError, PlanError
from storytime_tui.jobs.voice import Shelf, shelves_of
from storytime_tui.reporting import Report
from storytime_tui.training.dataset import Dataset
from storytime_tui.training.plan import TrainingPlan, repeats_of


@dataclass(frozen=True)
class ChosenStories:
    """The stories of a plan, split, and the plan with them written out by name.

    `reading`: what one epoch reads, the training stories as the plan's `repeats`, `shelf_lines` and `headers` have
    them; `asked`: the validation stories, likewise behind their shelf's line. `shelves`: both halves as
    they are, by the collection that they are from.
    """

    plan: TrainingPlan
    split: Split
    reading: tuple[Story, ...]
    asked: tuple[Story, ...]
    shelves: tuple[Shelf, ...] = ()


@dataclass(frozen=True)
class Streams:
    """The tokenised halves; `fingerprint` says whether a later sitting has the same ones."""

    training: TokenFile
    validation: TokenFile
    fingerprint: str


def choose_stories(plan: TrainingPlan, report: Report = lambda words, done, total: None) -> ChosenStories:
    """Find the plan's stories and split them. Raises CorpusError or PlanError naming what is missing.

    The plan that comes back names every story, and folders by their whole path: the run means the same
    texts tomorrow, from any folder, and when the collection has grown.
    """
    if not plan.collections:
        raise PlanError(
            "No collection is chosen: name at least one (`storytime-tui corpus list` shows them)."
        )

    def progress(done: int, total: int) -> None:
        report("reading the stories", done, total)

    collections = [find_collection(name, progress) for name in plan.collections]
    picked = _picked(collections, plan.stories)
    split = split_stories([story for _, story in picked], plan.validation_fraction, plan.seed)
    if not split.training or not split.validation:
        raise CorpusError(
            "The chosen stories are too little to learn from: one part must be set aside to measure by. "
            "Pick a second story, or a longer one."
        )
    names = tuple(_lasting_name(name) for name in plan.collections)
    voices = plan.voices or tuple(voice_of(collection.title) for collection in collections)
    plan = replace(
        plan,
        collections=names,
        stories=tuple(key for key, _ in picked),
        voices=voices if plan.shelf_lines else (),
    )
    shelves = _Shelves(collections, plan.voices)
    reading = _reading(split.training, plan, shelves)
    asked = tuple(part for story in split.validation for part in shelves.behind_line(story))
    return ChosenStories(plan, split, reading, asked, shelves_of(collections, split))


def _picked(collections: Sequence[Collection], wanted: tuple[str, ...]) -> list[tuple[str, Story]]:
    everything = [
        (story_key(collection, story), story) for collection in collections for story in collection.stories
    ]
    if not wanted:
        return everything
    there = {key for key, _ in everything}
    missing = [key for key in wanted if key not in there]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise CorpusError(f"The story {missing[0]!r}{more} is not in the chosen collections: pick again.")
    keys = set(wanted)
    return [(key, story) for key, story in everything if key in keys]


class _Shelves:
    """Which collection each story is from. By its text: a single story was cut in two, and then there is one alone."""

    def __init__(self, collections: Sequence[Collection], voices: Sequence[str]) -> None:
        self.names = [collection.name for collection in collections]
        self._voices = dict(zip(self.names, voices, strict=False))
        self._home = {
            story.facts.digest: each.name for each in reversed(collections) for story in each.stories
        }

    def name(self, story: Story) -> str:
        """The name of the collection that a story stands in."""
        return self._home.get(story.facts.digest, self.names[0])

    def line(self, story: Story) -> str:
        """Its shelf's line; "" where there are none."""
        return shelf_line(self._voices.get(self.name(story), ""))

    def behind_line(self, story: Story) -> list[Story]:
        """The story as it is read behind its shelf's line, in parts; as it is where there are no lines."""
        line = self.line(story)
        return with_line(story, line) if line else [story]


def behind_lines(
    stories: Iterable[Story], collections: Sequence[Collection], known: Sequence[str]
) -> list[Story]:
    """Stories of collections as a model reads them that knows these voices: behind their lines, in parts."""
    voices = [voice_of(collection.title) for collection in collections]
    shelves = _Shelves(collections, [voice if voice in known else "" for voice in voices])
    return [part for story in stories for part in shelves.behind_line(story)]


def _reading(training: Sequence[Story], plan: TrainingPlan, shelves: _Shelves) -> tuple[Story, ...]:
    """The training stories, each as often as its collection is read in an epoch, with their headers.

    A story read twice is there twice: with and without a title, say, where its number in the seed differs.
    Raises PlanError for a collection that was not chosen, or where too little is left.
    """
    times = repeats_of(plan)
    unknown = times.keys() - set(shelves.names)
    if unknown:
        raise PlanError(
            f"repeats names {min(unknown)}, but the chosen collections are {', '.join(shelves.names)}."
        )
    if not times and not plan.headers and not plan.voices:
        return tuple(training)
    read: list[Story] = []
    for story in training:
        wanted = times.get(shelves.name(story), 1.0)
        for time in range(math.ceil(wanted)):
            if time + _rank(story, plan.seed) < wanted:
                read += _with_header(story, plan, time, shelves.line(story))
    if not read:
        raise PlanError("repeats leaves no story to learn from: set higher numbers.")
    return tuple(read)


def _rank(story: Story, seed: int) -> float:
    """A number in [0, 1) that is the story's own, whatever the others are."""
    digest = hashlib.sha256(f"repeats {seed}\n{story.facts.digest}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


def _with_header(story: Story, plan: TrainingPlan, time: int, line: str) -> list[Story]:
    header = ""
    if plan.headers:
        title = "" if is_numbered(story.title, story.file) else story.title
        header = header_before(title, story.text, share=plan.headers, seed=plan.seed + time)
    if line:
        return with_line(story, line, header.rstrip("\n") + "\n" if header else "")
    # runs of the time before there were shelf lines learned their other headers with the text
    return [replace(story, content=header + story.text, chapters=(), known=None) if header else story]


def _lasting_name(name: str) -> str:
    path = paths.expanded(name)
    return str(path.resolve()) if path.exists() else name


def tokenise(chosen: ChosenStories, encoder: Encoder, report: Report) -> Streams:
    """The token streams of both halves, from the cache where they were made before."""

    def progress(done: int, total: int) -> None:
        report("turning the stories into tokens", done, total)

    progress(0, 0)
    folder = paths.cache_folder() / "tokens"
    training = open_tokens(chosen.reading, encoder, folder, progress)
    validation = open_tokens(chosen.asked, encoder, folder, progress)
    digest = hashlib.sha256(f"{training.digest} {validation.digest}".encode())
    return Streams(training, validation, digest.hexdigest())


def lesson_of(split: Split, streams: Streams, vocabulary_size: int) -> Dataset:
    """What the trainer is told of both halves."""
    training, validation = streams.training, streams.validation
    return Dataset(
        training_ids=training.ids,
        validation_ids=validation.ids,
        validation_bytes=validation.text_bytes,
        stories=len(split.training),
        validation_stories=len(split.validation),
        copies=len(split.copies),
        token_frequency_loss=token_frequency_loss(training, validation, vocabulary_size),
        fingerprint=streams.fingerprint,
        training_skipped=training.skipped,
        validation_skipped=validation.skipped,
    )
