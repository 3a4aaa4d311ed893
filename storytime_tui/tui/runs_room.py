"""How the Runs screen divides its room between the list and the curves below it."""

from textual.screen import Screen
from textual.widget import Widget

_AROUND, _ABOVE = 5, 4  # lines of header, messages and keys; of the list's box, its filter and its titles
_FEWEST = 8  # lines in which curves can be read


def divide_room(screen: Screen[None], box: Widget, rows: int) -> None:
    """A short list leaves its room to the curves; on a small screen they are shown where it leaves enough.

    `box`: the list's, with `rows` rows.
    """
    small, high = screen.has_class("-short"), rows + _ABOVE
    enough = small and rows > 0 and screen.size.height - _AROUND - high >= _FEWEST
    screen.set_class(enough, "-room")
    box.styles.height = high if enough else None
    box.styles.max_height = high + 1 if rows and screen.has_class("-tall") else None
