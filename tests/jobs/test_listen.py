"""A run is listened to: at its end, and while it learns where that is cheap; it learns the same with and without."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storytime_tui import paths
from storytime_tui.cli import main
from storytime_tui.commands import evaluate as command
from storytime_tui.corpus.library.shelf import find_collection
from storytime_tui.errors import ModelError
from storytime_tui.generation.computing import Computing
from storytime_tui.jobs import blending, evaluate, generate, listen, voice
from storytime_tui.jobs.evaluate import Evaluation
from storytime_tui.jobs.find_model import Origin
from storytime_tui.jobs.listen import Listening, with_voice_events
from storytime_tui.jobs.train import learn
from storytime_tui.jobs.voice import Shelf, make_judge
from storytime_tui.models.identity import identity_of
from storytime_tui.models.voices import Voices, read_voices
from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.training.runs import read_events, summary_of
from storytime_tui.training.sums import damage_in, replace_file
from tests.corpus.test_manner import story
from tests.jobs.test_voice import HILL, NEW, NEW_STORIES, OLD, a_shelf
from tests.jobs.test_voice import telling as tell_as
from tests.tiny import write_collection
from tests.tui.fakes import STARTED, step

PLAN = TrainingPlan(base="starter", collections=("old",), evaluate_every=5)
FIGURES = Evaluation("r", ("old",), 2, 3.0, 20.0, 1.2, 5000, 9000)
TOTAL = STARTED.total_steps


MAKE_JUDGE = listen._make_judge


@pytest.fixture(autouse=True)
def somebody_listens(nobody_listens: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "_make_judge", MAKE_JUDGE)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    stories = find_collection(str(a_shelf(tmp_path / "old", "Old", OLD))).stories
    return Shelf("Old", tuple(stories[:8]), tuple(stories[8:]))


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """A base that tells in another manner, and the seconds that it takes."""
    cost = {"seconds": 1.0}
    told = tuple(NEW_STORIES)
    monkeypatch.setattr(
        listen, "base_passages", lambda *words: (told, cost["seconds"] * len(told) / voice.PASSAGES)
    )
    return cost


def a_run(stopped_by: str = "done", seconds: float = 1000.0) -> Iterator[ev.Event]:
    yield STARTED
    yield ev.Evaluated(0, 4.0, 50.0, 2.0, best=False)
    for number in range(1, TOTAL + 1):
        yield dataclasses.replace(step(number, 3.0), elapsed=seconds * number / TOTAL)
        if number % 5 == 0:
            yield ev.Evaluated(number, 3.0, 20.0, 1.0, best=True)
    yield ev.Finished("r", TOTAL, 3.0, TOTAL, stopped_by, seconds)


def measures(said: Iterator[ev.Event]) -> list[ev.VoiceMeasured]:
    return [event for event in said if isinstance(event, ev.VoiceMeasured)]


class Opened:
    """A teller of the finished run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: list[str] = []
        self.computed_as: Computing | None = None
        monkeypatch.setattr(generate, "open_teller", self)
        monkeypatch.setattr(listen, "tell_with", lambda teller, title, stopped: tell_as(OLD))

    def __call__(
        self,
        name: str,
        strength: float | None = None,
        contrast: float | None = None,
        wanted: Callable[[], Computing] = Computing,
    ) -> object:
        self.computed_as = wanted()
        self.names.append(name if strength == 1 else f"{name} at {strength}")
        return strength


def test_at_the_end_the_best_checkpoint_is_listened_to(
    shelf: Shelf, base: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Opened(monkeypatch)
    said = list(with_voice_events(a_run(), "r", Listening(PLAN, (shelf,), 1000)))
    assert isinstance(said[-1], ev.Finished)
    assert isinstance(said[-2], ev.VoiceMeasured)
    assert said[-2] == ev.VoiceMeasured(TOTAL, 24, 24, 0, said[-2].copied, ("Old",), (24,))
    assert opened.names == ["r/best"]
    assert len(measures(iter(said))) == 1
    assert [e for e in said if not isinstance(e, ev.VoiceMeasured | ev.Preparing)] == list(a_run())


@pytest.mark.parametrize(("cost", "chosen"), [(0.0, 1.3), (0.3, 1.15), (1.0, 1.0)])
def test_a_strength_is_chosen_written_down_and_said(
    shelf: Shelf, base: dict[str, float], monkeypatch: pytest.MonkeyPatch, cost: float, chosen: float
) -> None:
    opened = Opened(monkeypatch)

    def told(strength: float, count: int, seed: int) -> list[str]:
        shares = {1.0: 0, 1.15: count // 2, 1.3: count}  # passages in the shelf's manner
        return [
            story(OLD if row < shares[strength] else NEW, "Ann", 700 + seed + row, 8) for row in range(count)
        ]

    monkeypatch.setattr(
        listen,
        "tell_with",
        lambda at, title, stopped: lambda prompt, count, seed, tokens: told(at, count, seed),
    )
    monkeypatch.setattr(voice, "recited", lambda *words: 0.0)  # the invented tales are much alike
    monkeypatch.setattr(blending, "choose_model", lambda name, strength, *rest: strength)
    monkeypatch.setattr(blending, "open_chosen", lambda strength, *rest: strength)
    (paths.runs_folder() / "r").mkdir(parents=True)
    (paths.runs_folder() / "r" / "events.jsonl").touch()
    plan = dataclasses.replace(PLAN, voices=("Old",), device="cpu")
    listening = Listening(plan, (shelf,), 1000, loss_of=lambda strength: 3.0 + cost * (strength - 1))
    said = list(with_voice_events(a_run(), "r", listening))
    assert opened.computed_as == Computing(device="cpu")  # as the run itself
    kept = read_voices(paths.runs_folder() / "r")
    (event,) = [each for each in said if isinstance(each, ev.StrengthChosen)]
    (measured,) = measures(iter(said))
    assert kept is not None
    assert (kept.titles, kept.strength, event.strength, measured.strength) == (
        ("Old",),
        chosen,
        chosen,
        chosen,
    )
    assert opened.names[0] == "r/best"
    assert event.strengths[0] == 1.0 and len(event.voices) == len(event.strengths) == len(opened.names)
    assert ev.from_json(json.loads(json.dumps(ev.to_json(event)))) == event


def test_it_is_listened_to_while_it_learns_where_that_is_cheap(
    shelf: Shelf, base: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    Opened(monkeypatch)
    live = Listening(PLAN, (shelf,), 1000, lambda title: tell_as(NEW))
    during = measures(with_voice_events(a_run(), "r", live))[:-1]
    assert [each.step for each in during] == list(range(5, TOTAL, 5))
    assert {(each.of_shelf, each.of_base) for each in during} == {(0, 24)}
    base["seconds"] = 1000 * 0.05 / (TOTAL / 5) * 1.01  # a little more than a twentieth of it all
    assert len(measures(with_voice_events(a_run(), "r", live))) == 1


def test_a_run_that_was_stopped_or_has_nothing_to_be_told_from_is_not_listened_to(
    shelf: Shelf, base: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Opened(monkeypatch)
    scratch = dataclasses.replace(PLAN, base="scratch-tiny")
    assert list(with_voice_events(a_run("stopped"), "r", Listening(PLAN, (shelf,), 1000))) == list(
        a_run("stopped")
    )
    unheard = dataclasses.replace(PLAN, listen=False)
    assert list(with_voice_events(a_run(), "r", Listening(unheard, (shelf,), 1000))) == list(a_run())
    assert list(with_voice_events(a_run(), "r", Listening(scratch, (shelf,), 1000))) == list(a_run())
    assert not measures(
        with_voice_events(a_run(), "r", Listening(PLAN, (shelf,), 1000, stopped=lambda: True))
    )
    assert opened.names == []


def test_a_figure_that_cannot_be_made_ends_no_run(
    shelf: Shelf, base: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    for trouble in (ModelError("It is gone."), RuntimeError("out of memory"), OSError("full")):

        def fails(name: str, trouble: Exception = trouble, **how: object) -> object:
            raise trouble

        monkeypatch.setattr(generate, "open_teller", fails)
        said = list(with_voice_events(a_run(), "r", Listening(PLAN, (shelf,), 1000)))
        assert not measures(iter(said))
        assert isinstance(said[-1], ev.Finished)


def test_a_run_says_how_its_voice_is_in_its_journal_its_card_and_its_summary(
    starter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice, "TOKENS", 6)
    monkeypatch.setattr(voice, "BASE_PASSAGES", 6)
    monkeypatch.setattr(voice, "PASSAGES", 4)
    tales = write_collection(tmp_path / "tales", stories=4)
    plan = TrainingPlan(base="starter", collections=(str(tales),), max_steps=1, block_size=64, sample_every=0)
    said = list(learn(plan, Control(), "quiet"))
    assert isinstance(said[-1], ev.Finished)
    measured = said[-2]
    assert isinstance(measured, ev.VoiceMeasured)
    assert measured.passages == 4
    folder = paths.runs_folder() / "quiet"
    assert read_events(folder)[-2] == measured  # and what was being prepared is not kept
    assert len((folder / "events.jsonl").read_text().splitlines()) == len(read_events(folder))
    best = folder / "checkpoints" / "best"
    card = (best / "README.md").read_text(encoding="utf-8")
    assert f"Of 4 passages generated at step {measured.step}, {measured.of_shelf} sound like" in card
    assert damage_in(best.resolve()) == ""
    before = identity_of(best)
    replace_file(best.resolve(), "README.md", b"# Another card")
    assert identity_of(best) == before  # so what is known of its weights still holds
    summary = summary_of("quiet")
    assert (summary.voice, summary.passages) == (measured.of_shelf / 4, 4)
    # what the base told is kept, and told only once
    kept = list((paths.cache_folder() / "voice").iterdir())
    assert [len(json.loads(path.read_text())["passages"]) for path in kept] == [6]


def test_listening_leaves_the_model_and_torchs_random_state_alone(starter: Path) -> None:
    import torch

    from storytime_tui.models import loading
    from storytime_tui.models.tokenizer import load_tokenizer

    model = loading.load_model(starter, device=torch.device("cpu"), dtype=torch.float32, dropout=0.1).model
    model.train()
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    torch.manual_seed(3)
    before = torch.get_rng_state()
    live = listen.live_teller(model, load_tokenizer(starter), 64)
    assert live is not None
    told = live("Mill Tales")("The mouse", 3, 0, 10)
    assert len(told) == 3
    assert told == live("Mill Tales")("The mouse", 3, 0, 10) != live("")("The mouse", 3, 0, 10)
    assert torch.equal(before, torch.get_rng_state())
    assert model.training
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())


# -- evaluate --voice ------------------------------------------------------------------------------------------


def test_evaluate_says_whose_manner_a_model_tells_in(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = Origin("r", tmp_path, window=64, local=True, voices=Voices(("Old",)), base="starter")
    monkeypatch.setattr(evaluate, "find_origin", lambda name, report: known)
    monkeypatch.setattr(evaluate, "base_passages", lambda base, shelves, computing: (tuple(NEW_STORIES), 1.0))
    asked: list[object] = []

    def tell(teller: object, as_whom: object, stopped: object) -> voice.Tell:
        asked.append(as_whom)
        return tell_as(OLD if len(asked) == 1 else NEW)

    Opened(monkeypatch)
    monkeypatch.setattr(listen, "tell_with", tell)
    old, hill = str(tmp_path / "old"), str(a_shelf(tmp_path / "hill", "Hill", HILL))
    measured = evaluate.evaluate_voice("r", [old, hill], lambda *words: None)
    assert asked == [(("Old", 1.0),), None]  # behind the line that it knows, and in its usual voice
    assert measured.per_class == {"Old": 12, voice.BASE: 12}
    assert measured.share == 0.5

    monkeypatch.setattr(command, "evaluate_model", lambda *words, **more: FIGURES)
    monkeypatch.setattr(command, "evaluate_voice", lambda *words, **more: measured)
    for extra in ([], ["--voice"]):
        assert main(["evaluate", "--model", "r", "--corpus", old, "--json", *extra]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["perplexity"] == 20.0
        assert (told.get("voice"), told.get("voice_of")) == (
            (0.5, {"Old": 12, voice.BASE: 12}) if extra else (None, None)
        )
    assert main(["evaluate", "--model", "r", "--corpus", old, "--voice"]) == 0
    out = capsys.readouterr().out
    assert "voice            12 of 24 told passages sound like the shelf" in out
    assert "does not say whether a passage is good" in out


def test_one_shelf_and_a_model_of_no_known_base_is_one_sentence(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "find_origin", lambda name, report: Origin(name, tmp_path, local=True))
    with pytest.raises(ModelError, match="name a second collection"):
        evaluate.evaluate_voice("./somewhere", [str(tmp_path / "old")], lambda *words: None)


def test_a_voice_is_heard_among_the_bundled_collections_that_were_not_read(home: Path) -> None:
    """Beside the base alone, whatever is not the base's would count as the shelf's."""
    bundled = find_collection("hedgerow-tales")
    others = listen.other_styles([Shelf(bundled.title, bundled.stories)])
    assert set(others) == {"Nonsense from the Attic", "Under the Fir Trees"}
    judge = make_judge([Shelf(bundled.title, bundled.stories)], (), others)
    assert judge is not None
    told = judge.score({bundled.title: [others["Under the Fir Trees"][0]]})
    assert told.of_shelf == 0
