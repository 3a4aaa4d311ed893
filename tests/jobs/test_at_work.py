"""Runs that learn, and recordings for the GPU, keep out of each other's way."""

import threading

from storytime_tui.jobs.at_work import is_learning, learning, no_run_begins


def test_a_run_is_known_of_while_it_learns() -> None:
    assert not is_learning()
    with learning(), learning():
        assert is_learning()
        with no_run_begins() as undisturbed:
            assert not undisturbed
    assert not is_learning()
    with no_run_begins() as undisturbed:
        assert undisturbed


def test_a_run_begins_behind_what_must_not_be_disturbed() -> None:
    began = threading.Event()

    def run() -> None:
        with learning():
            began.set()

    with no_run_begins():
        thread = threading.Thread(target=run)
        thread.start()
        assert not began.wait(0.1) and not is_learning()
    assert began.wait(10)
    thread.join()
