"""The user's own keys: the table [keys] of the settings file, checked against every key of the app."""

import difflib
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import Keys, _character_to_key
from textual.widgets import Input, TextArea

import storytime_tui.tui
from storytime_tui.terminal import printable_line
from storytime_tui.tui.key_signs import sign

# Some keys are active together though their ids begin differently: those of a widget and of its screen.
_PLACES = {
    "plan": "train", "bases": "train", "run": "train", "chart": "train", "page": "story", "prompt": "story",
    "openings": "story", "panel": "story", "inspect": "story", "edit": "story", "find": "story", "aside": "story",
    "passage": "learns",
}  # fmt: skip
_EVERYWHERE = ("app", "list", "view", "filter")
_MODIFIERS = ("ctrl", "shift", "alt")
_NAMED = frozenset(key.value for key in Keys)
_EVERY_NAME = (
    "In the app, “All keys” in the palette (ctrl+p) lists every name. The documentation has a page on keys."
)


@dataclass(frozen=True)
class Known:
    """A key of the app as it is without the user's table.

    `word`: what the last line of the screen calls it. `typed`: letters are text where it is active.
    """

    id: str
    keys: tuple[str, ...]
    word: str
    what: str
    typed: bool
    owner: type[DOMNode]
    action: str


@dataclass(frozen=True)
class OwnKeys:
    """The keys that the user changed, for `App.set_keymap`, and a sentence for each entry that cannot be used."""

    keymap: Mapping[str, str]
    mistakes: tuple[str, ...] = ()


def own_bindings() -> Iterator[tuple[type[DOMNode], Binding]]:
    """Every binding of the app's own screens and widgets, with its class. Imports all of them."""
    for module in pkgutil.walk_packages(storytime_tui.tui.__path__, "storytime_tui.tui."):
        for owner in vars(importlib.import_module(module.name)).values():
            if isinstance(owner, type) and issubclass(owner, DOMNode) and owner.__module__ == module.name:
                for binding in owner.__dict__.get("BINDINGS", ()):
                    assert isinstance(binding, Binding)
                    yield owner, binding


@cache
def known_keys() -> Mapping[str, Known]:
    """Every key of the app, by its id."""
    known: dict[str, Known] = {}
    for owner, binding in own_bindings():
        if binding.id:
            keys = tuple(key.strip() for key in binding.key.split(","))
            typed = issubclass(owner, Input | TextArea)
            known[binding.id] = Known(
                binding.id, keys, binding.description, binding.tooltip, typed, owner, binding.action
            )
    return known


def own_keys(table: Mapping[str, object]) -> OwnKeys:
    """Check the user's table: ids to a key or a list of keys. What is wrong in it changes nothing."""
    known = known_keys()
    mistakes: list[str] = []
    wanted: dict[str, tuple[str, ...]] = {}
    for name, value in _flat(table):
        if name not in known:
            near = _meant(name[:80].casefold(), known)
            hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else _EVERY_NAME
            mistakes.append(f"{_short(name)} is the name of no key. {hint}")
            continue
        keys = _keys_of(value)
        bad = [key for key in keys if not _is_key(key)]
        if not keys or bad:
            what = _short(bad[0]) if bad else "That"
            mistakes.append(f'{name}: {what} is no key. Write one such as "b", "f6" or "ctrl+g".')
        elif known[name].typed and any(len(key) == 1 for key in keys):
            mistakes.append(f'{name}: letters are text there. Use a key such as "f6" or "ctrl+g".')
        else:
            wanted[name] = keys
    while clash := _clash(known, wanted):
        name, other, key = clash
        del wanted[name]
        mistakes.append(f"{name}: {_short(key)} is already the key of {other}. {name} keeps its usual key.")
    return OwnKeys(
        {name: ",".join(keys) for name, keys in (_neighbours(known, wanted) | wanted).items()},
        tuple(f"In the settings file, under [keys]: {printable_line(each)}" for each in mistakes),
    )


def key_rows(keymap: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """A row for each key: its id, the key and what it does; as they are with these changes."""
    keys = {each.id: keymap.get(each.id, ",".join(each.keys)) for each in known_keys().values()}
    return [(id, " ".join(signs_of(keys[id])), known_keys()[id].what) for id in sorted(keys)]


def signs_of(keys: str) -> list[str]:
    """Keys as they are written on a keyboard: "question_mark" is ?."""
    return [sign(key) for key in keys.split(",")]


def _flat(table: Mapping[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    """The entries by their whole ids: in TOML, `library.train = "t"` is a table within the table."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def _meant(name: str, known: Mapping[str, Known]) -> list[str]:
    """At most three ids that a name may be meant for, the likeliest first.

    The parts before and after the dot are compared one by one: as a whole, each name of a place is near all others of
    it. The word that the screen shows for a key is taken for its name.
    """
    place, _, last = name.rpartition(".")
    near = difflib.get_close_matches(place, {id.rpartition(".")[0] for id in known}, 1, 0.7)
    here = {id.rpartition(".")[2]: id for id in known if [id.rpartition(".")[0]] == near}
    by_word = [id for id in here.values() if known[id].word.casefold() == last]
    if found := by_word or [here[each] for each in difflib.get_close_matches(last, here, 2, 0.7)]:
        return found[:3]
    anywhere = [
        id for id, each in known.items() if last in (id.rpartition(".")[2], each.word.casefold() or None)
    ]
    return sorted(anywhere)[:3]


def _keys_of(value: object) -> tuple[str, ...]:
    each = value if isinstance(value, list) else [value]
    keys = [key for key in each if isinstance(key, str)]
    return tuple(_named(key) for key in keys) if len(keys) == len(each) else ()


def _named(key: str) -> str:
    """A key as Textual calls it: "?" is question_mark, and F6 is f6."""
    key = key.strip(" ") or key
    if len(key) == 1:
        return _character_to_key(key)
    *modifiers, last = key.split("+") if not key.endswith("+") else [*key[:-2].split("+"), "+"]
    last = _character_to_key(last) if len(last) == 1 else last
    return "+".join(part.lower() for part in (*modifiers, last))


def _is_key(key: str) -> bool:
    *modifiers, last = key.split("+")
    if key in _NAMED:
        return True
    if any(part not in _MODIFIERS for part in modifiers):
        return False
    printable = (len(last) == 1 and last.isprintable()) or last.replace("_", " ").upper() in _signs()
    return printable or last in _NAMED


@cache
def _signs() -> frozenset[str]:
    import unicodedata

    named = (unicodedata.name(chr(code)).replace("-", " ") for code in range(33, 127))
    return frozenset(named)


def _place(name: str) -> str:
    first = name.split(".")[0]
    return _PLACES.get(first, first)


def _meet(one: str, other: str) -> bool:
    places = _place(one), _place(other)
    if "crash" in places:  # an app of its own, with no keys but its own
        return places[0] == places[1]
    return places[0] == places[1] or any(place in _EVERYWHERE for place in places)


def _clash(known: Mapping[str, Known], wanted: Mapping[str, tuple[str, ...]]) -> tuple[str, str, str] | None:
    """A changed id, another one that would have the same key and has not by default, and the key."""
    for name, keys in wanted.items():
        for other in known.values():
            if other.id == name or not _meet(name, other.id) or set(known[name].keys) & set(other.keys):
                continue
            if ".vim_" in other.id and ".vim_" not in name:
                continue  # vim's letters give way
            if (other.owner, other.action) == (known[name].owner, known[name].action):
                continue  # two keys of one command
            if known[name].typed != other.typed and "app" not in (_place(name), _place(other.id)):
                continue  # a field has its own meanings for keys of its screen
            if both := set(keys) & set(wanted.get(other.id, other.keys)):
                return name, other.id, min(both)
    return None


def _neighbours(
    known: Mapping[str, Known], wanted: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """The unchanged ids that share a key with a changed one of the same widget, each with its own keys.

    Textual 8.2.8 drops all bindings of a key when one of them gets another: with Pause, also Continue.
    """
    changed = [known[name] for name in wanted]
    return {
        each.id: each.keys
        for each in known.values()
        if each.id not in wanted
        and any(set(each.keys) & set(other.keys) and _related(each.owner, other.owner) for other in changed)
    }


def _related(one: type, other: type) -> bool:
    return issubclass(one, other) or issubclass(other, one)


def _short(text: str) -> str:
    return repr(text[:40])
