"""A plan's draft: what is typed, what a preset sets, what an option will be, and a plan turned into a draft."""

import dataclasses

import pytest

from storytime_tui.errors import PlanError
from storytime_tui.jobs.estimates import Preview
from storytime_tui.knobs import table
from storytime_tui.training.plan import PRESETS, TrainingPlan, resolve
from storytime_tui.tui.knob_lines import choices_of, lines_with
from storytime_tui.tui.plan_draft import (
    OPTIONS,
    Draft,
    draft_of,
    plan_of,
    problem_of,
    value_in_words,
)

CHOSEN = {"collections": ("tales",), "stories": ()}


def resolved(**values: object) -> TrainingPlan:
    plan = TrainingPlan(base="starter", **values)  # type: ignore[arg-type]
    return resolve(plan, window=512, from_scratch=False, training_tokens=30_000, parameters=14_000_000)


def test_every_option_that_can_be_set_is_offered_once_with_its_group() -> None:
    elsewhere = {"base", "collections", "stories", "voices", "extended_at"}
    assert set(OPTIONS) == table(TrainingPlan).keys() - elsewhere
    lines = lines_with("", OPTIONS)
    assert sorted(line.name for line in lines if line.name) == sorted(OPTIONS)
    headings = [line.group for line in lines if not line.name]
    assert len(headings) == len(set(headings))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("warm", {"warmup_fraction", "warmup_steps"}),
        ("LORA", {"lora_rank", "lora_alpha", "lora_targets"}),
        ("save memory", {"checkpointing"}),
        ("xyzzy", set()),
    ],
)
def test_letters_find_options_by_name_group_and_description(query: str, found: set[str]) -> None:
    assert found <= {line.name for line in lines_with(query, OPTIONS)}
    assert bool(lines_with(query, OPTIONS)) == bool(found)


def test_every_option_shows_the_value_that_it_will_have_and_never_auto() -> None:
    """The four that only the machine decides come from the preview."""
    automatic = {
        "device": "cpu",
        "precision": "fp32",
        "compile": "off",
        "checkpointing": "off",
        "warmup_steps": "3",
    }
    preview = Preview(resolved(), "tales-1", automatic=automatic)
    shown = {name: value_in_words(name, Draft("starter"), preview) for name in OPTIONS}
    assert all(shown.values())
    assert not [name for name, value in shown.items() if "auto" in value or value == "None"]
    assert (shown["learning_rate"], shown["max_steps"], shown["patience"]) == (
        "0.0005",
        "no limit",
        "0 (never)",
    )
    assert (shown["lora_rank"], shown["lora_alpha"]) == ("0 (the whole model)", "unused")
    assert value_in_words("epochs", Draft("starter", typed={"epochs": "7"}), preview) == "7"


def test_a_preset_shows_its_values_over_what_was_typed() -> None:
    draft = Draft("starter", typed={"epochs": "2", "seed": "7"}).with_preset("thorough")
    assert draft.typed == {"seed": "7"}
    assert plan_of(draft, **CHOSEN).epochs == 6.0
    assert plan_of(draft.with_option("epochs", "9"), **CHOSEN).epochs == 9.0
    assert draft.with_option("seed", "").typed == {}


@pytest.mark.parametrize("preset", PRESETS)
def test_a_plan_becomes_a_draft_that_gives_the_same_plan(preset: str) -> None:
    typed = {
        "seed": "3",
        "headers": "0.25",
        "repeats": "a=2,b=0.5",
        "listen": "false",
        "sample_prompt": "A, b",
    }
    plan = plan_of(Draft("starter", preset, typed), **CHOSEN)
    draft = draft_of(plan)
    assert draft == Draft("starter", preset, {**typed, "listen": "false"})
    assert plan_of(draft, **CHOSEN) == plan
    whole = dataclasses.replace(resolved(patience=2), collections=("tales",))
    assert plan_of(draft_of(whole), **CHOSEN) == whole


def test_what_would_be_chosen_anyway_is_not_set() -> None:
    def chosen(draft: Draft) -> TrainingPlan:
        plan = plan_of(draft, **CHOSEN)
        return resolve(plan, window=512, from_scratch=False, training_tokens=30_000, parameters=14_000_000)

    run = chosen(Draft("starter"))
    assert draft_of(run, chosen) == Draft("starter", "balanced")
    longer = dataclasses.replace(run, epochs=30.0, sample_prompt="Version 2.0")
    typed = {"epochs": "30", "sample_prompt": "Version 2.0"}
    assert draft_of(longer, chosen) == Draft("starter", "balanced", typed)


def test_a_wrong_value_is_named_by_its_label() -> None:
    assert problem_of("block_size", "many").startswith("window is 'many'")
    assert problem_of("block_size", "128") == ""
    with pytest.raises(PlanError):
        plan_of(Draft("starter", typed={"block_size": "many"}))


def test_options_with_few_values_are_stepped_through() -> None:
    def choices(name: str) -> tuple[str, ...]:
        return choices_of(OPTIONS[name], OPTIONS[name].default)

    assert choices("schedule") == ("", "linear", "constant", "wsd")
    assert choices("listen") == ("", "off")
    assert choices("frozen_embeddings") == ("", "on")
    assert choices("epochs") == ()
