"""What takes room, and what clearing frees: never a story, never what a run needs, never a run that is open."""

import json
import os
from pathlib import Path

import pytest

from storytime_tui import files, paths
from storytime_tui.cli import main
from storytime_tui.errors import Misused, RunError
from storytime_tui.jobs import records, shelves
from storytime_tui.jobs.housekeeping import disk
from storytime_tui.training import runs
from tests.jobs.housekeeping.homes import fingerprint, make_home, make_run, told


def part(what: str) -> disk.Part:
    return next(each for each in disk.disk_use().parts if each.what == what)


def test_each_part_is_measured_and_counted_once(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    use = disk.disk_use()
    on_disk = sum(
        path.lstat().st_size for path in home.rglob("*") if path.is_file() and not path.is_symlink()
    )
    assert on_disk * 0.95 < use.bytes <= on_disk  # locks and settings are not listed
    assert {each.of for each in use.parts} == {"", "checkpoints"}
    both = [part(f"checkpoints/tales-{number}") for number in (1, 2)]
    assert part("checkpoints").bytes == sum(each.bytes for each in both)
    assert 2000 < both[0].can_go < 2500 and both[1].can_go == 0  # step 10 of three
    assert both[0].note == "keeps the checkpoints of step 20 and 30; 1 more can go"
    assert use.free > 0 and use.can_go < use.bytes


def test_piped_output_is_whole_and_a_terminal_s_lines_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_home(tmp_path)
    note = part("checkpoints/tales-1").note
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["disk"]) == 0
    assert note in capsys.readouterr().out
    monkeypatch.setattr("storytime_tui.commands.disk.terminal_size", lambda descriptor: (80, 24))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(["disk"]) == 0
    table = capsys.readouterr().out.split("\n\n")[0].splitlines()
    assert len(table) > 8 and max(map(len, table)) <= 80 and any(line.endswith("…") for line in table)


def test_a_home_that_is_not_there_yet_takes_nothing() -> None:
    use = disk.disk_use()
    assert use.bytes == use.can_go == 0 and use.free > 0
    assert not paths.data_folder().exists()


def test_clearing_checkpoints_keeps_what_resuming_and_telling_need(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    before, stories = fingerprint(home), told(home)
    cleared = disk.clear("checkpoints/tales-1")
    assert 2000 < cleared.bytes < 2500 and cleared.stayed == ()
    gone = {name for name in before if name.startswith("runs/tales-1/checkpoints/step-10/")}
    assert len(gone) == 5
    assert fingerprint(home) == {name: what for name, what in before.items() if name not in gone}
    assert told(home) == stories
    assert disk.clear("checkpoints").bytes == 0  # nothing more


def test_a_run_that_is_open_keeps_all_its_checkpoints() -> None:
    folder = make_run("busy")
    before = fingerprint(folder)
    with runs.run_locked(folder):
        assert part("checkpoints/busy").can_go == 0
        assert disk.clear("checkpoints").stayed == ("busy is open now, so all of it stays.",)
        with pytest.raises(RunError, match="open now"):
            disk.clear("checkpoints/busy")
    assert fingerprint(folder) == before


def test_a_run_that_another_was_trained_from_keeps_all_its_checkpoints() -> None:
    folder = make_run("first")
    make_run("second", (5,), 5, base="first/step-10")
    before = fingerprint(folder)
    assert "another run was trained from it" in part("checkpoints/first").note
    assert disk.clear("checkpoints").stayed == (
        "first: another run was trained from it, so all of it stays.",
    )
    assert fingerprint(folder) == before


def test_earlier_checkpoints_stay_when_the_last_one_is_damaged() -> None:
    folder = make_run("hurt")
    (folder / "checkpoints" / "step-30" / "trainer.safetensors").write_bytes(b"other")
    before = fingerprint(folder)
    with pytest.raises(RunError, match="last checkpoint of the run 'hurt' is damaged"):
        disk.clear("checkpoints/hurt")
    assert fingerprint(folder) == before


def test_the_bin_goes_at_once_and_only_when_it_is_asked_for(tmp_path: Path) -> None:
    make_home(tmp_path)
    records.remove_runs(["tales-1"])
    shelves.remove(shelves.opened()[0][-1], None)
    taken = part("bin")
    assert taken.note == "2 removed, kept for 30 days" and taken.bytes > 6000
    assert disk.clear("bin") == disk.Cleared(taken.bytes)
    assert part("bin").bytes == 0
    assert records.removed_runs() == ()
    assert runs.run_names() == ["tales-2"]


CACHES = {"tokens": "tokens", "texts": "prepared", "words": "copied", "books": "downloads", "other": "voice"}


@pytest.mark.parametrize(("what", "folder"), CACHES.items())
def test_each_cache_goes_alone(what: str, folder: str) -> None:
    for name in CACHES.values():
        place = paths.cache_folder() / name / "one"
        files.make_folder(place)
        (place / "data").write_bytes(bytes(100))
    assert disk.clear(what) == disk.Cleared(100)
    left = {path.name for path in paths.cache_folder().iterdir() if any(path.iterdir())}
    assert left == {*CACHES.values()} - {folder}
    assert disk.clear("caches") == disk.Cleared(400)


def test_what_another_program_writes_into_a_cache_now_stays() -> None:
    with files.unfinished_folder(paths.cache_folder() / "tokens", "new") as unfinished:
        (unfinished / "data").write_bytes(bytes(100))
        assert disk.clear("caches").bytes == 0
        assert (unfinished / "data").exists()


def test_the_log_is_emptied_in_place() -> None:
    files.make_folder(paths.log_file().parent)
    for path in (paths.log_file(), paths.log_file().with_name("storytime.log.1")):
        path.write_text("a line\n")
    with paths.log_file().open("a") as writer:  # as a running program has it
        assert disk.clear("logs") == disk.Cleared(14)
        writer.write("next\n")
    assert paths.log_file().read_text() == "next\n"
    assert os.listdir(paths.log_file().parent) == ["storytime.log"]


def cached(model: str, size: int) -> Path:
    """A model in the Hub's cache."""
    commit = "a" * 40
    folder = Path(os.environ["HF_HOME"]) / "hub" / f"models--{model.replace('/', '--')}"
    snapshot, blob = folder / "snapshots" / commit, folder / "blobs" / "b"
    snapshot.mkdir(parents=True)
    blob.parent.mkdir()
    blob.write_bytes(bytes(size))
    (snapshot / "model.safetensors").symlink_to(blob)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(commit)
    return folder


def test_models_of_the_hub_are_listed_and_cleared_one_by_one() -> None:
    large, small = cached("owner/large", 5000), cached("distilgpt2", 3000)  # with the same commit
    for folder in (large, small):
        (folder / "blobs" / ".part-of-a-download").write_bytes(bytes(100))
    data_set = Path(os.environ["HF_HOME"]) / "hub" / "datasets--owner--texts" / "blobs"
    data_set.mkdir(parents=True)
    make_run("tales-1", base="distilgpt2")
    named = [(each.what, each.bytes) for each in disk.disk_use().parts if each.what.startswith("hub/")]
    assert named == [("hub/owner/large", 5140), ("hub/distilgpt2", 3140)]
    assert part("hub/distilgpt2").note == "the base of tales-1"
    assert disk.clear("hub/owner/large") == disk.Cleared(5140)
    assert not large.exists() and small.exists() and data_set.exists()


def test_stories_collections_and_runs_are_never_cleared_and_slips_are_explained() -> None:
    for what, verb in (
        ("stories", "stories remove"),
        ("collections", "corpus remove"),
        ("runs", "runs remove"),
    ):
        with pytest.raises(Misused, match=f"storytime-tui {verb}"):
            disk.clear(what)
    with pytest.raises(Misused, match="did you mean tokens"):
        disk.clear("token")


# -- the command -------------------------------------------------------------------------------------------


def test_the_table_and_its_json_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_home(tmp_path)
    assert main(["disk"]) == 0
    table = capsys.readouterr().out
    assert main(["disk", "--json"]) == 0
    *parts, finished = map(json.loads, capsys.readouterr().out.splitlines())
    rows = [line.split()[0] for line in table.split("\n\n")[0].splitlines()]
    assert rows == ["what", *(each["what"] for each in parts)]
    assert finished["bytes"] == sum(each["bytes"] for each in parts if not each["of"])
    assert "free in" in table and max(map(len, table.splitlines()[:-3])) <= 100


def test_clearing_asks_on_a_terminal_and_needs_yes_without_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_home(tmp_path)
    assert main(["disk", "clear", "checkpoints"]) == 1
    assert "add --yes" in capsys.readouterr().err
    answers = iter(["n\n", "y\n"])
    monkeypatch.setattr(
        "sys.stdin", type("Terminal", (), {"isatty": lambda _: True, "readline": lambda _: next(answers)})()
    )
    assert main(["disk", "clear", "checkpoints"]) == 0
    said = capsys.readouterr()
    assert (
        "Clear checkpoints, 2 kB? What is cleared cannot be brought back. [y/N]" in said.err
        and "Nothing was cleared" in said.err
    )
    assert runs.checkpoint_steps(paths.runs_folder() / "tales-1") == (10, 20, 30)
    assert main(["disk", "clear", "checkpoints"]) == 0
    assert capsys.readouterr().out == "Freed 2 kB.\n"
    for wrong, status in (("nonsense", 2), ("checkpoints/no-such-run", 1)):
        assert main(["disk", "clear", wrong]) == status  # before the question: `answers` is empty
        assert "Clear " not in capsys.readouterr().err
    assert main(["disk", "clear", "nonsense", "--yes"]) == 2
    assert main(["disk", "clear", "checkpoints", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "event": "finished",
        "what": "checkpoints",
        "bytes": 0,
        "stayed": [],
    }
