"""The program as it is installed opens its screens in a real terminal, and leaves; on every Python (.ci/run)."""

from pathlib import Path

from tests.terminal import open_app


def test_what_the_app_of_a_test_saves_does_not_lie_in_the_working_copy(home: Path) -> None:
    with open_app(80, 24, home) as app:
        app.wait_for(r"\[x\] Hedgerow Tales")
        app.keys("2")
        app.wait_for("Base: the model")
        app.keys("e")
        app.wait_for("hedgerow-tales-1.toml")
        app.keys("\r")
        app.wait_for("The plan is saved as")
    assert not Path("hedgerow-tales-1.toml").exists()


def test_the_screens_open_and_the_app_ends_well(home: Path) -> None:
    with open_app(80, 24, home) as app:
        app.wait_for(r"\[x\] Hedgerow Tales")
        app.keys("2")
        app.wait_for("Base: the model")
        app.keys("3")
        app.wait_for(r"Write a first line", row=None)
        app.program.send(b"\x1b[200~caf\xe9 and \x9bsugar\x1b[201~")  # a paste that is no UTF-8
        app.wait_for("caf\N{REPLACEMENT CHARACTER} and \N{REPLACEMENT CHARACTER}sugar")
        app.keys("\x1b[15~")  # F5
        app.wait_for("No runs yet", row=None)
        app.keys("\x11")
        assert app.wait_for_end() == 0
