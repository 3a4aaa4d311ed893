"""PDFs with a text layer: pages, lines, indents, and what has no text."""

import importlib.util
import sys
from pathlib import Path

import pytest

from storytime_tui.corpus.dividing.divide import divide
from storytime_tui.corpus.formats.read import read_document
from storytime_tui.corpus.formats.sources import source_files
from storytime_tui.errors import CorpusError
from tests.corpus.formats.documents import pdf, written

FACTS = "/Title (The Hat) /Author (Wren, Ann)"
LINES = [
    "Once upon a time there was a hat, and it sat on a shelf in",
    "the hall, where it was never worn by anyone at all, until a",
    "fox came in at night, and put it on, and went out again.",
]


def page(
    lines: list[str], indents: tuple[int, ...] = (), top: int = 540, step: int = 12
) -> list[tuple[int, int, str]]:
    return [(60 + (14 if n in indents else 0), top - step * n, line) for n, line in enumerate(lines)]


def test_the_lines_of_a_page_and_the_files_title_and_author(tmp_path: Path) -> None:
    read = written(tmp_path, "hat.pdf", pdf([page([*LINES, *LINES], indents=(0, 3))], FACTS))
    assert (read.title, read.author) == ("The Hat", "Ann Wren")
    assert [line.strip() for line in read.text.strip().split("\n")] == [*LINES, *LINES]
    assert [line.startswith(" ") for line in read.text.strip("\n").split("\n")] == [True, False, False] * 2
    (tale,) = divide(read)
    assert tale.text == "\n\n".join([" ".join(LINES)] * 2)


def test_a_blank_line_parts_paragraphs_and_wide_lines_do_not(tmp_path: Path) -> None:
    apart = page(LINES) + page(LINES, top=480)
    (tale,) = divide(written(tmp_path, "a.pdf", pdf([apart])))
    assert tale.text == "\n\n".join([" ".join(LINES)] * 2)
    wide = page([*LINES, *LINES, *LINES], step=26)
    (tale,) = divide(written(tmp_path, "b.pdf", pdf([wide])))
    assert tale.text.count("\n\n") < 3
    assert tale.text.split() == " ".join(LINES * 3).split()


def test_a_page_without_text_is_said_and_a_file_without_any_gets_a_sentence(tmp_path: Path) -> None:
    read = written(tmp_path, "a.pdf", pdf([page(LINES), [], page(LINES)]))
    assert read.remarks == ("1 of the 3 pages have no text: they are blank or pictures.",)
    with pytest.raises(CorpusError, match="no text, only pictures of pages"):
        written(tmp_path, "b.pdf", pdf([[], []]))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"Once.", "is not a PDF"),
        (b"%PDF-1.4\n", "damaged or cut off"),
        (b"%PDF-1.4\n" + b"x" * 5000, "damaged or cut off"),
        (pdf([page(LINES)])[:300], "damaged or cut off"),
    ],
)
def test_what_is_no_pdf_gets_a_sentence(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(CorpusError, match=said) as caught:
        written(tmp_path, "a.pdf", data)
    assert str(tmp_path / "a.pdf") in str(caught.value)


def test_a_locked_pdf_gets_a_sentence_and_one_that_only_forbids_printing_is_read(tmp_path: Path) -> None:
    import pypdf

    for password, said in (("secret", "locked with a password"), ("", "")):
        writer = pypdf.PdfWriter()
        (tmp_path / "plain.pdf").write_bytes(pdf([page(LINES)]))
        writer.append(str(tmp_path / "plain.pdf"))
        writer.encrypt(user_password=password, owner_password="owner", algorithm="RC4-128")
        writer.write(str(tmp_path / "locked.pdf"))
        if said:
            with pytest.raises(CorpusError, match=said):
                read_document(tmp_path / "locked.pdf")
        else:
            assert read_document(tmp_path / "locked.pdf").text.split() == " ".join(LINES).split()


def test_without_the_extra_a_sentence_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pypdf", None)
    with pytest.raises(CorpusError, match=r"pip install 'storytime-tui\[pdf\]'"):
        written(tmp_path, "a.pdf", pdf([page(LINES)]))


def test_without_the_extra_a_pdf_in_a_folder_is_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf([page(LINES)]))
    (tmp_path / "b.txt").write_text("Once.", encoding="utf-8")
    assert len(source_files(tmp_path, column="").files) == 2
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    found = source_files(tmp_path, column="")
    assert [path.name for path in found.files] == ["b.txt"]
    assert not found.problems and "storytime-tui[pdf]" in found.notes[0]


def test_of_a_text_and_its_pdf_the_text_is_taken(tmp_path: Path) -> None:
    (tmp_path / "hat.pdf").write_bytes(pdf([page(LINES)]))
    (tmp_path / "hat.txt").write_text("\n".join(LINES), encoding="utf-8")
    assert [path.name for path in source_files(tmp_path).files] == ["hat.txt"]
