"""Who wrote a book, and what it is called: as the head of a page says it, or the list of an e-book."""

import re
from typing import Any

_TITLE_NAMES = ("dc.title", "dcterms.title", "og:title", "citation_title")
_AUTHOR_NAMES = ("author", "dc.creator", "dcterms.creator", "citation_author", "book:author")
_LONGEST_NAME = 300  # characters
_GUTENBERG = re.compile(
    r"(?:The )?Project Gutenberg(?:'s|’s)?(?: [EeDd][- ]?(?:Book|book|Text|text))?(?: of|,)? (?P<of>.+)"
    r"|(?P<before>.+?) (?:\||-|—) Project Gutenberg"
)
_DATES = re.compile(r",? *\(?(?:b\. |d\. |ca\. )?[0-9]{3,4}\??(?: *[-–] *(?:[0-9]{3,4}\??)?)?\)?\.?$")


def title_and_author(root: Any, heading: str | None = None) -> tuple[str, str]:
    """What a page says of itself, in one line each; "" where it does not say.

    `heading`: its main heading, "" where it has several and None where it has none. What its head calls it is
    the site's name as often as not, and counts only without headings, or as Project Gutenberg's.
    """
    said: dict[str, list[str]] = {}
    for meta in root.iter("meta"):
        name = (meta.get("name") or meta.get("property") or "").lower()
        if (content := _one_line(meta.get("content") or "")) and len(said) < 100:
            said.setdefault(name, []).append(content)
    element = next(iter(root.iter("title")), None)
    in_head = _one_line("".join(element.itertext())) if element is not None else ""
    title = next((said[name][0] for name in _TITLE_NAMES if name in said), in_head)
    author = next((people(said[name]) for name in _AUTHOR_NAMES if name in said), "")
    if found := _GUTENBERG.fullmatch(title):
        title = found["of"] or found["before"]
        book, by, writer = title.rpartition(", by ")
        if by:
            title, author = book, author or writer
    elif heading is not None:
        title = heading
    return title, author


def people(names: list[str]) -> str:
    """Several names as people say them: "Carroll, Lewis, 1832-1898" is "Lewis Carroll"."""
    said = []
    for name in names:
        name = re.sub(r"(?<=\w{3})\.$", "", _DATES.sub("", _one_line(name)))
        last, comma, first = name.partition(", ")
        said.append(f"{first} {last}" if comma and "," not in first else name)
    return " and ".join(dict.fromkeys(filter(None, said)))


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_NAME]
