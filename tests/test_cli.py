"""The command line as a stranger meets it: exit codes, one clear line, JSON on stdout and words on stderr."""

import argparse
import json
import re
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from storytime_tui import paths
from storytime_tui.cli import main
from storytime_tui.commands import evaluate, train
from tests.tiny import tale, write_collection

TINY = [
    "--base",
    "scratch-2x64",
    "--max-steps",
    "6",
    "--set",
    "block_size=64",
    "--set",
    "batch_size=4",
    "--set",
    "accumulation=1",
    "--set",
    "evaluate_every=3",
    "--set",
    "sample_tokens=5",
]


@pytest.fixture
def tales(tmp_path: Path) -> Path:
    return write_collection(tmp_path / "tales")


def objects(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_train_evaluate_tell_and_runs_speak_json(
    tales: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--corpus", str(tales), *TINY, "--run", "r", "--json"]) == 0
    said = objects(capsys.readouterr().out)
    assert said[0]["event"] == "started"
    assert {"step", "loss", "learning_rate", "tokens_per_second"} <= next(
        e for e in said if e["event"] == "step_done"
    ).keys()
    assert {"validation_loss", "perplexity", "bits_per_byte"} <= next(
        e for e in said if e["event"] == "evaluated"
    ).keys()
    assert (said[-1]["event"], said[-1]["run"]) == ("finished", "r")
    assert said[-1]["best_validation_loss"]

    assert main(["evaluate", "--model", "r", "--corpus", str(tales), "--json"]) == 0
    (figures,) = objects(capsys.readouterr().out)
    assert {"validation_loss", "perplexity", "bits_per_byte", "bytes"} <= figures.keys()
    assert main(["evaluate", "--model", "r", "--corpus", str(tales)]) == 0
    assert f"Only {figures['tokens']:,} tokens" in capsys.readouterr().err

    assert (
        main(["tell", "--model", "r", "--prompt", "The mouse", "--max-tokens", "7", "--seed", "1", "--json"])
        == 0
    )
    told = objects(capsys.readouterr().out)
    assert {"token", "text", "logprob"} <= told[0].keys()
    assert {"tokens", "first_token_seconds", "tokens_per_second", "stopped_by"} <= told[-1].keys()

    both = ["--model", "r", "--checkpoint", "last", "--versus", "r/step-3"]
    assert main(["explain", *both, "--text", "The mouse hid.", "--json"]) == 0
    *tokens, end = objects(capsys.readouterr().out)
    assert [(end["model"], end["versus"]["model"])] == [("r/last", "r/step-3")]  # type: ignore[index]
    assert "".join(str(token["text"]) for token in tokens) == "The mouse hid."
    assert all(token["difference"] for token in tokens)

    assert main(["runs", "list", "--json"]) == 0
    (run,) = objects(capsys.readouterr().out)
    assert (run["name"], run["state"]) == ("r", "finished")
    assert main(["runs", "show", "r", "--json"]) == 0
    (shown,) = objects(capsys.readouterr().out)
    assert len(shown["evaluations"]) == 3  # type: ignore[arg-type]

    # all of it can hold words of a story
    assert main(["corpus", "add", str(tales)]) == 0
    files = list(home.rglob("*"))
    assert {"events.jsonl", "collection.toml", "storytime.log"} <= {path.name for path in files}
    assert [path for path in [home, *files] if not path.is_symlink() and path.stat().st_mode & 0o077] == []


def test_train_speaks_words_without_json(tales: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert main(["train", "--corpus", str(tales), *TINY]) == 0
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    out = capsys.readouterr().out
    assert "baseline (word frequency): validation loss" in out
    assert len(re.findall(r"^step .* validation loss [0-9.]+", out, re.M)) == 3
    assert "tell with: storytime-tui tell --model tales-1" in out
    assert main(["runs", "list"]) == 0
    assert main(["runs", "show", "tales-1"]) == 0
    assert "validation loss" in capsys.readouterr().out
    assert main(["tell", "--prompt", "The frog", "--max-tokens", "5"]) == 0
    assert capsys.readouterr().out.startswith("The frog")


@pytest.mark.parametrize(("verb", "more"), [(train, []), (evaluate, ["--model", "m"])])
def test_collections_are_named_together_or_one_by_one(verb: ModuleType, more: list[str]) -> None:
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    for words in (["one", "two", "three"], ["one", "--corpus", "two", "three"]):
        assert parser.parse_args([*more, "--corpus", *words]).corpus == ["one", "two", "three"]


def test_a_mistake_in_the_settings_is_said_once_and_stops_nothing(
    tales: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "settings.toml").write_text('colour = "red"\ntemperature = 7\ndevice = "cpu"\n')
    assert main(["train", "--corpus", str(tales), *TINY]) == 0
    said = capsys.readouterr().err
    assert said.count("Unknown setting 'colour'") == said.count("temperature is 7, but must be") == 1
    assert main(["doctor"]) == 1
    assert "Unknown setting 'colour'" in capsys.readouterr().out


def bad_inputs(folder: Path) -> dict[str, tuple[list[str], str]]:
    empty = folder / "empty"
    empty.mkdir()
    binary = folder / "binary.txt"
    binary.write_bytes(bytes(range(256)) * 40)
    locked = folder / "locked.txt"
    locked.write_text(tale(1))
    short = folder / "short"
    short.mkdir()
    (short / "one.txt").write_text("A mouse slept well.\n\nA frog did not.")
    plan = folder / "plan.toml"
    plan.write_text("colour = 'red'\n")
    tales = str(folder / "tales")
    return {
        "empty folder": (["corpus", "add", str(empty)], "empty"),
        "binary file": (["corpus", "add", str(binary)], "binary.txt"),
        "no permission": (["corpus", "add", str(locked)], "locked.txt"),
        "nothing there": (["corpus", "add", str(folder / "nowhere")], "nowhere"),
        "too short": (["train", "--corpus", str(short), "--base", "scratch-tiny"], "pick more stories"),
        "unknown collection": (["train", "--corpus", "grim", "--base", "scratch-tiny"], "grim"),
        "no collection": (["train", "--base", "scratch-tiny"], "No collection is chosen"),
        "unknown setting in the TOML": (["train", "--plan", str(plan)], "Unknown setting 'colour'"),
        "no such run": (["train", "--resume", "nobody"], "no run called 'nobody'"),
        "no such run to show": (["runs", "show", "nobody"], "no run called 'nobody'"),
        "untrained": (["tell", "--model", "scratch-tiny", "--prompt", "x"], "train it on a collection first"),
        "untrained to measure": (
            ["evaluate", "--model", "scratch-tiny", "--corpus", tales],
            "random weights",
        ),
        "untrained to explain": (["explain", "--model", "scratch-tiny", "--text", "x"], "random weights"),
        "no checkpoint of a base": (
            ["explain", "--model", "starter", "--checkpoint", "last", "--text", "x"],
            "no run called 'starter'",
        ),
        "a folder without a model": (["evaluate", "--model", str(empty), "--corpus", tales], "empty"),
    }


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("colour=red", "Unknown setting 'colour'"),
        ("epochs", "--set takes KEY=VALUE"),
        ("epochs=abc", "epochs is 'abc', but must be a number"),
    ],
)
def test_a_wrong_set_is_bad_usage_and_exits_with_2(
    assignment: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--corpus", "tales", "--set", assignment]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    "case",
    [
        "empty folder",
        "binary file",
        "no permission",
        "nothing there",
        "too short",
        "unknown collection",
        "no collection",
        "unknown setting in the TOML",
        "no such run",
        "no such run to show",
        "untrained",
        "untrained to measure",
        "untrained to explain",
        "no checkpoint of a base",
        "a folder without a model",
    ],
)
def test_bad_input_gets_one_clear_line_and_exit_1(
    case: str,
    tmp_path: Path,
    tales: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    argv, says = bad_inputs(tmp_path)[case]
    if case == "no permission":  # root may read everything, so the refusal is made here, for everybody alike
        opening = Path.open

        def refuse(path: Path, *args: Any, **kwargs: Any) -> Any:
            if path.name == "locked.txt":
                raise PermissionError(13, "Permission denied", str(path))
            return opening(path, *args, **kwargs)

        monkeypatch.setattr(Path, "open", refuse)
    assert main(argv) == 1
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.strip().splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("storytime-tui: ")
    assert lines[0].endswith(".")
    assert says in lines[0]


@pytest.mark.parametrize("argv", [["dance"], ["train", "--bogus"], ["corpus"], ["bench"], ["--nonsense"]])
def test_misuse_exits_with_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "meant"),
    [
        (["trian"], "train"),
        (["runs", "lst"], "list"),
        (["runs", "export", "r", "--to", "x", "--dtype", "fp61"], "fp16"),
    ],
)
def test_of_a_misspelt_verb_or_value_the_near_one_is_named(
    argv: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert f": did you mean {meant}" in last and last.endswith("?") and "choose from" not in last


@pytest.mark.parametrize("argv", [["qqqqq"], ["runs", "qqqqq"]])
def test_a_verb_that_is_near_none_gets_the_list_of_all(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(argv)
    assert "choose from" in capsys.readouterr().err


def test_what_nobody_foresaw_is_one_line_too_and_the_log_has_the_rest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    from storytime_tui.commands import runs

    def stumble() -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(runs, "run_records", stumble)
    assert main(["runs", "list"]) == 1
    err = capsys.readouterr().err
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err
    assert "ZeroDivisionError" in (home / "logs" / "storytime.log").read_text()


class PanicException(BaseException):
    """As Rust's libraries raise it: no Exception."""

    __module__ = "pyo3_runtime"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (PanicException("index out of bounds"), "PanicException: index out of bounds"),
        (RecursionError("maximum recursion depth exceeded"), "RecursionError"),
        (MemoryError(), "The memory is full"),
        (
            PermissionError(13, "Permission denied", "/nowhere/x"),
            "/nowhere/x cannot be used: permission denied.",
        ),
        (OSError(36, "File name too long", "x" * 5000), "xxx… cannot be used: file name too long."),
        (OSError(28, "No space left on device"), "The disk is full"),
        (ValueError("\x1b[2J\x1b]0;mine\x07"), "␛[2J␛]0;mine␇"),
    ],
)
def test_whatever_is_raised_is_one_sentence(
    error: BaseException,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from storytime_tui.commands import runs

    def stumble() -> None:
        raise error

    monkeypatch.setattr(runs, "run_records", stumble)
    assert main(["runs", "list"]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and says in err and len(err) < 1000


@pytest.mark.parametrize(
    "words",
    [
        ["tell", "--prompt", "\udcff"],
        ["tell", "--memory", "Once \udcff"],
        ["tell", "--note", "\udcff"],
        ["tell", "--set", "bias=\udcff=1"],
        ["tell", "--model", "\udcff"],
        ["train", "--corpus", "tales", "--set", "sample_prompt=\udcff"],
        ["train", "--corpus", "tales", "--run", "\udcff"],
        ["train", "--corpus", "tales", "\udcff"],
        ["corpus", "rename", "hedgerow-tales", "\udcff"],
        ["corpus", "search", "--offline", "\udcff"],
    ],
)
def test_an_argument_that_is_no_text_is_a_sentence_and_leaves_nothing(
    words: list[str], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 1
    err = capsys.readouterr().err
    assert "is not UTF-8 text" in err and err.count("\n") == 1
    assert not (home / "runs").exists()


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="file names are text there")
def test_a_file_may_have_any_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_collection(tmp_path / "caf\udce9")
    assert main(["corpus", "show", str(folder)]) == 0
    assert main(["corpus", "add", str(folder)]) == 0
    assert "Added caf" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [["train", "--b\x1b[2J"], ["corpus", "list", "\x1b]0;mine\x07"], ["\x1b[2J"]]
)
def test_misuse_is_repeated_without_being_obeyed(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize("size", ["inf", "nan", "1e400", "9" * 400 + "GB", "0", "-1", "0.001"])
def test_a_size_that_is_none_is_misuse(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["runs", "export", "a", "--to", "x", f"--shard-size={size}"])
    assert left.value.code == 2
    err = capsys.readouterr().err
    assert "is not a size: write one such as 15MB" in err and len(err) < 1000


LONG = "x" * 5000


@pytest.mark.parametrize(
    "words",
    [
        ["corpus", "add", LONG],
        ["corpus", "show", LONG],
        ["corpus", "rename", LONG, "Tales"],
        ["corpus", "remove", LONG],
        ["corpus", "restore", LONG],
        ["train", "--corpus", LONG],
        ["train", "--corpus", "hedgerow-tales", "--base", LONG],
        ["train", "--corpus", "hedgerow-tales", "--run", LONG],
        ["train", "--plan", LONG],
        ["train", "--resume", LONG],
        ["train", "--set", LONG],
        ["tell", "--prompt", "a", "--model", LONG],
        ["evaluate", "--corpus", "hedgerow-tales", "--model", LONG],
        ["explain", "--text", "a", "--model", LONG],
        ["copied", "--corpus", LONG],
        ["copied", "--run", LONG],
        ["copied", "--corpus", "hedgerow-tales", LONG],
        ["explain", "--text", "a", "--model", "r", "--checkpoint", LONG],
        ["runs", "show", LONG],
        ["runs", "export", "a", "--to", LONG],
        ["runs", "remove", LONG],
        ["runs", "restore", LONG],
        ["stories", "show", LONG],
        ["stories", "rename", LONG, "Tales"],
        ["stories", "remove", LONG],
        ["stories", "restore", LONG],
        ["stories", "import", f"{LONG}.txt"],
        ["stories", "export", "1", "--to", f"{LONG}.txt"],
    ],
    ids=lambda words: " ".join(words)[:40],
)
def test_a_name_of_thousands_of_letters_is_a_sentence(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == (2 if "--set" in words else 1)
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "unexpected" not in err and len(err) < 1500


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["tell", "--temperature", "99"], "from 0 to 5"),
        (["tell", "--n", "0"], "--n is 0, but must be from 1 to"),
        (["tell", "--max-tokens", "0"], "max_tokens is 0"),
        (["tell", "--preset", LONG], "no preset 'xxx"),
        (["train", "--corpus", "hedgerow-tales", "--preset", "nope"], "no preset 'nope'"),
        (["evaluate", "--model", "r", "--corpus", "x", "--stride", "0"], "--stride is 0"),
        (["bench", "ui", "--rounds", "0"], "--rounds is 0, but must be from 1 to"),
        (["bench", "tell", "--tokens", "9" * 18], "--tokens is 9"),
        (["bench", "train", "--steps", "-1"], "--steps is -1, but"),
        (["evaluate", "--model", "r", "--corpus", "hedgerow-tales", "--seed", "9" * 30], "--seed is 9"),
        (["tell", "--n", "9" * 30], "--n is 9"),
        (["tell", "--max-tokens", "9" * 30], "max_tokens is 9"),
    ],
)
def test_an_option_with_a_value_that_cannot_be_is_one_sentence_and_misuse(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1


@pytest.mark.parametrize("blank", ["", " \t"])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["corpus", "add", "?"], "One of the paths"),
        (["corpus", "add", "hedgerow.txt", "?"], "One of the paths"),
        (["corpus", "add", "x.txt", "--name", "?"], "--name"),
        (["corpus", "show", "?"], "The name"),
        (["corpus", "show", "hedgerow-tales", "--story", "?"], "--story"),
        (["corpus", "rename", "?", "Tales"], "The name"),
        (["corpus", "rename", "hedgerow-tales", "?"], "The title"),
        (["corpus", "remove", "?"], "The name"),
        (["corpus", "restore", "?"], "The name"),
        (["train", "--corpus", "?"], "--corpus"),
        (["train", "--corpus", "hedgerow-tales", "--base", "?"], "--base"),
        (["train", "--corpus", "hedgerow-tales", "--run", "?"], "--run"),
        (["train", "--plan", "?"], "--plan"),
        (["train", "--resume", "?"], "--resume"),
        (["train", "--preset", "?"], "--preset"),
        (["tell", "--model", "?"], "--model"),
        (["tell", "--preset", "?"], "--preset"),
        (["evaluate", "--model", "?", "--corpus", "x"], "--model"),
        (["evaluate", "--model", "x", "--corpus", "?"], "--corpus"),
        (["explain", "--text", "x", "--model", "?"], "--model"),
        (["copied", "--run", "?"], "--run"),
        (["explain", "--model", "x", "--text", "?"], "--text"),
        (["explain", "--model", "x", "--text", "x", "--versus", "?"], "--versus"),
        (["runs", "show", "?"], "The name"),
        (["runs", "compare", "a", "?"], "One of the names"),
        (["runs", "export", "starter", "--to", "?"], "--to"),
        (["runs", "export", "starter", "--to", "x", "--checkpoint", "?"], "--checkpoint"),
        (["runs", "export", "starter", "--to", "x", "--push", "?"], "--push"),
        (["runs", "remove", "?"], "One of the names"),
        (["runs", "restore", "?"], "The name"),
        (["stories", "show", "?"], "The name"),
        (["stories", "search", "fox", "?"], "One of the phrases"),
        (["stories", "rename", "1", "?"], "The title"),
        (["stories", "remove", "?"], "One of the names"),
        (["stories", "restore", "?"], "One of the names"),
        (["stories", "export", "1", "--to", "?"], "--to"),
        (["stories", "import", "?"], "The file"),
        (["stories", "import", "owl.txt", "--title", "?"], "--title"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_argument_that_names_nothing_is_a_sentence(
    words: list[str],
    said: str,
    blank: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(
        tmp_path / "here"
    )  # a script with `corpus add "$UNSET"` must not take all that lies here
    (tmp_path / "here" / "diary.txt").write_text("Dear diary. " * 50)
    assert main([blank if word == "?" else word for word in words]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and f"{said} is empty: give" in err


@pytest.mark.parametrize(
    "words",
    [
        ["runs", "export", "hedgerow", "--to", "~nosuchuser/x"],
        ["corpus", "add", "~nosuchuser/x"],
        ["corpus", "show", "~nosuchuser/x"],
        ["train", "--plan", "~nosuchuser/x"],
        ["train", "--corpus", "hedgerow-tales", "--base", "~nosuchuser/x"],
        ["tell", "--prompt", "a", "--model", "~nosuchuser/x"],
    ],
    ids=" ".join,
)
def test_a_home_that_nobody_has_is_a_sentence(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "unexpected" not in err and "nosuchuser" in err


def test_what_was_added_is_counted_and_what_was_not_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(tmp_path / "box.zip", "w") as box:
        box.writestr("one.txt", "Word.")
        box.writestr("../abs.txt", "Another.")
    assert main(["corpus", "add", str(tmp_path / "box.zip")]) == 0
    out, err = capsys.readouterr()
    assert out == "Added box: 1 story, 1 word.\n"
    assert err.casefold().count("left out") == 1 and "leads out of the archive.\n" in err


def test_what_is_suggested_can_be_copied_into_a_shell() -> None:
    from storytime_tui.commands import run_events
    from storytime_tui.training import events as ev

    said = run_events._in_words(ev.Finished("one copy", 3, 2.0, 3, "stopped", 1.0))
    assert "tell --model 'one copy'" in said and "train --resume 'one copy'" in said


@pytest.mark.needs_torch
def test_ctrl_c_saves_exits_with_130_and_the_run_goes_on(tales: Path, home: Path) -> None:
    argv = [
        sys.executable,
        "-m",
        "storytime_tui",
        "train",
        "--corpus",
        str(tales),
        *TINY,
        "--run",
        "r",
        "--json",
    ]
    argv[argv.index("--max-steps") + 1] = "100000"
    program = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert program.stdout is not None
    for line in program.stdout:
        if '"step_done"' in line:
            break
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=60)
    assert program.returncode == 130
    assert "Traceback" not in err
    last = objects(out)[-1]
    assert (last["event"], last["stopped_by"]) == ("finished", "stopped")

    from transformers import AutoModelForCausalLM

    checkpoint = home / "runs" / "r" / "checkpoints" / f"step-{last['step']}"
    AutoModelForCausalLM.from_pretrained(checkpoint)
    resumed = subprocess.Popen(
        [sys.executable, "-m", "storytime_tui", "train", "--resume", "r", "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert resumed.stdout is not None
    first = [json.loads(resumed.stdout.readline()) for _ in range(2)]
    assert (first[0]["event"], first[0]["step"], first[0]["from_checkpoint"]) == (
        "resumed",
        last["step"],
        True,
    )
    assert first[1]["step"] == int(str(last["step"])) + 1
    resumed.send_signal(signal.SIGTERM)
    resumed.stdout.read()
    assert resumed.wait(timeout=60) == 130


def test_a_reader_that_leaves_early_is_no_error(tales: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m storytime_tui corpus show {tales} --text | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""


def test_doctor_looks_at_everything(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nothing listens on the discard port
    assert main(["doctor", "--json"]) == 0
    found = {o["what"]: o for o in objects(capsys.readouterr().out)}
    assert {
        "python",
        "torch",
        "trains on",
        "memory",
        "cache",
        "settings file",
        "hugging face hub",
    } <= found.keys()
    assert "not reached" in str(found["hugging face hub"]["found"])
    assert main(["doctor"]) == 0
    assert "trains on" in capsys.readouterr().out


def test_bench_tell_measures_each_precision_and_refuses_nothing_to_tell(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["bench", "tell", "--base", "scratch-tiny", "--tokens", "4", "--json"]) == 0
    (figures,) = objects(capsys.readouterr().out)
    assert figures["fp32_tokens_per_second"] > 0 and figures["eight_at_once"] > 0
    assert main(["bench", "tell", "--tokens", "0"]) == 2
    assert "--tokens is 0, but must be from 2 to" in capsys.readouterr().err


@pytest.mark.parametrize("below", ["", "inside"])
def test_a_home_that_is_a_file_is_said_before_anything_else(
    below: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "note.txt").write_text("not a folder")
    monkeypatch.setenv("STORYTIME_HOME", str(tmp_path / "note.txt" / below))
    for words in (["doctor"], ["corpus", "list"], ["tell", "--prompt", "Once"]):
        assert main(words) == 1
        out, err = capsys.readouterr()
        assert out == "" and f"{tmp_path / 'note.txt'} is not a folder: set it to another" in err


def test_the_device_of_a_run_is_an_option_and_one_that_is_not_here_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tales = str(write_collection(tmp_path / "tales"))
    words = ["train", "--corpus", tales, "--base", "scratch-2x64", "--set", "block_size=64", "--run", "r"]
    assert main([*words, "--device", "cuda:99"]) == 1
    assert "There is no device 'cuda:99' here; available: " in capsys.readouterr().err
    assert main([*words, "--device", "toaster"]) == 2
    assert "device" in capsys.readouterr().err
    assert (
        main(
            [
                *words,
                "--device",
                "cpu",
                "--set",
                "device=cuda:99",
                "--max-steps",
                "1",
                "--set",
                "listen=false",
            ]
        )
        == 0
    )
    assert 'device = "cpu"' in (paths.runs_folder() / "r" / "plan.toml").read_text()
