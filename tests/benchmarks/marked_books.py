"""How well books of other kinds come out: a play, a Standard Ebooks e-book, a German novel, marked by hand.

    python -m tests.benchmarks.marked_books FOLDER [--errors]

FOLDER holds the books; each file in `marked/` says which file it marks and where it is from. A book is known by its
hash, whatever its name. A truth file holds line numbers only. The lines of an e-book are those of its pages' source,
one page after another in the order of its spine, without tags.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import posixpath
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from tests.corpus.truth_tools import (
    Truth,
    line_counts,
    lines_of,
    marking_faults,
    missing_titles,
    output_of,
    shown_titles,
    tales_of,
    total,
    truth_of,
)

MARKED = Path(__file__).parent / "marked"
_ITEM = re.compile(r"<item\b[^>]*>")
_ITEMREF = re.compile(r"<itemref\b[^>]*\bidref=\"([^\"]+)\"")


@dataclass(frozen=True)
class Figures:
    """What came of a marked book: words kept and all words, of the story and of the rest; its tales and titles."""

    story: tuple[int, int]
    drop: tuple[int, int]
    tales: int
    chapters: int
    missing: tuple[str, ...]


def marked() -> list[Truth]:
    """The marked books, which stand elsewhere."""
    return [truth_of(path) for path in sorted(MARKED.glob("*.toml"))]


def pages_of(path: Path) -> list[bytes]:
    """The source of an e-book's pages, in the order of its spine."""
    with zipfile.ZipFile(path) as book:
        opf = next(name for name in book.namelist() if name.endswith(".opf"))
        package = book.read(opf).decode()
        folder = posixpath.dirname(opf)
        places = {}
        for item in _ITEM.findall(package):
            fields = dict(re.findall(r"([\w-]+)=\"([^\"]*)\"", item))
            places[fields["id"]] = posixpath.join(folder, unquote(fields["href"]))
        return [book.read(places[reference]) for reference in _ITEMREF.findall(package)]


def raw_lines(path: Path) -> list[str]:
    """The lines of a book as its truth file counts them."""
    if path.suffix != ".epub":
        return lines_of(path)
    source = "\n".join(page.decode() for page in pages_of(path))
    return [" ".join(html.unescape(re.sub("<[^>]*>", "", line)).split()) for line in source.split("\n")]


def digest_of(path: Path) -> str:
    """The hash by which a book is known: of its bytes, or of its pages' (a zip file's bytes vary with its maker)."""
    data = b"\n".join(pages_of(path)) if path.suffix == ".epub" else path.read_bytes()
    return hashlib.sha256(data).hexdigest()


def figures_of(path: Path, truth: Truth) -> Figures:
    """What the program makes of a marked book."""
    lines, tales = raw_lines(path), tales_of(path)
    assert marking_faults(lines, truth.ranges) == []
    counts = line_counts(lines, output_of(tales))
    missing = missing_titles(lines, truth.ranges["title"], shown_titles(tales))
    story, drop = total(counts, truth.ranges["story"]), total(counts, truth.ranges["drop"])
    return Figures(story, drop, len(tales), sum(len(tale.chapters) for tale in tales), tuple(missing))


def wrong_lines(path: Path, truth: Truth) -> list[str]:
    """The lines of the story that lost words, and the others that kept some."""
    lines = raw_lines(path)
    counts = line_counts(lines, output_of(tales_of(path)))
    found = []
    for kind in ("story", "drop"):
        for number in (n for first, last in truth.ranges[kind] for n in range(first, last + 1)):
            count = counts[number - 1]
            if count.kept < count.words if kind == "story" else count.kept:
                words = f"{count.kept} of {count.words} words"
                found.append(f"{kind} {number} ({words}) {lines[number - 1].strip()[:80]}")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table of the marked books that are in the folder."""
    parser = argparse.ArgumentParser(description="Measure books of other kinds that were marked by hand.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--errors", action="store_true", help="the lines that went wrong")
    options = parser.parse_args(arguments)
    books = [path for path in sorted(options.folder.rglob("*")) if path.suffix in (".txt", ".epub")]
    by_digest = {digest_of(path): path for path in books}
    print(f"{'book':24}{'story kept':>12}{'dropped':>10}{'tales':>7}{'chapters':>10}{'titles found':>14}")
    for truth in marked():
        path = by_digest.get(truth.sha256)
        if path is None:
            print(f"{truth.name:24} not in this folder")
            continue
        found = figures_of(path, truth)
        kept, dropped = found.story[0] / found.story[1], 1 - found.drop[0] / found.drop[1]
        titles = len(truth.ranges["title"])
        print(
            f"{truth.name:24}{kept:12.3%}{dropped:10.3%}{found.tales:7}{found.chapters:10}"
            f"{titles - len(found.missing):8} of {titles}"
        )
        if options.errors:
            print(*(f"    {line}" for line in wrong_lines(path, truth)), sep="\n")
            print(*(f"    no such title: {title}" for title in found.missing), sep="\n")


if __name__ == "__main__":
    main()
