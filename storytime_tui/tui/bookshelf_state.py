"""What the bookshelf remembers while the app runs, though its screens come and go."""

from dataclasses import dataclass, field

from storytime_tui.tui.story_rows import Order


@dataclass
class BookshelfState:
    """The order of the list, what was removed, and where reading stopped. Used on the event loop only."""

    order: Order = Order()  # noqa: RUF009 - frozen
    removed: list[int] = field(default_factory=list)  # ids, the last removed at the end
    places: dict[int, int] = field(default_factory=dict)  # by a story's id: words before the page being read
