"""The keys of vim in lists and long texts: j k, g G, ctrl+d and ctrl+u.

A letter that the screen, or the user's own keys, give another meaning keeps that meaning. j and k go together: a list
that one of them moves down and nothing moves up would be worse than none.
"""

from textual.binding import Binding, BindingType
from textual.dom import DOMNode

_TOGETHER = {"j": "jk", "k": "jk"}


def vim_keys(of: str, moves: tuple[str, str, str, str, str, str]) -> list[BindingType]:
    """The bindings of a widget whose other ids begin with `of`.

    `moves`: its actions for a line down and up, the first and the last line, half a screen down and up.
    """
    what = (
        ("j", "down", "The line below, as in vim"),
        ("k", "up", "The line above, as in vim"),
        ("g", "first", "The first line, as gg in vim"),
        ("G", "last", "The last line, as in vim"),
        ("ctrl+d", "half_down", "Half a screen down, as in vim"),
        ("ctrl+u", "half_up", "Half a screen up, as in vim"),
    )
    return [
        Binding(
            key, f'vim("{key}", "{move}")', name.replace("_", " ").capitalize(), show=False, tooltip=tooltip,
            id=f"{of}.vim_{name}",
        )
        for (key, name, tooltip), move in zip(what, moves, strict=True)
    ]  # fmt: skip


def is_free(node: DOMNode, key: str) -> bool:
    """Whether neither what is around the widget nor the user gives this key another meaning."""
    keys = _TOGETHER.get(key, [key])
    own = node.app._keymap
    taken = {key for name, ours in own.items() if ".vim_" not in name for key in ours.split(",")}
    around = [each._bindings.key_to_bindings for each in node.ancestors]
    return not any(key in taken or any(key in bindings for bindings in around) for key in keys)
