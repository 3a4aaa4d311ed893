"""A story, or a word on a collection, to read: long texts are mounted piece by piece as one scrolls."""

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from storytime_tui.corpus.collection import Collection
from storytime_tui.terminal import printable, printable_line
from storytime_tui.tui.wording import count

PIECE = 4_000  # characters mounted at once: more than any screen shows


def pieces_of(text: str) -> list[str]:
    """The text cut at line ends into pieces of about `PIECE` characters; joined by newlines it is the text."""
    pieces: list[str] = []
    current: list[str] = []
    size = 0
    for line in text.split("\n"):
        # one endless line (a book without line breaks) is cut too: no widget may grow without bound
        parts = [line[i : i + PIECE] for i in range(0, len(line), PIECE)] or [""]
        for part in parts:
            if current and size + len(part) > PIECE:
                pieces.append("\n".join(current))
                current, size = [], 0
            current.append(part)
            size += len(part) + 1
    pieces.append("\n".join(current))
    return pieces


class Reading(VerticalScroll):
    """Shows one story or collection at a time."""

    DEFAULT_CSS = """
    Reading { padding: 0 1; scrollbar-size-vertical: 1; }
    Reading .reading--title { text-style: bold; }
    Reading .reading--facts { color: $quiet; margin-bottom: 1; }
    Reading Static { width: 100%; max-width: 76; }
    """

    BINDINGS = [
        Binding(
            "escape",
            "screen.focus('#tree')",
            "Back to the shelf",
            show=False,
            id="library.back",
            tooltip="Back to the shelf",
        ),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._waiting: list[str] = []

    def show(self, collection: Collection, index: int | None) -> None:
        """Show a story of the collection, or (index None) what the collection is."""
        if index is None:
            self._show_collection(collection)
            return
        story = collection.stories[index]
        facts = " · ".join(filter(None, [collection.author, collection.title, count(story.words, "word")]))
        self._show(story.title or "(no title)", facts, story.text)

    def say(self, title: str, text: str) -> None:
        """Show words of the program itself: a welcome, a trouble."""
        self._show(title, "", text)

    def _show_collection(self, collection: Collection) -> None:
        facts = f"{count(len(collection.stories), 'story', 'stories')} · {count(collection.words, 'word')}"
        known = [("by", collection.author), ("source:", collection.source), ("licence:", collection.licence)]
        lines = [f"{what} {value}" for what, value in known if value]
        lines += ["", *(f"{story.words:>7,}  {printable_line(story.title)}" for story in collection.stories)]
        self._show(collection.title, facts, "\n".join(lines).lstrip("\n"))

    def _show(self, title: str, facts: str, text: str) -> None:
        first, *self._waiting = pieces_of(printable(text))
        self.remove_children()
        self.mount(
            Static(Content(printable_line(title)), classes="reading--title"),
            Static(Content(printable_line(facts)), classes="reading--facts"),
            Static(Content(first)),
        )
        self.scroll_home(animate=False)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Mount the next piece before the end comes into view."""
        super().watch_scroll_y(old_value, new_value)
        if self._waiting and new_value >= self.max_scroll_y - 2 * self.size.height:
            self.mount(Static(Content(self._waiting.pop(0))))
