"""What the app asks of the rest of the program, as plain callables, so that tests can use fakes.

The protocols say only what the screens touch. `real_services` imports the workshop when something is first
asked for: nothing heavy is loaded before the first painted frame.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from storytime_tui.corpus.collection import Collection
from storytime_tui.generation.pieces import Piece, Told
from storytime_tui.generation.settings import SamplerSettings
from storytime_tui.settings import Settings, load_settings, save_settings
from storytime_tui.stories.story import Author, Passage
from storytime_tui.stories.story import Story as WrittenStory
from storytime_tui.training.control import Control
from storytime_tui.training.events import Event, Preparing

if TYPE_CHECKING:  # a plan brings file locks with it, which the first frame need not wait for
    from storytime_tui.training.plan import TrainingPlan

Progress = Callable[[Preparing], None]


class Added(Protocol):
    """What an import came to: the collection, and a sentence for each file that was left out."""

    @property
    def collection(self) -> Collection: ...  # noqa: D102
    @property
    def problems(self) -> Sequence[str]: ...  # noqa: D102


class Unfinished(Protocol):
    """A run of an earlier sitting that has steps left."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def base(self) -> str: ...  # noqa: D102
    @property
    def step(self) -> int: ...  # noqa: D102
    @property
    def total_steps(self) -> int: ...  # noqa: D102


class Choice(Protocol):
    """One model that a story can be written with."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def note(self) -> str: ...  # noqa: D102


class Teller(Protocol):
    """An open model that continues a text."""

    @property
    def name(self) -> str: ...  # noqa: D102

    def tell(self, text: str, settings: SamplerSettings, stop: threading.Event) -> Iterator[Piece | Told]:
        """Continue `text`; the last item is `Told`."""
        ...


class Store(Protocol):
    """Where written stories are kept, as `stories.store` does. Any thread may call it."""

    def new_story(self, title: str) -> WrittenStory: ...  # noqa: D102
    def stories(self) -> Sequence[WrittenStory]: ...  # noqa: D102
    def story(self, story_id: int) -> WrittenStory: ...  # noqa: D102
    def passages(self, story_id: int) -> Sequence[Passage]: ...  # noqa: D102
    def text(self, story_id: int) -> str: ...  # noqa: D102
    def add_passage(  # noqa: D102
        self, story_id: int, author: Author, text: str, model: str = "", settings: str = ""
    ) -> Passage: ...
    def extend_passage(self, passage_id: int, text: str) -> Passage: ...  # noqa: D102
    def undo(self, story_id: int) -> WrittenStory: ...  # noqa: D102
    def redo(self, story_id: int) -> WrittenStory: ...  # noqa: D102
    def rename(self, story_id: int, title: str) -> WrittenStory: ...  # noqa: D102
    def set_draft(self, story_id: int, text: str) -> WrittenStory: ...  # noqa: D102


@dataclass(frozen=True)
class Services:
    """Everything that the screens can ask for. All but `estimate_tokens` and `clock` may block."""

    shelf: Callable[[], tuple[Collection, ...]]
    add_collection: Callable[[Sequence[Path], str | None], Added]
    estimate_tokens: Callable[[int, str], int]
    learn: Callable[[TrainingPlan, Control, str | None], Iterator[Event]]
    resume: Callable[[str, Control], Iterator[Event]]
    model_choices: Callable[[], Sequence[Choice]]
    open_teller: Callable[[str, Progress | None], Teller]
    open_store: Callable[[], Store]
    clock: Callable[[], float] = time.monotonic
    unfinished_run: Callable[[], Unfinished | None] = lambda: None
    history: Callable[[str], Iterator[Event]] = lambda run: iter(())
    load_settings: Callable[[], Settings] = Settings
    keep_settings: Callable[[Settings], None] = lambda settings: None


def real_services() -> Services:
    """The workshop and the story store of this machine."""
    return Services(
        shelf=_shelf,
        add_collection=_add_collection,
        estimate_tokens=_estimate_tokens,
        learn=_learn,
        resume=_resume,
        model_choices=_model_choices,
        open_teller=_open_teller,
        open_store=_open_store,
        unfinished_run=_unfinished_run,
        history=_history,
        load_settings=load_settings,
        keep_settings=save_settings,
    )


def _shelf() -> tuple[Collection, ...]:
    from storytime_tui.workshop import shelves

    return shelves.shelf()


def _add_collection(paths: Sequence[Path], name: str | None) -> Added:
    from storytime_tui.workshop import shelves

    return shelves.add(paths, name)


def _estimate_tokens(words: int, base: str) -> int:
    from storytime_tui.workshop import shelves

    return shelves.estimate_tokens(words, base)


def _learn(plan: TrainingPlan, control: Control, run: str | None) -> Iterator[Event]:
    from storytime_tui.workshop import learning

    return learning.learn(plan, control, run)


def _resume(run: str, control: Control) -> Iterator[Event]:
    from storytime_tui.workshop import learning

    return learning.resume(run, control)


def _unfinished_run() -> Unfinished | None:
    from storytime_tui.workshop import records

    return records.unfinished_run()


def _history(run: str) -> Iterator[Event]:
    from storytime_tui.workshop import records

    return records.history_of(run)


def _model_choices() -> Sequence[Choice]:
    from storytime_tui.workshop import telling

    return telling.choices()


def _open_teller(name: str, on_progress: Progress | None) -> Teller:
    from storytime_tui.workshop import telling

    return telling.open_teller(name, on_progress)


def _open_store() -> Store:
    from storytime_tui import paths
    from storytime_tui.stories.store import StoryStore

    return StoryStore(paths.stories_file())
