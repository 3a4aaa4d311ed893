"""Keeps transformers' own messages off the screen: they go to the log, like those of other libraries.

By itself it prints them, and a progress bar for each model. peft loads it too.
"""

import logging

import transformers


def send_to_log() -> None:
    """Let the log have transformers' messages, and nobody its progress bars."""
    transformers.logging.disable_default_handler()
    transformers.logging.enable_propagation()
    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.getLogger("transformers").addHandler(logging.NullHandler())
