"""What the screens share during a sitting: the shelf and its ticks, the run in hand, the model to tell with.

Plain state, owned by the app and handed to each screen. The signals say what changed; whoever shows it
subscribes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from textual.dom import DOMNode
from textual.signal import Signal

from storytime_tui.corpus.collection import Collection, Story
from storytime_tui.errors import StorytimeError
from storytime_tui.generation.sampling.presets import preset_of
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.voice import Voice, known, said
from storytime_tui.models.catalogue import STARTER, bases, has_starter
from storytime_tui.stories.story import Passage
from storytime_tui.training.events import Started
from storytime_tui.tui.bridge import (
    LearningThread,
    Openings,
    Passages,
    Post,
    Telling,
    TellingThread,
    in_thread,
)
from storytime_tui.tui.manuscript import last_story, strength_with, told_as, told_with
from storytime_tui.tui.messages import SettingsNotKept, StoreSaid, TellerReady, TellingEnded, TellingMessage
from storytime_tui.tui.preferences import KEPT, Preferences
from storytime_tui.tui.run_view import RunView, view_of
from storytime_tui.tui.services import Choice, Copy, Room, Services, Store
from storytime_tui.tui.shelf_memory import ShelfMemory
from storytime_tui.tui.store_thread import StoreThread
from storytime_tui.tui.ticks import Key, Ticks
from storytime_tui.tui.wording import lesson

if TYPE_CHECKING:  # see services
    from storytime_tui.training.plan import TrainingPlan

Result = TypeVar("Result")


NO_VOICE = "no voice"


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
        self.view = RunView()
        self.last: RunView | None = None  # the run to go back to from the plan
        self._looked_back = False  # whether it was sought on the disk
        self.model = ""  # the name of the model that stories are written with
        self.awaited = ""  # the run whose checkpoint is being saved to write with
        self.checkpoint_is_new = False  # it came: the model is to be opened
        self.fresh_page = False  # the next show of Story begins a new page
        self.known_models: Sequence[Choice] = ()  # as they were when they were last looked for
        self.model_state = ""  # a word on it for the header: "opening…"
        self.strength: float | None = None  # that was chosen for it; None is its usual one
        self._awake: tuple[str, float | None] = ("", None)  # what told last, or could have
        self.device = ""  # what it runs on, once it is open
        self.open_at: float | None = None  # the strength that it has then
        self.voices: tuple[str, ...] = ()  # that it knows, once it is open
        self.voice: Voice | None = None  # that was chosen; None for what a model usually uses
        self._taken_up: Sequence[Passage] = ()  # of the story that was opened last
        self._chosen_ahead = (
            False  # nobody has seen the model yet: a run that is learned first may still be it
        )
        self.learning = LearningThread(post)
        self.telling = TellingThread(post, services.open_teller, services.clock, copied_by=services.copied_by)
        self.keeper = StoreThread(services.open_store, lambda sentence: post(StoreSaid(sentence)))
        self.telling_number = 0  # of the telling in hand, or the last one
        self._telling_text = False
        self.shelf_changed: Signal[None] = Signal(owner, "shelf")
        self.run_changed: Signal[None] = Signal(owner, "run")
        self.model_changed: Signal[None] = Signal(owner, "model")
        self.told: Signal[TellingMessage] = Signal(owner, "told")
        self.store_said: Signal[str] = Signal(owner, "store")
        self.leaving: Signal[None] = Signal(owner, "leaving")

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

    def start_run(self, plan: TrainingPlan, run: str | None, learns_from: str) -> None:
        """Begin to learn; no run may be in hand."""
        self.view = RunView(phase="preparing", words="Making ready…", learns_from=learns_from)
        self.learning.start(lambda control: self.services.learn(plan, control, run), self.view.curve)
        self.run_changed.publish(None)

    async def look_back(self) -> None:
        """Show the run of an earlier sitting again, where none is in hand yet. Raises what reading it may raise."""
        if self._looked_back:
            return
        self._looked_back = True
        try:
            told = await in_thread(self._earlier)
        except Exception:
            self._looked_back = False  # whoever asks next is told, too
            raise
        if told is None or self.last is not None:
            return
        self.last = told
        if self.view.phase == "idle" and not self.view.error:
            self.show_last()

    def _earlier(self) -> RunView | None:
        """In a thread: the last run's journal, folded."""
        last = self.services.last_run()
        return view_of(last.name, last.said) if last is not None else None

    def show_last(self) -> None:
        """Look at the last run again; no run may be in hand."""
        if self.last is not None:
            self.view = self.last
            if self.view.started is not None and not self.view.learns_from:
                self.view.learns_from = self._lesson_of(self.view.started)
            self.run_changed.publish(None)

    def _lesson_of(self, started: Started) -> str:
        titles = {collection.name: collection.title for collection in self.collections}
        stories = started.stories + started.validation_stories + started.copies
        named = lesson([titles.get(name, name) for name in started.collections], stories)
        return f"{started.base} → {named}"

    def resume_run(self, more_epochs: float | None = None) -> None:
        """Go on with the run that was stopped, or give an ended one more; what was seen of it stays."""
        view, run = self.view, self.view.run
        view.earlier = False
        view.phase, view.words, view.error, view.finished = "preparing", "Making ready…", "", None
        view.first_step = view.done
        self.learning.start(lambda control: self.services.resume(run, control, more_epochs), view.curve)
        self.run_changed.publish(None)

    def clear_run(self) -> None:
        """Back to the plan; no run may be in hand."""
        if self.view.run:
            self.last = self.view
        self.view = RunView()
        self.run_changed.publish(None)

    def stop_run(self) -> None:
        """Ask the run to save and end."""
        if self.learning.control is not None:
            self.learning.control.stop()
            self.view.stop_asked()
            self.run_changed.publish(None)

    async def from_store(self, read: Callable[[Store], Result]) -> Result:
        """Read something of the written stories, in a thread. Raises StoryError."""
        return await in_thread(lambda: read(self.keeper.store()))

    async def find_model(self, told_with: str) -> None:
        """Choose what to write with, unless something is chosen: what the story was told with, else the newest run,
        else the starter. Raises StorytimeError."""
        if self.model and not self._chosen_ahead:
            return
        names = [choice.name for choice in await in_thread(self.look_for_models)]
        if names and (not self.model or self._chosen_ahead):
            self._chosen_ahead = False
            name = told_with if told_with in names else names[0]
            if name != self.model:
                self.choose_model(name)
        self._take_up_strength()

    def look_for_models(self) -> Sequence[Choice]:
        """What there is to write with. Blocks: call it in a thread. Raises StorytimeError."""
        self.known_models = found = self.services.model_choices()
        return found

    async def wake_starter(self) -> None:
        """Open the starter, where it is what stories would be written with: the first word then comes at once.

        Not other models: they may be large, and the first visit to Story opens them.
        """
        if self.view.busy or self.model or not has_starter():
            return
        with contextlib.suppress(StorytimeError):  # who goes to Story is told
            last = await self.from_store(last_story)
            opened = await self.from_store(lambda store: store.passages(last.id)) if last else ()
            await self.find_model(told_with(opened))
            self._chosen_ahead = bool(self.model)
            if self.model == STARTER and not self.telling_number and not self.view.busy:
                self.open_model()

    def tell(self, story: int, text: str, settings: SamplerSettings) -> None:
        """Continue a story; its messages come with a new number.

        Without a seed of one's own there is another for each telling, so that trying again tells something else.
        """
        settings = dataclasses.replace(settings, seed=settings.seed or random.randrange(1, 2**31))
        self._begin(Passages(self.keeper, story, text, settings, self.voice))

    def tell_openings(self, settings: SamplerSettings, wanted: int, known: Sequence[str]) -> None:
        """Tell ways to begin a story; its messages come with a new number, and nothing is kept."""
        self._begin(Openings(settings, wanted, tuple(known), self.voice))

    def open_model(self, state: str = "") -> None:
        """Open the chosen model, so that the first word comes soon; `state` is said meanwhile."""
        if state:
            self.say_model(state)
        self._begin(None)

    def open_ahead(self) -> str:
        """Open it before the first line, unless that would slow a run down; a sentence where it is fetched first."""
        if any(base.download and base.name == self.model for base in bases()):
            return f"{self.model} is fetched with your first Enter, if it is not here yet"
        if not self.view.busy:
            self.open_model("opening…")
        return ""

    def _begin(self, wish: Passages | Openings | None) -> None:
        self.telling_number += 1
        self._telling_text = False
        self.telling.begin(Telling(self.telling_number, self.model, wish, self.strength))

    def telling_said(self, message: TellingMessage) -> None:
        """Pass on what the telling in hand says; what an earlier one still had to say is dropped."""
        if message.number != self.telling_number:
            return
        if isinstance(message, TellerReady):
            self._awake = message.model, message.strength
            # by now another may be chosen
            if message.model == self.model and self.strength in (None, message.strength):
                self.device, self.voices, self.open_at = message.device, message.voices, message.strength
            self.model_changed.publish(None)
        elif isinstance(message, TellingEnded) and message.failure and not self._telling_text:
            # that another, or another strength, cannot be opened is no reason to be without one
            model, strength = self._awake
            if model:
                self.choose_model(model)
            self.choose_strength(strength)
        if isinstance(message, TellerReady | TellingEnded):
            self._telling_text = isinstance(message, TellerReady)
        self.told.publish(message)

    def choose_model(self, name: str) -> None:
        """Write with this model from now on; a run that learns is opened anew, since it knows more by now."""
        if name != self.model and name == self.view.run and self.view.busy:
            self.telling.forget(name)
        if name != self.model:
            self.device, self.voices, self.strength, self.open_at = "", (), None, None
        self._chosen_ahead = False
        self.model, self.model_state = name, ""
        self.model_changed.publish(None)

    def go_on_with(self, model: str) -> None:
        """Choose a model, and open it."""
        self.choose_model(model)
        self.open_model("opening…")

    def go_on_at(self, strength: float | None) -> None:
        """Choose a strength, and open the model at it."""
        self.choose_strength(strength)
        self.open_model("opening…")

    def choose_strength(self, strength: float | None) -> None:
        """Write at this strength from now on; None is the model's usual one."""
        if strength != self.strength:
            self.strength, self.open_at = strength, None
            self.voices = ()  # at strength 0 it is the base, which knows others
            self.model_changed.publish(None)

    def take_up(self, passages: Sequence[Passage]) -> bool:
        """Go on with a story as it was told last, in its voice and, if this model told it, at its strength.

        Whether that is another strength than now. The model may be found later: then it is that one's strength.
        """
        self._taken_up = passages
        self.choose_voice(told_as(passages))
        return self._take_up_strength()

    def _take_up_strength(self) -> bool:
        strength = strength_with(self._taken_up, self.model)
        if strength is None or strength == self.open_at:
            return False
        self.choose_strength(strength)
        return True

    def say_model(self, state: str) -> None:
        """A word for the header on what the model does before it can write; "" for nothing."""
        self.model_state = state
        self.model_changed.publish(None)

    def choose_voice(self, voice: Voice | None) -> None:
        """Tell in this voice from now on, as far as the model knows it."""
        self.voice = voice
        self.model_changed.publish(None)

    @property
    def voice_said(self) -> str:
        """The voice that is told in now, in words; "" where the model is not open, or knows none."""
        return (said(known(self.voice, self.voices)) or NO_VOICE) if self.voices else ""

    @property
    def busy(self) -> bool:
        """Whether leaving now would lose something: a run that has begun, words that still come or are not kept yet."""
        learning = self.learning.control is not None and self.view.started is not None
        return self._telling_text or self.keeper.waiting or learning

    def await_checkpoint(self) -> None:
        """Write with the run that learns as it is now: as soon as its next step is done and saved."""
        if self.learning.control is not None:
            self.learning.control.checkpoint()
            self.awaited = self.view.run
            self.fresh_page = True
            self._chosen_ahead = False
            self.model, self.model_state = self.awaited, "saves what it has learned…"
            self.device, self.voices, self.strength, self.open_at = "", (), None, None
            self.model_changed.publish(None)

    def checkpoint_came(self) -> None:
        """What was awaited is saved, or never will be."""
        if self.awaited:
            self.telling.forget(self.awaited)
            self.awaited, self.model_state, self.checkpoint_is_new = "", "", True
            self.model_changed.publish(None)

    def write_with(self, name: str) -> None:
        """Write with this model on a fresh page, opening it anew: a run has newer weights than before."""
        self.telling.forget(name)
        self.fresh_page = True
        self.choose_model(name)
        self.choose_strength(None)
