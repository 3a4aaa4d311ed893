"""What the screens touch of collections, books and estimates: see `services`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from storytime_tui.corpus.collection import Collection


class Added(Protocol):
    """What an import came to: the collection, and a sentence for each file that was left out, for each story that
    was known, and for what was not needed."""

    @property
    def collection(self) -> Collection: ...  # noqa: D102
    @property
    def problems(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def copies(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def notes(self) -> Sequence[str]: ...  # noqa: D102


class Removed(Protocol):
    """What was taken off the shelf and can be brought back: its title, and of a story (else "") the title of the
    collection that it stood in."""

    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def collection(self) -> str: ...  # noqa: D102


class Restored(Protocol):
    """What came back: a sentence on it, its collection's name, and of a story (else "") its place in there."""

    @property
    def sentence(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def place(self) -> str: ...  # noqa: D102


class Copy(Protocol):
    """A story that is told again elsewhere: of which (collection and place), and how much of it, 0 to 1."""

    @property
    def of(self) -> tuple[str, int]: ...  # noqa: D102
    @property
    def share(self) -> float: ...  # noqa: D102


class Estimate(Protocol):
    """What some stories come to for a base; `seconds` to learn them here is None where nobody can say."""

    @property
    def tokens(self) -> int: ...  # noqa: D102
    @property
    def windows(self) -> int: ...  # noqa: D102
    @property
    def seconds(self) -> float | None: ...  # noqa: D102


class Room(Protocol):
    """Bytes of memory that a run would need, and that there are; `advice` on what to set where they are too few."""

    @property
    def needed(self) -> int: ...  # noqa: D102
    @property
    def available(self) -> int: ...  # noqa: D102
    @property
    def advice(self) -> str: ...  # noqa: D102


class Book(Protocol):
    """A book of Project Gutenberg; `year` may be "" and `bytes` 0 where they are not known."""

    @property
    def number(self) -> int: ...  # noqa: D102
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def author(self) -> str: ...  # noqa: D102
    @property
    def year(self) -> str: ...  # noqa: D102
    @property
    def bytes(self) -> int: ...  # noqa: D102
    @property
    def subjects(self) -> Sequence[str]: ...  # noqa: D102


class Found(Protocol):
    """What a search came to; `note` says where it looked, if not everywhere."""

    @property
    def books(self) -> Sequence[Book]: ...  # noqa: D102
    @property
    def note(self) -> str: ...  # noqa: D102
