"""The README and the pages beside it: their commands work as they stand, and their links lead somewhere."""

import importlib
import re
import shlex
from pathlib import Path

import pytest

from storytime_tui import cli
from storytime_tui.models.catalogue import bases
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.tui.tour import STEPS
from tests.tiny import write_collection

ROOT = Path(__file__).resolve().parents[1]
UNITS = {"MB": 1e6, "GB": 1e9}
README = ROOT / "README.md"
PAGES = sorted((ROOT / ".github" / "docs").glob("*.md"))
ALL_COMMANDS = ROOT / ".github" / "docs" / "command-line.md"
LISTED = [
    page for page in PAGES if "## Commands" in page.read_text(encoding="utf-8")
]  # each has its commands there
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")


def command_lines(page: Path) -> list[str]:
    """The commands in the indented and fenced blocks of a page, without comments."""
    return command_lines_of(page.read_text(encoding="utf-8"))


def command_lines_of(text: str) -> list[str]:
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
    indented = re.findall(r"^ {4}(\S.*)$", text, re.M)
    lines = [line.removeprefix("$ ") for block in fenced for line in block.splitlines()]
    lines += [line.removeprefix("$ ") for line in indented]
    return [re.sub(r"\s+#\s.*", "", line).strip() for line in lines]


def calls_in(line: str) -> list[list[str]]:
    """The words of each call of the program in a line of shell."""
    calls = []
    for part in re.split(r"\s(?:&&|\|)\s", line):
        words = shlex.split(re.sub(r"\s[<>]\s*\S+", "", part))
        words = [word for word in words if not re.fullmatch(r"[A-Z_]+=\S*", word)]
        if words[:1] == ["storytime-tui"]:
            calls.append(words[1:])
        elif "-m" in words and words[words.index("-m") + 1] == "storytime_tui":
            calls.append(words[words.index("-m") + 2 :])
    return calls


def anchors_of(page: Path) -> set[str]:
    headings = re.findall(r"^#+ +(.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [README, *PAGES], ids=lambda page: page.name)
def test_links_and_pictures_lead_to_files_that_are_there(page: Path) -> None:
    links = [link for pair in LINK.findall(page.read_text(encoding="utf-8")) for link in pair if link]
    for link in links:
        if re.match(r"https?:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name} links to {link}, which is not there"
        assert not anchor or anchor in anchors_of(target), f"{page.name} links to {link}: no such heading"


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen, todo = set(), [README]
    while todo:
        page = todo.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        for pair in LINK.findall(page.read_text(encoding="utf-8")):
            link = next(part for part in pair if part).partition("#")[0]
            if link and not re.match(r"https?:", link):
                todo.append((page.parent / link).resolve())
    assert set(PAGES) <= seen


@pytest.mark.parametrize("page", [README, *PAGES], ids=lambda page: page.name)
def test_every_command_is_understood(page: Path) -> None:
    """Its verb, its options and their values are those of the program; nothing runs."""
    calls = [words for line in command_lines(page) for words in calls_in(line)]
    for words in calls:
        verb, rest = (words or ["app"])[0], words[1:]
        assert verb in cli.VERBS, words
        command = importlib.import_module(f"storytime_tui.commands.{verb}")
        parser = cli._Parser(prog=verb, exit_on_error=False)
        command.add_arguments(parser)
        try:
            parser.parse_args(rest)
        except SystemExit:
            pytest.fail(f"{page.name}: the program does not understand `storytime-tui {shlex.join(words)}`")


@pytest.mark.parametrize("page", LISTED, ids=lambda page: page.name)
def test_the_page_of_all_commands_has_those_of_each_page(page: Path) -> None:
    listed = [words for line in command_lines(ALL_COMMANDS) for words in calls_in(line)]
    section = page.read_text(encoding="utf-8").split("## Commands")[1].split("\n## ")[0]
    told = [words for line in command_lines_of(section) for words in calls_in(line)]
    assert told and [words for words in told if words not in listed] == []


def test_the_page_on_disk_says_what_a_run_takes() -> None:
    """12 bytes for each parameter, as `test_a_checkpoint_takes_twelve_bytes_for_each_parameter` measures it."""
    page = (ROOT / ".github" / "docs" / "housekeeping.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| ([\d.]+) (MB|GB) \| ([\d.]+) (MB|GB) \|$", page, re.M)
    parameters = {base.name: base.parameters for base in bases()}
    assert {"scratch-tiny", "distilgpt2"} < {name for name, *_ in rows}
    kept = TrainingPlan().keep
    for name, one, unit, all_, units in rows:
        if name in parameters:  # a checkout may lack the starter
            size = 12 * parameters[name]
            assert float(one) * UNITS[unit] == pytest.approx(size, rel=0.05), name
            assert float(all_) * UNITS[units] == pytest.approx(kept * size, rel=0.05), name
    assert f"--set keep={kept - 1} " in page


def test_the_readme_comes_to_the_point() -> None:
    """What stands before the first heading that a beginner does not need is half of the 1,966 words it once was."""
    before = README.read_text(encoding="utf-8").split("## The command line")[0]
    assert len(before.split()) <= 983


def test_the_readmes_five_minutes_have_the_steps_of_the_apps_tour_in_order() -> None:
    minutes = README.read_text(encoding="utf-8").split("## Five minutes with it")[1].split("\n## ")[0]
    steps = re.findall(r"^\*\*(\d)\. (\w+)\.\*\*", minutes, re.M)
    assert steps == [(str(number), step.capitalize()) for number, step in enumerate(STEPS, 1)]


@pytest.mark.needs_torch
def test_every_command_of_the_readme_runs(
    starter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One after the other, in an empty home, with a folder of tales where the README has one.

    The app itself is opened by `test_journey`, and `pip` and `doctor`'s network by `tests/e2e/newcomer.sh`.
    """
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    write_collection(tmp_path / "books" / "grimm", stories=6)
    ran = []
    for line in command_lines(README):
        for words in calls_in(line):
            if not words or words[0] in ("app", "serve"):
                continue
            words = [re.sub(r"^~", str(tmp_path), word) for word in words]
            if words[0] == "train":  # as it stands, but for its length
                words += ["--set", "max_steps=2", "--set", "sample_every=0"]
            done = cli.main(words)
            assert done == 0, f"`storytime-tui {shlex.join(words)}`: {capsys.readouterr().err}"
            ran.append(words[0])
    assert {"corpus", "train", "tell", "stories", "evaluate", "explain", "runs", "doctor"} <= set(ran)
    assert (tmp_path / "owl.epub").is_file()
