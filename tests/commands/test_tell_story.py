"""`tell --story` and `tell --save` write into the stories; a kill costs at most the last second."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from storytime_tui import paths
from storytime_tui.cli import main
from storytime_tui.generation.backends import precision
from storytime_tui.generation.pieces import Piece
from storytime_tui.jobs import generate
from storytime_tui.stories.steering import Steering, from_json
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.story import Passage, Story
from storytime_tui.terminal import printable

SHORT = ("--max-tokens", "6", "--set", "min_tokens=6")


@pytest.fixture(autouse=True)
def at_a_keyboard(starter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(
        precision, "choose_telling_precision", lambda *_: ("fp32", None)
    )  # no seconds of trying int8


def said(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> tuple[str, str]:
    assert main(list(argv)) == code
    told = capsys.readouterr()
    return told.out, told.err


def stored(number: int = 1) -> tuple[Story, tuple[Passage, ...]]:
    with closing(StoryStore(paths.stories_file())) as store:
        return store.story(number), store.passages(number)


def test_a_story_is_begun_and_gone_on_with_and_keeps_how(capsys: pytest.CaptureFixture[str]) -> None:
    memory = ("--memory", "Characters: Pip", "--note", "It rains.")
    out, err = said(
        capsys, "tell", "--save", "The  owl", "--prompt", "An owl sang", "--seed", "5", *memory, *SHORT
    )
    story, (yours, told) = stored()
    assert story.title == "The owl" and "saved in story 1" in err
    assert (yours.author, yours.text, told.author, told.model) == ("you", "An owl sang", "model", "starter")
    assert out == yours.text + told.text + "\n"
    assert from_json(story.steering) == Steering(memory="Characters: Pip", note="It rains.")

    out, _ = said(capsys, "tell", "--story", "The owl", "--prompt", "and then", "--json", *SHORT)
    *tokens, finished = [json.loads(line) for line in out.splitlines()]
    story, (_, _, yours, told) = stored()
    assert finished["story"] == story.id
    assert yours.text.lstrip() == "and then"
    assert told.text == "".join(token["text"] for token in tokens)
    assert told.ids == ",".join(str(token["token"]) for token in tokens)
    record = json.loads(told.settings)  # the story's memory and note are its own
    assert (record["memory"], record["note"], len(record["weights"])) == ("Characters: Pip", "It rains.", 64)

    said(
        capsys, "tell", "--story", "1", "--memory", "", *SHORT
    )  # an empty line: it goes on, without a memory
    story, passages = stored()
    assert [each.author for each in passages] == ["you", "model", "you", "model", "model"]
    assert from_json(story.steering) == Steering(note="It rains.")
    shown = said(capsys, "stories", "show", "1", "--told")[0].splitlines()
    assert "told by starter, lively, seed 5" in shown[2] and shown[3].split()[:2] == ["3", "you"]
    (record,) = [json.loads(line) for line in said(capsys, "stories", "show", "1", "--json")[0].splitlines()]
    assert [each["author"] for each in record["passages"]] == [each.author for each in passages]
    assert "told by starter, lively, seed" in said(capsys, "stories", "show", "1")[0]


def test_the_model_and_strength_that_told_a_story_last_go_on_with_it(
    starter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "my model"
    starter.rename(folder)
    said(capsys, "tell", "--model", str(folder), "--save", "Mine", "--prompt", "Once", *SHORT)
    opened: list[Any] = []
    open_teller = generate.open_teller

    def open_and_remember(name: str, on_progress: Any, **how: Any) -> Any:
        opened.append((name, how["strength"]))
        return open_teller(name, on_progress, **how)

    monkeypatch.setattr(generate, "open_teller", open_and_remember)
    said(capsys, "tell", "--story", "Mine", *SHORT)
    assert opened == [(str(folder), 1.0)]
    folder.rename(starter)
    _, err = said(capsys, "tell", "--story", "Mine", "--prompt", "lost words", *SHORT, code=1)
    assert "It told this story last: --model chooses another." in err
    assert "lost words" not in stored()[1][-1].text  # nothing was added: the same command can be given again
    said(capsys, "tell", "--story", "Mine", "--model", "starter", *SHORT)
    assert stored()[1][-1].model == "starter"


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("--story", "1", "--save", "x"), 2, "--story and --save exclude each other"),
        (("--save", "x", "--n", "2"), 2, "leave --n out"),
        (("--story", "owl"), 1, "There is no story with the id or title 'owl'"),
        (("--save", " "), 1, "--save is empty"),
        (("--save", "x", "--voice", "Grimm"), 1, "This model knows no voices"),
    ],
)
def test_what_cannot_be_is_one_line_and_makes_no_story(
    options: tuple[str, ...], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = said(capsys, "tell", "--prompt", "Once", *options, *SHORT, code=code)
    assert out == "" and len(err.splitlines()) == 1 and says in err
    assert not paths.stories_file().exists() or not StoryStore(paths.stories_file()).stories()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal to send to oneself like this")
def test_ctrl_c_keeps_what_was_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tell = generate.Teller.tell

    def interrupted(*args: Any, **how: Any) -> Iterator[Any]:
        for number, item in enumerate(tell(*args, **how)):
            yield item
            if number == 3 and isinstance(item, Piece):
                os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(generate.Teller, "tell", interrupted)
    out, err = said(capsys, "tell", "--save", "Cut", "--prompt", "Once", "--max-tokens", "90", code=130)
    assert "stopped, saved in story 1" in err
    assert "".join(each.text for each in stored()[1]) + "\n" == out


def test_a_passage_is_told_again_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "tell", "--save", "The owl", "--prompt", "An owl sang", *SHORT)
    out, err = said(capsys, "stories", "retell", "The owl")
    assert err.startswith(
        "Passage 2 of The owl came out the same, word for word: told by starter, lively, seed "
    )
    assert out == printable(stored()[1][1].text.strip("\n")) + "\n"
    (record,) = [
        json.loads(each) for each in said(capsys, "stories", "retell", "1", "--json")[0].splitlines()
    ]
    assert (record["same"], record["passage"], record["text"]) == (True, 2, stored()[1][1].text)
    _, err = said(capsys, "stories", "retell", "1", "--passage", "1", code=1)
    assert "Passage 1 of The owl cannot be told again. You wrote this passage" in err
    _, err = said(capsys, "stories", "retell", "1", "--passage", "3", code=1)
    assert "--passage must be from 1 to 2, not 3" in err


@pytest.mark.needs_torch
@pytest.mark.skipif(os.name == "nt", reason="Windows has no kill -9")
def test_a_kill_while_it_streams_costs_at_most_the_last_second(home: Path, starter: Path) -> None:
    with closing(StoryStore(paths.stories_file())) as store:
        store.add_passage(store.new_story("Killed").id, "you", "Once")
    command = [
        sys.executable, "-m", "storytime_tui", "tell", "--story", "Killed", "--model", str(starter), "--json",
        "--max-tokens", "100000", "--set", "min_tokens=100000",
    ]  # fmt: skip
    arrived: list[tuple[float, str]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as program:
        assert program.stdout is not None
        for line in program.stdout:
            arrived.append((time.monotonic(), json.loads(line)["text"]))
            if arrived[-1][0] - arrived[0][0] > 1.5:
                break
        killed_at = time.monotonic()
        program.kill()
    owed = "".join(text for at, text in arrived if at < killed_at - 1.0)
    with closing(sqlite3.connect(home / "stories.sqlite3")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    whole = "".join(each.text for each in stored()[1])
    assert owed and whole.startswith("Once" + owed)
