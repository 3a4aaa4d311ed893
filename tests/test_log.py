"""What the log keeps, what it leaves out, and that it stands in nobody's way."""

import faulthandler
import logging
import os
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from storytime_tui import cli, log, paths
from storytime_tui.errors import StorytimeError

SECRET = "the hedgehog buried Aunt Ottoline"


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """The root logger as it was, with the log's file closed."""
    root = logging.getLogger()
    before, level, show = list(root.handlers), root.level, warnings.showwarning
    yield
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    warnings.showwarning = show


def kept() -> str:
    return paths.log_file().read_text(encoding="utf-8")


def stumble(text: str) -> None:
    story = text  # a local variable with a story in it
    try:
        {}[story]
    except KeyError as error:
        raise ValueError(f"bad text {story!r}") from error


def test_where_an_error_came_from_is_kept_and_no_text_of_it() -> None:
    try:
        stumble(SECRET)
    except ValueError as error:
        error.add_note(SECRET)
        log.keep(error, "storytime-tui tell")
    assert "ValueError" in kept() and "KeyError" in kept() and "in stumble" in kept()
    assert "storytime-tui tell" in kept()
    assert "hedgehog" not in kept()


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (FileNotFoundError(2, "No such file or directory", SECRET), "FileNotFoundError: No such file"),
        (ModuleNotFoundError(SECRET, name="peft"), "ModuleNotFoundError: peft"),
        (ExceptionGroup(SECRET, [TypeError(SECRET)]), "with TypeError"),
        (StorytimeError(SECRET), "StorytimeError"),
        (UnicodeEncodeError("utf-8", SECRET, 0, 1, SECRET), "UnicodeEncodeError"),
    ],
)
def test_of_a_message_only_what_cannot_be_text_is_kept(error: Exception, says: str) -> None:
    log.keep(error, "storytime-tui tell")
    assert says in kept()
    assert "hedgehog" not in kept()


def test_a_file_of_ours_is_named(home: Path) -> None:
    log.keep(PermissionError(13, "Permission denied", str(home / "runs" / "r")), "storytime-tui runs")
    assert f"Permission denied: {home / 'runs' / 'r'}" in kept()


def test_what_libraries_say_is_kept_without_their_words() -> None:
    log.start()
    logging.getLogger("tokenizer").warning("cut %r", SECRET)
    logging.getLogger("somebody").error(f"lost {SECRET}")
    warnings.warn(SECRET, RuntimeWarning, stacklevel=1)
    assert f"tokenizer: logged in {__file__}" in kept() and f"RuntimeWarning in {__file__}" in kept()
    assert "hedgehog" not in kept()


@pytest.mark.filterwarnings("default")  # as when the program runs
def test_a_warning_of_a_library_is_not_on_the_users_screen(capsys: pytest.CaptureFixture[str]) -> None:
    log.start()
    warnings.warn(SECRET, FutureWarning, stacklevel=1)
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_only_its_owner_reads_the_log_also_an_old_one_and_the_next(home: Path) -> None:
    path = paths.log_file()
    path.parent.mkdir(parents=True)
    path.write_text("from an older version\n")
    path.chmod(0o644)
    log.start()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    handler = next(h for h in logging.getLogger().handlers if isinstance(h, log._PrivateFile))
    handler.doRollover()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.with_name("storytime.log.1").stat().st_mode) == 0o600


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_the_logs_folder_is_made_for_its_owner(home: Path) -> None:
    log.start()
    assert stat.S_IMODE(home.stat().st_mode) == stat.S_IMODE((home / "logs").stat().st_mode) == 0o700


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes that look like files here")
@pytest.mark.parametrize("instead", ["pipe", "folder", "loop", "no folder", "no user"])
def test_a_log_that_cannot_be_is_no_second_error(
    instead: str, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = paths.log_file()
    if instead == "no folder":
        home.mkdir()
        path.parent.write_text("a file where the folder should be")
    else:
        path.parent.mkdir(parents=True)
    if instead == "pipe":
        os.mkfifo(path)
    elif instead == "folder":
        path.mkdir()
    elif instead == "loop":
        path.symlink_to(path.name)

    def break_off() -> None:
        if instead == "no user":
            monkeypatch.setenv("STORYTIME_HOME", "~nosuchuser/x")  # even if it was right before
        raise ZeroDivisionError("oh")

    from storytime_tui.commands import runs

    monkeypatch.setattr(runs, "run_records", break_off)
    assert cli.main(["runs", "list"]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and err.endswith("There are no details: the log cannot be written.\n")


def test_who_asks_for_it_gets_the_messages_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORYTIME_LOG_TEXT", "1")
    try:
        stumble(SECRET)
    except ValueError as error:
        log.keep(error, "storytime-tui tell")
    logging.getLogger("tokenizer").warning("cut %r", SECRET)
    assert kept().count(SECRET) >= 2 and f"cut '{SECRET}'" in kept()
    assert log.for_native_output() == paths.log_file()
    monkeypatch.setenv("STORYTIME_LOG_TEXT", "0")
    assert log.for_native_output() == Path(os.devnull)


def test_the_logs_stay_small(home: Path) -> None:
    log.start()
    for _ in range(40):
        log.note("x" * 200_000)
    sizes = {path.name: path.stat().st_size for path in (home / "logs").iterdir()}
    assert sizes.keys() == {"storytime.log", "storytime.log.1", "storytime.log.2"}
    assert max(sizes.values()) <= 2_000_000


def test_a_traceback_of_a_native_crash_goes_into_the_log_that_is_written_now(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.start()
    monkeypatch.setattr(faulthandler, "enable", lambda descriptor: None)  # pytest's own stays
    log.watch_for_crashes()
    log.note("before")
    handler = next(h for h in logging.getLogger().handlers if isinstance(h, log._PrivateFile))
    handler.doRollover()
    log.note("after")
    faulthandler.dump_traceback(log._crash_file)
    assert "after" in kept() and "before" not in kept() and "test_a_traceback_of" in kept()
    monkeypatch.setattr(log, "_crash_file", None)


def test_a_broken_app_keeps_where_and_no_local_variable() -> None:
    from storytime_tui.tui.app import StorytimeApp
    from storytime_tui.tui.real_services import real_services

    app = StorytimeApp(real_services())
    try:
        stumble(SECRET)
    except ValueError as error:
        app._exception = error
        app._close_messages_no_wait = lambda: None  # type: ignore[method-assign]
        app._fatal_error()
    assert app._exit_renderables == []  # which Textual would print, with the variables of every frame
    assert "in stumble" in kept() and "hedgehog" not in kept()
