"""What is wrong in the settings file: values, the theme and the keys, each in a sentence of its own or all in one."""

import difflib
from collections.abc import Sequence

from textual.theme import BUILTIN_THEMES

from storytime_tui import paths
from storytime_tui.settings import Loaded, Settings
from storytime_tui.tui import theme
from storytime_tui.tui.own_key import own_key


def _known_themes() -> set[str]:
    return {*BUILTIN_THEMES, *(own.name for own in theme.THEMES)}


def theme_in_use(name: str) -> str:
    """The theme that holds where the settings have this one: the usual one for one that does not exist."""
    return name if name in _known_themes() else Settings().theme


def theme_mistake(name: str) -> str:
    """What to say of a theme that does not exist; "" if it does."""
    known = _known_themes()
    if name in known:
        return ""
    by_title = {title: own for own, title in theme.TITLES.items()}
    names = [*by_title, *sorted(known)]
    near = difflib.get_close_matches(name[:60].casefold(), names, 1, 0.6)
    hint = (
        f"Did you mean {by_title.get(near[0], near[0])!r}?"
        if near
        else f"There are {', '.join(theme.TITLES)}, and more under “All themes” in the palette "
        f"({own_key('app.commands', 'ctrl+p')})."
    )
    usual = Settings().theme
    return (
        f"In the settings file {paths.settings_file()}: the theme {name[:60]!r} does not exist; {usual!r} is used. "
        f"{hint}"
    )


def settings_mistakes(loaded: Loaded) -> tuple[str, ...]:
    """A sentence for each entry of the settings file that cannot be used.

    With a table [keys] it imports every screen, whose keys are the ones there are.
    """
    found = [*loaded.troubles, theme_mistake(loaded.settings.theme)]
    if loaded.keys:
        from storytime_tui.tui.rebinding import own_keys

        found += own_keys(loaded.keys).mistakes
    return tuple(filter(None, found))


def in_one(mistakes: Sequence[str]) -> str:
    """All mistakes in one message, for a small screen: the first, how many there are, and what lists them."""
    if len(mistakes) < 2:
        return "".join(mistakes)
    return (
        f"{len(mistakes):,} entries of the settings file cannot be used: `storytime-tui doctor` lists them. "
        f"The first: {mistakes[0]}"
    )
