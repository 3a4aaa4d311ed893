"""Bytes that come in any parts give the text that they give at once."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.generation.detokenizer import Detokenizer

any_bytes = st.one_of(st.binary(max_size=60), st.text(max_size=30).map(str.encode))


@given(any_bytes, st.lists(st.integers(0, 60), max_size=10))
def test_any_bytes_split_anywhere_give_the_same_text(data: bytes, cuts: list[int]) -> None:
    stream = Detokenizer()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    parts = [stream.feed(data[a:b]) for a, b in itertools.pairwise(edges)]
    assert "".join(parts) + stream.flush() == data.decode("utf-8", "replace")


@given(st.text(max_size=20))
def test_whole_characters_are_never_held_back_nor_broken(text: str) -> None:
    stream = Detokenizer()
    data = text.encode()
    for end in range(1, len(data) + 1):
        part = stream.feed(data[end - 1 : end])
        assert "\ufffd" not in part or "\ufffd" in text
    assert stream.flush() == ""


def test_an_incomplete_character_is_held_back_until_it_is_whole() -> None:
    stream = Detokenizer()
    owl = "🦉".encode()
    assert [stream.feed(b"an " + owl[:1]), stream.feed(owl[1:3]), stream.feed(owl[3:])] == ["an ", "", "🦉"]
    assert stream.feed(owl[:2]) == ""
    assert stream.flush() == "\ufffd"
    assert stream.flush() == ""
    assert stream.feed(b"on") == "on"
