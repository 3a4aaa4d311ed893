"""The state of a comparison side by side: what each column is, what it has told, and which one is chosen."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from storytime_tui.generation.pieces import Told
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.voice import describe, known
from storytime_tui.models.catalogue import STARTER, is_base_name
from storytime_tui.stories.steering import from_json
from storytime_tui.stories.story import Opened, Story
from storytime_tui.stories.takes import NewTake, add_takes
from storytime_tui.tui import messages, wording
from storytime_tui.tui.columns import MOST
from storytime_tui.tui.store_thread import done
from storytime_tui.tui.telling_requests import Column, ColumnsRequest
from storytime_tui.tui.writing_session import Writer, WritingSession

if TYPE_CHECKING:  # see services
    from storytime_tui.tui.store_thread import StoreThread


@dataclass(frozen=True)
class ColumnView:
    """One column. `voices`, `strength`: once its model is open. `take`: what it told, once it has ended."""

    column: Column
    text: str = ""
    progress: str = ""  # of opening, in words
    voices: tuple[str, ...] = ()
    strength: float | None = None
    told: Told | None = None
    failure: str = ""
    take: NewTake | None = None
    ended: bool = False

    @property
    def title(self) -> str:
        """The model, its strength if it is not 1, and its voice."""
        strength = self.column.strength if self.strength is None else self.strength
        voice = describe(known(self.column.voice, self.voices)) if self.voices else ""
        no_voice = self.column.voice == () and bool(self.voices)
        parts = [
            self.column.model,
            "" if strength in (None, 1.0) else f"strength {strength:g}",
            "no voice" if no_voice else voice,
        ]
        return " · ".join(filter(None, parts))

    @property
    def state(self) -> str:
        """What it does, in a few words."""
        if self.ended:
            return wording.telling_outcome(self.told, bool(self.failure))
        return self.progress or ("telling…" if self.text else "waiting…")


class SideSession:
    """Tells a story's text with up to three columns. Used on the event loop only."""

    def __init__(
        self,
        writing: WritingSession,
        store_thread: StoreThread,
        opened: Opened,
        settings: SamplerSettings,
        columns: Sequence[Column],
    ) -> None:
        self._writing, self._store_thread = writing, store_thread
        self._opened, self._settings = opened, settings
        self._number = 0  # of the current telling
        self.seed = settings.seed or _new_seed()
        self.views = [ColumnView(column) for column in columns]
        self.chosen = 0

    @property
    def telling(self) -> bool:
        """Whether some column still tells."""
        return bool(self._number)

    def tell(self, *, another_seed: bool = False) -> None:
        """Tell with all columns anew."""
        if another_seed:
            self.seed = _new_seed()
        self.views = [
            ColumnView(view.column, voices=view.voices, strength=view.strength) for view in self.views
        ]
        request = ColumnsRequest(
            self._store_thread,
            self._opened.story.id,
            self._opened.text,
            dataclasses.replace(self._settings, seed=self.seed),
            tuple(view.column for view in self.views),
            from_json(self._opened.story.steering),
        )
        self._number = self._writing.tell_columns(request)

    def stop(self) -> None:
        """Stop all columns within one token; their text stays."""
        self._writing.stop()

    def heard(self, message: messages.TellingMessage) -> int | None:
        """Take in a message; returns the place of the column that changed, -1 at the end of all, None for others'."""
        if not self._number or message.number != self._number:
            return None
        if isinstance(message, messages.TellingEnded):
            self._number = 0
            return -1
        if not isinstance(message, messages.ColumnMessage):
            return None
        self.views[message.place] = view_after(self.views[message.place], message)
        return message.place

    # -- the columns ----------------------------------------------------------------------------------

    def choose(self, by: int) -> None:
        """Choose the next column or the one before."""
        self.chosen = max(0, min(len(self.views) - 1, self.chosen + by))

    def change(self, column: Column) -> None:
        """Put another model, strength or voice in the chosen column."""
        now = self.views[self.chosen]
        same = (now.column.model, now.column.strength) == (column.model, column.strength)
        self.views[self.chosen] = replace(now, column=column) if same else ColumnView(column)

    def add(self, column: Column) -> None:
        """Add a column after the others, and choose it."""
        if len(self.views) < MOST:
            self.views.append(ColumnView(column))
            self.chosen = len(self.views) - 1

    def remove(self) -> None:
        """Remove the chosen column, unless it is the last one."""
        if len(self.views) > 1:
            del self.views[self.chosen]
            self.choose(0)

    async def take(self) -> Story | None:
        """Go on with the chosen column, and keep the others as takes beside it. None if it has no words.

        Raises StoryError.
        """
        chosen = self.views[self.chosen].take
        if chosen is None:
            return None
        takes = [view.take for view in self.views if view.take is not None]
        story = self._opened.story
        add = partial(add_takes, story_id=story.id, after=story.head, takes=takes, chosen=takes.index(chosen))
        return await done(self._store_thread.write(lambda store: add(store)))


def view_after(view: ColumnView, message: messages.ColumnMessage) -> ColumnView:
    """A column after a message of the thread."""
    match message:
        case messages.ColumnOpening():
            return replace(view, progress=message.progress)
        case messages.ColumnReady():
            return replace(view, progress="", voices=message.voices, strength=message.strength)
        case messages.ColumnTold():
            return replace(view, text=view.text + message.text)
        case messages.ColumnEnded():
            return replace(
                view, take=message.take, told=message.told, failure=message.failure, ended=True, progress=""
            )
    return view


def first_columns(writer: Writer, models: Sequence[str], base: str) -> list[Column]:
    """The columns to begin with: the current model, and its base, or else another model, or another voice.

    `models`: the names of those that can tell. `base`: of the current model; "" if it is no run.
    """
    columns = [Column(writer.model, writer.strength, writer.voice)]
    runs = [name for name in models if not is_base_name(name) and name != writer.model]
    others = [base, *([STARTER] if is_base_name(writer.model) else []), *runs, STARTER]
    other = next((name for name in others if name in models and name != writer.model), None)
    if other is not None:
        columns.append(Column(other))
    elif len(writer.voices) > 1:
        now = describe(known(writer.voice, writer.voices))
        voice = next(title for title in writer.voices if title != now)
        columns.append(Column(writer.model, writer.strength, ((voice, 1.0),)))
    return columns


def _new_seed() -> int:
    return random.randrange(1, 2**31)
