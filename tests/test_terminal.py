"""Text that is shown cannot command the terminal."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.terminal import cells, printable, printable_line, printable_path, wrapped

anything = st.text(alphabet=st.characters(codec=None, exclude_categories=()))


@given(anything)
def test_nothing_printable_is_a_control_character(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert printable(shown) == shown
    assert all(unicodedata.category(sign) not in ("Cc", "Cs") for sign in shown if sign not in "\n\t")
    shown.encode()
    assert "\n" not in printable_line(text)
    assert not set(printable_path(text)) & set("\n\t\x1b")


def test_ordinary_text_stays_as_it_is() -> None:
    text = "“Où?” said the fox [/b]\n\t— naïve 日本 👩\u200d👧"
    assert printable(text) == text


def test_controls_are_seen() -> None:
    assert printable("\x1b[2J\x07\x7f\x9b\u202e\ud800") == "␛[2J␇␡\ufffd\ufffd\ufffd"
    assert printable_path("a\nb  c") == "a␊b  c"
    assert printable_line("a\n  b") == "a b"


def test_cells() -> None:
    assert [cells(text) for text in ("fox", "日本", "e\u0301", "␛")] == [3, 4, 1, 1]


@given(st.lists(st.text("ab日 ", max_size=30), max_size=4).map("\n".join), st.integers(4, 40))
def test_wrapped_lines_fit_and_lose_no_word(text: str, columns: int) -> None:
    rows = wrapped(text, columns).split("\n")
    assert all(cells(row) <= columns or " " not in row.strip() for row in rows)
    assert " ".join(rows).split() == text.split()
    assert wrapped(wrapped(text, columns), columns) == wrapped(text, columns)


def test_lines_that_fit_stay_as_they_are() -> None:
    text = "  An owl  sat up late.\n\nThe moon laughed."
    assert wrapped(text, 40) == text
    assert wrapped(text, 12) == "  An owl \nsat up late.\n\nThe moon\nlaughed.".replace(" \n", "\n")
