"""The keys of the bookshelf."""

from textual.binding import Binding, BindingType

KEYS: list[BindingType] = [
    Binding("enter", "open", "Open", id="bookshelf.open", tooltip="Go on with this story"),
    Binding("b", "read", "Read", id="bookshelf.read", tooltip="Read this story page by page, as a book"),
    Binding("slash", "filter", "Find", id="bookshelf.filter", tooltip="Find words in all stories"),
    Binding("s", "sort", "Sort", id="bookshelf.sort", tooltip="Sort by the next column"),
    Binding("f", "favourite", "Favourite", id="bookshelf.favourite", tooltip="Mark this story as a favourite, or not"),
    Binding(
        "F", "favourites_first", "Favourites first", show=False, id="bookshelf.favourites_first",
        tooltip="List the favourites first, or not",
    ),
    Binding("r", "rename", "Rename", id="bookshelf.rename", tooltip="Give this story another title"),
    Binding("t", "title", "Suggest a title", id="bookshelf.title", tooltip="Let the model suggest a title"),
    Binding("D", "duplicate", "Duplicate", id="bookshelf.duplicate", tooltip="Copy this story with all its takes"),
    Binding("w", "copy", "Copy", id="bookshelf.copy", tooltip="Copy this story to the clipboard"),
    Binding("x", "export", "Export", id="bookshelf.export", tooltip="Write this story to a file"),
    Binding("i", "import", "Import", id="bookshelf.import", tooltip="Add a file as a new story"),
    Binding("space", "tick", "Tick", id="bookshelf.tick", tooltip="Tick this story, to learn from it"),
    Binding("l", "learn", "Learn from it", id="bookshelf.learn", tooltip="Put finished stories on the Library's shelf"),
    Binding("d", "remove", "Remove", id="bookshelf.remove", tooltip="Remove this story; Undo brings it back"),
    Binding("delete", "remove", "Remove", show=False, id="bookshelf.delete", tooltip="Remove this story"),
    Binding("u", "undo", "Undo", id="bookshelf.undo", tooltip="Bring back a removed story"),
    Binding("escape", "all", "Show all", id="bookshelf.all", tooltip="Show all stories"),
    Binding("escape", "close", "Back", id="bookshelf.close", tooltip="Back to the page"),
    # while the words to find are typed, these move in the list
    Binding("up", "tree(-1)", "Up", show=False, id="bookshelf.up", tooltip="The line above"),
    Binding("down", "tree(1)", "Down", show=False, id="bookshelf.down", tooltip="The line below"),
]  # fmt: skip
# these give way in the footer where there is little room, the last of them first
SELDOM = (
    "undo",
    "filter", "export", "remove", "sort", "favourite", "rename", "tick", "learn", "import", "copy", "title",
    "duplicate",
)  # fmt: skip
OF_A_STORY = (
    "open", "read", "favourite", "rename", "title", "duplicate", "copy", "export", "tick", "learn", "remove", "sort",
)  # fmt: skip
