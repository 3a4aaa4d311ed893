"""The keys in sentences on the screens: the user's own one where they changed it, else the usual one.

There is one app in a process. What it takes into use is kept here, so that pure functions, and those that run in
threads, can name a key without being given the app.
"""

from collections.abc import Mapping

from storytime_tui.tui.key_signs import sign

_own: dict[str, str] = {}


def take_keymap(keymap: Mapping[str, str]) -> None:
    """Name the keys of this keymap from now on: ids, each with its keys, as in `App.set_keymap`."""
    _own.clear()
    _own.update(keymap)


def own_key(id: str, usual: str) -> str:
    """How the key with this id is written in a sentence; `usual`: what stands there unless the user changed it."""
    return sign(_own[id].split(",")[0]) if id in _own else usual
