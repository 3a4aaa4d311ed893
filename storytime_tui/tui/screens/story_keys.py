"""The keys of the Story screen while the prompt has no focus."""

from textual.binding import Binding, BindingType

# these give way first in the line of keys
SELDOM = (
    "passage('map')",
    "model('model')",
    "open",
    "side_by_side",
    "model('voice')",
    "model('strength')",
    "new",
    "app.settings('preset')",
    "passage('find')",
    "size(1)",
    "passage('redo')",
)
KEYS: list[BindingType] = [
    Binding("enter", "write", "Write", id="story.write", tooltip="Return to your line"),
    Binding("escape", "stop", "Stop", show=False, id="story.stop", tooltip="Stop the model; its words stay"),
    Binding("m", "model('model')", "Model", id="story.model", tooltip="Choose the model"),
    Binding(
        "s",
        "model('strength')",
        "Strength",
        id="story.strength",
        tooltip="How far from the base towards the run",
    ),
    Binding("v", "model('voice')", "Voice", id="story.voice", tooltip="Choose the shelf to tell like"),
    Binding(
        "f",
        "model('newest')",
        "Newest weights",
        id="story.newest",
        tooltip="Tell with the weights that the run in training has now",
    ),
    Binding("r", "passage('retry')", "Retry", id="story.retry", tooltip="Tell the chosen passage again"),
    Binding("e", "passage('edit')", "Edit", id="story.edit", tooltip="Edit the chosen passage in its place"),
    Binding(
        "a",
        "passage('alternatives')",
        "Takes",
        id="story.alternatives",
        tooltip="Three ways to go on, told at once; alt+left and alt+right leaf through them",
    ),
    Binding(
        "x",
        "side_by_side",
        "Side by side",
        id="story.side_by_side",
        tooltip="Go on with several models, strengths or voices side by side, and take one",
    ),
    Binding("g", "passage('map')", "Map", id="story.map", tooltip="The map of all branches"),
    Binding(
        "plus",
        "size(1)",
        "Longer",
        key_display="+ -",
        id="story.longer",
        tooltip="Tell more at once: a sentence, a paragraph, a page",
    ),
    Binding(
        "t",
        "pace",
        "Pace",
        show=False,
        id="story.pace",
        tooltip="Tell at reading speed, or as fast as the model can",
    ),
    Binding("minus", "size(-1)", "Shorter", show=False, id="story.shorter", tooltip="Tell less at once"),
    Binding(
        "w",
        "passage('copy_passage')",
        "Copy",
        show=False,
        id="story.copy",
        tooltip="Copy the chosen passage to the clipboard",
    ),
    Binding(
        "W",
        "passage('copy_story')",
        "Copy story",
        show=False,
        id="story.copy_story",
        tooltip="Copy the whole story to the clipboard",
    ),
    Binding("u", "passage('undo')", "Undo", id="story.undo", tooltip="Undo the last act"),
    Binding(
        "ctrl+z", "passage('undo')", "Undo", show=False, id="story.undo_too", tooltip="Undo the last act"
    ),
    Binding("y", "passage('redo')", "Redo", id="story.redo", tooltip="Redo the last undone act"),
    Binding(
        "ctrl+y",
        "passage('redo')",
        "Redo",
        show=False,
        id="story.redo_too",
        tooltip="Redo the last undone act",
    ),
    Binding(
        "alt+right", "passage('next_take')", "Take", show=False, id="story.next_take", tooltip="The next take"
    ),
    Binding(
        "alt+left",
        "passage('previous_take')",
        "Take",
        show=False,
        id="story.previous_take",
        tooltip="The take before",
    ),
    Binding(
        "alt+up", "passage('parent')", "Back", show=False, id="story.parent", tooltip="Go back by a passage"
    ),
    Binding("alt+down", "passage('child')", "On", show=False, id="story.child", tooltip="Go on by a passage"),
    Binding(
        "b", "openings", "Openings", id="story.openings", tooltip="Three ways to begin, told by the model"
    ),
    Binding(
        "k",
        "colours",
        "Colours",
        show=False,
        id="story.colours",
        tooltip="Show who wrote what in colours, or not",
    ),
    Binding(
        "i",
        "inspect",
        "Inspect",
        id="story.inspect",
        tooltip="How likely each word was, and what else might have come",
    ),
    Binding(
        "c",
        "passage('mark_copied')",
        "Copied",
        show=False,
        id="story.copied",
        tooltip="Mark the words that stand in the training stories, or not",
    ),
    Binding(
        "C",
        "passage('show_source')",
        "Source",
        show=False,
        id="story.source",
        tooltip="Show where the passage's copied words stand",
    ),
    Binding(
        "A",
        "passage('avoid_copying')",
        "Avoid copying",
        show=False,
        id="story.avoid",
        tooltip="Tell no 8 words in a row from the training stories, or allow it",
    ),
    Binding(
        "slash",
        "passage('find')",
        "Find",
        key_display="/",
        id="story.find",
        tooltip="Find words in the story, and replace them",
    ),
    Binding("p", "panel", "Panel", id="story.panel", tooltip="Memory, author's note, and how it tells"),
    Binding("n", "new", "New", id="story.new", tooltip="Start a new story; this one is saved"),
    Binding("o", "open", "Bookshelf", id="story.open", tooltip="All stories: open, find, read, export"),
    Binding("R", "rename", "Rename", show=False, id="story.rename", tooltip="Rename this story"),
    Binding(
        "comma",
        "app.settings('preset')",
        "Settings",
        key_display=",",
        id="story.settings",
        tooltip="The settings, at those that say how it tells",
    ),
]

ACTIONS = {binding.id or "": binding.action for binding in KEYS if isinstance(binding, Binding)}
