"""The shelf's state from one start to the next: the ticks, the open collections, the cursor, the places in stories.

Stories are stored by their place (file and lines), which stays the same when other stories come or go.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from storytime_tui.corpus import collection as corpus
from storytime_tui.errors import StorytimeError
from storytime_tui.tui.ticks import Ticks

MOST_READ = 500  # stories whose place is kept
Place = tuple[str, str]  # a collection's name, and a story's place in it ("" for the collection)


@dataclass(frozen=True)
class ShelfState:
    """`ticked` maps every collection to the places of its ticked stories; None means all stories.

    `read`: how many characters, without spaces, stand before the place where one stopped reading; the story read last
    is the last one.
    """

    ticked: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    opened: frozenset[str] = frozenset()
    cursor: Place | None = None
    read: Mapping[Place, int] = field(default_factory=dict)


def state_of(
    collections: Sequence[corpus.Collection],
    ticks: Ticks,
    opened: Collection[str],
    cursor: Place | None,
    read: Mapping[Place, int],
) -> ShelfState:
    """The state of a shelf."""
    ticked = {
        each.name: None
        if ticks.state(each) == "all"
        else frozenset(each.stories[i].place for i in ticks.places(each))
        for each in collections
    }
    return ShelfState(ticked, frozenset(opened) & ticked.keys(), cursor, read)


def ticks_of(state: ShelfState | None, collections: Sequence[corpus.Collection]) -> Ticks:
    """The ticks that the state describes; collections imported since then are ticked whole.

    Without a state, or with one without ticks (a file edited by hand), the first collection is ticked, so that a new
    user can start at once.
    """
    if state is None or not state.ticked:
        return Ticks().with_all_of(collections[0]) if collections else Ticks()
    chosen: dict[str, frozenset[int]] = {}
    for each in collections:
        if each.name not in state.ticked and each.bundled:  # a newer version of the program brought it
            continue
        places = state.ticked.get(each.name)
        chosen[each.name] = frozenset(
            i for i, story in enumerate(each.stories) if places is None or story.place in places
        )
    return Ticks({name: places for name, places in chosen.items() if places})


def to_json(state: ShelfState) -> dict[str, Any]:
    """The state as JSON; `true` stands for a collection that is ticked whole."""
    ticked = {name: places is None or sorted(places) for name, places in state.ticked.items()}
    read = [[*place, letters] for place, letters in state.read.items()]
    return {
        "ticked": ticked,
        "opened": sorted(state.opened),
        "cursor": list(state.cursor or ()),
        "read": read,
    }


def from_json(value: object) -> ShelfState:
    """The state from JSON. Invalid parts are ignored."""
    kept = value if isinstance(value, dict) else {}
    ticked: dict[str, frozenset[str] | None] = {}
    named = kept.get("ticked")
    for name, places in named.items() if isinstance(named, dict) else ():
        if places is True:
            ticked[name] = None
        elif isinstance(places, list):
            ticked[name] = frozenset(_texts(places))
    cursor = _texts(kept.get("cursor"))
    return ShelfState(
        ticked,
        frozenset(_texts(kept.get("opened"))),
        (cursor[0], cursor[1]) if len(cursor) == 2 else None,
        dict(_read(kept.get("read"))),
    )


def _read(value: object) -> list[tuple[Place, int]]:
    found: list[tuple[Place, int]] = []
    for each in value[-MOST_READ:] if isinstance(value, list) else ():
        if isinstance(each, list) and len(each) == 3 and len(_texts(each[:2])) == 2:
            name, place, letters = each
            if type(letters) is int and 0 < letters < 2**40:
                found.append(((name, place), letters))
    return found


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


class ShelfMemory:
    """Saves states in a thread: always the newest one, one at a time."""

    def __init__(self, keep: Callable[[ShelfState], None], complain: Callable[[str], object]) -> None:
        """`complain` is called once, in that thread, if a state cannot be saved."""
        self._keep, self._complain = keep, complain
        self._turn = threading.Condition()
        self._next: ShelfState | None = None
        self._last: ShelfState | None = None
        self._writing = self._complained = False

    def keep(self, state: ShelfState) -> None:
        """Save this state. Never blocks."""
        with self._turn:
            if state == self._last:
                return
            self._last = self._next = state
            if self._writing:
                return
            self._writing = True
        threading.Thread(target=self._write, name="storytime-shelf", daemon=True).start()

    def drain(self, seconds: float) -> bool:
        """Wait until everything is saved, at most this many seconds; returns whether it is."""
        with self._turn:
            return self._turn.wait_for(lambda: not self._writing, seconds)

    def _write(self) -> None:
        while True:
            with self._turn:
                state, self._next = self._next, None
                if state is None:
                    self._writing = False
                    self._turn.notify_all()
                    return
            try:
                self._keep(state)
            except StorytimeError as error:
                if not self._complained:
                    self._complained = True
                    self._complain(str(error))
