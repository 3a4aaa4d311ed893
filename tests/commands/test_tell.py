"""`tell` streams what the workshop's teller says, as text or as JSON, and stops with its text kept."""

import io
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from storytime_tui import cli
from storytime_tui.generation.pieces import Piece, Told
from storytime_tui.generation.settings import SamplerSettings
from storytime_tui.training.events import Preparing
from storytime_tui.workshop import telling

PIECES = (Piece(5, ", an", -1.5), Piece(6, "", -0.5), Piece(7, " owl\x1b[2J [/b]", -0.25))


class FakeTeller:
    """Says `PIECES` whatever it is asked, and keeps what it was asked."""

    window = 8

    def __init__(self) -> None:
        self.name = ""
        self.asked: tuple[str, SamplerSettings] | None = None
        self.between: Callable[[], None] = lambda: None
        self.tail = ""

    def tell(self, text: str, settings: SamplerSettings, stop: threading.Event) -> Iterator[Piece | Told]:
        self.asked = text, settings
        for n, piece in enumerate(PIECES):
            if stop.is_set():
                yield Told(n, 0.5, 12.5, "you", self.tail)
                return
            yield piece
            self.between()
        yield Told(len(PIECES), 0.5, 12.5, "length", self.tail)


@pytest.fixture(autouse=True)
def teller(monkeypatch: pytest.MonkeyPatch) -> FakeTeller:
    fake = FakeTeller()

    def open_teller(name: str, on_progress: Callable[[Preparing], None]) -> FakeTeller:
        on_progress(Preparing("waking the model", 0, 0))
        fake.name = name
        return fake

    choices = (telling.ModelChoice("grimm-2", "", ""), telling.ModelChoice("gpt2", "", ""))
    monkeypatch.setattr(telling, "open_teller", open_teller)
    monkeypatch.setattr(telling, "choices", lambda: choices)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    return fake


def pipe_in(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False, buffer=io.BytesIO(data)))


def tell(*options: str) -> int:
    return cli.main(["tell", *options])


def test_the_prompt_and_its_continuation_are_streamed(
    teller: FakeTeller, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tell("--model", "grimm", "--prompt", "Once upon a time") == 0
    out, err = capsys.readouterr()
    assert out == "Once upon a time, an owl\x1b[2J [/b]\n"  # into a pipe the text is as it is
    assert "3 tokens, 12.5 tokens/s" in err
    assert teller.name == "grimm"
    assert teller.asked == ("Once upon a time", SamplerSettings())


def test_each_piece_is_there_before_the_next_is_asked_for(
    teller: FakeTeller, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []
    teller.between = lambda: seen.append(capsys.readouterr().out)
    tell("--prompt", "Once")
    assert seen == ["Once, an", "", " owl\x1b[2J [/b]"]


def test_a_terminal_is_sent_no_control_character(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], teller: FakeTeller
) -> None:
    teller.tail = "\x9b2J"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    tell("--prompt", "\x1b]0;title\x07")
    out = capsys.readouterr().out
    assert out == "␛]0;title␇, an owl␛[2J [/b]\ufffd2J\n"


def test_json_is_one_object_a_line(teller: FakeTeller, capsys: pytest.CaptureFixture[str]) -> None:
    teller.tail = "\ufffd"
    assert tell("--prompt", "Once", "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        {"event": "token", "token": 5, "text": ", an", "logprob": -1.5},
        {"event": "token", "token": 6, "text": "", "logprob": -0.5},
        {"event": "token", "token": 7, "text": " owl\x1b[2J [/b]", "logprob": -0.25},
        {
            "event": "finished",
            "tokens": 3,
            "first_token_seconds": 0.5,
            "tokens_per_second": 12.5,
            "stopped_by": "length",
            "tail": "\ufffd",
        },
    ]


def test_every_setting_is_reached_and_an_option_wins_over_set(teller: FakeTeller) -> None:
    tell(
        "--max-tokens",
        "9",
        "--temperature",
        "0",
        "--top-k",
        "40",
        "--top-p",
        "0.5",
        "--seed",
        "3",
        "--set",
        "seed=4",
    )
    assert teller.asked == ("", SamplerSettings(temperature=0, top_k=40, top_p=0.5, max_tokens=9, seed=3))
    tell("--set", "seed=4", "--set", "temperature=1.5", "--set", "max_tokens=2")
    assert teller.asked == ("", SamplerSettings(temperature=1.5, max_tokens=2, seed=4))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--top-p", "2"], "top_p is 2.0, but must be above 0"),
        (["--temperature", "nan"], "temperature is nan"),
        (["--set", "warmth=2"], "no sampler setting 'warmth'"),
        (["--set", "seed"], "KEY=VALUE"),
        (["--max-tokens", "0"], "max_tokens is 0"),
    ],
)
def test_a_setting_that_cannot_work_is_one_line(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str], teller: FakeTeller
) -> None:
    assert tell(*options) == 1
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert said in err
    assert teller.asked is None


def test_a_number_that_is_none_is_bad_usage() -> None:
    with pytest.raises(SystemExit) as left:
        tell("--max-tokens", "many")
    assert left.value.code == 2


@pytest.mark.parametrize("options", [[], ["--prompt", "-"]])
@pytest.mark.parametrize(
    ("data", "prompt"),
    [
        (b"Once\n", "Once"),
        (b"Once\r\nupon\r\n", "Once\nupon"),
        (b"Once\n\n", "Once\n"),
        (b"", ""),
        (b"caf\xc3\xa9 \xff\0", "café \ufffd\0"),
    ],
)
def test_a_pipe_is_the_prompt(
    options: list[str], data: bytes, prompt: str, monkeypatch: pytest.MonkeyPatch, teller: FakeTeller
) -> None:
    pipe_in(monkeypatch, data)
    assert tell(*options) == 0
    assert teller.asked is not None
    assert teller.asked[0] == prompt


def test_a_prompt_given_in_words_leaves_the_pipe_alone(
    monkeypatch: pytest.MonkeyPatch, teller: FakeTeller
) -> None:
    pipe_in(monkeypatch, b"piped")
    tell("--prompt", "given\udcff")
    assert teller.asked is not None
    assert teller.asked[0] == "given\ufffd"


def test_the_newest_run_tells_unless_another_is_named(
    teller: FakeTeller, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tell()
    assert teller.name == "grimm-2"
    monkeypatch.setattr(telling, "choices", lambda: (telling.ModelChoice("gpt2", "", ""),))
    capsys.readouterr()
    assert tell() == 1
    assert "storytime-tui train --corpus" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal to send to oneself like this")
@pytest.mark.parametrize("as_json", [False, True])
def test_an_interrupt_keeps_the_text_and_exits_with_130(
    as_json: bool, teller: FakeTeller, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGINT)
    teller.between = lambda: os.kill(os.getpid(), signal.SIGINT)
    assert tell("--prompt", "Once", *(["--json"] if as_json else [])) == 130
    out = capsys.readouterr().out
    if as_json:
        assert json.loads(out.splitlines()[-1])["stopped_by"] == "you"
    else:
        assert out == "Once, an\n"
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal to send to oneself like this")
def test_an_interrupt_while_the_model_is_loaded_ends_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(name: str, on_progress: Callable[[Preparing], None]) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(telling, "open_teller", interrupted)
    # tests that were started in the background would ignore the signal, as any program does there
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert tell("--prompt", "Once") == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().out == ""
