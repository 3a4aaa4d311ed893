"""`runs watch` and the requests as a stranger meets them, on a run that another process trains."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storytime_tui import paths
from storytime_tui.cli import main
from storytime_tui.jobs import steer
from storytime_tui.training import events as ev
from storytime_tui.training import runs
from storytime_tui.training.journal import JOURNAL, Journal
from storytime_tui.training.plan import TrainingPlan
from tests.tiny import write_collection

LENGTH = 1_000_000  # steps: it ends only because it is asked to
KNOBS = [
    f"max_steps={LENGTH}", "listen=false", "block_size=16", "batch_size=2", "accumulation=1", "precision=fp32",
    f"evaluate_every={LENGTH}", "sample_every=0", "sample_tokens=3", "device=cpu",
]  # fmt: skip


def said(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> tuple[str, str]:
    assert main(["runs", *argv]) == code
    told = capsys.readouterr()
    return told.out, told.err


class Watcher:
    """`runs watch --json` in a process: what the run says, as it says it."""

    def __init__(self, *argv: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "storytime_tui", "runs", "watch", *argv],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Watcher":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def until(self, event: str) -> dict[str, Any]:
        """The next event of this kind."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            record: dict[str, Any] = json.loads(line)
            if record["event"] == event:
                return record
        raise AssertionError(f"it ended without {event}")


@contextlib.contextmanager
def headless_run(tmp_path: Path, *launcher: str) -> Iterator[None]:
    """A process that trains a tiny run, called r, until it is asked to stop."""
    words = ["-m", "storytime_tui", "train", "--base", "scratch-1x64", "--name", "r", "--json"]
    words += ["--corpus", str(write_collection(tmp_path / "tales", stories=4, sentences=10))]
    words += [word for knob in KNOBS for word in ("--set", knob)]
    printed = tmp_path / "printed"
    with printed.open("w") as file:  # a pipe that nobody reads would fill up and hold the run
        process = subprocess.Popen([sys.executable, *launcher, *words], stdout=file, stderr=subprocess.STDOUT)
    try:
        while '"step_done"' not in printed.read_text():
            assert process.poll() is None, printed.read_text()
            time.sleep(0.02)
        yield
        assert process.wait(30) == 0, printed.read_text()
        assert printed.read_text().count('"finished"') == 1
    finally:
        process.kill()
        process.wait()


@pytest.mark.needs_torch
def test_a_headless_run_is_paused_resumed_sampled_saved_and_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with headless_run(tmp_path), Watcher("r", "--json") as watcher:
        assert watcher.until("started")["run"] == "r"
        assert watcher.until("step_done")["step"] >= 1
        told, _ = said(capsys, "pause", "r")
        assert told == "The run r was asked to pause: `storytime-tui runs resume r` resumes it.\n"
        paused = watcher.until("paused")["step"]
        said(capsys, "sample", "r", "--prompt", "The “frog”")  # answered while it waits
        sampled = watcher.until("sampled")
        assert (sampled["step"], sampled["prompt"]) == (paused, "The “frog”")
        said(capsys, "checkpoint", "r")
        assert watcher.until("checkpoint_saved")["step"] == paused
        assert said(capsys, "resume", "r")[0] == "The run r was asked to resume.\n"
        assert watcher.until("resumed") == {
            "event": "resumed",
            "step": paused,
            "from_checkpoint": False,
            "total_steps": LENGTH,
        }
        assert watcher.until("step_done")["step"] == paused + 1
        answer = json.loads(said(capsys, "stop", "r", "--json")[0])
        assert answer == {"run": "r", "request": "stop", "read": True}
        finished = watcher.until("finished")
        assert (finished["stopped_by"], watcher.process.wait(20)) == ("stopped", 0)
    assert os.listdir(paths.runs_folder() / "r" / "requests") == []
    _, err = said(capsys, "stop", "r", code=1)
    assert err.startswith("storytime-tui: No program has the run 'r' open: it was stopped.")
    assert said(capsys, "watch", "r")[0].startswith(f"stopped at step {finished['step']:,} after")


@pytest.mark.needs_torch
def test_under_torchrun_rank_0_reads_and_all_ranks_act_alike(tmp_path: Path) -> None:
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=0"]
    launcher += ["--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0"]
    with headless_run(tmp_path, *launcher), Watcher("r", "--json") as watcher:
        assert main(["runs", "pause", "r"]) == 0
        paused = watcher.until("paused")["step"]
        assert main(["runs", "checkpoint", "r"]) == 0
        assert watcher.until("checkpoint_saved")["step"] == paused
        assert main(["runs", "resume", "r"]) == 0
        assert watcher.until("step_done")["step"] == paused + 1
        assert main(["runs", "stop", "r"]) == 0
        assert watcher.until("finished")["stopped_by"] == "stopped"


@contextlib.contextmanager
def held_run() -> Iterator[Journal]:
    """A run that this process holds, and does not train."""
    with runs.new_run("r", TrainingPlan(collections=("tales",))) as folder:
        journal = Journal(folder / JOURNAL)
        with contextlib.closing(journal):
            journal.append(ev.Evaluated(0, 3.0, 20.1, 1.5, False))
            yield journal


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX")
def test_ctrl_c_stops_watching_and_not_the_run() -> None:
    with held_run() as journal, Watcher("r", "--json") as watcher:
        assert watcher.until("evaluated")["step"] == 0
        watcher.process.send_signal(signal.SIGINT)
        _, err = watcher.process.communicate(timeout=20)
        assert (watcher.process.returncode, err) == (130, "\nstopped watching; the run goes on.\n")
        journal.append(ev.Paused(0))


def test_watching_prints_what_training_prints(capsys: pytest.CaptureFixture[str]) -> None:
    with held_run() as journal:
        journal.append(ev.Finished("r", 7, 2.5, 7, "stopped", 3.0))
    told, err = said(capsys, "watch", "r")
    assert told.splitlines() == [
        "stopped at step 7 after 3 s of training, best validation loss 2.500",
        "tell with: storytime-tui tell --model r",
        "resume with: storytime-tui train --resume r",
    ]
    assert err == ""
    (line,) = said(capsys, "watch", "r", "--json")[0].splitlines()
    assert json.loads(line)["event"] == "finished"


def test_a_run_that_failed_says_why_and_exits_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    with held_run() as journal:
        journal.append(ev.Failed("r", 7, "The disk is full."))
    assert said(capsys, "watch", "r", code=1) == ("", "storytime-tui: The disk is full.\n")
    told, _ = said(capsys, "watch", "r", "--json", code=1)
    assert json.loads(told)["event"] == "failed"


@pytest.mark.parametrize(
    "verb", ["watch", "pause", "resume", "stop", "checkpoint", "sample", "report --to x.md"]
)
def test_a_run_that_is_not_there_is_one_sentence(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    action, *more = verb.split()
    told, err = said(capsys, action, "nobody", *more, code=1)
    assert (told, err.count("\n")) == ("", 1)
    assert "no run called 'nobody'" in err


def test_watching_prints_what_deserves_attention(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = [ev.Evaluated(10 * at, 3.0 + at, 20.1, 1.5, at == 0) for at in range(4)]
    monkeypatch.setattr(steer, "watch", lambda name: iter(checks))
    told, _ = said(capsys, "watch", "r")
    assert told.splitlines()[-1] == (
        "step     30  warning: validation has not improved for 3 checks: the model hardly learns any more"
    )
    told, _ = said(capsys, "watch", "r", "--json")
    assert [json.loads(line)["event"] for line in told.splitlines()] == ["evaluated"] * 4
