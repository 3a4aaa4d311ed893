"""The keys of the Runs screen."""

from textual.binding import Binding, BindingType

from storytime_tui.tui.run_rows import RunRow

KEYS: list[BindingType] = [
    Binding("enter", "open", "Open", id="runs.open", tooltip="Show this run on the Train screen"),
    Binding(
        "h",
        "how_it_learns",
        "How it learns",
        id="runs.how_it_learns",
        tooltip="See what this run learned, word by word",
    ),
    Binding("w", "write", "Write", id="runs.write", tooltip="Write a story with this run's model"),
    Binding("r", "resume", "Resume", id="runs.resume", tooltip="Resume this run from its last checkpoint"),
    Binding("m", "more", "More epochs", id="runs.more", tooltip="Train this finished run for more epochs"),
    Binding(
        "slash", "filter", "Find", id="runs.filter", tooltip="Show only runs that match words or a query"
    ),
    Binding("o", "sort", "Sort", id="runs.sort", tooltip="Sort by the next column"),
    Binding("O", "turn", "Reverse", show=False, id="runs.turn", tooltip="Sort the other way round"),
    Binding("space", "mark", "Mark", id="runs.mark", tooltip="Lay this run's curve over the others"),
    Binding("p", "pin", "Pin", id="runs.pin", tooltip="Compare the other runs with this one"),
    Binding("c", "compare", "Compare", id="runs.compare", tooltip="All that differs between the picked runs"),
    Binding("e", "rename", "Rename", id="runs.rename", tooltip="Give this run another name"),
    Binding("n", "note", "Note", id="runs.note", tooltip="Write a note about this run"),
    Binding("x", "export", "Export", id="runs.export", tooltip="Write this run's model to a folder"),
    Binding("d", "remove", "Remove", id="runs.remove", tooltip="Remove this run; Undo brings it back"),
    Binding("delete", "remove", "Remove", show=False, id="runs.delete", tooltip="Remove this run"),
    Binding("u", "undo", "Undo", id="runs.undo", tooltip="Bring back a removed run"),
    Binding(
        "D",
        "app.disk",
        "Disk",
        show=False,
        id="runs.disk",
        tooltip="See what takes room on the disk, and clear it",
    ),
    Binding("escape", "all", "Show all", id="runs.all", tooltip="Show all runs"),
    # while the filter is typed, these move in the list
    Binding("up", "tree(-1)", "Up", show=False, id="runs.up", tooltip="The line above"),
    Binding("down", "tree(1)", "Down", show=False, id="runs.down", tooltip="The line below"),
]
# these give way in the footer where there is little room, the last of them first
SELDOM = (
    "undo",
    "filter", "write", "sort", "pin", "mark", "resume", "more", "remove", "note", "compare", "rename", "export",
    "how_it_learns",
)  # fmt: skip


def shown(action: str, run: RunRow | None, *, query: bool, picked: bool, undo: bool) -> bool:
    """Whether the footer shows a key. `run`: under the cursor; `query`: typed; `picked`: some are pinned or marked;
    `undo`: one was removed. Other keys work, too, and say why they can do nothing."""
    match action:
        case "all":
            return query or picked
        case "undo":
            return undo
        case "resume":
            return run is not None and run.can_resume
        case "more":
            return run is not None and run.state == "finished"
        case "compare":
            return picked
        case "filter" | "help":
            return True
    return run is not None or action.startswith("mode(")
