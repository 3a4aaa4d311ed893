"""A journal that grows is read once, line by line, whatever happens to its file."""

import json
from pathlib import Path

import pytest

from storytime_tui.training import events as ev
from storytime_tui.training import journal_tail
from storytime_tui.training.journal import JOURNAL, Journal
from storytime_tui.training.journal_tail import JournalTail


def step(number: int) -> ev.StepDone:
    return ev.StepDone(number, 3.0, 1e-3, 1000.0, 0.1, 1.0, number / 2, 10)


def line(event: ev.Event) -> bytes:
    return json.dumps(ev.to_json(event)).encode() + b"\n"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / JOURNAL


def test_each_event_is_read_once(journal: Path) -> None:
    tail = JournalTail(journal.parent)
    assert tail.read() == []
    for number in range(1, 4):
        with journal.open("ab") as file:
            file.write(line(step(number)))
        assert tail.read() == [step(number)]
        assert tail.read() == []


@pytest.mark.parametrize("cut", [1, 20, -2, -1])
def test_a_half_written_line_waits_for_its_end(journal: Path, cut: int) -> None:
    tail, whole = JournalTail(journal.parent), line(step(2))
    journal.write_bytes(line(step(1)) + whole[:cut])
    assert tail.read() == [step(1)]
    assert tail.read() == []
    with journal.open("ab") as file:
        file.write(whole[cut:] + line(step(3)))
    assert tail.read() == [step(2), step(3)]


def test_a_torn_line_that_a_resume_removes_is_forgotten(journal: Path) -> None:
    tail = JournalTail(journal.parent)
    journal.write_bytes(line(step(1)) + line(step(2))[:30])
    assert tail.read() == [step(1)]
    resumed = Journal(journal)
    resumed.append(ev.Resumed(1, True))
    resumed.append(step(2))
    resumed.close()
    assert tail.read() == [ev.Resumed(1, True), step(2)]


def test_what_is_no_event_of_this_version_is_skipped(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_tail, "_LONGEST_LINE", 500)
    journal.write_bytes(
        line(step(1))
        + b'{"event": "danced", "step": 7}\n'
        + b"rubbish\n\n"
        + b'{"event": "step_done"}\n'
        + b"x" * 2_000
        + line(step(2))  # the end of the line that is too long
        + line(step(3))
    )
    assert JournalTail(journal.parent).read() == [step(1), step(3)]


def test_a_line_that_is_too_long_may_end_later(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_tail, "_LONGEST_LINE", 500)
    tail = JournalTail(journal.parent)
    journal.write_bytes(line(step(1)) + b"x" * 1_200)
    assert tail.read() == [step(1)]
    with journal.open("ab") as file:
        file.write(b"x" * 300 + b"\n" + line(step(2)))
    assert tail.read() == [step(2)]


def test_of_a_long_journal_the_beginning_and_the_end_are_read(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_tail, "_FROM_END", 2_000)
    steps = [step(number) for number in range(1, 1001)]
    journal.write_bytes(b"".join(map(line, [ev.Resumed(0, False), *steps])))
    tail = JournalTail(journal.parent)
    first, *rest = tail.read()
    assert first == ev.Resumed(0, False)
    assert 5 < len(rest) < 20
    assert rest == steps[-len(rest) :]
    with journal.open("ab") as file:
        file.write(line(step(1001)))
    assert tail.read() == [step(1001)]


@pytest.mark.parametrize("how", ["shorter", "renamed over"])
def test_a_journal_that_is_replaced_is_read_anew(journal: Path, how: str) -> None:
    tail = JournalTail(journal.parent)
    journal.write_bytes(line(step(1)) + line(step(2)))
    assert len(tail.read()) == 2
    if how == "shorter":
        journal.write_bytes(line(step(3)))
    else:
        (journal.parent / "other").write_bytes(line(step(3)) * 3)
        (journal.parent / "other").replace(journal)
    assert set(tail.read()) == {step(3)}
