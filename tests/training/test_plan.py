"""The plan: every knob validated, written, read and resolved."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.errors import PlanError
from storytime_tui.knobs import table, with_values
from storytime_tui.training.plan import (
    PRESETS,
    TrainingPlan,
    read_plan,
    resolve,
    schedule_of,
    with_preset,
    write_plan,
)

NUMBERS = [name for name, knob in table(TrainingPlan).items() if knob.kind in (int, float)]

plans = st.builds(
    TrainingPlan,
    base=st.text(min_size=1, max_size=20),
    collections=st.lists(st.text(max_size=20), max_size=3).map(tuple),
    block_size=st.none() | st.integers(8, 4096),
    epochs=st.none() | st.floats(0.01, 100),
    learning_rate=st.none() | st.floats(1e-7, 1),
    sample_prompt=st.text(max_size=40),
    seed=st.integers(0, 2**62),
    headers=st.floats(0, 1),
    repeats=st.lists(st.sampled_from(["tales=2", "a=b=0.25", "c=100"]), max_size=2).map(tuple),
)


@given(plans)
def test_a_written_plan_reads_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, plan: TrainingPlan
) -> None:
    path = tmp_path_factory.mktemp("plan") / "plan.toml"
    write_plan(plan, path)
    assert read_plan(path) == plan


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("bsae = 'gpt2'", "Unknown setting 'bsae'. Did you mean 'base'?"),
        ("epochs = 'three'", "epochs is 'three', but must be a number above 0 and at most 100,000, or auto."),
        ("seed = true", "seed is true"),
        ("learning_rate = 3", "learning_rate is 3, but must be above 0"),
        ("collections = [1]", "an entry of collections is 1, but must be a text"),
        ("collections = 'grimm'", "collections is 'grimm', but must be a list"),
        ("listen = 'yes'", "listen is 'yes', but must be true or false"),
        ("listen = 1", "listen is 1, but must be true or false"),
        ("epochs = ", "not valid TOML"),
        ("headers = 1.5", "headers is 1.5, but must be from 0 (none) to 1"),
        ("repeats = ['tales']", "an entry of repeats is 'tales', but must be a collection's name, ="),
        ("repeats = ['tales=0']", "an entry of repeats is 'tales=0'"),
        ("repeats = ['tales=nan']", "an entry of repeats is 'tales=nan'"),
    ],
)
def test_a_wrong_plan_file_is_named_with_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(PlanError) as caught:
        read_plan(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)


def test_set_reaches_every_knob() -> None:
    values = {
        "epochs": "2",
        "seed": "7",
        "precision": "fp32",
        "collections": "a, b",
        "block_size": "64",
        "learning_rate": "auto",
        "dropout": "0",
    }
    plan = with_values(TrainingPlan(learning_rate=0.1), values)
    assert (plan.epochs, plan.seed, plan.precision, plan.block_size) == (2.0, 7, "fp32", 64)
    assert plan.collections == ("a", "b")
    assert plan.learning_rate is None
    with pytest.raises(PlanError, match="Unknown setting 'nonsense'"):
        with_values(plan, {"nonsense": "1"})
    with pytest.raises(PlanError, match=r"Unknown setting 'learning_rat'\. Did you mean 'learning_rate'\?"):
        with_values(plan, {"learning_rat": "1"})
    with pytest.raises(PlanError, match="block_size is 0, but must be from 8 to 1,000,000 tokens"):
        with_values(plan, {"block_size": "0"})
    with pytest.raises(PlanError, match="epochs is 'many', but must be a number"):
        with_values(plan, {"epochs": "many"})
    with pytest.raises(PlanError, match="precision is 'fp8', but must be one of auto, bf16, fp16, fp32"):
        with_values(plan, {"precision": "fp8"})


@given(
    tokens=st.integers(300, 3_000_000),
    window=st.sampled_from([256, 512, 1024]),
    scratch=st.booleans(),
    parameters=st.sampled_from([1_000_000, 124_000_000, 1_500_000_000]),
    max_steps=st.none() | st.integers(1, 5000),
)
def test_every_resolved_plan_can_run(
    tokens: int, window: int, scratch: bool, parameters: int, max_steps: int | None
) -> None:
    plan = resolve(
        TrainingPlan(max_steps=max_steps),
        window=window,
        from_scratch=scratch,
        training_tokens=tokens,
        parameters=parameters,
    )
    assert plan.block_size is not None and plan.block_size <= window
    assert plan.batch_size and plan.accumulation and plan.evaluate_every and plan.learning_rate
    schedule = schedule_of(plan, tokens)
    assert schedule.total_steps >= 1
    assert 0 <= schedule.warmup_steps < schedule.total_steps or schedule.total_steps == 1
    if max_steps:
        assert schedule.total_steps == max_steps
    # resolving again changes nothing: a resumed run is the same run
    again = resolve(plan, window=window, from_scratch=scratch, training_tokens=tokens, parameters=parameters)
    assert again == plan


def test_plans_that_cannot_work_say_what_to_change() -> None:
    enough = {"window": 256, "from_scratch": True, "training_tokens": 10_000, "parameters": 10**6}
    with pytest.raises(PlanError, match="sees at most 256 tokens: set block_size=256 or less"):
        resolve(TrainingPlan(block_size=512), **enough)
    with pytest.raises(PlanError, match="pick more stories, or set a smaller block_size"):
        resolve(TrainingPlan(block_size=256), **{**enough, "training_tokens": 100})
    with pytest.raises(PlanError, match="stride is 128, but must be at most block_size"):
        resolve(TrainingPlan(block_size=64, stride=128), **enough)


def test_steps_asked_for_without_epochs_are_made_however_small_the_corpus() -> None:
    plan = resolve(
        TrainingPlan(max_steps=500), window=256, from_scratch=True, training_tokens=3000, parameters=10**6
    )
    assert schedule_of(plan, 3000).total_steps == 500
    both = dataclasses.replace(TrainingPlan(), max_steps=500, epochs=1.0)
    plan = resolve(both, window=256, from_scratch=True, training_tokens=3000, parameters=10**6)
    assert schedule_of(plan, 3000).total_steps < 500


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("scratch", [True, False])
def test_each_preset_makes_a_plan_that_can_be_carried_out(name: str, scratch: bool) -> None:
    plan = with_preset(TrainingPlan(), name, from_scratch=scratch)
    resolved = resolve(plan, window=512, from_scratch=scratch, training_tokens=300_000, parameters=10_000_000)
    assert resolved.epochs and (resolved.epochs >= 4 or not scratch)  # from nothing, fewer teach nothing


def test_the_notebooks_preset_is_the_notebooks_and_an_unknown_one_is_named() -> None:
    plan = with_preset(TrainingPlan(), "original notebook", from_scratch=False)
    assert (plan.block_size, plan.stride, plan.batch_size, plan.accumulation) == (256, 128, 1, 8)
    assert (plan.epochs, plan.learning_rate, plan.warmup_steps) == (5.0, 1e-4, 100)
    with pytest.raises(PlanError, match="no preset 'fast'; there are 'quick look', 'balanced'"):
        with_preset(TrainingPlan(), "fast", from_scratch=False)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"warmup_steps": 50, "max_steps": 10},
            "warmup_steps is 50, but the whole run has only 10 steps.*a larger max_steps",
        ),
        ({"warmup_steps": 9_000, "epochs": 1}, "or more epochs"),
        ({"lora_rank": 4}, "is untrained, so LoRA has nothing to adapt"),
    ],
)
def test_knobs_that_cannot_go_together_say_so(values: dict[str, int], said: str) -> None:
    plan = dataclasses.replace(TrainingPlan(), **values)  # type: ignore[arg-type]
    with pytest.raises(PlanError, match=said):
        resolve(plan, window=256, from_scratch=True, training_tokens=30_000, parameters=10**6)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e400", "-1", "9" * 23, "9" * 5000])
def test_a_number_out_of_range_is_refused_by_its_own_name(name: str, value: str) -> None:
    with pytest.raises(PlanError, match=f"^{name} is .{{1,80}}, but must be ") as refused:
        with_values(TrainingPlan(), {name: value})
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("name", ["sample_prompt", "base", "collections", "stories", "tokenizer"])
def test_what_toml_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(PlanError, match="but must be"):
        with_values(TrainingPlan(), {name: "caf\udce9"})


def test_steps_without_end_are_called_so_and_not_epochs() -> None:
    with pytest.raises(PlanError, match=r"^1,000,000,000 steps of .* set a smaller max_steps"):
        resolve(
            TrainingPlan(max_steps=1_000_000_000),
            window=64,
            from_scratch=True,
            training_tokens=1000,
            parameters=1000,
        )


@pytest.mark.parametrize(
    ("device", "holds"), [("cuda:1", True), ("mps", True), ("cuda:" + "9" * 20, False), ("cuda:x", False)]
)
def test_a_device_has_a_name_and_perhaps_a_number(device: str, holds: bool) -> None:
    if holds:
        assert TrainingPlan(device=device).device == device
    else:
        with pytest.raises(PlanError, match="device is"):
            TrainingPlan(device=device)


@pytest.mark.parametrize("tokens", [3_000, 22_000, 90_000, 2_000_000])
def test_samples_are_told_at_evaluations_and_at_most_eight_times(tokens: int) -> None:
    plan = resolve(
        TrainingPlan(), window=512, from_scratch=False, training_tokens=tokens, parameters=14_000_000
    )
    assert plan.evaluate_every and plan.sample_every
    assert plan.sample_every % plan.evaluate_every == 0
    assert schedule_of(plan, tokens).total_steps / plan.sample_every <= 8
    mine = resolve(
        TrainingPlan(sample_every=1), window=512, from_scratch=False, training_tokens=tokens, parameters=10**7
    )
    assert mine.sample_every == 1
