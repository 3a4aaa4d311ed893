"""How much of what a model tells sounds like the shelf it learned from: passages told, and named by a classifier.

The classifier (`corpus.manner`) is made from each shelf's own training stories and from what the base tells. It goes
by words, pairs of words and punctuation, with names left out. So the figure says whether the manner of telling is the
shelf's rather than the base's. It does not say that a passage is good, or true to the shelf in what happens.

Here is no model: who tells is handed in, so that a run that learns, an opened teller or a fake will do. Loads no torch.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from storytime_tui.corpus.collection import Collection, Story
from storytime_tui.corpus.headers import voice_of
from storytime_tui.corpus.manner import Classifier
from storytime_tui.corpus.recited import recited
from storytime_tui.corpus.splitting import Split
from storytime_tui.training.beginnings import opening_of

PASSAGES = 24  # told to measure by
TOKENS = 110  # of each, and on to the end of a sentence
ONCE = "Once upon a time"
BASE = "the base"  # what the class of its passages is called
BASE_PASSAGES = 48
_BASE_SEED = 1_000_000  # what the base is known by was not told with the seeds that are measured with
_OPENINGS = 4  # held-out stories whose first words are told from
_BASE_OPENINGS = 12  # and learned ones, whose first words the base tells from
_APART = 1_000  # between the seeds of two beginnings
_LEARNED_BY = 200_000  # words of each shelf that its manner is learned by
_RECITED_FROM = 5_000_000  # words of each shelf that may have been recited

Tell = Callable[[str, int, int, int], Sequence[str]]
"""`tell(prompt, count, seed, tokens)`: so many passages that go on with the prompt, without it."""


@dataclass(frozen=True)
class Shelf:
    """`title`: its voice, as its line calls it. `stories` were learned from, `held_out` were not."""

    title: str
    stories: tuple[Story, ...]
    held_out: tuple[Story, ...] = ()

    def openings(self, most: int = _OPENINGS) -> tuple[str, ...]:
        """The first words of held-out stories."""
        return _openings(self.held_out, most)

    def learned_openings(self, most: int) -> tuple[str, ...]:
        """The first words of stories that were learned from."""
        return _openings(self.stories, most)


@dataclass(frozen=True)
class MeasuredVoice:
    """What came of it: of so many `passages`, how many were `of_shelf`, each told as one shelf and in its manner, and
    how many `of_base`. `per_class`: in whose manner the passages are, "" for nobody's. `copied`: the share of their
    runs of eight words that stand in the shelves' training stories."""

    passages: int
    of_shelf: int
    of_base: int
    per_class: Mapping[str, int]
    of_each: Mapping[str, tuple[int, int]]  # by shelf: how many of how many told as it
    copied: float

    @property
    def share(self) -> float:
        """Of the passages, those in their shelf's manner: 0 to 1."""
        return self.of_shelf / self.passages if self.passages else 0.0


@dataclass(frozen=True)
class Ear:
    """What tells the shelves apart from each other, from the base, and from whom else it was given."""

    shelves: tuple[Shelf, ...]
    classifier: Classifier

    def judge(self, told: Mapping[str, Sequence[str]]) -> MeasuredVoice:
        """The figures of passages, by the title of the shelf that they were told as."""
        named = {title: [self.classifier.classify(p) for p in passages] for title, passages in told.items()}
        right = {title: (names.count(title), len(names)) for title, names in named.items()}
        every = [name for names in named.values() for name in names]
        return MeasuredVoice(
            passages=len(every),
            of_shelf=sum(count for count, _ in right.values()),
            of_base=every.count(BASE),
            per_class=dict(Counter(every).most_common()),
            of_each=right,
            copied=recited(
                [passage for passages in told.values() for passage in passages],
                (story.text for shelf in self.shelves for story in _some(shelf.stories, _RECITED_FROM)),
            ),
        )


def shelves_of(collections: Sequence[Collection], split: Split) -> tuple[Shelf, ...]:
    """The collections with their halves of a split. Where two have one title they are one shelf."""
    titles = {c.name: voice_of(c.title) for c in collections}
    home = {s.facts.digest: titles[c.name] for c in reversed(collections) for s in c.stories}
    first = titles[
        collections[0].name
    ]  # of a single story that was cut in two, neither half is in a collection

    def part(stories: Sequence[Story], title: str) -> tuple[Story, ...]:
        return tuple(story for story in stories if home.get(story.facts.digest, first) == title)

    shelves = (
        Shelf(t, part(split.training, t), part(split.validation, t)) for t in dict.fromkeys(titles.values())
    )
    return tuple(shelf for shelf in shelves if shelf.stories)


def ear_for(
    shelves: Sequence[Shelf], base: Sequence[str], others: Mapping[str, Sequence[str]] | None = None
) -> Ear | None:
    """What hears the shelves' voices; `base`: passages that the base told, `others`: texts of further classes.

    None where there is nothing to tell a shelf from, or not a word to know one by.
    """
    texts = {shelf.title: [story.text for story in _some(shelf.stories, _LEARNED_BY)] for shelf in shelves}
    further = {**(others or {}), BASE: base}
    texts |= {name: list(each) for name, each in further.items() if any(map(str.strip, each))}
    try:
        return Ear(tuple(shelves), Classifier.fit(texts))
    except ValueError:
        return None


def measure_voice(
    ear: Ear,
    tells: Mapping[str, Tell],
    *,
    passages: int | None = None,
    openings: int = _OPENINGS,
    seed: int = 0,
    stopped: Callable[[], bool] = lambda: False,
) -> MeasuredVoice | None:
    """Have passages told as each shelf of `tells`, and judge them. None where it was `stopped`.

    They (PASSAGES, or as many as are asked for) are shared out among the shelves; half of each shelf's begin with "Once
    upon a time", the others as held-out stories of it do.
    """
    told: dict[str, list[str]] = {}
    wanted = PASSAGES if passages is None else passages
    shelves = [shelf for shelf in ear.shelves if shelf.title in tells]
    for number, shelf in enumerate(shelves):
        count = wanted // len(shelves) + (number < wanted % len(shelves))
        begun = tell_passages(tells[shelf.title], shelf.openings(openings), count, seed)
        told[shelf.title] = []
        for each in begun:
            if stopped():
                return None
            told[shelf.title] += each
    return None if stopped() or not any(told.values()) else ear.judge(told)


def tell_passages(tell: Tell, openings: Sequence[str], count: int, seed: int) -> Iterator[Sequence[str]]:
    """`count` passages, those of one beginning together: half of "Once upon a time", or all where nothing else is."""
    for place, (prompt, rows) in enumerate(beginnings(openings, count)):
        yield tell(prompt, rows, seed + place * _APART, TOKENS)


def beginnings(openings: Sequence[str], count: int) -> list[tuple[str, int]]:
    """What is told from, and how often."""
    rest = count // 2 if openings else 0
    shares = [rest // len(openings) + (place < rest % len(openings)) for place in range(len(openings))]
    found = [(ONCE, count - rest), *zip(openings, shares, strict=True)]
    return [(prompt, rows) for prompt, rows in found if rows]


def base_beginnings(shelves: Sequence[Shelf], most: int = _BASE_OPENINGS) -> list[str]:
    """The openings that a base is known by: of stories that these shelves' runs learn from.

    What is told goes on with what was begun, whoever tells: a base that were known by "Once upon a time" alone would be
    taken for the shelf wherever it goes on with a king or a mill.
    """
    each = max(1, most // max(1, len(shelves)))
    return [opening for shelf in shelves for opening in shelf.learned_openings(each)]


def tell_as_base(tell: Tell, openings: Sequence[str], count: int | None = None) -> Iterator[Sequence[str]]:
    """What a base is known by: so many passages, or BASE_PASSAGES."""
    return tell_passages(tell, openings, BASE_PASSAGES if count is None else count, _BASE_SEED)


def _openings(stories: Sequence[Story], most: int) -> tuple[str, ...]:
    """Of evenly chosen stories."""
    step = max(1, len(stories) // most)
    found = (opening_of(story.text) for story in [*stories[::step], *stories[1::step]][: 2 * most])
    return tuple(dict.fromkeys(filter(None, found)))[:most]


def _some(stories: Sequence[Story], words: int) -> Sequence[Story]:
    """All of the stories, or evenly chosen ones with about so many words."""
    step = -(-sum(story.facts.words for story in stories) // words)
    return stories[:: max(1, step)]
