"""E-books made in the tests: EPUB 2 and 3, with whatever pages, lists and faults a test wants."""

import zipfile
from pathlib import Path

import pytest

from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.read import read_document
from storytime_tui.errors import CorpusError

CONTAINER = (
    '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
    '<rootfiles><rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
HAT = "<h2>The Vole’s Hat</h2>\n<p>A vole had\na hat.</p><p>It rained.</p>"
SHOES = "<h2>The Rat’s Shoes</h2>\n<p>A rat had shoes.</p>"


def xhtml(body: str, head: str = "", attributes: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" '
        f'xmlns:epub="http://www.idpf.org/2007/ops"><head><title/>{head}</head><body{attributes}>{body}</body></html>'
    )


def opf(items: str, spine: str, metadata: str = "", guide: str = "", version: str = "3.0") -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><package xmlns="http://www.idpf.org/2007/opf" version="{version}">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:opf="http://www.idpf.org/2007/opf">'
        f"<dc:language>en</dc:language>{metadata}</metadata><manifest>{items}</manifest>"
        f"<spine>{spine}</spine><guide>{guide}</guide></package>"
    )


def item(name: str, kind: str = "application/xhtml+xml", more: str = "") -> str:
    return f'<item id="{name.replace("/", "_")}" href="{name}" media-type="{kind}" {more}/>'


def ref(name: str, more: str = "") -> str:
    return f'<itemref idref="{name.replace("/", "_")}" {more}/>'


def write(folder: Path, members: dict[str, str | bytes], name: str = "book.epub") -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        for member, data in members.items():
            made.writestr(member, data)
    return path


def book(pages: dict[str, str], **more: str | bytes) -> dict[str, str | bytes]:
    """An e-book of these pages, in this order; `opf_...` go to its list, paths with __ for / are more members."""
    items = "".join(map(item, pages)) + str(more.pop("items", ""))
    spine = str(more.pop("spine", "".join(map(ref, pages))))
    listed = opf(items, spine, str(more.pop("metadata", "")), str(more.pop("guide", "")))
    made: dict[str, str | bytes] = {"META-INF/container.xml": CONTAINER, "OPS/book.opf": listed}
    made |= {f"OPS/{name}": page for name, page in pages.items()}
    return made


def read(folder: Path, members: dict[str, str | bytes]) -> Document:
    return read_document(write(folder, members))


def refused(path: Path) -> str:
    with pytest.raises(CorpusError) as caught:
        read_document(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def headings(document: Document) -> list[tuple[str, int]]:
    lines = document.text.split("\n")
    return [(lines[heading.line], heading.level) for heading in document.headings]


TWO_TALES = "The Vole’s Hat\n\nA vole had a hat.\n\nIt rained.\n\nThe Rat’s Shoes\n\nA rat had shoes."

NAV = xhtml(
    '<nav epub:type="toc"><h2>Contents</h2><ol><li><a href="b.xhtml">The Vole’s Hat</a></li>'
    '<li><a href="a.xhtml">The Rat’s Shoes</a></li></ol></nav>'
    '<nav epub:type="landmarks"><ol><li><a epub:type="copyright-page" href="rights.xhtml">Rights</a></li></ol></nav>'
)
NCX = (
    '<?xml version="1.0"?><!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://www.daisy.org/z3986/2005/ncx-2005-1.dtd">'
    '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{}</navMap></ncx>'
)


def point(label: str, src: str, inner: str = "") -> str:
    return f'<navPoint><navLabel><text>{label}</text></navLabel><content src="{src}"/>{inner}</navPoint>'
