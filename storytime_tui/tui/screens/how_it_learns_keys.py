"""The keys of the screen "How it learns"."""

from textual.binding import Binding, BindingType

KEYS: list[BindingType] = [
    Binding("tab", "side", "Model", id="learns.side", tooltip="Choose the other model"),
    Binding("minus", "step(-1)", "Earlier", show=False, id="learns.earlier", tooltip="An earlier checkpoint"),
    Binding(
        "plus,equals_sign",
        "step(1)",
        "Checkpoint",
        key_display="- +",
        id="learns.later",
        tooltip="A later checkpoint for the chosen model",
    ),
    Binding("v", "versus", "One/two", id="learns.versus", tooltip="Show the chosen model alone, or both"),
    Binding("o", "passage", "Passage", id="learns.passage", tooltip="A passage of another held-out story"),
    Binding(
        "t",
        "set('temperature', -1)",
        "Temperature",
        key_display="t T",
        id="learns.cooler",
        tooltip="Lower the temperature; with shift, raise it",
    ),
    Binding(
        "T",
        "set('temperature', 1)",
        "Warmer",
        show=False,
        id="learns.warmer",
        tooltip="Raise the temperature",
    ),
    Binding(
        "p",
        "set('top_p', -1)",
        "Top-p",
        key_display="p P",
        id="learns.narrower",
        tooltip="Lower top-p; with shift, raise it",
    ),
    Binding("P", "set('top_p', 1)", "Wider", show=False, id="learns.wider", tooltip="Raise top-p"),
    Binding(
        "m",
        "set('min_p', -1)",
        "Min-p",
        key_display="m M",
        id="learns.looser",
        tooltip="Lower min-p; with shift, raise it",
    ),
    Binding("M", "set('min_p', 1)", "Stricter", show=False, id="learns.stricter", tooltip="Raise min-p"),
    Binding(
        "a",
        "as_told",
        "As told",
        id="learns.settings",
        tooltip="The settings that stories are told with; again: the model's own probabilities",
    ),
    Binding(
        "n",
        "guess",
        "Guess",
        id="learns.guess",
        tooltip="Guess the next word, against the base and the run",
    ),
    Binding("s", "one_step", "One step", id="learns.one_step", tooltip="See what one training step changes"),
    Binding("g", "terms", "Terms", id="learns.terms", tooltip="What the terms mean"),
    Binding("escape", "app.pop_screen", "Back", id="learns.back", tooltip="Back to the run"),
]
