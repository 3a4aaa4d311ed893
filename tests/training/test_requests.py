"""Requests to a run by files: none is lost, none is obeyed twice, and no rubbish disturbs the run."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from storytime_tui.training.control import Control
from storytime_tui.training.requests import (
    FOLDER,
    KINDS,
    LONGEST_PROMPT,
    Request,
    RequestReader,
    obey,
    requests_heard,
    write_request,
)

NAME = "00000000000000000001-0123456789ab.json"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / "r"
    folder.mkdir(parents=True)
    return folder


def test_requests_are_taken_in_order_and_once(run: Path) -> None:
    reader = RequestReader(run)
    assert reader.take() == []
    asked = [*map(Request, KINDS), Request("sample", "The “mouse” 🐭\n" * 500)]
    for request in asked:
        write_request(run, request)
    assert reader.take() == asked
    assert reader.take() == []
    assert os.listdir(run / FOLDER) == []


def test_two_writers_at_once_lose_nothing(run: Path) -> None:
    reader = RequestReader(run)
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from storytime_tui.training.requests import Request, write_request\n"
        "for number in range(40):\n"
        "    write_request(Path(sys.argv[1]), Request('sample', f'{sys.argv[2]} {number}'))\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(run), name]) for name in "ab"]
    taken: list[Request] = []
    while any(writer.poll() is None for writer in writers):
        taken += reader.take()
    taken += reader.take()
    assert [writer.wait() for writer in writers] == [0, 0]
    prompts = [request.prompt or "" for request in taken]
    for name in "ab":
        assert [each for each in prompts if each.startswith(name)] == [f"{name} {i}" for i in range(40)]
    assert len(prompts) == 80


@pytest.mark.parametrize("step", ["before", "after"])
def test_a_writer_killed_half_way_asks_for_nothing_or_for_the_whole(
    run: Path, step: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is killed before or after the rename: the request is not there, or there whole."""
    reader = RequestReader(run)
    code = (
        "import os, sys, time\nfrom pathlib import Path\n"
        "from storytime_tui.training.requests import Request, write_request\n"
        "rename = os.replace\n"
        "def replace(*paths):\n"
        f"    {'rename(*paths)' if step == 'after' else 'pass'}\n"
        "    print('now', flush=True)\n"
        "    time.sleep(60)\n"
        "os.replace = replace\n"
        "write_request(Path(sys.argv[1]), Request('stop'))\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, str(run)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "now\n"
    writer.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
    writer.wait()
    writer.stdout.close()
    assert reader.take() == ([Request("stop")] if step == "after" else [])
    write_request(run, Request("pause"))
    assert reader.take() == [Request("pause")]
    assert caplog.records == []
    for path in (run / FOLDER).iterdir():  # what the killed one left goes after a day
        os.utime(path, (time.time() - 100_000,) * 2)
    assert RequestReader(run).take() == os.listdir(run / FOLDER) == []


RUBBISH = {
    "empty": b"",
    "cut off": b'{"request": "st',
    "not an object": b'["stop"]',
    "unknown": b'{"request": "dance"}',
    "no text": b'{"request": ["stop"]}',
    "binary": bytes(range(256)),
    "deep": b"[" * 100_000,
    "a huge number": b'{"request": ' + b"9" * 10_000 + b"}",
    "too long": b'{"request": "stop", "more": "' + b"x" * 300_000 + b'"}',
    "a prompt of another kind": b'{"request": "stop", "prompt": "x"}',
    "a prompt that is no text": b'{"request": "sample", "prompt": 7}',
    "half a character": b'{"request": "sample", "prompt": "\\ud800"}',
    "a prompt too long": json.dumps({"request": "sample", "prompt": "x" * (LONGEST_PROMPT + 1)}).encode(),
}


@pytest.mark.parametrize("case", RUBBISH)
def test_rubbish_is_ignored_and_logged_without_its_text(
    run: Path, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    reader = RequestReader(run)
    write_request(run, Request("pause"))
    (run / FOLDER / NAME).write_bytes(RUBBISH[case])
    assert reader.take() == [Request("pause")]
    assert reader.take() == []
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert NAME in record.getMessage() and "xxx" not in record.getMessage()


def test_other_files_stay_and_are_logged_once(run: Path, caplog: pytest.LogCaptureFixture) -> None:
    reader = RequestReader(run)
    write_request(run, Request("pause"))
    folder = run / FOLDER
    (folder / "notes.txt").write_text("stop")
    (folder / "stop.json").mkdir()
    (folder / NAME).mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / NAME.replace("1", "2", 1))
    assert reader.take() == [Request("pause")]
    logged = len(caplog.records)
    assert 0 < logged < 6
    assert reader.take() == reader.take() == []
    assert len(caplog.records) == logged
    assert {"notes.txt", "stop.json", NAME} <= set(os.listdir(folder))


@pytest.mark.parametrize("kind", ["a file", "a dangling link", "no run"])
def test_without_the_folder_nothing_is_asked(run: Path, kind: str) -> None:
    if kind == "a file":
        (run / FOLDER).write_text("stop")
    elif kind == "a dangling link":
        (run / FOLDER).symlink_to(run / "nowhere")
    else:
        run.rmdir()
    reader = RequestReader(run)
    assert reader.take() == []


def test_a_request_that_cannot_be_removed_is_obeyed_once(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = RequestReader(run)
    write_request(run, Request("checkpoint"))

    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    assert reader.take() == [Request("checkpoint")]
    assert reader.take() == []
    assert RequestReader(run).take() == []


def test_a_request_that_its_writer_took_back_is_not_obeyed(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = RequestReader(run)
    path = write_request(run, Request("stop"))
    unlink = Path.unlink

    def both(file: Path, missing_ok: bool = False) -> None:
        unlink(path)  # the writer is a moment faster
        unlink(file, missing_ok)

    monkeypatch.setattr(Path, "unlink", both)
    assert reader.take() == []


def test_requests_to_an_earlier_session_are_discarded(run: Path) -> None:
    write_request(run, Request("stop"))
    control = Control()
    with requests_heard(run, control):
        write_request(run, Request("sample", "The frog"))
        while os.listdir(run / FOLDER):
            time.sleep(0.005)
    assert control.take_prompts() == ["The frog"]
    assert not control.stopped


def test_every_kind_of_request_reaches_the_control() -> None:
    control = Control()
    obey(control, Request("pause"))
    assert control.paused
    obey(control, Request("resume"))
    assert not control.paused
    for request in (Request("sample"), Request("sample", "The frog"), Request("checkpoint"), Request("stop")):
        obey(control, request)
    assert control.take_prompts() == [None, "The frog"]
    assert control.take_checkpoint() and control.stopped


def test_a_reader_costs_a_step_nothing(run: Path) -> None:
    """It lists in a thread of its own, five times a second; a list takes far less than a millisecond of a core."""
    reader = RequestReader(run)
    reader.take()
    began = time.thread_time()
    for _ in range(200):
        reader.take()
    assert (time.thread_time() - began) / 200 < 0.001
    before = set(threading.enumerate())
    with requests_heard(run, Control()):
        (thread,) = set(threading.enumerate()) - before
    assert not thread.is_alive()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="POSIX")
def test_a_signal_may_steer_in_the_middle_of_any_method() -> None:
    """Its handler runs in the thread that it interrupts: with a plain lock it would wait for itself."""
    control = Control()
    arrived = 0

    def handler(number: int, frame: object) -> None:
        nonlocal arrived
        arrived += 1
        control.pause()
        control.resume()

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        while arrived < 200:
            assert control.stopped is False
            control.take_checkpoint()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
