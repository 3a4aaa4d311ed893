"""The line below the page: the chosen passage among its takes, and where it stands in the story."""

from textual.content import Content
from textual.widgets import Static

from storytime_tui.tui.own_key import own_key


class PassageLine(Static):
    """Shows `‹ 2 of 3 ›` where a passage has other takes; hidden where there is nothing to say."""

    DEFAULT_CSS = """
    PassageLine { height: 1; width: 100%; max-width: 76; padding: 0 2; text-align: right; color: $quiet; }
    PassageLine { display: none; }
    PassageLine.-shown { display: block; }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False)

    def show_takes(self, place: int, count: int, where: str = "") -> None:
        """Show the take's place among `count` takes; `where`: the passage's place in the story, in words."""
        self.set_class(count > 1 or bool(where), "-shown")
        parts = [(f"{where}   ", "")] if where else []
        if count > 1:
            parts += [
                ("‹ ", "$primary"),
                (f"{place} of {count}", ""),
                (" ›", "$primary"),
                (f" {_leaf()}", ""),
            ]
        self.update(Content.assemble(*parts), layout=False)


def _leaf() -> str:
    keys = own_key("story.previous_take", "alt+←"), own_key("story.next_take", "→")
    return " ".join(keys)
