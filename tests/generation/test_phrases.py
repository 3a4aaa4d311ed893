"""Banned phrases and stops are found wherever tokens cut them, and the same however the text comes."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.generation.phrases import (
    Match,
    find_banned,
    find_stop,
    held_banned,
    held_stop,
    token_of,
)

letters = st.text("abAB \n'", max_size=14)
phrases = st.lists(st.text("abA \n'", min_size=1, max_size=4).filter(lambda p: p.strip(" ")), max_size=3)


@pytest.mark.parametrize(
    ("text", "banned", "found"),
    [
        ("The cat sat.", "cat", "cat"),
        ("The CAT sat.", "cat", "CAT"),
        ("A category of", "cat", None),
        ("A bobcat sat", "cat", None),
        ("The cat's tail", "cat", "cat"),
        ("as  \n if by magic ", "as if", "as  \n if"),
        ("as \n", "as if", None),
        ("I don’t know.", "don't know", "don’t know"),
        ("Été là ", "été", "Été"),
        ("...and then", "...", "..."),
        ("One\n\nTwo ", "\n\n", "\n\n"),
        ("İstanbul and i", "and", "and"),
        ("cat", "cat", None),  # it may yet become a category
    ],
)
def test_a_banned_phrase_is_found_as_a_reader_would(text: str, banned: str, found: str | None) -> None:
    there = find_banned(text, [banned])
    assert (there and text[there.start : there.end]) == found


def test_at_the_end_of_the_story_the_last_word_counts() -> None:
    assert find_banned("a cat", ["cat"], final=True) == Match(2, 5, "cat")
    assert find_banned("a ca", ["cat"], final=True) is None
    assert held_banned("a cat", ["cat"]) == held_banned("a ca", ["cat"]) == 2
    assert held_banned("a cat ", ["cat", "dog"]) == 2  # found, and so not to be shown
    assert held_banned("a car", ["cat"]) == 5


def test_the_text_before_the_start_is_a_border_and_no_place_for_phrases() -> None:
    assert find_banned("wildcat ", ["cat"], 4) is None
    assert find_banned("wild cat ", ["wild cat", "cat"], 4) == Match(5, 8, "cat")
    assert find_banned("cat cat ", ["cat"], 1) == Match(4, 7, "cat")


def test_stops_are_taken_letter_by_letter_and_the_earliest_wins() -> None:
    assert find_stop("The end of The End.", ["The End", "end of"]) == Match(4, 10, "end of")
    assert find_stop("the end", ["The End"]) is None
    assert find_stop("category", ["cat"]) == Match(0, 3, "cat")
    assert held_stop("a story. The E", ["The End", "\n\n"]) == 9
    assert held_stop("a story.\n", ["The End", "\n\n"]) == 8
    assert held_stop("a story.", ["The End", "\n\n"]) == 8


def test_an_earlier_phrase_that_may_still_come_is_waited_for() -> None:
    assert find_stop("abc", ["abcd", "bc"]) is None
    assert find_stop("abce", ["abcd", "bc"]) == Match(1, 3, "bc")
    assert find_stop("abcd", ["abcd", "bc"]) == Match(0, 4, "abcd")


@pytest.mark.parametrize(("find", "held"), [(find_banned, held_banned), (find_stop, held_stop)])
@given(letters, phrases, st.data())
def test_how_the_text_is_cut_makes_no_difference(find, held, text, banned, data) -> None:  # type: ignore[no-untyped-def]
    """Shown as it comes, with what is held kept back, nothing is ever shown that belongs to a phrase."""
    whole = find(text, banned, final=True)
    start = shown = 0
    for end in [*sorted(data.draw(st.sets(st.integers(0, len(text))))), len(text)]:
        found = find(text[:end], banned, start)
        if found:
            assert found == whole
            assert shown <= found.start
            return
        start = held(text[:end], banned, start)
        assert shown <= start <= end
        shown = start
    assert find(text, banned, start, final=True) == whole


@given(letters, phrases)
def test_a_stop_is_where_pythons_own_search_finds_one(text: str, stops: list[str]) -> None:
    places = [(text.find(stop), len(stop), stop) for stop in stops if stop in text]
    expected = None
    if places:
        start, length, stop = min(places)
        expected = Match(start, start + length, stop)
    assert find_stop(text, stops, final=True) == expected


@given(letters, phrases)
def test_what_is_held_is_the_longest_beginning_of_a_stop(text: str, stops: list[str]) -> None:
    if find_stop(text, stops, final=True):
        return
    begins = [i for i in range(len(text)) if any(stop.startswith(text[i:]) for stop in stops)]
    assert held_stop(text, stops) == min(begins, default=len(text))


@given(
    st.lists(st.binary(max_size=3), max_size=12)
    | st.text("aé狐😀", max_size=6).map(lambda text: [bytes([byte]) for byte in text.encode()])
)
def test_a_character_belongs_to_the_token_that_begins_it(tokens: list[bytes]) -> None:
    decoder, text, begun = codecs.getincrementaldecoder("utf-8")("replace"), "", []
    for data in tokens:
        text += decoder.decode(data)
        begun.append(len(text) + bool(decoder.getstate()[0]))
    assert begun == sorted(begun)
    for place in range(begun[-1] if begun else 0):
        token = token_of(begun, place)
        before = b"".join(tokens[:token]).decode("utf-8", "replace")
        through = b"".join(tokens[: token + 1]).decode("utf-8", "replace")
        assert len(through) > place
        assert len(before) <= place or before[-1] == "\ufffd"
    with pytest.raises(IndexError):
        token_of(begun, begun[-1] if begun else 0)


def test_the_token_of_a_phrase_that_begins_inside_one() -> None:
    begun = [3, 6, 9]  # "The", " ca", "t s"
    found = find_banned("The cat s", ["cat"])
    assert found is not None
    assert token_of(begun, found.start) == 1
