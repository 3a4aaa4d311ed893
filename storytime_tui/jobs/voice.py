"""Measures a model's voice: the share of told passages that a classifier assigns to the training shelf.

The classifier (`corpus.manner`) is fitted on each shelf's training stories and on passages told by the base. Its
features are words, pairs of words and punctuation, without names. So the figure says whether the style is the shelf's
rather than the base's. It says nothing about the quality or the plot of a passage.

The caller passes in the functions that tell, so a training model, an opened model or a fake can be measured. Loads no
torch.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from storytime_tui.corpus.collection import Collection, Story
from storytime_tui.corpus.headers import voice_of
from storytime_tui.corpus.lazy import picked
from storytime_tui.corpus.manner import Classifier
from storytime_tui.corpus.recited import recited
from storytime_tui.corpus.splitting import Split
from storytime_tui.jobs.epoch import homes_of
from storytime_tui.training.beginnings import opening_of

PASSAGES = 24  # per measurement
TOKENS = 110  # per passage, which then continues to the end of its sentence
ONCE = "Once upon a time"
BASE = "the base"  # name of the class of the base's passages
BASE_PASSAGES = 48  # passages of the base that the classifier is fitted on
_BASE_SEED = 1_000_000  # seed of the base's passages, different from the seeds of a measurement
_OPENINGS = 4  # held-out stories per shelf whose openings are prompts of a measurement
_BASE_OPENINGS = 12  # training stories whose openings are prompts of the base's passages
_SEED_STEP = 1_000  # between the seeds of two prompts
_FITTED_WORDS = 200_000  # words of each shelf that the classifier is fitted on
_RECITED_WORDS = 5_000_000  # words of each shelf that are searched for copied passages

Tell = Callable[[str, int, int, int], Sequence[str]]
"""`tell(prompt, count, seed, tokens)` returns `count` continuations of the prompt, without the prompt."""


@dataclass(frozen=True)
class Shelf:
    """A collection as a voice. `title`: as in the shelf's line. `held_out`: the validation stories."""

    title: str
    stories: Sequence[Story]
    held_out: Sequence[Story] = ()

    def openings(self, most: int = _OPENINGS) -> tuple[str, ...]:
        """The first words of held-out stories."""
        return _openings(self.held_out, most)

    def training_openings(self, most: int) -> tuple[str, ...]:
        """The first words of training stories."""
        return _openings(self.stories, most)


@dataclass(frozen=True)
class VoiceScore:
    """The result of a measurement over `passages` passages, each told as one shelf.

    `of_shelf`: passages classified as that shelf. `of_base`: passages classified as the base. `per_class`: passages per
    class, "" for none. `copied`: the share of their runs of eight words that occur in the training stories.
    """

    passages: int
    of_shelf: int
    of_base: int
    per_class: Mapping[str, int]
    of_each: Mapping[str, tuple[int, int]]  # per shelf: (passages classified as it, passages told as it)
    copied: float

    @property
    def share(self) -> float:
        """The share of passages that sound like their shelf, 0 to 1."""
        return self.of_shelf / self.passages if self.passages else 0.0


@dataclass(frozen=True)
class VoiceJudge:
    """Classifies passages as one of the shelves, the base or another class."""

    shelves: tuple[Shelf, ...]
    classifier: Classifier

    def score(self, told: Mapping[str, Sequence[str]]) -> VoiceScore:
        """Score passages, given by the title of the shelf that they were told as."""
        named = {title: [self.classifier.classify(p) for p in passages] for title, passages in told.items()}
        right = {title: (names.count(title), len(names)) for title, names in named.items()}
        every = [name for names in named.values() for name in names]
        return VoiceScore(
            passages=len(every),
            of_shelf=sum(count for count, _ in right.values()),
            of_base=every.count(BASE),
            per_class=dict(Counter(every).most_common()),
            of_each=right,
            copied=recited(
                [passage for passages in told.values() for passage in passages],
                (story.text for shelf in self.shelves for story in _some(shelf.stories, _RECITED_WORDS)),
            ),
        )


def shelves_of(collections: Sequence[Collection], split: Split) -> tuple[Shelf, ...]:
    """The collections as shelves, with their halves of a split. Collections with the same title are one shelf."""
    titles = [voice_of(collection.title) for collection in collections]
    # a single story is cut in two for the split; its halves are in no collection
    home = homes_of(collections)

    def part(stories: Sequence[Story], title: str) -> Sequence[Story]:
        own = (titles[home.get(story.facts.digest, 0)] == title for story in stories)
        return picked(stories, array("q", (place for place, is_own in enumerate(own) if is_own)))

    shelves = (Shelf(t, part(split.training, t), part(split.validation, t)) for t in dict.fromkeys(titles))
    return tuple(shelf for shelf in shelves if shelf.stories)


def make_judge(
    shelves: Sequence[Shelf], base: Sequence[str], others: Mapping[str, Sequence[str]] | None = None
) -> VoiceJudge | None:
    """Fit a classifier on the shelves, on passages told by the `base`, and on texts of `others`, by class.

    None if there is only one class, or a shelf has no words.
    """
    texts = {shelf.title: [story.text for story in _some(shelf.stories, _FITTED_WORDS)] for shelf in shelves}
    further = {**(others or {}), BASE: base}
    texts |= {name: list(each) for name, each in further.items() if any(map(str.strip, each))}
    try:
        return VoiceJudge(tuple(shelves), Classifier.fit(texts))
    except ValueError:
        return None


def measure_voice(
    judge: VoiceJudge,
    tells: Mapping[str, Tell],
    *,
    passages: int | None = None,
    openings: int = _OPENINGS,
    seed: int = 0,
    stopped: Callable[[], bool] = lambda: False,
) -> VoiceScore | None:
    """Tell passages as each shelf in `tells` and score them. None if `stopped`.

    The passages (default PASSAGES) are divided among the shelves. Half of a shelf's passages start from "Once upon a
    time", the others from the openings of its held-out stories.
    """
    told: dict[str, list[str]] = {}
    total = PASSAGES if passages is None else passages
    shelves = [shelf for shelf in judge.shelves if shelf.title in tells]
    for number, shelf in enumerate(shelves):
        count = total // len(shelves) + (number < total % len(shelves))
        told[shelf.title] = []
        for batch in tell_passages(tells[shelf.title], shelf.openings(openings), count, seed):
            if stopped():
                return None
            told[shelf.title] += batch
    return None if stopped() or not any(told.values()) else judge.score(told)


def tell_passages(tell: Tell, openings: Sequence[str], count: int, seed: int) -> Iterator[Sequence[str]]:
    """Tell `count` passages, one batch per prompt: half from "Once upon a time", all without `openings`."""
    for place, (prompt, rows) in enumerate(prompts(openings, count)):
        yield tell(prompt, rows, seed + place * _SEED_STEP, TOKENS)


def prompts(openings: Sequence[str], count: int) -> list[tuple[str, int]]:
    """(prompt, number of passages) for `count` passages in all."""
    rest = count // 2 if openings else 0
    shares = [rest // len(openings) + (place < rest % len(openings)) for place in range(len(openings))]
    every = [(ONCE, count - rest), *zip(openings, shares, strict=True)]
    return [(prompt, rows) for prompt, rows in every if rows]


def base_openings(shelves: Sequence[Shelf], most: int = _BASE_OPENINGS) -> list[str]:
    """The prompts for the base's passages: openings of the shelves' training stories.

    Any model continues its prompt in kind. If the base were known by "Once upon a time" only, its continuations of a
    prompt with a king or a mill would be classified as the shelf.
    """
    per_shelf = max(1, most // max(1, len(shelves)))
    return [opening for shelf in shelves for opening in shelf.training_openings(per_shelf)]


def tell_as_base(tell: Tell, openings: Sequence[str], count: int | None = None) -> Iterator[Sequence[str]]:
    """Tell the base's passages that the classifier is fitted on (default BASE_PASSAGES)."""
    return tell_passages(tell, openings, BASE_PASSAGES if count is None else count, _BASE_SEED)


def _openings(stories: Sequence[Story], most: int) -> tuple[str, ...]:
    """Up to `most` different openings, of evenly spaced stories."""
    step = max(1, len(stories) // most)
    openings = (opening_of(story.text) for story in [*stories[::step], *stories[1::step]][: 2 * most])
    return tuple(dict.fromkeys(filter(None, openings)))[:most]


def _some(stories: Sequence[Story], words: int) -> Sequence[Story]:
    """All stories, or evenly spaced ones with about `words` words in all."""
    step = -(-sum(story.facts.words for story in stories) // words)
    return stories[:: max(1, step)]
