"""Numbers of list items that a page gives outright: "1986. It was cold." becomes a list that starts at 1986."""

from typing import Any

NONE = -1  # a list whose numbers are not written


def number_of_list(element: Any, tag: str) -> int:
    """The number before the first item, if the list says where it starts, and not at 1; else NONE."""
    start = _number(element.get("start")) if tag == "ol" else NONE
    return start - 1 if start > 1 else NONE


def next_number(element: Any, last: int) -> tuple[int, str]:
    """An item's number, or NONE, and how it is written. `last`: the number before."""
    value = _number(element.get("value"))
    number = value if value != NONE else last + 1 if last != NONE else NONE
    return number, "" if number == NONE else f"{number}. "


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) < 10 else NONE
