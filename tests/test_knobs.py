"""One description of every knob: what is read, checked and shown follows from it, the same in all three tables."""

import dataclasses
import math
import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.errors import PlanError
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.knobs import Knob, check, from_toml, knob, listing, parse, table, text_of, with_values
from storytime_tui.settings import Settings
from storytime_tui.training.plan import TrainingPlan

TABLES = (TrainingPlan, SamplerSettings, Settings)
ALL = [(cls, known) for cls in TABLES for known in table(cls).values()]
BOOLS = [(cls, known) for cls, known in ALL if known.kind is bool]
NUMBERS = [(cls, known) for cls, known in ALL if known.entry in (int, float)]
CHOICES = [(cls, known) for cls, known in ALL if known.choices]
SWITCHES = [(cls, known) for cls, known in CHOICES if "on" in known.choices]
of_any_table = pytest.mark.parametrize(
    ("cls", "known"), ALL, ids=[f"{cls.__name__}.{known.name}" for cls, known in ALL]
)

names = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters=","), min_size=1, max_size=9)
said = st.text("ab =,\\\n\té'“", min_size=1, max_size=8).filter(lambda text: text.strip(" "))
SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    "device": st.sampled_from(["auto", "cpu", "cuda", "cuda:1", "mps"]),
    "repeats": st.builds("{}={}".format, names, st.floats(0.01, 100)),
    "bias": st.tuples(said, st.floats(-100, 100)),
}


def entries(known: Knob) -> st.SearchStrategy[Any]:
    """Values that a knob may have; of a tuple, its entries."""
    if known.name in SPECIAL:
        return SPECIAL[known.name]
    if known.choices:
        return st.sampled_from(known.choices)
    if known.entry is float:
        return st.floats(known.low, known.high).filter(lambda value: value != known.without)
    if known.entry is int:
        return st.integers(int(known.low), int(known.high))
    return st.booleans() if known.kind is bool else said if known.escapes else names


def allowed_values(known: Knob) -> st.SearchStrategy[Any]:
    one = entries(known)
    values = st.lists(one, max_size=3).map(tuple) if known.kind is tuple else one
    return values | st.none() if known.optional else values


@of_any_table
def test_each_has_a_plain_line_and_a_group(cls: type, known: Knob) -> None:
    assert 10 < len(known.line) <= 80 and not known.line.endswith(".") and "%" not in known.line
    assert known.group and known.allowed and known.label


@of_any_table
def test_its_default_passes_its_own_check(cls: type, known: Knob) -> None:
    check(cls, known.name, getattr(cls(), known.name))


@given(st.sampled_from(ALL), st.data())
def test_what_is_shown_is_read_as_the_same(where: tuple[Any, Knob], data: st.DataObject) -> None:
    cls, known = where
    value = data.draw(allowed_values(known))
    values = dataclasses.replace(cls(), **{known.name: value})
    check(cls, known.name, value)
    if known.written:
        with pytest.raises(PlanError, match=f"^{known.name} is written by the program: .*\\.$"):
            parse(cls, known.name, text_of(values, known.name))
    else:
        assert parse(cls, known.name, text_of(values, known.name)) == value
        assert with_values(cls(), {known.name: text_of(values, known.name)}) == values
    if value is not None and known.name != "bias":  # which stands in no file
        assert from_toml(cls, known.name, list(value) if isinstance(value, tuple) else value) == value


def refusals(cls: type, known: Knob, value: Any) -> list[str]:
    """What each way of setting a knob says to a value that it cannot have."""
    given, listed = ((value,), [value]) if known.kind is tuple else (value, value)
    ways = [lambda: check(cls, known.name, given), lambda: from_toml(cls, known.name, listed)]
    if not known.written:
        ways.append(lambda: parse(cls, known.name, str(value)))
    if cls is not Settings:  # preferences are checked where they are read
        ways.append(lambda: cls(**{known.name: given}))
    sentences = []
    for way in ways:
        with pytest.raises(PlanError) as refused:
            way()
        sentences.append(str(refused.value))
    return sentences


@given(st.sampled_from(NUMBERS), st.data())
def test_a_number_out_of_range_is_refused_with_its_name_and_what_is_allowed(
    where: tuple[Any, Knob], data: st.DataObject
) -> None:
    cls, known = where
    whole = st.integers(max_value=math.ceil(known.low) - 1) | st.integers(
        min_value=math.floor(known.high) + 1
    )
    outside = whole if known.entry is int else whole | st.sampled_from([math.nan, math.inf, -math.inf])
    if known.without is not None:
        outside |= st.just(int(known.without))
    for sentence in refusals(cls, known, data.draw(outside)):
        assert re.fullmatch(f"(an entry of )?{known.name} is .{{1,60}}, but must be .*\\.", sentence)
        assert known.allowed in sentence
        assert f"{known.high:,}" in sentence


@given(st.sampled_from(CHOICES), names)
def test_a_text_that_is_no_choice_is_refused_with_all_of_them(where: tuple[Any, Knob], text: str) -> None:
    cls, known = where
    for sentence in refusals(cls, known, f"un{text}"):
        assert sentence.startswith(f"{known.name} is 'un")
        assert sentence.endswith(f", but must be one of {', '.join(known.choices)}.")


@pytest.mark.parametrize(("cls", "known"), CHOICES)
def test_a_choice_is_read_in_upper_and_lower_case(cls: type, known: Knob) -> None:
    for choice in known.choices:
        assert parse(cls, known.name, choice.upper()) == from_toml(cls, known.name, choice.title()) == choice


@pytest.mark.parametrize(
    ("text", "means"),
    [(text, True) for text in ("true", "yes", "on", "1", "True", " YES ")]
    + [(text, False) for text in ("false", "no", "off", "0", "FALSE", "Off")],
)
def test_a_boolean_means_the_same_everywhere(text: str, means: bool) -> None:
    assert {cls for cls, _ in BOOLS} == set(TABLES)
    for cls, known in BOOLS:
        assert parse(cls, known.name, text) is means
    for cls, known in SWITCHES:
        assert parse(cls, known.name, text) == ("on" if means else "off")


@pytest.mark.parametrize("value", ["true", "yes", 1, 0, 1.0, None, []])
def test_a_file_says_true_or_false_and_nothing_else(value: object) -> None:
    for cls, known in BOOLS:
        assert from_toml(cls, known.name, True) is True
        with pytest.raises(PlanError, match=rf"^{known.name} is .*, but must be true or false\.$"):
            from_toml(cls, known.name, value)


@given(st.sampled_from(ALL), st.sampled_from([True, 1.5, "x y", [[1]], {"a": 1}, 10**5000, "9" * 99]))
def test_a_value_of_another_kind_is_one_short_sentence(where: tuple[Any, Knob], value: object) -> None:
    cls, known = where
    said = ""
    try:
        from_toml(cls, known.name, value)
    except PlanError as error:
        said = str(error)
    assert not said or re.fullmatch(
        rf"(an entry of )?{known.name} is .{{1,70}}, but must be .{{1,100}}\.", said
    )


def test_a_name_that_there_is_not_is_answered_with_those_near_it() -> None:
    for way in (parse, from_toml, check):
        with pytest.raises(PlanError, match=r"^Unknown setting 'temprature'\. Did you mean 'temperature'\?$"):
            way(SamplerSettings, "temprature", "1")
    with pytest.raises(
        PlanError, match=r"^Unknown setting 'xyz'\. There are theme, words_per_minute, .*finish_sentence\.$"
    ):
        parse(Settings, "xyz", "1")


def test_preferences_that_are_sampler_knobs_take_their_description() -> None:
    sampler, preferences = table(SamplerSettings), table(Settings)
    shared = sampler.keys() & preferences.keys()
    assert shared == sampler.keys() - {"seed"}  # a seed that stays would tell one story for ever
    for name in shared:
        assert dataclasses.replace(preferences[name], default=sampler[name].default) == sampler[name]


@pytest.mark.parametrize("cls", TABLES)
def test_a_commands_help_lists_each_knob_that_can_be_set(cls: type) -> None:
    lines = [line.split()[0] for line in listing(cls).splitlines() if line.startswith("  ")]
    assert sorted(lines) == sorted(name for name, known in table(cls).items() if not known.written)


@pytest.mark.parametrize("cls", [SamplerSettings, TrainingPlan])
def test_a_knobs_line_fits_below_the_list_of_all(cls: type) -> None:
    assert max(len(known.line) for known in table(cls).values()) <= 71  # a dialog on 80 columns


def test_they_load_nothing_heavy() -> None:
    code = (
        "import sys, storytime_tui.knobs; print({'torch', 'numpy', 'textual', 'tomli_w'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_table_of_ones_own() -> None:
    @dataclasses.dataclass(frozen=True)
    class Oven:
        heat: int = knob(180, "how hot it gets", "oven", 0, 250, "degrees", least="off")
        fan: bool | None = knob(None, "blow the air around", "oven")

    assert table(Oven)["heat"].allowed == "from 0 (off) to 250 degrees"
    assert with_values(Oven(), {"heat": "200", "fan": "yes"}) == Oven(200, True)
    assert with_values(Oven(fan=True), {"fan": "auto"}) == Oven()
    assert listing(Oven) == (
        "oven:\n  heat                how hot it gets (180)\n  fan                 blow the air around (auto)"
    )
