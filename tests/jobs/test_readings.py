"""How it learns: a held-out passage under each model of a run, the guessing game, and one step."""

import hashlib
import json
import math
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from storytime_tui import cli, paths
from storytime_tui.errors import CorpusError, ModelError, RunError
from storytime_tui.generation.sampling.sampler import choose_token
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs.guesses import ROUNDS, make_game
from storytime_tui.jobs.one_step import take_one_step
from storytime_tui.jobs.passages import (
    BASE,
    LENGTH,
    Checkpoint,
    checkpoints_of,
    held_out_passages,
    opening,
    words_of,
)
from storytime_tui.jobs.readings import chances_at, open_model_of, read_passage
from storytime_tui.jobs.train import learn
from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.training.runs import read_events
from tests.tiny import make_starter, write_collection


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two runs, of a new model and of the starter, and the folder of their stories."""
    place = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORYTIME_HOME", str(place / "home"))
        from storytime_tui.jobs import listen
        from storytime_tui.models import catalogue

        patch.setattr(listen, "_make_judge", lambda listening: (None, float("nan")))
        patch.setattr(catalogue, "STARTER_FOLDER", make_starter(place / "starter"))
        tales = write_collection(place / "tales")
        for base, name in (("scratch-2x64", "new"), ("starter", "tuned")):
            plan = TrainingPlan(
                base=base,
                collections=(str(tales),),
                max_steps=12,
                block_size=64,
                batch_size=4,
                accumulation=1,
                evaluate_every=4,
                sample_every=0,
                learning_rate=3e-3,
                device="cpu",
            )
            assert isinstance(list(learn(plan, Control(), name))[-1], ev.Finished)
    return place


@pytest.fixture
def home(trained: Path, starter_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home with the runs. Tests only read it."""
    from storytime_tui.models import catalogue

    monkeypatch.setenv("STORYTIME_HOME", str(trained / "home"))
    monkeypatch.setattr(catalogue, "STARTER_FOLDER", trained / "starter")
    return trained / "home"


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder, by a digest."""
    return {
        os.path.join(place, name): hashlib.sha256(Path(place, name).read_bytes()).hexdigest()
        for place, _, names in os.walk(folder)
        for name in names
    }


def test_the_passage_is_from_a_story_that_the_run_holds_out(home: Path, trained: Path) -> None:
    (passage,) = held_out_passages("new")
    texts = [file.read_text().partition("\n\n")[2] for file in (trained / "tales").glob("*.txt")]
    assert sum(text.startswith(passage.text) for text in texts) == 1
    assert passage.shelf == "Tales"
    assert 200 < len(passage.text) <= LENGTH and passage.text.endswith(".")


def test_an_opening_ends_with_a_sentence_or_at_least_with_a_word() -> None:
    assert opening("  Short.\n") == "Short."
    assert opening("One two. Three four! “Five,” six. Seven", 30) == "One two. Three four!"
    assert opening("“Stop!” he said, and ran.", 12) == "“Stop!”"
    assert opening("word " * 10, 22) == "word word word word"
    assert opening("w" * 50, 20) == "w" * 20


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["The", " mole", " bur", "rowed", "."], [[0], [1], [2, 3], [4]]),
        (["It", "'s", " well", "-", "made", ",”"], [[0, 1], [2, 3, 4], [5]]),
        (["a", "", "\n\n", "b"], [[0, 1], [2], [3]]),
        ([], []),
    ],
)
def test_tokens_are_put_together_to_words(texts: list[str], words: list[list[int]]) -> None:
    assert [list(word) for word in words_of(texts)] == words


def test_the_models_of_a_run_are_its_base_and_its_checkpoints_with_their_marks(home: Path) -> None:
    first, *saved = checkpoints_of("new")
    assert first == Checkpoint(BASE, 0)
    finished = next(e for e in read_events(home / "runs" / "new") if isinstance(e, ev.Finished))
    marked = {mark: each.step for each in saved for mark in each.marks}
    assert marked == {"best": finished.best_step, "last": 12}
    assert [each.which for each in saved] == [f"step-{each.step}" for each in saved]


@pytest.mark.parametrize("run", ["new", "tuned"])
def test_a_passage_becomes_likelier_from_the_base_to_the_last_checkpoint(home: Path, run: str) -> None:
    (passage,) = held_out_passages(run)
    before, after = read_passage(run, BASE, passage), read_passage(run, "last", passage)
    assert [token.id for token in before.tokens] == [token.id for token in after.tokens]
    assert "".join(token.text for token in after.tokens) == passage.text
    losses = [-sum(token.logprob for token in each.tokens) / len(each.tokens) for each in (before, after)]
    assert losses[1] < losses[0]
    if run == "new":  # a new model knows nothing: about the logarithm of its vocabulary
        assert losses[0] == pytest.approx(math.log(len(before.logits[0])), abs=0.5)


def test_the_base_of_a_run_from_nothing_is_the_model_that_it_started_from(home: Path) -> None:
    plan = TrainingPlan(base="scratch-2x64", collections=(str(home.parent / "tales"),), seed=0)
    opened = open_model_of("new", BASE).model
    evaluated = next(e for e in read_events(home / "runs" / "new") if isinstance(e, ev.Evaluated))
    from storytime_tui.jobs.dataset import choose_stories, tokenise
    from storytime_tui.jobs.training_model import loss_of
    from storytime_tui.training.plan import read_plan

    plan = read_plan(home / "runs" / "new" / "plan.toml")
    streams = tokenise(choose_stories(plan), opened.tokenizer, lambda *_: None)
    started = next(e for e in read_events(home / "runs" / "new") if isinstance(e, ev.Started))
    loss = loss_of(streams.validation, plan, torch.device("cpu"), started.precision)
    assert evaluated.step == 0
    assert loss(opened.model) == pytest.approx(evaluated.validation_loss, abs=1e-4)


def test_what_the_screen_shows_is_what_explain_prints(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (passage,) = held_out_passages("tuned")
    reading = read_passage("tuned", "last", passage)
    base = read_passage("tuned", BASE, passage)
    arguments = ["explain", "--model", "tuned", "--checkpoint", "last", "--versus", "starter"]
    assert cli.main([*arguments, "--voice", passage.shelf, "--text", passage.text, "--json"]) == 0
    *printed, _ = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(printed) == len(reading.tokens)
    for record, token, other in zip(printed, reading.tokens, base.tokens, strict=True):
        assert (record["id"], record["text"], record["rank"]) == (token.id, token.text, token.rank)
        assert record["logprob"] == token.logprob
        assert record["versus"]["logprob"] == other.logprob
        assert [(each["text"], each["logprob"]) for each in record["likeliest"]] == [
            (each.text, each.logprob) for each in token.likeliest
        ]


def test_the_bars_are_the_models_own_probabilities_until_a_setting_changes_them(home: Path) -> None:
    (passage,) = held_out_passages("tuned")
    reading = read_passage("tuned", "last", passage)
    own = SamplerSettings(temperature=1.0, top_p=1.0, min_p=0.0)
    for place in (0, 7, len(reading.tokens) - 1):
        token = reading.tokens[place]
        found = chances_at(reading, place, own)
        assert found.kept == found.vocabulary == len(reading.logits[place])
        assert [each.text for each in found.likeliest] == [each.text for each in token.likeliest]
        expected = [math.exp(each.logprob) for each in token.likeliest]
        assert [each.own for each in found.likeliest] == pytest.approx(expected, abs=1e-5)
        assert [each.drawn for each in found.likeliest] == pytest.approx(expected, abs=1e-5)
        assert found.actual.text == token.text
        assert found.actual.own == pytest.approx(math.exp(token.logprob), abs=1e-5)


def test_the_bars_under_settings_are_how_often_the_sampler_draws_each_token(home: Path) -> None:
    from storytime_tui.generation.sampling.rules import rules_for
    from storytime_tui.generation.sampling.sampler import SamplerState

    (passage,) = held_out_passages("tuned")
    reading = read_passage("tuned", "last", passage)
    place = 5
    settings = SamplerSettings(temperature=0.7, top_p=0.6, min_p=0.05, repetition=1.0, dry=0.0, line_ends=0)
    found = chances_at(reading, place, settings)
    rules = rules_for(settings, reading.tokenizer)
    generator, draws = torch.Generator().manual_seed(0), 3000
    counts = np.zeros(found.vocabulary)
    for _ in range(draws):
        logits = torch.from_numpy(reading.logits[place])
        counts[choose_token(logits, [1], 1, rules, SamplerState(), generator).token] += 1
    assert 1 <= found.kept < found.vocabulary
    assert np.count_nonzero(counts) <= found.kept
    order = np.argsort(-reading.logits[place], kind="stable")[:10]
    for id, chance in zip(order, found.likeliest, strict=True):
        assert (counts[id] > 0) <= (chance.drawn > 0)
        assert counts[id] / draws == pytest.approx(chance.drawn, abs=0.04)


def test_a_checkpoint_that_vanished_and_stories_that_are_gone_are_sentences(
    home: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (passage,) = held_out_passages("new")
    with pytest.raises(ModelError, match="keeps no checkpoint 'step-999'; it has new/step-"):
        read_passage("new", "step-999", passage)
    with pytest.raises(RunError, match="There is no run called 'other'"):
        checkpoints_of("other")
    copy = shutil.copytree(home, tmp_path / "copy")
    monkeypatch.setenv("STORYTIME_HOME", str(copy))
    plan = copy / "runs" / "new" / "plan.toml"
    plan.write_text(plan.read_text().replace(str(trained / "tales"), str(tmp_path / "gone")))
    with pytest.raises(CorpusError, match="gone"):
        held_out_passages("new")
    shutil.rmtree(copy / "runs" / "new" / "checkpoints")
    assert checkpoints_of("new") == (Checkpoint(BASE, 0),)
    with pytest.raises(ModelError, match="has no checkpoint yet"):
        read_passage("new", BASE, passage)


def test_a_guess_is_a_whole_word_and_the_likeliest_one(home: Path) -> None:
    (passage,) = held_out_passages("tuned")
    rounds = make_game("tuned", "last", passage)
    assert len(rounds) == ROUNDS
    text = passage.text
    for each, following in zip(rounds, [*rounds[1:], None], strict=True):
        assert text.startswith(each.before + each.word)
        assert each.word[0].isalpha() and not each.before[-1].isalpha()
        assert len(each.before.split()) >= 12
        for guess in (each.base, each.run):
            assert guess == guess.strip() and (not guess or guess[0].isalpha())
        if following is not None:
            assert following.before.startswith(each.before + each.word)
    # where the first choice begins a word, it is how the guess begins
    reading = read_passage("tuned", "last", passage)
    checked = 0
    length = 0
    for token in reading.tokens:
        before, length = text[:length], length + len(token.text)
        each = next(
            (each for each in rounds if each.before.rstrip() == before and token.text[0] == " "), None
        )
        first = token.likeliest[0].text
        if each is not None and first[:1] == " " and first[1:2].isalpha():
            assert each.run.startswith(first.strip())
            checked += 1
    assert checked > 0


def test_a_passage_that_is_too_short_makes_no_game(home: Path) -> None:
    from storytime_tui.jobs.passages import Passage

    assert make_game("tuned", "last", Passage("Short", "The frog hid a button.", "")) == ()


@pytest.mark.parametrize("run", ["new", "tuned"])
def test_one_step_lowers_the_loss_of_its_window_and_touches_no_file(home: Path, run: str) -> None:
    files = contents(home)
    state = torch.random.get_rng_state()
    last = take_one_step(run, "last", 0)
    assert contents(home) == files
    assert torch.equal(
        torch.random.get_rng_state(), state
    )  # a run that trains meanwhile draws the same numbers
    assert last.after < last.before
    assert len(last.tokens) == 64
    assert any(not token.counts and token.before == token.after == 0 for token in last.tokens)
    counted = [token.before for token in last.tokens if token.counts]
    assert last.before == pytest.approx(sum(counted) / len(counted))
    assert "".join(token.text for token in last.tokens).startswith("Shelf: Tales\n\n")
    assert last.learning_rate == pytest.approx(3e-4) and last.gradient_norm > 0
    assert take_one_step(run, "last", 0) == last  # the run is as it was
    other = take_one_step(run, "last", 1)
    assert other.story != last.story and other.after < other.before


def test_one_step_begins_with_the_figures_of_the_checkpoint(home: Path) -> None:
    from storytime_tui.jobs.passages import Passage

    step = take_one_step("tuned", "last", 0)
    text = "".join(token.text for token in step.tokens if token.counts)
    reading = read_passage("tuned", "last", Passage("", text, "Tales"))
    compared = list(zip(step.tokens[-len(reading.tokens) :], reading.tokens, strict=True))[:20]
    for token, explained in compared:
        assert token.text == explained.text
        assert token.before == pytest.approx(-explained.logprob, abs=1e-4)


def test_a_lora_run_has_no_step_to_show(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = shutil.copytree(home, tmp_path / "copy")
    monkeypatch.setenv("STORYTIME_HOME", str(copy))
    plan = paths.runs_folder() / "tuned" / "plan.toml"
    plan.write_text(plan.read_text().replace("lora_rank = 0", "lora_rank = 4"))
    with pytest.raises(RunError, match="trains LoRA matrices only"):
        take_one_step("tuned", "last", 0)
