"""What the background threads tell the app: about runs and tellings as plain values, else as Textual messages."""

from dataclasses import dataclass

from textual.message import Message

from storytime_tui.generation.pieces import Told


@dataclass(frozen=True)
class RunEnded:
    """The learning thread is free again. `refusal` is a sentence where the run never came to be, or broke."""

    refusal: str = ""


@dataclass(frozen=True)
class TellingSaid:
    """Something of the telling thread; `number` says which telling, so that a late one can be dropped."""

    number: int


@dataclass(frozen=True)
class TellerOpening(TellingSaid):
    """How far the opening of a model has come, in words."""

    progress: str


@dataclass(frozen=True)
class TellerReady(TellingSaid):
    """The model is open, on a device and at a strength; `voices` are the shelves that it can tell as."""

    model: str
    device: str
    voices: tuple[str, ...] = ()
    strength: float = 1.0


@dataclass(frozen=True)
class TextTold(TellingSaid):
    """The model told more text: a batch of tokens."""

    text: str
    tokens: int
    tokens_per_second: float


@dataclass(frozen=True)
class OpeningTold(TellingSaid):
    """The model told one of the openings that were wished for; nothing of it is kept yet.

    `settings`: how it was told, as a story keeps it.
    """

    text: str
    model: str
    settings: str


@dataclass(frozen=True)
class TellingEnded(TellingSaid):
    """The telling is over and all of its text is kept. `failure` is a sentence where it did not end well."""

    told: Told | None
    failure: str = ""


class SettingsNotKept(Message):
    """A preference holds for this sitting only; `sentence` says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


class StoreSaid(Message):
    """A sentence on what is written and not on the disk yet, or on the file itself; "" once all is well again."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


class GoTo(Message):
    """A screen asks for another mode."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.mode = mode
