"""From chosen stories to a run's token streams for training and validation. Loads no torch."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from storytime_tui import paths
from storytime_tui.corpus.collection import Collection, Story, story_key
from storytime_tui.corpus.headers import voice_of
from storytime_tui.corpus.lazy import joined, picked
from storytime_tui.corpus.library.shelf import find_collection
from storytime_tui.corpus.splitting import Split, split_stories
from storytime_tui.corpus.tokens import Encoder, TokenFile, open_tokens, token_frequency_loss
from storytime_tui.errors import CorpusError, PlanError
from storytime_tui.jobs.epoch import Epoch, Homes, epoch_of, with_lines
from storytime_tui.jobs.voice import Shelf, shelves_of
from storytime_tui.reporting import Report
from storytime_tui.training.dataset import Dataset
from storytime_tui.training.plan import TrainingPlan


@dataclass(frozen=True)
class ChosenStories:
    """A plan's stories, split, and the plan with every story listed by name.

    `training`: the stories of one epoch, with the plan's `repeats`, `shelf_lines` and `headers` applied. `validation`:
    the validation stories with their shelf's line. `shelves`: both halves without lines, grouped by collection.
    """

    plan: TrainingPlan
    split: Split
    training: Epoch
    validation: Epoch
    shelves: tuple[Shelf, ...] = ()


@dataclass(frozen=True)
class Streams:
    """The token files of both halves; a resumed run must find the same `fingerprint`."""

    training: TokenFile
    validation: TokenFile
    fingerprint: str


def choose_stories(plan: TrainingPlan, report: Report = lambda words, done, total: None) -> ChosenStories:
    """Find the plan's stories and split them. Raises CorpusError or PlanError that names what is missing.

    The returned plan lists every story, and folders by their absolute path. So a resumed run has the same texts, from
    any working folder and after stories were added to the collection.
    """
    if not plan.collections:
        raise PlanError(
            "No collection is chosen: name at least one (`storytime-tui corpus list` shows them)."
        )

    def progress(done: int, total: int) -> None:
        report("reading the stories", done, total)

    collections = [find_collection(name, progress) for name in plan.collections]
    keys, stories = _picked(collections, plan.stories)
    split = split_stories(stories, plan.validation_fraction, plan.seed)
    if not split.training or not split.validation:
        raise CorpusError(
            "The chosen text is too short to train on: a part of it must be set aside for validation. "
            "Pick a second story, or a longer one."
        )
    names = tuple(map(_absolute_name, plan.collections, collections))
    voices = plan.voices or tuple(voice_of(collection.title) for collection in collections)
    plan = replace(
        plan,
        collections=names,
        stories=keys,
        voices=voices if plan.shelf_lines else (),
    )
    homes = Homes(collections, plan.voices)
    training, validation = epoch_of(split.training, plan, homes), with_lines(split.validation, homes)
    return ChosenStories(plan, split, training, validation, shelves_of(collections, split))


def _picked(
    collections: Sequence[Collection], keys: tuple[str, ...]
) -> tuple[tuple[str, ...], Sequence[Story]]:
    """The stories with these keys, or all without any; and the key of each."""
    stories = joined([collection.stories for collection in collections])
    every = tuple(story_key(collection, story) for collection in collections for story in collection.stories)
    if not keys:
        return every, stories
    existing = set(every)
    missing = [key for key in keys if key not in existing]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise CorpusError(f"The story {missing[0]!r}{more} is not in the chosen collections: pick again.")
    chosen = set(keys)
    places = [place for place, key in enumerate(every) if key in chosen]
    return tuple(every[place] for place in places), picked(stories, places)


def with_shelf_lines(
    stories: Sequence[Story], collections: Sequence[Collection], known: Sequence[str]
) -> Epoch:
    """Stories in parts, each with its shelf's line if the model knows that voice (`known`)."""
    voices = [voice_of(collection.title) for collection in collections]
    return with_lines(stories, Homes(collections, [voice if voice in known else "" for voice in voices]))


def _absolute_name(name: str, collection: Collection) -> str:
    """The absolute path of a collection that was found at a path; else its name, also where a folder is called so."""
    path = paths.expanded(name)
    folder = path.parent if path.is_file() else path
    if path.exists() and collection.folder is not None and folder.resolve() == collection.folder.resolve():
        return str(path.resolve())
    return name


def tokenise(chosen: ChosenStories, encoder: Encoder, report: Report) -> Streams:
    """The token streams of both halves, from the cache if they are there."""

    def progress(done: int, total: int) -> None:
        report("turning the stories into tokens", done, total)

    progress(0, 0)
    folder = paths.cache_folder() / "tokens"
    training = open_tokens(chosen.training, encoder, folder, progress)
    validation = open_tokens(chosen.validation, encoder, folder, progress)
    digest = hashlib.sha256(f"{training.digest} {validation.digest}".encode())
    return Streams(training, validation, digest.hexdigest())


def trainer_dataset(split: Split, streams: Streams, vocabulary_size: int) -> Dataset:
    """The trainer's `Dataset` of both halves."""
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
