"""Lists of Markdown that were meant as text: "1986. It was cold.", and dialogues whose lines begin with a dash."""

import re
from collections.abc import Sequence
from typing import Any

_SPEECH = re.compile(r"[\"'“‘«»„¿¡(*_—–]*(?:[^\W\d_a-zà-öø-ÿа-яё]|\d)", re.DOTALL)
_SPEECH_END = re.compile(r"[.!?…:,;。！？—–-][\"'”’»«)*_]*\s*$")
_TASK = re.compile(r"\[[ xX]\] +")


def with_numbers_and_dashes(tokens: Sequence[Any]) -> list[Any]:
    """The tokens, with each ordered item's number as it was written, and with the dashes of dialogues.

    A list with dashes is a dialogue if each of its items is a sentence.
    """
    from markdown_it.token import Token

    made: list[Any] = []
    dashed: list[bool] = []  # for each list around a token, whether it is a dialogue
    for at, token in enumerate(tokens):
        made.append(token)
        if token.type == "bullet_list_open":
            dashed.append(_is_dialogue(tokens, at))
        elif token.type == "ordered_list_open":
            token.attrs.pop("start", None)  # the numbers are written below
            dashed.append(False)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            dashed.pop()
        elif token.type == "list_item_open":
            prefix = f"{token.info}{token.markup} " if token.info else "- " if dashed[-1] else ""
            first = _first_inline(tokens, at)
            if first is not None and first.children and first.children[0].type == "text":
                first.children[0].content = _TASK.sub("", first.children[0].content, count=1)
            if prefix and first is not None:
                first.children.insert(0, Token("text", "", 0, content=prefix))
            elif prefix:
                text = Token("text", "", 0, content=prefix)
                made.append(Token("inline", "", 0, children=[text], content=prefix, map=token.map))
    return made


def _first_inline(tokens: Sequence[Any], item: int) -> Any:
    """The text that an item begins with; None if it begins with something else, or has nothing."""
    if item + 2 < len(tokens) and tokens[item + 1].type in ("paragraph_open", "heading_open"):
        return tokens[item + 2]
    return None


def _is_dialogue(tokens: Sequence[Any], start: int) -> bool:
    """Whether each item of a list with dashes is a sentence that begins with a capital."""
    opened = tokens[start]
    items = 0
    for at in range(start + 1, len(tokens)):
        token = tokens[at]
        if token.type == "bullet_list_close" and token.level == opened.level:
            break
        if token.type == "list_item_open" and token.level == opened.level + 1:
            first = _first_inline(tokens, at)
            if token.markup != "-" or first is None:
                return False
            if not _SPEECH.match(first.content) or not _SPEECH_END.search(first.content):
                return False
            items += 1
    return items > 0
