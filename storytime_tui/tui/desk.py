"""The state that the screens share: the shelf and its ticks, preferences, and the two sessions.

The app owns it and passes it to each screen. Its signals say what changed; screens subscribe to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from textual.dom import DOMNode
from textual.signal import Signal

from storytime_tui.corpus.collection import Collection, Story
from storytime_tui.generation.sampling.presets import preset_of
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.tui.bookshelf_state import BookshelfState
from storytime_tui.tui.bridge import Post
from storytime_tui.tui.messages import Asked, SettingsNotSaved, StoreNotice, TellingEnded, TellingMessage
from storytime_tui.tui.preferences import SAVED, Preferences
from storytime_tui.tui.run_view import RunView
from storytime_tui.tui.shelf_memory import ShelfMemory
from storytime_tui.tui.store_thread import StoreThread
from storytime_tui.tui.ticks import Key, Ticks
from storytime_tui.tui.tour import Tour
from storytime_tui.tui.training_session import TrainingSession
from storytime_tui.tui.watching import Watching
from storytime_tui.tui.writing_session import Stage, Writer, WritingSession

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.memory import Room
    from storytime_tui.jobs.shelves import Copy
    from storytime_tui.training.plan import TrainingPlan
    from storytime_tui.tui.services import Services


class Desk:
    """The app's shared state. Used on the event loop only."""

    def __init__(self, services: Services, owner: DOMNode, post: Post) -> None:
        self.services = services
        self._post = post
        self.collections: tuple[Collection, ...] = ()
        self.ticks = Ticks()
        self.copies: Mapping[Key, Copy] = {}  # duplicates of other stories on the shelf
        self.preferences = Preferences(services.load_settings, services.save_settings)
        self.sampler = self.preferences.sampler()  # how stories are told now
        self.settings_changed: Signal[None] = Signal(owner, "settings")
        self.shelf_memory = ShelfMemory(
            services.save_shelf, lambda sentence: post(SettingsNotSaved(sentence))
        )
        self.base = self.preferences.now.base
        self.back = ""  # the mode that Escape returns to: where the user came from with a run
        self.bookshelf = BookshelfState()
        self.shelf_changed: Signal[None] = Signal(owner, "shelf")
        self.collections_changed: Signal[None] = Signal(
            owner, "collections"
        )  # on the disk, by another screen
        self.run_changed: Signal[RunView] = Signal(owner, "run")
        self.writer_changed: Signal[Writer] = Signal(owner, "writer")
        self.told: Signal[TellingMessage] = Signal(owner, "told")
        self.store_notice: Signal[str] = Signal(owner, "store")
        self.leaving: Signal[None] = Signal(owner, "leaving")
        self.store_thread = StoreThread(services.open_store, lambda sentence: post(StoreNotice(sentence)))
        self.training = TrainingSession(
            services,
            post,
            titles=lambda: {collection.name: collection.title for collection in self.collections},
            changed=self._run_changed,
        )
        self.tour = Tour(
            self.preferences.now.tour, lambda step: self.prefer(tour=step), Signal(owner, "tour")
        )
        self.run_said: Signal[str] = Signal(owner, "run-said")
        self.run_lost: Signal[str] = Signal(owner, "run-lost")
        self.watching = Watching(
            services,
            post,
            self.training,
            lambda: {collection.name: collection.title for collection in self.collections},
            said=self.run_said.publish,
            lost=self.run_lost.publish,
        )
        as_preferred = partial(services.open_teller, wanted=self.preferences.computing)
        self.writing = WritingSession(
            replace(services, open_teller=as_preferred),
            post,
            self.store_thread,
            self.training,
            changed=self.writer_changed.publish,
            told=self._told,
        )

    async def look_back(self) -> None:
        """Load the last run, and begin the tour for somebody who has none. Raises what reading it raises."""
        await self.training.load_last_run()
        self.tour.start(is_new=self.training.last is None)

    def _told(self, message: TellingMessage) -> None:
        self.told.publish(message)
        if isinstance(message, TellingEnded) and message.passage is not None:
            self.tour.has_told(self.training.view if self.writing.now.in_training else None)

    def _run_changed(self, view: RunView) -> None:
        self.tour.run_changed(view)
        self.run_changed.publish(view)
        self.writing.run_changed()

    def steer(self, asked: Asked) -> None:
        """Ask the displayed run for something, whether this app trains it or another process does."""
        control = self.training.control
        if control is None:
            self.watching.ask(asked)
        elif asked == "stop":
            self.training.stop()
        elif asked == "pause":
            control.pause()
        elif asked == "resume":
            control.resume()
        else:
            self.training.ask(asked)

    def prefer(self, **values: object) -> None:
        """Save preferences for the next start."""
        self.preferences.change(lambda sentence: self._post(SettingsNotSaved(sentence)), **values)

    def set_sampler(self, chosen: SamplerSettings, preset: str | None = None) -> None:
        """Change how stories are told, and save it for the next start, without the seed."""
        self.sampler = chosen
        kept = {name: getattr(chosen, name) for name in SAVED}
        self.prefer(preset=preset or preset_of(chosen) or self.preferences.now.preset, **kept)
        self.settings_changed.publish(None)

    def set_ticks(self, ticks: Ticks) -> None:
        """Change the ticked stories."""
        self.ticks = ticks
        self.shelf_changed.publish(None)

    def tokens_of(self, stories: Sequence[Story]) -> int:
        """Estimate the stories' tokens for the chosen base, like `Services.estimate`, but without blocking."""
        text = self.services.estimate_tokens(sum(story.facts.bytes for story in stories), self.base)
        return text + len(stories)  # each story ends with an end-of-text token

    def room(self, plan: TrainingPlan | None) -> Room | None:
        """Estimate the memory for training on the ticked stories with this plan (None: the default plan), if known."""
        stories = [story for _, story in self.ticks.stories(self.collections)]
        return self.services.room_for(stories, self.base, plan)

    @property
    def busy(self) -> bool:
        """Whether quitting now would lose something: a started run, words being told, or unsaved writes."""
        is_training = self.training.control is not None and self.training.view.started is not None
        return is_training or self.writing.now.stage is Stage.TELLING or self.store_thread.waiting
