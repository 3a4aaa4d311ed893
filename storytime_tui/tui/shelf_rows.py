"""Which lines the shelf's tree has: titles folded once, so that a filter only compares. Pure."""

import unicodedata
from collections.abc import Container, Sequence
from dataclasses import dataclass

from storytime_tui.corpus.collection import Collection

Row = tuple[
    int, int
]  # the collection's place on the shelf, and the story's in it; TITLE for the collection itself
TITLE = -1


@dataclass(frozen=True)
class Shown:
    """A collection that the filter lets through; `whole`: it is shown for its own title, with all its stories."""

    place: int
    stories: Sequence[int]
    whole: bool


def folded(text: str) -> str:
    """Without capitals, accents and apostrophes: `Märchen` is found by "marchen", `Robin's` by "robins"."""
    if text.isascii():
        return text.lower().replace("'", "")
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign) and sign not in "'\u2019")


class Titles:
    """The titles of a shelf, ready to be searched."""

    def __init__(self, collections: Sequence[Collection]) -> None:
        self._collections = [
            (folded(f"{c.title}\n{c.author}"), len(c.stories), [folded(s.title[:400]) for s in c.stories])
            for c in collections
        ]

    def matching(self, wanted: str) -> list[Shown]:
        """The collections to show, and which of their stories: those that hold every word of `wanted`.

        A word may stand in a story's title, in its collection's, or in its author's name.
        """
        terms = folded(wanted).split()
        found = []
        for place, (name, size, stories) in enumerate(self._collections):
            left = [term for term in terms if term not in name]
            if not left:
                found.append(Shown(place, range(size), whole=True))
                continue
            here: Sequence[int] = range(size)
            for term in left:
                here = [i for i in here if term in stories[i]]
            if here:
                found.append(Shown(place, here, whole=False))
        return found


def rows_of(shown: Sequence[Shown], opened: Container[int]) -> list[Row]:
    """The lines from top to bottom; the stories of a collection (by its place) only where it is open."""
    rows: list[Row] = []
    for part in shown:
        rows.append((part.place, TITLE))
        if part.place in opened:
            rows += [(part.place, i) for i in part.stories]
    return rows
