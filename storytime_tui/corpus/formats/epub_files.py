"""The files of an e-book's archive: found by their paths, however these are written, and parsed leniently."""

from __future__ import annotations

import posixpath
import re
import unicodedata
import zipfile
from typing import Any
from urllib.parse import unquote

from storytime_tui.corpus.formats.markup_styles import Styles, styles_of
from storytime_tui.corpus.formats.xml_parts import parse_xml
from storytime_tui.corpus.formats.zip_archive import Archive, member_name

LARGEST_PAGE = 20 * 1024**2  # bytes; parsing a page takes ten times its size in memory
_MOST_SHEETS = 20  # style sheets of a page


class BookFiles:
    """The members of an e-book by path. Paths that lead out of the archive lead nowhere."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._members = {within(member_name(member)): member for member in archive.members()}
        self._members.pop("", None)
        self._alike = {_folded(path): path for path in reversed(self._members)}
        self._sheets: dict[str, Styles] = {}

    @property
    def paths(self) -> list[str]:
        """The paths of all files, sorted."""
        return sorted(self._members)

    def find(self, path: str) -> str:
        """The path as the archive has it: capitals and composed letters (é as one or two signs) may differ; or ""."""
        return path if path in self._members else self._alike.get(_folded(path), "") if path else ""

    def linked(self, base: str, href: str) -> str:
        """The path of the file that a link in the file `base` leads to; "" if there is none.

        Tried in turn: as the standard says, with %-signs as they stand, and from the archive's top.
        """
        for path in (resolve(base, href), _joined(base, _place(href)), resolve("", href)):
            if found := self.find(path):
                return found
        return ""

    def read(self, path: str) -> tuple[bytes, bool] | None:
        """A file's bytes, and whether they are whole; None if there is none. Raises CorpusError, OSError."""
        member = self._member(path)
        if member is None:
            return None
        return (b"", False) if member.file_size > LARGEST_PAGE else self._archive.readable_part(member)

    def xml(self, path: str) -> Any:
        """The root of an XML file, parsed leniently; None if there is no such file. Raises CorpusError, OSError."""
        read = self.read(path)
        if read is None or not read[0]:
            return None
        return parse_xml(read[0], self._archive.name)

    def styles(self, path: str, source: str) -> Styles:
        """The rules of the style sheets that a page's source links to. Raises CorpusError, OSError."""
        styles = Styles()
        for link in _LINK.findall(source[:20_000])[:_MOST_SHEETS]:
            if "stylesheet" in link.lower() and (href := _HREF.search(link)):
                styles += self._sheet(self.linked(path, href[1] or href[2]))
        return styles

    def _sheet(self, path: str) -> Styles:
        if path not in self._sheets:
            read = self.read(path)
            self._sheets[path] = styles_of(read[0].decode("utf-8", "replace")) if read else Styles()
        return self._sheets[path]

    def _member(self, path: str) -> zipfile.ZipInfo | None:
        return self._members.get(self.find(path))


_LINK = re.compile(r"<link\s[^<>]*>", re.IGNORECASE)
_HREF = re.compile(r"""href\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)


def within(path: str) -> str:
    """A normalised path in the archive; "" if it leads out of the archive."""
    path = path.replace("\\", "/")
    if not path or path.startswith("/") or ":" in path.partition("/")[0] or "\0" in path:
        return ""
    path = posixpath.normpath(path)
    return "" if path in (".", "..") or path.startswith("../") else path


def resolve(base: str, href: str) -> str:
    """The path in the archive that a link in the file `base` leads to; "" if it leads out of the archive.

    A leading slash means the archive's top.
    """
    return _joined(base, unquote(_place(href)))


def _place(href: str) -> str:
    """A link without its fragment and query."""
    return href.strip().partition("#")[0].partition("?")[0]


def _joined(base: str, path: str) -> str:
    if not path or path.startswith("//") or ":" in path.partition("/")[0]:
        return ""
    if path.startswith(("/", "\\")):
        return within(path[1:])
    return within(posixpath.join(posixpath.dirname(base), path))


def _folded(path: str) -> str:
    """A path for comparison: case and the way to write an accented letter don't count."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
