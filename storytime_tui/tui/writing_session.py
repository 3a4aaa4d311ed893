"""A writing session: the model that stories are told with, its strength and voice, and how far it is with opening.

`Writer` is all of it, as one frozen value with one `Stage`. The functions below it are its transitions.
`WritingSession` holds the writer of now and the thread that tells.
"""

from __future__ import annotations

import contextlib
import dataclasses
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from storytime_tui.errors import StorytimeError
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.voice import Voice, known, said
from storytime_tui.models.catalogue import STARTER, bases, has_starter
from storytime_tui.stories.story import Passage
from storytime_tui.tui.bridge import Openings, Passages, Post, Telling, TellingThread, from_store, in_thread
from storytime_tui.tui.manuscript import last_story, strength_with, told_as, told_with
from storytime_tui.tui.messages import TellerOpening, TellerReady, TellingEnded, TellingSaid
from storytime_tui.tui.store_thread import StoreThread
from storytime_tui.tui.training_session import TrainingSession

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.generate import ModelChoice
    from storytime_tui.tui.services import Services

NO_VOICE = "no voice"


# -- the writer and its stages ------------------------------------------------------------------------------


class Stage(Enum):
    """How far a model is with telling."""

    NO_MODEL = auto()  # none is chosen
    AWAITING_CHECKPOINT = auto()  # the chosen one is a run that learns: it is saved first, then opened
    CHOSEN = auto()  # it is not open: the first line opens it
    OPENING = auto()  # the thread opens it, or finds it open
    TELLING = auto()  # the thread tells; where another is chosen meanwhile, its words still come
    READY = auto()  # it is open, and waits


@dataclass(frozen=True)
class Opened:
    """What is known of a model once it is open: where it runs, at what strength, the shelves that it can tell as."""

    device: str
    strength: float
    voices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Writer:
    """What stories are told with. Where `strength` or `voice` is None, it is the model's usual one."""

    stage: Stage = Stage.NO_MODEL
    model: str = ""
    guessed: bool = False  # nobody has seen it yet: a run that is learned first may still take its place
    strength: float | None = None
    voice: Voice | None = None
    opened: Opened | None = None  # of this model at this strength
    progress: str = ""  # of its opening, in words
    number: int = 0  # of the telling in hand, or of the last one
    fallback: tuple[str, float | None] = ("", None)  # the model and strength that were open last

    @property
    def can_tell(self) -> bool:
        """Whether there is a model that can be asked to tell."""
        return self.stage not in (Stage.NO_MODEL, Stage.AWAITING_CHECKPOINT)

    @property
    def doing(self) -> str:
        """What it does before it can tell, in words; "" for nothing."""
        return "saves what it has learned…" if self.stage is Stage.AWAITING_CHECKPOINT else self.progress

    @property
    def device(self) -> str:
        """What it runs on; "" where it is not open."""
        return self.opened.device if self.opened else ""

    @property
    def voices(self) -> tuple[str, ...]:
        """The shelves that it can tell as; none where it is not open."""
        return self.opened.voices if self.opened else ()

    @property
    def voice_said(self) -> str:
        """The voice that is told in, in words; "" where the model is not open, or knows none."""
        return (said(known(self.voice, self.voices)) or NO_VOICE) if self.voices else ""

    @property
    def told_at(self) -> float | None:
        """The strength that it tells at, as far as that is known."""
        return self.opened.strength if self.opened else self.strength


def choose(writer: Writer, model: str) -> Writer:
    """Write with this model from now on, at its usual strength if it is another one."""
    if model == writer.model:
        return replace(writer, guessed=False)
    other = replace(writer, model=model, guessed=False, strength=None, opened=None, progress="")
    return replace(other, stage=Stage.TELLING if writer.stage is Stage.TELLING else Stage.CHOSEN)


def choose_strength(writer: Writer, strength: float | None) -> Writer:
    """Write at this strength from now on; None is the model's usual one."""
    if strength == writer.strength:
        return writer
    was_open = writer.stage in (Stage.OPENING, Stage.READY)
    stage = Stage.CHOSEN if was_open else writer.stage
    return replace(writer, strength=strength, opened=None, stage=stage)


def await_checkpoint(writer: Writer, run: str) -> Writer:
    """Write with a run that learns, as it is now: as soon as its next step is done and saved."""
    return replace(choose(choose_strength(writer, None), run), stage=Stage.AWAITING_CHECKPOINT, opened=None)


def begin(writer: Writer, progress: str = "") -> Writer:
    """A telling begins, or an opening: what the telling before it still says no longer counts."""
    return replace(writer, stage=Stage.OPENING, number=writer.number + 1, progress=progress)


def writer_after(writer: Writer, heard: TellingSaid) -> Writer:
    """The writer once the thread has said this of its telling."""
    if heard.number != writer.number:
        return writer
    awaiting = writer.stage is Stage.AWAITING_CHECKPOINT
    match heard:
        case TellerOpening():
            return replace(writer, progress=heard.progress)
        case TellerReady():
            # by now another model or strength may be chosen
            is_chosen = heard.model == writer.model and writer.strength in (None, heard.strength)
            found = Opened(heard.device, heard.strength, heard.voices)
            return replace(
                writer,
                stage=writer.stage if awaiting else Stage.TELLING,
                opened=found if is_chosen and not awaiting else writer.opened,
                progress="",
                fallback=(heard.model, heard.strength),
            )
        case TellingEnded():
            if writer.stage is Stage.OPENING and heard.failure:
                return _fallen_back(writer)
            told = Stage.READY if writer.opened else Stage.CHOSEN
            return replace(writer, stage=told if writer.stage is Stage.TELLING else writer.stage, progress="")
    return writer


def _fallen_back(writer: Writer) -> Writer:
    """It cannot be opened, or not at this strength: that is no reason to be without what was open before."""
    model, strength = writer.fallback
    before = choose_strength(choose(writer, model) if model else writer, strength)
    return replace(before, stage=Stage.CHOSEN, opened=None, progress="")


# -- the session --------------------------------------------------------------------------------------------


class WritingSession:
    """The writer of now, and the thread that opens models and tells. Touched on the event loop only."""

    def __init__(
        self,
        services: Services,
        post: Post,
        keeper: StoreThread,
        training: TrainingSession,
        *,
        changed: Callable[[Writer], object],
        told: Callable[[TellingSaid], object],
    ) -> None:
        """`changed` is told of every other writer, `told` of all that the telling in hand says."""
        self._services, self._keeper, self._training = services, keeper, training
        self._changed, self._told = changed, told
        self._thread = TellingThread(
            post, self._hear, services.open_teller, services.clock, copied_by=services.copied_by
        )
        self._opened_story: Sequence[Passage] = ()  # the passages of the story that was opened last
        self.now = Writer()
        self.known_models: Sequence[ModelChoice] = ()  # as they were when they were last looked for
        self.fresh_page = False  # the next show of Story begins a new page

    def _become(self, writer: Writer) -> None:
        if writer != self.now:
            self.now = writer
            self._changed(writer)

    def _hear(self, heard: Sequence[TellingSaid]) -> None:
        for each in heard:
            if each.number == self.now.number:
                self._become(writer_after(self.now, each))
                self._told(each)

    # -- choosing ---------------------------------------------------------------------------------------

    def choose(self, model: str) -> None:
        """Write with this model from now on; a run that learns is opened anew, since it knows more by now."""
        learns = self._training.view
        if model != self.now.model and model == learns.run and learns.busy:
            self._thread.forget(model)
        self._become(choose(self.now, model))

    def choose_strength(self, strength: float | None) -> None:
        """Write at this strength from now on; None is the model's usual one."""
        self._become(choose_strength(self.now, strength))

    def choose_voice(self, voice: Voice | None) -> None:
        """Tell in this voice from now on, as far as the model knows it."""
        self._become(replace(self.now, voice=voice))

    def write_with(self, model: str) -> None:
        """Write with this model on a fresh page, opening it anew: a run has newer weights than before."""
        self._thread.forget(model)
        self.fresh_page = True
        self.choose(model)
        self.choose_strength(None)

    def write_with_learner(self) -> None:
        """Write on a fresh page with the run that learns, as soon as it is saved as it is now."""
        if self._training.control is not None:
            self._training.control.checkpoint()
            self.fresh_page = True
            self._become(await_checkpoint(self.now, self._training.view.run))

    def checkpoint_came(self) -> None:
        """What was awaited is saved, or never will be."""
        if self.now.stage is Stage.AWAITING_CHECKPOINT:
            self._thread.forget(self.now.model)
            self._begin(None, "opening…")

    def take_up(self, passages: Sequence[Passage]) -> bool:
        """Go on with a story as it was told last, in its voice and, if this model told it, at its strength.

        Whether that is another strength than now. The model may be found later: then it is that one's strength.
        """
        self._opened_story = passages
        self.choose_voice(told_as(passages))
        return self._take_up_strength()

    def _take_up_strength(self) -> bool:
        strength = strength_with(self._opened_story, self.now.model)
        if strength is None or (self.now.opened and strength == self.now.opened.strength):
            return False
        self.choose_strength(strength)
        return True

    async def find_model(self, told_with: str) -> None:
        """Choose what to write with, unless something is chosen: what the story was told with, else the newest run,
        else the starter. Raises StorytimeError."""
        if self.now.model and not self.now.guessed:
            return
        names = [choice.name for choice in await in_thread(self.look_for_models)]
        if names and (not self.now.model or self.now.guessed):
            self.choose(told_with if told_with in names else names[0])
        self._take_up_strength()

    def look_for_models(self) -> Sequence[ModelChoice]:
        """What there is to write with. Blocks: call it in a thread. Raises StorytimeError."""
        self.known_models = found = self._services.model_choices()
        return found

    # -- opening and telling ----------------------------------------------------------------------------

    async def wake_starter(self) -> None:
        """Open the starter, where it is what stories would be written with: the first word then comes at once.

        Not other models: they may be large, and the first visit to Story opens them.
        """
        if self._training.view.busy or self.now.model or not has_starter():
            return
        with contextlib.suppress(StorytimeError):  # who goes to Story is told
            last = await from_store(self._keeper, last_story)
            read = from_store(self._keeper, lambda store: store.passages(last.id)) if last else None
            passages = await read if read else ()
            await self.find_model(told_with(passages))
            self._become(replace(self.now, guessed=bool(self.now.model)))
            if self.now.model == STARTER and not self.now.number and not self._training.view.busy:
                self._begin(None)

    def open_ahead(self) -> str:
        """Open it before the first line, unless that would slow a run down; a sentence where it is fetched first."""
        model = self.now.model
        if any(base.download and base.name == model for base in bases()):
            return f"{model} is fetched with your first Enter, if it is not here yet"
        if not self._training.view.busy:
            self.open()
        return ""

    def open(self) -> None:
        """Open the chosen model, so that the first word comes soon; a run that is to be saved first, after that."""
        if self.now.stage is not Stage.AWAITING_CHECKPOINT:
            self._begin(None, "opening…")

    def tell(self, story: int, text: str, settings: SamplerSettings) -> None:
        """Continue a story; what is said of that has a new number.

        Without a seed of one's own there is another for each telling, so that trying again tells something else.
        """
        settings = dataclasses.replace(settings, seed=settings.seed or random.randrange(1, 2**31))
        self._begin(Passages(self._keeper, story, text, settings, self.now.voice))

    def tell_openings(self, settings: SamplerSettings, wanted: int, offered: Sequence[str]) -> int:
        """Tell ways to begin a story, and keep nothing; gives the number of what is said of that."""
        self._begin(Openings(settings, wanted, tuple(offered), self.now.voice))
        return self.now.number

    def stop(self) -> None:
        """End the telling in hand within one token; what was told stays."""
        self._thread.stop()

    def _begin(self, wish: Passages | Openings | None, progress: str = "") -> None:
        self._become(begin(self.now, progress))
        self._thread.begin(Telling(self.now.number, self.now.model, wish, self.now.strength))
