"""E-books, made here: their pages in the order of reading, with headings, and nothing that stands around."""

from pathlib import Path

import pytest

from tests.corpus.formats.ebooks import (
    CONTAINER,
    HAT,
    NAV,
    NCX,
    SHOES,
    TWO_TALES,
    book,
    headings,
    item,
    opf,
    point,
    read,
    ref,
    xhtml,
)


def test_a_book_of_epub_3_is_read_in_the_order_of_its_spine(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        book(
            {
                "b.xhtml": xhtml(HAT),
                "a.xhtml": xhtml(SHOES),
                "rights.xhtml": xhtml("<p>All mine.</p>"),
            },
            items=item("n.xhtml", more='properties="nav"'),
            spine="".join(map(ref, ("n.xhtml", "b.xhtml", "a.xhtml", "rights.xhtml"))),
            metadata='<dc:title>Two <!-- x -->Tales</dc:title><dc:creator id="c">Vole, Anne</dc:creator>'
            '<meta property="role" refines="#c">aut</meta><dc:creator id="d">I. Draw</dc:creator>'
            '<meta property="role" refines="#d">ill</meta>',
        )
        | {"OPS/n.xhtml": NAV, "OPS/extra.xhtml": xhtml("<p>Not listed.</p>")},
    )
    assert document.text == TWO_TALES
    assert headings(document) == [("The Vole’s Hat", 2), ("The Rat’s Shoes", 2)]
    assert (document.title, document.author, document.wrapped) == ("Two Tales", "Anne Vole", False)


def test_a_book_of_epub_2_is_read_by_its_guide_and_ncx(tmp_path: Path) -> None:
    pages = {
        "cover.html": xhtml("<p>Cover words</p>"),
        "front.html": xhtml("<p>Title words</p>"),
        "list.html": xhtml("<p>Contents words</p>"),
        "text/b.html": xhtml(HAT.replace("h2", "p")),
        "text/a.html": xhtml(SHOES.replace("h2", "p")),
    }
    guide = (
        '<reference type="title-page" href="front.html"/><reference type="toc" href="list.html"/>'
        '<reference type="text" href="text/b.html"/>'
    )
    ncx = NCX.format(point("The Vole’s Hat", "text/b.html") + point("THE RAT’S SHOES", "text/a.html"))
    metadata = (
        '<dc:title>Two Tales</dc:title><dc:creator opf:role="aut" opf:file-as="Vole">Anne Vole</dc:creator>'
    )
    made = book(pages, guide=guide, metadata=metadata, items=item("toc.ncx", "application/x-dtbncx+xml"))
    document = read(tmp_path, made | {"OPS/toc.ncx": ncx})
    assert document.text == TWO_TALES
    assert headings(document) == [("The Vole’s Hat", 1), ("The Rat’s Shoes", 1)]
    assert (document.title, document.author) == ("Two Tales", "Anne Vole")


def test_pages_out_of_the_line_of_reading_are_left_out(tmp_path: Path) -> None:
    made = book(
        {"a.xhtml": xhtml(HAT), "notes.xhtml": xhtml("<p>A note</p>")},
        spine=ref("a.xhtml") + ref("notes.xhtml", 'linear="no"') + ref("a.xhtml") + ref("nothing"),
    )
    assert read(tmp_path, made).text == TWO_TALES.partition("\n\nThe Rat")[0]


def test_parts_that_a_book_has_for_itself_are_left_out(tmp_path: Path) -> None:
    around = ("titlepage", "copyright-page", "toc", "cover", "colophon", "footnotes", "loi")
    pages = {
        f"p{n}.xhtml": xhtml(f'<section epub:type="{kind}"><p>GONE</p></section>')
        for n, kind in enumerate(around)
    }
    pages["q.xhtml"] = xhtml("<p>GONE</p>", attributes=' epub:type="frontmatter halftitlepage"')
    pages["r.xhtml"] = xhtml(HAT, attributes=' epub:type="bodymatter chapter"')
    assert read(tmp_path, book(pages)).text == TWO_TALES.partition("\n\nThe Rat")[0]


def test_a_page_that_the_guide_calls_contents_but_that_holds_the_book_stays(tmp_path: Path) -> None:
    long = "<p>" + "It rained on the vole. " * 3_000 + "</p>"
    guide = '<reference type="toc" href="a.xhtml"/><reference type="cover" href="b.xhtml#top"/>'
    document = read(tmp_path, book({"a.xhtml": xhtml(HAT + long), "b.xhtml": xhtml(SHOES)}, guide=guide))
    assert document.text.startswith("The Vole’s Hat")
    assert document.text.endswith("A rat had shoes.")


def test_the_contents_give_headings_where_the_pages_have_none(tmp_path: Path) -> None:
    pages = {
        "a.xhtml": xhtml(
            '<h3>The Vole’s Hat</h3><p id="one">A vole had a hat.</p>'
            '<p><a id="two"/>CHAPTER II</p><p>The Storm</p><p>It rained.</p><p>Then <b id="three">it</b> stopped.</p>'
        ),
        "b.xhtml": xhtml("<p>A rat had shoes.</p>"),
    }
    points = point(
        "The Vole’s Hat",
        "a.xhtml",
        point("Chapter II: The Storm", "a.xhtml#two") + point("Chapter III", "a.xhtml#three"),
    ) + point("The Rat", "b.xhtml#nowhere")
    made = book(pages, items=item("toc.ncx", "application/x-dtbncx+xml"))
    document = read(tmp_path, made | {"OPS/toc.ncx": NCX.format(points)})
    assert headings(document) == [
        ("The Vole’s Hat", 3),
        ("CHAPTER II", 2),
        ("The Storm", 3),
        ("Chapter III", 2),
    ]
    assert document.text.split("\n\n")[4:] == [
        "It rained.",
        "Chapter III",
        "Then it stopped.",
        "A rat had shoes.",
    ]
    points = points.replace("b.xhtml#nowhere", "b.xhtml")
    document = read(tmp_path, made | {"OPS/toc.ncx": NCX.format(points)})
    assert headings(document)[-1] == ("The Rat", 3)  # as the other tale
    assert document.text.endswith("The Rat\n\nA rat had shoes.")


def test_nested_lists_of_contents_have_levels(tmp_path: Path) -> None:
    nav = xhtml(
        '<nav epub:type="toc"><ol><li><a href="a.xhtml">Part One</a><ol><li><a href="a.xhtml#c">Hat &amp; Co</a></li>'
        "</ol></li></ol></nav>"
    )
    made = book(
        {"a.xhtml": xhtml("<p>So.</p><p id='c'>It rained.</p>")},
        items=item("n.xhtml", more='properties="nav"'),
    )
    document = read(tmp_path, made | {"OPS/n.xhtml": nav})
    assert headings(document) == [("Part One", 1), ("Hat & Co", 2)]
    assert document.text == "Part One\n\nSo.\n\nHat & Co\n\nIt rained."


@pytest.mark.parametrize(
    "page",
    [
        HAT.replace("hat.", "hat&nbsp;&mdash;"),  # no XML without a document type
        HAT + "<p>broken <b>here</p></i> & there",
        f'<a id="x"/><span class="pagenum"/><div/>{HAT}',
        "<![CDATA[x]]>" + HAT,
    ],
)
def test_broken_xml_is_read_as_far_as_can_be(tmp_path: Path, page: str) -> None:
    document = read(tmp_path, book({"a.xhtml": xhtml(page)}))
    assert document.text.startswith("The Vole’s Hat\n\nA vole had a hat")
    assert "It rained." in document.text


def test_a_broken_list_is_read_as_far_as_can_be(tmp_path: Path) -> None:
    made = book({"a.xhtml": xhtml(HAT)})
    made["OPS/book.opf"] = (
        str(made["OPS/book.opf"]).replace("</manifest>", "<x & y></manifest>").replace("</package>", "")
    )
    assert read(tmp_path, made).text.startswith("The Vole’s Hat")
    del made["META-INF/container.xml"]
    assert read(tmp_path, made).text.startswith("The Vole’s Hat")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_pages_of_other_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    page = xhtml(HAT).replace('encoding="utf-8"', f'encoding="{encoding.removesuffix("-sig")}"')
    assert read(tmp_path, book({"a.xhtml": ""}) | {"OPS/a.xhtml": page.encode(encoding)}).text.startswith(
        "The Vole’s Hat"
    )


def test_names_with_spaces_signs_and_other_capitals_are_found(tmp_path: Path) -> None:
    listed = opf(item("the%20hat%231.xhtml").replace('id="the%20hat%231.xhtml"', 'id="x"'), ref("x"))
    made: dict[str, str | bytes] = {
        "META-INF/container.xml": CONTAINER,
        "OPS/book.opf": listed,
        "ops/The Hat#1.xhtml": xhtml(HAT),
    }
    assert read(tmp_path, made).text.startswith("The Vole’s Hat")
