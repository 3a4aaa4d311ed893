"""A slim bar of the model's window: how many tokens the memory, the note and the story take of it."""

from textual.app import RenderResult
from textual.content import Content
from textual.widgets import Static

from storytime_tui.generation.pieces import Seen
from storytime_tui.tui.steering_words import cells_of, shares_of

_COLOURS = {"voice": "$quiet", "memory": "$primary", "note": "$foreground", "story": "$told"}
_FULL, _FREE = "▄", ("▁", "$line")
_WHAT = "the model reads "  # said where there is room
_WIDEST, _NARROWEST = 24, 8  # cells of the bar


class ViewBar(Static):
    """Empty until what the model sees is known."""

    DEFAULT_CSS = "ViewBar { height: 1; text-wrap: nowrap; }"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self.seen: Seen | None = None

    def show(self, seen: Seen | None) -> None:
        """Show what the model sees; None: it is not known."""
        if seen != self.seen:
            self.seen = seen
            self.refresh()

    def render(self) -> RenderResult:
        """The bar and its words, in the same colours."""
        seen = self.seen
        if seen is None:
            return Content("")
        shares = shares_of(seen)
        words: list[str | tuple[str, str]] = []
        for share in shares:
            words += [" · " if words else "", (f"{share.name} {share.tokens:,}", _COLOURS[share.name])]
        words.append((f" of {seen.window:,} tokens", "$quiet"))
        text = Content.assemble(*words)
        if self.content_size.width - text.cell_length - len(_WHAT) >= _NARROWEST + 2:
            text = Content.assemble((_WHAT, "$quiet"), text)
        room = self.content_size.width - text.cell_length - 2
        if room < _NARROWEST:
            return text
        width = min(_WIDEST, room)
        cells = cells_of(shares, seen.window, width)
        bar = [(_FULL * each, _COLOURS[share.name]) for share, each in zip(shares, cells, strict=True)]
        return Content.assemble(*bar, (_FREE[0] * (width - sum(cells)), _FREE[1]), "  ", text)
