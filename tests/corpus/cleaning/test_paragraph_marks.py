"""Paragraphs come out as meant: with doubled line ends, with indented first lines, one in each line."""

import textwrap

import pytest

from storytime_tui.corpus.cleaning.clean import clean
from storytime_tui.corpus.cleaning.paragraph_marks import set_apart, single_spaced
from storytime_tui.corpus.dividing.divide import read_book
from storytime_tui.corpus.formats.encodings import decode
from storytime_tui.corpus.formats.plain import plain_document

TOLD = [
    "The miller had nothing left in the world but a mill, a cat, and a very good opinion of himself, and of these "
    "the cat was the only one that earned its keep, as it often told him before breakfast.",
    "“I am a cat,” it said.",
    "One morning the wind stopped. The miller looked at the sails, and the cat looked at the miller, and neither of "
    "them said what they thought of the other.",
    "So they waited.",
] * 3
VERSE = "\tThe wind has gone to bed,\n\tThe sails are hanging still,\n\tAnd what the miller said\n"
VERSE += "\tIs all around the mill\n"


def read(text: str) -> list[str]:
    return [
        one for tale in read_book(plain_document(text), plain=False).tales for one in tale.text.split("\n\n")
    ]


@pytest.mark.parametrize("end", ["\r\r\n", "\r\n", "\n", "\r"])
def test_every_kind_of_line_end(end: str) -> None:
    lines = "\n\n".join(textwrap.fill(one, 60) for one in TOLD)
    assert read(decode(lines.replace("\n", end).encode(), "a.txt")) == TOLD
    assert clean(lines.replace("\n", end), plain=False).split("\n\n") == TOLD


@pytest.mark.parametrize("between", ["\n\n", "\n\n\n\n", "\n\n\n"])
def test_doubled_line_ends(between: str) -> None:
    text = between.join("\n\n".join(textwrap.wrap(one, 60)) for one in TOLD) + "\n"
    assert read(text) == TOLD
    assert single_spaced("\n\n".join(TOLD)) == "\n\n".join(TOLD), "these are paragraphs"


@pytest.mark.parametrize("indent", ["\t", "    ", "  ", "\u3000\u3000"])
@pytest.mark.parametrize("width", [60, 1000])
def test_indented_first_lines(indent: str, width: int) -> None:
    text = "\n".join("\n".join(textwrap.wrap(one, width, initial_indent=indent)) for one in TOLD) + "\n"
    assert read(text) == TOLD


def test_single_long_lines() -> None:
    assert read("\n".join(TOLD)) == TOLD


@pytest.mark.parametrize(
    "text", [VERSE, VERSE * 4, "A list:\n\ta hen\n\ta hat\n\ta bell\n", "\n\n".join(TOLD)]
)
def test_verse_and_lists_stay(text: str) -> None:
    assert set_apart(text) == text


def test_ligatures_and_the_long_s_are_letters() -> None:
    assert clean(
        "The \ufb01sh \ufb02ew o\ufb00 to the e\ufb03gy, wa\ufb04ed, loſt, la\ufb05, \ufb06ill; ĳs."
    ) == ("The fish flew off to the effigy, waffled, lost, last, still; ijs.")
    assert clean("The \ufb01sh was “loſt”.", plain=False) == "The fish was “lost”."


@pytest.mark.parametrize("hyphen", ["-", "\u00ad", "¬"])
def test_words_torn_at_line_ends(hyphen: str) -> None:
    text = (
        f"Der Müller ging durch den verschneiten Wald und suchte seine Müt{hyphen}\nze. Die Mütze war grau."
    )
    assert "seine Mütze. Die" in clean(text)


def test_a_dash_keeps_the_spaces_that_its_language_has() -> None:
    spanish = (
        "—Lees demasiado, Anselmo, y la noche es larga y el aceite es caro\n—dijo Rosa sin volver la cabeza, mientras "
        "pelaba las patatas junto\nal fuego y miraba la nieve que caía. Mañana subirás al monte con el\nperro —añadió— "
        "y no volverás."
    )
    assert "es caro —dijo Rosa" in clean(spanish, plain=False)
    russian = (
        "Ты слишком много читаешь, сказала Марфа, не оборачиваясь, и\n— чтобы он понял — постучала ложкой "
        "по столу, где "
        "стоял\nкувшин, из которого пил ещё его дед, когда мельница работала —\nтак было заведено."
    )
    assert "и — чтобы он понял" in clean(russian, plain=False)
