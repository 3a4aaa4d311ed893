"""Watching and steering a run that another program holds: here its lock is held and its journal written by the test."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storytime_tui.errors import RunError
from storytime_tui.jobs import steer
from storytime_tui.training import events as ev
from storytime_tui.training import runs
from storytime_tui.training.control import Control
from storytime_tui.training.journal import JOURNAL, Journal
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.training.requests import FOLDER, KINDS, LONGEST_PROMPT, requests_heard

FINISHED = ev.Finished("r", 2, 3.0, 2, "done", 1.0)
STOPPED = ev.Finished("r", 2, 3.0, 2, "stopped", 1.0)
FAILED = ev.Failed("r", 2, "The loss became nan.")


def step(number: int) -> ev.StepDone:
    return ev.StepDone(number, 3.0, 1e-3, 1000.0, 0.1, 1.0, number / 2, 10)


@contextlib.contextmanager
def open_run() -> Iterator[tuple[Path, Journal]]:
    """A run that "another program" holds, with its journal."""
    with runs.new_run("r", TrainingPlan(collections=("tales",))) as folder:
        journal = Journal(folder / JOURNAL)
        with contextlib.closing(journal):
            yield folder, journal


def ended_run(*said: ev.Event) -> None:
    with open_run() as (_, journal):
        for event in said:
            journal.append(event)


def acting(*acts: Callable[[], object]) -> Callable[[], None]:
    """What happens while `watch` waits, one act at a time; it must not wait once more."""
    remaining = iter(acts)
    return lambda: (next(remaining)(), None)[1]


# -- watching ----------------------------------------------------------------------------------------------


def test_a_run_is_followed_until_it_ends() -> None:
    with contextlib.ExitStack() as held:
        _, journal = held.enter_context(open_run())
        journal.append(step(1))

        def end() -> None:
            journal.append(FINISHED)
            held.close()

        wait = acting(lambda: None, lambda: journal.append(step(2)), end)
        assert list(steer.watch("r", wait)) == [step(1), step(2), FINISHED]


def test_the_newest_step_is_given_at_the_next_look() -> None:
    assert steer._EVERY < 0.5
    with open_run() as (_, journal):
        watched = steer.watch("r", acting(*[lambda: journal.append(step(2))] * 2))
        journal.append(step(1))
        assert next(watched) == step(1)
        assert next(watched) == step(2)


@pytest.mark.parametrize("end", [FINISHED, STOPPED, FAILED])
def test_a_run_that_has_ended_gives_its_last_event_only(end: ev.Event) -> None:
    ended_run(step(1), step(2), end)
    assert list(steer.watch("r", acting())) == [end]


def test_a_half_written_line_waits_and_a_newer_event_is_skipped() -> None:
    with contextlib.ExitStack() as held:
        folder, journal = held.enter_context(open_run())
        line = json.dumps(ev.to_json(step(1))).encode()
        with (folder / JOURNAL).open("ab") as file:
            file.write(b'{"event": "danced", "step": 1}\n' + line[:30])
            file.flush()

            def go_on() -> None:
                file.write(line[30:] + b"\n")
                file.flush()

            def end() -> None:
                journal.append(FINISHED)
                held.close()

            assert list(steer.watch("r", acting(lambda: None, go_on, end))) == [step(1), FINISHED]


def test_a_run_that_was_killed_is_said_to_be_interrupted() -> None:
    with contextlib.ExitStack() as held:
        _, journal = held.enter_context(open_run())
        journal.append(step(2))
        watched = steer.watch("r", acting(held.close))
        assert next(watched) == step(2)
        with pytest.raises(RunError, match=r"interrupted at step 2: no program has it open.*--resume r"):
            next(watched)
    with pytest.raises(RunError, match="interrupted at step 2"):
        list(steer.watch("r", acting()))


def test_a_run_removed_while_it_is_watched_is_one_sentence() -> None:
    with open_run() as (folder, journal):
        journal.append(step(1))
        watched = steer.watch("r", acting(lambda: shutil.rmtree(folder)))
        assert next(watched) == step(1)
        with pytest.raises(RunError, match=r"^The run 'r' was removed while it was watched\.$"):
            next(watched)


def test_a_run_that_has_not_begun_is_waited_for() -> None:
    with contextlib.ExitStack() as held:
        folder = held.enter_context(open_run())[0]
        (folder / JOURNAL).unlink()

        def begin() -> None:
            own = Journal(folder / JOURNAL)
            own.append(FINISHED)
            own.close()
            held.close()

        assert list(steer.watch("r", acting(lambda: None, begin))) == [FINISHED]
    with pytest.raises(RunError, match="no run called 'nobody'"):
        next(steer.watch("nobody"))


# -- asking ------------------------------------------------------------------------------------------------


def test_a_request_is_read_by_the_run() -> None:
    with open_run() as (folder, _):
        control = Control()
        with requests_heard(folder, control):
            assert all(steer.ask("r", kind) for kind in KINDS)
            assert steer.ask("r", "sample", "The “frog”")
        assert control.stopped and control.take_checkpoint()
        assert control.take_prompts() == [None, "The “frog”"]


def test_a_run_that_is_busy_keeps_the_request() -> None:
    with open_run() as (folder, _):
        assert steer.ask("r", "stop", patience=0) is False
        assert len(os.listdir(folder / FOLDER)) == 1


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ([step(1)], "No program has the run 'r' open. `storytime-tui train --resume r` resumes it."),
        (
            [step(2), STOPPED],
            "No program has the run 'r' open: it was stopped. `storytime-tui train --resume r`",
        ),
        (
            [FAILED],
            "No program has the run 'r' open: it failed. `storytime-tui train --resume r` resumes it.",
        ),
        ([FINISHED], "The run 'r' has finished, so there is nothing to ask of it."),
    ],
)
def test_a_run_that_nobody_has_open_is_not_asked(said: list[ev.Event], sentence: str) -> None:
    ended_run(*said)
    with pytest.raises(RunError) as caught:
        steer.ask("r", "stop")
    assert str(caught.value).startswith(sentence)
    assert not (runs.run_folder("r") / FOLDER).exists()


def test_a_run_that_ends_before_it_reads_a_request_is_said_to_have_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with contextlib.ExitStack() as held:
        folder, journal = held.enter_context(open_run())
        journal.append(FINISHED)
        is_open, answers = runs.is_open, iter([True])
        monkeypatch.setattr(runs, "is_open", lambda at: next(answers, False) and is_open(at))
        with pytest.raises(RunError, match="has finished, so there is nothing to ask of it"):
            steer.ask("r", "stop")
        assert os.listdir(folder / FOLDER) == []  # it was taken back


def test_a_prompt_too_long_for_a_sample_is_refused() -> None:
    with open_run() as (folder, _):
        with pytest.raises(RunError, match="10,001 characters"):
            steer.ask("r", "sample", "x" * (LONGEST_PROMPT + 1))
        assert not (folder / FOLDER).exists()
    with pytest.raises(RunError, match="no run called 'nobody'"):
        steer.ask("nobody", "stop")


def test_a_request_that_cannot_be_written_is_one_sentence() -> None:
    with open_run() as (folder, _):
        (folder / FOLDER).write_text("")
        with pytest.raises(RunError, match=r"^Asking the run r did not finish: .*\.$"):
            steer.ask("r", "stop")
