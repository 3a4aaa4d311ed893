"""How keys are written, the same on all screens."""

from textual.keys import format_key


def sign(key: str) -> str:
    """A key as it is written: "question_mark" is ?. Textual writes ⏎ and ^s, which fonts and readers lack."""
    return "↵" if key == "enter" else key if "+" in key else format_key(key)
