"""The keys of the Story screen, while no line is being typed."""

from textual.binding import Binding, BindingType

KEYS: list[BindingType] = [
    Binding("enter", "write", "Write", id="story.write", tooltip="Back to your line"),
    Binding("escape", "stop", "Stop", show=False, id="story.stop", tooltip="Stop; its words stay"),
    Binding("m", "model", "Model", id="story.model", tooltip="Choose who writes with you"),
    Binding(
        "s", "strength", "Strength", id="story.strength", tooltip="How far from its base to what it learned"
    ),
    Binding("v", "voice", "Voice", id="story.voice", tooltip="Choose the shelf that the model tells as"),
    Binding("u", "undo", "Undo", id="story.undo", tooltip="Take back the last piece, whoever wrote it"),
    Binding("ctrl+z", "undo", "Undo", show=False, id="story.undo_too", tooltip="Take it back"),
    Binding("y", "redo", "Redo", id="story.redo", tooltip="Bring back what was taken back"),
    Binding("ctrl+y", "redo", "Redo", show=False, id="story.redo_too", tooltip="Bring it back"),
    Binding(
        "b", "openings", "Openings", id="story.openings", tooltip="Three ways to begin, told by the model"
    ),
    Binding("n", "new", "New", id="story.new", tooltip="A blank page; this story is kept"),
    Binding("o", "open", "Open", id="story.open", tooltip="Go on with an earlier story"),
    Binding("r", "rename", "Rename", id="story.rename", tooltip="Give the story a title"),
    Binding(
        "comma",
        "settings",
        "Settings",
        key_display=",",
        id="story.settings",
        tooltip="How it tells: sampler settings",
    ),
]
