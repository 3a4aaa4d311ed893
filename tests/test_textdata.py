"""The bundled tales: whole, original, and three voices that a reader and a model can tell apart.

The files are read as plain text here, not through the package, so that a change in how the shelf cleans
a story can neither hide a fault in the tales nor make one up.
"""

import math
import random
import re
import statistics
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXTDATA = ROOT / "textdata"
SHARED = ROOT.parent / "shared"
HEDGEROW, FIRS, ATTIC = "hedgerow-tales", "under-the-fir-trees", "nonsense-from-the-attic"
COLLECTIONS = (HEDGEROW, FIRS, ATTIC)

WORD = re.compile(r"[a-z]+(?:'[a-z]+)*")
SENTENCE_END = re.compile(r"(?<=[.!?])[\"')]*\s+")
HALVINGS = 4  # how often the tales are parted anew into those that teach and those that are asked about
RUN = 8  # so many words in a row are a borrowing and not a figure of speech

# Stretches of RUN words that a tale says again on purpose.
REFRAINS = {
    "a-flight-of-stairs": "all going the same way is called a flight",
    "t-is-away": "been round the back of the water tank",
    "the-bell-under-the-snow": "out upon the slope with their hats in their hands and",
    "the-bride-of-birch-bark": "no longer than a grain of rye and",
    "the-ferrymans-winter": "stood in the gap with his hand out",
    "the-poetic-licence": "ti tum ti tum ti tum ti tum ti tum a sweep got stuck at number three "
    "they tugged him down with ropes for tea he landed in a cloud of soot and he was longer by",
    "the-seven-coats": "along the beam with his finger and counted",
}

# Rhymes that do not look it: every word here sounds like the others of its group.
RHYMES = [
    set(group.split())
    for group in (
        "dear here / cried side inside replied wide / sea we three tea / gone on / else them / comb home"
        " / dose toes / size eyes criticise / enough stuff / door four for before / road towed / hen then ten again"
        " / dead said bed / Hence tense / rule stool / conceit seat street treat / all ball"
    )
    .lower()
    .split("/")
]


def words(text: str) -> list[str]:
    plain = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").replace("_", "")
    return WORD.findall(plain)


def runs(said: list[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(said[start:] for start in range(RUN)), strict=False)


class Tale:
    def __init__(self, path: Path) -> None:
        self.name, self.collection = path.stem, path.parent.name
        self.raw = path.read_bytes()
        self.text = self.raw.decode("utf-8")
        self.title, _, body = self.text.partition("\n\n")
        blocks = [block.split("\n") for block in body.rstrip("\n").split("\n\n")]
        self.prose = [block[0] for block in blocks if len(block) == 1]
        self.stanzas = [block for block in blocks if len(block) > 1]

    @cached_property
    def words(self) -> list[str]:
        return words(self.text)

    @property
    def paragraphs(self) -> list[int]:
        """The words of each of its paragraphs."""
        return [len(words(paragraph)) for paragraph in self.prose]

    @property
    def sentence(self) -> float:
        """The words of its average sentence."""
        lengths = [
            len(words(sentence)) for paragraph in self.prose for sentence in SENTENCE_END.split(paragraph)
        ]
        return statistics.mean(length for length in lengths if length)

    @property
    def narration(self) -> str:
        return " ".join(re.sub(r'"[^"]*("|$)', " ", paragraph) for paragraph in self.prose)

    @property
    def verse_lines(self) -> int:
        return sum(map(len, self.stanzas))


@cache
def tales(collection: str) -> tuple[Tale, ...]:
    return tuple(Tale(path) for path in sorted((TEXTDATA / collection).glob("*.txt")))


def every_tale() -> list[Tale]:
    return [tale for collection in COLLECTIONS for tale in tales(collection)]


each_tale = pytest.mark.parametrize("tale", every_tale(), ids=lambda tale: f"{tale.collection}/{tale.name}")
each_collection = pytest.mark.parametrize("collection", COLLECTIONS)


def test_there_are_these_three_collections() -> None:
    assert {folder.name for folder in TEXTDATA.iterdir() if folder.is_dir()} == set(COLLECTIONS)


@each_collection
def test_a_collection_is_large_enough_to_teach_a_model(collection: str) -> None:
    assert len(tales(collection)) >= 15
    assert sum(len(tale.raw) for tale in tales(collection)) >= 60_000


@each_collection
def test_a_card_says_what_the_collection_is_and_whose(collection: str) -> None:
    raw = (TEXTDATA / collection / "collection.toml").read_bytes()
    assert raw.isascii()
    card = tomllib.loads(raw.decode())
    assert all(card[key].strip() for key in ("title", "author", "licence", "description"))
    numbers = {15: "Fifteen", 16: "Sixteen", 17: "Seventeen", 18: "Eighteen"}
    assert card["description"].startswith(numbers[len(tales(collection))])  # the card counts its tales


def test_every_title_is_its_own_and_names_its_file() -> None:
    titles = [tale.title for tale in every_tale()]
    assert len({title.lower() for title in titles}) == len(titles)
    for tale in every_tale():
        assert tale.name == "-".join(words(tale.title.replace("'", "")))


# Whole and cleanly set ---------------------------------------------------------------------------------


@each_tale
def test_a_tale_is_plainly_set(tale: Tale) -> None:
    assert tale.raw.isascii(), "curly quotes, dashes and accents have no place here"
    assert tale.text.endswith("\n") and not tale.text.endswith("\n\n")
    lines = tale.text.split("\n")
    assert lines[0] and not lines[1] and lines[2], "a title, a blank line, and the tale"
    assert "\n\n\n" not in tale.text
    for line in lines:
        assert line == line.strip()
        assert not re.search(r"  |\t|--|\.\.| [,.;:!?]|[,;:]{2}", line), line


@each_tale
def test_prose_is_one_paragraph_a_line_and_only_verse_is_broken(tale: Tale) -> None:
    for block in tale.stanzas:
        for line in block:
            assert len(line) <= 90, f"prose that was wrapped, or too long for verse: {line}"
            assert line[0].isupper() or line[0] in "\"'(", line


@each_tale
def test_a_tale_comes_to_an_end(tale: Tale) -> None:
    last = tale.text.rstrip("\n")
    if tale.name == "the-retired-comma":
        assert last.endswith("at the very end,")  # the place where he had never been let stand
    else:
        assert last.endswith((".", "!", "?", '."', '!"', '?"'))
    assert len(tale.words) >= 600
    # An unmatched quotation mark is a speech that lost its end; one speech may run over paragraphs.
    for paragraph in tale.prose:
        assert paragraph.count('"') % 2 == 0, paragraph


@each_tale
def test_no_word_is_said_twice_running_by_mistake(tale: Tale) -> None:
    for first, second in re.findall(r"\b([A-Za-z]+) (?=([A-Za-z]+)\b)", tale.text):
        assert first.lower() != second.lower() or first in ("had", "that"), f"{first} {second}"
    assert not re.search(r"\b[Aa] [aei]\w|\b[Aa]n [b-dfgj-np-tv-z]\w", tale.text)


# Three voices ------------------------------------------------------------------------------------------


def test_the_hedgerow_is_told_in_short_light_paragraphs() -> None:
    lengths = {name: [n for tale in tales(name) for n in tale.paragraphs] for name in COLLECTIONS}
    assert max(lengths[HEDGEROW]) <= 80
    assert statistics.mean(lengths[HEDGEROW]) < 34
    assert statistics.mean(lengths[HEDGEROW]) < 0.85 * statistics.mean(lengths[ATTIC])
    assert statistics.median(lengths[HEDGEROW]) < 0.4 * statistics.median(lengths[FIRS])
    assert max(tale.sentence for tale in tales(HEDGEROW)) < 16
    talk = [sum(p.count('"') for p in tale.prose) / len(tale.words) for tale in tales(HEDGEROW)]
    assert min(talk) > 0.025  # and much of it is talk


def test_the_firs_are_told_in_long_sentences() -> None:
    assert min(statistics.median(tale.paragraphs) for tale in tales(FIRS)) > 65
    assert min(tale.sentence for tale in tales(FIRS)) > 22
    others = [tale for tale in every_tale() if tale.collection != FIRS]
    ours = statistics.mean(tale.sentence for tale in tales(FIRS))
    assert ours > 2.3 * statistics.mean(tale.sentence for tale in others)
    assert min(tale.sentence for tale in tales(FIRS)) > 1.4 * max(tale.sentence for tale in others)


def test_the_firs_are_dark() -> None:
    dark = set(words("snow frost ice cold dark night winter grave died dead death wolf buried ash grey"))

    def darkness(collection: str) -> float:
        said = [word for tale in tales(collection) for word in tale.words]
        return sum(word in dark for word in said) / len(said)

    assert darkness(FIRS) > 3 * max(darkness(HEDGEROW), darkness(ATTIC))


def test_the_attic_is_told_by_somebody_who_talks_to_you() -> None:
    def asides(tale: Tale) -> int:
        return len(re.findall(r"\b(?:I|my|me|you|your)\b", tale.narration))

    assert sum(asides(tale) >= 4 for tale in tales(ATTIC)) >= 14
    assert all(asides(tale) <= 4 for tale in tales(FIRS))
    assert sum(asides(tale) >= 4 for tale in tales(HEDGEROW)) <= 2


def test_every_tale_of_the_attic_has_its_verse_and_few_others_have() -> None:
    assert min(tale.verse_lines for tale in tales(ATTIC)) >= 8
    for collection in (HEDGEROW, FIRS):
        assert sum(tale.verse_lines > 0 for tale in tales(collection)) <= 4


def rhyme(one: str, other: str) -> bool:
    one, other = words(one)[-1], words(other)[-1]
    return one[-2:] == other[-2:] or any({one, other} <= group for group in RHYMES)


def syllables(line: str) -> int:
    total = 0
    for word in words(line):
        mute = re.search(r"[^aeiouyl]e$|[^aeiouytd]ed$|[^aeiouscgxz]es$", word) is not None
        total += max(1, len(re.findall("[aeiouy]+", word)) - mute)
    return total


@pytest.mark.parametrize("tale", tales(ATTIC), ids=lambda tale: tale.name)
def test_the_verse_of_the_attic_rhymes_and_scans(tale: Tale) -> None:
    for stanza in tale.stanzas:
        rhyming = [
            line for n, line in enumerate(stanza) if any(rhyme(line, o) for o in stanza[:n] + stanza[n + 1 :])
        ]
        assert len(rhyming) >= len(stanza) / 2, stanza
        for n, line in enumerate(stanza):
            if line == "And he was longer by":  # it wants a foot: the tale is about that
                continue
            others = stanza[:n] + stanza[n + 1 :]
            assert min(abs(syllables(line) - syllables(other)) for other in others) <= 1, line


def taught(tales_by_collection: dict[str, list[Counter[str]]]) -> dict[str, dict[str, float]]:
    """A naive Bayes: what each word says for each collection, with one added to every count."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in tales_by_collection}
    for name, shelf in tales_by_collection.items():
        for said in shelf:
            counts[name].update(said)
    known = set().union(*counts.values())
    return {
        name: {word: math.log((said[word] + 1) / (said.total() + len(known))) for word in known}
        for name, said in counts.items()
    }


def guess(model: dict[str, dict[str, float]], said: Counter[str]) -> str:
    def likely(name: str) -> float:
        return sum(count * model[name][word] for word, count in said.items() if word in model[name])

    return max(model, key=likely)


def mistakes(said: dict[str, Counter[str]], seed: int) -> list[tuple[str, str]]:
    """Teach one half of each collection, ask about the other: the tales put on the wrong shelf, and which."""
    shuffle = random.Random(seed).shuffle
    teach: dict[str, list[Counter[str]]] = {}
    ask: list[Tale] = []
    for name in COLLECTIONS:
        shelf = list(tales(name))
        shuffle(shelf)
        teach[name] = [said[tale.name] for tale in shelf[: len(shelf) // 2]]
        ask += shelf[len(shelf) // 2 :]
    model = taught(teach)
    asked = [(tale, guess(model, said[tale.name])) for tale in ask]
    return [(tale.collection, put) for tale, put in asked if put != tale.collection]


def test_a_reader_can_tell_the_three_apart() -> None:
    said = {tale.name: Counter(tale.words) for tale in every_tale()}
    wrong = [mistakes(said, seed) for seed in range(HALVINGS)]
    assert 1 - sum(map(len, wrong)) / (HALVINGS * len(said) / 2) >= 0.95
    assert not [put for found in wrong for put in found if FIRS in put]  # the firs are never in doubt


def test_they_can_be_told_apart_with_every_name_taken_out() -> None:
    # A name is a word that is nowhere in small letters: Tuppen and Pip, though not the clock or the echo.
    small = {word for tale in every_tale() for word in re.findall(r"\b[a-z]+(?:'[a-z]+)*", tale.text)} | {"i"}
    said = {
        tale.name: Counter(word for word in tale.words if word in small or word.startswith("i'"))
        for tale in every_tale()
    }
    wrong = [mistakes(said, seed) for seed in range(HALVINGS)]
    assert 1 - sum(map(len, wrong)) / (HALVINGS * len(said) / 2) >= 0.85


# Nothing from elsewhere, and nothing twice -------------------------------------------------------------


def test_no_stretch_of_words_stands_in_two_tales() -> None:
    seen: dict[tuple[str, ...], str] = {}
    for tale in every_tale():
        for run in runs(tale.words):
            assert seen.setdefault(run, tale.name) == tale.name, " ".join(run)


@each_tale
def test_a_tale_repeats_only_its_refrain(tale: Tale) -> None:
    again = {run for run, count in Counter(runs(tale.words)).items() if count > 1}
    assert again <= set(runs(words(REFRAINS.get(tale.name, "")))), {" ".join(run) for run in again}


def test_no_sentence_comes_from_elsewhere() -> None:
    books = [
        path for folder in (SHARED / "corpora", SHARED / "gutenberg_raw") for path in folder.rglob("*.txt")
    ]
    if not books:
        pytest.skip("no shared books beside this checkout to hold the tales against")
    ours = {run for tale in every_tale() for run in runs(tale.words)}
    # Their first chapters, for speed; whole, and with 331 books more, they were gone through once by hand.
    for book in books:
        theirs = words(book.read_text(encoding="utf-8", errors="replace")[:150_000])
        assert not ours.intersection(runs(theirs)), book.name
