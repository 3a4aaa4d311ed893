"""A PDF's text layer to a Document, by pypdf, which is an extra: its pages become a text with form feeds."""

import logging
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from storytime_tui.corpus.document import Document, LeftOut
from storytime_tui.corpus.formats.bylines import people
from storytime_tui.corpus.formats.ordinary import open_ordinary
from storytime_tui.corpus.formats.paragraphs import real_author, real_title
from storytime_tui.corpus.formats.plain import plain_document
from storytime_tui.errors import CorpusError
from storytime_tui.stopping import check_stop

LARGEST_TEXT = 50 * 1024**2  # characters
_MOST_PAGES = 20_000
_LARGEST_PAGE = 4 * 1024**2  # bytes of a page's drawing commands; a page of text has 20 kB
_ALIKE = 0.6  # of the lines: if so many have the same distance, that is the distance of lines
_LEAST = 0.8  # of a page's words: what is laid out must have so many, or the page is read as it comes
_WORD = re.compile(r"\w+")
_APART = re.compile(r"(?<=[\u3040-\u30ff\u3400-\u9fff]) (?=[\u3040-\u30ff\u3400-\u9fff])")


def read_pdf(path: Path, name: str) -> Document:
    """The text layer of a PDF. Raises CorpusError without pypdf, and for a PDF that is locked, damaged or all pictures.

    OSError for the file itself.
    """
    try:
        import pypdf
    except ImportError:
        raise CorpusError(
            f"{name} is a PDF, which takes one more package: `pip install 'storytime-tui[pdf]'`, then add it again."
        ) from None
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what is odd in a file is said below
    left_out: list[LeftOut] = []
    with open_ordinary(path, name) as file:
        if b"%PDF-" not in file.read(1024):
            raise CorpusError(f"{name} is not a PDF despite its name: get it again.")
        file.seek(0)
        try:
            reader = pypdf.PdfReader(file, strict=False)
            if reader.is_encrypted and not reader.decrypt(""):
                raise _locked(name)
            count = len(reader.pages)
        except CorpusError:
            raise
        except Exception as error:  # pypdf raises many kinds, its own and Python's
            if type(error).__name__ in ("DependencyError", "FileNotDecryptedError"):
                raise _locked(name) from error
            raise CorpusError(f"{name} is damaged or cut off: get it again.") from error
        if count > _MOST_PAGES:
            raise CorpusError(f"{name} has more than {_MOST_PAGES:,} pages: split it.")
        pages = []
        length = 0
        for number in range(count):
            check_stop()
            text = _text_of(reader, number)
            if text is None:
                left_out.append(LeftOut("damaged page", f"page {number + 1}", ""))
            pages.append(text or "")
            length += len(pages[-1])
            if length > LARGEST_TEXT:
                raise CorpusError(f"{name} holds more than {LARGEST_TEXT // 1024**2} MB of text: split it.")
        title, author = _facts(reader)
    return _document(pages, title, author, tuple(left_out), name)


def _locked(name: str) -> CorpusError:
    return CorpusError(f"{name} is locked with a password: save a copy without one, and add that.")


def _text_of(reader: Any, number: int) -> str | None:
    """A page's text as it is laid out, or as it comes if that fails; None for a damaged page."""
    try:
        page = reader.pages[number]
        contents = page.get_contents()
        if contents is not None and len(contents.get_data()) > _LARGEST_PAGE:
            return None
        as_it_comes: str = page.extract_text()
    except Exception:
        return None
    try:
        laid_out: str = page.extract_text(extraction_mode="layout", layout_mode_strip_rotated=False)
    except Exception:
        return _clean(as_it_comes)
    if len(_WORD.findall(laid_out)) < _LEAST * len(_WORD.findall(as_it_comes)) or _APART.search(laid_out):
        return _clean(as_it_comes)
    return _clean(laid_out)


def _clean(text: str) -> str:
    """A page's text without what would part it: form feeds, NUL, halves of characters."""
    text = text.replace("\f", "\n").replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _facts(reader: Any) -> tuple[str, str]:
    try:
        facts = reader.metadata
        return str(facts.title or ""), str(facts.author or "")
    except Exception:  # none, or damaged
        return "", ""


def _document(
    pages: Sequence[str], title: str, author: str, left_out: tuple[LeftOut, ...], name: str
) -> Document:
    blank = [number for number, page in enumerate(pages) if not page.strip()]
    if len(blank) == len(pages):
        raise CorpusError(
            f"{name} has no text, only pictures of pages: let a program such as ocrmypdf read them, and add what it "
            "makes."
        )
    remarks = []
    if blank:
        remarks.append(
            f"{len(blank):,} of the {len(pages):,} pages have no text: they are blank or pictures."
        )
    text = "\n\f".join(_at_the_margin(_closed_up([page.split("\n") for page in pages])))
    read = plain_document(text)
    return replace(
        read,
        title=real_title(title),
        author=real_author(people([author])),
        left_out=(*left_out, *read.left_out),
        remarks=(*read.remarks, *remarks),
    )


def _closed_up(pages: Sequence[list[str]]) -> list[list[str]]:
    """The pages without the blank lines that stand between all lines of a text with wide spacing."""
    gaps: Counter[int] = Counter()
    for page in pages:
        filled = [line for line, shown in enumerate(page) if shown.strip()]
        gaps.update(after - before - 1 for before, after in pairwise(filled))
    usual, many = gaps.most_common(1)[0] if gaps else (0, 0)
    if not usual or many < _ALIKE * gaps.total():
        return [list(page) for page in pages]
    closed = []
    for page in pages:
        lines: list[str] = []
        blank = 0
        for line in page:
            if line.strip():
                lines += [""] * max(blank - usual, 0) if lines else []
                lines.append(line)
                blank = 0
            else:
                blank += 1
        closed.append(lines)
    return closed


def _at_the_margin(pages: Sequence[list[str]]) -> list[str]:
    """The pages with their lines moved left, so that only paragraphs' first lines and the like are indented."""
    moved = []
    for page in pages:
        columns = Counter(len(line) - len(line.lstrip(" ")) for line in page if line.strip())
        usual = min((column for column, many in columns.items() if 3 * many >= columns.total()), default=0)
        moved.append(
            "\n".join(line[min(usual, len(line) - len(line.lstrip(" "))) :].rstrip() for line in page)
        )
    return moved
