"""Errors for the user: each message is a sentence that says what happened, to what, and what to do."""


class StorytimeError(Exception):
    """An error that the user can act on; its message is shown on the screen unchanged."""


class CorpusError(StorytimeError):
    """A text or a collection cannot be read, cleaned, found or saved."""


class ModelError(StorytimeError):
    """A model or its tokenizer cannot be found, fetched or opened."""


class PlanError(StorytimeError):
    """A training plan or a sampler setting has an invalid value."""


class Misused(PlanError):
    """A command-line option has an invalid value: bad usage, exit code 2."""


class RunError(StorytimeError):
    """A run cannot be found, opened, locked or continued."""


class StoryError(StorytimeError):
    """A story cannot be found, opened or saved."""


class StoryUnavailable(StoryError):
    """The stories file cannot be used now (locked, disk full, …); the same call may succeed later."""


class StoryMoved(StoryError):
    """Another program changed the story since it was read; nothing was done."""


def is_fault(error: BaseException) -> bool:
    """Whether an exception is an error, and not Ctrl+C or SystemExit.

    Libraries written in Rust (tokenizers, safetensors) raise a panic as PanicException, a BaseException whose module
    cannot be imported. Code that must survive any error catches BaseException and calls this function.
    """
    return isinstance(error, Exception) or type(error).__module__ == "pyo3_runtime"
