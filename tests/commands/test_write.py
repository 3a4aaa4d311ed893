"""`write`: lines from a pipe and at a real terminal, its commands, Ctrl+C, and everything saved."""

import io
import json
import os
import re
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from storytime_tui import paths
from storytime_tui.cli import main
from storytime_tui.commands.write_commands import COMMANDS
from storytime_tui.stories.steering import Steering, from_json
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.story import Passage
from storytime_tui.stories.tree import passages_of
from tests.terminal import open_app

SHORT = ("--max-tokens", "6", "--set", "min_tokens=6")


@pytest.fixture
def written(starter: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> "Written":
    return Written(monkeypatch, capsys)


class Written:
    """Gives lines to `write` in a pipe, and keeps what it says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *lines: str | bytes, options: tuple[str, ...] = (), code: int = 0) -> tuple[str, str]:
        data = b"".join((line if isinstance(line, bytes) else line.encode()) + b"\n" for line in lines)
        self._monkeypatch.setattr(
            sys, "stdin", SimpleNamespace(isatty=lambda: False, buffer=io.BytesIO(data))
        )
        assert main(["write", *options, *SHORT]) == code
        told = self._capsys.readouterr()
        return told.out, told.err


def stored(number: int = 1) -> tuple[Passage, ...]:
    with closing(StoryStore(paths.stories_file())) as store:
        return store.passages(number)


def test_lines_of_a_pipe_are_yours_and_the_model_goes_on(written: Written) -> None:
    out, err = written("An owl sang.", "", "//no command")
    authors = [passage.author for passage in stored()]
    assert authors == ["you", "model", "model", "you", "model"]
    assert stored()[3].text.strip() == "/no command"
    assert out == "".join(each.text.lstrip() + "\n" for each in stored() if each.author == "model")
    assert err == "Saved as story 1, An owl sang.\n"
    words = len("".join(each.text for each in stored()).split())
    out, err = written(options=("--story", "1"))  # nothing is added
    assert out == "" and err.startswith(f"An owl sang: {words} words so far.\n") and len(stored()) == 5


def test_in_a_pipe_the_story_so_far_is_printed_only_when_it_is_asked_for(written: Written) -> None:
    written("An owl sang.")
    (_, told) = stored()
    out, err = written("/undo", "/redo", "/open 1", options=("--story", "1"))
    assert out == "" and err.count("An owl sang: ") == 4 and "An owl sang: 3 words so far.\n" in err
    out, _ = written("/read", options=("--story", "1"))
    assert out.startswith("An owl sang\n\nAn owl sang.") and told.text.split()[-1] in out


def test_takes_undo_and_redo(written: Written) -> None:
    out, _ = written("An owl sang", "/again", "/takes", "/take 1", "/undo", "/redo")
    (yours, chosen) = stored()
    with closing(StoryStore(paths.stories_file())) as store:
        takes = [each for each in passages_of(store, 1) if each.parent == yours.id]
    assert len(takes) == 2 and chosen == takes[0]  # undone and redone: the first again
    assert json.loads(takes[0].settings)["seed"] != json.loads(takes[1].settings)["seed"]
    assert re.search(r"^  1  .*\n\* 2  ", out, re.M)
    _, err = written("/take 3", "/take x", "/redo", options=("--story", "1"), code=1)
    assert err.count("/take needs a number from 1 to 2") == 2 and "There is nothing to redo." in err


def test_a_seed_of_yours_tells_another_take_too(written: Written) -> None:
    written("An owl sang", "/again", options=("--seed", "5"))
    with closing(StoryStore(paths.stories_file())) as store:
        told = [each for each in passages_of(store, 1) if each.author == "model"]
    assert [json.loads(each.settings)["seed"] for each in told] == [5, 6]


def test_how_it_tells_is_changed_and_the_story_keeps_memory_and_note(written: Written) -> None:
    out, err = written(
        "/memory Characters: Pip", "/note It rains.", "/settings wild", "/settings temperature=0.5 banned=the end",
        "An owl sang", "/told", "/title The  owl", "/memory", "/note none", "/voice none", "/strength 1",
    )  # fmt: skip
    with closing(StoryStore(paths.stories_file())) as store:
        story = store.story(1)
    assert (story.title, from_json(story.steering)) == ("The owl", Steering(memory="Characters: Pip"))
    record = json.loads(stored()[1].settings)
    assert (record["temperature"], record["banned"], record["note"]) == (0.5, ["the end"], "It rains.")
    assert "custom\ntemperature=0.5\n" in out and "banned=the end" in out
    assert "The last passage of the model was told by starter, custom settings, seed" in out
    assert "There is no author's note." in err and "Strength: 1" in err


def test_other_stories_are_found_opened_and_exported(written: Written, tmp_path: Path) -> None:
    written("An owl sang.", "/new The fox", "A fox ran.")
    file = tmp_path / "told.md"
    out, err = written(
        "/stories", "/find owl", "/open An owl sang", "/read", f"/export {file}", "/export nothing", "/open none"
        , code=1
    )  # fmt: skip
    assert re.search(r"2  The fox .*\n *1  An owl sang", out) and "1  An owl sang: An owl sang." in out
    assert file.read_text().startswith("# An owl sang") and f"Exported to {file}." in err
    assert "ends in .txt" in err and "There is no story with the id or title 'none'" in err
    assert stored(2)[0].text == "A fox ran."


def test_what_is_wrong_is_a_sentence_and_the_next_line_counts(written: Written) -> None:
    out, err = written(
        "/undo", "/again", "/untdo", "/settings warmth=2", "/settings x", "/voice Grimm", "/strength 9", "/told",
        b"caf\xe9", "/open", "/find", "/export x.txt", "/model nowhere-to-be", "An owl sang",
    )  # fmt: skip
    for sentence in (
        "There is no story yet", "does not end with the model's words", "no command /untdo. Did you mean /undo?",
        "Unknown setting 'warmth'", "/settings takes KEY=VALUE", "This model knows no voices", "must be from 0",
        "No passage of this story was told", "Line 9 of standard input is not UTF-8", "/open needs", "/find needs",
    ):  # fmt: skip
        assert sentence in err
    assert [each.author for each in stored()] == ["you", "model"] and out.strip()


def test_without_a_model_your_words_are_kept_and_it_fails(written: Written, starter: Path) -> None:
    starter.rename(starter.with_name("elsewhere"))
    out, err = written("An owl sang.", "It sang on.", code=1)
    assert out == "" and "Saved as story 1" in err
    assert "".join(each.text for each in stored()) == "An owl sang.\n\nIt sang on."


def test_a_story_that_the_model_begins_has_its_first_words_as_title(written: Written) -> None:
    written("", "/new Mine", "")
    with closing(StoryStore(paths.stories_file())) as store:
        titles = {story.id: story.title for story in store.stories()}
    assert titles[2] == "Mine" and titles[1] not in ("Untitled", "")
    assert [each.author for each in stored(1)] == ["model"]


def test_the_help_names_every_command(written: Written) -> None:
    out, _ = written("/help", "/quit", "never read")
    assert all(f"/{name} " in out for name in (*COMMANDS, "quit")) and not stored_stories()
    assert max(map(len, out.splitlines())) <= 80


def stored_stories() -> tuple[object, ...]:
    with closing(StoryStore(paths.stories_file())) as store:
        return store.stories()


@pytest.mark.needs_torch
@pytest.mark.skipif(os.name == "nt", reason="there is no pseudo-terminal on Windows")
def test_a_story_is_written_at_a_real_terminal_without_a_screen(home: Path, starter: Path) -> None:
    endless = ("--max-tokens", "100000", "--set", "min_tokens=100000")
    with open_app(80, 24, home, "write", "--model", str(starter), *endless) as terminal:
        terminal.wait_for(r"A new story\. Type how it begins")
        terminal.wait_for(r"^>", row=2)
        terminal.keys("One evening a small mouse\r")
        terminal.wait_for(r"\S", row=5)  # the model's words, below the line
        terminal.keys("\x03")  # Ctrl+C stops the telling
        terminal.wait_for(r"\(stopped\)\n>")
        terminal.keys("/undo\r")
        terminal.wait_for(r"One evening a small mouse\n\nOne evening a small mouse\n>")
        terminal.keys("/help\r")
        terminal.wait_for(r"/quit .*\n>")
        terminal.keys("\x03")  # and at the prompt quits
        assert terminal.wait_for_end() == 130
    (yours,) = stored()
    assert yours.text == "One evening a small mouse"
    with closing(StoryStore(paths.stories_file())) as store:
        told = [each for each in passages_of(store, 1) if each.author == "model"]
    assert len(told) == 1 and told[0].text and told[0].ids  # undone, not lost
