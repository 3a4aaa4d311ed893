"""FictionBooks: sections and titles, poems, notes, in the encodings of Russian libraries."""

import zipfile
from pathlib import Path

import pytest

from storytime_tui.corpus.dividing.divide import divide
from storytime_tui.corpus.formats.read import read_document
from storytime_tui.errors import CorpusError
from tests.corpus.formats.documents import fb2, headings, left_out, written

LONG = (
    "Жила-была шляпа, и лежала она на полке в прихожей, где её никто и никогда не надевал, кроме одного раза."
)
FACTS = (
    "<author><first-name>Анна</first-name><last-name>Воробьёва</last-name></author><book-title>Книга шляп</book-title>"
    "<annotation><p>О чём это.</p></annotation>"
)
BODY = f"""<title><p>Анна Воробьёва</p><p>Книга шляп</p></title>
<epigraph><p>Эпиграф.</p><text-author>Кто-то</text-author></epigraph>
<section><title><p>Глава 1</p><p>Шляпа</p></title><p>{LONG}<a l:href="#n1" type="note">[1]</a></p></section>
<section><title><p>Глава 2</p></title><p>{LONG} <emphasis>Да</emphasis>&nbsp;нет.</p><empty-line/>
<subtitle>* * *</subtitle>
<poem><title><p>Песня</p></title><stanza><v>Раз,</v><v>два.</v></stanza><stanza><v>Три.</v></stanza></poem>
<cite><p>Письмо.</p></cite><table><tr><th>Лиса</th><td>3</td></tr></table></section>"""
NOTES = (
    '<body name="notes"><title><p>Примечания</p></title><section id="n1"><p>Примечание.</p></section></body>'
)
BINARY = f'<binary id="cover.jpg" content-type="image/jpeg">{"QUJD" * 1000}</binary>'


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1251", "koi8-r", "utf-16"])
def test_a_book_is_read_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    read = written(tmp_path, "book.fb2", fb2(BODY, FACTS, NOTES + BINARY, encoding))
    assert (read.title, read.author) == ("Книга шляп", "Анна Воробьёва")
    assert headings(read) == [("Анна Воробьёва: Книга шляп", 1), ("Глава 1: Шляпа", 2), ("Глава 2", 2)]
    blocks = [block.strip() for block in read.text.split("\n\n") if block.strip()]
    assert blocks[1:3] == ["Эпиграф.", "Кто-то"]
    assert blocks[4] == LONG
    assert blocks[6:] == [f"{LONG} Да\u00a0нет.", "* * *", "Песня", "Раз,\nдва.", "Три.", "Письмо.", "Лиса 3"]
    assert left_out(read) == [
        ("note", "Примечание."),
        ("note", "Примечания"),
        ("description of the book", "О чём это."),
    ]


def test_a_novel_is_one_story_and_a_book_of_tales_several(tmp_path: Path) -> None:
    tales = "".join(
        f"<section><title><p>{name}</p></title><p>{LONG}</p></section>" for name in ("Лиса", "Ёж", "Сова")
    )
    read = written(tmp_path, "book.fb2", fb2(f"<title><p>Сказки</p></title>{tales}", FACTS))
    assert [tale.title for tale in divide(read)] == ["Лиса", "Ёж", "Сова"]


def test_a_book_in_a_zip_of_its_own(tmp_path: Path) -> None:
    for name in ("book.fb2.zip", "book.fbz"):
        with zipfile.ZipFile(tmp_path / name, "w") as file:
            file.writestr("книга.fb2", fb2(BODY, FACTS))
        assert read_document(tmp_path / name).title == "Книга шляп"
    with zipfile.ZipFile(tmp_path / "two.fb2.zip", "w") as file:
        file.writestr("a.fb2", fb2(BODY))
        file.writestr("b.fb2", fb2(BODY))
    with pytest.raises(CorpusError, match=r"two\.fb2\.zip holds 2 books"):
        read_document(tmp_path / "two.fb2.zip")


def test_a_damaged_book_gives_what_it_has_and_another_kind_a_sentence(tmp_path: Path) -> None:
    whole = fb2(BODY, FACTS)
    read = written(tmp_path, "book.fb2", whole[: whole.index(b"<empty-line")])
    assert LONG in read.text
    for data, said in (
        (b"<html><p>Once.", "is not a FictionBook"),
        (b"<FictionBook></FictionBook>", "damaged or cut off"),
        (fb2("<section>" * 300 + "<p>x</p>" + "</section>" * 300), "nested too deeply"),
        (b"<FictionBook>" + b"<p/>" * 5_000_000, "more markup than any book"),
    ):
        with pytest.raises(CorpusError, match=said):
            written(tmp_path, "other.fb2", data)


def test_an_entity_bomb_expands_to_nothing(tmp_path: Path) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    data = fb2("<section><p>One &b; two.</p></section>").replace(b"?>\n", b"?>\n" + bomb, 1)
    assert written(tmp_path, "book.fb2", data).text == "One two."
