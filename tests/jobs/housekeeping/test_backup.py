"""A backup holds everything that must not be lost; restoring it changes nothing that is here."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storytime_tui import files, paths
from storytime_tui.cli import main
from storytime_tui.errors import StorytimeError
from storytime_tui.jobs.housekeeping import archive, backup, restore
from storytime_tui.settings import load_settings
from storytime_tui.stories.store import StoryStore
from storytime_tui.training import runs
from storytime_tui.training.sums import damage_in
from tests.jobs.housekeeping.homes import fingerprint, make_home, make_run, told


def quiet(what: str, done: int, total: int) -> None:
    """A report that nobody reads."""


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home that has all kinds of things, and its backup: each test gets a copy of both."""
    folder = tmp_path_factory.mktemp("once")
    with pytest.MonkeyPatch.context() as patches:
        patches.setenv("STORYTIME_HOME", str(folder / "home"))
        make_home(folder)
        backup.create_backup(str(folder / "saved.zip"), quiet)
    return folder


@pytest.fixture
def saved(once: Path, tmp_path: Path, home: Path) -> Path:
    """A backup of a home with all kinds of things."""
    shutil.copytree(once / "home", home, symlinks=True)
    return Path(shutil.copy(once / "saved.zip", tmp_path))


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, saved: Path) -> Path:
    """From now on the home is another, empty one."""
    monkeypatch.setenv("STORYTIME_HOME", str(tmp_path / "other-home"))
    return tmp_path / "other-home"


def test_in_an_empty_home_everything_is_as_it_was(saved: Path, home: Path, other: Path) -> None:
    done = restore.restore_backup(str(saved), quiet)
    assert (done.stories, done.collections, done.runs, done.here) == (
        2,
        ("tales",),
        ("tales-1", "tales-2"),
        0,
    )
    assert done.notes == () and done.settings
    assert fingerprint(other) == fingerprint(home)
    assert told(other) == told(home)
    assert load_settings().settings.temperature == 0.7
    assert runs.run_names() == ["tales-2", "tales-1"]  # by the time of their journals, as before
    assert damage_in(other / "runs" / "tales-1" / "checkpoints" / "last") == ""
    modes = {path.stat().st_mode & 0o077 for path in other.rglob("*") if not path.is_symlink()}
    assert modes == {0}


def test_a_run_that_was_stopped_goes_on_to_the_very_bytes(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    from storytime_tui.jobs.train import learn, resume
    from storytime_tui.training import events as ev
    from storytime_tui.training.control import Control
    from tests.jobs.test_train import plan_for
    from tests.tiny import write_collection

    plan, control = plan_for(write_collection(tmp_path / "tales"), precision="fp32"), Control()
    for event in learn(plan, control, "r"):
        if isinstance(event, ev.StepDone) and event.step == 2:
            control.stop()
    saved = backup.create_backup(str(tmp_path), quiet).path
    ends = []
    for place in (home, tmp_path / "other-home"):
        monkeypatch.setenv("STORYTIME_HOME", str(place))
        if place != home:
            restore.restore_backup(str(saved), quiet)
        assert isinstance(list(resume("r", Control()))[-1], ev.Finished)
        ends.append((place / "runs/r/checkpoints/last/model.safetensors").read_bytes())
    assert ends[0] == ends[1]


def test_restoring_twice_brings_nothing_twice(saved: Path, other: Path) -> None:
    restore.restore_backup(str(saved), quiet)
    before, stories = fingerprint(other), told(other)
    again = restore.restore_backup(str(saved), quiet)
    assert (again.stories, again.collections, again.runs, again.here) == (0, (), (), 5)
    assert fingerprint(other) == before and told(other) == stories


def test_what_is_here_stays_and_what_differs_comes_beside_it(saved: Path, home: Path) -> None:
    """Restored into the home that it came from, after that has changed."""
    plan, card = (home / name for name in ("runs/tales-1/plan.toml", "collections/tales/collection.toml"))
    (card.parent / "more.txt").write_text("One more tale.\n")
    plan.write_text(plan.read_text() + "# changed\n")
    store = StoryStore(paths.stories_file())
    wren = store.stories()[0]
    store.add_passage(wren.id, "you", " And another.", model="", settings="")
    store.close()
    paths.settings_file().write_text("temperature = 0.9\n")
    before, stories = fingerprint(home), told(home)

    done = restore.restore_backup(str(saved), quiet)
    assert (done.stories, done.collections, done.runs) == (1, ("tales-restored",), ("tales-1-restored",))
    assert done.here == 2 and not done.settings  # the run tales-2, and a story
    after = fingerprint(home)
    assert {name: after[name] for name in before} == before
    assert (home / "settings.toml.restored").read_text() == "temperature = 0.7\n"
    assert "# changed" not in (home / "runs/tales-1-restored/plan.toml").read_text()
    assert [each for each in told(home) if each in stories] == stories
    assert {story.title for story in StoryStore(paths.stories_file()).stories()} == {
        "The Wren",
        "The Wren (from the backup)",
    }
    said = " ".join(done.notes)
    assert "that of the backup is tales-restored now" in said and "Your settings stay" in said
    assert "1 story had the title of another story here" in said

    (home / "settings.toml.restored").write_text("top_p = 0.5\n")  # of another backup
    again = restore.restore_backup(str(saved), quiet)
    assert (again.stories, again.collections, again.runs) == (0, (), ())
    assert (home / "settings.toml.restored").read_text() == "top_p = 0.5\n"
    assert (home / "settings.toml.restored-2").read_text() == "temperature = 0.7\n"


def test_a_lora_run_whose_base_comes_back_under_another_name_is_named(tmp_path: Path, home: Path) -> None:
    """Its adapter fits the backup's base only."""
    make_run("first")
    make_run("adapted", base="first", lora_rank=4)
    saved = backup.create_backup(str(tmp_path / "b.zip"), quiet).path
    shutil.rmtree(home / "runs")
    make_run("first")
    done = restore.restore_backup(str(saved), quiet)
    assert done.runs == ("adapted", "first-restored")
    assert any("adapted was trained by LoRA on the backup's first" in note for note in done.notes)


def test_names_in_use_by_files_and_links_are_left_alone(saved: Path, other: Path) -> None:
    files.make_folder(other / "runs")
    (other / "runs" / "tales-1").symlink_to(other / "nowhere")
    (other / "runs" / "tales-2").write_text("a file")
    done = restore.restore_backup(str(saved), quiet)
    assert done.runs == ("tales-1-restored", "tales-2-restored")
    assert (other / "runs" / "tales-1").is_symlink() and (other / "runs" / "tales-2").read_text() == "a file"
    assert not (other / "nowhere").exists()


LINKS = {"last": "step-30", "best": "step-20"}


@pytest.mark.parametrize(
    ("kept", "steps", "links"), [("all", (10, 20, 30), LINKS), ("best", (20, 30), LINKS), ("none", (), {})]
)
def test_checkpoints_may_be_left_out(
    tmp_path: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    kept: backup.Kept,
    steps: tuple[int, ...],
    links: dict[str, str],
) -> None:
    make_run("r")
    saved = backup.create_backup(str(tmp_path / "b.zip"), quiet, kept).path
    monkeypatch.setenv("STORYTIME_HOME", str(tmp_path / "other-home"))
    restore.restore_backup(str(saved), quiet)
    folder = tmp_path / "other-home" / "runs" / "r"
    assert runs.checkpoint_steps(folder) == steps
    assert {name: os.readlink(folder / "checkpoints" / name) for name in links} == links
    assert runs.summary_of("r").step == 30


def test_an_empty_home_can_be_saved_and_brought_back(tmp_path: Path) -> None:
    saved = backup.create_backup(str(tmp_path), quiet)
    assert (saved.stories, saved.collections, saved.runs) == (0, 0, 0)
    assert saved.path.name.startswith("storytime-2") and saved.path.stat().st_mode & 0o077 == 0
    done = restore.restore_backup(str(saved.path), quiet)
    assert (done.stories, done.here, done.notes) == (0, 0, ())


# -- while others write --------------------------------------------------------------------------------


def test_the_stories_are_one_moment_of_theirs_while_another_program_writes(tmp_path: Path) -> None:
    """Each story holds pairs of passages, written together: a copy never has a half of one."""
    store = StoryStore(paths.stories_file())
    story = store.new_story("Pairs")
    stop = threading.Event()

    def write() -> None:
        writer = StoryStore(paths.stories_file())
        while not stop.is_set():
            with writer.writing() as db:
                for author in ("you", "model"):
                    values = (story.id, author, "x", "", "", 1)
                    columns = "story, author, text, model, settings, created"
                    db.execute(f"INSERT INTO passage ({columns}) VALUES (?, ?, ?, ?, ?, ?)", values)
        writer.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        counts = []
        for number in range(5):
            made = backup.create_backup(str(tmp_path / f"{number}.zip"), quiet)
            with zipfile.ZipFile(made.path) as opened:
                opened.extract("stories.sqlite3", tmp_path / str(number))
            with contextlib.closing(sqlite3.connect(tmp_path / str(number) / "stories.sqlite3")) as db:
                rows = dict(db.execute("SELECT author, count(*) FROM passage GROUP BY author"))
                assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            assert rows.get("you", 0) == rows.get("model", 0)
            counts.append(rows.get("you", 0))
    finally:
        stop.set()
        thread.join()
        store.close()
    assert counts[-1] > counts[0]


def test_a_run_that_trains_meanwhile_is_saved_with_whole_checkpoints(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread saves checkpoints and removes old ones as fast as it can."""
    folder = make_run("r", size=200_000)
    stop = threading.Event()

    def train() -> None:
        step = 30
        while not stop.is_set():
            step += 10
            unfinished = folder / "checkpoints" / ".part-000000000000-x"
            shutil.copytree(folder / "checkpoints" / f"step-{step - 10}", unfinished)
            os.rename(unfinished, folder / "checkpoints" / f"step-{step}")
            files.point_link(folder / "checkpoints" / "last", f"step-{step}")
            files.point_link(folder / "checkpoints" / "best", f"step-{step}")
            files.remove_whole(folder / "checkpoints" / f"step-{step - 20}")  # as a run does

    thread = threading.Thread(target=train)
    thread.start()
    try:
        saved = [backup.create_backup(str(tmp_path / f"{number}.zip"), quiet) for number in range(3)]
    finally:
        stop.set()
        thread.join()
    for number, each in enumerate(saved):
        assert each.runs == 1 and each.left_out == ()
        monkeypatch.setenv("STORYTIME_HOME", str(tmp_path / f"home-{number}"))
        restore.restore_backup(str(each.path), quiet)
        place = tmp_path / f"home-{number}" / "runs" / "r"
        for link in ("last", "best"):
            found = runs.checkpoint_named(place, link)
            assert found is not None and damage_in(found) == ""
        assert not list(place.rglob(".part-*"))


def test_a_checkpoint_that_is_just_being_removed_is_not_saved_in_part(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of its files are gone when the backup comes to it; the next one goes while the others are opened."""
    going = make_run("r") / "checkpoints" / "step-10"  # no link leads to it
    (going / "model.safetensors").unlink()
    own_open = backup.small_files.open_regular

    def opened(path: Path) -> object:
        file = own_open(path)
        if path.parent == going and path == max(going.iterdir()):
            path.unlink()
        return file

    monkeypatch.setattr(backup.small_files, "open_regular", opened)
    saved = backup.create_backup(str(tmp_path / "saved.zip"), quiet)
    assert saved.runs == 1 and saved.left_out == ()
    with zipfile.ZipFile(saved.path) as archived:
        steps = {Path(name).parent.name for name in archived.namelist() if "/checkpoints/" in name}
    assert steps == {"step-20", "step-30"}


# -- what is no backup -----------------------------------------------------------------------------------


def refused(path: Path, other: Path, match: str) -> None:
    """Restoring raises a sentence, and leaves the home as it was."""
    before = fingerprint(other) if other.exists() else {}
    with pytest.raises(StorytimeError, match=match):
        restore.restore_backup(str(path), quiet)
    assert (fingerprint(other) if other.exists() else {}) == before
    assert not list(other.rglob(".part-*"))


def test_a_backup_that_was_cut_off_anywhere_is_refused(saved: Path, other: Path, tmp_path: Path) -> None:
    whole = saved.read_bytes()
    for length in (0, 1, 100, len(whole) // 3, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        cut = tmp_path / "cut.zip"
        cut.write_bytes(whole[:length])
        refused(cut, other, "not a backup|cannot be used")


def test_a_backup_with_any_byte_changed_restores_nothing_of_it(
    saved: Path, other: Path, tmp_path: Path
) -> None:
    whole = saved.read_bytes()
    with zipfile.ZipFile(saved) as opened:
        starts = [info.header_offset + 300 for info in opened.infolist() if info.file_size > 600]
    assert len(starts) > 10
    for place in starts:
        hurt = tmp_path / "hurt.zip"
        hurt.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        refused(hurt, other, "cannot be used|damaged")


def test_other_files_are_named_for_what_they_are(saved: Path, other: Path, tmp_path: Path) -> None:
    refused(tmp_path / "nothing.zip", other, "There is no file at")
    refused(tmp_path, other, "a folder")
    with zipfile.ZipFile(tmp_path / "texts.zip", "w") as texts:
        texts.writestr("tale.txt", "A tale.")
    refused(tmp_path / "texts.zip", other, "a zip file, but not a backup")
    refused(
        rewritten(saved, tmp_path, lambda lines: lines[0].update(format=2)),
        other,
        "made by a newer Storytime",
    )


def rewritten(saved: Path, folder: Path, change: Callable[[list[dict[str, object]]], object]) -> Path:
    """A copy of a backup with another list of contents."""
    target = folder / "rewritten.zip"
    target.unlink(missing_ok=True)
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename == archive.CONTENTS:
                lines = [json.loads(line) for line in data.splitlines()]
                change(lines)
                data = "".join(json.dumps(line) + "\n" for line in lines).encode()
            new.writestr(info.filename, data)
    return target


HOSTILE = [
    "../outside", "/etc/outside", "runs/../../outside", "collections/x/../../../outside", "runs//x", "runs/x",
    "other.txt", "cache/tokens/x", "runs/.removed/x", "collections/./x", "runs/x/\0", "collections/" + "x" * 300 + "/y",
    "runs/" + "d/" * 60 + "y", "stories.sqlite3/x", "logs/storytime.log",
]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE)
def test_no_path_leads_out_of_the_home(saved: Path, other: Path, tmp_path: Path, path: str) -> None:
    hostile = rewritten(saved, tmp_path, lambda lines: lines[2].update(path=path))
    refused(hostile, other, "is a place that no backup has")
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize(
    "record",
    [
        {"path": "runs/tales-1/checkpoints/last", "link": "/etc"},
        {"path": "runs/tales-1/checkpoints/last", "link": "../../../.."},
        {"path": "runs/tales-1/plan.toml", "link": "step-1"},
        {"path": "collections/tales", "link": "step-1"},
    ],
)
def test_no_link_is_made_but_to_a_checkpoint_beside_it(
    saved: Path, other: Path, tmp_path: Path, record: dict[str, object]
) -> None:
    def change(lines: list[dict[str, object]]) -> None:
        lines[:] = [line for line in lines if line.get("path") != record["path"]] + [record]

    refused(rewritten(saved, tmp_path, change), other, "a link that no backup has")


def test_a_link_in_the_zip_is_only_bytes(saved: Path, other: Path, tmp_path: Path) -> None:
    """A member that says it is a symbolic link becomes an ordinary file."""
    target = tmp_path / "links.zip"
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            info.external_attr = 0o120777 << 16
            new.writestr(info, old.read(info))
    restore.restore_backup(str(target), quiet)
    links = [path.relative_to(other).as_posix() for path in other.rglob("*") if path.is_symlink()]
    assert {link.rpartition("/")[2] for link in links} == {"last", "best"}


def test_a_bomb_is_refused_before_anything_is_written(saved: Path, other: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
        new.writestr("zeros", bytes(50_000_000))
    refused(packed, other, "it would unpack to more than it is")

    def claim(lines: list[dict[str, object]]) -> None:
        lines[2]["size"] = 10**15

    refused(rewritten(saved, tmp_path, claim), other, "not as its list of contents says")


def test_one_file_listed_many_times_is_refused(saved: Path, other: Path, tmp_path: Path) -> None:
    """Each entry alone would fit; together they would be far more than the archive holds."""

    def repeat(lines: list[dict[str, object]]) -> None:
        large = max((line for line in lines if "size" in line), key=lambda line: int(str(line["size"])))
        lines += [{**large, "path": f"collections/tales/copy-{number}.txt"} for number in range(2000)]

    refused(rewritten(saved, tmp_path, repeat), other, "it would unpack to more than it is")


def test_too_many_members_are_refused_without_being_listed(
    saved: Path, other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MEMBERS", 10)
    refused(saved, other, "it lists more than 10 files")


def test_too_little_room_is_said_before_anything_is_written(
    saved: Path, other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    refused(saved, other, "needs .* but only 1 kB is free .*storytime-tui disk")
    with pytest.raises(StorytimeError, match=r"takes .* but only 1 kB is free .*--checkpoints best"):
        backup.create_backup(str(tmp_path / "second.zip"), quiet)
    assert not (tmp_path / "second.zip").exists()


@pytest.mark.parametrize("after", [1, 5, 12])
def test_a_disk_that_fills_up_is_a_sentence_and_leaves_nothing(
    saved: Path, other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    left = [after]

    def full(path: str, flags: int) -> int:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device", path)
        return os.open(path, flags, 0o600)

    monkeypatch.setattr(archive, "_private", full)
    refused(saved, other, "The disk is full")


def test_a_backup_is_never_written_over_a_file_or_into_what_it_saves(saved: Path, home: Path) -> None:
    before = saved.read_bytes()
    with pytest.raises(StorytimeError, match="exists already"):
        backup.create_backup(str(saved), quiet)
    assert saved.read_bytes() == before
    with pytest.raises(StorytimeError, match="lies in what is saved"):
        backup.create_backup(str(home / "runs" / "saved.zip"), quiet)


def test_a_name_without_an_ending_is_a_zip_and_a_missing_folder_is_named(tmp_path: Path) -> None:
    make_home(tmp_path)
    assert backup.create_backup(str(tmp_path / "mine"), quiet).path == tmp_path / "mine.zip"
    with pytest.raises(StorytimeError, match="exists already"):
        backup.create_backup(str(tmp_path / "mine"), quiet)
    with pytest.raises(StorytimeError, match=r"The folder .* is not there: make it first"):
        backup.create_backup(f"{tmp_path}/not-there/", quiet)


def test_a_damaged_stories_file_is_not_saved_in_silence(tmp_path: Path, home: Path) -> None:
    make_home(tmp_path)
    data = bytearray(paths.stories_file().read_bytes())
    data[4096:8192] = os.urandom(4096)
    paths.stories_file().write_bytes(data)
    with pytest.raises(StorytimeError, match=r"damaged.*stories list"):
        backup.create_backup(str(tmp_path / "b.zip"), quiet)
    assert not (tmp_path / "b.zip").exists() and not list(tmp_path.glob(".part-*"))


def test_a_write_ahead_log_that_was_left_behind_is_not_applied_to_the_restored_stories(
    saved: Path, home: Path, other: Path
) -> None:
    files.make_folder(other)
    for ending in ("-wal", "-shm"):
        (other / f"stories.sqlite3{ending}").write_bytes(b"left behind")
    restore.restore_backup(str(saved), quiet)
    assert told(other) == told(home)
    assert (other / "stories.sqlite3-wal.old").read_bytes() == b"left behind"


# -- kills -------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def killed_after(seconds: float, *words: str) -> Iterator[None]:
    """Run a command, kill it with SIGKILL after a while, and then do the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "storytime_tui", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    yield


def test_a_kill_leaves_the_home_usable_and_restoring_again_completes_it(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_home(tmp_path)
    make_run("large", size=8_000_000)
    saved = backup.create_backup(str(tmp_path / "b.zip"), quiet).path
    wanted = fingerprint(home)
    started = time.monotonic()
    monkeypatch.setenv("STORYTIME_HOME", str(tmp_path / "whole"))
    subprocess.run(
        [sys.executable, "-m", "storytime_tui", "backup", "restore", str(saved)],
        check=True,
        capture_output=True,
    )
    takes = time.monotonic() - started
    for number in range(2):
        other = tmp_path / f"killed-{number}"
        monkeypatch.setenv("STORYTIME_HOME", str(other))
        with killed_after(takes * (0.6 + number * 0.2), "backup", "restore", str(saved)):
            here = {name: what for name, what in fingerprint(other).items() if not name.startswith(".part-")}
            assert here.items() <= wanted.items()  # whatever is here is whole
            whole = {name.split("/")[1] for name in here if name.startswith("runs/")}
            assert all(name in here for name in wanted for run in whole if name.startswith(f"runs/{run}/"))
        assert main(["backup", "restore", str(saved)]) == 0
        assert fingerprint(other) == wanted
        assert told(other) == told(home)
        shutil.rmtree(other)


# -- the command -------------------------------------------------------------------------------------------


def test_the_command_says_what_it_saved_and_brought_back(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_home(tmp_path)
    target = tmp_path / "b.zip"
    assert main(["backup", "create", str(target)]) == 0
    assert (
        capsys.readouterr().out
        == f"Saved 2 stories, 1 collection, 2 runs and the settings, 69 kB, in {target}\n"
    )
    monkeypatch.setenv("STORYTIME_HOME", str(tmp_path / "other-home"))
    assert main(["backup", "restore", str(target)]) == 0
    assert capsys.readouterr().out == "Restored 2 stories, 1 collection and 2 runs.\n"
    assert main(["backup", "restore", str(target), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["here"] == 5
    assert main(["backup", "create", str(target)]) == 1
    assert capsys.readouterr().err.endswith("choose another name, or give a folder.\n")
