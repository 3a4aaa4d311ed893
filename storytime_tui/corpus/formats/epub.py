"""EPUB 2 and 3 to a Document: the pages of the spine in order, without cover, title page and the like."""

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.bylines import people
from storytime_tui.corpus.formats.epub_contents import (
    NavigationEntry,
    entries_of_nav,
    entries_of_ncx,
    join_pages,
    resolve,
    within,
)
from storytime_tui.corpus.formats.markup import Page, html_text, parse_html, read_html
from storytime_tui.corpus.formats.zip_archive import Archive, member_name
from storytime_tui.errors import CorpusError
from storytime_tui.stopping import stoppable

LARGEST_TEXT = 50 * 1024**2  # characters in one book
LARGEST_PAGE = 20 * 1024**2  # bytes; parsing a page takes ten times its size in memory

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_RIGHTS = ("META-INF/rights.xml", "META-INF/sinf.xml")  # Adobe's, and Apple's
_FONT_ALGORITHMS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_NOT_TEXT = re.compile(r"\.(?:otf|ttf|ttc|woff2?|jpe?g|png|gif|svg|webp|mp3|m4a|mp4|css|js)$", re.IGNORECASE)
_DOCTYPE = re.compile(rb"<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.DOTALL)
_PAGE_TYPES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
_PAGE_NAME = re.compile(r"\.x?html?$", re.IGNORECASE)
# Front and back matter, as named in the guide and landmarks, and as named by files.
_AROUND = {
    "cover",
    "title-page",
    "titlepage",
    "halftitlepage",
    "copyright-page",
    "imprint",
    "colophon",
    "toc",
    "index",
}
_AROUND |= {"loi", "lot", "other-credits", "other.copyright"}
_AROUND_NAME = re.compile(
    r"(?:.*[-_])?(?:cover(?:page)?|title-?_?page|half-?_?title(?:page)?|(?:un)?copyright(?:-?_?page)?|toc|nav"
    r"|contents|imprint|colophon)",
    re.IGNORECASE,
)
_LONGEST_AROUND = 10_000  # characters; a longer page contains story text
_LONGEST_CONTENTS = 40_000  # characters


def read_epub(path: Path) -> Document:
    """The text of an e-book. Raises CorpusError if it is damaged, encrypted or not an EPUB; OSError."""
    with Archive(path, kind="an EPUB") as archive:
        return _Book(archive).document()


@dataclass(frozen=True)
class _Item:
    """An item of the manifest: its path in the archive, media type and properties."""

    path: str
    kind: str
    properties: str


class _Book:
    """An open e-book. All paths are inside the archive; paths that lead out of it are ignored."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._name = archive.name
        self._members = {within(member_name(member)): member for member in archive.members()}
        self._members.pop("", None)
        self._small_names = {path.lower(): path for path in self._members}
        self._refuse_locked()
        self._opf_path = self._find_opf()
        self._opf = self._xml(self._opf_path)
        if self._opf is None:
            raise archive.damaged()
        self._items = self._manifest()

    def document(self) -> Document:
        """The book. Raises CorpusError, OSError."""
        spine = self._spine()
        entries, around = self._contents()
        places: dict[str, set[str]] = {}
        for entry in entries:
            places.setdefault(entry.path, set()).add(entry.fragment)
        pages: list[tuple[str, Page]] = []
        missing = length = 0
        for path in stoppable(spine):
            page = self._page(path, frozenset(places.get(path, ())))
            if page is None:
                missing += 1
                continue
            if self._is_around(path, around, len(page.document.text)):
                continue
            length += len(page.document.text)
            if length > LARGEST_TEXT:
                raise CorpusError(
                    f"{self._name} holds more than {LARGEST_TEXT // 1024**2} MB of text: split it."
                )
            pages.append((path, page))
        if 2 * missing > len(spine) or not spine:
            raise self._archive.damaged()
        text, headings = join_pages(pages, entries)
        wrapped = bool(pages) and all(page.document.wrapped for _, page in pages)
        return Document(text, wrapped, headings, self._title(), self._author(), published=True)

    # -- the archive ---------------------------------------------------------------------------------------

    def _member(self, path: str) -> zipfile.ZipInfo | None:
        """The member at a path, ignoring case if necessary."""
        return self._members.get(path) or self._members.get(self._small_names.get(path.lower(), ""))

    def _xml(self, path: str) -> Any:
        """The root of an XML file, parsed leniently; None if there is no such file."""
        from lxml import etree

        member = self._member(path)
        if member is None or member.file_size > LARGEST_PAGE:
            return None
        parser = etree.XMLParser(
            recover=True,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            remove_comments=True,
            remove_pis=True,
        )
        try:
            return etree.fromstring(_without_doctype(self._archive.read(member)), parser)
        except etree.XMLSyntaxError:
            return None

    def _page(self, path: str, fragments: frozenset[str]) -> Page | None:
        """A parsed page; None if it is missing or not a page."""
        member = self._member(path)
        if member is None or member.file_size > LARGEST_PAGE:
            return None
        data = self._archive.read(member)
        try:
            return read_html(html_text(data, self._name).text, self._name, fragments)
        except CorpusError:
            return None

    def _refuse_locked(self) -> None:
        locked = CorpusError(
            f"{self._name} is locked against copying (DRM), its text cannot be read: get an edition without it."
        )
        if any(self._member(path) for path in _RIGHTS):
            raise locked
        root = self._xml(_ENCRYPTION)
        for data in root.iter("{*}EncryptedData") if root is not None else ():
            algorithms = {method.get("Algorithm") for method in data.iter("{*}EncryptionMethod")}
            paths = [reference.get("URI") or "" for reference in data.iter("{*}CipherReference")]
            if not algorithms <= set(_FONT_ALGORITHMS) and not all(map(_NOT_TEXT.search, paths)):
                raise locked

    # -- metadata ------------------------------------------------------------------------------------------

    def _find_opf(self) -> str:
        """The path of the package document (OPF). Raises CorpusError."""
        root = self._xml(_CONTAINER)
        for rootfile in root.iter("{*}rootfile") if root is not None else ():
            path = resolve("", rootfile.get("full-path") or "")
            if self._member(path):
                return path
        for path in sorted(self._members):
            if path.lower().endswith(".opf"):
                return path
        raise CorpusError(
            f"{self._name} is not an EPUB, or not a whole one: it does not say which pages it has."
        )

    def _manifest(self) -> dict[str, _Item]:
        items = {}
        for item in self._opf.iter("{*}item"):
            path = resolve(self._opf_path, item.get("href") or "")
            if path:
                kind, properties = item.get("media-type") or "", item.get("properties") or ""
                items[item.get("id") or path] = _Item(path, kind.lower(), properties)
        return items

    def _spine(self) -> list[str]:
        """The paths of the pages in reading order, without repetitions."""
        order = [ref.get("idref") for ref in self._opf.iter("{*}itemref") if ref.get("linear") != "no"]
        items = [self._items[ref] for ref in order if ref in self._items] or list(self._items.values())
        return list(
            dict.fromkeys(
                item.path
                for item in items
                if (item.kind in _PAGE_TYPES or _PAGE_NAME.search(item.path))
                and "nav" not in item.properties.split()
            )
        )

    def _contents(self) -> tuple[list[NavigationEntry], dict[str, str]]:
        """The table of contents, and the kinds of front and back matter pages by path."""
        around = {path: kind for kind, path in self._guide()}
        for item in self._items.values():
            if "nav" in item.properties.split():
                root = self._html(item.path)
                if root is not None:
                    around |= {path: kind for kind, path in _landmarks(root, item.path)}
                    if entries := entries_of_nav(root, item.path):
                        return entries, around
        for item in self._items.values():
            if item.kind == "application/x-dtbncx+xml" or item.path.lower().endswith(".ncx"):
                root = self._xml(item.path)
                if root is not None:
                    return entries_of_ncx(root, item.path), around
        return [], around

    def _html(self, path: str) -> Any:
        member = self._member(path)
        if member is None or member.file_size > LARGEST_PAGE:
            return None
        data = self._archive.read(member)
        try:
            return parse_html(html_text(data, self._name).text, self._name)
        except CorpusError:
            return None

    def _guide(self) -> Iterator[tuple[str, str]]:
        for reference in self._opf.iter("{*}reference"):
            kind, href = (reference.get("type") or "").lower(), reference.get("href") or ""
            if kind in _AROUND and "#" not in href:  # with a fragment, the page contains more than that
                yield kind, resolve(self._opf_path, href)

    def _is_around(self, path: str, around: dict[str, str], length: int) -> bool:
        kind = around.get(path, "")
        if not kind and _AROUND_NAME.fullmatch(posixpath.splitext(posixpath.basename(path))[0]):
            kind = "toc" if re.search("toc|nav|contents", path, re.IGNORECASE) else "title-page"
        return bool(kind) and length <= (_LONGEST_CONTENTS if kind == "toc" else _LONGEST_AROUND)

    def _title(self) -> str:
        titles = (" ".join("".join(title.itertext()).split()) for title in self._opf.iter(_DC + "title"))
        return next(filter(None, titles), "")[:300]

    def _author(self) -> str:
        roles: dict[str, list[str]] = {}
        for meta in self._opf.iter("{*}meta"):
            if meta.get("property") == "role":
                roles.setdefault(meta.get("refines") or "", []).append((meta.text or "").strip())
        names = []
        for creator in self._opf.iter(_DC + "creator"):
            role = creator.get("{http://www.idpf.org/2007/opf}role")
            creator_roles = [role] if role else roles.get(f"#{creator.get('id')}", ["aut"])
            if "aut" in creator_roles:
                names.append("".join(creator.itertext()))
        return people(names[:10])


def _without_doctype(data: bytes) -> bytes:
    """XML without its DOCTYPE, which could define entities that expand enormously."""
    start = data.find(b"<!DOCTYPE")
    doctype = _DOCTYPE.match(data, start) if start >= 0 else None
    return data[:start] + data[doctype.end() :] if doctype else data


_DC = "{http://purl.org/dc/elements/1.1/}"


def _landmarks(root: Any, base: str) -> Iterator[tuple[str, str]]:
    for nav in root.iter("nav"):
        if "landmarks" in (nav.get("epub:type") or "").split():
            for link in nav.iter("a"):
                href = link.get("href") or ""
                for kind in (link.get("epub:type") or "").lower().split():
                    if kind in _AROUND and "#" not in href:
                        yield kind, resolve(base, href)
