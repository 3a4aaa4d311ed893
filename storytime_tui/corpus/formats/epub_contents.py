"""An e-book's table of contents, and adding its headings to pages that have none."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from storytime_tui.corpus.document import Heading
from storytime_tui.corpus.formats.epub_cuts import is_cut, joined
from storytime_tui.corpus.formats.markup import Page

_MOST = 5_000  # entries of a table of contents
_NEAR = 4  # non-blank lines after an entry's place that are searched for its heading
_LONGEST_LABEL = 300  # characters


@dataclass(frozen=True)
class NavigationEntry:
    """An entry of the table of contents: its page, the fragment in it ("" for the start), its label and depth."""

    path: str
    fragment: str
    label: str
    depth: int


def entries_of_nav(root: Any, base: str, linked: Callable[[str, str], str]) -> list[NavigationEntry]:
    """The navigation document's table of contents (EPUB 3): nested lists of links.

    `linked(base, href)`: the path that a link in the file `base` leads to.
    """
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
                _add(entries, base, linked, element.get("href") or "", "".join(element.itertext()), depth)
    return entries


def entries_of_ncx(root: Any, base: str, linked: Callable[[str, str], str]) -> list[NavigationEntry]:
    """The NCX table of contents (EPUB 2): nested points. `linked`: as for `entries_of_nav`."""
    from lxml import etree

    entries: list[NavigationEntry] = []
    depth = 0
    for event, point in etree.iterwalk(root, events=("start", "end"), tag="{*}navPoint"):
        depth += 1 if event == "start" else -1
        if event == "start":
            content, label = point.find("{*}content"), point.find("{*}navLabel/{*}text")
            if content is not None and label is not None:
                _add(entries, base, linked, content.get("src") or "", "".join(label.itertext()), depth)
    return entries


def _add(
    entries: list[NavigationEntry],
    base: str,
    linked: Callable[[str, str], str],
    href: str,
    label: str,
    depth: int,
) -> None:
    path = base if href.startswith("#") else linked(base, href)
    label = " ".join(label.split())[:_LONGEST_LABEL]
    if path and label and len(entries) < _MOST:
        entries.append(NavigationEntry(path, unquote(href.partition("#")[2]), label, max(depth, 1)))


# -- headings ---------------------------------------------------------------------------------------------


class _PageLines:
    """A page's lines and headings; headings from the contents are added to them."""

    def __init__(self, page: Page, entries: Sequence[NavigationEntry]) -> None:
        self.lines = page.document.text.split("\n") if page.document.text else []
        self.levels = {heading.line: heading.level for heading in page.document.headings}
        places = [
            (page.places.get(entry.fragment, 0 if not entry.fragment else -1), entry) for entry in entries
        ]
        self.entries = sorted(
            ((place, entry) for place, entry in places if 0 <= place < len(self.lines)),
            key=lambda each: each[0],
        )

    def sections(self) -> list[tuple[int, int, NavigationEntry]]:
        """Each entry with the half-open range of lines it is the heading of."""
        ends = [place for place, _ in self.entries[1:]] + [len(self.lines)]
        return [(place, end, entry) for (place, entry), end in zip(self.entries, ends, strict=False)]

    def level_at(self, start: int, end: int, label: str) -> int:
        """The level of the heading that a section already has; 0 if it has none."""
        words = _words(label)
        before = next((line for line in range(start - 1, -1, -1) if self.lines[line]), -1)
        # the entry's place may be just below its heading
        if before in self.levels and _words(self.lines[before]) in words:
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
        """Mark the lines at `start` that repeat the label as a heading; if there are none, insert one."""
        words = _words(label)
        matched = ""
        for line in self._near(start, max(end, start + 1)):
            here = _words(self.lines[line])
            if not here or not words.startswith(matched + here):
                break
            self.levels[line] = min(level + bool(matched), 6)
            matched += here
        if not matched:
            new = [label, ""] if start == 0 or not self.lines[start - 1] else ["", label, ""]
            self.lines[start:start] = new
            self.levels = {n + len(new) * (n >= start): other for n, other in self.levels.items()}
            self.levels[start + new.index(label)] = level

    def _near(self, start: int, end: int) -> list[int]:
        return [line for line in range(start, min(end, start + 2 * _NEAR)) if self.lines[line]][:_NEAR]


def join_pages(
    pages: Sequence[tuple[str, Page]], entries: Sequence[NavigationEntry]
) -> tuple[str, tuple[Heading, ...]]:
    """The pages as one text, with their headings. A section without a heading gets one from the contents.

    If the page shows the label as plain lines, these become the heading; otherwise a line is added. Its level is the
    usual one for headings of that depth in this book. A paragraph that is cut between two pages becomes one.
    """
    by_page: dict[str, list[NavigationEntry]] = {}
    for entry in entries:
        by_page.setdefault(entry.path, []).append(entry)
    all_lines = [_PageLines(page, by_page.get(path, ())) for path, page in pages]
    missing: list[tuple[_PageLines, int, int, NavigationEntry]] = []
    votes: dict[int, Counter[int]] = {}
    for page_lines in all_lines:
        for start, end, entry in page_lines.sections():
            if level := page_lines.level_at(start, end, entry.label):
                votes.setdefault(entry.depth, Counter())[level] += 1
            else:
                missing.append((page_lines, start, end, entry))
    for page_lines, start, end, entry in reversed(
        missing
    ):  # backwards, so that earlier line numbers stay valid
        usual = votes[entry.depth].most_common(1)[0][0] if entry.depth in votes else min(entry.depth, 6)
        page_lines.add_heading(start, end, entry.label, usual)
    lines: list[str] = []
    headings: list[Heading] = []
    last_levels: dict[int, int] = {}
    before: list[str] = []
    for page_lines in all_lines:
        own, levels = page_lines.lines, page_lines.levels
        if not own:
            continue
        if 0 not in levels and len(before) - 1 not in last_levels and is_cut(before, own):
            lines[-1:] = [joined(lines[-1], own[0])]
            headings += [Heading(len(lines) - 1 + line, level) for line, level in sorted(levels.items())]
            lines += own[1:]
        else:
            lines += [""] if lines else []
            headings += [Heading(len(lines) + line, level) for line, level in sorted(levels.items())]
            lines += own
        before, last_levels = own, levels
    return "\n".join(lines), tuple(headings)


def _words(text: str) -> str:
    """The letters and digits of a line, case-folded, for comparison."""
    return re.sub(r"[\W_]+", "", text.casefold())
