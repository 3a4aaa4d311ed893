"""The keys while the words of a story are inspected."""

from textual.binding import Binding, BindingType

from storytime_tui.tui.widgets.word_panel import NUMBERS

KEYS: list[BindingType] = [
    Binding("right", "move(1)", "Word", key_display="← →", id="inspect.right", tooltip="The next word"),
    Binding("left", "move(-1)", "Back", show=False, id="inspect.left", tooltip="The word before"),
    Binding("down", "row(1)", "Down", show=False, id="inspect.down", tooltip="The line below"),
    Binding("up", "row(-1)", "Up", show=False, id="inspect.up", tooltip="The line above"),
    Binding("home", "edge(0)", "First", show=False, id="inspect.home", tooltip="The first word in view"),
    Binding("end", "edge(-1)", "Last", show=False, id="inspect.end", tooltip="The last word"),
    *(
        Binding(
            key,
            f"take({row})",
            "Take",
            show=not row,
            key_display="1-9 0",
            id=f"inspect.take_{key}",
            tooltip="Put this word there: a new branch begins, and the model goes on",
        )
        for row, key in enumerate(NUMBERS)
    ),
    Binding("enter", "choose", "List", id="inspect.choose", tooltip="Choose from the list with ↑ and ↓"),
    Binding("enter", "take", "Take it", id="inspect.take", tooltip="Put this word there, and go on"),
    Binding("c", "surprise", "Surprise", id="inspect.surprise", tooltip="Colour words by surprise"),
    Binding(
        "b",
        "base",
        "Base and run",
        id="inspect.base",
        tooltip="Colour words by which would rather have said them: the run or its base",
    ),
    Binding("i", "leave", "Close", show=False, id="inspect.close", tooltip="Return to the page"),
    Binding("escape", "leave", "Page", id="inspect.leave", tooltip="Return to the page"),
]
