"""Generated pages, Markdown and e-books: every word that they show is in the text, or is said to be left out."""

import re
import tempfile
from collections import Counter
from html import escape
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.markdown import read_markdown
from storytime_tui.corpus.formats.markup import read_html
from storytime_tui.corpus.formats.read import read_document
from storytime_tui.errors import CorpusError
from tests.corpus.formats.ebooks import book, ref, write, xhtml
from tests.examples import many

SYLLABLES = ("ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "zu")
WORDS = tuple(a + b + c for a in SYLLABLES for b in SYLLABLES[:8] for c in SYLLABLES[:4])
sentences = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(
    lambda words: " ".join(words).capitalize() + "."
)
CLASSES = (
    *("pagenum", "footnote", "caption", "poem", "stanza", "i2", "toc", "meta", "meta group", "ws-header"),
    *("mw-editsection", "references", "licenseContainer", "comments", "author-note", "hidden", "fnanchor"),
    *(
        "figcenter",
        "sidebar",
        "entry-meta",
        "MsoFootnoteText",
        "pgheader",
        "transnote",
        "calibre1",
        "noprint",
    ),
    *("userstuff", "chapter", "byline", "reference", "module notes", "MsoNormal", "navbox", "share-buttons"),
)
TYPES = ("toc", "cover", "titlepage", "noteref", "pagebreak", "endnotes", "colophon", "chapter", "index")
ATTRIBUTES = (
    *(' id="afterword"', ' id="toc"', ' style="display: none"', ' style="white-space:pre-wrap"', " hidden"),
    *(' href="#fn1"', ' href="b.xhtml"', ' role="navigation"', ' rel="author"', ' id="ftn1"', ' id="footer"'),
)
BLOCKS = (
    "p",
    "div",
    "section",
    "h1",
    "h2",
    "h4",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "blockquote",
    "pre",
    "table",
)
BLOCKS += (
    "tr",
    "td",
    "header",
    "footer",
    "nav",
    "aside",
    "article",
    "figure",
    "figcaption",
    "hgroup",
    "details",
)
INLINE = (
    "b",
    "i",
    "span",
    "a",
    "sup",
    "q",
    "ruby",
    "rt",
    "rp",
    "small",
    "u",
    "code",
    "button",
    "svg",
    "noscript",
)


@st.composite
def elements(draw: st.DrawFn, depth: int = 2) -> str:
    """An element with words in it, as sites and programs make them."""
    tag = draw(st.sampled_from(BLOCKS + INLINE))
    attributes = draw(
        st.one_of(
            st.just(""),
            st.sampled_from(CLASSES).map(lambda name: f' class="{name}"'),
            st.sampled_from(TYPES).map(lambda name: f' epub:type="{name}"'),
            st.sampled_from(ATTRIBUTES),
        )
    )
    inner = "".join(
        draw(st.lists(sentences.map(lambda one: f" {one} ") | elements(depth - 1), max_size=3))
        if depth
        else draw(st.lists(sentences, max_size=1))
    )
    return f"<{tag}{attributes}>{inner}</{tag}>"


bodies = st.lists(elements(), min_size=1, max_size=4).map(" \n".join)


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"[a-z]{6,}", text.lower()))


def shown(markup: str) -> Counter[str]:
    """The words between the tags."""
    return words(re.sub(r"<[^>]*>", " ", markup))


def missing(wanted: Counter[str], document: Document) -> Counter[str]:
    accounted = words(document.text)
    for each in document.left_out:
        assert each.reason
        assert each.place
        accounted += words(each.text)
    return wanted - accounted


@settings(max_examples=many(200), deadline=None)
@given(bodies)
def test_every_word_of_a_page_is_in_its_text_or_left_out_for_a_reason(body: str) -> None:
    document = read_html(
        f"<html><head><title>zzzzzz</title></head><body>{body}</body></html>", "p.html"
    ).document
    assert missing(shown(body), document) == Counter()


@settings(max_examples=many(40), deadline=None)
@given(
    st.lists(
        st.tuples(bodies, st.sampled_from(["c", "cover", "toc", "notes", "title_page", "nav"])),
        min_size=1,
        max_size=5,
    ),
    st.data(),
)
def test_every_word_of_an_e_book_is_in_its_text_or_left_out_for_a_reason(
    made: list[tuple[str, str]], data: st.DataObject
) -> None:
    pages = {f"{name}{'' if name != 'c' else at}-{at}.xhtml" if name == "c" else f"{at}_{name}.xhtml": body
             for at, (body, name) in enumerate(made)}  # fmt: skip
    spine = "".join(ref(name, data.draw(st.sampled_from(["", 'linear="no"']))) for name in pages)
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), book({name: xhtml(body) for name, body in pages.items()}, spine=spine))
        try:
            document = read_document(path)
        except CorpusError as error:  # nothing of it is story
            assert "is empty" in str(error)  # noqa: PT017
            return
    assert missing(shown(" ".join(pages.values())), document) == Counter()


LINES = (
    "# {}", "## {} ##", "{}", "{}", "{}", "- {}", "* {}", "1986. {}", "3) {}", "> {}", "> [!note] {}", "    {}", "\t{}",
    '!!! note "{}"', "??? tip", "::: warning", "::: {{.verse}}", ":::", "| {}", "| {} | {} |", "|---|---|", "[^1]: {}",
    "{} [^1]", "{}^[{}]", "<Tom> {}", "<div>{}</div>", "<b>{}", "{} < {}", "```", "~~~", "***", "---", "===",
    "[{}]: {}", "[{}]: http://x.y/z", "[{}](a.mp3){{ .md-button }}", "**{}** *{}*", "==_{}_==", "[[a|{}]]", "`{}`",
    "{{: .no_toc }}", "{} {{#id .c}}", "- [ ] {}", "– {}", "-{}", "{}\\", "{}  ", "<!-- more -->", "&lt;{}&gt;",
    "<p class='caption'>{}</p>", "{}: {}", "+ {}", "  {}", "   - {}", "[{}]", "![{}](x.png)", "#{}", "% {}", "",
    "", "", "",
)  # fmt: skip


@st.composite
def markdown(draw: st.DrawFn) -> tuple[str, Counter[str]]:
    """A Markdown text, and the words in it that are text."""
    lines, wanted = [], Counter[str]()
    for _ in range(draw(st.integers(1, 14))):
        line = draw(st.sampled_from(LINES))
        while "{}" in line:
            one = draw(sentences)
            wanted += words(one)
            line = line.replace("{}", one, 1)
        lines.append(line.replace("{{", "{").replace("}}", "}"))
    return "\n".join(lines), wanted


@settings(max_examples=many(250), deadline=None)
@given(markdown())
def test_every_word_of_markdown_is_in_its_text_or_left_out_for_a_reason(
    made: tuple[str, Counter[str]],
) -> None:
    source, wanted = made
    assert missing(wanted, read_markdown(source, "t.md")) == Counter()


def test_signs_of_markup_in_a_page_are_words_like_others() -> None:
    document = read_html(f"<p>{escape('<whisper> & [edit] {.class} [^1]')}</p>", "p.html").document
    assert document.text == "<whisper> & [edit] {.class} [^1]"
