"""Requests to a run from other programs: a folder `requests/` in the run's folder, one file each. Knows no torch.

A request is written under a temporary name and then renamed, so it is there whole or not at all, whenever its writer is
killed. Two writers never touch the same file, which a common file would need a lock for (and locks fail on some network
disks). A request is removed before it is obeyed: who removes a file owns it, so the run never obeys twice, and a writer
that removes it again knows that the run did not obey. Requests are obeyed in the order of their names, which begin with
the time. Everything else in the folder is ignored and logged.

The folder is listed a few times a second by a thread of its own. A step costs nothing, and a request is heard during a
pause and an evaluation too. Under torchrun only rank 0 listens; it sends its decisions to the other ranks.
"""

import contextlib
import json
import logging
import os
import re
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from storytime_tui import files, small_files
from storytime_tui.terminal import is_text
from storytime_tui.training.control import Control

Kind = Literal["pause", "resume", "stop", "checkpoint", "sample"]
KINDS: tuple[Kind, ...] = get_args(Kind)
FOLDER = "requests"
LONGEST_PROMPT = 10_000  # characters

_log = logging.getLogger(__name__)
_NAME = re.compile(r"[0-9]{20}-[0-9a-f]{12}\.json")
_UNFINISHED = ".part-"  # written by `files` right now, or left by a writer that was killed
_LIMIT = 200_000  # bytes; a prompt takes at most twelve for a character
_EVERY = 0.2  # seconds between two lists of the folder
_MOST_SHARE = 0.01  # of a core's time; a folder of 100,000 other files is listed less often


@dataclass(frozen=True)
class Request:
    """What a run is asked to do. `prompt`: of a sample; None for the run's usual ones."""

    kind: Kind
    prompt: str | None = None


def write_request(run_folder: Path, request: Request) -> Path:
    """Ask the run in `run_folder`. Returns the request's file, which the run removes. Raises OSError."""
    path = run_folder / FOLDER / f"{time.time_ns():020d}-{secrets.token_hex(6)}.json"
    record: dict[str, str] = {"request": request.kind}
    if request.prompt is not None:
        record["prompt"] = request.prompt
    files.write_atomically(path, json.dumps(record).encode())
    return path


@contextlib.contextmanager
def requests_heard(run_folder: Path, control: Control) -> Iterator[None]:
    """Pass on requests to `control` during the block. The caller holds the run's lock.

    Requests that an earlier session of the run left unread are discarded first.
    """
    reader = RequestReader(run_folder)
    ended = threading.Event()

    def listen() -> None:
        wait = 0.0
        while not ended.wait(wait):
            began = time.thread_time()
            for request in reader.take():
                obey(control, request)
            wait = max(_EVERY, (time.thread_time() - began) / _MOST_SHARE)

    thread = threading.Thread(target=listen, name="storytime-requests", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def obey(control: Control, request: Request) -> None:
    """Pass one request on."""
    match request.kind:
        case "pause":
            control.pause()
        case "resume":
            control.resume()
        case "stop":
            control.stop()
        case "checkpoint":
            control.checkpoint()
        case "sample":
            control.sample(request.prompt)


class RequestReader:
    """Takes requests from a run's folder, each once. Used from one thread only."""

    def __init__(self, run_folder: Path) -> None:
        """Discard what is there already. Nothing in the folder raises an error."""
        self._folder = run_folder / FOLDER
        self._trouble = ""  # the last one that was logged
        self._done: set[str] = set()  # names in the folder that are not requests, or cannot be removed
        files.sweep_old(self._folder)
        old = [name for name in self._names() if _NAME.fullmatch(name)]
        for name in old:
            self._remove(name)
        if old:
            _log.warning("%s: %d requests to an earlier session are discarded", self._folder, len(old))

    def take(self) -> list[Request]:
        """The requests since the last call, in order. They are removed."""
        names = self._names()
        self._done.intersection_update(names)
        new = sorted(name for name in names if name not in self._done and not name.startswith(_UNFINISHED))
        strange = [name for name in new if not _NAME.fullmatch(name)]
        if strange:
            self._done.update(strange)
            _log.warning(
                "%s: %d entries are not requests, such as %s: ignored",
                self._folder,
                len(strange),
                ascii(strange[0][:80]),
            )
        taken = []
        for name in new:
            if _NAME.fullmatch(name):
                request = self._read(name)
                if self._remove(name) and request is not None:
                    taken.append(request)
        return taken

    def _names(self) -> list[str]:
        try:
            names = os.listdir(self._folder)
        except FileNotFoundError:
            return []  # nobody has asked yet
        except OSError as error:
            trouble = error.strerror or str(error)
            if trouble != self._trouble:
                _log.warning("%s cannot be listed: %s", self._folder, trouble)
                self._trouble = trouble
            return []
        self._trouble = ""
        return names

    def _read(self, name: str) -> Request | None:
        try:
            return _request_of(small_files.read_json(self._folder / name, _LIMIT))
        except FileNotFoundError:
            return None  # its writer has taken it back
        except (small_files.UnreadableFile, ValueError) as error:
            kind = type(error).__name__  # the message may quote a prompt, which the log must not hold
            _log.warning("%s is not a valid request (%s): ignored", self._folder / name, kind)
            return None

    def _remove(self, name: str) -> bool:
        """Remove a request; returns whether it is ours to obey."""
        try:
            (self._folder / name).unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            self._done.add(name)
            _log.warning("%s cannot be removed: %s", self._folder / name, error.strerror)
        return True


def _request_of(record: object) -> Request:
    """Raises ValueError for what is not a request. Unknown fields are ignored: a newer program may write more."""
    if not isinstance(record, dict) or record.get("request") not in KINDS:
        raise ValueError
    kind, prompt = record["request"], record.get("prompt")
    if prompt is not None and not (
        kind == "sample" and isinstance(prompt, str) and len(prompt) <= LONGEST_PROMPT and is_text(prompt)
    ):
        raise ValueError
    return Request(kind, prompt)
