"""The messages of the background threads to the app: plain values about runs and tellings, else Textual messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from textual.message import Message

from storytime_tui.generation.pieces import Seen, Told
from storytime_tui.stories.takes import NewTake

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.story_reading import StoryReading

Asked = Literal["pause", "resume", "stop", "checkpoint", "sample"]  # of a run


@dataclass(frozen=True)
class RunEnded:
    """The training thread is free again. `refusal`: a sentence if the run could not start or crashed."""

    refusal: str = ""


@dataclass(frozen=True)
class TellingMessage:
    """A message of the telling thread; `number` identifies the telling, so that late messages can be dropped."""

    number: int


@dataclass(frozen=True)
class TellerOpening(TellingMessage):
    """The progress of opening a model, in words."""

    progress: str


@dataclass(frozen=True)
class TellerReady(TellingMessage):
    """The model is open on a device at a strength; `voices` are the shelves that it can tell as."""

    model: str
    device: str
    voices: tuple[str, ...] = ()
    strength: float = 1.0
    step: int | None = None  # of a run that is still training


@dataclass(frozen=True)
class TextTold(TellingMessage):
    """A batch of told tokens."""

    text: str
    tokens: int
    tokens_per_second: float


@dataclass(frozen=True)
class OpeningTold(TellingMessage):
    """One of the requested openings; it is not saved yet.

    `settings`: how it was told, as JSON for the story store; `ids`: its tokens, likewise.
    """

    text: str
    model: str
    settings: str
    ids: str


@dataclass(frozen=True)
class SentenceTold(TellingMessage):
    """The requested sentence; "" if none ended in time. It is not saved."""

    text: str


@dataclass(frozen=True)
class StoryProgress(TellingMessage):
    """The progress of reading a story, in words."""

    progress: str


@dataclass(frozen=True)
class StoryRead(TellingMessage):
    """How likely each word of a story was; `base`: the same under the model's base, if it was asked for."""

    reading: StoryReading
    base: StoryReading | None = None


@dataclass(frozen=True)
class InView(TellingMessage):
    """What the model sees of a story; `request`: what was asked for, to tell it from a later one."""

    request: object
    seen: Seen


@dataclass(frozen=True)
class TitleTold(TellingMessage):
    """A title for a story, and the model that told it; "" if it was made of the story's words."""

    title: str
    model: str


@dataclass(frozen=True)
class TellingEnded(TellingMessage):
    """The telling ended and its text is saved in this passage, if there is any. `failure`: a sentence if it failed."""

    told: Told | None
    failure: str = ""
    passage: int | None = None


@dataclass(frozen=True)
class ColumnMessage(TellingMessage):
    """A message about one of several models that tell side by side: the one at this place."""

    place: int


@dataclass(frozen=True)
class ColumnOpening(ColumnMessage):
    """The progress of opening its model, in words."""

    progress: str


@dataclass(frozen=True)
class ColumnReady(ColumnMessage):
    """Its model is open, see `TellerReady`."""

    voices: tuple[str, ...]
    strength: float
    step: int | None = None


@dataclass(frozen=True)
class ColumnTold(ColumnMessage):
    """A batch of its tokens."""

    text: str


@dataclass(frozen=True)
class ColumnEnded(ColumnMessage):
    """It tells no more. `take`: what it told; None without words. `failure`: a sentence if it failed."""

    take: NewTake | None = None
    told: Told | None = None
    failure: str = ""


class SettingsNotSaved(Message):
    """A preference could not be saved; `sentence` says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


class StoreNotice(Message):
    """A sentence about unsaved writes or the story file; "" when all is saved."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


class GoTo(Message):
    """A request to show another mode. `back`: the mode that Escape returns to from there; "" for none."""

    def __init__(self, mode: str, back: str = "") -> None:
        super().__init__()
        self.mode, self.back = mode, back
