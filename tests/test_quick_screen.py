"""The tests' quick terminal shows what pyte's own shows."""

import pyte
from hypothesis import given
from hypothesis import strategies as st

from tests.quick_screen import QuickScreen, QuickStream

SEQUENCES = ["\x1b[m", "\x1b[0m", "\x1b[1;38;2;10;200;30m", "\x1b[48;5;17m", "\x1b[7;22m", "\x1b[H", "\x1b[3;5H",
             "\x1b[9;99H", "\x1b[;4H", "\x1b[2J", "\x1b[K", "\x1b[1K", "\x1b[2A", "\x1b[4h", "\x1b[4l", "\x1b[?7l",
             "\x1b[?7h", "\x1b[L", "\x1b[M", "\x1b[2P", "\x1b7", "\x1b8", "\r\n", "\n", "\r", "\b", "\t", "\x1bM",
             "\x1b]0;a title\x07", "\x1b(0", "\x1b(B"]  # fmt: skip
TEXTS = ["a", "the fox", "┌──┐", "龍とキツネ", "🐉", "e\u0301", "\u0301", "x" * 25]


@given(st.lists(st.sampled_from(SEQUENCES + TEXTS), max_size=40), st.integers(1, 9))
def test_it_shows_what_pytes_own_screen_shows_wherever_the_bytes_are_cut(
    pieces: list[str], part: int
) -> None:
    quick, plain = QuickScreen(20, 5), pyte.Screen(20, 5)
    quick_stream, plain_stream = QuickStream(quick), pyte.ByteStream(plain)
    data = "".join(pieces).encode()
    for start in range(0, len(data), part):
        quick_stream.feed(data[start : start + part])
        plain_stream.feed(data[start : start + part])
        assert quick.display == plain.display
    assert [[quick.buffer[y][x] for x in range(20)] for y in range(5)] == [
        [plain.buffer[y][x] for x in range(20)] for y in range(5)
    ]
    assert (quick.cursor.x, quick.cursor.y) == (plain.cursor.x, plain.cursor.y)
    for screen in (quick, plain):
        screen.resize(4, 12)
    assert quick.display == plain.display
