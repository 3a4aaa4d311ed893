"""Every screen in five kinds of terminals and three sizes: the real program in a pseudo-terminal, keys only."""

import io
import os
import re
import sys
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
    """A home with a collection and a story of one's own, whose names, titles and texts have wide characters."""
    book = tmp_path / "狐と龍 🐉.txt"
    book.write_text("狐と龍 🐉\n\n\n" + "むかしむかし、狐がいました。\n\n" * 40, encoding="utf-8")
    assert main(["corpus", "add", str(book)]) == 0
    tale = tmp_path / f"{WIDE_TITLE}.txt"
    tale.write_text("Der Fuchs sagte: 「龍よ、こんにちは」 🐉 … “Ja.”\n" * 9, encoding="utf-8")
    assert main(["stories", "import", str(tale)]) == 0
    capsys.readouterr()
    return home


class Visit:
    """One terminal, walked through."""

    def __init__(self, terminal: Terminal, term: str) -> None:
        self.terminal, self.term, self.seen = terminal, term, 0
        self.sizes = SIZES[::-1]  # the last is the window's
        self.function = FUNCTION_KEYS.get(term, USUAL_FUNCTION_KEYS)

    def go(self, keys: str, content: str, *footer: str, header: bool = True) -> None:
        """Press keys; then the screen shows its content, its next step and its way to the help, and nothing is cut."""
        self.terminal.keys(keys)

        def complete(text: str) -> bool:
            lines = text.split("\n")
            frames = [row for row in self.display() if row[0] in "│|"]
            return (
                bool(re.search(content, text))
                and all(row[-1] in "│|" for row in frames)  # wide letters move no border
                and all(word in " ".join(lines[-6:]) for word in footer)
                and (not header or "1 Library  2 Train  3 Story  4 Runs" in lines[0])
            )

        text = self.terminal.wait_for(complete, 20)
        assert "too small" not in text
        if self.term in PLAIN:
            odd = {sign for sign in text if ord(sign) >= 0x180 and sign not in CONSOLE}
            assert not odd, f"{odd} stand in\n{text}"

    def see(self, keys: str, content: str, *footer: str, header: bool = True) -> None:
        """Go there, and look at every size, upwards or downwards from the one that the window has."""
        self.go(keys, content, *footer, header=header)
        self.sizes = self.sizes[::-1]
        for size in self.sizes[1:]:
            self.terminal.screen.erase_in_display(2)  # pyte keeps halves of wide letters at the edge
            self.terminal.resize(*size)
            self.go("", content, *footer, header=header)
        self.seen += 1

    def display(self) -> list[str]:
        return [str(row) for row in self.terminal.screen.display]

    def all_screens(self) -> None:
        """Begins and ends in the Library."""
        key = self.function
        enter = "enter" if self.term in PLAIN else "↵"
        fox = r"\?{6}" if self.term in PLAIN else "狐と龍"
        library = (rf"(?s)\[x\] Hedgerow Tales.*\[.\] {fox}", f"{enter} Read", "t Train", "? Help")
        self.see("\x1b[D", *library)  # closes the first collection, so that both are in view
        self.see("?", "You are here: the shelf", "esc Close", header=False)
        self.go("\x1b", *library)
        self.see("2", "Base: the model to start from", "s Start training", "? Help")
        self.see("4", "No runs yet. Press 2 to plan one", "? Help")
        self.see("3", "Der Fuchs sagte", f"{enter} Send", "f1 Help")
        self.go(key[1], "You are here", "esc Close", header=False)
        self.go("\x1b", "Der Fuchs sagte", f"{enter} Send", "f1 Help")
        self.go("\x1b", "Der Fuchs sagte", f"{enter} Write", "? Help")
        self.see("o", "─ Bookshelf|- Bookshelf", f"{enter} Open", "esc Back", "? Help")
        self.go("\x1b", "Der Fuchs sagte", f"{enter} Write", "? Help")
        self.go("1", *library)


@pytest.mark.parametrize("term", ["xterm-256color", "screen-256color", "tmux-256color", "linux", "vt220"])
def test_every_screen_can_be_used_in_every_terminal_at_every_size(
    term: str, shelf: Path, tmp_path: Path
) -> None:
    """The app is started once, and its window resized on each screen; at the end the terminal is as it was."""
    before, after = tmp_path / "before", tmp_path / "after"
    run = f'stty -g >"{before}"; "{sys.executable}" -m storytime_tui; code=$?; stty -g >"{after}"; exit $code'
    environment = {"TERM": term, "COLORTERM": "" if term in PLAIN else "truecolor", "TMUX": "", "STY": ""}
    with open_program(*SIZES[0], shelf, ["sh", "-c", run], environment) as terminal:
        terminal.program.logfile_read = written = io.BytesIO()
        visit = Visit(terminal, term)
        terminal.wait_for("Hedgerow Tales")
        visit.all_screens()
        assert visit.seen == 6
        terminal.keys("\x11")
        assert terminal.wait_for_end(30) == 0
    assert before.read_text() == after.read_text()
    sent = written.getvalue().decode(errors="replace")
    for mode in MODES:
        assert sent.rfind(f"\x1b[{mode}l") > sent.rfind(f"\x1b[{mode}h"), f"{mode} stays on"
    assert sent.rfind("\x1b[?25h") > sent.rfind("\x1b[?25l"), "the cursor stays hidden"
    if term in PLAIN:  # it may have no second screen: the last picture goes
        assert sent.rfind("\x1b[2J") > sent.rfind("Help")


def test_a_dumb_terminal_gets_a_sentence(home: Path) -> None:
    """With what to do if the terminal is a usual one after all."""
    argv = [sys.executable, "-m", "storytime_tui"]
    with open_program(80, 24, home, argv, {"TERM": "dumb"}) as terminal:
        terminal.wait_for("cannot show the app")
        assert "TERM=xterm-256color storytime-tui" in " ".join(terminal.text().split())
        assert terminal.wait_for_end() == 1
