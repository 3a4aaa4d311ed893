"""The writing session: the model that tells, its strength and voice, and whether it is open.

`Writer` is all of that, as one frozen value with one `Stage`. The functions below it are its transitions.
`WritingSession` holds the current writer and the thread that tells.
"""

from __future__ import annotations

import contextlib
import dataclasses
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING

from storytime_tui.errors import StorytimeError
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.voice import Voice, describe, known
from storytime_tui.jobs.told_record import is_at_a_path, last_model, last_strength, last_voice
from storytime_tui.models.catalogue import STARTER, bases, has_starter
from storytime_tui.stories.steering import Steering
from storytime_tui.stories.story import Passage
from storytime_tui.tui.bridge import Post, from_store, in_thread
from storytime_tui.tui.manuscript import last_story
from storytime_tui.tui.messages import TellerOpening, TellerReady, TellingEnded, TellingMessage
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.store_thread import StoreThread
from storytime_tui.tui.story_reader import ReadingRequest
from storytime_tui.tui.telling_requests import (
    HEAD,
    ColumnsRequest,
    ContinuationRequest,
    OpeningsRequest,
    Request,
    SentenceRequest,
    Telling,
)
from storytime_tui.tui.telling_thread import TellingThread
from storytime_tui.tui.title_request import TitleRequest
from storytime_tui.tui.training_session import TrainingSession
from storytime_tui.tui.view_request import ViewRequest

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.generate import ModelChoice
    from storytime_tui.jobs.story_reading import StoryReading
    from storytime_tui.tui.services import Services

NO_VOICE = "no voice"


# -- the writer and its stages ------------------------------------------------------------------------------


class Stage(Enum):
    """What the model does."""

    NO_MODEL = auto()  # no model is chosen
    CHOSEN = auto()  # not open: the first line opens it
    OPENING = auto()  # the thread opens the model, or finds it open
    TELLING = auto()  # the thread tells; after another model was chosen, its words still arrive
    READY = auto()  # open and idle


@dataclass(frozen=True)
class OpenModel:
    """What is known of an open model: its device, its strength, its voices; its step, if it is still training."""

    device: str
    strength: float
    voices: tuple[str, ...] = ()
    step: int | None = None


@dataclass(frozen=True)
class Writer:
    """The model that tells, and how. `strength` or `voice` None means the model's usual one."""

    stage: Stage = Stage.NO_MODEL
    model: str = ""
    guessed: bool = False  # chosen by the program, not shown yet: a newer run may replace it
    strength: float | None = None
    voice: Voice | None = None
    opened: OpenModel | None = None  # of this model at this strength
    progress: str = ""  # progress of opening, in words
    number: int = 0  # of the current or last telling
    in_training: bool = False  # the model is the run that trains in this program
    fallback: tuple[str, float | None] = ("", None)  # the model and strength opened last

    @property
    def can_tell(self) -> bool:
        """Whether a model can be asked to tell."""
        return self.stage is not Stage.NO_MODEL

    @property
    def device(self) -> str:
        """The device; "" if the model is not open."""
        return self.opened.device if self.opened else ""

    @property
    def voices(self) -> tuple[str, ...]:
        """The model's voices; none if it is not open."""
        return self.opened.voices if self.opened else ()

    @property
    def voice_label(self) -> str:
        """The current voice, in words; "" if the model is not open or has no voices."""
        return (describe(known(self.voice, self.voices)) or NO_VOICE) if self.voices else ""

    @property
    def effective_strength(self) -> float | None:
        """The strength, if known."""
        return self.opened.strength if self.opened else self.strength


def choose(writer: Writer, model: str) -> Writer:
    """Choose a model; another one at its usual strength."""
    if model == writer.model:
        return replace(writer, guessed=False)
    other = replace(writer, model=model, guessed=False, strength=None, opened=None, progress="")
    return replace(other, stage=Stage.TELLING if writer.stage is Stage.TELLING else Stage.CHOSEN)


def choose_strength(writer: Writer, strength: float | None) -> Writer:
    """Choose a strength; None is the model's usual one."""
    if strength == writer.strength:
        return writer
    was_open = writer.stage in (Stage.OPENING, Stage.READY)
    stage = Stage.CHOSEN if was_open else writer.stage
    return replace(writer, strength=strength, opened=None, stage=stage)


def reopen(writer: Writer) -> Writer:
    """Close the model, which has newer weights; the next telling opens it again."""
    stage = Stage.CHOSEN if writer.stage in (Stage.OPENING, Stage.READY) else writer.stage
    return replace(writer, opened=None, stage=stage)


def begin_telling(writer: Writer, progress: str = "") -> Writer:
    """Start a telling, or only open the model. Messages of earlier tellings no longer count."""
    return replace(writer, stage=Stage.OPENING, number=writer.number + 1, progress=progress)


def writer_after(writer: Writer, heard: TellingMessage) -> Writer:
    """The writer after a message of the thread."""
    if heard.number != writer.number:
        return writer
    match heard:
        case TellerOpening():
            return replace(writer, progress=heard.progress)
        case TellerReady():
            # another model or strength may be chosen by now
            is_chosen = heard.model == writer.model and writer.strength in (None, heard.strength)
            found = OpenModel(heard.device, heard.strength, heard.voices, heard.step)
            return replace(
                writer,
                stage=Stage.TELLING,
                opened=found if is_chosen else writer.opened,
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
    """Return to the model that was open before: the chosen one cannot be opened."""
    model, strength = writer.fallback
    before = choose_strength(choose(writer, model) if model else writer, strength)
    return replace(before, stage=Stage.CHOSEN, opened=None, progress="")


# -- the session --------------------------------------------------------------------------------------------


class WritingSession:
    """The current writer, and the thread that opens models and tells. Used on the event loop only."""

    def __init__(
        self,
        services: Services,
        post: Post,
        store_thread: StoreThread,
        training: TrainingSession,
        *,
        changed: Callable[[Writer], object],
        told: Callable[[TellingMessage], object],
    ) -> None:
        """`changed` gets every new writer, `told` every message of the current telling."""
        self._services, self._store_thread, self._training = services, store_thread, training
        self._changed, self._told = changed, told
        self.thread = TellingThread(
            post, self._handle, services.open_teller, services.clock, copied_by=services.copied_by
        )
        self._opened_story: Sequence[Passage] = ()  # the passages of the last opened story
        self.now = Writer()
        self.known_models: Sequence[ModelChoice] = ()  # the list as last read
        self.steering = Steering()  # the memory and the author's note of the shown story
        self.fresh_page = False  # the Story screen starts a new page when it is next shown

    def _set_writer(self, writer: Writer) -> None:
        run = self._training.view
        here = self._training.control is not None and run.phase in ("training", "paused")
        trains = here and run.run == writer.model
        writer = writer if trains == writer.in_training else replace(writer, in_training=trains)
        if writer != self.now:
            self.now = writer
            self._changed(writer)

    def _handle(self, heard: Sequence[TellingMessage]) -> None:
        for each in heard:
            if each.number == self.now.number:
                self._set_writer(writer_after(self.now, each))
                self._told(each)

    # -- choosing ---------------------------------------------------------------------------------------

    def choose(self, model: str) -> None:
        """Choose a model. A run that is training is opened anew, because it has newer weights."""
        self._set_writer(choose(self.now, model))
        if self.now.in_training:
            self._forget()

    def run_changed(self) -> None:
        """Follow the run: whether it is the chosen model, and trains."""
        self._set_writer(self.now)

    def open_newest(self) -> None:
        """Open the chosen model anew, with its newest weights."""
        self._forget()
        self.open()

    def _forget(self) -> None:
        self.thread.forget(self.now.model)
        self._set_writer(reopen(self.now))

    def choose_strength(self, strength: float | None) -> None:
        """Choose a strength; None is the model's usual one."""
        self._set_writer(choose_strength(self.now, strength))

    def choose_voice(self, voice: Voice | None) -> None:
        """Choose a voice; a model without it uses its usual one."""
        self._set_writer(replace(self.now, voice=voice))

    def write_with(self, model: str) -> None:
        """Choose a model for a new page, and open it anew: a run may have newer weights."""
        self.thread.forget(model)
        self.fresh_page = True
        self.choose(model)
        self.choose_strength(None)

    def continue_story(self, passages: Sequence[Passage]) -> bool:
        """Restore a story's voice, and its strength if this model told it last; returns whether the strength changed.

        If the model is found later, `find_model` restores its strength.
        """
        self._opened_story = passages
        self.choose_voice(last_voice(passages))
        return self._restore_strength()

    def _restore_strength(self) -> bool:
        strength = last_strength(self._opened_story, self.now.model)
        if strength is None or (self.now.opened and strength == self.now.opened.strength):
            return False
        self.choose_strength(strength)
        return True

    async def find_model(self, last_model: str) -> None:
        """Choose a model if none is chosen: the story's last model, else the newest run, else the starter.

        Raises StorytimeError.
        """
        if self.now.model and not self.now.guessed:
            return
        names = [choice.name for choice in await in_thread(self.list_models)]
        is_here = last_model in names or await in_thread(partial(is_at_a_path, last_model))
        if (names or is_here) and (not self.now.model or self.now.guessed):
            self.choose(last_model if is_here else names[0])
        self._restore_strength()

    def list_models(self) -> Sequence[ModelChoice]:
        """List the models. Blocks: call it in a thread. Raises StorytimeError."""
        self.known_models = found = self._services.model_choices()
        return found

    # -- opening and telling ----------------------------------------------------------------------------

    async def open_starter_early(self) -> None:
        """Open the starter early if it would be chosen, so that the first word comes fast.

        Other models may be large: they are opened when the Story screen is first shown.
        """
        if self._training.view.busy or self.now.model or not has_starter():
            return
        with contextlib.suppress(StorytimeError):  # the Story screen reports it
            last = await from_store(self._store_thread, last_story)
            read = from_store(self._store_thread, lambda store: store.passages(last.id)) if last else None
            passages = await read if read else ()
            await self.find_model(last_model(passages))
            self._set_writer(replace(self.now, guessed=bool(self.now.model)))
            if self.now.model == STARTER and not self.now.number and not self._training.view.busy:
                self._begin(None)

    def open_early(self) -> str:
        """Open the model before the first line; during a training only its run. Returns a note about a download."""
        model = self.now.model
        if any(base.download and base.name == model for base in bases()):
            return f"your first {own_key('prompt.send', 'Enter')} downloads {model}, if needed"
        if not self._training.view.busy or self.now.in_training:
            self.open()
        return ""

    def open(self) -> None:
        """Open the chosen model."""
        self._begin(None, "loading the model…")

    def tell(
        self,
        story: int,
        text: str,
        settings: SamplerSettings,
        after: int | None = HEAD,
        words_per_minute: int = 0,
        takes: int = 1,
    ) -> None:
        """Continue a story after this passage with `takes` at once, at most this fast (0: no limit).

        Its messages have a new number.

        Without a seed in the settings, each telling uses a new one, so that a second try tells something else.
        """
        settings = dataclasses.replace(settings, seed=settings.seed or random.randrange(1, 2**31))
        voice, steering = self.now.voice, self.steering
        at = (after, words_per_minute)
        request = ContinuationRequest(self._store_thread, story, text, settings, voice, *at, steering, takes)
        self._begin(request)

    def tell_openings(self, settings: SamplerSettings, count: int, offered: Sequence[str]) -> int:
        """Tell openings for a story without saving them; returns the number of their messages."""
        self._begin(OpeningsRequest(settings, count, tuple(offered), self.now.voice, self.steering))
        return self.now.number

    def read(self, story: int, text: str, reading: StoryReading | None = None) -> int:
        """Read a story as the model does, or as its base does if the model's `reading` is given.

        Returns the number of the messages.
        """
        how = (self.now.voice, self.steering, reading)
        self._begin(ReadingRequest(self._store_thread, story, text, *how))
        return self.now.number

    def tell_sentence(self, text: str, settings: SamplerSettings) -> int:
        """Tell one sentence after a text without saving it; returns the number of its messages."""
        seeded = dataclasses.replace(
            settings, seed=random.randrange(1, 2**31), max_tokens=80, finish_sentence=False
        )
        self._begin(SentenceRequest(text, seeded, self.now.voice, self.steering))
        return self.now.number

    def look(self, text: str) -> ViewRequest | None:
        """Ask what the model sees of a text; an `InView` answers. Returns the request; None if no model is open."""
        if self.now.opened is None:
            return None
        request = ViewRequest(text, self.steering, self.now.voice)
        self.thread.look(self.now.number, self.now.model, self.now.strength, request)
        return request

    def tell_title(self, text: str) -> int:
        """Suggest a title for the story that begins with this text; returns the number of its messages."""
        self._begin(TitleRequest(text, random.randrange(1, 2**31), self.now.voice))
        return self.now.number

    def tell_columns(self, request: ColumnsRequest) -> int:
        """Tell a text with several models side by side; returns the number of their messages."""
        self._begin(request)
        # each column says when it is open
        self._set_writer(replace(self.now, stage=Stage.TELLING, progress=""))
        return self.now.number

    def stop(self) -> None:
        """Stop telling within one token; the told text stays."""
        self.thread.stop()

    def _begin(
        self,
        request: ContinuationRequest | OpeningsRequest | ReadingRequest | ColumnsRequest | Request | None,
        progress: str = "",
    ) -> None:
        model, control, snapshot = self.now.model, self._training.control, None
        if self.now.in_training and control is not None and self.now.strength in (None, 1.0):
            snapshot = partial(self._services.open_snapshot, model, control)
            progress = "" if self.now.opened else "copying the run's weights…"
        self._set_writer(begin_telling(self.now, progress))
        self.thread.begin(Telling(self.now.number, model, request, self.now.strength, snapshot))
