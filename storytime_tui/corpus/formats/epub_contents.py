"""An e-book's table of contents, and the headings that it gives to pages that have none."""

import posixpath
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from storytime_tui.corpus.document import Heading
from storytime_tui.corpus.formats.markup import Page

_MOST = 5_000  # entries of one table of contents
_NEAR = 4  # lines with words in which a heading's words may stand after its place
_LONGEST_LABEL = 300  # characters


@dataclass(frozen=True)
class NavigationEntry:
    """A line of the contents: the page that it leads to, the place in that ("": its beginning), words, depth."""

    path: str
    fragment: str
    label: str
    depth: int


def entries_of_nav(root: Any, base: str) -> list[NavigationEntry]:
    """The contents that a page has for its readers (EPUB 3): lists within lists, of links."""
    from lxml import etree

    entries: list[NavigationEntry] = []
    for nav in root.iter("nav"):
        if "toc" not in (nav.get("epub:type") or nav.get("role") or "").replace("doc-", "").split():
            continue
        depth = 0
        for event, element in etree.iterwalk(nav, events=("start", "end"), tag=("ol", "ul", "a")):
            if element.tag != "a":
                depth += 1 if event == "start" else -1
            elif event == "start":
                _add(entries, base, element.get("href") or "", "".join(element.itertext()), depth)
    return entries


def entries_of_ncx(root: Any, base: str) -> list[NavigationEntry]:
    """The contents as EPUB 2 keeps them: points within points."""
    from lxml import etree

    entries: list[NavigationEntry] = []
    depth = 0
    for event, point in etree.iterwalk(root, events=("start", "end"), tag="{*}navPoint"):
        depth += 1 if event == "start" else -1
        if event == "start":
            content, label = point.find("{*}content"), point.find("{*}navLabel/{*}text")
            if content is not None and label is not None:
                _add(entries, base, content.get("src") or "", "".join(label.itertext()), depth)
    return entries


def _add(entries: list[NavigationEntry], base: str, href: str, label: str, depth: int) -> None:
    path = resolve(base, href) or (base if href.startswith("#") else "")
    label = " ".join(label.split())[:_LONGEST_LABEL]
    if path and label and len(entries) < _MOST:
        entries.append(NavigationEntry(path, href.partition("#")[2], label, max(depth, 1)))


def within(path: str) -> str:
    """A path in the archive as it is written plainly; "" for one that leads out of the archive."""
    path = path.replace("\\", "/")
    if not path or path.startswith("/") or ":" in path.partition("/")[0] or "\0" in path:
        return ""
    path = posixpath.normpath(path)
    return "" if path in (".", "..") or path.startswith("../") else path


def resolve(base: str, href: str) -> str:
    """The path in the archive that a link in the file `base` leads to; "" for one that leads out of it."""
    path = unquote(href.partition("#")[0])
    if not path or path.startswith(("/", "\\")) or ":" in path.partition("/")[0]:
        return ""
    return within(posixpath.join(posixpath.dirname(base), path))


# -- headings ---------------------------------------------------------------------------------------------


class _Leaf:
    """A page's lines and headings, while the contents' headings are put to them."""

    def __init__(self, page: Page, entries: Sequence[NavigationEntry]) -> None:
        self.lines = page.document.text.split("\n") if page.document.text else []
        self.levels = {heading.line: heading.level for heading in page.document.headings}
        found = [
            (page.places.get(entry.fragment, 0 if not entry.fragment else -1), entry) for entry in entries
        ]
        self.entries = sorted(
            ((place, entry) for place, entry in found if 0 <= place < len(self.lines)),
            key=lambda each: each[0],
        )

    def sections(self) -> list[tuple[int, int, NavigationEntry]]:
        """Each entry of the contents with the half-open range of lines that it is the heading of."""
        ends = [place for place, _ in self.entries[1:]] + [len(self.lines)]
        return [(place, end, entry) for (place, entry), end in zip(self.entries, ends, strict=False)]

    def level_at(self, start: int, end: int, label: str) -> int:
        """The level of the heading that this section has already; 0 where it has none."""
        words = _words(label)
        before = next((line for line in range(start - 1, -1, -1) if self.lines[line]), -1)
        if (
            before in self.levels and _words(self.lines[before]) in words
        ):  # the place is just below its heading
            return self.levels[before]
        for line in self._near(start, max(end, start + 1)):
            if line in self.levels:
                return self.levels[line]
        return next(
            (
                self.levels[n]
                for n in range(start, end)
                if n in self.levels and _words(self.lines[n]) == words
            ),
            0,
        )

    def add_heading(self, start: int, end: int, label: str, level: int) -> None:
        """Make the lines at `start` that say what the contents say a heading; otherwise put one there."""
        words = _words(label)
        said = ""
        for line in self._near(start, max(end, start + 1)):
            here = _words(self.lines[line])
            if not here or not words.startswith(said + here):
                break
            self.levels[line] = min(level + bool(said), 6)
            said += here
        if not said:
            new = [label, ""] if start == 0 or not self.lines[start - 1] else ["", label, ""]
            self.lines[start:start] = new
            self.levels = {n + len(new) * (n >= start): other for n, other in self.levels.items()}
            self.levels[start + new.index(label)] = level

    def _near(self, start: int, end: int) -> list[int]:
        return [line for line in range(start, min(end, start + 2 * _NEAR)) if self.lines[line]][:_NEAR]


def join_pages(
    pages: Sequence[tuple[str, Page]], entries: Sequence[NavigationEntry]
) -> tuple[str, tuple[Heading, ...]]:
    """The pages as one text, with their headings; a section that has none takes its words from the contents.

    Where a page shows those words as plain lines, they are the heading; otherwise a line of them is added. It
    gets the level that headings of the same depth have in this book.
    """
    by_page: dict[str, list[NavigationEntry]] = {}
    for entry in entries:
        by_page.setdefault(entry.path, []).append(entry)
    leaves = [_Leaf(page, by_page.get(path, ())) for path, page in pages]
    bare: list[tuple[_Leaf, int, int, NavigationEntry]] = []
    votes: dict[int, Counter[int]] = {}
    for leaf in leaves:
        for start, end, entry in leaf.sections():
            if level := leaf.level_at(start, end, entry.label):
                votes.setdefault(entry.depth, Counter())[level] += 1
            else:
                bare.append((leaf, start, end, entry))
    for leaf, start, end, entry in reversed(bare):  # from the last line on, so that the others keep theirs
        usual = votes[entry.depth].most_common(1)[0][0] if entry.depth in votes else min(entry.depth, 6)
        leaf.add_heading(start, end, entry.label, usual)
    lines: list[str] = []
    headings: list[Heading] = []
    for leaf in leaves:
        if lines and leaf.lines:
            lines.append("")
        headings += (Heading(len(lines) + line, level) for line, level in sorted(leaf.levels.items()))
        lines += leaf.lines
    return "\n".join(lines), tuple(headings)


def _words(text: str) -> str:
    """The letters and digits of a line, to compare it by."""
    return re.sub(r"[\W_]+", "", text.casefold())
