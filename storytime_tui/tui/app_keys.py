"""The keys that work on every screen."""

from textual.binding import Binding, BindingType

KEYS: list[BindingType] = [
    Binding("1", "mode('library')", "Library", show=False, id="app.library", tooltip="Choose the stories"),
    Binding("2", "mode('train')", "Train", show=False, id="app.train", tooltip="Train a model"),
    Binding("3", "mode('story')", "Story", show=False, id="app.story", tooltip="Go to the story"),
    Binding("4", "mode('runs')", "Runs", show=False, id="app.runs", tooltip="See all runs"),
    Binding("question_mark", "help", "Help", key_display="?", id="app.help", tooltip="What this screen does"),
    Binding(
        "comma",
        "settings",
        "Settings",
        show=False,
        key_display=",",
        id="app.settings",
        tooltip="Colours, this computer, how it tells",
    ),
    # these keys also work while the user types
    Binding(
        "f1",
        "help",
        "Help",
        show=False,
        priority=True,
        id="app.help_always",
        tooltip="What this screen does",
    ),
    Binding(
        "f2",
        "mode('library')",
        "Library",
        show=False,
        id="app.library_always",
        tooltip="Choose the stories",
    ),
    Binding("f3", "mode('train')", "Train", show=False, id="app.train_always", tooltip="Train a model"),
    Binding("f4", "mode('story')", "Story", show=False, id="app.story_always", tooltip="Go to the story"),
    Binding("f5", "mode('runs')", "Runs", show=False, id="app.runs_always", tooltip="See all runs"),
    Binding("f9", "leave_tour", "Leave the tour", show=False, id="app.leave_tour", tooltip="End the tour"),
    Binding(
        "ctrl+p",
        "command_palette",
        "Commands",
        show=False,
        priority=True,
        id="app.commands",
        tooltip="Find a command, a story, a run or a setting",
    ),
    Binding(
        "ctrl+q",
        "quit",
        "Quit",
        show=False,
        priority=True,
        id="app.quit",
        tooltip="Quit; a run saves a checkpoint first",
    ),
]
