"""A story goes into each format whole, is shown there as it is, and comes back from JSON as it was."""

import io
import json
import re
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from lxml import etree
from markdown_it import MarkdownIt

from storytime_tui.corpus.formats.read import read_document
from storytime_tui.errors import Misused, StorytimeError
from storytime_tui.stories import importing
from storytime_tui.stories.export.formats import FORMATS
from storytime_tui.stories.export.story_text import Exported, present_text
from storytime_tui.stories.export.tree_json import tree_json, tree_of
from storytime_tui.stories.export.write import write_story
from storytime_tui.stories.history import redo, undo
from storytime_tui.stories.importing import import_story, read_story
from storytime_tui.stories.paragraphs import paragraphs
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.whole import Node, Tree, add_tree, read_tree
from tests.stories.trees import trees

STRICT = etree.XMLParser(resolve_entities=False, no_network=True, recover=False)
XHTML = {"h": "http://www.w3.org/1999/xhtml", "epub": "http://www.idpf.org/2007/ops"}
OPF = {"o": "http://www.idpf.org/2007/opf", "dc": "http://purl.org/dc/elements/1.1/"}
HOSTILE = "An <b>owl</b> & *co*_.\x00\x1b[2J\ufffe\n\n# Not a heading\n\n1. no list\n- none\n\n“Yes,” he said. עברית"


def a_tree(text: str, title: str = "The [b]owl[/b] & <i>") -> Tree:
    return Tree(title, "", 1_000.5, 2_000.5, 0, (Node(None, "you", text, "", "", 1_000.5),))


def exported(tree: Tree, ending: str) -> bytes:
    return FORMATS[ending](Exported(tree))


def shown(text: str) -> list[str]:
    """The text's paragraphs, as a page shows them: white space counts once."""
    return [" ".join(" ".join(lines).split()) for lines in paragraphs(text)]


# -- formats ---------------------------------------------------------------------------------------------


def test_only_the_present_text_is_in_formats_to_read() -> None:
    nodes = (
        Node(None, "you", "An owl", "", "", 1.0),
        Node(0, "model", " sang.", "grimm-1", "{}", 2.0),
        Node(0, "model", " slept.", "grimm-1", "{}", 3.0),
    )
    tree = Tree("owl", "a draft", 1.0, 3.0, 1, nodes)
    assert exported(tree, ".txt") == b"An owl sang.\n"
    for ending in (".md", ".html"):
        assert b"An owl sang." in exported(tree, ending) and b"slept" not in exported(tree, ending)
    assert b"slept" in exported(tree, ".json") and b"a draft" in exported(tree, ".json")
    assert exported(replace(tree, head=None), ".txt") == b""


@given(trees())
def test_markdown_shows_the_text_as_it_is_and_is_read_back(tree: Tree) -> None:
    page = exported(tree, ".md").decode()
    tokens = MarkdownIt("commonmark", {"html": True}).parse(page)
    kinds = {token.type for token in tokens}
    assert kinds <= {"heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline"}
    inline = [token for token in tokens if token.type == "inline"]
    assert {child.type for token in inline for child in token.children or ()} <= {
        "text", "text_special", "softbreak", "hardbreak",
    }  # fmt: skip
    told = [
        " ".join("".join(child.content or " " for child in token.children or ()).split()) for token in inline
    ]
    of_markdown = [each.replace("\0", "\ufffd") for each in shown(present_text(tree))]
    assert told[1:] == of_markdown  # CommonMark has no NUL
    heading, text = importing._from_markdown(page)
    assert shown(text) == shown(present_text(tree))
    assert heading == (" ".join(tree.title.split()) or "Untitled")


@given(trees())
def test_html_is_one_well_formed_page_that_shows_the_text(tree: Tree) -> None:
    page = exported(tree, ".html")
    root = etree.fromstring(page.removeprefix(b"<!DOCTYPE html>\n"), STRICT)
    told = [" ".join(" ".join(each.itertext()).split()) for each in root.iterfind(".//h:p", XHTML)]
    assert len(told) == len(paragraphs(present_text(tree)))
    assert not root.xpath("//h:script | //h:link | //h:img | //@href | //@src | //@style", namespaces=XHTML)
    assert root.get("lang") == "en"
    assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", page)


def test_html_escapes_what_a_story_says_and_has_both_lights() -> None:
    page = exported(a_tree(HOSTILE), ".html").decode()
    assert "An &lt;b&gt;owl&lt;/b&gt; &amp; *co*_.\u2400\u241b[2J\ufffd" in page
    assert "<title>The [b]owl[/b] &amp; &lt;i&gt;</title>" in page
    assert "prefers-color-scheme: dark" in page and "color-scheme: light dark" in page
    assert '<p dir="auto">“Yes,” he said. עברית</p>' in page


def book_of(data: bytes) -> dict[str, bytes]:
    """The files of an EPUB, checked as an e-reader would: the container, the package, the contents."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    first, *others = archive.infolist()
    assert (first.filename, first.compress_type, first.extra) == ("mimetype", zipfile.ZIP_STORED, b"")
    assert data[30:58] == b"mimetypeapplication/epub+zip"  # where programs look for it
    files = {each.filename: archive.read(each) for each in others}
    assert len(files) == len(others)
    container = etree.fromstring(files["META-INF/container.xml"], STRICT)
    (rootfile,) = container.iter("{urn:oasis:names:tc:opendocument:xmlns:container}rootfile")
    assert rootfile.get("media-type") == "application/oebps-package+xml"
    name = rootfile.get("full-path")
    package = etree.fromstring(files[name], STRICT)
    assert package.tag == f"{{{OPF['o']}}}package" and package.get("version") == "3.0"
    (identifier,) = package.iterfind("o:metadata/dc:identifier", OPF)
    assert identifier.get("id") == package.get("unique-identifier")
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", identifier.text)
    (title,) = package.iterfind("o:metadata/dc:title", OPF)
    (language,) = package.iterfind("o:metadata/dc:language", OPF)
    assert title.text.strip() and re.fullmatch(r"[a-zA-Z]{2,3}(-\w+)*", language.text)
    (modified,) = package.xpath("o:metadata/o:meta[@property='dcterms:modified']", namespaces=OPF)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", modified.text)
    items = list(package.iterfind("o:manifest/o:item", OPF))
    folder = name.rpartition("/")[0]
    listed = {f"{folder}/{item.get('href')}" for item in items}
    assert listed | {name, "META-INF/container.xml"} == files.keys() and len(listed) == len(items)
    ids = [item.get("id") for item in items]
    assert len(set(ids)) == len(ids)
    (nav,) = [item for item in items if item.get("properties") == "nav"]
    spine = [item.get("idref") for item in package.iterfind("o:spine/o:itemref", OPF)]
    assert spine == ["story"] and set(spine) <= set(ids)
    for item in items:
        content = files[f"{folder}/{item.get('href')}"]
        if item.get("media-type") == "application/xhtml+xml":
            page = etree.fromstring(content, STRICT)
            assert page.tag == f"{{{XHTML['h']}}}html" and page.findtext("h:head/h:title", "", XHTML).strip()
            links = page.xpath("//@href", namespaces=XHTML)
            assert {f"{folder}/{link}" for link in links} <= files.keys()
        else:
            assert item.get("media-type") == "text/css"
    contents = etree.fromstring(files[f"{folder}/{nav.get('href')}"], STRICT)
    (toc,) = contents.xpath("//h:nav[@epub:type='toc']", namespaces=XHTML)
    assert [a.get("href") for a in toc.iterfind("h:ol/h:li/h:a", XHTML)] == ["story.xhtml"]
    assert all("".join(a.itertext()).strip() for a in toc.iter(f"{{{XHTML['h']}}}a"))
    return files


@given(trees())
def test_an_epub_is_a_valid_book_of_one_chapter(tree: Tree) -> None:
    files = book_of(exported(tree, ".epub"))
    chapter = etree.fromstring(files["EPUB/story.xhtml"], STRICT)
    assert len(list(chapter.iterfind(".//h:p", XHTML))) == len(paragraphs(present_text(tree)))
    assert exported(tree, ".epub") == exported(tree, ".epub")


def test_an_epub_says_what_it_is_and_stays_the_same_book() -> None:
    tree = a_tree(HOSTILE)
    files = book_of(FORMATS[".epub"](Exported(tree, "pt-BR")))
    package = files["EPUB/package.opf"].decode()
    assert "<dc:language>pt-BR</dc:language>" in package
    assert "<dc:title>The [b]owl[/b] &amp; &lt;i&gt;</dc:title>" in package
    assert '<meta property="dcterms:modified">1970-01-01T00:33:20Z</meta>' in package
    assert Exported(tree).identifier == Exported(replace(tree, title="other", changed=9.0)).identifier
    assert Exported(tree).identifier != Exported(replace(tree, created=9.0)).identifier
    assert (
        "<dc:title>Untitled</dc:title>"
        in book_of(exported(replace(tree, title=" \n"), ".epub"))["EPUB/package.opf"].decode()
    )


@pytest.mark.parametrize("ending", ["txt", "md", "html", "epub"])
def test_what_was_written_can_be_learned_from(tmp_path: Path, ending: str) -> None:
    tree = a_tree("An owl *sang* & slept.\n\n“Yes,” he <said>.", "The owl")
    (tmp_path / f"owl.{ending}").write_bytes(exported(tree, f".{ending}"))
    document = read_document(tmp_path / f"owl.{ending}")
    assert "An owl *sang* & slept.\n\n“Yes,” he <said>." in document.text


# -- JSON and back ---------------------------------------------------------------------------------------


@given(trees(), trees())
def test_any_tree_to_json_to_a_new_story_to_json_is_equal(other: Tree, tree: Tree) -> None:
    with closing(StoryStore(Path(":memory:"))) as store:
        add_tree(store, other)
        story = add_tree(store, tree)
        data = tree_json(Exported(read_tree(store, story.id)))
        again = add_tree(store, tree_of(json.loads(data), "x.json"))
        assert again.id != story.id
        assert tree_json(Exported(read_tree(store, again.id))) == data
        assert read_tree(store, again.id) == tree
        assert store.text(again.id) == store.text(story.id) == present_text(tree)
        assert store.open_story(again.id).draft == tree.draft


def test_an_imported_tree_is_undone_and_redone_as_before(tmp_path: Path) -> None:
    with closing(StoryStore(tmp_path / "stories.sqlite3")) as store:
        story = store.new_story("owl").id
        store.add_passage(story, "you", "An owl")
        store.add_passage(story, "model", " sang.", "grimm-1", '{"seed": 7}')
        undo(store, story)
        store.add_passage(story, "model", " slept.", "grimm-1", '{"seed": 8}')
        undo(store, story)
        path = write_story(store, story, tmp_path / "owl.json")
        again = import_story(store, path).id
        assert store.text(again) == "An owl"
        redo(store, again)
        assert store.text(again) == "An owl slept."
        assert [each.settings for each in store.passages(again)] == ["", '{"seed": 8}']


def test_passages_in_any_order_with_any_ids_are_one_tree(tmp_path: Path) -> None:
    file = tmp_path / "owl.json"
    record = json.loads(tree_json(Exported(a_tree("An owl"))))
    (first,) = record["passages"]
    record["passages"] = [{**first, "id": -4, "parent": 10**30, "text": " sang"}, {**first, "id": 10**30}]
    record["head"] = -4
    file.write_text(json.dumps(record))
    with closing(StoryStore(Path(":memory:"))) as store:
        assert store.text(import_story(store, file).id) == "An owl sang"


# -- texts in --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "title", "text"),
    [
        ("The owl.txt", b"\xef\xbb\xbfAn owl\r\nsang.\r\n", "The owl", "An owl\nsang."),
        ("owl.TXT", "# 狐\n\nyes".encode(), "owl", "# 狐\n\nyes"),
        ("owl.md", b"# The \\*owl\\* #\n\nAn *owl* \\& co.\n", "The *owl*", "An *owl* & co."),
        ("owl.md", b"An owl\\\nsang.", "owl", "An owl\nsang."),
        ("owl.md", b"## Part\n\nAn owl", "owl", "## Part\n\nAn owl"),
    ],
)
def test_a_text_is_one_passage_of_yours(
    tmp_path: Path, name: str, content: bytes, title: str, text: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with closing(StoryStore(Path(":memory:"))) as store:
        story = import_story(store, tmp_path / name)
        (passage,) = store.passages(story.id)
        assert (story.title, passage.text, passage.author, passage.model) == (title, text, "you", "")


LANGUAGES = {
    "Hebrew": "שָׁלוֹם, אָמַר הַקִּפּוֹד.\n\n«עוד» — שאל העכבר.",
    "Arabic": "كانَ يا ما كان، قُنفُذٌ لهُ مِظلّة.\n\nثمّ نامَ.",
    "Persian": "یکی بود یکی نبود؛ او می\u200cرفت به خانه.",
    "Hindi": "एक छोटी रानी थी। क्षत्रिय ने कहा, “ठीक है।”",
    "Thai": "กาลครั้งหนึ่ง มีเม่นตัวหนึ่ง\u200bอยู่ใต้พุ่มไม้",
    "Chinese": "從前，有一隻刺蝟。\n\n牠說：「你好。」葛\U000e0100",
    "Japanese": "むかしむかし、小さな猫がいました。がぎ か\u3099",
    "Korean": "옛날 옛적에 고슴도치가 살았다. \u1112\u1161\u11ab",
    "Vietnamese": "Ngày xửa ngày xưa, e\u0302\u0301 ế.",
    "emoji": "👩\u200d👩\u200d👧 met 👍🏽 in 🇩🇪 ❤\ufe0f.",
}


@pytest.mark.parametrize("text", LANGUAGES.values(), ids=LANGUAGES)
def test_every_language_comes_through_each_format_sign_by_sign(tmp_path: Path, text: str) -> None:
    """No normalisation, no lost joiner or mark, and the order in which it was written."""
    with closing(StoryStore(tmp_path / "stories.sqlite3")) as store:
        half = len(text) // 2  # a passage may end anywhere
        story = store.new_story(text.split("\n")[0]).id
        store.add_passage(story, "you", text[:half])
        store.add_passage(story, "model", text[half:], "grimm-1")
        assert store.text(story) == text
        for ending in ("txt", "md", "json"):
            path = write_story(store, story, tmp_path / f"a.{ending}")
            again = import_story(store, path)
            assert store.text(again.id) == text
            assert (
                again.title == text.split("\n")[0]
            ) or ending == "txt"  # there the file's name is the title
        assert (tmp_path / "a.txt").read_bytes() == f"{text}\n".encode()
        tree = read_tree(store, story)
    for ending, page in ((".html", exported(tree, ".html")), (".epub", epub_page(tree))):
        assert [p for p in told_in(page) if p] == shown(text), ending
        assert page.count(b'<p dir="auto">') == len(shown(text))


def epub_page(tree: Tree) -> bytes:
    return book_of(exported(tree, ".epub"))["EPUB/story.xhtml"]


def told_in(page: bytes) -> list[str]:
    tags = etree.fromstring(page, etree.HTMLParser(encoding="utf-8")).iter("p")
    return [" ".join("".join(tag.itertext()).split()) for tag in tags]


# -- trouble ---------------------------------------------------------------------------------------------


def changed(**fields: Any) -> str:
    record = json.loads(tree_json(Exported(a_tree("An owl"))))
    passage = fields.pop("passage", {})
    record["passages"][0].update(passage)
    return json.dumps({**record, **fields})


def circle() -> str:
    record = json.loads(tree_json(Exported(a_tree("An owl"))))
    (first,) = record["passages"]
    record["passages"] = [
        first,
        *({**first, "id": id, "parent": parent} for id, parent in ((2, 3), (3, 4), (4, 2))),
    ]
    return json.dumps(record)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{'no': json}", "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON: its brackets are nested too deep"),
        ("[1, 2]", "is JSON, but not a story"),
        (changed(format="other"), "is JSON, but not a story"),
        (changed(version=3), "was written by a newer version of Storytime"),
        (changed(version="1"), "its version is not a number"),
        (changed(passages={}), "has no list of passages"),
        (changed(passages=[7]), "passage number 1 has no id, or is no passage"),
        (changed(passage={"id": "1"}), "passage number 1 has no id, or is no passage"),
        (changed(passage={"parent": 9}), "The parent of passage 1 of FILE is 9, but there is no such passage"),
        (changed(passage={"parent": 1}), "passage 1 comes before itself, in a circle of parents"),
        (circle(), "comes before itself, in a circle of parents"),
        (changed(passage={"edited_from": 1}), "passage 1 is an edited version of itself"),
        (changed(passage={"edited_from": 9}), "The edited_from of passage 1 of FILE is 9, but there is"),
        (changed(passage={"ids": "1;2"}), 'The ids of passage 1 of FILE are "1;2", not numbers with commas'),
        (changed(passage={"pruned": 1}), "“pruned” of passage 1 of FILE is 1: it must be true or false"),
        (changed(passage={"name": 7}), "The name of passage 1 of FILE is 7, not a text"),
        (changed(steering={}), "The steering of the story of FILE is an object, not a text"),
        (changed(head=0), "The head of the story of FILE is 0, but there is no such passage"),
        (changed(passage={"author": "a ghost"}), 'The author of passage 1 of FILE is "a ghost"'),
        (changed(passage={"author": ["you"]}), "The author of passage 1 of FILE is a list"),
        (changed(passage={"text": None}), "The text of passage 1 of FILE is null, not a text"),
        (changed(title=[[]]), "The title of the story of FILE is a list, not a text"),
        (changed(created="now"), "The time “created” of the story of FILE is \"now\""),
        (changed(created=float("nan")), "The time “created” of the story of FILE is NaN"),
        (changed(passage={"created": -1}), "The time “created” of passage 1 of FILE is -1"),
        (changed(passage={"created": 10**400}), "The time “created” of passage 1 of FILE is 1000"),
    ],
)  # fmt: skip
def test_json_that_is_no_tree_is_one_sentence_and_adds_nothing(
    tmp_path: Path, content: str, sentence: str
) -> None:
    file = tmp_path / "owl.json"
    file.write_text(content)
    with closing(StoryStore(Path(":memory:"))) as store:
        with pytest.raises(StorytimeError) as caught:
            import_story(store, file)
        message = str(caught.value)
        assert sentence in message.replace(str(file), "FILE") and "\n" not in message and len(message) < 400
        assert store.stories() == ()


def test_a_file_of_the_first_version_of_the_format_is_still_read() -> None:
    old = {"parent": None, "author": "you", "text": "An owl", "model": "", "settings": "", "created": 1.0}
    # earlier programs wrote the places of the passages, not their ids, into these two fields
    passages = [
        {"id": 1, **old, "edited_from": None},
        {"id": 2, **old, "parent": 1, "edited_from": 0, "marked": True},
    ]
    record = {
        "format": "storytime-story",
        "version": 1,
        "title": "owl",
        "draft": "",
        "created": 1.0,
        "changed": 2.0,
    }
    nodes = (Node(None, "you", "An owl", "", "", 1.0), Node(0, "you", "An owl", "", "", 1.0))
    assert tree_of({**record, "head": 2, "passages": passages}, "x.json") == Tree(
        "owl", "", 1.0, 2.0, 1, nodes
    )


def test_two_passages_with_one_id_are_named() -> None:
    record = json.loads(changed())
    record["passages"] *= 2
    with pytest.raises(StorytimeError, match=r"x.json is damaged: two of its passages have the id 1\."):
        tree_of(record, "x.json")


def test_a_tree_of_many_passages_is_checked_in_a_moment(tmp_path: Path) -> None:
    """As deep as it is long: a walk from each passage to the root would take minutes."""
    nodes = tuple(Node(at - 1 if at else None, "you", "x", "", "", 1.0) for at in range(50_000))
    data = tree_json(Exported(Tree("long", "", 1.0, 1.0, len(nodes) - 1, nodes)))
    assert len(tree_of(json.loads(data), "x.json").nodes) == 50_000


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def trouble(name: str, content: bytes | None = None) -> str:
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(StorytimeError) as caught:
            read_story(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
        return str(caught.value)

    assert "There is no file" in trouble("nothing.txt")
    assert "is not UTF-8 text (byte 5)" in trouble("latin.txt", b"caf\xc3\xa9\xe9")
    assert "is not UTF-8 text" in trouble("latin.json", b'"\xe9"')
    assert "has no text to import" in trouble("empty.txt", b" \n")
    assert "has no text to import" in trouble("empty.md", b"# Only a title\n")
    (tmp_path / "folder.txt").mkdir()
    assert "it is a folder, not a file" in trouble("folder.txt")
    with (tmp_path / "large.txt").open("wb") as file:
        file.truncate(100_000_000)
    assert "it has more than 50,000,000 bytes" in trouble("large.txt")
    with pytest.raises(Misused, match=r"ends in \.json, \.md or \.txt, not from 'owl\.docx'"):
        read_story(tmp_path / "owl.docx")


def test_an_export_replaces_no_file_and_is_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(StoryStore(Path(":memory:"))) as store:
        story = add_tree(store, a_tree("An owl")).id
        assert write_story(store, story, tmp_path / "new" / "Owl.TXT").read_text() == "An owl\n"
        (tmp_path / "there.md").write_text("mine")
        with pytest.raises(StorytimeError, match=r"there\.md exists already and is not overwritten"):
            write_story(store, story, tmp_path / "there.md")
        assert (tmp_path / "there.md").read_text() == "mine"
        with pytest.raises(Misused, match=r"\.txt, \.md, \.html, \.epub or \.json, not 'owl\.pdf'"):
            write_story(store, story, tmp_path / "owl.pdf")
        with pytest.raises(Misused, match="must be a language tag"):
            write_story(store, story, tmp_path / "owl.epub", 'en"/>')
        with pytest.raises(StorytimeError, match=r"riting the story to .* did not finish"):
            write_story(store, story, tmp_path / "there.md" / "owl.txt")
        with pytest.raises(StorytimeError, match="There is no story 99"):
            write_story(store, 99, tmp_path / "owl.txt")

        def full(self: Path, data: bytes) -> int:
            raise OSError(28, "No space left on device", str(self))

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(StorytimeError, match="The disk is full: writing the story"):
            write_story(store, story, tmp_path / "owl.json")
        assert sorted(each.name for each in tmp_path.iterdir()) == ["new", "there.md"]
