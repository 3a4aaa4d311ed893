"""Errors that a person reads: each message is a sentence that says what happened, to what, and what to do."""


class StorytimeError(Exception):
    """What the user did or has cannot work; the message goes to the screen as it is."""


class CorpusError(StorytimeError):
    """A text or a collection cannot be read, cleaned, found or kept."""


class ModelError(StorytimeError):
    """A model or its tokenizer cannot be found, fetched or opened."""


class PlanError(StorytimeError):
    """A training plan or a sampler setting holds a value that cannot work."""


class Misused(PlanError):
    """An option of a command has a value that it cannot have: bad usage, as an unknown option is."""


class RunError(StorytimeError):
    """A run cannot be found, opened, locked or continued."""


class StoryError(StorytimeError):
    """A written story cannot be found, opened or kept."""


class StoryUnavailable(StoryError):
    """The stories file cannot be used at this moment (locked, a full disk, …): the same call may succeed later."""


class StoryMoved(StoryError):
    """The story's words were changed elsewhere since they were read: what was asked for was not done."""


def is_fault(error: BaseException) -> bool:
    """Whether something went wrong, and not Ctrl+C or the end of the program.

    A library written in Rust (tokenizers, safetensors) raises its panics as PanicException, which is a BaseException
    in a module that cannot be imported. A boundary that must hold catches BaseException and asks here.
    """
    return isinstance(error, Exception) or type(error).__module__ == "pyo3_runtime"
