"""The rows of the settings screen: which there are, their values in words, and what is wrong with a typed one.

Pure functions over the preferences, the draft of the sampler's settings and the places of files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from storytime_tui.errors import StorytimeError
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.knobs import Knob, table
from storytime_tui.settings import Settings, parsed
from storytime_tui.tui import sampler_draft, theme
from storytime_tui.tui.knob_lines import choices_of, problem_of, typed_text, with_labels, words_of
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.sampler_draft import SamplerDraft, preset_in_words, usual_of

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.places import Place

_GROUPS = {
    "app": "the app",
    "machine": "this computer",
    "training": "training",
    "texts": "added texts",
    "telling": "telling",
}
NO_ROW = ("tour",)  # how far the tour is; the palette begins it
PREFERENCES = {
    name: replace(known, group=_GROUPS[known.group])
    for name, known in table(Settings).items()
    if name not in sampler_draft.KNOBS and name not in NO_ROW
}
PREFERENCES["theme"] = replace(PREFERENCES["theme"], allowed=f"one of {', '.join(theme.TITLES.values())}")
SAMPLER = {
    name: replace(known, group=f"telling: {known.group}") for name, known in sampler_draft.KNOBS.items()
}
# from when on a change counts, where that is not at once
_FROM = {
    "device": "for the next words and for new runs",
    "precision": "for the next words and for new runs",
    "threads": "for the next words and for new runs",
    "words_per_minute": "for the next words",
    "stay_awake": "for new runs",
    "base": "for new plans",
    "quotes": "for texts that you add from now on (- in the Library changes a collection)",
    "seed": "until you quit",
}


@dataclass(frozen=True)
class Values:
    """What holds now."""

    settings: Settings
    draft: SamplerDraft  # of the sampler's settings
    places: Mapping[str, Place]
    usual: Settings = field(default_factory=Settings)


def knobs_of(places: Sequence[Place]) -> dict[str, Knob]:
    """All rows in the order of their groups; files and folders are only shown."""
    shown = {
        place.name: Knob(
            place.how,
            "files and folders",
            place.path,
            kind=str,
            name=place.name,
            label=place.title,
            written=place.how,
            allowed=f"{own_key('knobs.change', 'enter')} copies the path",
        )
        for place in places
    }
    return {**PREFERENCES, **SAMPLER, **shown}


def typed(name: str, now: Values) -> str:
    """The text that gives the value of a row; "" for the usual value."""
    if name in SAMPLER:
        return now.draft.typed.get(name, "")
    if name == "preset":
        return "" if now.draft.preset == now.usual.preset else now.draft.preset
    if name in now.places or getattr(now.settings, name) == getattr(now.usual, name):
        return ""
    return typed_text(now.settings, name)


def value_in_words(name: str, now: Values) -> str:
    """The value of a row, as the list shows it."""
    if name in SAMPLER:
        return sampler_draft.value_in_words(name, now.draft)
    if name in now.places:
        return now.places[name].path
    if name == "preset":
        same = preset_in_words(now.draft) == now.draft.preset
        return now.draft.preset if same else f"{now.draft.preset}, changed"
    value = getattr(now.settings, name)
    if name == "theme":
        return theme.TITLES.get(now.settings.theme, now.settings.theme)
    if name == "words_per_minute":
        return f"{value:,} words/min" if value else "full speed"
    return words_of(PREFERENCES[name], value)


def usual_in_words(name: str, now: Values) -> str:
    """The usual value of a row."""
    if name in now.places:
        return now.places[name].path
    if name == "preset":
        return now.usual.preset
    if name in SAMPLER:
        return value_in_words(name, replace(now, draft=now.draft.with_value(name, "")))
    return value_in_words(name, replace(now, settings=now.usual))


def choices(name: str, now: Values) -> tuple[str, ...]:
    """The values of a row, if they are few; "" is the usual one."""
    if name in now.places:
        return ()
    if name in SAMPLER:
        return choices_of(SAMPLER[name], getattr(usual_of(now.draft.preset), name))
    if name == "theme":
        own = [each for each in theme.TITLES if each != now.usual.theme]
        other = now.settings.theme
        return ("", *own, *([other] if other not in theme.TITLES else []))
    return choices_of(PREFERENCES[name], getattr(now.usual, name))


def problem(name: str, text: str) -> str:
    """What is wrong with a typed value, in a sentence; "" if nothing is."""
    if name in SAMPLER:
        return problem_of(SamplerSettings, name, text)
    try:
        parsed(name, text)
    except (StorytimeError, OSError) as error:
        return with_labels(str(error), Settings, (name,))
    return ""


def said(name: str, now: Values) -> str:
    """What to say of a change: the new value, and from when on it counts."""
    label = knobs_of(tuple(now.places.values()))[name].label
    when = f", {_FROM[name]}" if name in _FROM else ""
    return f"{label[:1].upper()}{label[1:]}: {value_in_words(name, now)}{when}."
