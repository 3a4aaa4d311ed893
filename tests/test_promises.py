"""PROMISES.md names only tests, benchmarks and commands that exist, and every promise names one."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TABLE = (ROOT / "tests" / "PROMISES.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split("|")]
    for line in TABLE.splitlines()
    if line.startswith("|") and not set(line) <= set("|-: ")
][1:]


def test_there_are_promises_and_each_has_its_four_cells() -> None:
    assert len(ROWS) > 10
    assert all(len(row) == 4 and row[0] and row[1] for row in ROWS), ROWS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
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
            assert re.search(rf"^\s*(async )?def {name}\(", file.read_text(encoding="utf-8"), re.M), (
                f"{path}::{name}"
            )
    from storytime_tui.cli import VERBS

    for command in commands:
        assert command.split()[1] in VERBS, command


def test_the_readme_points_here() -> None:
    assert "tests/PROMISES.md" in (ROOT / "README.md").read_text(encoding="utf-8")
