"""Names for the command line, titles for people, file names for any system."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.corpus.names import distinct, safe_file_name, slug, title_from_name


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Cat_And_Mouse_In_Partnership", "Cat And Mouse In Partnership"),
        ("the-fox's_tail", "The Fox's Tail"),
        ("Fox", "Fox"),
        ("a\x1b[2J\nb", "a␛[2J b"),
        ("\udcff", "�"),
        ("___", "Untitled"),
    ],
)
def test_a_file_name_gives_a_title(name: str, title: str) -> None:
    assert title_from_name(name) == title


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("My Tales!", "my-tales"),
        ("Märchen", "marchen"),
        ("../../etc", "etc"),
        ("日本", ""),
        ("a" * 99, "a" * 60),
    ],
)
def test_slugs_are_safe_names(name: str, expected: str) -> None:
    assert slug(name) == expected


@given(st.lists(st.sampled_from(["Fox", "Fox (2)", "Hen", "fox"]), max_size=12))
def test_titles_are_made_different_and_the_first_keeps_its_own(titles: list[str]) -> None:
    named = list(distinct(titles))
    assert len(set(named)) == len(named) == len(titles)
    for title, given_name in zip(titles, named, strict=True):
        assert given_name.startswith(title)
    assert not titles or named[0] == titles[0]


def test_many_of_the_same_title_take_no_time() -> None:
    assert list(distinct(["Chapter"] * 50_000))[-1] == "Chapter (50000)"


@given(st.lists(st.text(max_size=20), max_size=8))
def test_file_names_are_safe_and_different(names: list[str]) -> None:
    taken: set[str] = set()
    made = [safe_file_name(f"{name}x.TXT", taken) for name in names]
    assert len({name.casefold() for name in made}) == len(made)
    for name in made:
        assert name.endswith(".txt")
        assert not set(name) & set('\\/:*?"<>|\0\n')
        assert not name.startswith(".")
