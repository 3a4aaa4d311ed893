"""`copied` names each run of words that a text has from a collection, its source, and the share that is copied."""

import io
import json
import sys
from pathlib import Path

import pytest

from storytime_tui import cli
from storytime_tui.terminal import cells
from storytime_tui.training import runs
from storytime_tui.training.plan import TrainingPlan, write_plan

TALE = (
    "The miller's cat had {} white paws and one that was as black as soot, and she sat by the mill all day."
)
MINE = "Long ago, the MILLER\u2019S cat had 3 white paws -- and one -- that was as grey as ash."
PART = "the MILLER\u2019S cat had 3 white paws -- and one -- that was as"


@pytest.fixture
def tales(tmp_path: Path) -> Path:
    folder = tmp_path / "tales"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.txt").write_text(f"Tale {number}\n\nHear this. {TALE.format(number)}\n")
    return folder


def said(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, object]]:
    assert cli.main(["copied", *words, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def give(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_each_place_is_an_object_and_the_share_closes(
    tales: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.txt"
    file.write_text(MINE)
    place, end = said(capsys, "--corpus", str(tales), str(file))
    assert {name: place[name] for name in ("words", "collection", "story", "place", "text")} == {
        "words": 12,
        "collection": "tales",
        "story": "Tale 3",
        "place": 3,
        "text": PART,
    }
    assert end == {"event": "finished", "copied": 12 / 17}
    give(monkeypatch, MINE.encode())
    assert said(capsys, "--corpus", str(tales)) == [place, end]
    give(monkeypatch, b"Nobody has told this.")
    assert said(capsys, "--corpus", str(tales), "-") == [{"event": "finished", "copied": 0.0}]


def test_what_stands_in_several_stories_is_said_to_be_of_the_first(
    tales: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    give(monkeypatch, b"That was as black as soot, and she sat by the mill.")
    place, end = said(capsys, "--corpus", str(tales))
    assert (place["story"], end["copied"]) == ("Tale 0", 1.0)


def test_without_json_it_is_lines_that_fit_a_terminal_and_obey_nobody(
    tales: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    give(monkeypatch, (MINE + "\n\nAnd\n" + TALE.format(5).replace(" had", "\x1b[ had")).encode())
    assert cli.main(["copied", "--corpus", str(tales)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"12 words: tales, Tale 3, from word 3\n  {PART}\n")
    assert "words: tales, Tale 5, from word 3" in out and " \u2026 " in out and "\x1b" not in out
    assert out.splitlines()[-1].startswith("copied  ")
    assert out.splitlines()[-1].endswith(" of the words, in 2 runs of 8 words and more")
    assert max(map(cells, out.splitlines())) <= 80


def test_of_a_run_it_asks_the_stories_that_it_learned_from(
    tales: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = TrainingPlan(collections=(str(tales),), base="scratch-tiny", validation_fraction=0.3)
    with runs.new_run("cats", plan) as folder:
        write_plan(plan, folder / runs.PLAN)
    learned = set()
    for number in range(6):
        give(monkeypatch, f"The miller's cat had {number} white paws and one".encode())
        *places, end = said(capsys, "--run", "cats")
        learned |= {each["story"] for each in places}
        assert end["copied"] == (1.0 if places else 0.0)
    assert learned < {f"Tale {number}" for number in range(6)}  # the others are validation stories
    assert len(learned) >= 3


@pytest.mark.parametrize(
    ("words", "data", "code", "sentence"),
    [
        (["--corpus", "hedgerow-tales", "gone.txt"], b"", 1, "There is no file at gone.txt"),
        (["--corpus", "hedgerow-tales", "."], b"", 1, "a folder, not a file"),
        (["--corpus", "nowhere"], b"x", 1, "no collection called 'nowhere'"),
        (["--run", "nobody"], b"x", 1, "no run called 'nobody'"),
        (["--corpus", "hedgerow-tales"], b" \n", 1, "The text is empty"),
        (["--corpus", "hedgerow-tales"], b"\xff\xff", 1, "not UTF-8 text (at byte 0)"),
        ([], b"x", 2, "--corpus --run is required"),
        (["--corpus", "hedgerow-tales", "--run", "r"], b"x", 2, "not allowed with"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(
    words: list[str],
    data: bytes,
    code: int,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    give(monkeypatch, data)
    left: object = None
    try:
        left = cli.main(["copied", *words])
    except SystemExit as usage:
        left = usage.code
    assert left == code
    said = capsys.readouterr()
    assert sentence in said.err and said.out == ""
