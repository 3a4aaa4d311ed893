"""Every screen in five kinds of terminals and three sizes: the real program in a pseudo-terminal, keys only."""

import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storytime_tui.cli import main
from tests.terminal import Terminal, open_program

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminal")

SIZES = ((60, 20), (80, 24), (120, 40))
WIDE_TITLE = "龍とキツネ 🐉 am Fluß"
# signs that the font of a text console has (besides Latin letters)
CONSOLE = set("─│┌┐└┘├┤┬┴┼█▄▌▐▀░▒▓•♦►▼▲◄→←↑↓√■")
PLAIN = {"linux", "vt220"}
FUNCTION_KEYS = {
    "linux": dict(zip((1, 2, 3, 4, 5), ("\x1b[[A", "\x1b[[B", "\x1b[[C", "\x1b[[D", "\x1b[[E"), strict=True))
}
USUAL_FUNCTION_KEYS = {1: "\x1bOP", 2: "\x1bOQ", 3: "\x1bOR", 4: "\x1bOS", 5: "\x1b[15~"}
MODES = ("?1049", "?1000", "?1003", "?1006", "?1004", "?2004")  # second screen, mouse, focus, pasting


@pytest.fixture
def shelf(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A home with one story, whose title and text have wide characters."""
    tale = tmp_path / f"{WIDE_TITLE}.txt"
    tale.write_text("Der Fuchs sagte: 「龍よ、こんにちは」 🐉 … “Ja.”\n" * 9, encoding="utf-8")
    assert main(["stories", "import", str(tale)]) == 0
    capsys.readouterr()
    return home


class Visit:
    """One terminal, walked through."""

    def __init__(self, terminal: Terminal, term: str) -> None:
        self.terminal, self.term = terminal, term
        self.function = FUNCTION_KEYS.get(term, USUAL_FUNCTION_KEYS)

    def see(self, keys: str, content: str, *footer: str, header: bool = True) -> None:
        """Press keys; then the screen shows its content, its next step and its way to the help, and nothing is cut."""
        self.terminal.keys(keys)
        columns, rows = self.terminal.screen.columns, self.terminal.screen.lines

        def complete(text: str) -> bool:
            lines = text.split("\n")
            foot = " ".join(lines[-6:])
            frames = [row for row in self.display() if row[0] in "│|"]
            return (
                bool(re.search(content, text))
                and all(row[-1] in "│|" for row in frames)  # wide letters move no border
                and all(word in foot for word in footer)
                and (not header or "1 Library  2 Train  3 Story  4 Runs" in lines[0])
            )

        text = self.terminal.wait_for(complete, 20)
        assert "too small" not in text
        if self.term in PLAIN:
            odd = {sign for sign in text if ord(sign) >= 0x180 and sign not in CONSOLE}
            assert not odd, f"{odd} at {columns}x{rows}:\n{text}"

    def display(self) -> list[str]:
        return [str(row) for row in self.terminal.screen.display]

    def screens(self) -> Iterator[None]:
        """All of them, at the size that the terminal has; ends in the Library."""
        key = self.function
        enter = "enter" if self.term in PLAIN else "↵"
        self.see("", r"\[x\] Hedgerow Tales", f"{enter} Read", "t Train", "? Help")
        yield self.see("?", "Library: choose the stories", "esc Close", header=False)
        self.see("\x1b", r"\[x\] Hedgerow Tales", "? Help")
        yield self.see("2", "Base: the model to start from", "s Start training", "? Help")
        yield self.see("4", "No runs yet. Press 2 to plan one", "? Help")
        yield self.see("3", "Der Fuchs sagte", f"{enter} Send", "f1 Help")
        yield self.see(key[1], "Story: write together", "esc Close", header=False)
        self.see("\x1b", "Der Fuchs sagte", "f1 Help")
        yield self.see("\x1b", "Der Fuchs sagte", f"{enter} Write", "? Help")
        yield self.see("o", "─ Bookshelf|- Bookshelf", f"{enter} Open", "esc Back", "? Help")
        self.see("\x1b", "Der Fuchs sagte", f"{enter} Write", "? Help")
        self.see("\r", "Der Fuchs sagte", f"{enter} Send", "f1 Help")
        self.see(key[2], r"\[x\] Hedgerow Tales", f"{enter} Read", "? Help")


@pytest.mark.parametrize("term", ["xterm-256color", "screen-256color", "tmux-256color", "linux", "vt220"])
def test_every_screen_can_be_used_in_every_terminal_at_every_size(
    term: str, shelf: Path, tmp_path: Path
) -> None:
    """The app is started once and its window resized; at the end the terminal is as it was."""
    before, after = tmp_path / "before", tmp_path / "after"
    run = f'stty -g >"{before}"; "{sys.executable}" -m storytime_tui; code=$?; stty -g >"{after}"; exit $code'
    environment = {"TERM": term, "COLORTERM": "" if term in PLAIN else "truecolor", "TMUX": "", "STY": ""}
    with open_program(*SIZES[0], shelf, ["sh", "-c", run], environment) as terminal:
        terminal.program.logfile_read = written = io.BytesIO()
        visit = Visit(terminal, term)
        terminal.wait_for("Hedgerow Tales")
        seen = 0
        for size in SIZES:
            if size != SIZES[0]:
                terminal.resize(*size)
            seen += len(list(visit.screens()))
        assert seen == 7 * len(SIZES)
        terminal.keys("\x11")
        assert terminal.wait_for_end(30) == 0
    assert before.read_text() == after.read_text()
    sent = written.getvalue().decode(errors="replace")
    for mode in MODES:
        assert sent.rfind(f"\x1b[{mode}l") > sent.rfind(f"\x1b[{mode}h"), f"{mode} stays on"
    assert sent.rfind("\x1b[?25h") > sent.rfind("\x1b[?25l"), "the cursor stays hidden"
    if term in PLAIN:  # it may have no second screen: the last picture goes
        assert sent.rfind("\x1b[2J") > sent.rfind("Help")
