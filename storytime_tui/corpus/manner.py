"""Whose manner a passage is told in: naive Bayes over words and pairs of words, names left out.

Each class is a shelf, an author, or what a model tells, known by texts that are cut into passages of about the length
of a told one. What counts in a passage is which lower-case words and which pairs of neighbours it has, how often it
has the words that come again, and how often each mark of punctuation; see McCallum and Nigam 1998, "A comparison of
event models for naive Bayes text classification". Names are left out, or a passage would be known by whom it tells
of. What is not known of a class is taken from all of them together (a Dirichlet prior; Zhai and Lafferty 2004), and a
leaning for each class, found on passages held out in turn, makes all of them equally often right: so a shelf of many
words is not favoured over the few passages that a model was asked for.

It is a count of words. It does not know whether a passage is good, or makes sense.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
import numpy.typing as npt

from storytime_tui.corpus.headers import characters_in
from storytime_tui.corpus.words import WORD

PASSAGE = 100  # words, about
_FEWEST = 40  # of a text's last passage; what is shorter belongs to the one before
_PRIOR = 4.0  # passages' worth of what all classes have in common, in what is known of each
_MOST = 2.5  # nats that one word or pair says for a class or against it
_FOLDS = 5  # parts of each class that are held out in turn, to find the leanings
_ROUNDS = 300  # of finding the leanings
_MOST_TIMES, _MOST_MARKS = 8, 12  # how often a word, or a mark, is counted
_MARKS = re.compile(r"[,;:!?.\"\u201c\u201d]|\u2014|--")
_STARTS = frozenset(
    '.!?:\u2026"\u201c\u201d\n\u2014'
)  # between two words: the second one has its capital because it begins
_I = re.compile(r"i(?:'(?:m|ll|ve|d))?")
_SENTENCE_END = re.compile(r"""[.!?\u2026]["\u201d\u2019']*\s+""")

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


def passages_of(text: str, words: int = PASSAGE) -> list[str]:
    """The text cut at ends of sentences into passages of `words` words or a few more; what is left over is joined
    to the last one where it is short."""
    cuts, start, end = [0], 0, 0
    for found in _SENTENCE_END.finditer(text):
        end = found.end()
        if len(text[start:end].split()) >= words:
            cuts.append(end)
            start = end
    if len(cuts) > 1 and len(text[start:].split()) < _FEWEST:
        cuts.pop()
    return [text[a:b].strip() for a, b in pairwise([*cuts, len(text)]) if text[a:b].strip()]


@dataclass(frozen=True)
class Classifier:
    """Made by `fit`. `evidence[feature, class]`: nats that a feature says for a class; `rates[feature, class]`: in
    which share of its passages the class has it; `leaning[class]`: what is added to each passage's sum."""

    classes: tuple[str, ...]
    names: frozenset[str]
    features: Mapping[str, int]
    evidence: Floats
    rates: Floats
    leaning: Floats

    @classmethod
    def fit(cls, texts: Mapping[str, Sequence[str]]) -> "Classifier":
        """Learn classes from their texts: stories, or told passages.

        Raises ValueError for fewer than two classes, or one without a word.
        """
        cut = {name: [p for text in each for p in passages_of(text)] for name, each in texts.items()}
        if len(cut) < 2 or not all(cut.values()):
            raise ValueError("A manner is told from others: at least two classes with texts are needed.")
        names = _names_in(cut.values()) | _characters_of(texts.values())
        numbers: dict[str, int] = {}
        rows: list[Numbers] = []
        for passage in (each for passages in cut.values() for each in passages):
            found = _features_of(passage, names)
            rows.append(np.array([numbers.setdefault(each, len(numbers)) for each in found], np.int64))
        class_of = np.repeat(np.arange(len(cut)), [len(passages) for passages in cut.values()])
        counts, passages = _counts(rows, class_of, len(numbers), len(cut))
        return cls(
            classes=tuple(cut),
            names=names,
            features=numbers,
            evidence=_evidence(counts, passages),
            rates=counts / passages,
            leaning=_fitted(_held_out_scores(rows, class_of, counts, passages), class_of),
        )

    def scores(self, text: str) -> Floats:
        """(classes,) nats for each class, up to a constant; of a text of several passages, their mean."""
        parts = [self.evidence[known].sum(axis=0) for known in map(self._known, passages_of(text)) if known]
        total: Floats = np.mean(parts, axis=0) + self.leaning if parts else self.leaning
        return total

    def classify(self, text: str) -> str:
        """The class in whose manner a passage, or a longer text, is told; "" where nothing of it is known."""
        return self.classes[int(self.scores(text).argmax())] if self._known(text) else ""

    def tells_by(self, name: str, most: int = 12) -> list[str]:
        """The words and pairs by which a class is known most, those first that say most for most of its passages."""
        place = self.classes.index(name)
        order = np.argsort(-self.evidence[:, place] * self.rates[:, place], kind="stable")
        words = list(self.features)
        found = (words[number] for number in order.tolist())
        return list(islice((each for each in found if not each[-1].isdigit()), most))

    def _known(self, passage: str) -> list[int]:
        found = _features_of(passage, self.names)
        return [self.features[each] for each in found if each in self.features]


# -- what counts --------------------------------------------------------------------------------------------


def _features_of(passage: str, names: frozenset[str]) -> list[str]:
    """What a passage has: its words, its pairs ("old wood"), `word 2` where it comes twice or more, `, 3` where there
    are three commas or more."""
    found: dict[str, int] = {}
    marks: Counter[str] = Counter()
    before, end = "", 0
    for match in WORD.finditer(passage):
        between, end = passage[end : match.start()], match.end()
        marks.update(map(_mark, _MARKS.findall(between)))
        word = _kept(match[0], between, first=match.start() == 0)
        if not word or word in names:
            before = ""  # no pair goes across a name
            continue
        found[word] = found.get(word, 0) + 1
        if before:
            found[f"{before} {word}"] = 1
        before = word
    marks.update(map(_mark, _MARKS.findall(passage[end:])))
    again = [f"{each} {n}" for each, times in found.items() for n in range(2, min(times, _MOST_TIMES) + 1)]
    counted = [f"{m} {n}" for m, times in marks.items() for n in range(1, min(times, _MOST_MARKS) + 1)]
    return [*found, *again, *counted]


def _mark(sign: str) -> str:
    return {"\u201c": '"', "\u201d": '"', "--": "\u2014"}.get(sign, sign)


def _kept(word: str, between: str, *, first: bool) -> str:
    """A word as it is counted; "" for a number, and for a capital inside a sentence, which makes it a name."""
    plain = word.lower().replace("\u2019", "'")
    if not word[0].isalpha() or (_inside(word, between, first=first) and not _I.fullmatch(plain)):
        return ""
    return plain


def _inside(word: str, between: str, *, first: bool) -> bool:
    """Whether a word has a capital for another reason than that a sentence begins."""
    return word[0].isupper() and not first and _STARTS.isdisjoint(between)


def _names_in(classes: Iterable[Sequence[str]]) -> frozenset[str]:
    """What has a capital inside a sentence more often than it has none anywhere."""
    capital: Counter[str] = Counter()
    small: Counter[str] = Counter()
    for passage in (each for passages in classes for each in passages):
        end = 0
        for match in WORD.finditer(passage):
            word, between, end = match[0], passage[end : match.start()], match.end()
            if word[0].islower():
                small[word.replace("\u2019", "'")] += 1
            elif _inside(word, between, first=match.start() == 0):
                capital[word.lower().replace("\u2019", "'")] += 1
    return frozenset(
        word for word, times in capital.items() if times > small[word] and not _I.fullmatch(word)
    )


def _characters_of(classes: Iterable[Sequence[str]]) -> frozenset[str]:
    """Those whom the stories are about, where that is "the fox"."""
    found = {who for texts in classes for text in texts for who in characters_in(text)}
    return frozenset(who.removeprefix("the ") for who in found if who.startswith("the "))


# -- what it says -------------------------------------------------------------------------------------------


def _counts(rows: Sequence[Numbers], class_of: Numbers, features: int, classes: int) -> tuple[Floats, Floats]:
    """(features, classes) passages that have each feature, and (classes,) passages."""
    flat = [row * classes + number for row, number in zip(rows, class_of.tolist(), strict=True)]
    counts = np.bincount(np.concatenate(flat), minlength=features * classes).reshape(features, classes)
    return counts.astype(np.float64), np.bincount(class_of, minlength=classes).astype(np.float64)


def _evidence(counts: Floats, passages: Floats) -> Floats:
    """(features, classes) nats: how much likelier a feature is in a class than in all of them, each weighing alike."""
    common = (counts / np.maximum(passages, 1)).mean(axis=1, keepdims=True)
    common = np.maximum(common, 1e-12)  # of what only the passages held out have
    said = np.log((counts + _PRIOR * common) / (passages + _PRIOR) / common)
    times = counts.sum(axis=1, keepdims=True)
    clipped: Floats = np.clip(said, -_MOST, _MOST) * (times / (times + 1))  # what was met once may be chance
    return clipped


def _held_out_scores(rows: Sequence[Numbers], class_of: Numbers, counts: Floats, passages: Floats) -> Floats:
    """(rows, classes) nats, of each passage by what the others say."""
    features, classes = counts.shape
    # each class in as many parts, one after the other: neighbours are of one story
    part = np.concatenate([np.arange(n) * _FOLDS // n for n in passages.astype(np.int64).tolist()])
    scores = np.zeros((len(rows), classes))
    for fold in range(_FOLDS):
        held = np.flatnonzero(part == fold).tolist()
        if not held:
            continue
        own = _counts([rows[i] for i in held], class_of[held], features, classes)
        evidence = _evidence(counts - own[0], passages - own[1])
        for i in held:
            scores[i] = evidence[rows[i]].sum(axis=0)
    return scores


def _fitted(scores: Floats, class_of: Numbers) -> Floats:
    """(classes,) what to add to each class's scores so that all are right equally often, as far as that goes.

    Of softmax(scale * scores + offset), with every class weighing alike, the offset and the scale that make the
    true classes likeliest, by gradient descent; then in the scores' own unit.
    """
    classes = scores.shape[1]
    weights = (1.0 / np.bincount(class_of, minlength=classes))[class_of] / classes
    target = np.eye(classes)[class_of]
    unit = max(float(scores.std()), 1e-9)
    standard = scores / unit
    scale, offset = 1.0, np.zeros(classes)
    for _ in range(_ROUNDS):
        z = scale * standard + offset
        p = np.exp(z - z.max(axis=1, keepdims=True))
        error = (p / p.sum(axis=1, keepdims=True) - target) * weights[:, None]
        offset -= 2.0 * (error.sum(axis=0) + 1e-3 * offset)
        scale = max(scale - 2.0 * float((error * standard).sum()), 1e-3)
    leaning: Floats = offset * unit / scale
    return leaning
