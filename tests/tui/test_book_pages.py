"""A story in pages: nothing is lost, nothing is too wide or too high, the place is found again in any size."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from storytime_tui.tui.book_pages import MEASURE, page_at, pages_of

TEXT = "\n\n".join(
    f"The owl of tree {n} sang a long song about {n} mice, and nobody listened. " * 3 for n in range(40)
)
SIZES = st.tuples(st.integers(2, 120), st.integers(1, 60))
WRITTEN = st.text(st.sampled_from("ab .\n龍é\u0301קצ\t\x00"), max_size=300)


@given(WRITTEN, SIZES)
def test_pages_hold_every_sign_in_order_and_fit(text: str, size: tuple[int, int]) -> None:
    width, height = size
    pages = pages_of("", text, width, height)
    for page in pages:
        assert len(page.lines) <= height
        assert all(cell_len(line) <= min(width, MEASURE) for line in page.lines)
        assert page.lines[0] or not text.strip()
    shown = "".join("".join(page.lines) for page in pages)
    if text.split():
        assert "".join(shown.split()) == "".join(text.replace("\0", "\u2400").split())


def test_the_title_stands_on_the_first_page_alone() -> None:
    first, *others = pages_of("The Owl [b]", TEXT, 80, 20)
    assert first.lines[: first.title] == ("The Owl [b]",)
    assert first.lines[1] == ""
    assert others and not any(page.title for page in others)


@given(st.integers(0, 1500), SIZES, SIZES)
def test_a_place_is_found_again_in_another_size(
    word: int, size: tuple[int, int], other: tuple[int, int]
) -> None:
    pages, wider = pages_of("The Owl", TEXT, *size), pages_of("The Owl", TEXT, *other)
    place = pages[page_at(pages, word)].before
    assert place <= word
    again = wider[page_at(wider, place)]
    assert again.before <= place
    assert pages[page_at(pages, place)].before == place


def test_no_page_ends_with_the_first_line_of_a_paragraph() -> None:
    for height in range(8, 30):
        for page in pages_of("", TEXT, 66, height):
            assert page.lines[-2:-1] != ("",) or len(page.lines) == 1
