"""Training runs and CUDA graph recordings exclude each other."""

import threading

from storytime_tui.jobs.active_runs import is_training, new_runs_wait, training


def test_a_run_counts_while_it_trains() -> None:
    assert not is_training()
    with training(), training():
        assert is_training()
        with new_runs_wait() as undisturbed:
            assert not undisturbed
    assert not is_training()
    with new_runs_wait() as undisturbed:
        assert undisturbed


def test_a_new_run_waits_for_a_recording() -> None:
    began = threading.Event()

    def run() -> None:
        with training():
            began.set()

    with new_runs_wait():
        thread = threading.Thread(target=run)
        thread.start()
        assert not began.wait(0.1) and not is_training()
    assert began.wait(10)
    thread.join()
