"""`runs` as a stranger meets it: compare, export, remove and restore, in words and in JSON."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storytime_tui import files, paths
from storytime_tui.cli import main
from storytime_tui.commands import runs_export
from storytime_tui.jobs.export import Exported
from storytime_tui.models.voices import Voices, write_voices
from storytime_tui.training import events as ev
from storytime_tui.training import removed, runs
from storytime_tui.training.plan import TrainingPlan, write_plan
from tests.loopback_hub import make_gpt2


def started(plan: TrainingPlan, tokens: int = 400) -> ev.Started:
    return ev.Started(
        run="r", base=plan.base, collections=plan.collections, device="cpu", precision="fp32", parameters=1000,
        stories=9, validation_stories=1, training_tokens=4000, validation_tokens=tokens, total_steps=20,
        steps_per_epoch=10.0, block_size=64, token_frequency_loss=5.0, time=1.0,
    )  # fmt: skip


def learned(name: str, *losses: float, tokens: int = 400, **knobs: Any) -> Path:
    """A run's folder with a journal of ten steps between two evaluations."""
    plan = TrainingPlan(**{"base": "scratch-tiny", "collections": ("grimm",), **knobs})
    folder = paths.runs_folder() / name
    write_plan(plan, folder / "plan.toml")
    journal = runs.Journal(folder / "events.jsonl")
    journal.append(started(plan, tokens))
    for i, loss in enumerate(losses):
        for step in range(10 * i + 1, 10 * i + 11):
            journal.append(ev.StepDone(step, 3.0, 1e-3, 1000.0 + step, 0.1, 1.0, step / 2, 10))
        best = loss == min(losses[: i + 1])
        journal.append(ev.Evaluated(10 * (i + 1), loss, 2.718281828**loss, loss / 2, best))
    journal.close()
    return folder


def said(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> tuple[str, str]:
    assert main(["runs", *argv]) == code
    told = capsys.readouterr()
    return told.out, told.err


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def row(table: str, title: str) -> list[str]:
    line = next(line for line in table.splitlines() if line.startswith(title + "  "))
    return re.split(r"  +", line)[1:]


# -- voices ------------------------------------------------------------------------------------------------


def test_a_run_shows_the_voices_that_it_knows(capsys: pytest.CaptureFixture[str]) -> None:
    learned("old", 3.0)
    assert "voices" not in said(capsys, "show", "old")[0]
    assert objects(said(capsys, "show", "old", "--json")[0])[0]["voices"] == []
    folder = learned("new", 3.0, voices=("Hedgerow Tales", "Grimm", "Hedgerow Tales"))
    assert "voices: Hedgerow Tales, Grimm\n" in said(capsys, "show", "new")[0]
    write_voices(folder, Voices(("Tales of the Hedgerow", "Grimm")))  # what it says itself holds
    assert "voices: Tales of the Hedgerow, Grimm\n" in said(capsys, "show", "new")[0]
    write_voices(folder, Voices(("Tales of the Hedgerow", "Grimm"), 1.3))
    assert "told at strength 1.3 by default\n" in said(capsys, "show", "new")[0]
    shown = objects(said(capsys, "show", "new", "--json")[0])[0]
    assert (shown["voices"], shown["strength"]) == (["Tales of the Hedgerow", "Grimm"], 1.3)


# -- compare -----------------------------------------------------------------------------------------------


def test_compare_shows_what_differs_and_the_best_evaluation(capsys: pytest.CaptureFixture[str]) -> None:
    learned("a", 4.0, 3.0, 3.5, learning_rate=1e-3, dropout=0.1)
    learned("b", 4.0, 2.5, learning_rate=5e-4, dropout=0.1, epochs=1 / 3)
    table, words = said(capsys, "compare", "a", "b")
    assert re.split(r" +", table.splitlines()[0].strip()) == ["a", "b"]
    assert row(table, "validation loss") == ["3.000", "2.500"]
    assert row(table, "perplexity") == ["20.1", "12.2"]
    assert row(table, "bits per byte") == ["1.500", "1.250"]
    assert row(table, "best at step") == ["20", "20"]
    assert row(table, "steps") == ["30 of 20", "20 of 20"]
    assert row(table, "seconds of training") == ["15", "10"]
    assert row(table, "tokens per second") == ["1,016", "1,010"]
    assert row(table, "learning_rate") == ["0.0010", "0.0005"]
    assert row(table, "epochs") == ["3.00", "2.00"]  # trained, whatever was meant
    assert "dropout" not in table and "not comparable" not in table and not words


def test_compare_shows_switches_lists_and_what_is_not_set_in_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    learned("a", 3.0, repeats=("hedgerow-tales=2",), shelf_lines=False, max_steps=5, stories=("x", "y"))
    learned("b", 3.0)
    table, _ = said(capsys, "compare", "a", "b")
    assert row(table, "repeats") == ["hedgerow-tales=2", "each once"]
    assert row(table, "shelf_lines") == ["off", "on"]
    assert row(table, "max_steps") == ["5", "no limit"]
    assert row(table, "stories") == ["2 of them", "all"]


def test_compare_in_json_is_one_object_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    learned("a", 3.0)
    learned("b", 2.5, learning_rate=5e-4)
    first, second = objects(said(capsys, "compare", "a", "b", "--json")[0])
    assert (first["name"], second["name"]) == ("a", "b")
    assert second["best_validation_loss"] == 2.5 and second["bits_per_byte"] == 1.25
    assert second["plan"]["learning_rate"] == 5e-4 and second["tokens_per_second"] == 1005.5
    assert first["same_stories"] and second["same_stories"] and second["same_tokens"]


@pytest.mark.parametrize(
    "knobs",
    [{"seed": 7}, {"validation_fraction": 0.2}, {"collections": ("andersen",)}, {"stories": ("grimm/A",)}],
    ids=lambda knobs: next(iter(knobs)),
)
def test_losses_on_other_validation_stories_are_marked(
    capsys: pytest.CaptureFixture[str], knobs: dict[str, Any]
) -> None:
    learned("a", 3.0)
    learned("b", 2.5, **knobs)
    learned("c", 2.4)
    table, words = said(capsys, "compare", "a", "b", "c")
    for title in ("validation loss", "perplexity", "bits per byte"):
        assert ["not comparable" in cell for cell in row(table, title)] == [False, True, False]
    assert words == "b has other validation stories than a: their losses are not comparable.\n"
    found = objects(said(capsys, "compare", "a", "b", "c", "--json")[0])
    assert [each["same_stories"] for each in found] == [True, False, True]


def test_the_order_of_stories_and_collections_does_not_matter(capsys: pytest.CaptureFixture[str]) -> None:
    learned("a", 3.0, collections=("grimm", "andersen"), stories=("grimm/A", "grimm/B"))
    learned("b", 3.0, collections=("andersen", "grimm"), stories=("grimm/B", "grimm/A"))
    assert "not comparable" not in said(capsys, "compare", "a", "b")[0]


def test_another_tokenizer_leaves_only_the_bits_per_byte(capsys: pytest.CaptureFixture[str]) -> None:
    learned("a", 3.0)
    learned("b", 2.5, tokens=300, base="gpt2")
    table, words = said(capsys, "compare", "a", "b")
    assert row(table, "validation loss") == ["3.000", "2.500 (not comparable)"]
    assert row(table, "bits per byte") == ["1.500", "1.250"]
    assert "compare their bits per byte" in words


def test_voices_of_different_shelves_are_not_compared(capsys: pytest.CaptureFixture[str]) -> None:
    for name, of_shelf, shelf in (("a", 19, "grimm"), ("b", 24, "andersen"), ("c", 12, "grimm")):
        folder = learned(name, 3.0, collections=(shelf,))
        journal = runs.Journal(folder / "events.jsonl")
        journal.append(ev.VoiceMeasured(10, 24, of_shelf, 2))
        journal.close()
    table, words = said(capsys, "compare", "a", "b", "c")
    assert row(table, "sounds like its shelf") == ["19 of 24", "24 of 24 (other shelf)", "12 of 24"]
    assert "their voices are not comparable" in words
    table, words = said(capsys, "compare", "a", "c")
    assert "other shelf" not in table and words == ""


def test_a_run_that_was_never_judged_or_is_damaged_has_dashes(capsys: pytest.CaptureFixture[str]) -> None:
    learned("a", 3.0)
    folder = learned("b")
    table, _ = said(capsys, "compare", "a", "b")
    assert row(table, "validation loss") == ["3.000", "–"] and row(table, "tokens per second")[1] == "–"
    (folder / "plan.toml").write_text("seed = [")
    table, words = said(capsys, "compare", "a", "b")
    assert row(table, "state")[1] == "damaged" and "other validation stories" in words
    damaged = next(each for each in objects(said(capsys, "list", "--json")[0]) if each["name"] == "b")
    assert (damaged["base"], damaged["collections"]) == ("", [])  # not the usual base, which it may not have


def test_one_run_is_nothing_to_compare(capsys: pytest.CaptureFixture[str]) -> None:
    learned("a", 3.0)
    assert "two runs or more" in said(capsys, "compare", "a", code=1)[1]
    assert "two runs or more" in said(capsys, "compare", "a", "a", code=1)[1]
    assert "There is no run called 'z'" in said(capsys, "compare", "a", "z", code=1)[1]


def test_long_and_hostile_names_keep_the_table_in_shape(capsys: pytest.CaptureFixture[str]) -> None:
    learned("a" * 80, 3.0, base="owner/" + "m" * 80)
    learned("b", 3.0, collections=("evil\x1b[2J\n",), base="[red]")
    table, _ = said(capsys, "compare", "a" * 80, "b")
    assert "\x1b" not in table and "[red]" in table
    assert max(map(len, table.splitlines())) < 110


# -- export ------------------------------------------------------------------------------------------------


def with_checkpoint(name: str) -> Path:
    folder = learned(name, 3.0)
    make_gpt2(folder / "checkpoints" / "step-10")
    files.point_link(folder / "checkpoints" / "best", "step-10")
    return folder


def test_export_says_where_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_checkpoint("mine")
    out, err = said(capsys, "export", "mine", "--to", str(tmp_path / "a b"))
    assert out.startswith(f"step-10 of mine is in {tmp_path / 'a b'} (fp32, ") and not err
    (done,) = objects(
        said(capsys, "export", "mine", "--to", str(tmp_path / "2"), "--dtype", "bf16", "--json")[0]
    )
    assert done == {
        "run": "mine", "checkpoint": "step-10", "path": str(tmp_path / "2"), "format": "safetensors",
        "dtype": "bf16", "bytes": done["bytes"], "base": None, "address": None,
    }  # fmt: skip
    _, err = said(capsys, "export", "mine", "--to", str(tmp_path / "2"), code=1)
    assert "exists already" in err and err.count("\n") == 1


def test_an_export_of_an_adapter_says_that_its_base_is_in_it() -> None:
    done = Exported("gl", "step-1", Path("/tmp/gl"), "safetensors", "fp32", 15_000_000, "/models/small", None)
    assert runs_export._where(done) == "step-1 of gl with its base is in /tmp/gl (fp32, 15.0 MB)."


@pytest.mark.parametrize(
    ("text", "size"), [("15MB", 15_000_000), ("500kB", 500_000), ("2G", 2_000_000_000), ("1.5 MB", 1_500_000)]
)
def test_a_size_of_shards(text: str, size: int) -> None:
    assert runs_export._bytes(text) == size


@pytest.mark.parametrize("text", ["", "0MB", "many", "-1MB", "15 MiB", "1e3"])
def test_what_is_no_size_of_shards_is_bad_usage(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["runs", "export", "mine", "--to", "x", f"--shard-size={text}"])
    assert left.value.code == 2
    assert "write one such as 15MB" in capsys.readouterr().err


def test_export_misused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (
        ["mine"],
        ["mine", "--to", "x", "--private"],
        ["mine", "--to", "x", "--dtype", "int8"],
        ["mine", "--to", "x", "--format", "onnx"],
    ):
        with pytest.raises(SystemExit) as stop:
            main(["runs", "export", *argv])
        assert stop.value.code == 2
    assert "--private needs --push" in capsys.readouterr().err


# -- remove and restore ------------------------------------------------------------------------------------


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def test_a_removed_run_is_gone_from_every_list_and_comes_back_whole(
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = with_checkpoint("mine")
    learned("other", 3.0)
    before = everything(folder)
    out, _ = said(capsys, "remove", "mine")
    day = datetime.now(UTC) + timedelta(days=30)
    assert out == (
        f"The run mine is removed. It is kept until {day:%d %B %Y}: "
        "`storytime-tui runs restore mine` brings it back.\n"
    )
    assert runs.run_names() == ["other"] and not folder.exists()
    assert [each["name"] for each in objects(said(capsys, "list", "--json")[0])] == ["other"]
    said(capsys, "show", "mine", code=1)
    assert said(capsys, "restore", "mine")[0] == "The run mine is back.\n"
    assert everything(folder) == before
    assert (folder / "checkpoints" / "best").resolve().name == "step-10"
    assert "no removed run is kept" in said(capsys, "restore", "mine", code=1)[1]


def test_several_at_once_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        learned(name, 3.0)
    found = objects(said(capsys, "remove", "a", "b", "a", "--json")[0])
    assert [each["run"] for each in found] == ["a", "b"] and runs.run_names() == []
    assert all((Path(each["folder"]) / "plan.toml").is_file() for each in found)
    assert objects(said(capsys, "restore", "b", "--json")[0]) == [{"run": "b"}]


def test_a_run_that_another_program_has_open_stays_and_so_do_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    learned("a", 3.0)
    folder = learned("b", 3.0)
    code = (
        "import sys, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); "
        "print('held', flush=True); input()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(folder / "lock")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        _, err = said(capsys, "remove", "a", "b", code=1)
        assert "'b' is open in another Storytime" in err
        assert sorted(runs.run_names()) == ["a", "b"]
    finally:
        holder.communicate("\n", timeout=20)
    assert "There is no run called 'z'" in said(capsys, "remove", "a", "z", code=1)[1]
    assert sorted(runs.run_names()) == ["a", "b"]
    said(capsys, "remove", "a", "b")
    assert runs.run_names() == []


def test_the_newest_comes_back_and_a_taken_name_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    for loss in (3.0, 2.0):
        learned("mine", loss)
        said(capsys, "remove", "mine")
    learned("mine", 1.0)
    _, err = said(capsys, "restore", "mine", code=1)
    assert "another run called 'mine'" in err
    assert runs.summary_of("mine").best_validation_loss == 1.0
    said(capsys, "remove", "mine")
    for loss in (1.0, 2.0, 3.0):  # the latest removed first
        said(capsys, "restore", "mine")
        assert runs.summary_of("mine").best_validation_loss == loss
        os.rename(paths.runs_folder() / "mine", paths.runs_folder() / f"mine-{loss}")
    assert "no removed run is kept" in said(capsys, "restore", "mine", code=1)[1]


def test_names_that_look_like_removed_ones_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("mine", "mine-20260101T000000000000Z", "mine-2"):
        learned(name, 3.0)
        said(capsys, "remove", name)
    for name in ("mine-20260101T000000000000Z", "mine", "mine-2"):
        said(capsys, "restore", name)
    assert sorted(runs.run_names()) == ["mine", "mine-2", "mine-20260101T000000000000Z"]
    _, err = said(capsys, "restore", "../mine", code=1)
    assert "There is no removed run called '../mine'" in err


def test_a_run_that_an_older_program_removed_comes_back(capsys: pytest.CaptureFixture[str]) -> None:
    learned("mine-2", 3.0)
    said(capsys, "remove", "mine-2")
    (item,) = removed.removed_runs()
    os.rename(item.folder, item.folder.with_name(f"mine-2-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"))
    said(capsys, "restore", "mine-2")
    assert runs.summary_of("mine-2").best_validation_loss == 3.0


def test_after_thirty_days_it_is_swept(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("old", "young"):
        learned(name, 3.0)
        said(capsys, "remove", name)
    (old,) = (each for each in removed.removed_runs() if each.name == "old")
    past = datetime.now(UTC) - timedelta(days=30, minutes=1)
    place = old.folder.with_name(f"old-{past:%Y%m%dT%H%M%S%fZ}")  # as an older program called it
    os.rename(old.folder, place)
    os.utime(place, (past.timestamp(), past.timestamp()))
    stranger = old.folder.parent / "not one of ours"
    stranger.mkdir()
    said(capsys, "list")
    assert [each.name for each in removed.removed_runs()] == ["young"] and stranger.is_dir()
    assert "these can be brought back: young" in said(capsys, "restore", "old", code=1)[1]


def test_an_empty_folder_of_that_name_is_no_run(capsys: pytest.CaptureFixture[str]) -> None:
    folder = learned("mine", 3.0)
    said(capsys, "remove", "mine")
    folder.mkdir()
    said(capsys, "restore", "mine")
    said(capsys, "remove", "mine")
    folder.mkdir()
    (folder / "letter").write_text("keep")
    said(capsys, "restore", "mine", code=1)
    assert (folder / "letter").read_text() == "keep"


def test_the_light_actions_load_no_torch(home: Path) -> None:
    for name in ("a", "b"):
        learned(name, 3.0)
    code = (
        "import sys\nfrom storytime_tui.cli import main\n"
        "for argv in (['compare', 'a', 'b'], ['remove', 'a'], ['restore', 'a']): assert main(['runs', *argv]) == 0\n"
        "print([name for name in ('torch', 'transformers', 'huggingface_hub') if name in sys.modules])"
    )
    environment = {**os.environ, "STORYTIME_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_field_of_a_comparison_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    from storytime_tui.jobs.records import ComparedRun

    learned("a", 3.0)
    learned("b", 2.5)
    for each in objects(said(capsys, "compare", "a", "b", "--json")[0]):
        assert each.keys() == {field.name for field in dataclasses.fields(ComparedRun)}
        assert each["plan"].keys() == {field.name for field in dataclasses.fields(TrainingPlan)}


def test_restore_without_a_name_lists_what_can_come_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert "There is no removed run to restore" in said(capsys, "restore")[0]
    learned("mine", 3.0)
    learned("yours", 3.0)
    said(capsys, "remove", "mine", "yours")
    out, _ = said(capsys, "restore")
    assert all(f"{name}, kept until" in out for name in ("mine", "yours"))
    listed = objects(said(capsys, "restore", "--json")[0])
    assert sorted(each["run"] for each in listed) == ["mine", "yours"]


def test_removing_what_a_lora_run_stands_on_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    learned("ground", 3.0)
    learned("upon", 2.9, base="ground/step-10", lora_rank=4)
    learned("aside", 2.9, base="ground")  # learned whole: it holds all that it needs
    _, words = said(capsys, "remove", "ground")
    assert "upon needs ground as LoRA base" in words
    assert "aside" not in words
    said(capsys, "restore", "ground")
    assert "as LoRA base" not in said(capsys, "remove", "ground", "upon")[1]


# -- how a run sounds -----------------------------------------------------------------------------------------


def test_how_much_of_what_a_run_tells_sounds_like_its_shelf(capsys: pytest.CaptureFixture[str]) -> None:
    learned("quiet", 3.0)
    journal = runs.Journal(learned("heard", 2.9) / "events.jsonl")
    for right in (3, 19):  # the last one holds
        journal.append(ev.VoiceMeasured(10, 24, right, 5, 0.01, ("Grimm",), (right,)))
    journal.close()
    listed = said(capsys, "list")[0].splitlines()
    assert re.split("  +", listed[0])[-1] == "voice"
    assert {line.split()[0]: line.rstrip()[-8:].strip() for line in listed[1:]} == {
        "quiet": "–",
        "heard": "19 of 24",
    }
    records = {each["name"]: each for each in objects(said(capsys, "list", "--json")[0])}
    assert (records["heard"]["voice"], records["heard"]["passages"]) == (19 / 24, 24)
    assert (records["quiet"]["voice"], records["quiet"]["passages"]) == (None, 0)
    assert row(said(capsys, "compare", "heard", "quiet")[0], "sounds like its shelf") == ["19 of 24", "–"]
    compared = objects(said(capsys, "compare", "heard", "quiet", "--json")[0])
    assert [each["voice"] for each in compared] == [19 / 24, None]
    assert "19 of 24 told passages sound like its shelf" in said(capsys, "show", "heard")[0]
    assert "passages" not in said(capsys, "show", "quiet")[0]
