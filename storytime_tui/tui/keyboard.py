"""What the app does with the keyboard: the user's own keys, and plain keys on layouts that are not Latin."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol, cast

from textual.app import App
from textual.events import Key
from textual.keys import _character_to_key

from storytime_tui.tui.bridge import in_thread
from storytime_tui.tui.key_signs import sign
from storytime_tui.tui.layouts import is_foreign, latin_key, user_language
from storytime_tui.tui.own_key import own_key, take_keymap


def no_latin_key() -> str:
    """That a letter stands for no key, and what to do."""
    first, last = own_key("app.help_always", "F1"), own_key("app.runs_always", "F5")
    return (
        "Keys are Latin letters, and this letter stands for none of them. "
        f"Switch to a Latin layout, or use {first} to {last} and {own_key('app.commands', 'ctrl+p')}."
    )


# the keys that sentences name; a test compares them with the bindings, which are not imported before their screens
_USUAL = {
    "app.library": "1", "app.train": "2", "app.story": "3", "app.runs": "4", "app.library_always": "f2",
    "app.train_always": "f3", "app.story_always": "f4", "app.commands": "ctrl+p", "app.leave_tour": "f9",
    "library.read": "enter", "library.tick": "space", "train.start": "s", "train.write": "w", "train.new": "n",
    "plan.first_look": "0", "prompt.send": "enter",
    "runs.resume": "r",
}  # fmt: skip
AGAIN = 30.0  # seconds until this is said once more


class _HasHint(Protocol):
    hinted: float | None  # when the hint was shown last


async def take_own_keys(app: App[Any], table: Mapping[str, object]) -> tuple[str, ...]:
    """Take the user's own keys into use, and give a sentence for each thing that is wrong in their table.

    The check imports every screen, so it is not done before the first frame.
    """
    from storytime_tui.tui.rebinding import own_keys

    own = await in_thread(partial(own_keys, table))
    take_keymap(own.keymap)  # first: what follows the keys reads them then
    app.set_keymap(dict(own.keymap))
    return own.mistakes


async def list_keys(app: App[Any]) -> None:
    """Show every key with its id, as the table of the user's own keys names it."""
    from storytime_tui.tui.rebinding import key_rows
    from storytime_tui.tui.screens.dialogs import ListScreen

    rows = await in_thread(partial(key_rows, dict(app._keymap)))
    await app.push_screen(ListScreen("All keys, each with the name that changes it in [keys]", rows))


def plain_key(app: App[Any], event: Key) -> Key:
    """The key event to act on: of a letter that is not Latin, the Latin key in its place.

    While the user types, and where the letter itself is a key, the event stays. A letter without a place is explained.
    """
    letter = event.character or ""
    if letter.isascii() or not letter.isprintable() or _is_text(app, event) or event.key in _active(app):
        return event
    latin = latin_key(letter, user_language())
    if latin is not None:
        return Key(_character_to_key(latin), latin)
    hint = cast(_HasHint, app)
    if is_foreign(letter) and (hint.hinted is None or event.time - hint.hinted > AGAIN):
        hint.hinted = event.time
        app.notify(no_latin_key(), severity="warning", timeout=8, markup=False)
    return event


def sign_of(app: App[Any], id: str) -> str:
    """How the key with this id is written now: the user's own one, or else the usual one."""
    own = app._keymap.get(id)
    key = own.split(",")[0] if own else _USUAL[id]
    return sign(key)


def _is_text(app: App[Any], event: Key) -> bool:
    return app.focused is not None and app.focused.check_consume_key(event.key, event.character)


def _active(app: App[Any]) -> set[str]:
    return {key for _, bindings in app.screen._modal_binding_chain for key in bindings.key_to_bindings}
