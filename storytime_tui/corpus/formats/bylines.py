"""A book's title and author, from a page's metadata or from an e-book's list of names."""

import re
from typing import Any

_TITLE_NAMES = ("dc.title", "dcterms.title", "og:title", "citation_title")
_AUTHOR_NAMES = ("author", "dc.creator", "dcterms.creator", "citation_author", "book:author")
_LONGEST_NAME = 300  # characters
_GUTENBERG = re.compile(
    r"(?:The )?Project Gutenberg(?:'s|’s)?(?: [EeDd][- ]?(?:Book|book|Text|text))?(?: of|,)? (?P<of>.+)"
    r"|(?P<before>.+?) (?:\||-|—) Project Gutenberg"
)
# Behind a title: the site that shows it
_SITE = re.compile(
    r" +[-–—|•:] +(?:(?:[A-Za-z]+ )?Wikisource|Wikipedia|Wiktionary|Archive of Our Own|AO3|Royal Road|Wattpad"
    r"|FanFiction|Fandom|Medium|Tumblr|Project Gutenberg)\b.*$"
)
_FANFIC = re.compile(r"(?: Chapter \d+(?:: .*?)?)?, an? .{1,100}? fanfic$")
_DATES = re.compile(r",? *\(?(?:b\. |d\. |ca\. )?[0-9]{3,4}\??(?: *[-–] *(?:[0-9]{3,4}\??)?)?\)?\.?$")


def title_and_author(root: Any, heading: str | None = None) -> tuple[str, str]:
    """A page's title and author, one line each; "" if it does not name them.

    `heading`: the page's main heading, "" if it has several and None if it has none. The <title> is often the
    site's name, so it counts only for a page without headings or of Project Gutenberg.
    """
    metas: dict[str, list[str]] = {}
    for meta in root.iter("meta"):
        name = (meta.get("name") or meta.get("property") or "").lower()
        if (content := _one_line(meta.get("content") or "")) and len(metas) < 100:
            metas.setdefault(name, []).append(content)
    element = next(iter(root.iter("title")), None)
    in_head = _one_line("".join(element.itertext())) if element is not None else ""
    title = next((metas[name][0] for name in _TITLE_NAMES if name in metas), in_head)
    author = next((people(metas[name]) for name in _AUTHOR_NAMES if name in metas), "")
    if gutenberg := _GUTENBERG.fullmatch(title):
        title = gutenberg["of"] or gutenberg["before"]
        book, by, writer = title.rpartition(", by ")
        if by:
            title, author = book, author or writer
    elif heading is not None:
        title = heading
    else:
        title = _FANFIC.sub("", _SITE.sub("", title))
    return title, author


def people(names: list[str]) -> str:
    """Several names joined, first names first: "Carroll, Lewis, 1832-1898" becomes "Lewis Carroll"."""
    people_names = []
    for name in names:
        name = re.sub(r"(?<=\w{3})\.$", "", _DATES.sub("", _one_line(name)))
        last, comma, first = name.partition(", ")
        people_names.append(f"{first} {last}" if comma and "," not in first else name)
    return " and ".join(dict.fromkeys(filter(None, people_names)))


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_NAME]
