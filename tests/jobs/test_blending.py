"""Telling at another strength, and with other runs of the same base: which weights that is, and what cannot be."""

import functools
import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from storytime_tui import paths
from storytime_tui.errors import Misused, ModelError, RunError
from storytime_tui.generation.backends import precision
from storytime_tui.generation.pieces import Piece
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs import blending
from storytime_tui.jobs.export import export_model
from storytime_tui.jobs.find_model import find_origin
from storytime_tui.jobs.generate import open_teller
from storytime_tui.jobs.models import WholeFiles
from storytime_tui.jobs.run_bases import BASE_FILE, record_base
from storytime_tui.models import blend, catalogue, loading, lora, voices
from storytime_tui.models.loading import LoadedModel
from storytime_tui.models.tokenizer import load_tokenizer
from storytime_tui.models.voices import Voices, write_voices
from storytime_tui.training.plan import TrainingPlan, write_plan
from storytime_tui.training.removed import remove_runs
from tests.tiny import make_starter

CPU = torch.device("cpu")
FIND = functools.partial(find_origin, report=lambda *_: None)


@pytest.fixture(scope="module")
def whole_starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_starter(tmp_path_factory.mktemp("starter") / "starter")


@pytest.fixture(autouse=True)
def base(whole_starter: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The starter, which runs begin from; and nothing that an earlier test has kept."""
    monkeypatch.setattr(catalogue, "STARTER_FOLDER", whole_starter)
    # asking each model for its precision takes seconds, and is tested elsewhere
    monkeypatch.setattr(precision, "choose_telling_precision", lambda *_: ("fp32", None))
    blending._kept = None
    yield whole_starter
    blending._kept = None


def load(folder: Path) -> LoadedModel:
    return loading.load_model(folder, device=CPU, dtype=torch.float32)


def make_run(name: str, seed: int, base: str = "starter", step: int = 1, *, record: bool = True) -> Path:
    """A run that has learned: its base's weights, each moved a little."""
    origin = FIND(base)
    assert origin.folder is not None
    loaded = load(origin.folder)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in loaded.model.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    run = paths.runs_folder() / name
    checkpoint = run / "checkpoints" / f"step-{step}"
    checkpoint.mkdir(parents=True)
    files = WholeFiles(loaded, load_tokenizer(origin.folder))
    files.write(files.weights(), checkpoint)
    write_plan(TrainingPlan(base=base, block_size=64), run / "plan.toml")
    if record and not (run / BASE_FILE).exists():
        record_base(run, origin)
    return run


def state(name: str, strength: float | None = None, *shares: tuple[str, float]) -> dict[str, Any]:
    """The weights that a name is told with."""
    chosen = blending.choose_model(name, strength, shares, lambda *_: None)
    return blend.state_of(blending.open_chosen(chosen, CPU, torch.float32))


def same(one: blend.State, other: blend.State) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def told(name: str, **asked: Any) -> list[int]:
    teller = open_teller(name, **asked)
    pieces = teller.tell("The mouse", SamplerSettings(max_tokens=12, temperature=0.0))
    return [piece.token for piece in pieces if isinstance(piece, Piece)]


def test_strength_0_tells_as_the_base_and_1_as_the_run() -> None:
    make_run("one", 1)
    run, base = told("one"), told("starter")
    assert run != base
    assert told("one", strength=1.0) == run
    assert told("one", strength=0.0) == base
    assert told("one", strength=2.0) != run
    assert open_teller("one", strength=1.25).strength == 1.25


def test_what_is_exported_tells_as_the_run_does_at_its_strength(tmp_path: Path) -> None:
    run = make_run("one", 1)
    write_voices(run, Voices(("Tales", "Rhymes"), 1.25, contrast=0.5))
    wanted = {"usual": state("one", 1.25), "trained": state("one", 1.0), "base": state("one", 0.0)}
    export_model("one", tmp_path / "usual")
    export_model("one", tmp_path / "trained", strength=1.0)
    export_model("one", tmp_path / "base", strength=0.0)
    for name, weights in wanted.items():
        assert same(state(str(tmp_path / name)), weights)
    assert find_origin(str(tmp_path / "usual"), lambda *_: None).voices == Voices(
        ("Tales", "Rhymes"), 1.0, contrast=0.5
    )
    with pytest.raises(ModelError, match="is no run: it is always told at strength 1"):
        export_model("starter", tmp_path / "none", strength=1.25)


def test_an_exported_card_says_at_which_strength_the_weights_are(tmp_path: Path) -> None:
    run = make_run("one", 1)
    (run / "checkpoints" / "step-1" / "README.md").write_text("# One\n")
    export_model("one", tmp_path / "half", strength=0.5)
    export_model("one", tmp_path / "trained", strength=1.0)
    assert "They are at strength 0.5" in (tmp_path / "half" / "README.md").read_text()
    assert (tmp_path / "trained" / "README.md").read_text() == "# One\n"


def test_a_run_whose_base_is_gone_says_that_it_is_told_otherwise() -> None:
    make_run("one", 1)
    run = make_run("two", 2, base="one")
    write_voices(run, Voices(("Tales",), 1.25))
    shutil.rmtree(paths.runs_folder() / "one")
    told = blending.choose_model("two", None, (), lambda *_: None)
    assert told.strength == 1 and "told at strength 1 instead of its usual 1.25" in told.note


def test_a_removed_run_is_named(home: Path) -> None:
    make_run("one", 1)
    remove_runs(["one"])
    with pytest.raises(RunError, match="'one' was removed: `storytime-tui runs restore one` brings it back"):
        find_origin("one", lambda *_: None)


def test_an_opened_run_is_outdated_when_it_ends() -> None:
    run = make_run("one", 1)
    teller = open_teller("one")
    assert not teller.outdated
    write_voices(run, Voices((), 1.15))
    assert teller.outdated
    assert not open_teller("starter").outdated


def test_the_weights_lie_on_the_line_between() -> None:
    make_run("one", 1)
    run, base = state("one"), state("starter")
    assert same(state("one", 0.0), base)
    assert same(state("one", 1.0), run)
    for strength in (0.5, 1.25, 2.0):
        found = state("one", strength)
        for name in run:
            torch.testing.assert_close(found[name], base[name] + strength * (run[name] - base[name]))


def test_the_base_of_a_run_that_goes_on_is_read_for_its_live_model() -> None:
    run = make_run("one", 1)
    live = load(run / "checkpoints" / "step-1").model
    found = blending.read_base(FIND("one"), CPU, lambda *_: None)
    with blend.at_strength(live, found, 1.25):
        assert same(blend.state_of(live), state("one", 1.25))
    assert same(blend.state_of(live), state("one"))


def test_other_runs_join_by_their_shares_and_the_strength_is_that_of_all_together() -> None:
    for seed, name in enumerate(("one", "two", "three")):
        make_run(name, seed)
    one, two, three, base = map(state, ("one", "two", "three", "starter"))
    found = state("one", 1.5, ("two", 0.4), ("three", 0.1))
    for name in one:
        mixed = 0.5 * one[name] + 0.4 * two[name] + 0.1 * three[name]
        torch.testing.assert_close(found[name], base[name] + 1.5 * (mixed - base[name]))
    assert same(state("one", 1.0, ("two", 1.0)), two)
    assert same(state("one", None, ("two", 0.0)), one)
    assert same(state("one", 0.0, ("two", 0.4)), base)
    voices.write_voices(paths.runs_folder() / "one", voices.Voices(("Tales", "Rhymes")))
    voices.write_voices(paths.runs_folder() / "two", voices.Voices(("Fables", "Tales")))
    chosen = blending.choose_model("one", 1.0, [("two", 0.4)], lambda *_: None)
    assert chosen.origin.voices.titles == ("Tales", "Rhymes", "Fables")


def test_a_lora_run_has_a_strength_too_and_joins_a_whole_run() -> None:
    pytest.importorskip("peft")
    make_run("one", 1)
    run = paths.runs_folder() / "small"
    checkpoint = run / "checkpoints" / "step-1"
    checkpoint.mkdir(parents=True)
    origin = FIND("starter")
    assert origin.folder is not None
    loaded = load(origin.folder)
    added = lora.add_lora(loaded.model, 2, None, (), seed=1)
    for name, parameter in loaded.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, 0, 0.02, generator=torch.Generator().manual_seed(1))
    lora.write_adapter(lora.adapter_weights(loaded.model), added, "starter", True, checkpoint)
    write_plan(TrainingPlan(base="starter", block_size=64, lora_rank=2), run / "plan.toml")
    record_base(run, origin)
    small, one, base = state("small"), state("one"), state("starter")
    assert same(state("small", 0.0), base)
    half, both = state("small", 0.5), state("one", 1.0, ("small", 0.5))
    with blend.at_strength(loaded.model, {}, 0.5):
        found = loaded.model(torch.arange(1, 9)[None])
    by_hand = load(origin.folder).model
    blend.put_at_strength(by_hand, half, 0.0)
    torch.testing.assert_close(by_hand(torch.arange(1, 9)[None]), found, rtol=1e-4, atol=1e-5)
    for name in base:
        torch.testing.assert_close(half[name], (base[name] + small[name]) / 2)
        torch.testing.assert_close(both[name], (one[name] + small[name]) / 2)
    (run / BASE_FILE).write_text(json.dumps({"base": "starter", "weights": "others", "local": False}))
    assert "was trained by LoRA on an earlier starter" in refused("small", 1.0)


def test_another_strength_reads_nothing_anew_and_what_is_kept_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_run("one", 1)
    make_run("two", 2)
    first = state("one", 1.5)
    read: list[str] = []

    def counted(origin: Any, *rest: Any) -> Any:
        read.append(origin.name)
        return opened(origin, *rest)

    opened = blending.open_model
    monkeypatch.setattr(blending, "open_model", counted)
    assert same(state("one", 1.5), first)
    state("one", 0.5)
    assert read == []
    state("one")  # as trained
    assert same(state("one", 1.5), first)
    assert read == ["one"]
    state("two")  # another run: what was kept of the first goes
    assert blending._kept is None
    monkeypatch.setattr(blending, "KEPT", 1000)
    assert same(state("one", 1.5), first)
    assert blending._kept is None


def test_weights_that_changed_on_the_disk_are_read_anew() -> None:
    run = make_run("one", 1)
    before = state("one", 1.5)
    shutil.rmtree(run / "checkpoints")
    make_run("one", 5)
    assert not same(state("one", 1.5), before)


def test_a_strengths_precision_is_its_own() -> None:
    """int8 may do for a run and not for what lies beyond it."""
    make_run("one", 1)
    make_run("two", 2)

    def identity(strength: float, *shares: tuple[str, float]) -> str:
        return blending.choose_model("one", strength, shares, lambda *_: None).identity

    found = [
        identity(1),
        identity(1.5),
        identity(1.25),
        identity(1.5, ("two", 0.4)),
        identity(1.5, ("two", 0.5)),
    ]
    assert len(set(found)) == 5
    assert identity(0) == blending.choose_model("starter", None, (), lambda *_: None).identity


def test_a_run_is_told_at_its_usual_strength_unless_another_is_asked_for() -> None:
    run = make_run("one", 1)
    voices.write_voices(run, voices.Voices(("Tales",), 1.4))
    assert open_teller("one").strength == 1.4
    assert same(state("one"), state("one", 1.4))
    assert open_teller("one", strength=1.0).strength == 1.0
    shutil.rmtree(run.parent / "one" / "checkpoints")
    make_run("one", 1)
    (run / BASE_FILE).write_text(json.dumps({"base": "starter", "weights": "others", "local": False}))
    assert open_teller("one").strength == 1.0  # the base is gone, and nobody asked


def refused(name: str, strength: float | None = 1.5, *shares: tuple[str, float]) -> str:
    with pytest.raises(ModelError) as found:
        blending.choose_model(name, strength, shares, lambda *_: None)
    assert "\n" not in str(found.value)
    return str(found.value)


def test_what_has_no_base_is_told_at_strength_1_only(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "starter is no run" in refused("starter")
    make_run("one", 1)
    make_run("two", 2, base="one")
    run = make_run("three", 3)
    write_plan(TrainingPlan(base="scratch-tiny"), run / "plan.toml")
    assert "three was trained from random weights" in refused("three")
    assert state("two", 1.5)
    shutil.rmtree(paths.runs_folder() / "one")
    assert "two was trained from one, which is gone" in refused("two")
    assert state("two", 1.0)
    monkeypatch.setattr(catalogue, "STARTER_FOLDER", base.parent / "nothing")
    make_run("four", 4, base=str(base))
    write_plan(TrainingPlan(base="starter"), paths.runs_folder() / "four" / "plan.toml")
    assert "four was trained from starter, which is gone" in refused("four")


def test_a_base_whose_weights_have_changed_is_not_taken_for_the_old_one() -> None:
    make_run("one", 1)
    make_run("two", 2, base="one")
    before = state("two", 1.5)
    make_run("one", 3, step=2)  # it learned on, and is better
    assert same(state("two", 1.5), before)
    shutil.rmtree(paths.runs_folder() / "one" / "checkpoints" / "step-1")
    assert "whose weights have changed since" in refused("two")
    make_run("old", 4, record=False)
    assert "before runs recorded their starter" in refused("old")


def test_only_runs_of_one_base_are_blended() -> None:
    make_run("one", 1)
    make_run("two", 2, base="one")
    assert refused("one", None, ("two", 0.4)) == (
        "one was trained from starter and two from one: only runs of one base can be blended."
    )
    assert "starter is no run" in refused("one", None, ("starter", 0.4))


@pytest.mark.parametrize("strength", [-1.0, 2.5, math.nan, math.inf])
def test_numbers_that_cannot_be_are_said_before_anything_is_opened(strength: float) -> None:
    with pytest.raises(Misused, match="strength is"):
        open_teller("nothing", strength=strength)
    with pytest.raises(Misused, match="share of other"):
        open_teller("nothing", blend=[("other", strength)])
