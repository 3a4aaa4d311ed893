"""A heading becomes a title as one writes it, and nothing that was written with care is changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.corpus.dividing.titles import as_title, is_capitals, key_of


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("THE GOLDEN BIRD", "The Golden Bird"),
        ("THE STRAW, THE COAL, AND THE BEAN.", "The Straw, the Coal, and the Bean"),
        ("SNOW-WHITE AND ROSE-RED", "Snow-White and Rose-Red"),
        ("JACK-IN-THE-PULPIT", "Jack-in-the-Pulpit"),
        ("CAP O' RUSHES", "Cap o' Rushes"),
        ("DOLL I' THE GRASS", "Doll i' the Grass"),
        ("THE PETERKINS' PICNIC", "The Peterkins' Picnic"),
        ("WHAT'S THE USE OF IT?", "What's the Use of It?"),
        ("MR. FOX", "Mr. Fox"),
        ("KING HENRY VIII AND I", "King Henry VIII and I"),
        ("DID HE MIX IT?", "Did He Mix It?"),
        ("THE TALES OF T. H. HARE", "The Tales of T. H. Hare"),
        ("O'BRIEN: THE END OF IT", "O'Brien: The End of It"),
        ("YVON and FINETTE", "Yvon and Finette"),
        ("THE DRAGON OF THE NORTH(2)", "The Dragon of the North"),
        ("THE BLACKBERRY-BUSH[1]", "The Blackberry-Bush"),
        ("_THE FOX_", "The Fox"),
        ("[THE FOX]", "The Fox"),
        ("THE\n    FOX--", "The Fox"),
        ('"A CHRISTMAS ADVENTURE.', "A Christmas Adventure"),
        ("ÉLAN, THE HORSE", "Élan, the Horse"),
        ("COVAN THE BROWN-\n  HAIRED", "Covan the Brown-Haired"),
        ("Covan the Brown-      Haired", "Covan the Brown-Haired"),
        ("THE [bold]BRAVE[/bold] HEN", "The [bold]Brave[/bold] Hen"),
        ("THE <b>BRAVE</b> HEN", "The <b>Brave</b> Hen"),
        ("Aunt Pree- My Teacher", "Aunt Pree- My Teacher"),
        # written with care: only what is no part of a title goes
        ("How the fox was Born", "How the fox was Born"),
        ("The Remarkable Rocket.", "The Remarkable Rocket"),
        ("And so on, etc.", "And so on, etc."),
        ("Who Stole the Moon?", "Who Stole the Moon?"),
        ("...", "..."),
        ("", ""),
    ],
)
def test_headings_become_titles(heading: str, title: str) -> None:
    assert as_title(heading) == title


@given(st.text(max_size=60))
def test_a_title_has_the_letters_of_its_heading_and_stays_what_it_is(heading: str) -> None:
    title = as_title(heading)
    assert "\n" not in title
    assert [sign for sign in key_of(title) if sign not in key_of(heading)] == []
    if not is_capitals(title):
        assert key_of(as_title(title)) == key_of(title)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("THE GOLDEN SPINNING-WHEEL", "The golden spinning wheel."),
        ("KÄTHCHEN", "Kathchen"),
        ("A Fox[1]", "a fox"),
    ],
)
def test_headings_of_one_story_have_one_key(one: str, other: str) -> None:
    assert key_of(one) == key_of(other) != ""


@given(st.text(alphabet="aB1 -'é.ﬁß", max_size=20))
def test_a_key_is_small_letters_and_digits_alone(text: str) -> None:
    key = key_of(text)
    assert key == key_of(key)
    assert all(sign.isalnum() and sign == sign.casefold() for sign in key)
