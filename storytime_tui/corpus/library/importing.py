"""Adding a collection: files, folders, archives and addresses are copied into the library, all or none of them."""

import contextlib
import os
import re
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from storytime_tui import files, paths, stopping
from storytime_tui.corpus.cleaning.clean import legible
from storytime_tui.corpus.collection import Collection, Story
from storytime_tui.corpus.duplicates import find_copies
from storytime_tui.corpus.file_names import ending_of, stem_of
from storytime_tui.corpus.formats.registry import ARCHIVES
from storytime_tui.corpus.formats.sources import source_files
from storytime_tui.corpus.lazy import joined, mapped
from storytime_tui.corpus.library.cards import CARD, Card, card_bytes, read_card
from storytime_tui.corpus.library.copying import CopiedFiles
from storytime_tui.corpus.library.folders import read_folder, sources_in
from storytime_tui.corpus.library.leftovers import alive, remove_leftovers
from storytime_tui.corpus.library.lock import shelf_locked
from storytime_tui.corpus.library.prepared import Prepared, Source, keep_without, prepare_sources
from storytime_tui.corpus.library.shelf import free_name, is_free, load_shelf
from storytime_tui.corpus.names import NAMELESS, checked_title, folder_name, short_line, slug, title_from_name
from storytime_tui.corpus.web.polite import is_address
from storytime_tui.corpus.web.redacted import kept
from storytime_tui.errors import CorpusError
from storytime_tui.plain_http import is_plain_http
from storytime_tui.reporting import Report
from storytime_tui.terminal import printable, printable_line, printable_path


@dataclass(frozen=True)
class AddedCollection:
    """A collection that was just imported.

    `problems`: a sentence for each file that was left out. `copies`: a sentence for each story that is a copy of
    an existing one. `notes`: a sentence for each file that was not needed, such as a book's second format.
    """

    collection: Collection
    problems: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def add_collection(
    sources: Sequence[str | Path],
    name: str | None = None,
    *,
    card: Card | None = None,
    report: Report | None = None,
    stop: threading.Event | None = None,
) -> AddedCollection:
    """Copy texts from files, folders, archives and web addresses into a new collection, all or none of them.

    Without `name`, the name comes from the card, the only source or the common folder, with a number if it is taken.
    An unreadable file of a folder or archive is left out and listed in `problems`; a file named itself must be
    readable. Files are copied unchanged, so that better cleaning can be applied later. `card` holds known facts.
    `report` gets words, done and total, for the last time just before the collection is put in place; an exception
    from it ends the import. Raises CorpusError, and what web.download raises when `stop` is set.
    """
    if not sources:
        raise CorpusError("Nothing was named to add: give a file, a folder of them, or an address.")
    repeatable = _Repeatable(report) if report else None
    with (
        stopping.stop_check(repeatable.repeat) if repeatable else contextlib.nullcontext(),
        tempfile.TemporaryDirectory(prefix="storytime-") as downloads,
    ):
        report = repeatable
        inputs = [
            _fetch(source, Path(downloads), report, stop)
            if isinstance(source, str) and is_address(source)
            else _Input(_path_of(source))
            for source in sources
        ]
        new_name = _free_name(name, card.title if card and card.title else _common_name(inputs))
        card = _card_for(inputs, name, card)
        remove_leftovers(paths.collections_folder())
        shelf = paths.collections_folder()
        try:
            with files.unfinished_folder(shelf, new_name) as part, alive(part):
                problems, notes = _fill(part, inputs, card, report)
                if report:  # the last chance to stop
                    report("putting it on the shelf", 1, 1)
                files.narrow_all(part)
                files.sync_all(part)
                with shelf_locked():
                    # another program may have taken the name meanwhile
                    target = shelf / _free_name(name, new_name)
                    os.rename(part, target)
                    files.sync_folder(shelf)
        except OSError as error:
            raise CorpusError(files.explain(error, f"adding the collection {new_name}")) from error
    try:
        collection, _ = read_folder(target)
    except CorpusError:
        if target.exists():
            raise
        raise CorpusError(f"{target.name} was added, and another program removed it at once.") from None
    return AddedCollection(
        collection, tuple(problems), tuple(_copies_of(collection)), (*_warnings(inputs), *notes)
    )


class _Repeatable:
    """A report that can repeat its last call: in the middle of a file, that asks the user's side whether to stop."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._last = ("looking for texts", 0, 0)

    def __call__(self, words: str, done: int, total: int) -> None:
        """Report progress."""
        self._last = (words, done, total)
        self._report(words, done, total)

    def repeat(self) -> None:
        """Report the same again."""
        self._report(*self._last)


_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)


def _path_of(source: str | Path) -> Path:
    """A source as a path. Raises CorpusError for an address that is not http or https."""
    scheme = _SCHEME.match(source) if isinstance(source, str) else None
    if scheme:
        raise CorpusError(
            f"{kept(str(source))} cannot be fetched: only addresses that begin with http:// or https:// "
            "are. Add a file of this machine by its path."
        )
    return Path(os.path.abspath(paths.expanded(source, CorpusError)))


@dataclass(frozen=True)
class _Input:
    """A source of an import: its path, and its address if it was downloaded; `plain`: without encryption."""

    path: Path
    address: str = ""
    plain: bool = False

    @property
    def shown(self) -> str:
        return self.address or printable_path(self.path)


def _fetch(address: str, folder: Path, report: Report | None, stop: threading.Event | None) -> _Input:
    from storytime_tui.corpus.web.addresses import download_text

    inside = Path(tempfile.mkdtemp(dir=folder))
    fetched = download_text(address, inside, report=report, stop=stop)
    plain = is_plain_http(address) or is_plain_http(fetched.final_url)
    return _Input(fetched.path, kept(address), plain)


def _warnings(inputs: Sequence[_Input]) -> list[str]:
    """A sentence for each address whose connection was not encrypted."""
    return [
        f"{each.shown} came over http, which is not encrypted: others may have read or changed it on its way. Use "
        "https:// if the site has it."
        for each in inputs
        if each.plain
    ]


def _free_name(name: str | None, default: str) -> str:
    """The slug of `name`, or else of `default` with a number if needed. Raises CorpusError if `name` is taken."""
    if name is not None:
        name = slug(name)
        if not name:
            raise CorpusError("A collection's name needs a letter from a to z or a digit: give another one.")
        if not is_free(name):
            raise CorpusError(f"There is already a collection called {name}: give another name with --name.")
        return name
    return free_name(slug(default) or NAMELESS)


def _common_name(inputs: Sequence[_Input]) -> str:
    if len(inputs) == 1:
        path = inputs[0].path
        return stem_of(path) if path.is_file() else folder_name(path)
    parents = {each.path.parent for each in inputs}
    return parents.pop().name if len(parents) == 1 else NAMELESS


def _card_for(inputs: Sequence[_Input], name: str | None, card: Card | None) -> Card:
    """The card of a new collection: `card`, or its source folder's own card, with the source filled in.

    The title is "" if the texts may have a better one than the source's name.
    """
    one_folder = len(inputs) == 1 and inputs[0].path.is_dir()
    base = card or (read_card(inputs[0].path) if one_folder else Card())
    shown = [each.shown for each in inputs[:3]]
    source = ", ".join([*shown, "..."] if len(inputs) > 3 else shown)
    title = checked_title(_title_from(name)) if name and slug(name) != name else base.title
    if not title and (name or len(inputs) > 1):
        title = title_from_name(name or _common_name(inputs))
    return replace(
        base, title=short_line(title), author=short_line(base.author), source=base.source or source
    )


def _title_from(name: str) -> str:
    """The title for a name given by the user; for what looks like a path, made from its slug."""
    like_a_path = name.startswith(("/", "~", ".", "\\")) or ".." in re.split(r"[\\/]", name)
    return title_from_name(slug(name)) if like_a_path else printable(name)


# -- copying ----------------------------------------------------------------------------------------------


def _fill(
    folder: Path, inputs: Sequence[_Input], card: Card, report: Report | None
) -> tuple[list[str], list[str]]:
    """Copy everything, read it, remove files without a story, write the card.

    Returns a sentence for each thing left out, and one for each thing not needed. Raises CorpusError if nothing can
    be read, or a file that was named itself cannot.
    """
    copies = CopiedFiles(folder, card.column)
    for each in inputs:
        if each.path.is_dir():
            copies.add_folder(each.path, report)
        elif ending_of(each.path) in ARCHIVES:
            with _nothing_added():
                copies.add_archive(each.path, Path())
        else:
            copies.add_file(each.path, Path(), each.shown)
    if not copies.origins:
        with _nothing_added():
            raise CorpusError((*copies.problems, f"{inputs[0].shown} holds nothing that can be read.")[0])
    files.narrow_all(folder)  # now: it changes the files' times, and the cache knows the files by these
    prepared, sources = _read(copies, card, report)
    good = {story.file for story in prepared.stories}
    bad = [source for source in sources if printable_line(source.name) not in good]
    must_be_read = {each.shown for each in inputs if not each.path.is_dir()}
    if not good or any(source.origin in must_be_read for source in bad):
        start = f"None of the {len(bad)} texts can be read; the first: " if len(bad) > 1 else ""
        raise CorpusError((start if not good else "") + prepared.problems[0])
    own = short_line(legible(_own_title(prepared, sources), plain=card.plain))
    if bad:  # the cache's key depends on all files
        cache = paths.cache_folder() / "prepared"
        with contextlib.suppress(OSError):  # a full disk: the texts are read again
            keep_without(sources, bad, cache, plain=card.plain, column=card.column)
    for source in bad:
        source.path.unlink()
    title = card.title or own or title_from_name(_common_name(inputs))
    (folder / CARD).write_bytes(card_bytes(replace(card, title=title)))
    return [*copies.problems, *prepared.problems], copies.notes


def _own_title(prepared: Prepared, sources: Sequence[Source]) -> str:
    """The title that the text itself gives, if there is one file with one story or one book; else ""."""
    if len(sources) != 1:
        return ""
    if len(prepared.stories) == 1:
        return prepared.stories[0].title
    return prepared.titles[0] if len(prepared.titles) == 1 else ""


@contextlib.contextmanager
def _nothing_added() -> Iterator[None]:
    """Errors about an archive say what is left out; here that is everything, so add that nothing was added."""
    try:
        yield
    except CorpusError as error:
        raise CorpusError(f"{error} Nothing was added.") from error


def _read(copies: CopiedFiles, card: Card, report: Report | None) -> tuple[Prepared, list[Source]]:
    found = sources_in(copies.folder, source_files(copies.folder))
    sources = [
        replace(each, origin=copies.origins.get(each.path, ""), put_back=card.put_back_in(each.name))
        for each in found
    ]
    if report:  # before the first file, which may be large
        report("reading", 0, sum(source.path.stat().st_size for source in sources))
    progress = (lambda done, total: report("reading", done, total)) if report else None
    cache = paths.cache_folder() / "prepared"
    return prepare_sources(
        sources, cache, plain=card.plain, column=card.column, on_progress=progress
    ), sources


def _with_home(collection: Collection, story: Story) -> tuple[Collection, Story]:
    return collection, story


def _copies_of(collection: Collection) -> list[str]:
    """A sentence for each story of a new collection that is a copy of another story."""
    others = [other for other in load_shelf() if other.name != collection.name]
    stories = joined([mapped(other.stories, partial(_with_home, other)) for other in (*others, collection)])
    first_new = len(stories) - len(collection.stories)
    sentences = []
    for copy in find_copies(mapped(stories, lambda pair: pair[1].facts)):
        new, old = (copy.story, copy.of) if copy.story >= copy.of else (copy.of, copy.story)
        if new >= first_new:
            (_, again), (where, first) = stories[new], stories[old]
            nearly = "" if copy.share == 1.0 else "nearly "
            sentences.append(
                f"“{again.title}” is {nearly}the same story as “{first.title}” in {where.title}: "
                "it is learned once when both are ticked."
            )
    return sentences
