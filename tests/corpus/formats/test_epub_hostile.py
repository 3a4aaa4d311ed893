"""E-books that are locked, damaged or made to do harm: one sentence each, and nothing outside is touched."""

import io
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storytime_tui.corpus.formats import epub, epub_files, zip_archive
from storytime_tui.corpus.formats.read import read_document
from storytime_tui.errors import CorpusError
from tests.corpus.formats.ebooks import (
    CONTAINER,
    HAT,
    NAV,
    SHOES,
    TWO_TALES,
    book,
    item,
    opf,
    read,
    ref,
    refused,
    write,
    xhtml,
)
from tests.examples import many

ENCRYPTION = (
    '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" xmlns:e="http://www.w3.org/2001/04/xmlenc#">'
    '<e:EncryptedData><e:EncryptionMethod Algorithm="{}"/><e:CipherData><e:CipherReference URI="{}"/></e:CipherData>'
    "</e:EncryptedData></encryption>"
)


@pytest.mark.parametrize(
    "lock",
    [
        {
            "META-INF/encryption.xml": ENCRYPTION.format(
                "http://www.w3.org/2001/04/xmlenc#aes128-cbc", "OPS/a.xhtml"
            )
        },
        {"META-INF/rights.xml": "<rights/>"},
        {"META-INF/sinf.xml": "<sinf/>"},
    ],
)
def test_a_locked_book_says_so(tmp_path: Path, lock: dict[str, str | bytes]) -> None:
    made = book({"a.xhtml": xhtml(HAT)}) | lock | {"OPS/a.xhtml": os.urandom(500)}
    assert "is locked against copying (DRM)" in refused(write(tmp_path, made))


@pytest.mark.parametrize(
    ("algorithm", "uri"),
    [
        ("http://www.idpf.org/2008/embedding", "OPS/font.otf"),
        ("http://ns.adobe.com/pdf/enc#RC", "OPS/font.ttf"),
        ("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "OPS/cover.jpg"),
    ],
)
def test_scrambled_fonts_lock_no_book(tmp_path: Path, algorithm: str, uri: str) -> None:
    made = book({"a.xhtml": xhtml(HAT)}) | {"META-INF/encryption.xml": ENCRYPTION.format(algorithm, uri)}
    assert read(tmp_path, made).text.startswith("The Vole’s Hat")


@pytest.mark.parametrize(
    "lead", ["../", "../../../", "/", "..\\", "%2e%2e/", "file:///", "C:/", "x/../../../"]
)
def test_paths_that_lead_out_of_the_book_lead_nowhere(tmp_path: Path, lead: str) -> None:
    (tmp_path / "secret.xhtml").write_text(xhtml("<p>SECRET</p>"))
    made = book({"a.xhtml": xhtml(HAT), "b.xhtml": xhtml(SHOES)})
    items = (
        item("a.xhtml") + item("b.xhtml") + f'<item id="s" href="{lead}secret.xhtml" media-type="text/html"/>'
    )
    made["OPS/book.opf"] = opf(items, ref("a.xhtml") + ref("b.xhtml") + '<itemref idref="s"/>')
    made[f"{lead}secret.xhtml"] = xhtml("<p>SECRET</p>")
    document = read(tmp_path, made)
    assert document.text == TWO_TALES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["book.epub", "secret.xhtml"]


def test_entities_in_the_list_are_not_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    bomb = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    made = book({"a.xhtml": xhtml(HAT)}, metadata="<dc:title>Hat &a11; &x;</dc:title>")
    made["OPS/book.opf"] = str(made["OPS/book.opf"]).replace(
        "<package",
        f'<!DOCTYPE p [<!ENTITY a0 "lol">{bomb}<!ENTITY x SYSTEM "{secret.as_uri()}">]><package',
        1,
    )
    document = read(tmp_path, made)
    assert document.text.startswith("The Vole’s Hat")
    assert "lollol" not in document.title
    assert "SECRET" not in document.title


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, book({"a.xhtml": xhtml("<p>" + "rain " * 2_000_000)}))
    assert "zip bomb" in refused(path)
    monkeypatch.setattr(zip_archive, "UNPACKED", 3_000)
    assert "zip bomb" in refused(write(tmp_path, book({"a.xhtml": xhtml("<p>" + "rain " * 900)})))


def test_a_page_too_large_is_missing_and_too_much_text_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, book({"a.xhtml": xhtml(HAT), "b.xhtml": xhtml(SHOES)}))
    monkeypatch.setattr(epub, "LARGEST_TEXT", 50)
    assert "holds more than" in refused(path)
    monkeypatch.setattr(epub_files, "LARGEST_PAGE", 50)
    assert "damaged or cut off" in refused(path)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({}, "does not say which pages it has"),
        ({"META-INF/container.xml": "<container"}, "does not say which pages it has"),
        ({"META-INF/container.xml": CONTAINER, "OPS/book.opf": ""}, "damaged or cut off"),
        ({"META-INF/container.xml": CONTAINER, "OPS/book.opf": "no XML at all"}, "damaged or cut off"),
        (book({}), "damaged or cut off"),
        (book({"a.xhtml": ""}), "is empty"),
        (book({"a.xhtml": xhtml("<p> </p><img/>")}), "is empty"),
        (book({"a.xhtml": "\0\1\2" * 50}), "damaged or cut off"),
        (book({"a.xhtml": xhtml("<div>" * 100_000)}), "damaged or cut off"),
    ],
)
def test_what_is_no_whole_book_is_one_sentence(
    tmp_path: Path, members: dict[str, str | bytes], said: str
) -> None:
    assert said in refused(write(tmp_path, members))


def test_a_book_whose_pages_are_mostly_missing_is_damaged(tmp_path: Path) -> None:
    made = book({f"{name}.xhtml": xhtml(HAT) for name in "abc"})
    del made["OPS/a.xhtml"]
    assert read(tmp_path, made).text.count("It rained.") == 2
    del made["OPS/b.xhtml"]
    assert "damaged or cut off" in refused(write(tmp_path, made))


def _with_wrong_bytes(path: Path, member: str, *, crc: bool) -> Path:
    """Spoil one member: its checksum, or its compressed bytes."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(member)
        start = info.header_offset + 30 + len(member)
    data = bytearray(path.read_bytes())
    if crc:
        for signature, offset in ((b"PK\x03\x04", 14), (b"PK\x01\x02", 16)):
            place = data.index(
                signature,
                info.header_offset
                if offset == 14
                else data.rindex(b"PK\x01\x02", 0, data.rindex(member.encode())),
            )
            data[place + offset] ^= 0xFF
    else:
        data[start + info.compress_size // 2 : start + info.compress_size] = b"\xff" * (
            info.compress_size - info.compress_size // 2
        )
    path.write_bytes(bytes(data))
    return path


@pytest.mark.parametrize("damage", ["crc", "deflate", "binary", "nested", "large"])
def test_a_damaged_page_is_named_and_the_rest_is_read(
    tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: dict[str, str | bytes] = {
        name: xhtml(HAT + f"<p>{name}</p>") for name in ("a.xhtml", "b.xhtml", "c.xhtml")
    }
    made = book({name: str(page) for name, page in pages.items()})
    other = {"binary": "\0\1\2" * 50, "nested": xhtml("<div>" * 200_000 + "deep")}
    if damage in other:
        made["OPS/b.xhtml"] = other[damage]
    if damage == "large":
        made["OPS/b.xhtml"] = xhtml(HAT + "<p>It rained.</p>" * 100)
        monkeypatch.setattr(epub_files, "LARGEST_PAGE", 1_500)
    path = write(tmp_path, made)
    if damage in ("crc", "deflate"):
        path = _with_wrong_bytes(path, "OPS/b.xhtml", crc=damage == "crc")
    document = read_document(path)
    assert document.text.count("A vole had a hat.") == 2
    assert "b.xhtml" not in document.text
    assert [(each.reason, each.place) for each in document.left_out] == [("damaged page", "page b.xhtml")]
    assert ("A vole had a hat." in document.left_out[0].text) == (damage == "crc")  # its words are all there
    assert document.remarks == ("Page b.xhtml is damaged: it is left out, and the rest is read.",)


@pytest.mark.parametrize("member", ["META-INF/container.xml", "OPS/book.opf", "OPS/nav.xhtml", "OPS/s.css"])
def test_a_damaged_list_does_not_lose_the_book(tmp_path: Path, member: str) -> None:
    made = book(
        {"a.xhtml": xhtml(HAT, '<link rel="stylesheet" href="s.css"/>')},
        items=item("nav.xhtml", more='properties="nav"'),
    )
    path = write(tmp_path, made | {"OPS/nav.xhtml": NAV, "OPS/s.css": "p { white-space: normal }"})
    assert read_document(_with_wrong_bytes(path, member, crc=True)).text.startswith("The Vole’s Hat")


def test_a_page_that_is_not_in_the_file_is_named(tmp_path: Path) -> None:
    made = book({f"{name}.xhtml": xhtml(HAT) for name in "abc"})
    del made["OPS/b.xhtml"]
    assert read(tmp_path, made).remarks == ("Page b.xhtml is listed, but is not in the file.",)


def test_the_row_of_a_damaged_page() -> None:
    path = Path(__file__).parents[4] / "shared" / "tries" / "books" / "u4_crc.epub"
    if path.exists():
        document = read_document(path)
        assert [each.place for each in document.left_out] == ["page b.xhtml"]
        assert document.text.startswith("One\n\nThe fox")
        assert "Three\n\nOwl. The fox" in document.text


def test_a_book_cut_off_anywhere_is_one_sentence(tmp_path: Path) -> None:
    whole = write(tmp_path, book({"a.xhtml": xhtml(HAT)})).read_bytes()
    path = tmp_path / "cut.epub"
    for length in range(0, len(whole), 29):
        path.write_bytes(whole[:length])
        assert "is empty" in (said := refused(path)) or "is not an EPUB" in said or "is damaged" in said


def test_a_password_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, book({"a.xhtml": xhtml(HAT)}))
    data = bytearray(path.read_bytes())
    place = data.rindex(b"OPS/a.xhtml") - 46
    assert data[place : place + 4] == b"PK\x01\x02"
    data[place + 8] |= 1
    path.write_bytes(bytes(data))
    assert "is locked with a password" in refused(path)


@settings(max_examples=many(80), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_a_document_or_one_sentence(tmp_path: Path, data: st.DataObject) -> None:
    made = book(
        {"a.xhtml": xhtml(HAT), "b.xhtml": xhtml(SHOES), "nav.xhtml": NAV}, metadata="<dc:title>T</dc:title>"
    )
    name = data.draw(st.sampled_from(sorted(made)))
    text = str(made[name])
    place, length = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 60))
    made[name] = text[:place] + data.draw(st.text(max_size=8)).replace("\0", "") + text[place + length :]
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for member, content in made.items():
            archive.writestr(member, str(content).encode("utf-8", "replace"))
    path = tmp_path / "any.epub"
    path.write_bytes(held.getvalue())
    try:
        document = read_document(path)
    except CorpusError as error:
        said = str(error)
    else:
        said = str(path)
        lines = document.text.split("\n")
        assert all(lines[heading.line].strip() for heading in document.headings)
    assert str(path) in said
    assert "\n" not in said
