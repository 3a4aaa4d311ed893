"""`collection.toml` is read and written whole, and a wrong one is one sentence with its place."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.corpus.library.cards import CARD, Card, card_bytes, read_card, write_card
from storytime_tui.errors import CorpusError

lines = (
    st.text(alphabet="aé[]\"'\\ “x", min_size=1, max_size=12)
    .map(str.strip)
    .map(lambda s: " ".join(s.split()))
)


@given(
    st.builds(
        Card,
        title=lines,
        author=lines,
        licence=lines,
        punctuation=st.sampled_from(["plain", "as written"]),
        titles=st.dictionaries(lines, lines, max_size=3),
        removed=st.lists(lines, max_size=3).map(tuple),
    )
)
def test_a_card_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, card: Card) -> None:
    folder = tmp_path_factory.mktemp("card")
    write_card(folder, card)
    assert read_card(folder) == card
    assert [path.name for path in folder.iterdir()] == [CARD]


def test_what_is_as_usual_is_left_out(tmp_path: Path) -> None:
    assert card_bytes(Card()) == b""
    assert card_bytes(Card(title="Tales")) == b'title = "Tales"\n'
    assert read_card(tmp_path) == Card()


def test_control_characters_become_pictures(tmp_path: Path) -> None:
    (tmp_path / CARD).write_text('title = "Tales\\u001b[2J"\nauthor = "A\\nB"\n')
    assert (read_card(tmp_path).title, read_card(tmp_path).author) == ("Tales␛[2J", "A B")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('colour = "red"', "unknown key 'colour'"),
        ("title = 3", "title must be a text"),
        ("[title]\na = 1", "title must be a text"),
        ("title =", "not valid TOML"),
        ('punctuation = "curly"', 'punctuation must be "plain" or "as written"'),
        ('titles = "x"', "titles must be a table"),
        ("[titles]\na = 1", "titles must be a table"),
        ("removed = [1]", "removed must be a list"),
        ('removed = "x"', "removed must be a list"),
    ],
)
def test_a_wrong_card_is_one_sentence_with_the_file(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / CARD).write_text(text)
    with pytest.raises(CorpusError) as caught:
        read_card(tmp_path)
    assert str(tmp_path / CARD) in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
