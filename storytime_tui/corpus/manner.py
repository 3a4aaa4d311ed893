"""Which class of texts a passage sounds like: naive Bayes over words and pairs of words, without names.

A class is a collection, an author, or the output of a model. Its texts are cut into passages about as long as a
generated one. The features of a passage are its lower-case words, its pairs of neighbouring words, the counts of
repeated words and of each punctuation mark; see McCallum and Nigam 1998, "A comparison of event models for naive
Bayes text classification". Names are left out, or a passage would be recognised by its characters. A Dirichlet prior
(Zhai and Lafferty 2004) smooths each class towards the mean of all. A bias for each class, fitted on held-out
passages, makes all classes equally often right, so that a large collection has no advantage over a few generated
passages.

The classifier only counts words. It does not judge whether a passage is good or makes sense.
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

PASSAGE = 100  # words of a passage, about
_FEWEST = 40  # words of a text's last passage; a shorter one is joined to the one before
_PRIOR = 4.0  # weight of the prior, in passages
_MOST = 2.5  # limit, in nats, of one feature's evidence for or against a class
_FOLDS = 5  # of cross-validation, to fit the biases
_ROUNDS = 300  # of gradient descent for the biases
_MOST_TIMES, _MOST_MARKS = 8, 12  # repetitions counted of a word, of a punctuation mark
_MARKS = re.compile(r"[,;:!?.\"\u201c\u201d]|\u2014|--")
# Between two words, these may begin a sentence, so a capital after them says nothing.
_STARTS = frozenset('.!?:\u2026"\u201c\u201d\n\u2014')
_I = re.compile(r"i(?:'(?:m|ll|ve|d))?")
_SENTENCE_END = re.compile(r"""[.!?\u2026]["\u201d\u2019']*\s+""")

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


def passages_of(text: str, words: int = PASSAGE) -> list[str]:
    """The text cut at sentence ends into passages of `words` words or a few more. A short rest is joined to the
    last passage."""
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
    """A classifier made by `fit`. `evidence` (features, classes): log-likelihood ratio in nats. `rates` (features,
    classes): the share of a class's passages with the feature. `bias` (classes,): nats added to each score."""

    classes: tuple[str, ...]
    names: frozenset[str]
    features: Mapping[str, int]
    evidence: Floats
    rates: Floats
    bias: Floats

    @classmethod
    def fit(cls, texts: Mapping[str, Sequence[str]]) -> "Classifier":
        """Fit a classifier to the texts of each class (stories or generated passages).

        Raises ValueError for fewer than two classes, or for a class without words.
        """
        cut = {name: [p for text in each for p in passages_of(text)] for name, each in texts.items()}
        if len(cut) < 2 or not all(cut.values()):
            raise ValueError("A classifier needs at least two classes, each with some text.")
        names = _names_in(cut.values()) | _characters_of(texts.values())
        numbers: dict[str, int] = {}
        rows: list[Numbers] = []
        for passage in (each for passages in cut.values() for each in passages):
            features = _features_of(passage, names)
            rows.append(np.array([numbers.setdefault(each, len(numbers)) for each in features], np.int64))
        class_of = np.repeat(np.arange(len(cut)), [len(passages) for passages in cut.values()])
        counts, passages = _counts(rows, class_of, len(numbers), len(cut))
        return cls(
            classes=tuple(cut),
            names=names,
            features=numbers,
            evidence=_evidence(counts, passages),
            rates=counts / passages,
            bias=_fitted_bias(_held_out_scores(rows, class_of, counts, passages), class_of),
        )

    def scores(self, text: str) -> Floats:
        """(classes,) the score of each class in nats, up to a constant; for several passages, the mean."""
        parts = [self.evidence[known].sum(axis=0) for known in map(self._known, passages_of(text)) if known]
        total: Floats = np.mean(parts, axis=0) + self.bias if parts else self.bias
        return total

    def classify(self, text: str) -> str:
        """The class a text sounds most like; "" if none of its features is known."""
        return self.classes[int(self.scores(text).argmax())] if self._known(text) else ""

    def typical_features(self, name: str, most: int = 12) -> list[str]:
        """The words and pairs most typical of a class, by evidence times frequency."""
        place = self.classes.index(name)
        order = np.argsort(-self.evidence[:, place] * self.rates[:, place], kind="stable")
        words = list(self.features)
        features = (words[number] for number in order.tolist())
        return list(islice((each for each in features if not each[-1].isdigit()), most))

    def _known(self, passage: str) -> list[int]:
        features = _features_of(passage, self.names)
        return [self.features[each] for each in features if each in self.features]


# -- features -----------------------------------------------------------------------------------------------


def _features_of(passage: str, names: frozenset[str]) -> list[str]:
    """A passage's features: words, pairs ("old wood"), `word 2` if a word occurs at least twice, `, 3` if there are
    at least three commas."""
    times: dict[str, int] = {}
    marks: Counter[str] = Counter()
    before, end = "", 0
    for match in WORD.finditer(passage):
        between, end = passage[end : match.start()], match.end()
        marks.update(map(_mark, _MARKS.findall(between)))
        word = _as_feature(match[0], between, first=match.start() == 0)
        if not word or word in names:
            before = ""  # no pair spans a name
            continue
        times[word] = times.get(word, 0) + 1
        if before:
            times[f"{before} {word}"] = 1
        before = word
    marks.update(map(_mark, _MARKS.findall(passage[end:])))
    repeated = [f"{each} {n}" for each, count in times.items() for n in range(2, min(count, _MOST_TIMES) + 1)]
    counted = [f"{mark} {n}" for mark, count in marks.items() for n in range(1, min(count, _MOST_MARKS) + 1)]
    return [*times, *repeated, *counted]


def _mark(sign: str) -> str:
    return {"\u201c": '"', "\u201d": '"', "--": "\u2014"}.get(sign, sign)


def _as_feature(word: str, between: str, *, first: bool) -> str:
    """The word as a feature; "" for a number, and for a word capitalised inside a sentence (a name)."""
    plain = word.lower().replace("\u2019", "'")
    if not word[0].isalpha() or (
        _is_capitalised_inside(word, between, first=first) and not _I.fullmatch(plain)
    ):
        return ""
    return plain


def _is_capitalised_inside(word: str, between: str, *, first: bool) -> bool:
    """Whether a word is capitalised although it does not begin a sentence."""
    return word[0].isupper() and not first and _STARTS.isdisjoint(between)


def _names_in(classes: Iterable[Sequence[str]]) -> frozenset[str]:
    """Words that are capitalised inside a sentence more often than they are lower-case."""
    capital: Counter[str] = Counter()
    small: Counter[str] = Counter()
    for passage in (each for passages in classes for each in passages):
        end = 0
        for match in WORD.finditer(passage):
            word, between, end = match[0], passage[end : match.start()], match.end()
            if word[0].islower():
                small[word.replace("\u2019", "'")] += 1
            elif _is_capitalised_inside(word, between, first=match.start() == 0):
                capital[word.lower().replace("\u2019", "'")] += 1
    return frozenset(
        word for word, times in capital.items() if times > small[word] and not _I.fullmatch(word)
    )


def _characters_of(classes: Iterable[Sequence[str]]) -> frozenset[str]:
    """The nouns of characters such as "the fox"."""
    characters = {who for texts in classes for text in texts for who in characters_in(text)}
    return frozenset(who.removeprefix("the ") for who in characters if who.startswith("the "))


# -- fitting ------------------------------------------------------------------------------------------------


def _counts(rows: Sequence[Numbers], class_of: Numbers, features: int, classes: int) -> tuple[Floats, Floats]:
    """(features, classes) the passages that have each feature, and (classes,) all passages."""
    flat = [row * classes + number for row, number in zip(rows, class_of.tolist(), strict=True)]
    counts = np.bincount(np.concatenate(flat), minlength=features * classes).reshape(features, classes)
    return counts.astype(np.float64), np.bincount(class_of, minlength=classes).astype(np.float64)


def _evidence(counts: Floats, passages: Floats) -> Floats:
    """(features, classes) log-ratio of a feature's rate in a class to its mean rate over the classes, in nats."""
    common = (counts / np.maximum(passages, 1)).mean(axis=1, keepdims=True)
    common = np.maximum(common, 1e-12)  # a feature may occur in held-out passages only
    ratio = np.log((counts + _PRIOR * common) / (passages + _PRIOR) / common)
    times = counts.sum(axis=1, keepdims=True)
    clipped: Floats = np.clip(ratio, -_MOST, _MOST) * (times / (times + 1))  # a rare feature may be chance
    return clipped


def _held_out_scores(rows: Sequence[Numbers], class_of: Numbers, counts: Floats, passages: Floats) -> Floats:
    """(rows, classes) scores of each passage in nats, by cross-validation."""
    features, classes = counts.shape
    # contiguous folds, as neighbouring passages are of one story
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


def _fitted_bias(scores: Floats, class_of: Numbers) -> Floats:
    """(classes,) the bias that makes all classes about equally often right.

    Fits softmax(scale * scores + offset), with all classes weighted equally, by gradient descent on the
    cross-entropy. The offset is returned in the unit of the scores.
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
    bias: Floats = offset * unit / scale
    return bias
