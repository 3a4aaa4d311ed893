"""The small files beside the checkout on which plain texts once failed: each comes out as meant."""

from pathlib import Path

import pytest

from storytime_tui.corpus.dividing.divide import read_book
from storytime_tui.corpus.formats.read import read_document

TRIES = Path(__file__).parents[3] / "shared" / "tries" / "books"


@pytest.mark.skipif(not TRIES.is_dir(), reason="the small files are not here (../shared/tries/books)")
@pytest.mark.parametrize(
    ("file", "tales", "chapters", "paragraphs"),
    [
        ("12_chapters_de.txt", 1, 3, 3),
        ("13_chapters_fr.txt", 1, 2, 2),
        ("14_chapters_ru.txt", 1, 2, 2),
        ("t1_crcrlf.txt", 1, 0, 2),
        ("t2_double.txt", 1, 0, 1),
        ("u8_tab_para.txt", 1, 0, 12),
        ("t3_pdf.txt", 1, 0, 2),
        ("t4_ligature.txt", 1, 0, 1),
        ("t11_pga.txt", 1, 2, 2),
        ("u5_gutenberg_de.txt", 3, 0, 9),
    ],
)
def test_a_row_comes_out_as_meant(file: str, tales: int, chapters: int, paragraphs: int) -> None:
    found = read_book(read_document(TRIES / file)).tales
    text = "\n\n".join(tale.text for tale in found)
    assert len(found) == tales
    assert sum(len(tale.chapters) for tale in found) == chapters
    assert len(text.split("\n\n")) == paragraphs
    assert not any(mark in text for mark in ("THE FOX", "Gutenberg", "\ufb01", "\f", "\r"))
