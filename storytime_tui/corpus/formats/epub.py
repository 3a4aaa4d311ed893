"""EPUB 2 and 3 to a Document: the pages of the spine in order, without cover, title page and the like."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storytime_tui.corpus.document import Document, LeftOut
from storytime_tui.corpus.formats.bylines import people
from storytime_tui.corpus.formats.epub_contents import (
    NavigationEntry,
    entries_of_nav,
    entries_of_ncx,
    join_pages,
)
from storytime_tui.corpus.formats.epub_files import BookFiles, resolve
from storytime_tui.corpus.formats.markup import Page, html_text, parse_html, read_html
from storytime_tui.corpus.formats.page_kinds import AROUND, reason_by_name, reason_to_leave
from storytime_tui.corpus.formats.zip_archive import Archive, BombError
from storytime_tui.errors import CorpusError
from storytime_tui.stopping import stoppable

LARGEST_TEXT = 50 * 1024**2  # characters in one book

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_RIGHTS = ("META-INF/rights.xml", "META-INF/sinf.xml")  # Adobe's, and Apple's
_FONT_ALGORITHMS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_NOT_TEXT = re.compile(
    r"\.(?:otf|ttf|ttc|woff2?|jpe?g|png|gif|svg|webp|mp3|m4a|mp4|css|js|ncx|opf|pdf|smil)$", re.IGNORECASE
)
_PAGE_TYPES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/x-oeb1-document")
_PAGE_NAME = re.compile(r"\.x?html?$", re.IGNORECASE)
_SHOWN = 20  # remarks on single pages


def read_epub(path: Path) -> Document:
    """The text of an e-book. Raises CorpusError if it is damaged, encrypted or not an EPUB; OSError.

    A damaged page is left out and named, if most pages can be read.
    """
    with Archive(path, kind="an EPUB") as archive:
        return _Book(archive).document()


@dataclass(frozen=True)
class _Item:
    """An item of the manifest: its path in the archive, media type and properties."""

    path: str
    kind: str
    properties: str

    def is_nav(self) -> bool:
        return "nav" in self.properties.split()

    def is_page(self) -> bool:
        return self.kind in _PAGE_TYPES or _PAGE_NAME.search(self.path) is not None


class _Book:
    """An open e-book. All paths are inside the archive; paths that lead out of it are ignored."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._name = archive.name
        self._files = BookFiles(archive)
        self._refuse_locked()
        self._opf_path = self._find_opf()
        self._opf = self._files.xml(self._opf_path)
        if self._opf is None:
            raise archive.damaged()
        self._items = self._manifest()
        self._left_out: list[LeftOut] = []
        self._remarks: list[str] = []

    def document(self) -> Document:
        """The book. Raises CorpusError, OSError."""
        spine = self._spine()
        entries, around = self._contents()
        places: dict[str, set[str]] = {}
        for entry in entries:
            places.setdefault(entry.path, set()).add(entry.fragment)
        pages: list[tuple[str, Page]] = []
        missing = length = 0
        for path, aside in stoppable(spine.items()):
            page = self._page(path, frozenset(places.get(path, ())))
            if page is None:
                missing += 1
                continue
            length += len(page.document.text)
            if length > LARGEST_TEXT:
                raise CorpusError(
                    f"{self._name} holds more than {LARGEST_TEXT // 1024**2} MB of text: split it."
                )
            reason = _reason_to_leave(path, page, around, aside=aside)
            if reason and page.document.text:
                self._left_out.append(LeftOut(reason, self._place(path), page.document.text))
            self._left_out += page.document.left_out
            if not reason:
                pages.append((path, page))
        if 2 * missing > len(spine) or not spine:
            raise self._archive.damaged()
        self._leave_out_unlisted(spine)
        text, headings = join_pages(pages, entries)
        return Document(
            text,
            bool(pages) and all(page.document.wrapped for _, page in pages),
            headings,
            self._title(),
            self._author(),
            published=True,
            left_out=tuple(self._left_out),
            remarks=tuple(self._remarks),
        )

    # -- pages ---------------------------------------------------------------------------------------------

    def _page(self, path: str, fragments: frozenset[str]) -> Page | None:
        """A parsed page; None if it is missing, damaged or not a page, which is said."""
        read = self._files.read(path)
        place = self._place(path)
        if read is None:
            self._remark(f"{place.capitalize()} is listed, but is not in the file.")
            return None
        data, whole = read
        page = None
        try:
            decoded = html_text(data, self._name)
            for remark in decoded.remarks:
                self._remark(f"{place.capitalize()}: {remark[:1].lower()}{remark[1:]}")
            source = decoded.text
            page = read_html(
                source,
                self._name,
                fragments,
                styles=self._files.styles(path, source),
                place_of=lambda _first, _last: place,
            )
        except BombError:
            raise
        except CorpusError:
            whole = False
        if whole:
            return page
        self._remark(f"{place.capitalize()} is damaged: it is left out, and the rest is read.")
        self._left_out.append(LeftOut("damaged page", place, page.document.text if page else ""))
        return None

    def _leave_out_unlisted(self, spine: dict[str, bool]) -> None:
        """Name the pages of the book that are not in the order of reading."""
        for path in dict.fromkeys(
            item.path for item in self._items.values() if item.is_page() and not item.is_nav()
        ):
            if path in spine:
                continue
            try:
                read = self._files.read(path)
                page = read_html(html_text(read[0], self._name).text, self._name).document if read else None
            except CorpusError:
                continue
            if page is not None and page.text:
                self._left_out.append(LeftOut("not in the order of reading", self._place(path), page.text))

    def _place(self, path: str) -> str:
        """A page in words, by its path beside the package document: "page text/c1.xhtml"."""
        folder = posixpath.dirname(self._opf_path)
        return f"page {path.removeprefix(folder + '/') if folder else path}"

    def _remark(self, sentence: str) -> None:
        if len(self._remarks) < _SHOWN:
            self._remarks.append(sentence)

    def _refuse_locked(self) -> None:
        locked = CorpusError(
            f"{self._name} is locked against copying (DRM), its text cannot be read: get an edition without it."
        )
        if any(map(self._files.find, _RIGHTS)):
            raise locked
        root = self._files.xml(_ENCRYPTION)
        for data in root.iter("{*}EncryptedData") if root is not None else ():
            algorithms = {method.get("Algorithm") for method in data.iter("{*}EncryptionMethod")}
            paths = [reference.get("URI") or "" for reference in data.iter("{*}CipherReference")]
            if not algorithms <= set(_FONT_ALGORITHMS) and not all(map(_NOT_TEXT.search, paths)):
                raise locked

    # -- metadata ------------------------------------------------------------------------------------------

    def _find_opf(self) -> str:
        """The path of the package document (OPF). Raises CorpusError."""
        root = self._files.xml(_CONTAINER)
        for rootfile in root.iter("{*}rootfile") if root is not None else ():
            if path := self._files.linked("", rootfile.get("full-path") or ""):
                return path
        for path in self._files.paths:
            if path.lower().endswith(".opf"):
                return path
        raise CorpusError(
            f"{self._name} is not an EPUB, or not a whole one: it does not say which pages it has."
        )

    def _manifest(self) -> dict[str, _Item]:
        items = {}
        for item in self._opf.iter("{*}item"):
            href = item.get("href") or ""
            path = self._files.linked(self._opf_path, href) or resolve(self._opf_path, href)
            if path:
                kind, properties = item.get("media-type") or "", item.get("properties") or ""
                items[item.get("id") or path] = _Item(path, kind.lower(), properties)
        return items

    def _spine(self) -> dict[str, bool]:
        """The paths of the pages in the order of reading, and whether each is put beside it (`linear="no"`)."""
        refs = [
            (self._items[ref], each.get("linear") == "no")
            for each in self._opf.iter("{*}itemref")
            if (ref := each.get("idref")) in self._items
        ]
        refs = [(item, aside) for item, aside in refs if not _NOT_TEXT.search(item.path)]
        if not refs:
            refs = [(item, False) for item in self._items.values() if item.is_page() and not item.is_nav()]
        spine: dict[str, bool] = {}
        for item, aside in refs:
            spine[item.path] = spine.get(item.path, True) and aside
        return spine

    def _contents(self) -> tuple[list[NavigationEntry], dict[str, str]]:
        """The table of contents, and what the book calls its pages of front and back matter, by path."""
        around = dict(self._guide())
        linked = self._files.linked
        for item in self._items.values():
            if item.is_nav():
                around.setdefault(item.path, AROUND["toc"])
                root = self._html(item.path)
                if root is not None:
                    around |= _landmarks(root, item.path, self._files)
                    if entries := entries_of_nav(root, item.path, linked):
                        return entries, around
        for item in self._items.values():
            if item.kind == "application/x-dtbncx+xml" or item.path.lower().endswith(".ncx"):
                root = self._files.xml(item.path)
                if root is not None:
                    return entries_of_ncx(root, item.path, linked), around
        return [], around

    def _html(self, path: str) -> Any:
        read = self._files.read(path)
        if read is None or not read[0]:
            return None
        try:
            return parse_html(html_text(read[0], self._name).text, self._name)
        except CorpusError:
            return None

    def _guide(self) -> Iterator[tuple[str, str]]:
        for reference in self._opf.iter("{*}reference"):
            kind, href = (reference.get("type") or "").lower(), reference.get("href") or ""
            if kind in AROUND and "#" not in href:  # with a fragment, the page contains more than that
                yield self._files.linked(self._opf_path, href), AROUND[kind]

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


def _reason_to_leave(path: str, page: Page, around: dict[str, str], *, aside: bool) -> str:
    """Why a page is left out, by what is in it; "" if it stays."""
    document = page.document
    titles = {heading.line for heading in document.headings}
    lines = [line for at, line in enumerate(document.text.split("\n")) if line and at not in titles]
    called = around.get(path, "") or reason_by_name(posixpath.splitext(posixpath.basename(path))[0])
    first = document.text.partition("\n")[0]
    return reason_to_leave(lines, first, called, page.linked, aside=aside)


_DC = "{http://purl.org/dc/elements/1.1/}"


def _landmarks(root: Any, base: str, files: BookFiles) -> dict[str, str]:
    """What a navigation document calls pages of front and back matter, by path."""
    around = {}
    for nav in root.iter("nav"):
        if "landmarks" in (nav.get("epub:type") or "").split():
            for link in nav.iter("a"):
                href = link.get("href") or ""
                for kind in (link.get("epub:type") or "").lower().split():
                    if kind in AROUND and "#" not in href:
                        around[files.linked(base, href)] = AROUND[kind]
    return around
