"""PROMISES.md holds one short promise a row, and each names tests, benchmarks or commands that exist."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

from storytime_tui.cli import VERBS

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


def missing(shown_by: str) -> list[str]:
    """What this cell names that is not there; "nothing" where it names nothing."""
    named = re.findall(r"`(tests/[\w./]+\.(?:py|md|sh))(?:::(\w+))?`", shown_by)
    commands = re.findall(r"`(storytime-tui \w+[^`]*)`", shown_by)
    scripts = re.findall(r"`(\.ci/\w+)`", shown_by)
    gone = [script for script in scripts if not (ROOT / script).is_file()]
    gone += [command for command in commands if command.split()[1] not in VERBS]
    for path, name in named:
        if not (ROOT / path).is_file():
            gone.append(path)
        elif name and not re.search(rf"^\s*(async )?def {name}\(", text_of(ROOT / path), re.M):
            gone.append(f"{path}::{name}")
    return gone if named or commands or scripts else ["nothing"]


def test_what_shows_a_promise_exists() -> None:
    assert {row[0]: gone for row in ROWS if (gone := missing(row[1]))} == {}


def test_the_readme_points_here() -> None:
    assert "tests/PROMISES.md" in (ROOT / "README.md").read_text(encoding="utf-8")
