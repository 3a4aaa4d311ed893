"""The starter's texts: which there are, on which shelf each stands, what is held out, and what is left out.

`prepare` puts them on the shelf of STORYTIME_HOME, and writes down what is learned from. Its folder holds `books/`
and `simple/` (texts), `tinystories/tinystories.txt` with `<|endoftext|>` between its stories (where there is a
`tinystories/more.txt` like it, the third run reads that as well), `books.tsv` and `simple.tsv`, which say who wrote
what under which licence, and for the last run `more/` with the folders that `MORE_TEXTS` names. Where it holds
`texts.tar.xz` and `more.tar.xz` instead, they are unpacked first.
"""

import csv
import dataclasses
import hashlib
import itertools
import json
import re
import shutil
import statistics
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from storytime_tui.corpus.collection import Collection, Story
from storytime_tui.corpus.library.shelf import find_collection, taken_names
from storytime_tui.corpus.parts import chapter_spans
from storytime_tui.corpus.recited import runs_of_words
from storytime_tui.corpus.words import Hashes
from storytime_tui.jobs import shelves

VOICES = SHORT_STORIES, FAIRY_TALES, PICTURE_BOOKS, OLD_NOVELS = (
    "Short stories",
    "Fairy tales",
    "Picture books",
    "Old novels",
)  # as the shelves' lines have them; told alone, the starter uses the first
TALES, NOVELS, SIMPLE, TINY = LEARNED = ("starter-tales", "starter-novels", "starter-simple", "starter-tiny")
MORE = "starter-tiny-more"  # further TinyStories, where there are some: for the third run alone
FRESH, FABLES, BEDTIME, PAGES = ADDED = (
    "starter-fresh",
    "starter-fables",
    "starter-bedtime",
    "starter-pages",
)  # for the last run
ONCE_TALES, ONCE_PAGES, ONCE_NOVELS = ONCE = (
    "starter-once-tales",
    "starter-once-pages",
    "starter-once-novels",
)  # what of those begins with "Once upon a time" or the like, to be read more often in the last run
BEGUN_TALES, BEGUN_PAGES, BEGUN_NOVELS = BEGUN = (
    "starter-begun-tales",
    "starter-begun-pages",
    "starter-begun-novels",
)  # the beginnings of all the others, with "Once upon a time" put before them: for the sixth run
MORE_TEXTS = {  # folders of `more/`: whose stories go where
    "tinystories_eniompw": FRESH,
    "tinystories_maxme1": FRESH,
    "tinystories_recased": FRESH,
    "simplestories": FRESH,
    "tinyfabulist_open_age4to7": FABLES,
    "gutenberg_simple": BEDTIME,
    "storybooks_rest": PAGES,
}
TALES_HELD_OUT, NOVELS_HELD_OUT, TINY_HELD_OUT = HELD_OUT = (
    "starter-tales-heldout",
    "starter-novels-heldout",
    "starter-tiny-heldout",
)
SHELF_OF = {
    TINY: SHORT_STORIES,
    MORE: SHORT_STORIES,
    FRESH: SHORT_STORIES,
    TINY_HELD_OUT: SHORT_STORIES,
    TALES: FAIRY_TALES,
    FABLES: FAIRY_TALES,
    TALES_HELD_OUT: FAIRY_TALES,
    SIMPLE: PICTURE_BOOKS,
    BEDTIME: PICTURE_BOOKS,
    PAGES: PICTURE_BOOKS,
    NOVELS: OLD_NOVELS,
    ONCE_TALES: FAIRY_TALES,
    ONCE_PAGES: PICTURE_BOOKS,
    ONCE_NOVELS: OLD_NOVELS,
    BEGUN_TALES: FAIRY_TALES,
    BEGUN_PAGES: PICTURE_BOOKS,
    BEGUN_NOVELS: OLD_NOVELS,
    NOVELS_HELD_OUT: OLD_NOVELS,
}
_MARK = "<|endoftext|>"
_SHARE_HELD_OUT = 0.05
_TALE = 25_000  # bytes: half of a book of tales is in stories no longer than that
_MOST_SHARED = 0.05  # of a story's runs of eight words, with Grimm's tales or with a held-out book
_MOST_SHARED_TINY = 0.5  # with the held-out ones: all of them begin with the same eight words
_SHORTEST = 300  # bytes of a story from a book: a shorter one is a motto or a list
_A_PARAGRAPH = 150  # characters: where half of a simple story's are shorter, they are a picture book's pages
_LONG_ENOUGH = 400  # characters of a paragraph made of pages
_QUOTES = ('"', "'", "\u201c", "\u2018", "-", "\u2013", "\u2014")
_IN_THE_MIDDLE = re.compile(r"[\"'a-z]|(He|She|They|But|So|And|Then)\b")
_ONCE = re.compile(
    r"([\"\u201c]?)(?:Once (?:up)?on a time,?|Once,?(?= (?:there|a|an|the|in|two|three|long|when|many)\b)|"
    r"There (?:once )?(was|were|lived)(?: once)?(?: (?:up)?on a time)?,?|Long,? long ago,?|Long ago,?|"
    r"A long (?:time|while) ago,?|Many,? (?:many )?years ago,?|In (?:the )?olden times?,?)(?= )"
)  # the ways in which old tales say "Once upon a time"
_ONCE_LONGEST = 12_000  # characters of a tale that is read more often for its beginning
_BEGUN_LONGEST = 2_200  # characters: about a window
_LOWERED = frozenset(
    ["the", "a", "an", "one", "it", "there", "two", "three", "four", "some", "every", "many", "all"]
)
_NEVER_BEGUN = re.compile(
    r"(?:I|You|We|My|Our|Your|He|She|They|His|Her|Their|But|So|And|Then|Now|Well|Yes|No|Oh|Once|Long|"
    r"What|Why|How|Where|Who|If|Perhaps|Of|This|That|These|Those|Do|Did|Chapter|CHAPTER)\b"
)  # first words that "Once upon a time" cannot stand before
_NOT_A_TALE = re.compile(
    r"\b(introduct|preface|foreword|prefatory|contents|glossary|appendix|dedicat|bibliograph|pronunc|"
    r"to the reader|illustrations|author's note|list of|suggestions to)",
    re.IGNORECASE,
)


# -- texts ------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class LeftOut:
    """A story that is not learned from, and why; `share` of its runs of words where that is the reason."""

    collection: str
    file: str
    title: str
    reason: str
    share: float = 0.0


def prepare(texts: Path, grimm: Path, record: Path) -> None:
    """Put the collections on the shelf, and write down what was learned from; again does nothing."""
    done = record / "facts.json"
    if done.is_file() and json.loads(done.read_text(encoding="utf-8")).keys() <= taken_names():
        put_once()  # of texts that were prepared before there were these
        return
    record.mkdir(parents=True, exist_ok=True)
    for name in SHELF_OF.keys() & taken_names():  # a preparation that was cut short
        shelves.remove(shelves.find(name))
    with _unpacked(texts) as folder, tempfile.TemporaryDirectory() as place:
        for name, files in _sorted_texts(folder, Path(place)).items():
            print(f"{name}: {files} files", flush=True)
            shelves.rename(shelves.add([Path(place) / name], name).collection, None, SHELF_OF[name])
        _write_rows(record / "sources.tsv", ("title", "author", "licence"), _sources(folder))
    there = taken_names()
    read = tuple(name for name in (*LEARNED, MORE, *ADDED) if name in there)
    held_out = tuple(name for name in HELD_OUT if name in there)
    left_out = _leave_out(read, grimm)
    put_once()
    _write_rows(record / "left_out.tsv", LeftOut, map(dataclasses.astuple, left_out))
    learned = []
    for name in read + held_out:
        for story in find_collection(name).stories:
            learned.append((name, story.file, story.title, story.facts.bytes))
    _write_rows(record / "learned.tsv", ("collection", "file", "title", "bytes"), learned)
    facts = {
        name: {
            "shelf": SHELF_OF[name],
            "files": len({file for where, file, _, _ in learned if where == name}),
            "stories": sum(where == name for where, *_ in learned),
            "bytes": sum(size for where, _, _, size in learned if where == name),
            "left_out": sum(each.collection == name for each in left_out),
        }
        for name in read + held_out
    }
    done.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(facts, indent=1), flush=True)


@contextmanager
def _unpacked(texts: Path) -> Iterator[Path]:
    """The folder with the texts; a temporary one where they are packed."""
    if not (texts / "texts.tar.xz").is_file():
        yield texts
        return
    with tempfile.TemporaryDirectory() as place:
        for packed, folder in (("texts", place), ("more", f"{place}/more")):
            if (texts / f"{packed}.tar.xz").is_file():
                with tarfile.open(texts / f"{packed}.tar.xz") as archive:
                    archive.extractall(folder, filter="data")
        for name in ("books.tsv", "simple.tsv"):
            shutil.copy(texts / name, Path(place) / name)
        yield Path(place)


def _write_rows(path: Path, columns: Any, rows: Iterable[Sequence[object]]) -> None:
    names = columns if isinstance(columns, tuple) else [field.name for field in dataclasses.fields(columns)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)


def _sorted_texts(texts: Path, place: Path) -> dict[str, int]:
    """Write the texts into a folder for each collection; how many files are in each."""
    books = sorted(path.name for path in (texts / "books").glob("*.txt"))
    held_out = set(sorted(books, key=_rank)[: round(len(books) * _SHARE_HELD_OUT)])
    sizes: dict[str, list[int]] = {}
    for story in find_collection(str(texts / "books")).stories:
        sizes.setdefault(story.file, []).append(story.facts.bytes)
    for book in sizes:
        apart = (TALES_HELD_OUT, NOVELS_HELD_OUT) if book in held_out else (TALES, NOVELS)
        name = apart[0] if _middle(sizes[book]) <= _TALE else apart[1]
        _write(place / name / book, (texts / "books" / book).read_bytes())
    for path in sorted((texts / "simple").rglob("*.txt")):
        _write(place / SIMPLE / f"{path.parent.name}-{path.name}", as_told(path.read_text(encoding="utf-8")))
    stories = _tiny_stories(texts / "tinystories" / "tinystories.txt")
    cut = round(len(stories) * _SHARE_HELD_OUT)
    _write_tiny(place / TINY_HELD_OUT, stories[:cut])
    _write_tiny(place / TINY, stories[cut:])
    more = texts / "tinystories" / "more.txt"
    if more.is_file():
        known = set(stories)
        _write_tiny(place / MORE, [story for story in _tiny_stories(more) if story not in known])
    for folder, name in MORE_TEXTS.items():
        from_there = texts / "more" / folder
        for path in sorted(from_there.glob("books/*.txt")):
            _write(place / name / path.name, path.read_bytes())
        for path in sorted(from_there.glob("texts/*.txt")):
            _write(place / name / path.name, as_told(path.read_text(encoding="utf-8")))
        if (from_there / "stories.txt").is_file():
            told = [story for story in _tiny_stories(from_there / "stories.txt") if begins(story)]
            _write_tiny(place / name, told, f"{folder}.txt")
    return {folder.name: len(list(folder.iterdir())) for folder in sorted(place.iterdir())}


def _write(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)


def _tiny_stories(path: Path) -> list[str]:
    """Each of them once, in an order that has nothing to do with the file's."""
    stories = path.read_text(encoding="utf-8").split(_MARK)
    return sorted({story.strip() for story in stories} - {""}, key=_rank)


def _write_tiny(folder: Path, stories: Sequence[str], name: str = "tinystories.txt") -> None:
    apart = [re.sub(r"\s*\n\s*", "\n\n", story) for story in stories]  # some have no line between paragraphs
    _write(folder / name, f"\n{_MARK}\n".join(apart))


def put_once() -> None:
    """Put the tales on the shelf that begin with "Once upon a time" or the like, all with those very words, and the
    beginnings of the others with those words put before them.

    Most short stories begin so, and few of the others: a model that reads them as they come thinks of a short story
    at these words whatever line stands before them.
    """
    there = taken_names()
    for name in (*ONCE, *BEGUN):
        if name in there:
            continue
        shelf = SHELF_OF[name]
        parts = [
            story.text[start:end].strip()
            for each in (*LEARNED, *ADDED)
            if SHELF_OF[each] == shelf and each in there
            for story in find_collection(each).stories
            for start, end in chapter_spans(story, story.text)
        ]
        if name in ONCE:
            told = [tale for part in parts if (tale := from_once(part)) and len(tale) <= _ONCE_LONGEST]
        else:
            told = [begun for part in parts if not from_once(part) and (begun := led_in(part))]
        if told:
            with tempfile.TemporaryDirectory() as place:
                _write_tiny(Path(place) / name, told, f"{name}.txt")
                shelves.rename(shelves.add([Path(place) / name], name).collection, None, shelf)


def from_once(text: str) -> str:
    """The same from "Once upon a time"; empty where it begins in no such way.

    >>> from_once("There lived once a king.")
    'Once upon a time there lived a king.'
    >>> from_once("A king lived once.")
    ''
    """
    found = _ONCE.match(text)
    if not found:
        return ""
    quote, verb = found.groups()
    return f"{quote}Once upon a time{f' there {verb}' if verb else ''} {text[found.end() :].lstrip()}"


def led_in(text: str) -> str:
    """The first paragraphs of a tale with "Once upon a time" put before them; empty where that would be no English.

    >>> led_in("The sun was hot, and the Bobbsey twins sat still.")
    'Once upon a time the sun was hot, and the Bobbsey twins sat still.'
    >>> led_in("Peter Rabbit sat in the sun, and the sun shone on Peter.")
    'Once upon a time Peter Rabbit sat in the sun, and the sun shone on Peter.'
    >>> led_in("He sat in the sun.")
    ''
    """
    first = re.match(r"[A-Z][A-Za-z'.\u2019-]*(?= )", text)
    if not first or _NEVER_BEGUN.match(text) or (first[0].isupper() and len(first[0]) > 1):
        return ""
    if first[0].lower() in _LOWERED:
        text = text[0].lower() + text[1:]
    elif text.count(first[0]) < 2 or f" {first[0].lower()} " in text:
        return ""  # hardly a name, and a sentence that begins with any other word can be anything
    paragraphs = text.split("\n\n")
    ends = itertools.accumulate(len(paragraph) + 2 for paragraph in paragraphs)
    begun = "\n\n".join(paragraphs[: sum(end <= _BEGUN_LONGEST for end in ends)])
    return f"Once upon a time {begun}" if begun else ""


def begins(story: str) -> bool:
    """Whether a story begins at its beginning: some are the rest of one, and tell of people nobody was told of."""
    return not _IN_THE_MIDDLE.match(story)


def as_told(text: str) -> str:
    """A picture book's text in paragraphs: what stood on its pages, a sentence or two on each, is put together.

    A model that reads it page by page learns to tell one-line paragraphs, and from those it falls into lists.
    What somebody says begins a new paragraph, and so does what follows it.
    """
    title, *pages = [page for page in re.split(r"\n\s*\n", text.strip()) if page.strip()]
    if not pages or statistics.median(len(page) for page in pages) >= _A_PARAGRAPH:
        return text
    told = pages[:1]
    for before, page in itertools.pairwise(pages):
        apart = page.lstrip().startswith(_QUOTES) or before.lstrip().startswith(_QUOTES)
        if apart or len(told[-1]) + len(page) > _LONG_ENOUGH:
            told.append(page)
        else:
            told[-1] += " " + page
    return "\n\n".join([title, *told]) + "\n"


def _sources(texts: Path) -> Iterable[tuple[str, str, str]]:
    """Title, author and licence of every book and simple story: who has to be named where the model goes."""
    lists = ("books.tsv", "simple.tsv", "more/gutenberg_simple/books.tsv", "more/storybooks_rest/list.tsv")
    for path in [texts / name for name in lists if (texts / name).is_file()]:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                number = row.get("gutenberg_id") or row["file"].partition("-")[0].lstrip("0")
                gutenberg = f"Public domain in the USA (Project Gutenberg #{number})"
                yield row["title"], row["author"], row.get("licence") or gutenberg
    yield "TinyStories", "Ronen Eldan and Yuanzhi Li, 2023", "CDLA-Sharing-1.0"
    if (texts / "more" / "simplestories").is_dir():
        yield "SimpleStories", "Lennart Finke and others, 2025", "MIT"
    if (texts / "more" / "tinyfabulist_open_age4to7").is_dir():
        yield "TinyFabulist", "KlusAI Labs, 2025", "MIT"


def _rank(text: str) -> str:
    """What decides which of several are held out: the same on every machine."""
    return hashlib.sha256(f"starter {text}".encode()).hexdigest()


def _middle(sizes: Sequence[int]) -> int:
    """The size of the story in which the middle byte of a book stands."""
    return statistics.median_high([size for size in sizes for _ in range(max(1, size // 100))])


def _leave_out(read: Sequence[str], grimm: Path) -> list[LeftOut]:
    """Take off the shelf what should not be learned from; say what it was."""
    tales = _known_runs(find_collection(str(grimm)).stories)
    held_out = {TALES_HELD_OUT, NOVELS_HELD_OUT} & taken_names()
    books = _known_runs(story for name in held_out for story in find_collection(name).stories)
    tiny = _known_runs(find_collection(TINY_HELD_OUT).stories)
    found = []
    for name in read:
        reasons: list[Callable[[Story], tuple[str, float] | None]] = [
            lambda story: _shared(story, tales, _MOST_SHARED, "stands in Grimm's tales")
        ]
        if SHELF_OF[name] == SHORT_STORIES:
            reasons.append(lambda story: _shared(story, tiny, _MOST_SHARED_TINY, "near a held-out one"))
        else:
            reasons.append(lambda story: _shared(story, books, _MOST_SHARED, "stands in a held-out book"))
        if name in (TALES, NOVELS, BEDTIME):
            reasons.append(_no_tale)
        collection: Collection = find_collection(name)
        for index, story in enumerate(collection.stories):
            said = next((said for reason in reasons if (said := reason(story))), None)
            if said:
                found.append(LeftOut(name, story.file, story.title, *said))
                shelves.remove(collection, index)
    return found


def _no_tale(story: Story) -> tuple[str, float] | None:
    if _NOT_A_TALE.search(story.title):
        return "no tale, by its title", 0.0
    return ("too short", 0.0) if story.facts.bytes < _SHORTEST else None


def _shared(story: Story, known: Hashes, most: float, words: str) -> tuple[str, float] | None:
    own = runs_of_words(story.text)
    places = np.minimum(np.searchsorted(known, own), len(known) - 1)
    share = float((known[places] == own).mean()) if len(own) else 0.0
    return (words, round(share, 3)) if share > most else None


def _known_runs(stories: Iterable[Story]) -> Hashes:
    """Those of all the stories, sorted."""
    return np.unique(np.concatenate([runs_of_words(story.text) for story in stories]))
