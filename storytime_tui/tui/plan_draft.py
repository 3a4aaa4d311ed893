"""A plan before it starts: a base, a preset and the options that the user set, with their values in words.

Pure functions. An option that the user did not set has the value of the preset, or else one that depends on the base
and the stories (`Preview`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from storytime_tui.jobs.run_details import EMPTY, UNSET
from storytime_tui.knobs import table, with_values
from storytime_tui.models.shapes import scratch_shape
from storytime_tui.training.plan import PRESETS, TrainingPlan, with_preset
from storytime_tui.tui import knob_lines
from storytime_tui.tui.knob_lines import typed_text, words_of

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.estimates import Preview

USUAL = "balanced"  # the default preset
AT_START = "set at the start"  # a value that depends on a base that is not on this machine yet
_ELSEWHERE = ("base", "collections", "stories")  # the form and the Library choose them
OPTIONS = {
    name: knob for name, knob in table(TrainingPlan).items() if not knob.written and name not in _ELSEWHERE
}


@dataclass(frozen=True)
class Draft:
    """`typed`: the options that the user set, as text, which may be invalid."""

    base: str
    preset: str = USUAL
    typed: Mapping[str, str] = field(default_factory=dict)

    def with_option(self, name: str, text: str) -> Draft:
        """The draft with one option set; an empty text resets it."""
        others = {key: value for key, value in self.typed.items() if key != name}
        return replace(self, typed={**others, name: text} if text else others)

    def with_preset(self, preset: str) -> Draft:
        """The draft with another preset; options that it sets are reset, so that its values show."""
        values = preset_values(preset, self.base)
        return replace(
            self, preset=preset, typed={name: text for name, text in self.typed.items() if name not in values}
        )


def preset_values(preset: str, base: str) -> dict[str, Any]:
    """The options that a preset sets for a base."""
    usual = TrainingPlan(base=base)
    plan = with_preset(usual, preset, from_scratch=scratch_shape(base) is not None)
    return {name: getattr(plan, name) for name in OPTIONS if getattr(plan, name) != getattr(usual, name)}


def plan_of(draft: Draft, **chosen: Any) -> TrainingPlan:
    """The plan of a draft; `chosen`: its stories, and what the user prefers. Raises PlanError."""
    plan = TrainingPlan(base=draft.base, **chosen)
    plan = with_preset(plan, draft.preset, from_scratch=scratch_shape(draft.base) is not None)
    return with_values(plan, draft.typed)


def draft_of(
    plan: TrainingPlan, resolved: Callable[[Draft], TrainingPlan | None] = lambda _: None, **preferred: Any
) -> Draft:
    """A draft that gives this plan's base and options: with the preset that leaves the fewest to set.

    `resolved` gives a draft's plan with every default chosen, if that is known: a run's plan has them all, and what
    would be chosen anyway is not set.
    """

    def with_rest(preset: str) -> Draft:
        draft = Draft(plan.base, preset)
        usual = [plan_of(draft, **preferred)]
        if (chosen := resolved(draft)) is not None:
            usual.append(chosen)
        different = [
            name for name in OPTIONS if all(getattr(plan, name) != getattr(each, name) for each in usual)
        ]
        return replace(draft, typed={name: typed_text(plan, name) for name in different})

    presets = sorted(PRESETS, key=lambda name: name != USUAL)  # the usual one wins a tie
    return min(map(with_rest, presets), key=lambda draft: len(draft.typed))


def problem_of(name: str, text: str) -> str:
    """A sentence on what is wrong with an option's text, or ""."""
    return knob_lines.problem_of(TrainingPlan, name, text)


def with_labels(sentence: str) -> str:
    """A sentence of the plan's checks, with options called as the form calls them."""
    return knob_lines.with_labels(sentence, TrainingPlan, OPTIONS)


def value_in_words(name: str, draft: Draft, preview: Preview | None) -> str:
    """The value that an option will have in the run."""
    if name in draft.typed:
        return draft.typed[name]
    plan = preview.plan if preview is not None else None
    if preview is not None and name in preview.automatic:
        return preview.automatic[name]
    value = getattr(plan_of(Draft(draft.base, draft.preset)) if plan is None else plan, name)
    knob = table(TrainingPlan)[name]
    if name == "lora_alpha" and value is None:
        rank = plan.lora_rank if plan is not None else 0
        return f"{2 * rank}" if rank else "unused"
    if name == "tokenizer" and value is None:
        return "made from the stories" if scratch_shape(draft.base) is not None else "the base's own"
    if value is None:
        return UNSET.get(name, AT_START)
    if value == ():
        return EMPTY.get(name, "none")
    return words_of(knob, value)
