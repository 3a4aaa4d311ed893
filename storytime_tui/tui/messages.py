"""What the background threads tell the app, as Textual messages."""

from textual.message import Message

from storytime_tui.generation.pieces import Told
from storytime_tui.training.events import Event, StepDone


class Stepped(Message):
    """A step was done. Where several wait, only the newest is handled: the losses are in the curve."""

    def __init__(self, event: StepDone) -> None:
        super().__init__()
        self.event = event

    def can_replace(self, message: Message) -> bool:
        """Step metrics may be dropped for newer ones; nothing else may."""
        return isinstance(message, Stepped)


class RunSaid(Message):
    """The run said something other than a step: every one of these is handled."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event


class RunEnded(Message):
    """The learning thread is free again. `refusal` is a sentence where the run never came to be, or broke."""

    def __init__(self, refusal: str = "") -> None:
        super().__init__()
        self.refusal = refusal


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


class TellingMessage(Message):
    """Something of the telling thread; `number` says which telling, so that a late one can be dropped."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class TellerOpening(TellingMessage):
    """How far the opening of a model has come, in words. Only the newest counts."""

    def __init__(self, number: int, progress: str) -> None:
        super().__init__(number)
        self.progress = progress

    def can_replace(self, message: Message) -> bool:
        """A newer progress replaces an older one of the same telling."""
        return isinstance(message, TellerOpening) and message.number == self.number


class TellerReady(TellingMessage):
    """The model is open, on a device and at a strength; `voices` are the shelves that it can tell as."""

    def __init__(
        self, number: int, model: str, device: str, voices: tuple[str, ...] = (), strength: float = 1.0
    ) -> None:
        super().__init__(number)
        self.model = model
        self.device = device
        self.voices = voices
        self.strength = strength


class TextTold(TellingMessage):
    """The model told more text: a batch of tokens."""

    def __init__(self, number: int, text: str, tokens: int, tokens_per_second: float) -> None:
        super().__init__(number)
        self.text = text
        self.tokens = tokens
        self.tokens_per_second = tokens_per_second


class OpeningTold(TellingMessage):
    """The model told one of the openings that were wished for; nothing of it is kept yet.

    `settings`: how it was told, as a story keeps it.
    """

    def __init__(self, number: int, text: str, model: str, settings: str) -> None:
        super().__init__(number)
        self.text, self.model, self.settings = text, model, settings


class TellingEnded(TellingMessage):
    """The telling is over and all of its text is kept. `failure` is a sentence where it did not end well."""

    def __init__(self, number: int, told: Told | None, failure: str = "") -> None:
        super().__init__(number)
        self.told = told
        self.failure = failure


class GoTo(Message):
    """A screen asks for another mode."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.mode = mode
