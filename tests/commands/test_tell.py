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
from storytime_tui.generation.computing import Computing
from storytime_tui.generation.pieces import Piece, Told
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs import generate
from storytime_tui.jobs.copied import Learned
from storytime_tui.reporting import Report
from storytime_tui.training.events import Preparing

PIECES = (Piece(5, ", an", -1.5), Piece(6, "", -0.5), Piece(7, " owl\x1b[2J [/b]", -0.25))


class FakeTeller:
    """Says `PIECES` whatever it is asked, and keeps what it was asked."""

    window = 8

    def __init__(self) -> None:
        self.name = ""
        self.strength, self.note, self.contrast = 1.0, "", 0.0
        self.opened: dict[str, object] = {}
        self.computed_as = Computing()
        self.voices: tuple[str, ...] = ()
        self.asked: tuple[str, SamplerSettings] | None = None
        self.added: dict[str, object] = {}
        self.between: Callable[[], None] = lambda: None
        self.unknown = ""

    def learned(self, report: Report) -> Learned:
        report("indexing the stories", 1, 2)
        return Learned(None, self.unknown)

    def tell_several(
        self, text: str, settings: SamplerSettings, count: int, stop: threading.Event, **added: object
    ) -> Iterator[tuple[int, Piece | Told]]:
        self.asked, self.added = (text, settings), added
        for n, piece in enumerate(PIECES):
            for row in range(count):
                if stop.is_set():
                    yield row, Told(n, 0.5, 12.5, "you")
                    return
                yield row, piece
                self.between()
        for row in range(count):
            yield row, Told(len(PIECES), 0.5, 12.5, "length")


@pytest.fixture(autouse=True)
def teller(monkeypatch: pytest.MonkeyPatch) -> FakeTeller:
    fake = FakeTeller()

    def open_teller(
        name: str, on_progress: Callable[[Preparing], None], *, strength: float | None = None, **how: object
    ) -> FakeTeller:
        on_progress(Preparing("loading the model", 0, 0))
        fake.name, fake.opened = name, {"strength": strength, **how}
        fake.computed_as = fake.opened.pop("wanted")()  # type: ignore[operator]
        fake.strength = 1.0 if strength is None else strength
        return fake

    choices = (generate.ModelChoice("grimm-2", "", ""), generate.ModelChoice("gpt2", "", ""))
    monkeypatch.setattr(generate, "open_teller", open_teller)
    monkeypatch.setattr(generate, "choices", lambda: choices)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    return fake


def pipe_in(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False, buffer=io.BytesIO(data)))


def tell(*options: str) -> int:
    return cli.main(["tell", *options])


def test_the_prompt_and_its_continuation_are_streamed(
    teller: FakeTeller, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tell("--model", "grimm", "--prompt", "Once upon a time", "--seed", "0") == 0
    out, err = capsys.readouterr()
    assert out == "Once upon a time, an owl\x1b[2J [/b]\n"  # into a pipe the text is as it is
    assert "grimm, seed 0: 3 tokens, 12.5 tokens/s" in err
    assert teller.name == "grimm"
    assert teller.asked == ("Once upon a time", SamplerSettings(finish_sentence=True))


def test_a_tale_ends_on_a_whole_sentence_unless_a_length_was_asked_for(teller: FakeTeller) -> None:
    ends = []
    for options in ([], ["--max-tokens", "9"], ["--set", "max_tokens=9"], ["--set", "finish_sentence=false"]):
        assert tell("--prompt", "Once", *options) == 0
        ends.append(teller.asked[1].finish_sentence)
    assert ends == [True, False, False, False]


def test_without_a_seed_each_telling_has_its_own_and_says_it(
    teller: FakeTeller, capsys: pytest.CaptureFixture[str]
) -> None:
    seeds = []
    for _ in range(2):
        assert tell("--model", "grimm", "--prompt", "Once") == 0
        seeds.append(teller.asked[1].seed)
        assert f"seed {seeds[-1]}:" in capsys.readouterr().err
    assert seeds[0] != seeds[1]
    assert tell("--model", " ", "--prompt", "Once") == 1
    assert "--model is empty" in capsys.readouterr().err


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
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    tell("--prompt", "\x1b]0;title\x07")
    out = capsys.readouterr().out
    assert out == "␛]0;title␇, an owl␛[2J [/b]\n"


def test_json_is_one_object_a_line(teller: FakeTeller, capsys: pytest.CaptureFixture[str]) -> None:
    assert tell("--prompt", "Once", "--json", "--seed", "7") == 0
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
            "read": 0,
            "reused": 0,
            "seen": None,
            "banned": [],
            "seed": 7,
            "voice": [],
            "strength": 1.0,
            "contrast": 0.0,
        },
    ]


def test_several_continuations_are_printed_whole_and_numbered_in_json(
    teller: FakeTeller, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tell("--prompt", "Once", "--n", "2", "--memory", "A wood.", "--note", "Be brief.") == 0
    out, err = capsys.readouterr()
    assert out == "".join(f"--- {row} ---\nOnce, an owl\x1b[2J [/b]\n" for row in (1, 2))
    assert "6 tokens, 25.0 tokens/s" in err
    assert teller.added == {"memory": "A wood.", "note": "Be brief.", "voice": (), "alternatives": 0}
    tell("--prompt", "Once", "--n", "2", "--json", "--alternatives", "3")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["continuation"] for line in lines] == [0, 1, 0, 1, 0, 1, 0, 1]
    assert teller.added["alternatives"] == 3


@pytest.mark.parametrize(
    ("options", "voice", "names"),
    [
        ([], (("Hedgerow Tales", 1.0),), ["Hedgerow Tales"]),
        (["--voice", "grimm"], (("Grimm", 1.0),), ["Grimm"]),
        (
            ["--voice", "hedge", "--voice", "Grimm=0.25"],
            (("Hedgerow Tales", 0.75), ("Grimm", 0.25)),
            ["Hedgerow Tales", "Grimm"],
        ),
        (["--voice", "none"], (), []),
        (["--no-voice"], (), []),
    ],
)
def test_a_voice_is_the_first_that_the_model_knows_unless_another_or_none_is_asked_for(
    options: list[str],
    voice: tuple[tuple[str, float], ...],
    names: list[str],
    teller: FakeTeller,
    capsys: pytest.CaptureFixture[str],
) -> None:
    teller.voices = ("Hedgerow Tales", "Grimm")
    assert tell("--prompt", "Once", "--json", *options) == 0
    assert teller.added["voice"] == voice
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["voice"] == names
    assert tell("--model", "run", "--prompt", "Once", "--seed", "3", *options) == 0
    out, err = capsys.readouterr()
    assert "Shelf" not in out and not any(name in out for name in names)
    assert err.startswith(f"run{' as' * bool(names)}") and all(name in err for name in names)


@pytest.mark.parametrize(
    ("options", "knows", "code", "says"),
    [
        (
            ["--voice", "Perrault"],
            ("Grimm", "Carroll"),
            1,
            "no voice 'Perrault'; it knows Grimm and Carroll.",
        ),
        (["--voice", "Grimm"], (), 1, "This model knows no voices"),
        (["--voice", "a", "--voice", "b", "--voice", "c"], ("Grimm",), 2, "names 3 voices, but at most 2"),
        (["--voice", "Grimm=0.3"], ("Grimm",), 2, "no second voice"),
        (["--voice", "Grimm", "--no-voice"], ("Grimm",), 2, "exclude each other"),
        (["--voice", " "], ("Grimm",), 1, "--voice is empty"),
    ],
)
def test_a_voice_that_cannot_be_is_one_line(
    options: list[str],
    knows: tuple[str, ...],
    code: int,
    says: str,
    teller: FakeTeller,
    capsys: pytest.CaptureFixture[str],
) -> None:
    teller.voices = knows
    assert tell("--prompt", "Once", *options) == code
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1) and says in err
    assert teller.asked is None


def test_a_pipe_in_utf_16_is_read(monkeypatch: pytest.MonkeyPatch, teller: FakeTeller) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        pipe_in(monkeypatch, "Der Bär\r\nsaß.\n".encode(encoding))
        tell()
        assert teller.asked is not None and teller.asked[0] == "Der Bär\nsaß."


def test_a_preset_is_the_ground_that_options_stand_on(teller: FakeTeller) -> None:
    tell("--preset", "wild", "--top-p", "0.5")
    assert teller.asked is not None
    assert teller.asked[1].temperature == 1.25 and teller.asked[1].top_p == 0.5


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--n", "0"), "from 1 to 64"),
        (("--alternatives", "2"), "needs --json"),
        (("--preset", "mad"), "There is no preset 'mad'; there are 'steady'"),
        (("--temperature", "9"), "temperature is 9.0, but must be from 0 to 5"),
        (("--set", "top_q=1"), "Did you mean 'top_"),
        (("--set", "stop=,"), "write a space as"),
    ],
)
def test_what_cannot_be_is_said(
    options: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tell("--prompt", "Once", *options) == 2
    assert says in capsys.readouterr().err


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
        (["--set", "warmth=2"], "Unknown setting 'warmth'"),
        (["--set", "seed"], "KEY=VALUE"),
        (["--max-tokens", "0"], "max_tokens is 0"),
        (["--strength", "2.5"], "strength is 2.5, but must be from 0"),
        (["--strength", "-1"], "strength is -1"),
        (["--strength", "nan"], "strength is nan"),
        (["--strength", "inf"], "strength is inf"),
        (["--strength", "strong"], "--strength is 'strong', but must be a number"),
        (["--contrast", "2.5"], "contrast is 2.5, but must be from 0 (off) to 2"),
        (["--contrast", "nan"], "contrast is nan"),
        (["--blend", "other"], "--blend is 'other', but must be RUN=NUMBER"),
        (["--blend", "=0.4"], "--blend is '=0.4'"),
        (["--blend", "other=much"], "--blend is 'other=much'"),
        (["--blend", "other=1.5"], "share of other in the blend is 1.5"),
        (["--blend", "other=nan"], "share of other in the blend is nan"),
        (["--blend", "a=0.6", "--blend", "b=0.6"], "shares in the blend sum to 1.2"),
        (["--blend", "a=0.6", "--blend", "a=0.1"], "names a twice"),
    ],
)
def test_a_setting_that_cannot_work_is_one_line(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str], teller: FakeTeller
) -> None:
    assert tell(*options) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert said in err
    assert teller.asked is None


def test_a_strength_and_other_runs_are_asked_for_and_said(
    teller: FakeTeller, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tell("--prompt", "Once") == 0
    assert teller.opened == {"strength": None, "blend": [], "contrast": None}
    assert "grimm-2, seed" in capsys.readouterr().err
    options = (
        "--prompt",
        "Once",
        "--strength",
        "1.25",
        "--contrast",
        "0.5",
        "--blend",
        "a=b=0.4",
        "--blend",
        "potter-1=.1",
    )
    assert tell(*options) == 0
    assert teller.opened == {
        "strength": 1.25,
        "contrast": 0.5,
        "blend": [("a=b", 0.4), ("potter-1", 0.1)],
    }
    assert "grimm-2 + 0.4 a=b + 0.1 potter-1, strength 1.25, seed" in capsys.readouterr().err
    assert tell(*options, "--json") == 0
    closing = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (closing["strength"], closing["blend"]) == (1.25, {"a=b": 0.4, "potter-1": 0.1})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], 0),
        (["--avoid-copying"], 8),
        (["--avoid-copying", "5"], 5),
        (["--set", "avoid_copying=6"], 6),
        (["--preset", "wild", "--avoid-copying"], 8),
    ],
)
def test_copying_is_avoided_when_asked_and_it_is_said_where_it_cannot_be(
    teller: FakeTeller, capsys: pytest.CaptureFixture[str], options: list[str], words: int
) -> None:
    teller.unknown = "It is not known what grimm\x1b learned from."
    assert tell("--model", "grimm", "--prompt", "Once", *options) == 0
    assert teller.asked and teller.asked[1].avoid_copying == words
    assert ("It is not known what grimm\u241b learned from." in capsys.readouterr().err) == (words > 0)


def test_a_number_that_is_none_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell("--max-tokens", "many") == 2
    assert "max_tokens is 'many', but must be a whole number from 1 to 1,000,000" in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--prompt", "-"]])
@pytest.mark.parametrize(
    ("data", "prompt"),
    [
        (b"Once\n", "Once"),
        (b"Once\r\nupon\r\n", "Once\nupon"),
        (b"Once\n\n", "Once\n"),
        (b"", ""),
        (b"caf\xc3\xa9\0", "café\0"),
        (b"\xef\xbb\xbfOnce", "Once"),
        ("Once".encode("utf-16"), "Once"),
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
    tell("--prompt", "given")
    assert teller.asked is not None
    assert teller.asked[0] == "given"


@pytest.mark.parametrize("data", [b"caf\xe9", b"\xff\xfeO"])
def test_a_pipe_that_is_not_utf8_is_a_sentence(
    data: bytes,
    monkeypatch: pytest.MonkeyPatch,
    teller: FakeTeller,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pipe_in(monkeypatch, data)
    assert tell() == 1
    assert teller.asked is None
    assert "not UTF-8 text (at byte" in capsys.readouterr().err


def test_the_newest_run_tells_unless_another_is_named(
    teller: FakeTeller, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tell()
    assert teller.name == "grimm-2"
    monkeypatch.setattr(generate, "choices", lambda: (generate.ModelChoice("gpt2", "", ""),))
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
    def interrupted(name: str, on_progress: Callable[[Preparing], None], **how: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(generate, "open_teller", interrupted)
    # tests that were started in the background would ignore the signal, as any program does there
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert tell("--prompt", "Once") == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().out == ""
