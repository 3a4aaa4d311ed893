"""Tables: aligned, one line a row, and as quick for a title of ten million letters as for a short one."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.commands.tables import cut, print_table
from storytime_tui.terminal import cells


@pytest.mark.parametrize("keep", ["start", "end"])
@pytest.mark.parametrize("sign", ["x", "狐", "é", "\u0301", " ", "\n", "\x1b", "\ud800"])
def test_a_field_of_any_length_is_cut_at_once(sign: str, keep: str) -> None:
    before = time.monotonic()
    field = cut(sign * 5_000_000, keep=keep)  # type: ignore[arg-type]
    assert time.monotonic() - before < 1  # it took minutes
    assert cells(field) <= 60
    assert field.isprintable() and "…" in field


@given(st.text(max_size=30), st.integers(1, 12), st.sampled_from(["start", "end"]))
def test_what_is_cut_fits_and_says_so(text: str, widest: int, keep: str) -> None:
    field = cut(text, widest, keep=keep)  # type: ignore[arg-type]
    whole = cut(text, 1000)
    assert cells(field) <= widest
    assert "\n" not in field
    assert field == whole or (field.endswith("…") if keep == "start" else field.startswith("…"))


def test_columns_are_aligned_whatever_stands_in_them(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([("name", "words"), ("狐", "7"), ("a\nb\x1b[2J", "1,234")], right={1})
    assert capsys.readouterr().out == "name     words\n狐           7\na b␛[2J  1,234\n"
    print_table([["base", "x" * 40]], widest=10, keep="end")
    assert capsys.readouterr().out == "base  …" + "x" * 9 + "\n"
