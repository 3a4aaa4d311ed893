"""The left column of a very wide Story screen: all stories, and the branches of the one on the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message

from storytime_tui.stories import tree
from storytime_tui.stories.pages import Listed, listed
from storytime_tui.stories.story import Story
from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.debounce import Debounced
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.story_map import Stretch, number_of_branches, stretches
from storytime_tui.tui.widgets.line_list import LineList, Parts
from storytime_tui.tui.widgets.map_list import MapList
from storytime_tui.tui.widgets.story_list import FAVOURITE
from storytime_tui.tui.writing import Writing

if TYPE_CHECKING:  # see services
    from storytime_tui.stories.store import StoryStore

_WORDS = 7  # cells of "123,456"


@dataclass(frozen=True)
class Aside:
    """What stands in the column. `story`: the one on the page, whose branches these are."""

    stories: tuple[Listed, ...] = ()
    story: int | None = None
    rows: tuple[Stretch, ...] = ()  # of the map
    branches: int = 0


class StoryNames(LineList):
    """The stories, the last changed first: title and words. Enter or a click opens one."""

    nothing = f"Your stories stand here. Write a line and press {own_key('prompt.send', 'Enter')} to begin the first."
    BINDINGS = [Binding("enter", "open", "Open", id="aside.open", tooltip="Show this story")]

    class Opened(Message):
        """A story was taken."""

        def __init__(self, story: Story) -> None:
            super().__init__()
            self.story = story

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._rows: Sequence[Listed] = ()
        self._current: int | None = None

    def show(self, rows: Sequence[Listed], current: int | None) -> None:
        """Show these stories; the cursor goes to the one on the page when that is another one."""
        at = next((at for at, row in enumerate(rows) if row.story.id == current), 0)
        if current == self._current and self.cursor < len(self._rows):
            under = self._rows[self.cursor].story.id
            at = next((at for at, row in enumerate(rows) if row.story.id == under), at)
        self._rows, self._current = rows, current
        self.lines_changed(at)

    def count(self) -> int:
        """The number of stories."""
        return len(self._rows)

    def parts(self, row: int, width: int) -> Parts:
        """The title and the words; the story on the page has the sign of the present branch."""
        shown = self._rows[row]
        here = shown.story.id == self._current
        favourite = f"{FAVOURITE} " if shown.story.favourite else ""
        title = printable_line(shown.story.title[:400]) or "(no title)"
        words = f" {f'{shown.words:,}':>{_WORDS}} "
        return (
            (" ● " if here else "   ", "mark"),
            (favourite, "mark"),
            (fitted(title, max(0, width - 3 - len(favourite) - len(words))), "strong" if here else ""),
            (words, "quiet"),
        )

    def pressed(self, row: int, column: int) -> None:
        """Open the clicked story."""
        self.action_open()

    def action_open(self) -> None:
        """Open the story under the cursor."""
        if self.cursor < len(self._rows):
            self.post_message(self.Opened(self._rows[self.cursor].story))


class StoryAside(Vertical):
    """Follows the story on the page; reads the store only while it is shown. Its lists take the focus with Tab."""

    DEFAULT_CSS = """
    StoryAside { width: 44; height: 1fr; padding: 0 1; }
    StoryAside .section { border-top: solid $line; border-title-color: $quiet; }
    StoryAside .section:focus-within { border-top: solid $primary; border-title-color: $primary; }
    StoryAside .section { height: 1fr; margin-bottom: 1; }
    """
    BINDINGS = [Binding("escape", "leave", "Back", id="aside.leave", tooltip="Return to the line")]

    def __init__(
        self,
        desk: Desk,
        writing: Writing,
        open_story: Callable[[Story], object],
        go: Callable[[Stretch], object],
        leave: Callable[[], object],
    ) -> None:
        """`go` shows the text of a branch; `leave` gives the focus back."""
        super().__init__(id="aside")
        self._desk, self._writing = desk, writing
        self._open_story, self._go, self._leave = open_story, go, leave
        self._reads: Debounced[Aside] = Debounced(self, self._show, lambda error: None)  # the page says it

    def compose(self) -> ComposeResult:
        """The two lists."""
        with Vertical(id="aside-shelf", classes="section") as stories:
            stories.border_title = _title("Bookshelf", 0)
            yield StoryNames(id="aside-stories")
        with Vertical(id="aside-map", classes="section") as branches:
            branches.border_title = _title("Branches", 0)
            yield MapList(id="aside-branches")

    def show(self) -> None:
        """Read the stories and branches again."""
        if self.display and self.is_mounted:
            story = self._writing.story_id
            self._reads.request(lambda: _read(self._desk.store_thread.store(), story))

    def _show(self, aside: Aside) -> None:
        names, branches = self.query_one(StoryNames), self.query_one(MapList)
        names.show(aside.stories, aside.story)
        under = branches.row.first if branches.row is not None and branches.has_focus else None
        branches.show(aside.rows, under)
        shelf = self.query_one("#aside-shelf", Vertical)
        shelf.border_title = _title("Bookshelf", len(aside.stories))
        # its lines, a border and a margin; a long list leaves half of the room
        shelf.styles.height = min(max(len(aside.stories), 3) + 2, max(5, self.size.height // 2))
        self.query_one("#aside-map", Vertical).border_title = _title("Branches", aside.branches)

    @on(StoryNames.Opened)
    def _opened(self, event: StoryNames.Opened) -> None:
        event.stop()
        self._open_story(event.story)

    @on(MapList.Went)
    def _went(self, event: MapList.Went) -> None:
        event.stop()
        self._go(event.row)

    def action_leave(self) -> None:
        """Give the focus back."""
        self._leave()


def _read(store: StoryStore, story: int | None) -> Aside:
    stories = listed(store)
    if story is None:
        return Aside(stories)
    passages, head = tree.passages_of(store, story), store.story(story).head
    return Aside(stories, story, stretches(passages, head), number_of_branches(passages))


def _title(words: str, number: int) -> str:
    return f"{words} · {number:,}" if number else words
