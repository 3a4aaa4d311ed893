"""The keys of the Library."""

from textual.binding import Binding, BindingType

KEYS: list[BindingType] = [
    Binding("slash", "filter", "Find", id="library.filter", tooltip="Find words in titles and texts"),
    Binding("i", "import", "Add", id="library.import", tooltip="Import files, folders or an address"),
    Binding("g", "gutenberg", "Books", id="library.gutenberg", tooltip="Fetch a book of Project Gutenberg"),
    Binding("t", "train", "Train", id="library.train", tooltip="Go on to Train with the ticked stories"),
    Binding(
        "b",
        "before",
        "File",
        id="library.before",
        tooltip="The story as its file has it, or as it is cleaned",
    ),
    Binding(
        "o", "left_out", "Left out", id="library.left_out", tooltip="What the files hold that is in no story"
    ),
    Binding("r", "rename", "Rename", id="library.rename", tooltip="Rename this collection or story"),
    Binding("d", "remove", "Remove", id="library.remove", tooltip="Remove this collection or story"),
    Binding(
        "delete",
        "remove",
        "Remove",
        show=False,
        id="library.delete",
        tooltip="Remove this collection or story",
    ),
    Binding("u", "undo", "Undo", id="library.undo", tooltip="Bring back what was removed"),
    Binding(
        "minus",
        "punctuation",
        "Quotes",
        key_display="-",
        id="library.punctuation",
        tooltip="Quotes and dashes of this collection: plain, or as written",
    ),
    Binding("l", "remarks", "Remarks", id="library.remarks", tooltip="All remarks of the import, in full"),
    Binding("escape", "all", "Show all", id="library.all", tooltip="Show all titles"),
    # while the filter is typed, these move in the tree
    Binding("up", "tree(-1)", "Up", show=False, id="library.up", tooltip="The line above"),
    Binding("down", "tree(1)", "Down", show=False, id="library.down", tooltip="The line below"),
]
# these give way in the footer where there is little room, the last of them first
SELDOM = ("undo", "remove", "rename", "remarks", "left_out", "before", "train", "punctuation")
