"""The keys of the Train screen."""

from textual.binding import Binding, BindingType

KEYS: list[BindingType] = [
    Binding("s", "start", "Start training", id="train.start", tooltip="Start a run with this plan"),
    Binding(
        "escape",
        "leave_field",
        "Leave the field",
        id="train.leave",
        tooltip="Leave the field, so that single keys work",
    ),
    Binding(
        "escape", "back", "Runs", id="train.back", tooltip="Back to the runs, from where this one was opened"
    ),
    Binding("p", "pause", "Pause", id="train.pause", tooltip="Pause the run; the model stays in memory"),
    Binding("p", "go_on", "Continue", id="train.go_on", tooltip="Continue after the pause"),
    Binding("x", "stop", "Stop", id="train.stop", tooltip="Save a checkpoint and stop the run"),
    Binding("c", "checkpoint", "Checkpoint", id="train.checkpoint", tooltip="Save a checkpoint and continue"),
    Binding("s", "sample", "Sample", id="train.sample", tooltip="Tell a sample now"),
    Binding(
        "e",
        "change_beginning",
        "Begin with",
        id="train.change_beginning",
        tooltip="Choose the words that the samples begin with from now on",
    ),
    Binding("w", "write", "Write", id="train.write", tooltip="Write a story with this model"),
    Binding("r", "resume", "Resume", id="train.resume", tooltip="Resume the run from its last checkpoint"),
    Binding(
        "m",
        "more",
        "More epochs",
        id="train.more",
        tooltip="Train the finished run for more epochs",
    ),
    Binding("n", "new", "New run", id="train.new", tooltip="Plan a new run"),
    Binding(
        "h",
        "how_it_learns",
        "How it learns",
        id="train.how_it_learns",
        tooltip="See what the run learned, word by word",
    ),
    Binding("g", "terms", "Terms", show=False, id="train.terms", tooltip="What the terms mean"),
    Binding("v", "last", "Last run", id="train.last", tooltip="Show the last run"),
    Binding(
        "left",
        "earlier",
        "Earlier sample",
        key_display="←",
        show=False,
        id="train.earlier",
        tooltip="The previous sample",
    ),
    Binding("right", "later", "Samples", key_display="← →", id="train.later", tooltip="The next sample"),
    Binding(
        "b",
        "beginning",
        "Beginning",
        id="train.beginning",
        tooltip="The sample of the other beginning",
    ),
    Binding("z", "chart", "Zoom", id="train.chart", tooltip="Read, zoom and move the loss chart"),
]
RARE = ("sample", "checkpoint", "chart", "change_beginning")  # keys that give way first in a narrow footer
