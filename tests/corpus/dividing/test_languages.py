"""Novels in eight languages: their chapters are found, and no sentence of their prose is taken for a heading."""

import re

import pytest

from storytime_tui.corpus.dividing.divide import read_book
from storytime_tui.corpus.dividing.heading_rules import (
    is_frame,
    is_heading_like,
    label_of,
    matter_of,
    may_be_label,
)
from storytime_tui.corpus.document import Book
from storytime_tui.corpus.formats.plain import plain_document
from tests.corpus.dividing.languages import NOVELS, Novel, body

MANNERS = [
    pytest.param(novel, chapters, id=f"{language}-{chapters[0]}")
    for language, novel in NOVELS.items()
    for chapters in novel.chapters
]


def read(text: str) -> Book:
    return read_book(plain_document(text), plain=False)


def letters(text: str) -> str:
    return "".join(re.findall(r"\w", text))


def written(novel: Novel, headings: list[str], gap: int, *, indent: str = "", wrap: bool = False) -> str:
    gaps = "\n" * (gap + 1)
    return gaps.join(f"{heading}\n\n{body(novel, indent=indent, wrap=wrap)}" for heading in headings)


@pytest.mark.parametrize(("novel", "chapters"), MANNERS)
@pytest.mark.parametrize("gap", [1, 3])
def test_a_novel_is_one_story_with_its_chapters(novel: Novel, chapters: tuple[str, ...], gap: int) -> None:
    headings = [novel.prologue, *chapters, novel.epilogue]
    listed = "\n".join(headings)
    text = (
        f"{novel.title}\n\n{novel.contents}\n\n{listed}\n\n{written(novel, headings, gap)}\n\n{novel.end}\n"
    )
    (tale,) = read(text).tales
    assert tale.title == novel.title
    assert len(tale.chapters) == len(headings)
    assert letters(tale.text) == letters("".join(novel.prose) * 3 * len(headings))


@pytest.mark.parametrize(("novel", "chapters"), MANNERS)
def test_indented_first_lines_begin_paragraphs(novel: Novel, chapters: tuple[str, ...]) -> None:
    indent = "\u3000\u3000" if novel.wide else "\t"
    text = written(novel, list(chapters), 0, indent=indent).replace("\n\n", "\n")
    (tale,) = read(text).tales
    assert len(tale.chapters) == len(chapters)
    assert tale.text.split("\n\n") == list(novel.prose) * 3 * len(chapters)


@pytest.mark.parametrize("novel", [novel for novel in NOVELS.values() if not novel.wide])
def test_wrapped_lines_are_joined_whatever_the_quotes(novel: Novel) -> None:
    (tale,) = read(written(novel, list(novel.chapters[0]), 2, wrap=True)).tales
    assert tale.text.split("\n\n") == list(novel.prose) * 9


@pytest.mark.parametrize("novel", NOVELS.values(), ids=NOVELS)
def test_prose_without_headings_has_no_chapters(novel: Novel) -> None:
    (tale,) = read(body(novel)).tales
    assert tale.chapters == ()
    assert letters(tale.title + tale.text) == letters("".join(novel.prose) * 3)


@pytest.mark.parametrize(
    ("heading", "noun", "number", "rest"),
    [
        ("Einundzwanzigstes Kapitel", "chapter", 21, ""),
        ("Erstes Kapitel, in welchem der Igel verreist", "chapter", 1, "in welchem der Igel verreist"),
        ("3. KAPITEL\nDer Fuchs", "chapter", 3, "Der Fuchs"),
        ("CHAPITRE Ier", "chapter", 1, ""),
        ("CHAPITRE PREMIER.—LE RENARD", "chapter", 1, "LE RENARD"),
        ("Chapitre vingt et un : La pluie", "chapter", 21, "La pluie"),
        ("IIe partie", "part", 2, ""),
        ("Capítulo vigésimo segundo", "chapter", 22, ""),
        ("Capitolo ventitreesimo", "chapter", 23, ""),
        ("Tweeëntwintigste hoofdstuk", "chapter", 22, ""),
        ("Глава двадцать первая. Буря", "chapter", 21, "Буря"),
        ("Глава ІІ", "chapter", 2, ""),
        ("第一百零八回　大雪", "chapter", 108, "大雪"),
        ("第三卷 少年 第十二章 狐", "chapter", 12, "狐"),
        ("第六章 你是谁？", "chapter", 6, "你是谁？"),
        ("卷之二", "part", 2, ""),
        ("上卷", "part", 1, ""),
        ("二、狐狸", "", 2, "狐狸"),
        ("（三）", "", 3, ""),
        ("其の二", "", 2, ""),
    ],
)
def test_a_number_in_another_language(heading: str, noun: str, number: int, rest: str) -> None:
    label = label_of(heading)
    assert label is not None and may_be_label(heading)
    assert (label.noun, label.number, label.rest) == (noun, number, rest)


@pytest.mark.parametrize(
    "line",
    [
        *(
            "Das erste Kapitel gefiel ihm.",
            "Kapitel zwei war langweilig und er schlief ein.",
            "Am ersten Tag.",
        ),
        *("Das erste Kapitel, das er las, war langweilig.", "Ende gut, alles gut."),
        *("Le premier jour, il plut.", "Livre 3 de la série est sorti.", "Fin de l'été, il revint."),
        *("La segunda noche, nevó.", "Parte de la noche.", "Il primo giorno piovve.", "Fine."),
        *("Het eerste deel was kort.", "Einde van de dag.", "Первый день был тёплым.", "Конец дороги."),
        *(
            "第一天，下雨了。",
            "第二部分很长。",
            "一、他说：好。我走了。",
            "一人の男がいた。",
            "第一に、風が吹いた。",
        ),
    ],
)
def test_a_sentence_is_no_heading(line: str) -> None:
    assert label_of(line) is None
    assert matter_of(line) is None
    assert not is_frame(line)
    assert not is_heading_like(line, 1)


@pytest.mark.parametrize(
    ("heading", "matter"),
    [
        *(
            ("Inhalt", "contents"),
            ("TABLE DES MATIÈRES", "contents"),
            ("Índice", "contents"),
            ("目　录", "contents"),
        ),
        *(("Vorwort", "front"), ("Préface", "front"), ("Предисловие", "front"), ("まえがき", "front")),
        *(("Anmerkungen", "back"), ("Примечания", "back"), ("注释", "back")),
        *(
            ("ENDE", "end"),
            ("FINE", "end"),
            ("Fin de la première partie", "end"),
            ("全书完", "end"),
            ("（了）", "end"),
        ),
    ],
)
def test_what_stands_around_a_text(heading: str, matter: str) -> None:
    assert matter_of(heading) == matter


def test_numbered_tales_and_a_preface() -> None:
    tales = ("1. Der Mond im Krug", "2. Die drei Fäden")
    prose = (
        "Ein Krug stand vor dem Haus, und in der Nacht fiel der Mond hinein.\n\nDie Magd sah ihn und rief den Knecht.",
        "Es waren drei Fäden, ein roter, ein weißer und einer ohne Farbe.\n\nDie Spinne wußte es nicht.",
    )
    text = "Vorwort\n\nDies erzählte man.\n\n" + "\n\n".join(
        f"{title}\n\n" + "\n\n".join([told] * 3) for title, told in zip(tales, prose, strict=True)
    )
    book = read(text)
    assert [tale.title for tale in book.tales] == ["Vorwort", "Der Mond im Krug", "Die drei Fäden"]
    assert book.tales[0].text == "Dies erzählte man."


def test_a_contents_list_at_the_end_is_no_text() -> None:
    novel = NOVELS["French"]
    chapters = list(novel.chapters[1])
    listed = "\n".join(f"{chapter} . . . . {7 * n}" for n, chapter in enumerate(chapters, 1))
    (tale,) = read(f"{written(novel, chapters, 2)}\n\n\nTABLE DES MATIÈRES\n\n{listed}\n").tales
    assert tale.text.endswith(novel.prose[-1])
