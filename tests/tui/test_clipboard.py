"""Copying to the clipboard: what a terminal, tmux and GNU screen get, to the byte."""

import base64
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.clipboard import LIMIT, copy, wrapped_sequences
from tests.tui.conftest import SMALL

TEXT = "“Yes,” said the [b]frog[/b]. קול 龍\n\nThe end."


def texts_in(sequence: str) -> list[str]:
    return [base64.b64decode(found).decode() for found in re.findall(r"\x1b\]52;c;([\w+/=]*)\a", sequence)]


def test_tmux_gets_the_sequence_wrapped_for_the_terminal() -> None:
    (sequence,) = wrapped_sequences(TEXT, {"TMUX": "/tmp/tmux,1,0"})
    assert sequence.startswith("\x1bPtmux;") and sequence.endswith("\x1b\\")
    inner = sequence.removeprefix("\x1bPtmux;").removesuffix("\x1b\\")
    assert texts_in(inner.replace("\x1b\x1b", "\x1b")) == [TEXT]
    assert "\x1b" not in inner.replace("\x1b\x1b", "")  # every escape is doubled


def test_gnu_screen_gets_it_in_pieces() -> None:
    pieces = list(wrapped_sequences(TEXT * 40, {"STY": "1.pts"}))
    assert len(pieces) > 2
    assert all(
        piece.startswith("\x1bP") and piece.endswith("\x1b\\") and len(piece) < 256 for piece in pieces
    )
    assert texts_in("".join(piece[2:-2] for piece in pieces)) == [TEXT * 40]


def test_a_plain_terminal_needs_no_more() -> None:
    assert list(wrapped_sequences(TEXT, {"TERM": "xterm"})) == []


@pytest.fixture
def written(app: StorytimeApp, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the app writes to its terminal itself."""
    kept: list[str] = []
    for name in ("TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(app, "copy_to_clipboard", lambda text: kept.append(f"plain {text}"))
    return kept


def watch(app: StorytimeApp, kept: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app._driver, "write", kept.append)


async def test_it_says_how_much_was_copied(
    app: StorytimeApp, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(size=SMALL):
        watch(app, written, monkeypatch)
        assert await copy(app, TEXT) == "Copied 8 words."
        assert written[0] == f"plain {TEXT}"
        written.clear()
        assert await copy(app, " \n") == "There is nothing to copy yet."
        assert not written


async def test_a_text_that_terminals_may_refuse_is_said(
    app: StorytimeApp, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(size=SMALL):
        watch(app, written, monkeypatch)
        said = await copy(app, "word " * (LIMIT // 5))
        assert "Your terminal may not take more than 100 kB; export it instead." in said
        assert said.startswith("Copied 20,000 words.")


async def test_in_tmux_its_own_command_gets_the_text_too(
    app: StorytimeApp, written: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An older tmux knows no -w: then it gets the text without."""
    command = tmp_path / "tmux"
    command.write_text(f'#!/bin/sh\n[ "$2" = -w ] && exit 1\ncat >"{tmp_path}/buffer"\n')
    command.chmod(0o755)
    async with app.run_test(size=SMALL):
        watch(app, written, monkeypatch)
        monkeypatch.setenv("TMUX", "/tmp/tmux,1,0")
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        assert await copy(app, TEXT) == "Copied 8 words."
        assert (tmp_path / "buffer").read_text(encoding="utf-8") == TEXT
        assert any(part.startswith("\x1bPtmux;") for part in written)


async def test_a_tmux_that_does_not_answer_does_not_matter(
    app: StorytimeApp, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*_: Any, **__: Any) -> None:
        raise subprocess.TimeoutExpired("tmux", 2.0)

    async with app.run_test(size=SMALL):
        watch(app, written, monkeypatch)
        monkeypatch.setenv("TMUX", "/tmp/tmux,1,0")
        monkeypatch.setattr(subprocess, "run", late)
        assert await copy(app, TEXT) == "Copied 8 words."
