"""Writes the user's own keys into the texts of the help, which name the usual ones."""

from collections.abc import Mapping, Sequence

from storytime_tui.tui.help_parts import Section
from storytime_tui.tui.rebinding import known_keys, signs_of

# the beginnings of the ids whose keys a topic of the help explains
_IDS = {
    "train": ("train", "plan", "run"),
    "story": ("story", "page", "prompt", "openings", "panel", "inspect", "edit", "find", "aside"),
    "learns": ("learns", "passage", "game", "step"),
    "map": ("map", "story"),
    "everywhere": ("app",),
}
_OF_SECTION = {"The loss chart": ("chart",)}


def with_own_keys(sections: Sequence[Section], topic: str, keymap: Mapping[str, str]) -> tuple[Section, ...]:
    """The sections of a topic with the keys of this keymap in place of the usual ones."""
    if not keymap:
        return tuple(sections)
    changed = []
    for title, about, rows in sections:
        signs = _changed_signs(_OF_SECTION.get(title, _IDS.get(topic, (topic,))), keymap)
        changed.append((title, about, tuple((_replaced(keys, signs), what) for keys, what in rows)))
    return tuple(changed)


def _changed_signs(places: Sequence[str], keymap: Mapping[str, str]) -> dict[str, str]:
    """For each usual key of a changed one of these ids, by its name and its sign, what is written instead.

    A key may have other meanings, which stay: with `p` for Pause changed, Continue has it still.
    """
    now: dict[str, list[str]] = {}
    changed: set[str] = set()
    for known in known_keys().values():
        if known.id.split(".")[0] in places:
            usual = ",".join(known.keys)
            own = keymap.get(known.id, usual)
            for key in known.keys:
                now.setdefault(key, []).extend(signs_of(key if own == usual else own))
            changed.update(known.keys if own != usual else ())
    written = {key: " ".join(dict.fromkeys(now[key])) for key in changed}
    return written | {sign: words for key, words in written.items() for sign in signs_of(key)}


def _replaced(keys: str, signs: Mapping[str, str]) -> str:
    words = [signs.get(word if len(word) == 1 else word.lower(), word) for word in keys.split(" ")]
    return " ".join(dict.fromkeys(words)) if words != keys.split(" ") else keys
