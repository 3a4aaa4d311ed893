"""The draft of sampler settings: what a preset sets, what is set on top of it, and settings turned into a draft."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.generation.sampling.presets import PRESETS, REQUESTS
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.knobs import table
from storytime_tui.settings import Loaded
from storytime_tui.tui.knob_lines import choices_of, lines_with, problem_of
from storytime_tui.tui.preferences import Preferences
from storytime_tui.tui.sampler_draft import (
    KNOBS,
    SamplerDraft,
    draft_of,
    preset_in_words,
    settings_of,
    usual_of,
    value_in_words,
)

_texts = st.text("ab =,\\\n\té'“", min_size=1, max_size=8).filter(lambda text: text.strip(" "))


def _values(name: str) -> st.SearchStrategy[object]:
    """Any value of a knob, often one of a preset."""
    knob = table(SamplerSettings)[name]
    if name == "bias":
        return st.lists(st.tuples(_texts, st.floats(-100, 100)), max_size=3).map(tuple)
    if knob.kind is tuple:
        return st.lists(_texts, max_size=3).map(tuple)
    if knob.kind is bool:
        return st.booleans()
    if knob.choices:
        return st.sampled_from(knob.choices)
    numbers = (
        st.integers(int(knob.low), int(knob.high)) if knob.kind is int else st.floats(knob.low, knob.high)
    )
    usual = [getattr(usual_of(preset), name) for preset in PRESETS]
    return st.sampled_from(usual) | numbers.filter(lambda value: value != knob.without)


any_settings = st.builds(SamplerSettings, **{name: _values(name) for name in table(SamplerSettings)})


@given(any_settings)
def test_a_draft_of_any_settings_gives_the_same_settings(settings: SamplerSettings) -> None:
    draft = draft_of(settings)
    assert settings_of(draft) == settings
    for preset in PRESETS:  # no other preset leaves fewer to set
        usual = usual_of(preset)
        assert len(draft.typed) <= sum(getattr(settings, name) != getattr(usual, name) for name in KNOBS)
    assert all(not problem_of(SamplerSettings, name, text) for name, text in draft.typed.items())


@given(any_settings, st.sampled_from(list(PRESETS)))
def test_a_preset_keeps_the_requests_and_drops_the_rest(settings: SamplerSettings, preset: str) -> None:
    changed = draft_of(settings).with_preset(preset)
    given_values, usual = settings_of(changed), usual_of(preset)
    for name in KNOBS:
        kept = settings if name in REQUESTS else usual
        assert getattr(given_values, name) == getattr(kept, name), name
    assert preset_in_words(changed) == preset
    assert draft_of(given_values) == changed


def test_the_app_begins_with_a_draft_in_which_nothing_is_set() -> None:
    begun = Preferences(Loaded, lambda values: "").sampler()
    assert draft_of(begun) == SamplerDraft("lively", {})


def test_a_value_that_the_preset_has_anyway_is_not_set() -> None:
    draft = SamplerDraft("steady").with_value("temperature", "0.5")
    assert draft.typed == {"temperature": "0.5"}
    assert preset_in_words(draft) == "custom"
    assert draft.with_value("temperature", "0.40").typed == draft.with_value("temperature", "").typed == {}
    assert preset_in_words(draft.with_value("temperature", "")) == "steady"


@pytest.mark.parametrize("preset", PRESETS)
def test_every_setting_stands_in_the_list_with_its_value_in_words(preset: str) -> None:
    lines = lines_with("", KNOBS)
    assert [line.name for line in lines if line.name] == list(table(SamplerSettings))
    headings = [line.group for line in lines if not line.name]
    assert len(headings) == len(set(headings))
    values = {name: value_in_words(name, SamplerDraft(preset)) for name in KNOBS}
    assert all(values.values())
    assert (values["xtc"], values["banned"], values["seed"]) == ("0 (off)", "none", "0 (new)")
    assert values["finish_sentence"] == "on"


def test_values_that_are_set_are_shown_in_words() -> None:
    typed = {"finish_sentence": "false", "stop": r"The End,\n\n", "dry": "3.5", "seed": "7"}
    draft = SamplerDraft("wild", typed)
    shown = {name: value_in_words(name, draft) for name in typed}
    assert shown == {"finish_sentence": "off", "stop": r"The End,\n\n", "dry": "3.5", "seed": "7"}


def test_a_boolean_is_toggled_from_its_usual_value() -> None:
    assert choices_of(KNOBS["finish_sentence"], usual_of("lively").finish_sentence) == ("", "off")
    assert choices_of(KNOBS["finish_sentence"], usual=False) == ("", "on")
    assert choices_of(KNOBS["end_after"], usual_of("lively").end_after) == ("", "length", "sentence")
    assert choices_of(KNOBS["top_k"], 0) == ()


def test_a_wrong_value_is_named_by_its_label() -> None:
    assert problem_of(SamplerSettings, "top_k", "many").startswith("top k is 'many', but must be a whole")
    assert problem_of(SamplerSettings, "top_k", "40") == ""
    assert dataclasses.replace(SamplerSettings(), top_k=40) == settings_of(
        SamplerDraft(typed={"top_k": "40", "end_after": "length", "finish_sentence": "off"})
    )
