"""The lines of the shelf tree and its filter. Titles are folded once, so a filter only compares. Pure functions."""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from storytime_tui.corpus.collection import Collection
from storytime_tui.formatting import folded

TreeRow = tuple[
    int, int
]  # the collection's place on the shelf, and the story's in it; TITLE for the collection itself
TITLE = -1


@dataclass(frozen=True)
class ShownCollection:
    """A collection that matches the filter; `whole`: its own title matches, so all its stories are shown."""

    place: int
    stories: Sequence[int]
    whole: bool


class Titles:
    """The searchable titles of a shelf."""

    def __init__(self, collections: Sequence[Collection]) -> None:
        self._collections = [
            (folded(f"{c.title}\n{c.author}"), len(c.stories), [folded(s.title[:400]) for s in c.stories])
            for c in collections
        ]

    def matching(self, query: str) -> list[ShownCollection]:
        """The collections to show, each with its stories that contain every word of `query`.

        A word may occur in a story's title, in its collection's title or in its author's name.
        """
        terms = folded(query).split()
        found = []
        for place, (name, size, stories) in enumerate(self._collections):
            left = [term for term in terms if term not in name]
            if not left:
                found.append(ShownCollection(place, range(size), whole=True))
                continue
            matches: Sequence[int] = range(size)
            for term in left:
                matches = [i for i in matches if term in stories[i]]
            if matches:
                found.append(ShownCollection(place, matches, whole=False))
        return found


def rows_of(shown: Sequence[ShownCollection], opened: Container[int]) -> list[TreeRow]:
    """The lines from top to bottom; the stories of a collection only if it (by its index) is open."""
    rows: list[TreeRow] = []
    for part in shown:
        rows.append((part.place, TITLE))
        if part.place in opened:
            rows += [(part.place, i) for i in part.stories]
    return rows
