"""The XML files in a document that is a zip file (.docx, .odt) or XML itself (.fb2), parsed within limits."""

import codecs
import re
from collections.abc import Iterator
from html.entities import html5
from typing import Any

from storytime_tui.corpus.formats.zip_archive import Archive, member_name
from storytime_tui.errors import CorpusError

_MOST_TAGS = 4_000_000  # each takes about 100 bytes of memory
_DOCTYPE = re.compile(rb"<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.DOTALL)
_ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]{0,31});")
_OF_XML = ("amp", "lt", "gt", "quot", "apos")
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_PREFIX = re.compile(r"\{[^}]*\}")


class Parts:
    """The members of an open archive by their path; case is ignored if necessary."""

    def __init__(self, archive: Archive) -> None:
        self.name = archive.name
        self._archive = archive
        self._members = {
            member_name(member).replace("\\", "/").lstrip("/"): member for member in archive.members()
        }
        self._small = {path.lower(): path for path in self._members}

    def paths(self) -> list[str]:
        """The paths of all members, sorted."""
        return sorted(self._members)

    def root(self, path: str) -> Any:
        """The root element of a member; None if there is none or it is no XML. Raises CorpusError, OSError."""
        member = self._members.get(path) or self._members.get(self._small.get(path.lower(), ""))
        return None if member is None else parse_xml(self._archive.read(member), self.name)

    def damaged(self) -> CorpusError:
        """The error for a file that lacks what makes it a document."""
        return self._archive.damaged()


def parse_xml(data: bytes, name: str) -> Any:
    """The root element of XML, parsed leniently and without its DOCTYPE; None if there is none.

    Raises CorpusError for more markup than any book has. `name` is for messages.
    """
    from lxml import etree

    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = _DECLARATION.sub("", data.decode("utf-16", "replace")).encode("utf-8", "replace")
    if data.count(b"<") > _MOST_TAGS:
        raise CorpusError(f"{name} holds more markup than any book: save its text as .txt.")
    start = data.find(b"<!DOCTYPE")
    doctype = (
        _DOCTYPE.match(data, start) if start >= 0 else None
    )  # it could define entities that expand enormously
    if doctype:
        data = data[:start] + data[doctype.end() :]
    data = _ENTITY.sub(_character, data)
    parser = etree.XMLParser(
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,  # a text of more than 10 MB; the depth is still limited
    )
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError):  # LookupError: an encoding that does not exist
        return None


def _character(entity: "re.Match[bytes]") -> bytes:
    """An entity of HTML as XML knows it; nothing for one that only the DOCTYPE could define."""
    name = entity[1].decode("ascii")
    if name in _OF_XML:
        return entity[0]
    return "".join(f"&#{ord(each)};" for each in html5.get(f"{name};", "")).encode("ascii")


def local(element: Any) -> str:
    """An element's name without its namespace, which differs between versions of a format."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Any, name: str) -> str:
    """An attribute's value by its name without a namespace; "" if it is missing."""
    for key, value in element.attrib.items():
        if _PREFIX.sub("", key) == name:
            return str(value)
    return ""


def children(element: Any, *names: str) -> Iterator[Any]:
    """The children with one of these names."""
    return (child for child in element if local(child) in names) if element is not None else iter(())


def child(element: Any, *path: str) -> Any:
    """The first descendant along a path of names; None if there is none."""
    for name in path:
        element = next(children(element, name), None)
    return element


def words_in(root: Any, *names: str) -> str:
    """The text of the first element with one of these names; "" if there is none."""
    if root is None:
        return ""
    found = ("".join(element.itertext()) for element in root.iter() if local(element) in names)
    return next((text for text in (" ".join(each.split()) for each in found) if text), "")
