"""`explain` prints a line or an object for each token, in 80 columns, and nothing that a terminal would obey."""

import io
import json
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from storytime_tui import cli
from storytime_tui.commands import explain as command
from storytime_tui.generation.voice import Voice
from storytime_tui.jobs.explain import Explainer, Likely, OpenedModel, Scored, TokenExplained
from storytime_tui.reporting import Report
from storytime_tui.terminal import cells

LIKELIEST = (Likely(" mouse", -0.5), Likely("\x1b[2J\r", -1.0), Likely("", -2.0), Likely(" rare", -9.0))
TOKENS = (
    TokenExplained(5, "Once", -0.001, 1, LIKELIEST, Scored(-0.002, 1, LIKELIEST[1:])),
    TokenExplained(6, " \x1b[31m\u202e", -4.5, 8_191, LIKELIEST, Scored(-1.25, 2, LIKELIEST)),
    TokenExplained(7, "", -12.0, 50_257, LIKELIEST, Scored(-12.0, 50_257, LIKELIEST[2:])),
    TokenExplained(8, "\n\n\u3000日本語" + "x" * 99, -1.0, 2, LIKELIEST, Scored(-30.0, 3, LIKELIEST)),
)
TEXT = "Once \x1b[31m\u202e…"


class Jobs:
    """Stands for the job: opens nothing, and keeps what it was asked."""

    def __init__(self) -> None:
        self.opened: tuple[str, dict[str, Any]] = ("", {})
        self.explained: tuple[str, tuple[Voice, ...]] = ("", ())
        self.told_at = 1.0

    def open(self, model: str, report: Report, **how: Any) -> Explainer:
        report("loading the model", 0, 0)
        self.opened = model, how
        names = [model] if how["versus"] is None else [model, how["versus"]]
        return Explainer(*(self.model(name) for name in names))

    def model(self, name: str) -> OpenedModel:
        unused: Any = None
        return OpenedModel(name, ("Grimm", "Hill"), self.told_at, unused, unused, 8, unused, "fp32")

    def explain(
        self, explainer: Explainer, text: str, voices: tuple[Voice, ...], report: Report
    ) -> Iterator[TokenExplained]:
        self.explained = text, voices
        for token in TOKENS:
            versus = None if explainer.versus is None else token.versus
            yield TokenExplained(token.id, token.text, token.logprob, token.rank, token.likeliest, versus)


@pytest.fixture(autouse=True)
def jobs(monkeypatch: pytest.MonkeyPatch) -> Jobs:
    fake = Jobs()
    monkeypatch.setattr(command, "open_explainer", fake.open)
    monkeypatch.setattr(command, "explain_text", fake.explain)
    return fake


def pipe_in(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False, buffer=io.BytesIO(data)))


def explain(*options: str) -> int:
    return cli.main(["explain", "--model", "run", *options])


def test_json_is_one_object_a_token_and_a_closing_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain("--text", TEXT, "--json") == 0
    *tokens, end = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert tokens[0] == {
        "event": "token",
        "id": 5,
        "text": "Once",
        "logprob": -0.001,
        "rank": 1,
        "likeliest": [{"text": each.text, "logprob": each.logprob} for each in LIKELIEST],
    }
    assert [token["id"] for token in tokens] == [5, 6, 7, 8]
    size = len(TEXT.encode())
    assert end == {
        "event": "finished",
        "model": "run",
        "voice": ["Grimm"],
        "bits_per_byte": pytest.approx(17.501 / 0.6931471805599453 / size),
        "tokens": 4,
        "bytes": size,
    }


def test_json_has_the_second_models_figures_and_the_difference(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain("--text", TEXT, "--json", "--versus", "base", "--voice", "hill") == 0
    *tokens, end = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert tokens[1]["versus"].keys() == {"logprob", "rank", "likeliest"}
    assert (tokens[1]["versus"]["logprob"], tokens[1]["difference"]) == (-1.25, -3.25)
    assert end["versus"] == {
        "model": "base",
        "voice": ["Hill"],
        "bits_per_byte": pytest.approx(43.252 / 0.6931471805599453 / end["bytes"]),
    }
    assert end["voice"] == ["Hill"]


@pytest.mark.parametrize("options", [(), ("--versus", "base" * 40)])
def test_the_table_fits_80_columns_and_holds_no_control_character(
    options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain("--text", TEXT, *options) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert all(cells(line) <= 80 for line in [*lines, *err.splitlines()])
    assert not any(sign in out + err for sign in "\x1b\r\t\u202e")
    assert [line.split()[0] for line in lines[:4]] == ["token", "Once", "·␛[31m�", "…"]
    assert lines[4].startswith("␊␊·日本語x") and "…" in lines[4]
    assert lines[5] == "" and lines[6].startswith("4 tokens, 16 bytes: ")
    assert "comes after an end-of-text and the shelf's line" in " ".join(err.split())


def test_the_table_shows_probability_rank_and_what_was_likelier(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain("--text", TEXT) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[1] == "Once             100%     0.00       1  ·mouse 61%  ␛[2J␍ 37%  (end) 14%"
    assert out[3].split()[1:4] == ["<0.1%", "-12.00", "50,257"]
    assert out[-1] == "4 tokens, 16 bytes: 1.5780 bits per byte under run (as Grimm)."
    assert explain("--text", TEXT, "--versus", "base") == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[2].split() == [
        "·␛[31m�", "1.1%", "8,191", "29%", "2", "-3.25", "·mouse", "·mouse",
    ]  # fmt: skip
    assert "under run (as Grimm), 3.9000 under base (as Grimm)." in " ".join(out.split())
    assert "above 0, run finds the token likelier" in " ".join(err.split())


def test_the_text_comes_from_an_option_or_from_standard_input(
    monkeypatch: pytest.MonkeyPatch, jobs: Jobs, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe_in(monkeypatch, b"never read")
    assert explain("--text", " Once\n") == 0
    assert jobs.explained[0] == " Once\n"
    for options in ((), ("--text", "-")):
        pipe_in(monkeypatch, "Der Bär\r\nsaß.\n".encode("utf-16"))
        assert explain(*options) == 0
        assert jobs.explained[0] == "Der Bär\nsaß."
    capsys.readouterr()
    terminal = SimpleNamespace(isatty=lambda: True, buffer=io.BytesIO(b"Once\n"))
    monkeypatch.setattr(sys, "stdin", terminal)
    assert explain() == 0
    assert capsys.readouterr().err.startswith("Type the text. Ctrl+D")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "The text is empty"),
        (b" \n\t\n", "The text is empty"),
        (b"a\xff", "The text on standard input is not UTF-8 text (at byte 1)"),
        (b"a" * 2_000_001, "The text on standard input is longer than 2,000,000 bytes"),
    ],
    ids=["empty", "spaces", "not UTF-8", "long"],
)
def test_a_text_that_cannot_be_is_one_line_before_a_model_is_opened(
    data: bytes,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    jobs: Jobs,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pipe_in(monkeypatch, data)
    assert explain() == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1) and says in err
    assert jobs.opened == ("", {})


def test_every_option_reaches_the_job(jobs: Jobs, capsys: pytest.CaptureFixture[str]) -> None:
    jobs.told_at = 1.3
    assert explain("--text", "x", "--checkpoint", "step-20", "--device", "cpu", "--precision", "bf16") == 0
    how = {"versus": None, "checkpoint": "step-20", "device_name": "cpu", "precision": "bf16"}
    assert jobs.opened == ("run", how)
    assert jobs.explained == ("x", ((("Grimm", 1.0),),))
    assert "run is explained at strength 1, as trained; `tell` uses 1.3." in capsys.readouterr().err
    assert explain("--text", "x", "--voice", "none") == 0
    assert jobs.explained == ("x", ((),))
    assert "end-of-text." in capsys.readouterr().err
