"""The lines of the shelf tree and its filter. Titles are folded once, so a filter only compares. Pure functions."""

from collections.abc import Container, Mapping, Sequence, Set
from dataclasses import dataclass, field

from storytime_tui.corpus.collection import Collection
from storytime_tui.formatting import folded
from storytime_tui.tui.phrases import phrases_of

TreeRow = tuple[
    int, int
]  # the collection's place on the shelf, and the story's in it; TITLE for the collection itself
TITLE = -1


@dataclass(frozen=True)
class ShownCollection:
    """A collection that matches the filter; `whole`: its own title matches, so all its stories are shown.

    Otherwise the stories found by their titles come first. `by_text`: those that only their texts brought here.
    """

    place: int
    stories: Sequence[int]
    whole: bool
    by_text: Set[int] = frozenset()


@dataclass(frozen=True)
class InTexts:
    """What a search of the texts found: by the collection's name, for each phrase the stories that hold it."""

    phrases: tuple[str, ...] = ()
    found: Mapping[str, Sequence[Set[int]]] = field(default_factory=dict)

    def holding(self, phrase: str) -> int | None:
        """Which of the phrases to take for this one: itself, or, while it is typed, one that begins like it."""
        for place, known in enumerate(self.phrases):
            if known == phrase:
                return place
        for place, known in enumerate(self.phrases):
            if known.startswith(phrase) or phrase.startswith(known):
                return place
        return None


class Titles:
    """The searchable titles of a shelf."""

    def __init__(self, collections: Sequence[Collection]) -> None:
        self._collections = [
            (c.name, folded(f"{c.title}\n{c.author}"), [folded(s.title[:400]) for s in c.stories])
            for c in collections
        ]

    def matching(self, query: str, in_texts: InTexts | None = None) -> list[ShownCollection]:
        """The collections to show, each with its stories that hold every word and every quoted phrase of `query`.

        A phrase may occur in a story's title, in its collection's title, in its author's name or, as far as
        `in_texts` knows, in its text. Collections with a title that holds it come first.
        """
        phrases = phrases_of(query)
        terms = [folded(phrase) for phrase in phrases]
        known = in_texts or InTexts()
        places = [known.holding(phrase) for phrase in phrases]
        titled, rest = [], []
        for place, (name, about, titles) in enumerate(self._collections):
            texts = known.found.get(name)
            left = [i for i, term in enumerate(terms) if term not in about]
            if not left:
                titled.append(ShownCollection(place, range(len(titles)), whole=True))
                continue
            by_title: Sequence[int] = range(len(titles))
            everywhere: Sequence[int] = by_title if texts else ()
            for number in left:
                term, at = terms[number], places[number]
                holding = texts[at] if texts and at is not None else frozenset[int]()
                everywhere = [i for i in everywhere if i in holding or term in titles[i]]
                by_title = [i for i in by_title if term in titles[i]]
            by_text = sorted(set(everywhere) - set(by_title))
            if by_title:
                titled.append(ShownCollection(place, [*by_title, *by_text], False, frozenset(by_text)))
            elif by_text:
                rest.append(ShownCollection(place, by_text, False, frozenset(by_text)))
        return titled + rest


def rows_of(shown: Sequence[ShownCollection], opened: Container[int]) -> list[TreeRow]:
    """The lines from top to bottom; the stories of a collection only if it (by its index) is open."""
    rows: list[TreeRow] = []
    for part in shown:
        rows.append((part.place, TITLE))
        if part.place in opened:
            rows += [(part.place, i) for i in part.stories]
    return rows
