"""PROMISES.md holds one short promise a row, and each names tests, benchmarks or commands that exist."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TABLE = (ROOT / "tests" / "PROMISES.md").read_text(encoding="utf-8")
HEADER = ["promise", "shown by", "last figure", "when, where"]
LONGEST = 120  # characters of a promise
LINES = [
    [cell.strip() for cell in line.strip().strip("|").split("|")]
    for line in TABLE.splitlines()
    if line.startswith("|") and not set(line) <= set("|-: ")
]
ROWS = [line for line in LINES if line != HEADER]


@cache
def text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def test_there_are_promises_and_each_has_its_four_cells() -> None:
    assert len(ROWS) > 10
    assert [row for row in ROWS if len(row) != 4 or not row[0] or not row[1]] == []


def test_each_section_has_a_table_with_the_same_header() -> None:
    assert LINES.count(HEADER) == len(re.findall(r"^## .+\n\n\| promise \|", TABLE, re.M))
    assert LINES.count(HEADER) == len(re.findall(r"^## ", TABLE, re.M)) > 1


def test_each_row_is_one_short_promise() -> None:
    assert [row[0] for row in ROWS if len(row[0]) > LONGEST] == []
    assert [row[0] for row in ROWS if ";" in row[0]] == []


def test_no_promise_is_made_twice() -> None:
    assert [promise for promise, times in Counter(row[0] for row in ROWS).items() if times > 1] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_shows_a_promise_exists(row: list[str]) -> None:
    named = re.findall(r"`(tests/[\w./]+\.(?:py|md))(?:::(\w+))?`", row[1])
    commands = re.findall(r"`(storytime-tui \w+[^`]*)`", row[1])
    scripts = re.findall(r"`(\.ci/\w+)`", row[1])
    assert all((ROOT / script).is_file() for script in scripts)
    assert named or commands or scripts, f"nothing shows {row[0]!r}"
    for path, name in named:
        file = ROOT / path
        assert file.is_file(), f"{path} does not exist"
        if name:
            assert re.search(rf"^\s*(async )?def {name}\(", text_of(file), re.M), f"{path}::{name}"
    from storytime_tui.cli import VERBS

    for command in commands:
        assert command.split()[1] in VERBS, command


def test_the_readme_points_here() -> None:
    assert "tests/PROMISES.md" in (ROOT / "README.md").read_text(encoding="utf-8")
