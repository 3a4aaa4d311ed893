"""A passage in an editor, in its place: the story before it is above, the story after it is below."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Center, Vertical
from textual.message import Message
from textual.widgets import TextArea

from storytime_tui.stories.story import Passage
from storytime_tui.tui.widgets.page import Page


class PassageEditor(TextArea):
    """The passage's text. Escape keeps the changes; `undo` on the Story screen takes them back."""

    BINDINGS = [
        Binding("escape", "done(True)", "Keep", id="edit.keep", tooltip="Keep the changes, and what follows"),
        Binding("ctrl+s", "done(True)", "Keep", show=False, id="edit.save", tooltip="Keep the changes"),
        Binding(
            "ctrl+b",
            "done(False)",
            "End here",
            id="edit.end",
            tooltip="Keep the changes; the story ends here, and what followed stays on the old branch",
        ),
        Binding(
            "ctrl+r",
            "rewrite",
            "Rewrite sentence",
            id="edit.rewrite",
            tooltip="The model tells the selected words, or the sentence at the cursor, in another way",
        ),
        Binding("ctrl+z", "undo", "Undo", id="edit.undo", tooltip="Undo the last change of the text"),
    ]

    class Done(Message):
        """The text is to be kept. `keep_rest`: with the passages that follow."""

        def __init__(self, text: str, keep_rest: bool) -> None:
            super().__init__()
            self.text, self.keep_rest = text, keep_rest

    class Rewrite(Message):
        """The model is asked for other words in place of the characters `start` to `end`."""

        def __init__(self, text: str, start: int, end: int) -> None:
            super().__init__()
            self.text, self.start, self.end = text, start, end

    def __init__(self, text: str, *, id: str) -> None:
        super().__init__(text, id=id, highlight_cursor_line=False, soft_wrap=True, tab_behavior="focus")
        self.move_cursor(self.document.end)

    def action_done(self, keep_rest: bool) -> None:
        """Keep the text."""
        self.post_message(self.Done(self.text, keep_rest))

    def action_rewrite(self) -> None:
        """Ask for other words in place of the selected ones, or of the sentence at the cursor."""
        start, end = sorted(map(self._place, self.selection))
        self.post_message(self.Rewrite(self.text, start, end))

    def put(self, words: str, start: int, end: int) -> None:
        """Put words in place of the characters `start` to `end`, and select them."""
        self.replace(words, self._location(start), self._location(end))
        self.selection = type(self.selection)(self._location(start), self._location(start + len(words)))

    def _place(self, location: tuple[int, int]) -> int:
        row, column = location
        return sum(len(line) + 1 for line in self.text.split("\n")[:row]) + column

    def _location(self, place: int) -> tuple[int, int]:
        before = self.text[:place]
        return before.count("\n"), place - (before.rfind("\n") + 1)


class EditPage(Vertical):
    """The page while one passage is edited."""

    DEFAULT_CSS = """
    EditPage { height: 1fr; }
    EditPage Center { height: auto; max-height: 60%; }
    EditPage Page { height: 1fr; width: 100%; }
    EditPage #page-after { max-height: 50%; }
    EditPage PassageEditor, EditPage PassageEditor:focus {
        width: 100%; max-width: 76; height: auto; max-height: 100%; padding: 0 1; background: $boost;
        border: none; border-left: outer $primary; scrollbar-size-vertical: 1;
    }
    """

    def __init__(
        self,
        title: str,
        before: Sequence[Passage],
        passage: Passage,
        after: Sequence[Passage],
        typed: Callable[[str], object],
    ) -> None:
        """`typed` is called with each change of the text."""
        super().__init__()
        self._typed = typed
        self._title, self._before, self._passage, self._after = title, before, passage, after

    def compose(self) -> ComposeResult:
        """The story before the passage, the editor, the story after it."""
        yield Page(id="page-before")
        yield Center(PassageEditor(self._passage.text, id="editor"))
        yield Page(id="page-after")

    def on_resize(self) -> None:
        """Keep the passage in its place."""
        self.call_after_refresh(self._place)

    def _place(self) -> None:
        """Where the story begins in view, the passage stands right below what is before it."""
        before, rest = self.query_one("#page-before", Page), self.query_one("#page-after", Page)
        rows = before.virtual_size.height
        short = rows <= self.size.height // 3
        before.styles.height = rows if short else "1fr"
        rest.styles.max_height = "100%" if short else "50%"
        if short:
            before.call_after_refresh(before.jump, 0)

    @on(TextArea.Changed)
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._typed(event.text_area.text)

    def on_mount(self) -> None:
        """Show the text around, and start to edit."""
        before, after = self.query_one("#page-before", Page), self.query_one("#page-after", Page)
        before.load(self._title, self._before)
        after.load("", self._after)
        after.display = bool(self._after)
        before.call_after_refresh(self._place)
        after.call_after_refresh(after.jump, 0)
        for page in (before, after):
            page.can_focus = False
            page.hint = ""
        self.query_one(PassageEditor).focus()
