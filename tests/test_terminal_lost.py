"""No run and no answer is lost in silence when the terminal, the reader or the disk under the output goes."""

import errno
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storytime_tui import cli
from storytime_tui.commands import train
from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from tests.examples import many
from tests.tiny import write_collection

pytestmark = pytest.mark.skipif(os.name == "nt", reason="closed descriptors and hang-ups are POSIX's")

LOSSES = {
    "EPIPE": BrokenPipeError(errno.EPIPE, "Broken pipe"),
    "EIO": OSError(errno.EIO, "Input/output error"),
    "ENOSPC": OSError(errno.ENOSPC, "No space left on device"),
    "EBADF": OSError(errno.EBADF, "Bad file descriptor"),
    "closed": ValueError("I/O operation on closed file"),
}


class Breaking(io.StringIO):
    """A terminal, or a pipe, that takes `good` writes and fails from then on."""

    def __init__(self, good: int, error: Exception, terminal: bool) -> None:
        super().__init__()
        self._good, self._error, self._terminal = good, error, terminal
        self.failed = False

    def isatty(self) -> bool:
        return self._terminal

    def write(self, text: str) -> int:
        self._good -= 1
        if self._good < 0:
            self.failed = True
            raise self._error
        return super().write(text)

    def flush(self) -> None:
        if self.failed:
            raise self._error


class PretendRun:
    """Says what a run of four steps says, and does what its control asks for, as the trainer does."""

    def __init__(self) -> None:
        self.step = 0
        self.saved = -1

    def __call__(self, plan: object, control: Control, name: str | None) -> Iterator[ev.Event]:
        yield ev.Preparing("reading the stories", 0, 0)
        if control.stopped:
            raise train.Stopped
        yield ev.Started("r", "b", ("tales",), "cpu", "fp32", 100, 3, 1, 500, 99, 4, 4.0, 64, 2.0, time=0.0)
        yield ev.Evaluated(0, 5.0, 150.0, 2.0, False)
        while self.step < 4 and not control.stopped:
            self.step += 1
            yield ev.StepDone(self.step, 4.0, 1e-3, 100.0, 0.1, 0.5, 1.0, 0)
            if control.take_checkpoint():
                self.saved = self.step
                yield ev.CheckpointSaved(self.step, f"step-{self.step}", True)
        if self.step and self.saved != self.step:
            self.saved = self.step
            yield ev.CheckpointSaved(self.step, f"step-{self.step}", True)
        yield ev.Finished("r", self.step, 4.0, 1, "done" if self.step == 4 else "stopped", 1.0)


@settings(max_examples=many(80), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(sorted(LOSSES)),
    good=st.integers(0, 30),
    stream=st.sampled_from(["stdout", "stderr"]),
    as_json=st.booleans(),
    terminal=st.booleans(),
)
def test_whatever_is_lost_and_whenever_the_run_is_saved_and_the_exit_says_so(
    kind: str, good: int, stream: str, as_json: bool, terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, breaking = PretendRun(), Breaking(good, LOSSES[kind], terminal)
    other = io.StringIO()
    monkeypatch.setattr(train, "learn", run)
    monkeypatch.setattr(sys, "stdout", breaking if stream == "stdout" else other)
    monkeypatch.setattr(sys, "stderr", breaking if stream == "stderr" else other)
    code = cli.main(["train", "--corpus", "tales", *(["--json"] if as_json else [])])
    assert (code != 0) == breaking.failed
    assert max(run.saved, 0) == run.step  # every step that was made is in a checkpoint
    assert "Traceback" not in other.getvalue()
    if stream == "stdout" and breaking.failed:
        assert run.step >= 1
        assert "The run is saved" in other.getvalue() or "has finished and is saved" in other.getvalue()


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_stream_that_was_closed_from_the_start(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run, other = PretendRun(), io.StringIO()
    monkeypatch.setattr(train, "learn", run)
    monkeypatch.setattr(sys, "stdout", other)
    monkeypatch.setattr(sys, "stderr", other)
    monkeypatch.setattr(sys, stream, None)  # as Python has it then
    code = cli.main(["train", "--corpus", "tales"])
    if stream == "stdout":
        assert code == 1 and run.saved == run.step == 1
    else:  # nobody wanted the messages
        assert code == 0 and run.step == 4


def test_a_run_whose_reader_left_has_a_checkpoint_and_goes_on(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tales = write_collection(tmp_path / "tales")
    knobs = ["block_size=64", "batch_size=4", "accumulation=1", "evaluate_every=3", "sample_every=0"]
    words = ["--base", "scratch-2x64", "--max-steps", "6", "--run", "r"]
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Breaking(1, LOSSES["EPIPE"], terminal=False))
        assert (
            cli.main(["train", "--corpus", str(tales), *words, *(w for k in knobs for w in ("--set", k))])
            == 1
        )
    assert "`storytime-tui train --resume r` resumes it" in capsys.readouterr().err
    saved = home / "runs" / "r" / "checkpoints"
    assert (saved / "last" / "model.safetensors").is_file()
    assert cli.main(["train", "--resume", "r"]) == 0
    assert (saved / "last").resolve().name == "step-6"


@pytest.mark.needs_torch
def test_closing_the_window_saves_the_run(tmp_path: Path, home: Path) -> None:
    import pexpect

    tales = write_collection(tmp_path / "tales")
    argv = ["-m", "storytime_tui", "train", "--corpus", str(tales), "--base", "scratch-2x64", "--run", "r"]
    knobs = ["block_size=64", "batch_size=2", "accumulation=1", "evaluate_every=1000", "sample_every=0"]
    argv += ["--max-steps", "100000", *(w for knob in knobs for w in ("--set", knob))]
    program = pexpect.spawn(sys.executable, argv, timeout=60, env={**os.environ, "LANG": "C.UTF-8"})
    program.expect(r"step [1-9]")
    os.close(
        program.fileno()
    )  # the window: from here on every write is an EIO, and the system sends a SIGHUP
    until = time.monotonic() + 60
    ended, status = os.waitpid(program.pid, os.WNOHANG)
    while not ended and time.monotonic() < until:
        time.sleep(0.02)
        ended, status = os.waitpid(program.pid, os.WNOHANG)
    program.ptyproc.terminated = program.closed = program.ptyproc.closed = (
        True  # it is over, and its end known
    )
    assert ended and os.waitstatus_to_exitcode(status) in (1, 130)
    last = (home / "runs" / "r" / "events.jsonl").read_text().splitlines()[-1]
    assert '"stopped_by": "stopped"' in last
    step = (home / "runs" / "r" / "checkpoints" / "last").resolve().name
    assert f'"step": {step.removeprefix("step-")},' in last


def shell(words: str, streams: str) -> subprocess.CompletedProcess[str]:
    line = f"{sys.executable} -m storytime_tui {words} {streams}"
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("words", "streams", "code"),
    [
        ("corpus list", ">&-", 1),
        ("corpus list", ">/dev/full", 1),
        ("--help", ">/dev/full", 1),
        ("corpus show nosuch", ">&-", 1),
        ("nosuch", ">&- 2>&-", 2),
        ("corpus list", "2>&-", 0),
        ("corpus list", "<&- >&- 2>&-", 1),
    ],
)
def test_no_traceback_whatever_is_closed(words: str, streams: str, code: int) -> None:
    if "/dev/full" in streams and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    done = shell(words, streams)
    assert done.returncode == code  # never Python's own 120, for what it could not write at its end
    assert len(done.stderr.splitlines()) <= 1
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr


def test_a_reader_that_leaves_is_not_told_so_but_the_exit_is_not_0() -> None:
    line = f"({sys.executable} -m storytime_tui corpus list; echo $? >&2) | true"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == "1\n"


def test_a_closed_descriptor_is_never_given_to_a_file(home: Path) -> None:
    code = (
        "import os\nfrom storytime_tui import streams\nwith streams.guarded():\n"
        "    os._exit(0 if os.open('/dev/null', os.O_RDONLY) > 2 else 7)\n"
    )
    line = f'{sys.executable} -c "$CODE" <&- >&- 2>&-'
    environment = {**os.environ, "CODE": code}
    assert subprocess.run(["sh", "-c", line], env=environment, timeout=60, check=False).returncode == 0


def test_a_second_hang_up_is_no_wish_to_give_up() -> None:
    import signal

    control = Control()
    with train._stopped_by_signals(control) as arrived:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGHUP)  # the system sends one, and the shell another
        os.kill(os.getpid(), signal.SIGTERM)
    assert control.stopped and len(arrived) == 3


def test_an_ignored_hang_up_stays_ignored() -> None:
    import signal

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup leaves it
    try:
        control = Control()
        with train._stopped_by_signals(control):
            os.kill(os.getpid(), signal.SIGHUP)
        assert not control.stopped
    finally:
        signal.signal(signal.SIGHUP, before)
