"""A cache of prepared stories: files are read, cleaned and divided once, and open in milliseconds afterwards."""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from storytime_tui import disk_cache, files, small_files, stopping
from storytime_tui.corpus.account import account_of
from storytime_tui.corpus.arrays import ArrayWriter, open_array
from storytime_tui.corpus.cleaning.clean import CLEANING_VERSION
from storytime_tui.corpus.collection import CACHE_INDEX, Story, facts_of
from storytime_tui.corpus.dividing.divide import read_book
from storytime_tui.corpus.document import Account, Omitted, Tale
from storytime_tui.corpus.file_names import ending_of, stem_of
from storytime_tui.corpus.formats import archives
from storytime_tui.corpus.formats.read import READING_VERSION, read_document
from storytime_tui.corpus.formats.registry import ARCHIVES
from storytime_tui.corpus.library.put_back import put_back_tales, with_tales
from storytime_tui.corpus.names import short_line, title_from_name
from storytime_tui.corpus.story_table import StoryTable, TableBuilder, read_columns, write_columns
from storytime_tui.errors import CorpusError
from storytime_tui.reporting import Progress
from storytime_tui.terminal import printable_line, printable_path

_FORMAT = 6
_TEXTS, _SKETCHES, _TABLE, _INDEX = "stories.txt", "sketches.npy", "stories.npz", CACHE_INDEX
_LARGEST_INDEX = 256_000_000  # bytes: a collection may have a million files


@dataclass(frozen=True)
class Source:
    """A file to read, and its name within its collection (with slashes for folders).

    `origin`: for a copied file, where it came from, for messages. `put_back`: parts of it, or of a file in it if it is
    an archive, that its owner put back (`file:place`).
    """

    path: Path
    name: str
    origin: str = ""
    put_back: tuple[str, ...] = ()

    def shown(self, sentence: str) -> str:
        """A sentence about the file, with its path replaced by its origin."""
        return sentence.replace(printable_path(self.path), self.origin) if self.origin else sentence


@dataclass(frozen=True)
class Prepared:
    """The stories of some files, in the files' order, and a sentence for each file without a story.

    Stories' titles are never "" but may occur twice. `titles` and `authors`: of the books in the files, as the
    files give them, without repetitions. `accounts`: one for each file that was read.
    """

    stories: Sequence[Story]
    problems: tuple[str, ...]
    titles: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    accounts: tuple[Account, ...] = ()


@dataclass(frozen=True)
class _Reading:
    """How files are read: whether quotes become ASCII, and the column that holds the texts of data sets."""

    plain: bool
    column: str


def prepare_sources(
    sources: Sequence[Source],
    cache_folder: Path,
    *,
    plain: bool = True,
    column: str = "",
    on_progress: Progress | None = None,
) -> Prepared:
    """The stories of files: from the cache, or made now and stored there.

    `column`: the column that holds the texts of data sets; "" for a usual name. `on_progress` gets the bytes read and
    their total; an exception from it ends the work and leaves nothing behind.
    If the cache cannot be written (a full disk), the stories stay in memory.
    """
    last = (0, 0)
    how = _Reading(plain, column)

    def progress(done: int, total: int) -> None:
        nonlocal last
        last = (done, total)
        if on_progress:
            on_progress(done, total)

    def build(folder: Path) -> None:
        _write(folder, sources, how, progress)

    # a stop takes effect in the middle of a file too
    with stopping.stop_check(lambda: progress(*last)) if on_progress else contextlib.nullcontext():
        try:
            return disk_cache.find_or_build(cache_folder / _key(sources, how), _open, build)
        except OSError:
            return _in_memory(sources, how, progress)


def keep_without(
    sources: Sequence[Source],
    bad: Sequence[Source],
    cache_folder: Path,
    *,
    plain: bool = True,
    column: str = "",
) -> None:
    """Keep what was stored of `sources` for those without `bad`, so that nothing is read again.

    `bad` have no story; they may be deleted before `sources` are prepared without them. Does nothing if what is stored
    does not tell which sentences are whose: then the others are read again. Raises OSError.
    """
    how, good = _Reading(plain, column), [source for source in sources if source not in bad]
    old = cache_folder / _key(sources, how)
    known = _open(old)
    if known is None or any(ending_of(source.path) in ARCHIVES for source in good):
        return  # an archive with stories may have problems of its own; no other file has

    def build(folder: Path) -> None:
        for name in (_TEXTS, _SKETCHES, _TABLE):
            os.rename(old / name, folder / name)  # they may be large
        names = {printable_line(source.name) for source in good}
        index = small_files.read_json(old / _INDEX, _LARGEST_INDEX)
        accounts = [_account_row(each) for each in known.accounts if each.file in names]
        (folder / _INDEX).write_text(
            json.dumps({**index, "problems": [], "accounts": accounts}), encoding="utf-8"
        )

    disk_cache.find_or_build(cache_folder / _key(good, how), _open, build)
    files.delete(old)


def _key(sources: Sequence[Source], how: _Reading) -> str:
    """The folder name of the stories: a hash of everything they depend on.

    A file counts by its name, size, times, inode and device, not by its content, so that an unchanged library opens
    without reading any text. These survive moving the folder around it.
    """
    digest = hashlib.sha256(
        f"{_FORMAT} {READING_VERSION} {CLEANING_VERSION} {how}".encode("utf-8", "surrogateescape")
    )
    for source in sources:
        try:
            s = source.path.stat()
            state = (
                f"{s.st_size} {s.st_mtime_ns} {s.st_ctime_ns if os.name != 'nt' else 0} {s.st_ino} {s.st_dev}"
            )
        except (OSError, ValueError):
            state = "gone"
        kept = "\0".join(["", *source.put_back])
        digest.update(f"\0{source.name}\0{state}{kept}".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:40]


# -- making -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Result:
    """One story of a file; or, if `tale` is None, what is wrong with the file, or its account."""

    file: str
    tale: Tale | None = None
    problem: str = ""
    book: str = ""
    author: str = ""
    account: Account | None = None


def _results(sources: Sequence[Source], how: _Reading, on_progress: Progress | None) -> Iterator[_Result]:
    sizes = [_size(source.path) for source in sources]
    done, total = 0, sum(sizes)
    for source, size in zip(sources, sizes, strict=True):
        if ending_of(source.path) in ARCHIVES:
            yield from _results_of_archive(source, how)
        else:
            yield from _results_of_file(source, how)
        done += size
        if on_progress:
            on_progress(done, total)


def _results_of_file(source: Source, how: _Reading) -> Iterator[_Result]:
    name = printable_line(source.name)
    try:
        document = read_document(source.path, how.column)
    except CorpusError as error:
        yield _Result(name, problem=source.shown(str(error)))
        return
    book = read_book(document, plain=how.plain)
    account, texts = account_of(name, document, book)
    places = [each.removeprefix(f"{name}:") for each in source.put_back if each.startswith(f"{name}:")]
    if places:
        account, back = put_back_tales(document, account, texts, places, plain=how.plain)
        book = replace(book, tales=with_tales(book, back))
    yield _Result(name, account=account)
    if not book.tales:
        sentence = f"{printable_path(source.path)} holds no story, only licence text: leave it out."
        yield _Result(name, problem=source.shown(sentence))
    book_title, author = short_line(book.title), short_line(book.author)
    default = book_title or title_from_name(stem_of(Path(source.name)))
    for number, tale in enumerate(book.tales, start=1):
        title = short_line(tale.title) or (default if len(book.tales) == 1 else f"{default} {number}")
        chapters = tuple(replace(chapter, title=short_line(chapter.title)) for chapter in tale.chapters)
        yield _Result(name, Tale(title, tale.text, chapters, tale.lines), "", book_title, author)


def _results_of_archive(source: Source, how: _Reading) -> Iterator[_Result]:
    with tempfile.TemporaryDirectory(prefix="storytime-") as folder:
        try:
            found = archives.unpack(source.path, Path(folder), how.column)
        except CorpusError as error:
            yield _Result(printable_line(source.name), problem=source.shown(str(error)))
            return
        for problem in found.problems:
            yield _Result(printable_line(source.name), problem=source.shown(problem))
        for path in found.files:
            name = f"{source.name}/{path.name}"
            yield from _results_of_file(Source(path, name, put_back=source.put_back), how)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0


def _in_memory(sources: Sequence[Source], how: _Reading, on_progress: Progress | None) -> Prepared:
    results = list(_results(sources, how, on_progress))
    return Prepared(
        tuple(
            Story(each.tale.title, each.tale.text, each.file, each.tale.chapters, each.tale.lines)
            for each in results
            if each.tale
        ),
        tuple(each.problem for each in results if each.problem),
        tuple(dict.fromkeys(each.book for each in results if each.book)),
        tuple(dict.fromkeys(each.author for each in results if each.author)),
        tuple(each.account for each in results if each.account),
    )


def _write(folder: Path, sources: Sequence[Source], how: _Reading, on_progress: Progress | None) -> None:
    """Write all texts one after another, all sketches, the table of the stories, and `index.json` for the rest."""
    table = TableBuilder()
    problems: list[str] = []
    titles: dict[str, None] = {}
    authors: dict[str, None] = {}
    accounts: list[Any] = []
    with (folder / _TEXTS).open("wb") as file, ArrayWriter(folder / _SKETCHES, np.uint64) as sketches:
        for result in _results(sources, how, on_progress):
            if result.account is not None:
                accounts.append(_account_row(result.account))
            if result.tale is None:
                problems += [result.problem] if result.problem else []
                continue
            titles |= {result.book: None} if result.book else {}
            authors |= {result.author: None} if result.author else {}
            stopping.check_stop()
            facts = facts_of(result.tale.text)
            file.write(result.tale.text.encode())
            sketches.append(facts.sketch)
            table.add(result.tale, result.file, facts)
    write_columns(folder / _TABLE, table.columns())
    books = {"titles": list(titles), "authors": list(authors), "accounts": accounts}
    index = {"problems": problems, **books, "bytes": table.bytes}
    (folder / _INDEX).write_text(json.dumps(index), encoding="utf-8")


# -- opening ----------------------------------------------------------------------------------------------


def _open(folder: Path) -> Prepared | None:
    """The stories in a cache folder; None if there is none, or it is incomplete or not as we write it."""
    try:
        if not all(small_files.is_regular(folder / name) for name in (_TEXTS, _SKETCHES, _TABLE)):
            return None
        index = small_files.read_json(folder / _INDEX, _LARGEST_INDEX)
        texts = folder / _TEXTS
        if texts.stat().st_size != index["bytes"]:
            return None
        sketches = np.asarray(open_array(folder / _SKETCHES))  # slicing a memmap is slow
        if sketches.dtype != np.uint64:
            return None
        columns = read_columns(folder / _TABLE, index["bytes"], len(sketches))
        lists = (_texts(index["problems"]), _texts(index["titles"]), _texts(index["authors"]))
        accounts = tuple(map(_account_from, index["accounts"]))
        return Prepared(StoryTable(columns, texts, sketches), *lists, accounts)
    except Exception:  # NumPy and JSON raise many kinds; for any of them the stories are made again
        return None


def _account_row(account: Account) -> list[Any]:
    omitted = [[each.reason, each.place, each.words, *each.lines] for each in account.omitted]
    return [account.file, account.words, omitted, account.remarks]


def _account_from(row: Any) -> Account:
    """The account in a row of the index. Raises ValueError or TypeError."""
    file, words, omitted, remarks = row
    _check_numbers(words)
    found = []
    for reason, place, count, first, last in omitted:
        _texts([reason, place])
        _check_numbers(count, first, last)
        found.append(Omitted(reason, place, count, (first, last)))
    _texts([file])
    return Account(file, words, tuple(found), _texts(remarks))


def _check_numbers(*numbers: Any) -> None:
    for number in numbers:
        if type(number) is not int or not 0 <= number < 2**63:
            raise ValueError(number)


def _texts(values: Any) -> tuple[str, ...]:
    """The values, which must be strings. Raises TypeError."""
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(values)
    return tuple(values)
