"""Pages of sites and of programs, invented: the tale comes out with its title, all around it is named as left out."""

from pathlib import Path

import pytest

from storytime_tui.corpus.dividing.divide import read_book
from storytime_tui.corpus.document import Book, Document
from storytime_tui.corpus.formats.markup import read_html
from storytime_tui.corpus.formats.read import read_document
from tests.corpus.formats.ebooks import NCX, book, headings, item, point, read, ref, xhtml

SAID = (
    "Old Tom the miller walked along the river in the rain, and he did not look up until the bell of the church rang "
    "twice. “Who is there?” he asked. Nobody answered him, and the geese went on eating."
)
PROSE = f"<p>{SAID}</p>\n" * 6
TOLD = "\n\n".join([SAID] * 6)
TRIES = Path(__file__).parents[4] / "shared" / "tries" / "books"
FOX = "The fox went down to the river, and there he met the old grey goose, who was combing her hair."


def page(body: str, head: str = "") -> Document:
    return read_html(f"<html><head>{head}</head><body>{body}</body></html>", "p.html").document


def gone(document: Document) -> list[tuple[str, str]]:
    return [(each.reason, each.text) for each in document.left_out]


def reasons(document: Document) -> dict[str, str]:
    return {each.place.removeprefix("page "): each.reason for each in document.left_out}


def tried(name: str) -> Document | None:
    """A small file on which the program once failed, where these files are."""
    return read_document(TRIES / name) if (TRIES / name).exists() else None


# -- sites ------------------------------------------------------------------------------------------------

SITES = {
    "a page of Archive of Our Own": (
        '<div id="header"><ul class="navigation actions"><li>GONE</li></ul></div><dl class="work meta group">'
        "<dt>Rating:"
        '</dt><dd>GONE</dd></dl><div class="preface group"><h2 class="title heading">The Bell</h2><h3 class="byline '
        'heading"><a rel="author">GONE</a></h3><div class="summary module"><h3>Summary:</h3><p>GONE</p></div></div>'
        f'<div class="userstuff module"><h3 class="landmark heading">GONE</h3>{PROSE}</div><div class="end '
        f'notes module">'
        '<h3>Notes:</h3><p>GONE</p></div><div id="feedback"><p>GONE</p></div><div id="footer"><p>GONE</p></div>'
    ),
    "a page of Royal Road": (
        '<style>.x9 { display: none; speak: never }</style><h1 class="font-white">The Bell</h1><div '
        'class="portlet solid '
        f'author-note-portlet"><p>GONE</p></div><div class="chapter-inner chapter-content">{PROSE[: len(PROSE) // 2]}'
        f'<p class="x9">GONE</p>{PROSE[len(PROSE) // 2 :]}</div><div class="nav-buttons"><a href="n">GONE</a></div>'
        '<div class="comments-container"><p>GONE</p></div>'
    ),
    "a page of a blog": (
        '<header class="site-header"><p>GONE</p></header><main><article><h1>The Bell</h1><div '
        'class="entry-meta">GONE</div>'
        f'{PROSE}<div class="sharedaddy"><h3>GONE</h3></div><footer class="entry-footer">GONE</footer></article><div '
        'id="comments" class="comments-area"><h2>GONE</h2><p>GONE</p></div></main><aside class="widget-area">'
        "<h2>GONE</h2>"
        '</aside><footer id="colophon">GONE</footer>'
    ),
    "a page of a wiki": (
        '<a class="mw-jump-link">GONE</a><h1 id="firstHeading">The Bell</h1><div id="siteSub">GONE</div><div '
        'class="ws-header">'
        '← <a>GONE</a> →</div><div id="toc" class="toc" role="navigation"><h2>GONE</h2></div><table '
        'class="infobox"><tr><td>'
        f'GONE</td></tr></table>{PROSE}<span class="pagenum ws-pagenum">[GONE]</span><h2>GONE<span '
        f'class="mw-editsection">'
        '[<a>GONE</a>]</span></h2><ol class="references"><li><span class="mw-cite-backlink">↑</span> GONE</li></ol>'
        '<div class="licenseContainer">GONE</div><div class="printfooter">GONE</div><div id="catlinks">GONE</div>'
    ),
    "a page made by Word": (
        f"<h1>The Bell<o:p></o:p></h1><p class=MsoToc1><a href='#a'>GONE</a></p>{PROSE}<div "
        f"style='mso-element:footnote' "
        "id=ftn1><p class=MsoFootnoteText><a href='#_ftnref1'>[1]</a> GONE</p></div><div "
        "style='mso-element:header'>GONE</div>"
        "<span style='mso-hide:all'>GONE</span>"
    ),
    "a page made by Pandoc": (
        '<header id="title-block-header"><h1 class="title">The Bell</h1><p class="author">GONE</p><p '
        'class="date">GONE</p>'
        f'</header><nav id="TOC"><ul><li>GONE</li></ul></nav>{PROSE}<section class="footnotes '
        f'footnotes-end-of-document">'
        '<ol><li id="fn1"><p>GONE<a href="#fnref1">↩︎</a></p></li></ol></section>'
    ),
    "notes with a way back": (
        f'<h1>The Bell</h1>{PROSE}<h2>GONE</h2><ol><li id="n1">GONE <a href="#ref1">↩</a></li></ol>'
    ),
    "facts on the story": (
        f"<h1>The Bell</h1><p><b>Rating:</b> GONE<br><b>Genre:</b> GONE<br><b>Words:</b> GONE</p>{PROSE}"
    ),
}


@pytest.mark.parametrize("name", SITES)
def test_of_a_site_s_page_the_tale_comes_out_and_all_else_is_named(name: str) -> None:
    document = page(SITES[name])
    assert document.text == f"The Bell\n\n{TOLD}"
    assert sum(text.count("GONE") for _, text in gone(document)) == SITES[name].count("GONE")
    assert [(tale.title, tale.text.count("geese")) for tale in read_book(document).tales] == [("The Bell", 6)]


def test_a_page_is_named_after_the_story_not_the_site() -> None:
    for shown in ("The Bell - Wikisource, the free online library", "The Bell | Royal Road"):
        assert page(PROSE, f"<title>{shown}</title>").title == "The Bell"
    fanfic = "<title>The Bell Chapter 2: Rain, a geese fanfic | FanFiction</title>"
    assert page(PROSE, fanfic).title == "The Bell"
    assert page(f'<h2 class="byline">by A. Vole</h2>{PROSE}').author == "A. Vole"


def test_an_edit_link_that_is_bare_text_goes_from_headings_alone() -> None:
    document = page(
        "<h2>Part one[edit]</h2><p>He wrote [edit] on it.</p><h2>Teil [Bearbeiten]</h2><p>So.</p>"
    )
    assert headings(document) == [("Part one", 2), ("Teil", 2)]
    assert "He wrote [edit] on it." in document.text
    assert gone(document) == [("edit link", "[edit] [Bearbeiten]")]


@pytest.mark.parametrize(
    "name", ["sidebar", "comments", "meta", "hidden", "licensetpl", "references", "navbox"]
)
def test_whatever_it_is_called_most_of_a_page_is_no_margin(name: str) -> None:
    style = "<style>.hidden {display: none}</style>"
    long = "".join(f"<p>{SAID} And so, {number} times.</p>" for number in range(120))
    assert page(f'<h1>The Bell</h1><div class="{name}">{long}</div>', style).text.count("geese") == 120


def test_the_wikisource_row() -> None:
    document = tried("h1_wikisource.html")
    if document is not None:
        assert [(h.level, document.text.split("\n")[h.line]) for h in document.headings] == [
            (1, "The Hat"),
            (2, "Part one"),
        ]
        tale = read_book(document).tales[0]
        assert tale.title == "The Hat"
        assert tale.text.startswith(f"The fox ran. {FOX}")
        assert tale.text.rstrip().endswith("combing her hair.")


# -- lines and readings -----------------------------------------------------------------------------------

KEPT = "The fox lost his hat.\n\nThe goose found it.\nShe kept it."


@pytest.mark.parametrize(
    "source",
    [
        '<div style="white-space: pre-wrap">{}</div>',
        '<div style="white-space:pre-line">{}</div>',
        "<style>.t { color: red; white-space: pre-wrap }</style><div class='t'>{}</div>",
        "<style>/* .t {white-space: normal} */ body, p.t {white-space:break-spaces;}</style><p class='t'>{}</p>",
        "<p><span style='white-space: pre-wrap'>{}</span></p>",
        "<pre>{}</pre>",
    ],
)
def test_a_style_that_keeps_lines_keeps_them(source: str) -> None:
    assert page(source.replace("{}", KEPT)).text == KEPT


def test_lines_are_not_kept_where_the_style_ends() -> None:
    inner = '<div style="white-space: pre">one\ntwo<p style="white-space: normal">three\nfour</p></div>'
    inner += "<p>five\nsix</p>"
    assert page(inner).text == "one\ntwo\n\nthree four\n\nfive six"
    print_only = "<style>@media print { .t { display: none } p .t { display: none } }</style>"
    assert page("<p class='t'>It rained.</p>", print_only).text == "It rained."


def test_the_row_of_kept_lines() -> None:
    document = tried("u2_prewrap.html")
    if document is not None:
        assert document.text.startswith(f"Hat\n\n{KEPT}\n\n{FOX}")


def test_of_readings_the_base_alone_stays() -> None:
    ruby = "<p>その<ruby>瞬<rt>しゆん</rt>間<rt>かん</rt></ruby>と<ruby><rb>暮方</rb>"
    ruby += "<rp>（</rp><rt>くれがた</rt><rp>）</rp></ruby>。</p>"
    assert page(ruby).text == "その瞬間と暮方。"
    assert page(
        "<p>囁《ささや》いた｜明《あか》り［＃ここから２字下げ］、｜Ｈｅｒｚ《ヘルツ》と。</p>"
    ).text == ("囁いた明り、Ｈｅｒｚと。")
    described = "※［＃「目＋匡」、第3水準1-88-81］と※［＃「口＋世」、U+546D、2-3］"
    assert page(f"<p>{described}</p>").text == "眶と呭"
    assert page('<p>この<img class="gaiji" alt="※(「目＋匡」、第3水準1-88-81)"/>を</p>').text == "この眶を"
    assert page("<p>他读《红楼梦》和《西游记》。</p>").text == "他读《红楼梦》和《西游记》。"
    assert page("<p>雨が\n降った。\nIt\nrained.</p>").text == "雨が降った。 It rained."


def test_a_page_of_aozora_bunko_is_its_text() -> None:
    document = page(
        '<div class="metadata"><h1 class="title">鐘</h1><h2 class="author">川野水車</h2></div><div '
        'class="main_text"><br />'
        "　ある日の<ruby><rb>暮方</rb><rp>（</rp><rt>くれがた</rt><rp>）</rp></ruby>の事である。<br />\n"
        '　雨が降った<span class="notes">［＃「降」に傍点］</span>。<br /></div><div '
        'class="bibliographical_information">'
        '底本：「全集」<br />入力：某</div><div class="notation_notes">●表記について</div>'
    )
    assert document.text == "鐘\n\n　ある日の暮方の事である。\n　雨が降った。"
    assert document.author == "川野水車"
    assert dict(gone(document))["about the file"] == "底本：「全集」\n入力：某\n●表記について"
    row = tried("u3_ruby.html")
    if row is not None:
        assert row.text == "その瞬間だった。\n\n囁いた明り"


def test_numbers_that_a_list_gives_outright_are_text() -> None:
    assert page("<ol start='1986'><li>It was cold.<li>It was worse.</ol><ol><li>one</ol>").text == (
        "1986. It was cold.\n1987. It was worse.\n\none"
    )
    assert page("<ol><li value='7'>seven</li><li>eight</li></ol>").text == "7. seven\n8. eight"


# -- e-books ----------------------------------------------------------------------------------------------


def ao3(folder: Path) -> Document:
    """Archive of Our Own's own e-book, as Calibre makes it there."""
    pages = {
        "t_split_000.xhtml": '<div id="preface"><h2 class="toc-heading">Preface</h2><p class="message"><b>'
        "GONE</b><br/>Posted "
        'originally on the <a href="x">Archive</a>.</p><dl class="tags"><dt>Rating:</dt><dd>GONE</dd></dl></div>',
        "t_split_001.xhtml": '<div id="preface"><div><h1>The Bell</h1><div class="byline">by <a rel="author">'
        "GONE</a></div>"
        f'<p>Summary</p><blockquote class="userstuff"><p>GONE {SAID} {SAID}</p></blockquote></div></div>',
        "t_split_002.xhtml": '<div id="chapters" class="userstuff"><div class="meta group"><h2 class="heading">'
        "Chapter 1: Rain"
        f"</h2><p>Chapter Notes</p><blockquote><p>GONE</p></blockquote></div>{PROSE}</div>",
        "t_split_003.xhtml": f'<div class="meta group"><h2 class="heading">Chapter 2: Sun</h2></div>{PROSE}<div '
        f'class="meta" '
        'id="endnotes1"><p>GONE</p></div>',
        "t_split_004.xhtml": '<div id="afterword"><h2 class="toc-heading">Afterword</h2><p class="message">'
        "GONE</p></div>",
    }
    labels = ("Preface", "The Bell", "Chapter 1: Rain", "Chapter 2: Sun", "Afterword")
    points = "".join(point(label, name) for label, name in zip(labels, pages, strict=True))
    made = book(
        {name: xhtml(body) for name, body in pages.items()},
        metadata="<dc:title>The Bell</dc:title>",
        items=item("toc.ncx", "application/x-dtbncx+xml"),
    )
    return read(folder, made | {"OPS/toc.ncx": NCX.format(points)})


def test_of_an_e_book_of_a_story_site_the_chapters_come_out_with_the_title(tmp_path: Path) -> None:
    document = ao3(tmp_path)
    assert headings(document) == [("The Bell", 1), ("Chapter 1: Rain", 2), ("Chapter 2: Sun", 2)]
    assert "GONE" not in document.text
    assert sum(text.count("GONE") for _, text in gone(document)) == 7
    made = read_book(document)
    assert [(tale.title, [chapter.title for chapter in tale.chapters]) for tale in made.tales] == [
        ("The Bell", ["Rain", "Sun"])
    ]


def test_the_row_of_a_story_site() -> None:
    document = tried("e8_ao3.epub")
    if document is not None:
        made: Book = read_book(document)
        assert [(tale.title, [each.title for each in tale.chapters]) for tale in made.tales] == [
            ("A Hat", ["Chapter 1"])
        ]
        assert made.tales[0].text.startswith("The fox went down")
        assert {each.reason for each in document.left_out} == {"about the story"}


@pytest.mark.parametrize(
    ("pages", "left"),
    [
        (  # Standard Ebooks
            {
                "titlepage.xhtml": '<section epub:type="titlepage"><h1>The Bell</h1><p>By Ann</p></section>',
                "imprint.xhtml": '<section epub:type="imprint"><h2>Imprint</h2><p>This ebook is the product of '
                "many hours of "
                "hard work by volunteers, and builds on the hard work of other literature lovers.</p></section>",
                "halftitlepage.xhtml": '<section epub:type="halftitlepage"><h2>The Bell</h2></section>',
                "chapter-1.xhtml": f'<section epub:type="chapter"><h2>I</h2>{PROSE}</section>',
                "endnotes.xhtml": f'<section epub:type="endnotes"><h2>Endnotes</h2><ol><li>{SAID}</li></ol>'
                f"</section>",
                "colophon.xhtml": f'<section epub:type="colophon"><p>{SAID}</p></section>',
                "uncopyright.xhtml": f'<section epub:type="copyright-page"><h2>Uncopyright</h2><p>{SAID}</p>'
                f"</section>",
            },
            {
                "titlepage.xhtml": "title page",
                "imprint.xhtml": "publisher's page",
                "halftitlepage.xhtml": "title page",
                "endnotes.xhtml": "note",
                "colophon.xhtml": "publisher's page",
                "uncopyright.xhtml": "publisher's page",
            },
        ),
        (  # Calibre, which names no page and marks no heading
            {
                "index_split_000.html": '<p class="calibre1">Copyright © 2015 by Ann</p><p>All rights reserved. '
                "No part of this "
                "publication may be reproduced in any form without permission of the publisher.</p><p>ISBN "
                "1-2345</p>",
                "index_split_001.html": '<p>Table of Contents</p><p><a href="index_split_002.html">Chapter '
                "One</a></p>"
                '<p><a href="index_split_003.html">Chapter Two</a></p>',
                "index_split_002.html": f'<p class="calibre3"><b>I</b></p>{PROSE}',
                "index_split_003.html": "<p>About the Author</p><p>Ann lives by a river with her geese. She "
                "likes bells.</p>",
            },
            {
                "index_split_000.html": "publisher's page",
                "index_split_001.html": "contents list",
                "index_split_003.html": "publisher's page",
            },
        ),
        (  # FanFicFare
            {
                "title_page.xhtml": "<h3>The Bell by <a>goosegirl</a></h3><div><b>Category:</b> Geese<br/><b>"
                "Status:</b> Completed"
                "<br/><b>Published:</b> 2020<br/><b>Story URL:</b> http://x/y<br/><b>Summary:</b> Tom hears a "
                "bell.</div>",
                "log_page.xhtml": "<h3>Update Log</h3><p>2021: new</p>",
                "file0001.xhtml": f'<h3>I</h3><div class="fff_chapter_notes"><p>Hello!</p></div>{PROSE}',
            },
            {
                "title_page.xhtml": "about the story",
                "log_page.xhtml": "publisher's page",
                "file0001.xhtml": "author's note",
            },
        ),
    ],
)
def test_of_an_e_book_the_pages_around_the_story_are_named(
    tmp_path: Path, pages: dict[str, str], left: dict[str, str]
) -> None:
    document = read(tmp_path, book({name: xhtml(body) for name, body in pages.items()}))
    assert document.text == f"I\n\n{TOLD}"
    assert reasons(document) == left


NAMES = (
    "the_cover",
    "02_toc",
    "03-contents",
    "under-cover",
    "titlepage",
    "copyright",
    "notes",
    "nav",
    "imprint",
    "legal",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_with_a_tale_is_a_tale_whatever_its_name(tmp_path: Path, name: str) -> None:
    short = "<h1>Toc</h1><p>Toc was a crow, and he lived in a tree.</p>" + PROSE[: PROSE.index("\n")]
    guide = f'<reference type="{name.partition("_")[0]}" href="{name}.xhtml"/>'
    made = book({f"{name}.xhtml": xhtml(short), "z.xhtml": xhtml(f"<h1>Zed</h1>{PROSE}")}, guide=guide)
    document = read(tmp_path, made)
    assert document.text.startswith("Toc\n\nToc was a crow, and he lived in a tree.\n\nOld Tom")
    assert document.left_out == ()


def test_the_row_of_names() -> None:
    document = tried("e4_names.epub")
    if document is not None:
        titles = ["The Cover", "Toc the Crow", "The Contents of His Hat", "Under Cover", "Zed"]
        assert [tale.title for tale in read_book(document).tales] == titles


def test_prose_beside_the_order_of_reading_stays_and_notes_there_do_not(tmp_path: Path) -> None:
    notes = "<p>1. Tom did so in the year of the flood, as all who knew him said.</p><p>2. Bells rang at noon.</p>"
    pages = {
        "a.xhtml": xhtml("<h1>One</h1>" + PROSE),
        "b.xhtml": xhtml("<h1>Two</h1>" + PROSE),
        "c.xhtml": xhtml(notes),
    }
    spine = ref("a.xhtml") + ref("b.xhtml", 'linear="no"') + ref("c.xhtml", 'linear="no"')
    document = read(tmp_path, book(pages, spine=spine))
    assert document.text == f"One\n\n{TOLD}\n\nTwo\n\n{TOLD}"
    assert reasons(document) == {"c.xhtml": "note"}
    row = tried("e6_linear.epub")
    if row is not None:
        assert [tale.title for tale in read_book(row).tales] == ["One", "Two"]


def test_a_page_that_no_order_names_is_said(tmp_path: Path) -> None:
    pages = {"a.xhtml": xhtml("<h1>One</h1>" + PROSE), "extra.xhtml": xhtml("<p>More of it.</p>")}
    document = read(tmp_path, book(pages, spine=ref("a.xhtml")))
    assert [(each.reason, each.text) for each in document.left_out] == [
        ("not in the order of reading", "More of it.")
    ]


@pytest.mark.parametrize(
    "mark",
    [
        ' <a epub:type="noteref" href="n.xhtml#n1">1</a>',
        ' <span epub:type="pagebreak" title="3"/>',
        ' <sup><a href="#f1">1</a></sup>',
        ' <span class="pagenum">[3]</span>',
    ],
)
def test_no_space_stays_before_a_full_stop_where_a_mark_stood(tmp_path: Path, mark: str) -> None:
    document = read(
        tmp_path, book({"a.xhtml": xhtml(f"<p>It rained{mark}. He went{mark}, and{mark} came.</p>")})
    )
    assert document.text == "It rained. He went, and came."
    row = tried("e2_pagebreak.epub")
    if row is not None:
        assert row.text.startswith("One\n\nYes, said the fox.\n\nNo. Never.\n\nThe fox")
        assert row.text.endswith("Text one. Text two Text three.")


HREFS = {
    "a.xhtml#s2": "a.xhtml",
    "a%26b.xhtml": "a&b.xhtml",
    "../OPS/c%20d.xhtml": "c d.xhtml",
    "/OPS/abs.xhtml": "abs.xhtml",
    "Nopt%CC%A6i_i%CC%82n.xhtml": "Nop\u021bi_\xeen.xhtml",
    "text%2520one.xhtml": "text%20one.xhtml",
    "100%25.xhtml": "100%.xhtml",
    "TEXT.XHTML?x=1": "text.xhtml",
    "sub\\e.xhtml": "sub/e.xhtml",
    "OPS/top.xhtml": "top.xhtml",
}


@pytest.mark.parametrize("href", HREFS)
def test_a_page_is_found_however_its_path_is_written(tmp_path: Path, href: str) -> None:
    made = book({"x.xhtml": xhtml("<h1>One</h1>" + PROSE)})
    made["OPS/book.opf"] = str(made["OPS/book.opf"]).replace('href="x.xhtml"', f'href="{href}"')
    made[f"OPS/{HREFS[href]}"] = made.pop("OPS/x.xhtml")
    assert read(tmp_path, made).text == f"One\n\n{TOLD}"


def test_the_rows_of_paths() -> None:
    for name, count in (("e1_nfd.epub", 3), ("e7_frag.epub", 4)):
        document = tried(name)
        if document is not None:
            titles = ["One", "Two", "Three", "Four"][:count]
            assert [tale.title for tale in read_book(document).tales] == titles


def test_what_a_site_puts_beside_its_article_is_no_title_and_no_text() -> None:
    prose = "".join(
        f"<p>The goose went down the road, and on day {day} she met a miller.</p>" for day in range(9)
    )
    page = (
        "<html><body><header><h1>Hannah writes</h1><p>Tales and soup</p></header>"
        f"<article><header><h2>Winter Road</h2></header>{prose}<footer>Thank you for reading.</footer></article>"
        "<aside><h3>Archive</h3><p>May 2019</p></aside><footer>Made with soup</footer></body></html>"
    )
    document = read_html(page, "a.html").document
    book = read_book(document)
    assert [(tale.title, tale.chapters) for tale in book.tales] == [("Winter Road", ())]
    assert "on day 8 she met a miller" in book.tales[0].text
    assert "Thank you for reading." in document.text
    beside = " ".join(each.text for each in document.left_out if each.reason == "beside the article")
    assert beside.split() == ["Hannah", "writes", "Tales", "and", "soup", "Archive", "May", "2019"]
    tales = page.replace("article>", "div>")  # a page without an article keeps its heading
    assert "Hannah writes" in read_html(tales, "a.html").document.text
