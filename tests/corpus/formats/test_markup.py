"""Pages: the book's lines and headings come out, what stands around them does not."""

import pytest

from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.bylines import people
from storytime_tui.corpus.formats.markup import html_text, read_html


def page(source: str) -> Document:
    return read_html(source, "page.html").document


def text_of(body: str) -> str:
    return page(f"<html><body>{body}</body></html>").text


def headings(document: Document) -> list[tuple[str, int]]:
    lines = document.text.split("\n")
    return [(lines[heading.line], heading.level) for heading in document.headings]


# -- paragraphs and headings ------------------------------------------------------------------------------


def test_a_paragraph_is_one_line_and_a_blank_one_parts_it_from_the_next() -> None:
    document = page(
        "<p>The vole  went\n\tout,\r\nand <i>o</i>ut again.</p><p>It <b>rained</b>.<div>So?</div>Yes."
    )
    assert document.text == "The vole went out, and out again.\n\nIt rained.\n\nSo?\n\nYes."
    assert not document.wrapped


def test_headings_are_known_with_their_lines_and_levels() -> None:
    document = page(
        "<h1>The Vole’s Hat</h1><p>One.<h2>CHAPTER I.<br>The <small>Hat</small></h2><p>Two.<h6> x </h6>"
    )
    assert headings(document) == [("The Vole’s Hat", 1), ("CHAPTER I. The Hat", 2), ("x", 6)]
    assert document.text.split("\n\n")[-2:] == ["Two.", "x"]


@pytest.mark.parametrize(
    ("source", "heading"),
    [
        ("<h2>CHAPTER II<br/>A Wet Day</h2>", "CHAPTER II: A Wet Day"),
        ("<hgroup><h2>IV</h2><p>A Wet Day</p></hgroup>", "IV: A Wet Day"),
        ("<hgroup><h2>The Vole</h2><h3>A Tale</h3></hgroup>", "The Vole A Tale"),
        ("<h2><div>The</div><div>Vole</div></h2>", "The Vole"),
        ('<h2><img src="c2.png" alt="Chapter Two"/></h2>', "Chapter Two"),
        ('<h2 title="The Vole"><img src="c2.png"/></h2>', "The Vole"),
        ('<h2>A Wet Day<a href="#fn3"><sup>3</sup></a> <span class="pagenum">[9]</span></h2>', "A Wet Day"),
    ],
)
def test_a_heading_is_one_line_whatever_is_in_it(source: str, heading: str) -> None:
    document = page(f"{source}<p>It rained.")
    assert headings(document)[0][0] == heading
    assert len(document.headings) == 1
    assert document.text == f"{heading}\n\nIt rained."


def test_a_heading_without_words_is_none() -> None:
    assert page("<h1> <a id='x'></a></h1><p>It rained.").headings == ()


def test_lists_and_tables_keep_their_lines() -> None:
    assert text_of("<ul><li>a hat<li>two\nshoes<ol><li>left</ol></ul>Yes") == "a hat\ntwo shoes\nleft\n\nYes"
    table = "<table><tr><td>I.</td> <td>The Hat</td> <td>3</td></tr><tr><th>II.<th>The <b>Shoes</b><th></tr></table>"
    assert text_of(table) == "I.  The Hat  3\nII.  The Shoes"
    assert text_of("<table><tr><td><p>It rained.</p><p>It stopped.</p></td></tr></table>") == (
        "It rained.\n\nIt stopped."
    )


def test_line_breaks_are_lines_and_two_of_them_part_paragraphs() -> None:
    assert text_of("<p>one<br>two<br/>\nthree<br><br>four") == "one\ntwo\nthree\n\nfour"


def test_preformatted_text_keeps_its_lines_and_spaces() -> None:
    assert (
        text_of("<p>So:<pre>\n  one\n    two  \n\n\n  three\n</pre>four")
        == "So:\n\n  one\n    two\n\n  three\n\nfour"
    )
    assert page("<pre>It rained\nand rained\n\nall day</pre>").wrapped


# -- verse ------------------------------------------------------------------------------------------------

VERSE = "Hush, said the vole,\n  hush, said the rain,\n\nand the hat\n    blew away."


@pytest.mark.parametrize(
    "source",
    [
        '<div class="poem"><div class="stanza"><span class="i0">Hush, said the vole,<br /></span>\n'
        '<span class="i2">hush, said the rain,<br /></span></div>\n<div class="stanza">'
        '<span class="i0">and the hat<br /></span><span class="i4">blew away.</span></div></div>',
        '<div class="poetry-container"><div class="poetry"><div class="stanza">'
        '<div class="verse indent0">Hush, said the vole,</div><div class="verse indent2">hush, said the rain,</div>'
        '</div><div class="stanza"><div class="verse indent0">and the hat</div>\n'
        '<div class="verse indent4">blew away.</div></div></div></div>',
        '<p class="poem">Hush, said the vole,<br>&nbsp;&nbsp;hush, said the rain,</p>'
        '<p class="poem">and the hat<br>&nbsp; &nbsp; blew away.</p>',
        '<blockquote epub:type="z3998:poem"><p><span>Hush, said the vole,</span><br/>'
        '<span class="i2">hush, said the rain,</span></p>'
        '<p><span>and the hat</span><br/><span class="i4">blew away.</span></p></blockquote>',
        '<div class="poem"><p style="margin-left: 0em">Hush, said the vole,</p><p style="margin-left: 2em">'
        "hush, said the rain,</p></div>"
        '<div class="poem"><p>and the hat</p><p style="text-indent: 4.5em">blew away.</p></div>',
        "<pre>Hush, said the vole,\n  hush, said the rain,\n\nand the hat\n    blew away.</pre>",
    ],
)
def test_verse_keeps_its_lines_and_how_far_they_are_set_in(source: str) -> None:
    assert text_of(f"<p>He sang:</p>{source}<p>It rained.") == f"He sang:\n\n{VERSE}\n\nIt rained."


def test_paragraphs_of_verse_that_follow_each_other_are_lines() -> None:
    assert text_of('<p class="verse">one</p>\n<p class="verse">two</p><p>three') == "one\ntwo\n\nthree"


def test_long_prose_that_is_called_verse_keeps_its_paragraphs() -> None:
    long = "It rained and rained and the vole sat down. " * 4
    assert (
        text_of(f'<div class="song"><p>{long}</p><p>{long}</p></div>') == f"{long.strip()}\n\n{long.strip()}"
    )


def test_paragraphs_set_in_with_hard_spaces_are_prose() -> None:
    assert text_of("<p>&nbsp;&nbsp;&nbsp;It rained.<p>\xa0 \xa0") == "It rained."


# -- what is left out -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "around",
    [
        "<script>GONE</script>",
        "<style>GONE</style>",
        "<template><p>GONE</p></template>",
        "<nav><ol><li><a href='#a'>GONE</a></ol></nav>",
        "<!-- GONE -->",
        "<?php GONE ?>",
        "<noscript>GONE</noscript>",
        "<div hidden>GONE</div>",
        '<div style="color: red; DISPLAY: none">GONE</div>',
        '<section class="pg-boilerplate pgheader" id="pg-header"><h2>GONE</h2><p>GONE</p></section>',
        '<div id="pg-footer"><p>GONE</p></div>',
        '<p id="pg-machine-header">GONE</p>',
        '<div class="pgheader">GONE</div>',
        '<span class="pagenum">[Pg GONE]</span>',
        '<span class="pageno" id="p3">GONE</span>',
        '<span epub:type="pagebreak" title="3">GONE</span>',
        '<a class="fnanchor" href="#f1">GONE</a>',
        '<a epub:type="noteref" href="n.xhtml#n1">GONE</a>',
        '<div class="figcenter"><img src="a.png" alt="GONE"><p>GONE</p></div>',
        "<figure><img src='a.png'><figcaption>GONE</figcaption></figure>",
        '<p class="caption">GONE</p>',
        '<div class="footnotes"><h3>GONE</h3><p>GONE</p></div>',
        '<div class="footnote"><p>GONE</p></div>',
        '<aside epub:type="footnote"><p>GONE</p></aside>',
        '<section role="doc-endnotes"><p>GONE</p></section>',
        '<div class="transnote">GONE</div>',
        '<p><a id="Footnote_1" href="#FNanchor_1">[1]</a> GONE</p>',
        '<p><a id="f2"></a><a href="#r2"><sup>2</sup></a> GONE</p>',
        '<section epub:type="titlepage"><h1>GONE</h1></section>',
        "<svg><title>GONE</title><text>GONE</text></svg>",
        "<ruby><rt>GONE</rt></ruby>",
        "<textarea>GONE</textarea><button>GONE</button><select><option>GONE</select>",
    ],
)
def test_what_stands_around_a_book_is_left_out(around: str) -> None:
    assert text_of(f"<p>The vole went.</p>{around}<p>It rained.</p>") == "The vole went.\n\nIt rained."


@pytest.mark.parametrize(
    "mark",
    [
        '<a href="#f1">[1]</a>',
        '<a href="#Footnote_12_12"><sup>12</sup></a>',
        '<sup><a href="#f1">1</a></sup>',
        "<sup>1</sup>",
        "<sup>[a]</sup>",
        "<sup>*</sup>",
        '<a href="notes.html#n4">4</a>',
        '<span class="pagenum">3</span>',
        '<a id="here"></a>',
    ],
)
def test_marks_of_notes_and_pages_go_without_a_gap(mark: str) -> None:
    assert (
        text_of(f"<p>The vole{mark} went, and the wa{mark}ter rose.</p>")
        == "The vole went, and the water rose."
    )


def test_a_page_number_between_two_words_leaves_them_apart() -> None:
    assert text_of('<p>the vole<span class="pagenum"> [3] </span>went</p>') == "the vole went"


def test_what_only_looks_like_a_note_stays() -> None:
    assert text_of("<p>The 1<sup>st</sup> of May, 10<sup>2</sup> voles.") == "The 1st of May, 102 voles."
    assert (
        text_of('<p><a href="#c2">2</a> voles, see <a href="#vole">the vole</a>') == "2 voles, see the vole"
    )
    long = "It rained and the vole went home. " * 5
    assert text_of(f'<div class="pagebreak"><p>{long}</p></div>') == long.strip()
    assert (
        text_of(f'<div class="figcenter"><h2>The Hat</h2><p>{long}</p></div>') == f"The Hat\n\n{long.strip()}"
    )
    assert text_of(f'<div class="figcenter"><img><p>{long * 9}</p></div>') == (long * 9).strip()


def test_a_first_letter_that_is_a_picture_is_read() -> None:
    assert text_of('<p><img src="o.png" alt="O">nce it rained.') == "Once it rained."
    assert text_of('<div class="figleft"><img alt="“T"></div><p>he vole went.') == "“The vole went."
    assert text_of('<p><img alt="O"><span style="display:none">O</span>nce it rained.') == "Once it rained."
    assert text_of('<p><img alt="A"> vole went. <img alt="B"> It rained.') == "A vole went. It rained."


def test_quotes_that_the_format_makes_are_written() -> None:
    assert text_of("<p><q>Did he say <q>no</q>?</q>") == "“Did he say ‘no’?”"


def test_signs_are_read_and_markup_in_the_text_is_text() -> None:
    assert (
        text_of("<p>&lt;b&gt; [/b] &amp;amp; caf&eacute;&mdash;&#8220;x&#8221;") == "<b> [/b] &amp; café—“x”"
    )


# -- names and encodings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "title", "author"),
    [
        ("<title>The Vole’s\n Hat</title>", "The Vole’s Hat", ""),
        ("<title>The Project Gutenberg eBook of The Hat, by A. Vole</title>", "The Hat", "A. Vole"),
        ("<title>The Hat | Project Gutenberg</title>", "The Hat", ""),
        ("<title>x</title><meta name='DC.Title' content='The Hat'>", "The Hat", ""),
        ("<title>x</title><meta name='dc.creator' content='Vole, Anne, 1832-1898'>", "x", "Anne Vole"),
        (
            "<meta name='author' content='A. Vole'><meta name='author' content='B. Rat'>",
            "",
            "A. Vole and B. Rat",
        ),
        ("", "", ""),
    ],
)
def test_the_head_names_title_and_author(head: str, title: str, author: str) -> None:
    document = page(f"<html><head>{head}</head><body><p>x<svg><title>no</title></svg></body></html>")
    if title or "title" in head:
        assert document.title == title
    assert document.author == author
    assert document.text == "x"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Carroll, Lewis, 1832-1898", "Lewis Carroll"),
        ("Lewis Carroll (1832-1898)", "Lewis Carroll"),
        ("Grimm, Jacob,  1785?-1863?", "Jacob Grimm"),
        ("A. Vole and B. Rat", "A. Vole and B. Rat"),
        ("Vole, Rat, and Toad", "Vole, Rat, and Toad"),
        ("Aesop", "Aesop"),
        ("Anne Vole.", "Anne Vole"),
        ("", ""),
    ],
)
def test_names_are_written_as_people_say_them(written: str, said: str) -> None:
    assert people([written]) == said


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ('<meta charset="utf-8">', "utf-8"),
        ('<meta charset="utf-8">', "cp1252"),  # it says so, but is not
        ('<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">', "cp1252"),
        ('<?xml version="1.0" encoding="windows-1252"?>', "cp1252"),
        ("<meta charset=koi8-r>", "koi8-r"),
        ("<meta charset='windows-1250'>", "cp1250"),
        ("<meta charset='no-such-thing'>", "cp1252"),
        ("<meta charset='hex'>", "cp1252"),
        ("<meta charset='unicode_escape'>", "cp1252"),
        ("<meta charset='utf-16'>", "utf-8"),
        ("<meta charset='koi8-r'>", "utf-8-sig"),
        ("", "utf-16"),
        ("", "utf-16-le"),
    ],
)
def test_the_encoding_is_the_one_that_is_true(head: str, encoding: str) -> None:
    word = {"koi8-r": "ёж", "cp1250": "żaba"}.get(encoding, "café")
    source = f"{head}<p>{word} — {word}".replace("—", "-" if encoding == "koi8-r" else "—")
    assert html_text(source.encode(encoding), "x").text == source
