"""Run folders that somebody copied, emptied, broke or made to do harm: each is named, and the others are shown."""

import contextlib
import json
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui import files, paths, small_files
from storytime_tui.cli import main
from storytime_tui.errors import ModelError, PlanError, RunError
from storytime_tui.jobs import records, train
from storytime_tui.jobs.estimates import estimate
from storytime_tui.jobs.find_model import find_origin
from storytime_tui.jobs.generate import choices
from storytime_tui.training import events as ev
from storytime_tui.training import journal, runs, summary_cache, sums
from storytime_tui.training.control import Control
from storytime_tui.training.plan import TrainingPlan, read_plan, write_plan
from tests.examples import many
from tests.tiny import write_bare_gpt2

STEP = ev.StepDone(3, 3.0, 1e-3, 100.0, 0.1, 1.0, 3.0, 10)


def made(name: str, *said: ev.Event) -> Path:
    folder = paths.runs_folder() / name
    write_plan(TrainingPlan(base="scratch-tiny", collections=("grimm",)), folder / "plan.toml")
    book = runs.Journal(folder / "events.jsonl")
    for event in said or (STEP,):
        book.append(event)
    book.close()
    (folder / "checkpoints").mkdir()
    whole = write_bare_gpt2(paths.data_folder() / "models" / str(time.time_ns()))
    os.rename(whole, folder / "checkpoints" / "step-3")  # the library takes no path that is not UTF-8
    files.point_link(folder / "checkpoints" / "best", "step-3")
    return folder


def told(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> tuple[str, str]:
    """What `runs` said: in time, without a traceback."""
    done: list[int] = []
    thread = threading.Thread(target=lambda: done.append(main(["runs", *argv])), daemon=True)
    thread.start()
    thread.join(30)
    assert done == [code]
    out, err = capsys.readouterr()
    assert "Traceback" not in err and "unexpected" not in err and "\x1b" not in out + err
    return out, err


def test_one_line_is_left_out() -> None:
    made("one")
    with (paths.runs_folder() / "one" / "events.jsonl").open("ab") as file:
        file.write(b"{broken\n")
    assert records.troubles(records.run_records())[0].endswith("cannot be read: skipped.")


def a_loop(place: Path) -> None:
    place.symlink_to(place.name)


def best_is_a_folder(place: Path) -> None:
    (place / "best").mkdir(parents=True)


@pytest.mark.parametrize("broken", [*range(3)])
def test_a_run_that_could_not_be_saved_learns_nothing_first(
    broken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made("one")
    shutil.rmtree(folder / "checkpoints")
    (a_file, a_loop, best_is_a_folder)[broken](folder / "checkpoints")
    monkeypatch.setattr(train, "prepare", lambda *args: pytest.fail("it began"))
    with pytest.raises(RunError, match=r"cannot save its checkpoints: .*checkpoints.* is a ") as caught:
        list(train.resume("one", Control()))
    assert "Move that away" in str(caught.value)


def test_a_link_that_leads_nowhere_was_not_taken_away() -> None:
    paths.runs_folder().mkdir(parents=True)
    (paths.runs_folder() / "gone").symlink_to("elsewhere")
    with pytest.raises(RunError, match="is a link that leads nowhere, not a folder"):
        list(train.resume("gone", Control()))


# -- folders -----------------------------------------------------------------------------------------------


def a_file(place: Path) -> None:
    place.write_text("not a folder")


def a_folder(place: Path) -> None:
    place.mkdir()


def a_pipe(place: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("the system has no pipes with names")
    os.mkfifo(place)


def a_device(place: Path) -> None:
    if not Path("/dev/zero").exists():
        pytest.skip("the system has no /dev/zero")
    place.symlink_to("/dev/zero")


def an_endless_file(place: Path) -> None:
    if not Path("/proc/self/pagemap").exists():
        pytest.skip("the system has no /proc")
    place.symlink_to("/proc/self/pagemap")


def a_circle(place: Path) -> None:
    place.symlink_to(place.name)


def nowhere(place: Path) -> None:
    place.symlink_to("there is no such place")


def digits(place: Path) -> None:
    place.write_text("seed = " + "9" * 5000)


def hex_digits(place: Path) -> None:
    place.write_text("seed = 0x" + "f" * 5000)


def brackets(place: Path) -> None:
    place.write_text("stories = " + "[" * 100_000)


def wrong_types(place: Path) -> None:
    place.write_text("collections = [1, [2]]\nbase = {}")


def no_text(place: Path) -> None:
    place.write_bytes(b"base = '\xff\xfe'")


def missing(place: Path) -> None:
    pass


PLACED = [a_folder, a_pipe, a_device, a_circle, nowhere]
PLANS = [*PLACED, an_endless_file, digits, hex_digits, brackets, wrong_types, no_text, missing]


@pytest.mark.parametrize("broken", PLANS)
def test_a_plan_that_cannot_be_read_is_one_sentence_and_the_others_are_listed(
    capsys: pytest.CaptureFixture[str], broken: Callable[[Path], None]
) -> None:
    made("good")
    plan = made("bad") / "plan.toml"
    plan.unlink()
    broken(plan)
    with pytest.raises(PlanError) as error:
        read_plan(plan)
    if broken is not an_endless_file:  # Linux only, and only for some users, has something in it
        assert str(plan) in str(error.value) and len(str(error.value)) < 700
    out, err = told(capsys, "list")
    assert (
        "good  scratch-tiny  interrupted" in out
        and "damaged" in out
        and err.startswith("The run bad is damaged.")
    )
    out, err = told(capsys, "list", "--json")
    assert {each["name"]: each["state"] for each in map(json.loads, out.splitlines())} == {
        "good": "interrupted",
        "bad": "damaged",
    }
    assert err.count("\n") == 1
    _, err = told(capsys, "show", "bad", code=1)
    assert err.startswith("storytime-tui: The run bad is damaged.") and err.count("\n") == 1
    out, err = told(capsys, "compare", "good", "bad")
    assert "damaged" in out and "The run bad is damaged." in err
    assert [choice.name for choice in choices()][:2] == ["good", "bad"]
    told(capsys, "remove", "bad")
    assert runs.run_names() == ["good"]
    told(capsys, "restore", "bad")
    assert sorted(runs.run_names()) == ["bad", "good"]


@pytest.mark.parametrize("broken", PLACED)
def test_a_journal_that_is_no_file_is_damage(
    capsys: pytest.CaptureFixture[str], broken: Callable[[Path], None]
) -> None:
    made("good")
    place = made("bad") / "events.jsonl"
    place.unlink()
    broken(place)
    state = runs.summary_of("bad").state
    assert state == ("interrupted" if broken is nowhere else "damaged")  # it said nothing yet
    assert "good" in told(capsys, "list")[0]
    with pytest.raises((OSError, small_files.UnreadableFile)):
        runs.Journal(place)
    assert not (place.parent / "there is no such place").exists()
    records.last_run()
    assert estimate([], "bad").tokens == 0
    told(capsys, "remove", "bad")


@pytest.mark.parametrize("broken", [a_file, a_pipe, a_circle, nowhere, a_device])
@pytest.mark.parametrize("what", ["checkpoints", "lock", "the run", "best"])
def test_anything_in_the_place_of_a_part_stops_no_list(
    capsys: pytest.CaptureFixture[str], broken: Callable[[Path], None], what: str
) -> None:
    made("good")
    folder = made("bad")
    place = {"the run": folder, "best": folder / "checkpoints" / "best"}.get(what, folder / what)
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
    broken(place)
    assert "good" in told(capsys, "list")[0]
    assert choices()[0].name == "good" or choices()[0].name == "bad"
    with (
        pytest.raises((RunError, ModelError))
        if what in ("checkpoints", "the run")
        else contextlib.nullcontext()
    ):
        find_origin("bad", lambda *_: None)
    if what in ("checkpoints", "lock", "best"):
        told(capsys, "remove", "bad")
        assert runs.run_names() == ["good"]


def test_a_run_copied_in_a_file_manager_is_a_run_like_others(capsys: pytest.CaptureFixture[str]) -> None:
    a = made("a", STEP, ev.Finished("a", 3, 3.0, 3, "done", 1.0))
    shutil.copytree(a, a.with_name("a (copy)"))  # its links become folders
    out, err = told(capsys, "list")
    assert "a (copy)" in out and not err
    assert find_origin("a (copy)", lambda *_: None).folder == a.with_name("a (copy)") / "checkpoints" / "best"
    assert [
        e.run for e in journal.read_events(paths.runs_folder() / "a (copy)") if isinstance(e, ev.Finished)
    ] == ["a (copy)"]
    told(capsys, "remove", "a (copy)")
    assert runs.run_names() == ["a"]
    told(capsys, "restore", "a (copy)")
    with pytest.raises(RunError, match="cannot be called"):
        runs.check_free_name("a (copy)")


def test_names_that_are_no_utf8_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    made("good")
    name = os.fsdecode(b"\xff\xfe[2J")
    try:
        made(name)
    except OSError:
        pytest.skip("the file system has only names in UTF-8")
    assert "good" in told(capsys, "list")[0]
    told(capsys, "show", name)
    told(capsys, "remove", name)


@pytest.mark.parametrize(
    "strange", ["..", "../x", "a/b", ".hidden", "", "a\0b", pytest.param("x" * 5000, id="long"), "."]
)
def test_a_name_leads_out_of_no_folder(strange: str) -> None:
    made("a")
    assert not runs.is_run(strange)
    with pytest.raises(RunError, match="There is no run called"):
        runs.run_folder(strange)


def test_the_folder_of_all_runs_may_be_a_file(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    home.mkdir()
    (home / "runs").write_text("")
    for argv in (["list"], ["show", "a"], ["remove", "a"], ["restore"], ["restore", "a"]):
        _, err = told(capsys, *argv, code=1)
        assert err.count("\n") == 1
    assert choices() is not None and estimate([], "scratch-tiny").tokens == 0


def test_a_folder_that_must_not_be_looked_into_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made("good")
    folder = made("bad")
    listed = os.listdir

    def forbidden(place: Any = ".") -> list[str]:
        if Path(place) == folder:
            raise PermissionError(13, "Permission denied")
        return listed(place)

    monkeypatch.setattr(os, "listdir", forbidden)  # root may look into all of them
    monkeypatch.setattr(
        summary_cache, "read_plan", lambda place: read_plan(place if "good" in str(place) else folder / "x")
    )
    out, err = told(capsys, "list")
    assert "good" in out and "The run bad is damaged." in err


# -- a name is free only where nothing is --------------------------------------------------------------------


@pytest.mark.parametrize("left", ["checkpoints", "letter", "plan.toml", "events.jsonl"])
def test_a_folder_with_things_in_it_is_never_taken_over(left: str) -> None:
    folder = made("a")
    for path in list(folder.iterdir()):
        if path.name != left:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if left == "letter":
        (folder / left).write_text("keep")
    with (
        pytest.raises(RunError, match="already"),
        runs.new_run("a", TrainingPlan(collections=("grimm",))),
    ):
        pass
    assert [path.name for path in folder.iterdir()] == [left]


@pytest.mark.parametrize("broken", [a_file, a_pipe, a_circle, nowhere, a_device])
def test_a_name_is_not_free_where_something_else_is(broken: Callable[[Path], None]) -> None:
    paths.runs_folder().mkdir(parents=True)
    broken(paths.runs_folder() / "a")
    broken(paths.runs_folder() / "grimm-1")
    plan = TrainingPlan(collections=("grimm",))
    with pytest.raises(RunError, match="already"), runs.new_run("a", plan):
        pass
    with runs.new_run(None, plan) as folder:
        assert folder.name == "grimm-2"
    assert not (paths.runs_folder() / "there is no such place").exists()


# -- journals ------------------------------------------------------------------------------------------------

BAD_LINES = [
    b'{"event": []}',
    b"[]",
    b'"x"',
    b"null",
    b"[" * 100_000,
    b'{"event": "step_done", "step": ' + b"9" * 5000 + b"}",
    json.dumps({**ev.to_json(STEP), "step": "3"}).encode(),
    json.dumps({**ev.to_json(STEP), "step": float("nan")}).encode(),
    json.dumps({**ev.to_json(STEP), "step": -1}).encode(),
    json.dumps({**ev.to_json(STEP), "loss": 10**400}).encode(),
    json.dumps({**ev.to_json(STEP), "loss": True}).encode(),
    b'{"event": "started", "run": 1}',
    b"\xff\xfe\x00",
    b"{",
]


@pytest.mark.parametrize("line", BAD_LINES, ids=range(len(BAD_LINES)))
def test_a_bad_line_is_left_out_and_counted(capsys: pytest.CaptureFixture[str], line: bytes) -> None:
    folder = made("bad")
    whole = (folder / "events.jsonl").read_bytes()
    (folder / "events.jsonl").write_bytes(line + b"\n" + whole)
    said = journal.read_journal(folder)
    assert said.events == [STEP] and said.left_out == 1
    out, err = told(capsys, "list")
    assert "interrupted" in out and "1 line in the journal of the run bad cannot be read" in err
    assert "1 line in the journal" in told(capsys, "show", "bad", "--json")[1]


def test_what_a_later_version_says_is_passed_over() -> None:
    folder = made("a")
    with (folder / "events.jsonl").open("a") as file:
        file.write(
            '{"event": "danced", "step": []}\n' + json.dumps({**ev.to_json(STEP), "new": [1]}) + "\n\n"
        )
    assert journal.read_journal(folder) == journal.JournalContents([STEP, STEP], 0)


def test_a_line_without_end_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made("a")
    monkeypatch.setattr(journal, "_LONGEST_LINE", 1000)
    whole = (folder / "events.jsonl").read_bytes()
    (folder / "events.jsonl").write_bytes(whole + b"x" * 5000 + b"\n" + whole + b"y" * 5000)
    assert journal.read_journal(folder) == journal.JournalContents([STEP, STEP], 1)
    monkeypatch.setattr(journal, "_LONGEST", 1000)
    with pytest.raises(small_files.UnreadableFile, match="more than"):
        journal.read_journal(folder)


def test_many_resumes_take_no_longer_than_as_many_steps() -> None:
    folder = made("a")
    line = json.dumps(ev.to_json(STEP)) + "\n" + json.dumps(ev.to_json(ev.Resumed(3, True))) + "\n"
    (folder / "events.jsonl").write_text(line * 20_000)  # each looked through all before it: minutes
    assert len(journal.read_events(folder)) == 40_000


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(sorted({field for kind in ev.EVENTS.values() for field in kind.__dataclass_fields__}))
RECORDS = st.builds(
    lambda kind, rest: json.dumps({"event": kind, **rest}).encode(),
    st.sampled_from([*ev.EVENTS, "danced"]) | VALUES,
    st.dictionaries(NAMES, VALUES, max_size=8),
)
WHOLE = st.sampled_from(
    [
        STEP,
        ev.Resumed(1, True),
        ev.Failed("x", 2, "Full."),
        ev.Evaluated(3, 3.0, 9.0, 1.0, True),
        ev.Paused(3),
    ]
).map(lambda event: json.dumps(ev.to_json(event)).encode())


@settings(max_examples=many(60))
@given(
    lines=st.lists(st.binary(max_size=30) | RECORDS | WHOLE | VALUES.map(lambda v: json.dumps(v).encode()))
)
def test_no_journal_raises(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORYTIME_HOME", str(tmp_path_factory.mktemp("home")))
        folder = made("a")
        (folder / "events.jsonl").write_bytes(b"\n".join(lines))
        summary = runs.summary_of("a")
        assert summary.state in ("interrupted", "failed", "finished", "stopped")
        assert 0 <= summary.step < 2**53
        records.last_run()
        book = runs.Journal(folder / "events.jsonl")
        book.append(ev.Paused(7))
        book.close()
        assert journal.read_events(folder)[-1] == ev.Paused(7)


@settings(max_examples=many(60))
@given(text=st.text(max_size=80) | st.dictionaries(st.sampled_from(["seed", "base", "stories", "clip"]), VALUES).map(
    lambda values: "\n".join(f"{key} = {json.dumps(value)}" for key, value in values.items())
))  # fmt: skip
def test_no_plan_raises_but_a_sentence(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("plan") / "plan.toml"
    path.write_text(text, encoding="utf-8", errors="replace")
    with contextlib.suppress(PlanError):
        read_plan(path)


# -- checkpoints ---------------------------------------------------------------------------------------------


def test_links_and_steps_that_lead_elsewhere_are_none(tmp_path: Path) -> None:
    folder = made("a")
    root = folder / "checkpoints"
    other = made("b") / "checkpoints" / "step-3"
    for target in (str(other), "../../b/checkpoints/step-3", "step-99", "..", "best", "step-3/../../lock"):
        (root / "best").unlink()
        (root / "best").symlink_to(target)
        assert runs.checkpoint_named(folder, "best") is None
        assert find_origin("a", lambda *_: None).folder == root / "step-3"
    for name in ("step-007", "step-" + "9" * 5000, "step-٣", "step-3.damaged", "step-"):
        with contextlib.suppress(OSError):
            (root / name).mkdir()
        assert runs.checkpoint_named(folder, name) is None
    (root / "step-8").write_text("a file")
    assert runs.checkpoint_steps(folder) == (3,)


@pytest.mark.parametrize("name", ["../secret", "/dev/zero", "", "a/../b", ".."])
def test_sums_ask_for_nothing_outside(name: str) -> None:
    folder = made("a") / "checkpoints" / "step-3"
    (folder / sums.SUMS).write_text(f"{'0' * 64}  {name}\n")
    assert sums.damage_in(folder) == sums.SUMS


@pytest.mark.parametrize("broken", [*PLACED, an_endless_file])
@pytest.mark.parametrize("name", [sums.SUMS, "config.json"])
def test_a_checkpoint_with_something_else_in_the_place_of_a_file_is_damaged(
    broken: Callable[[Path], None], name: str
) -> None:
    folder = made("a") / "checkpoints" / "step-3"
    (folder / "trainer.json").write_text("{}")
    (folder / "trainer.safetensors").write_text("{}")
    sums.write_sums(folder)
    assert sums.damage_in(folder) == ""
    (folder / name).unlink()
    broken(folder / name)
    assert sums.damage_in(folder) == name
