"""A long journal is read through its index, and says what the whole journal says."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storytime_tui.training import events as ev
from storytime_tui.training import journal, journal_index
from storytime_tui.training.journal import JOURNAL, Journal, iter_events, read_thinned, run_facts
from storytime_tui.training.journal_index import INDEX, Digest, read_index
from storytime_tui.training.runs import read_events
from tests.examples import many

STARTED = ev.Started("r", "starter", (), "cpu", "fp32", 1, 1, 1, 1, 1, 400, 100.0, 64, 5.0, 0.0)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_index, "STEPS", 20)
    monkeypatch.setattr(journal_index, "OTHERS", 100)
    monkeypatch.setattr(journal_index, "EVERY", 3_000)


def step(number: int, loss: float = 3.0) -> ev.StepDone:
    return ev.StepDone(number, loss, 1e-3, 1000.0, 0.1, 1.0, number / 2, 10)


def a_run(steps: int, *, checks: int = 25) -> list[ev.Event]:
    said: list[ev.Event] = [STARTED, ev.Evaluated(0, 5.0, 9.0, 2.0, False)]
    for number in range(1, steps + 1):
        said.append(step(number, 5 - math.log(number) / 3 + (number % 7) / 50))
        if number % checks == 0:
            said.append(ev.Evaluated(number, 5 - number / 200, 9.0, 2.0, True))
            said.append(ev.CheckpointSaved(number, f"checkpoints/step-{number}", True))
    return said


def write(folder: Path, said: list[ev.Event]) -> None:
    writer = Journal(folder / JOURNAL)
    for event in said:
        writer.append(event)
    writer.close()


def from_no_index(folder: Path) -> list[ev.Event]:
    (folder / INDEX).unlink()
    return read_thinned(folder)


def test_a_long_run_keeps_its_shape_and_everything_but_steps(tmp_path: Path) -> None:
    said = a_run(400)
    write(tmp_path, said)
    kept = read_thinned(tmp_path)
    steps = [event for event in kept if isinstance(event, ev.StepDone)]
    saved = {event.step for event in said if isinstance(event, ev.CheckpointSaved)}
    assert len(steps) <= 2 * 20 + len(saved)
    numbers = {event.step for event in steps}
    assert {1, 400} | saved <= numbers
    losses = [event.loss for event in said if isinstance(event, ev.StepDone)]
    assert min(losses) in {event.loss for event in steps}
    assert max(losses) in {event.loss for event in steps}
    assert kept[1:] == [event for event in said if event in kept]  # in order, nothing twice
    assert list(iter_events(tmp_path)) == [journal.named(event, tmp_path.name) for event in said]


def test_the_writer_leaves_an_index_that_covers_all_but_the_last_lines(tmp_path: Path) -> None:
    write(tmp_path, a_run(400))
    size = (tmp_path / JOURNAL).stat().st_size
    assert size - 4_000 < read_index(tmp_path / JOURNAL).bytes <= size


@settings(max_examples=many(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_figures_are_those_of_the_whole_journal(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run")
    said: list[ev.Event] = []
    at = 0
    for _ in range(data.draw(st.integers(1, 4))):
        said += [STARTED] if at == 0 else [ev.Resumed(at, True, 400)]
        end = at + data.draw(st.integers(1, 150))
        for number in range(at + 1, end + 1):
            said.append(step(number, 5 - number / 100))
            if number % 30 == 0:
                said.append(ev.Evaluated(number, 4.0 + (number % 11), 9.0, 2.0, False))
        at = data.draw(st.integers(0, end))
    middle = data.draw(st.integers(0, len(said)))
    write(folder, said[:middle])  # as two programs one after the other
    write(folder, said[middle:])
    by_index = run_facts(folder)
    journal._facts_of_journal.cache_clear()
    steps = [e for e in read_events(folder) if isinstance(e, ev.StepDone)]
    (folder / INDEX).unlink(missing_ok=True)
    assert run_facts(folder) == by_index
    truth: list[ev.Event] = []
    for event in said:
        if isinstance(event, ev.Started):
            truth = []
        if isinstance(event, ev.Resumed):
            truth = [each for each in truth if getattr(each, "step", 0) <= event.step]
        truth.append(event)
    whole = [event for event in truth if isinstance(event, ev.StepDone)]
    assert by_index.step == max((event.step for event in whole), default=0)
    assert by_index.seconds == max((event.elapsed for event in whole), default=0.0)
    losses = [event.validation_loss for event in truth if isinstance(event, ev.Evaluated)]
    assert by_index.best == min(losses, default=None)
    assert steps[-1:] == whole[-1:]
    assert {event.step for event in steps} <= {event.step for event in whole}


def test_memory_is_bounded_whatever_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_index, "OTHERS", 10)
    digest = Digest()
    digest.add(STARTED, 1)
    for number in range(1, 2_000):
        digest.add(step(number), 1)
        digest.add(ev.Evaluated(number, 9.0 if number != 777 else 1.0, 9.0, 2.0, False), 1)
        digest.add(ev.Sampled(number, "Once", " upon", ""), 1)
        assert len(digest.events) < 200
    best = [event for event in digest.events if isinstance(event, ev.Evaluated)]
    assert min(event.validation_loss for event in best) == 1.0
    assert any(isinstance(event, ev.Started) for event in digest.events)


@pytest.mark.parametrize(
    "index",
    [
        b"",
        b"rubbish",
        b"[]",
        b"{}",
        b'{"version": 1}',
        b"\xff",
        b'{"bytes": "a", "left_out": 0, "version": 1}',
    ],
)
def test_an_index_that_is_no_index_is_made_again(tmp_path: Path, index: bytes) -> None:
    write(tmp_path, a_run(400))
    truth = from_no_index(tmp_path)
    (tmp_path / INDEX).write_bytes(index)
    assert run_facts(tmp_path).step == 400
    assert read_thinned(tmp_path) == truth
    assert read_index(tmp_path / JOURNAL).events


def test_an_index_of_another_journal_is_not_believed(tmp_path: Path) -> None:
    write(tmp_path, a_run(400))
    lines = (tmp_path / JOURNAL).read_bytes().splitlines(keepends=True)
    (tmp_path / JOURNAL).write_bytes(b"".join(lines[:200]))  # cut by hand
    assert read_thinned(tmp_path) == from_no_index(tmp_path)
    write(tmp_path, a_run(400))
    (tmp_path / JOURNAL).write_bytes(b"".join(lines[:50] + lines[51:]))  # a line taken out
    assert read_thinned(tmp_path) == from_no_index(tmp_path)


def test_an_event_of_the_index_from_a_later_version_makes_it_anew(tmp_path: Path) -> None:
    write(tmp_path, a_run(400))
    truth = from_no_index(tmp_path)
    record = json.loads((tmp_path / INDEX).read_text())
    record["events"].append({"event": "never heard of"})
    (tmp_path / INDEX).write_text(json.dumps(record))
    assert read_thinned(tmp_path) == truth


def test_a_last_line_without_its_end_is_not_in_the_index(tmp_path: Path) -> None:
    write(tmp_path, a_run(400))
    path = tmp_path / JOURNAL
    (tmp_path / INDEX).unlink()
    path.write_bytes(path.read_bytes() + json.dumps(ev.to_json(step(401))).encode())
    assert run_facts(tmp_path).step == 401
    with path.open("ab") as file:
        file.write(b"\n" + json.dumps(ev.to_json(step(402))).encode() + b"\n")
    numbers = [event.step for event in read_thinned(tmp_path) if isinstance(event, ev.StepDone)]
    assert numbers[-2:] == [401, 402]


def test_a_folder_that_cannot_be_written_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, a_run(400))
    (tmp_path / INDEX).unlink()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(journal_index.files, "write_atomically", refuse)
    assert run_facts(tmp_path).step == 400
    assert not (tmp_path / INDEX).exists()
