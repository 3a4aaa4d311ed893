"""The words that the Library's reading pane marks, and the places that it keeps."""

from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.formatting import folded
from storytime_tui.tui.found_words import MOST, find_words
from storytime_tui.tui.phrases import phrases_of
from storytime_tui.tui.read_places import ReadPlaces
from storytime_tui.tui.read_sheet import read_sheet
from storytime_tui.tui.sheets import story_sheet
from storytime_tui.tui.shelf_memory import MOST_READ


def marked(lines: list[str], *phrases: str, first: int = 0) -> list[str]:
    """Each place as it is marked, its lines joined by a stroke."""
    found = find_words(lines, phrases, first)
    places = [[] for _ in found.rows]
    for row, spans in sorted(found.spans.items()):
        for place, begin, end in spans:
            places[place].append(lines[row][begin:end])
    return ["|".join(parts) for parts in places]


def test_places_are_marked_in_the_lines_as_they_stand() -> None:
    assert marked(["The Robin’s", "  coat was fine."], "robins coat", "FINE") == ["Robin’s|  coat", "fine"]
    assert marked(["Ein Ma\u0308dchen aß", "an der Straße"], "madchen", "strasse", "ass") == [
        "Ma\u0308dchen", "aß", "Straße",
    ]  # fmt: skip
    assert marked(["狐と葡", "萄の話"], "葡萄") == ["葡|萄"]
    assert marked(["the", "the", "the"], "the", first=1) == ["the", "the"]
    assert marked(["a.b", "axb"], "a.b") == ["a.b"]
    assert find_words(["e" * 3 * MOST], ["e"]).rows == (0,) * MOST


@given(
    st.lists(st.text(st.sampled_from("ab é'ß狐\u0301"), max_size=12), max_size=5),
    st.text(st.sampled_from("abés狐"), min_size=1, max_size=2),
)
def test_every_marked_place_reads_like_the_phrase_and_the_first_is_found(
    lines: list[str], phrase: str
) -> None:
    places = marked(lines, phrase)
    assert all(folded(place.replace("|", "")).startswith(folded(phrase)[:1]) for place in places)
    assert all(folded(phrase) in folded(place.replace("|", "")) for place in places)
    if any(folded(phrase) in folded(line) for line in lines):
        assert places


def test_quotes_keep_words_together() -> None:
    assert phrases_of('fox "the  old\thouse" \'') == ("fox", "the old house")


@given(st.integers(12, 60), st.integers(12, 60), st.integers(0, 40))
def test_a_place_is_the_same_at_every_width(narrow: int, wide: int, row: int) -> None:
    text = "\n\n".join(f"Paragraph {i} of a tale about a mouse who sold {i} buttons." for i in range(20))
    one, other = (
        read_sheet(story_sheet("A Tale", ["by nobody"], text, (), width)) for width in (narrow, wide)
    )
    row = min(row, len(one.sheet.lines) - 1)
    letter = one.letter_at(row)
    assert one.letter_at(one.row_of(letter)) == letter
    there = other.row_of(letter)
    following = other.letters[there + 1] if there + 1 < len(other.letters) else letter + 1
    assert other.letter_at(there) <= letter < max(following, letter + 1)
    assert other.row_of(0) == 0


def test_the_places_of_the_stories_read_last_are_kept_and_a_bounded_number() -> None:
    places = ReadPlaces()
    for number in range(MOST_READ + 10):
        places.keep(("mine", f"{number}.txt:1"), number + 1)
    assert len(places.all) == MOST_READ
    assert places.at(("mine", "0.txt:1")) == 0
    assert places.at(("mine", f"{MOST_READ}.txt:1")) == MOST_READ + 1
    places.keep(("mine", f"{MOST_READ}.txt:1"), 0)  # back at the beginning
    assert len(places.all) == MOST_READ - 1
