"""Fixtures that every test shares: a home of its own, and the real texts where they are."""

import contextlib
import gc
import importlib.abc
import importlib.util
import logging
import os
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from storytime_tui.jobs import awake, listen
from storytime_tui.models import catalogue
from tests.tiny import make_starter

# Each time the same examples, so that a change is judged by what it changed, and so not many. Others, and ten times as
# many, are looked for with `pytest --hypothesis-profile=explore --hypothesis-seed=N`. What asks for a number of its own
# asks `tests.examples.many`, so that this holds for it too.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None, max_examples=20)
# for the other Pythons: what differs there does not depend on the example
settings.register_profile("few", derandomize=True, deadline=None, database=None, max_examples=8)
settings.register_profile("explore", deadline=None, database=None, print_blob=True, max_examples=200)
settings.load_profile("repeatable")

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# Tests run three at a time: more threads of arithmetic than cores would wait for each other most of the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Telling takes more threads by itself. Where no core is idle they would spin most of the time, each waiting for the
# other: six times the work.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# What was compiled is kept, whatever this environment says: else each worker, and each program that a test starts,
# does it anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


HAS_TORCH = importlib.util.find_spec("torch") is not None


class _NotHere(importlib.abc.MetaPathFinder):
    """In an environment without torch, what imports it is skipped, and says so; all else is tested there too."""

    heavy = {"torch", "transformers", "peft"}

    def find_spec(self, name: str, *_: object) -> None:
        if name.partition(".")[0] in self.heavy:
            pytest.skip(f"needs {name}", allow_module_level=True)


if not HAS_TORCH:
    sys.meta_path.insert(0, _NotHere())


# Their longest tests take ten seconds or more: they begin first, so that no worker is left alone with one at the end.
LONG = (
    "test_journey",
    "test_evening",
    "test_distributed",
    "test_hub_journey",
    "test_painted",
    "test_two_apps",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long. Skip without torch what needs it in a process of its own, where no import tells."""
    items.sort(key=lambda item: item.path.stem not in LONG)
    for item in items if not HAS_TORCH else ():
        if item.get_closest_marker("needs_torch"):
            item.add_marker(pytest.mark.skip(reason="needs torch"))


def pytest_collection_finish() -> None:
    """What the tests have imported stays: let collections of garbage look at what tests make, and not as often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Everything the program writes goes to an empty folder of the test's own."""
    folder = tmp_path / "storytime-home"
    monkeypatch.setenv("STORYTIME_HOME", str(folder))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    return folder


@pytest.fixture(autouse=True)
def starter_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the starter would be: an empty folder, so that the checkout's own makes no difference to a test.

    `starter` puts a small stand-in there.
    """
    folder = tmp_path / "starter"
    monkeypatch.setattr(catalogue, "STARTER_FOLDER", folder)
    return folder


@pytest.fixture(autouse=True)
def nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends is not told with to hear its voice, which takes seconds: `test_hearing` asks for that."""
    monkeypatch.setattr(listen, "_make_judge", lambda listening: (None, float("nan")))


@pytest.fixture(autouse=True)
def the_computer_may_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test's run does not keep the computer awake: `test_awake` asks for that."""
    monkeypatch.setattr(awake, "_inhibitor", contextlib.nullcontext)


@pytest.fixture(autouse=True)
def chance() -> None:
    """A telling without a seed draws one; in each run of a test it is the same."""
    random.seed(0)


class _Deprecations(logging.Handler):
    """Keeps what libraries' loggers say of things that will go."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        if re.search(r"deprecat|will be removed", said, re.I):
            self.said.append(said)


@pytest.fixture(autouse=True)
def nothing_deprecated() -> Iterator[None]:
    """A call of ours that a library calls deprecated fails its test.

    Warnings do so by pyproject.toml; transformers and torch say much by their loggers instead.
    """
    handler = _Deprecations()
    loggers = [logging.getLogger(name) for name in ("transformers", "torch", "huggingface_hub", "peft")]
    for logger in loggers:
        logger.addHandler(handler)
    yield
    for logger in loggers:
        logger.removeHandler(handler)
    assert not handler.said


@pytest.fixture
def starter(starter_folder: Path) -> Path:
    """A starter like the program's own, but small and untrained."""
    return make_starter(starter_folder)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real texts beside the checkout; a test of something additional skips without it."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the real texts are not on this machine")
    return folder
