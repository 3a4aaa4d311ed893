"""What the screens share during a sitting: the shelf and its ticks, preferences, and the two sessions.

Owned by the app and handed to each screen. The signals say what changed; whoever shows it subscribes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual.dom import DOMNode
from textual.signal import Signal

from storytime_tui.corpus.collection import Collection, Story
from storytime_tui.generation.sampling.presets import preset_of
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.tui.bridge import Post
from storytime_tui.tui.messages import SettingsNotKept, StoreSaid, TellingSaid
from storytime_tui.tui.preferences import KEPT, Preferences
from storytime_tui.tui.shelf_memory import ShelfMemory
from storytime_tui.tui.store_thread import StoreThread
from storytime_tui.tui.ticks import Key, Ticks
from storytime_tui.tui.training_session import RunView, TrainingSession
from storytime_tui.tui.writing_session import Stage, Writer, WritingSession

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.memory import Room
    from storytime_tui.jobs.shelves import Copy
    from storytime_tui.training.plan import TrainingPlan
    from storytime_tui.tui.services import Services


class Desk:
    """The state of one sitting. Touched on the event loop only."""

    def __init__(self, services: Services, owner: DOMNode, post: Post) -> None:
        self.services = services
        self._post = post
        self.collections: tuple[Collection, ...] = ()
        self.ticks = Ticks()
        self.copies: Mapping[Key, Copy] = {}  # the stories that are told elsewhere on the shelf, too
        self.preferences = Preferences(services.load_settings, services.keep_settings)
        self.shelf_memory = ShelfMemory(services.keep_shelf, lambda sentence: post(SettingsNotKept(sentence)))
        self.base = self.preferences.now.base
        self.shelf_changed: Signal[None] = Signal(owner, "shelf")
        self.run_changed: Signal[RunView] = Signal(owner, "run")
        self.writer_changed: Signal[Writer] = Signal(owner, "writer")
        self.told: Signal[TellingSaid] = Signal(owner, "told")
        self.store_said: Signal[str] = Signal(owner, "store")
        self.leaving: Signal[None] = Signal(owner, "leaving")
        self.keeper = StoreThread(services.open_store, lambda sentence: post(StoreSaid(sentence)))
        self.training = TrainingSession(
            services,
            post,
            titles=lambda: {collection.name: collection.title for collection in self.collections},
            changed=self.run_changed.publish,
            checkpoint_came=lambda: self.writing.checkpoint_came(),
        )
        self.writing = WritingSession(
            services,
            post,
            self.keeper,
            self.training,
            changed=self.writer_changed.publish,
            told=self.told.publish,
        )

    def prefer(self, **values: object) -> None:
        """Keep preferences for the next sittings."""
        self.preferences.change(lambda sentence: self._post(SettingsNotKept(sentence)), **values)

    def prefer_sampler(self, chosen: SamplerSettings) -> None:
        """Tell like this in the next sittings, too; a seed is for one telling."""
        kept = {name: getattr(chosen, name) for name in KEPT}
        self.prefer(preset=preset_of(chosen) or self.preferences.now.preset, **kept)

    def set_ticks(self, ticks: Ticks) -> None:
        """Tick other stories."""
        self.ticks = ticks
        self.shelf_changed.publish(None)

    def tokens_of(self, stories: Sequence[Story]) -> int:
        """About how many tokens the stories are for the chosen base: as `Services.estimate` has it, but at once."""
        text = self.services.estimate_tokens(sum(story.facts.bytes for story in stories), self.base)
        return text + len(stories)  # each ends with an end-of-text

    def room(self, plan: TrainingPlan | None) -> Room | None:
        """What learning the ticked stories by this plan (or the usual one) takes of memory, where that can be said."""
        stories = [story for _, story in self.ticks.stories(self.collections)]
        return self.services.room_for(stories, self.base, plan)

    @property
    def busy(self) -> bool:
        """Whether leaving now would lose something: a run that has begun, words that still come or are not kept yet."""
        learns = self.training.control is not None and self.training.view.started is not None
        return learns or self.writing.now.stage is Stage.TELLING or self.keeper.waiting
