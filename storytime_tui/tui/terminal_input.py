"""What comes from the terminal and is no UTF-8 becomes `�`. Textual's decoder raises then, and the app would end."""

import codecs
import contextlib
from collections.abc import Callable
from functools import partial
from importlib import import_module


def replace_undecodable() -> None:
    """Let Textual's driver read any bytes. Windows has another driver, which gets letters from the system."""
    with contextlib.suppress(ImportError):
        vars(import_module("textual.drivers.linux_driver"))["getincrementaldecoder"] = _decoder


def _decoder(encoding: str) -> Callable[[], codecs.IncrementalDecoder]:
    return partial(codecs.getincrementaldecoder(encoding), errors="replace")
