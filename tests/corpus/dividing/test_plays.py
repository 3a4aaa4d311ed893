"""A play is one story whose chapters are its acts: nobody's words are torn from their name, and nothing is lost."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui.corpus.dividing.divide import divide
from storytime_tui.corpus.document import Document, Tale
from storytime_tui.corpus.formats.read import read_document
from tests.corpus import invented_plays as made
from tests.corpus.dividing.test_divide import novel
from tests.corpus.formats import ebooks
from tests.corpus.truth_tools import SHARED
from tests.examples import many

TRIES = SHARED / "tries" / "books"

needs_tries = pytest.mark.skipif(
    not TRIES.is_dir(), reason="the tried files are not here (../shared/tries/books)"
)


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text)


def one(tales: tuple[Tale, ...]) -> Tale:
    assert len(tales) == 1, [tale.title for tale in tales]
    return tales[0]


def spoken_together(text: str, speeches: tuple[made.Speech, ...], layout: str = "") -> None:
    """Each speech stands right after its speaker's name, in the same paragraph unless the layout parts them."""
    sign = r"[^\w]" if layout == "a name alone" else r"(?:(?!\n\n)[^\w])"
    for who, said in speeches:
        name = rf"(?i:{re.escape(who)}){sign}{{0,6}}(?:\[?(?:aside|slowly)[.\]]+)?{sign}{{0,6}}"
        assert re.search(rf"\b{name}{re.escape(said)}", text), (who, said)


def titles_of(tale: Tale) -> list[str]:
    return [chapter.title for chapter in tale.chapters]


@pytest.mark.parametrize("layout", made.LAYOUTS)
@pytest.mark.parametrize("published", [True, False])
def test_a_play_of_any_layout_is_one_story_and_speakers_stay_with_their_speeches(
    layout: str, published: bool
) -> None:
    text = (
        made.gutenberg(made.play(layout))
        if published
        else f"THE HAT\n\nby N. O. Body\n\n\n\n{made.play(layout)}"
    )
    tale = one(divide(Document(text)))
    assert tale.title == "The Hat" and titles_of(tale) == ["Act I", "Act II"]
    spoken_together(tale.text, made.ACT_ONE + made.ACT_TWO, layout)
    assert made.ACT_ONE[0][1] in tale.text[tale.chapters[0].start : tale.chapters[1].start]
    assert "Enter OWL" in tale.text and tale.text.rstrip().endswith("[Exeunt, the OWL last.]")
    assert "HATSTAND" not in tale.text or not published


@pytest.mark.parametrize("acts", made.ACTS)
def test_acts_are_chapters_in_many_languages(acts: str) -> None:
    for text in (made.gutenberg(made.play(acts=acts)), f"THE HAT\n\n\n\n{made.play(acts=acts)}"):
        tale = one(divide(Document(text)))
        assert len(tale.chapters) == 2
        first, second = (words(title.casefold()) for title in titles_of(tale))
        assert first != second and set(first) <= set(words(made.ACTS[acts][0].casefold()))
        # all of the heading is shown or in the text, and so are the list of characters and the song
        shown = words(" ".join([*titles_of(tale), tale.text]).casefold())
        for part in (*made.ACTS[acts], made.PERSONS, made.SONG):
            assert set(words(part.casefold())) <= set(shown)


def test_scenes_are_lines_of_their_act() -> None:
    acts = [
        f"ACT {number}. SCENE {scene}. A wood.\n\n{made.acted(speeches, 'italics')}"
        for number, speeches in (("I", made.ACT_ONE), ("II", made.ACT_TWO))
        for scene in ("I", "II")
    ]
    tale = one(divide(Document(made.gutenberg("\n\n\n\n".join([made.PERSONS, *acts])))))
    assert titles_of(tale) == ["Act I", "Act II"]
    assert [line for line in tale.text.split("\n") if "SCENE" in line] == [
        "SCENE I. A wood.",
        "ACT I. SCENE II. A wood.",
        "SCENE I. A wood.",
        "ACT II. SCENE II. A wood.",
    ]


def test_a_play_in_scenes_alone_has_them_as_chapters() -> None:
    scenes = [
        f"SCENE {number}.--A wood.\n\n{made.acted(speeches, 'a colon')}"
        for number, speeches in (("I", made.ACT_ONE), ("II", made.ACT_TWO))
    ]
    tale = one(divide(Document("THE HAT\n\n\n\n" + "\n\n\n".join(scenes))))
    assert titles_of(tale) == ["Scene I", "Scene II"]
    spoken_together(tale.text, made.ACT_ONE + made.ACT_TWO)


def test_the_list_of_acts_and_who_played_are_no_acts() -> None:
    front = (
        "THE SCENES OF THE PLAY\n\nACT I.  A wood.\n\nACT II.  The same wood.\n\n\nTHE HATSTAND THEATRE\n\n"
        "Fox: Mr. A. Friend.\nGoose: Miss B. Friend.\nOwl: Mr. C. Friend."
    )
    text = made.gutenberg(f"{made.PERSONS}\n\n\n\n{front}\n\n\n\n" + made.play(persons="\n"))
    tale = one(divide(Document(text)))
    assert titles_of(tale) == ["Act I", "Act II"]
    assert len(tale.text[: tale.chapters[0].start].split()) > 30
    assert made.ACT_ONE[0][1] in tale.text[tale.chapters[0].start : tale.chapters[1].start]


def test_a_prologue_and_an_epilogue_are_chapters_but_not_one_within_an_act() -> None:
    verse = "\n".join(
        f"The hat came {way}, and so did I," for way in ("up", "down", "round", "back", "out", "in")
    )
    within = "PROLOGUE\n\n" + verse
    body = made.play(persons=f"{made.PERSONS}\n\n\n\nPROLOGUE, spoken by the OWL\n\n{verse}")
    text = body.replace("THE SONG OF THE HAT", within) + f"\n\n\n\nEPILOGUE\n\n{verse}"
    tale = one(divide(Document(made.gutenberg(text))))
    assert titles_of(tale) == ["PROLOGUE, spoken by the OWL", "Act I", "Act II", "Epilogue"]
    assert tale.text.count("The hat came up") == 3


def test_a_volume_of_plays_comes_apart_into_them() -> None:
    other = made.play("italics", persons="CHARACTERS\n\nFOX.\nGOOSE.\nOWL.")
    third = f"THE LATE HERON\n\nPERSONS\n\nFOX.\nGOOSE.\nOWL.\n\n\n{made.acted(made.ACT_TWO * 4, 'a colon')}"
    contents = "CONTENTS\n\n  THE HAT\n  THE SECOND HAT\n  THE LATE HERON"
    second = f"THE SECOND HAT\n\nA PLAY IN TWO ACTS\n\n\n{other}"
    body = "\n\n\n\n".join([contents, f"THE HAT\n\n\n{made.play()}", second, third])
    tales = divide(Document(made.gutenberg(body, "THREE PLAYS")))
    assert [tale.title for tale in tales] == ["The Hat", "The Second Hat", "The Late Heron"]
    assert [len(tale.chapters) for tale in tales] == [2, 2, 0]
    assert all(said in tales[1].text for _, said in made.ACT_ONE + made.ACT_TWO)


def test_scenes_with_names_are_one_play_if_the_same_people_speak() -> None:
    scenes = [
        f"{name}\n\n\n{made.acted(speeches, 'capitals and a full stop')}"
        for name, speeches in (
            ("NIGHT", made.ACT_ONE),
            ("BEFORE THE GATE", made.ACT_TWO),
            ("A CELLAR", made.ACT_ONE),
        )
    ]
    tale = one(divide(Document(made.gutenberg("\n\n\n\n".join(scenes)))))
    assert [title for title in titles_of(tale) if title] == ["Night", "Before the Gate", "A Cellar"]


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_novel_with_a_scene_of_dialogue_and_songs_is_no_play(wrapped: bool) -> None:
    scene = "\n\n".join(f"WENDEL. {said}" for _, said in made.ACT_ONE[:4])
    before = divide(Document(novel(), wrapped=wrapped))
    after = divide(
        Document(novel().replace("\n\n\n\nCHAPTER II", f"\n\n{scene}\n\n\n\nCHAPTER II", 1), wrapped=wrapped)
    )
    assert [(tale.title, titles_of(tale)) for tale in after] == [
        (tale.title, titles_of(tale)) for tale in before
    ]


@settings(max_examples=many(40), deadline=None)
@given(
    st.sampled_from(sorted(made.LAYOUTS)),
    st.lists(st.sampled_from(made.ACT_ONE + made.ACT_TWO), min_size=8, max_size=40),
    st.sampled_from(["ACT", "SCENE", ""]),
    st.booleans(),
)
def test_no_word_of_an_unpublished_play_is_lost(
    layout: str, speeches: list[made.Speech], noun: str, persons: bool
) -> None:
    half = len(speeches) // 2
    one_half, other = made.acted(speeches[:half], layout), made.acted(speeches[half:], layout)
    heads = (f"{noun} I\n\n", f"{noun} II\n\n") if noun else ("", "")
    front = f"{made.PERSONS}\n\n\n" if persons else ""
    text = f"THE HAT\n\n\n{front}{heads[0]}{one_half}\n\n\n{heads[1]}{other}\n"
    tales = divide(Document(text))
    shown = [
        word
        for tale in tales
        for word in (*words(tale.title), *words(" ".join(titles_of(tale))), *words(tale.text))
    ]
    wanted = {word.casefold() for word in words(text)}
    assert wanted <= {word.casefold() for word in shown}
    assert len(words(" ".join(tale.text for tale in tales))) >= len(words(one_half + " " + other))


# -- e-books ----------------------------------------------------------------------------------------------


def table(speeches: tuple[made.Speech, ...]) -> str:
    rows = "".join(
        f'<tr><td epub:type="z3998:persona">{who}</td><td epub:type="z3998:verse"><p><span>{said}</span></p></td></tr>'
        if n % 2
        else f'<tr><td epub:type="z3998:persona">{who}</td><td>{said}</td></tr>'
        for n, (who, said) in enumerate(speeches)
    )
    direction = '<i epub:type="z3998:stage-direction">The <b epub:type="z3998:persona">Owl</b> enters.</i>'
    enters = f"<tr><td/><td>{direction}</td></tr>"
    return f"<table><tbody>{enters}{rows}{enters}</tbody></table>"


def test_a_play_in_an_e_book_keeps_its_first_act_and_its_speakers(tmp_path: Path) -> None:
    persons = "<section><h2>Dramatis Personae</h2><ul><li><p>Fox</p></li><li><p>Goose</p></li></ul></section>"
    acts = [
        f"<section><h2>Act {number}</h2><section><h3>Scene I</h3><p>A wood.</p>{table(speeches)}</section></section>"
        for number, speeches in (("I", made.ACT_ONE), ("II", made.ACT_TWO))
    ]
    pages = {f"page-{n}.xhtml": ebooks.xhtml(page) for n, page in enumerate([persons, *acts])}
    path = ebooks.write(tmp_path, ebooks.book(pages, metadata="<dc:title>The Hat</dc:title>"))
    tale = one(divide(read_document(path)))
    assert tale.title == "The Hat" and titles_of(tale) == ["Act I", "Act II"]
    paragraphs = tale.text.split("\n\n")
    assert paragraphs[0] == "Dramatis Personae" and paragraphs.count("Scene I") == 2
    for who, said in made.ACT_ONE + made.ACT_TWO:
        assert f"{who}\n{said}" in paragraphs
    assert paragraphs.count("(The Owl enters.)") == 4


def test_acts_without_speakers_are_chapters_too(tmp_path: Path) -> None:
    prose = "<p>" + "The fox went down to the river, where the goose was combing her hair. " * 8 + "</p>"
    pages = {"people.xhtml": "<h2>Dramatis Personae</h2><ul><li>Fox</li><li>Goose</li></ul>"}
    pages |= {
        f"{act}.xhtml": f"<h2>Act {act}</h2><h3>Scene I</h3><p>Here opens {act}.</p>{prose}<h3>Scene II</h3>{prose}"
        for act in ("I", "II", "III")
    }
    pages = {name: ebooks.xhtml(page) for name, page in pages.items()}
    path = ebooks.write(tmp_path, ebooks.book(pages, metadata="<dc:title>Hats</dc:title>"))
    tale = one(divide(read_document(path)))
    assert titles_of(tale) == ["Act I", "Act II", "Act III"] and "Here opens I." in tale.text
    assert tale.text.startswith("Dramatis Personae")


# -- the tried files --------------------------------------------------------------------------------------


@needs_tries
def test_the_tried_play_is_one_story() -> None:
    tale = one(divide(read_document(TRIES / "t5_play.txt")))
    assert tale.title == "The Hat"
    assert "FOX.\n  I have lost it.\n\nGOOSE.\n  You have not.\n\n[Enter OWL.]" in tale.text
    assert "FOX. (Aside) Mine." in tale.text and tale.text.count("I have lost it again.") == 6


@needs_tries
def test_the_tried_e_book_of_a_play_has_its_acts() -> None:
    tale = one(divide(read_document(TRIES / "v1_play.epub")))
    assert titles_of(tale) == ["Act I", "Act II", "Act III"]
    starts = [*[chapter.start for chapter in tale.chapters], len(tale.text)]
    for n, name in enumerate(("FIRSTACT", "SECONDACT", "THIRDACT")):
        assert name in tale.text[starts[n] : starts[n + 1]]
    assert "Fox, a beast" in tale.text
