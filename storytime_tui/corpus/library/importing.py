"""Adding a collection: files, folders, archives and addresses are copied onto the shelf, all of them or nothing."""

import contextlib
import os
import re
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from storytime_tui import files, paths, stopping
from storytime_tui.corpus.cleaning.clean import legible
from storytime_tui.corpus.collection import Collection
from storytime_tui.corpus.duplicates import find_copies
from storytime_tui.corpus.formats.sources import source_files
from storytime_tui.corpus.formats.table import ARCHIVES
from storytime_tui.corpus.library.cards import CARD, Card, card_bytes, read_card
from storytime_tui.corpus.library.copying import CopiedFiles
from storytime_tui.corpus.library.folders import read_folder, sources_in
from storytime_tui.corpus.library.leftovers import alive, remove_leftovers
from storytime_tui.corpus.library.lock import shelf_locked
from storytime_tui.corpus.library.prepared import Prepared, Source, prepare_sources
from storytime_tui.corpus.library.shelf import free_name, is_free, load_shelf
from storytime_tui.corpus.names import NAMELESS, checked_title, folder_name, short_line, slug, title_from_name
from storytime_tui.corpus.web.polite import is_address
from storytime_tui.corpus.web.redacted import kept
from storytime_tui.errors import CorpusError
from storytime_tui.reporting import Report
from storytime_tui.terminal import printable, printable_line, printable_path


@dataclass(frozen=True)
class AddedCollection:
    """A collection that was just imported.

    `problems`: one sentence for each file that was left out. `copies`: one for each story that tells the same
    as one that was there before. `notes`: one for each file that was not needed, such as a book's second format.
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
    """Copy texts from files, folders, archives and web addresses into a new collection: all of it, or nothing.

    Without a `name`, it is called after what the card says, the one source, or the folder that all sources are
    in, with a number where that name is taken. A file of a folder or archive that cannot be read is left out
    and told in `problems`; a file given by its own name must be readable. Files are kept as they are, so that
    better cleaning can be had later. `card` says what is known already; `report` gets words, done and total,
    a last time just before all of it is put on the shelf, and what it raises ends the work. Raises
    CorpusError, and what web.download raises when `stop` is set.
    """
    if not sources:
        raise CorpusError("Nothing was named to add: give a file, a folder of them, or an address.")
    told = _Last(report) if report else None
    with (
        stopping.heard(told.again) if told else contextlib.nullcontext(),
        tempfile.TemporaryDirectory(prefix="storytime-") as fetched,
    ):
        report = told
        named = [
            _fetch(source, Path(fetched), report, stop)
            if isinstance(source, str) and is_address(source)
            else _Named(_path_of(source))
            for source in sources
        ]
        new_name = _free_name(name, card.title if card and card.title else _common_name(named))
        card = _card_for(named, name, card)
        remove_leftovers(paths.collections_folder())
        shelf = paths.collections_folder()
        try:
            with files.unfinished_folder(shelf, new_name) as part, alive(part):
                problems, notes = _fill(part, named, card, report)
                if report:  # whoever wants to stop can do so until here
                    report("putting it on the shelf", 1, 1)
                files.narrow_all(part)
                files.sync_all(part)
                with shelf_locked():
                    # another program may have taken the name while this one was copying
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
    return AddedCollection(collection, tuple(problems), tuple(_copies_of(collection)), tuple(notes))


class _Last:
    """A report that can say its last words again: whoever wants to stop is asked so in the middle of a file."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._said = ("looking for texts", 0, 0)

    def __call__(self, words: str, done: int, total: int) -> None:
        """Report something new."""
        self._said = (words, done, total)
        self._report(words, done, total)

    def again(self) -> None:
        """Report the same once more."""
        self._report(*self._said)


_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)


def _path_of(source: str | Path) -> Path:
    """A source that is no web address as a path. Raises CorpusError for an address of another kind."""
    scheme = _SCHEME.match(source) if isinstance(source, str) else None
    if scheme:
        raise CorpusError(
            f"{kept(str(source))} cannot be fetched: only addresses that begin with http:// or https:// "
            "are. What is on this machine is added by its path."
        )
    return Path(os.path.abspath(paths.expanded(source, CorpusError)))


@dataclass(frozen=True)
class _Named:
    """What one source stands for: a path, and where it came from when that is an address."""

    path: Path
    address: str = ""

    @property
    def shown(self) -> str:
        return self.address or printable_path(self.path)


def _fetch(address: str, folder: Path, report: Report | None, stop: threading.Event | None) -> _Named:
    from storytime_tui.corpus.web.addresses import download_text

    inside = Path(tempfile.mkdtemp(dir=folder))
    return _Named(download_text(address, inside, report=report, stop=stop), kept(address))


def _free_name(wanted: str | None, usual: str) -> str:
    """The name that was wished for, or else one like the usual that no collection has. Raises CorpusError."""
    if wanted is not None:
        name = slug(wanted)
        if not name:
            raise CorpusError("A collection's name needs a letter from a to z or a digit: give another one.")
        if not is_free(name):
            raise CorpusError(f"There is already a collection called {name}: give another name with --name.")
        return name
    return free_name(slug(usual) or NAMELESS)


def _common_name(named: Sequence[_Named]) -> str:
    if len(named) == 1:
        path = named[0].path
        return path.stem if path.is_file() else folder_name(path)
    parents = {each.path.parent for each in named}
    return parents.pop().name if len(parents) == 1 else NAMELESS


def _card_for(named: Sequence[_Named], name: str | None, card: Card | None) -> Card:
    """What the new collection's card says: what is known, its one source folder's own card, where it is from.

    Its title is "" where the texts may know a better one than the source's name.
    """
    one_folder = len(named) == 1 and named[0].path.is_dir()
    found = card or (read_card(named[0].path) if one_folder else Card())
    shown = [each.shown for each in named[:3]]
    source = ", ".join([*shown, "..."] if len(named) > 3 else shown)
    title = checked_title(_title_from(name)) if name and slug(name) != name else found.title
    if not title and (name or len(named) > 1):
        title = title_from_name(name or _common_name(named))
    return replace(
        found, title=short_line(title), author=short_line(found.author), source=found.source or source
    )


def _title_from(name: str) -> str:
    """The title that somebody meant who gave this name; of what looks like a path, its name in plain letters."""
    like_a_path = name.startswith(("/", "~", ".", "\\")) or ".." in re.split(r"[\\/]", name)
    return title_from_name(slug(name)) if like_a_path else printable(name)


# -- copying ----------------------------------------------------------------------------------------------


def _fill(
    folder: Path, named: Sequence[_Named], card: Card, report: Report | None
) -> tuple[list[str], list[str]]:
    """Copy everything, read it, throw out what gives no story, write the card.

    Returns a sentence for each thing that was left out, and one for each that was not needed. Raises
    CorpusError where nothing can be read, or a file that was named cannot.
    """
    copies = CopiedFiles(folder)
    for each in named:
        if each.path.is_dir():
            copies.add_folder(each.path, report)
        elif each.path.suffix.lower() in ARCHIVES:
            with _nothing_added():
                copies.add_archive(each.path, Path())
        else:
            copies.add_file(each.path, Path(), each.shown)
    if not copies.origins:
        with _nothing_added():
            raise CorpusError((*copies.problems, f"{named[0].shown} holds nothing that can be read.")[0])
    told, sources = _read(copies, card, report)
    good = {story.file for story in told.stories}
    bad = [source for source in sources if printable_line(source.name) not in good]
    must_be_read = {each.shown for each in named if not each.path.is_dir()}
    if not good or any(source.origin in must_be_read for source in bad):
        many = f"None of the {len(bad)} texts can be read; the first: " if len(bad) > 1 else ""
        raise CorpusError((many if not good else "") + told.problems[0])
    for source in bad:
        source.path.unlink()
    if bad:  # the cache knows the stories by all the files there are
        _read(copies, card, report)
    own = short_line(legible(_own_title(told, sources), plain=card.plain))
    title = card.title or own or title_from_name(_common_name(named))
    (folder / CARD).write_bytes(card_bytes(replace(card, title=title)))
    return [*copies.problems, *told.problems], copies.notes


def _own_title(told: Prepared, sources: Sequence[Source]) -> str:
    """What the texts themselves call a collection: by its one story, or the one book of tales; else ""."""
    if len(sources) != 1:
        return ""
    if len(told.stories) == 1:
        return told.stories[0].title
    return told.titles[0] if len(told.titles) == 1 else ""


@contextlib.contextmanager
def _nothing_added() -> Iterator[None]:
    """What is wrong with an archive speaks of what is left out: here that is all of it."""
    try:
        yield
    except CorpusError as error:
        raise CorpusError(f"{error} Nothing was added.") from error


def _read(copies: CopiedFiles, card: Card, report: Report | None) -> tuple[Prepared, list[Source]]:
    found = sources_in(copies.folder, source_files(copies.folder))
    sources = [replace(source, origin=copies.origins.get(source.path, "")) for source in found]
    if report:  # the first file may be large
        report("reading", 0, sum(source.path.stat().st_size for source in sources))
    progress = (lambda done, total: report("reading", done, total)) if report else None
    cache = paths.cache_folder() / "prepared"
    return prepare_sources(sources, cache, plain=card.plain, on_progress=progress), sources


def _copies_of(collection: Collection) -> list[str]:
    """A sentence for each story of a new collection that is told on the shelf already, or twice in itself."""
    others = [other for other in load_shelf() if other.name != collection.name]
    told = [(other, story) for other in (*others, collection) for story in other.stories]
    facts = [story.facts for _, story in told]
    first_new = len(told) - len(collection.stories)
    sentences = []
    for copy in find_copies(
        [each.sketch for each in facts], [each.words for each in facts], [each.fingerprint for each in facts]
    ):
        new, old = (copy.story, copy.of) if copy.story >= copy.of else (copy.of, copy.story)
        if new >= first_new:
            (_, again), (where, first) = told[new], told[old]
            nearly = "" if copy.share == 1.0 else "nearly "
            sentences.append(
                f"“{again.title}” is {nearly}the same story as “{first.title}” in {where.title}: "
                "it is learned once when both are ticked."
            )
    return sentences
