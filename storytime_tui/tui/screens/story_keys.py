"""The keys of the Story screen while the prompt has no focus."""

from textual.binding import Binding, BindingType

KEYS: list[BindingType] = [
    Binding("enter", "write", "Write", id="story.write", tooltip="Return to your line"),
    Binding("escape", "stop", "Stop", show=False, id="story.stop", tooltip="Stop the model; its words stay"),
    Binding("m", "model", "Model", id="story.model", tooltip="Choose the model"),
    Binding(
        "s", "strength", "Strength", id="story.strength", tooltip="How far from the base towards the run"
    ),
    Binding("v", "voice", "Voice", id="story.voice", tooltip="Choose the shelf to tell like"),
    Binding(
        "f",
        "newest",
        "Newest weights",
        id="story.newest",
        tooltip="Tell with the weights that the run in training has now",
    ),
    Binding("u", "undo", "Undo", id="story.undo", tooltip="Undo the last piece, yours or the model's"),
    Binding("ctrl+z", "undo", "Undo", show=False, id="story.undo_too", tooltip="Undo the last piece"),
    Binding("y", "redo", "Redo", id="story.redo", tooltip="Redo the last undone piece"),
    Binding("ctrl+y", "redo", "Redo", show=False, id="story.redo_too", tooltip="Redo the last undone piece"),
    Binding(
        "b", "openings", "Openings", id="story.openings", tooltip="Three ways to begin, told by the model"
    ),
    Binding("n", "new", "New", id="story.new", tooltip="Start a new story; this one is saved"),
    Binding("o", "open", "Bookshelf", id="story.open", tooltip="All stories: open, find, read, export"),
    Binding("r", "rename", "Rename", id="story.rename", tooltip="Rename this story"),
    Binding(
        "comma",
        "settings",
        "Settings",
        key_display=",",
        id="story.settings",
        tooltip="How it tells: sampler settings",
    ),
]
