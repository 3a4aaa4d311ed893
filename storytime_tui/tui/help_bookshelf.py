"""The help of the bookshelf, and of a story that is read there as a book."""

from storytime_tui.tui.help_parts import Section

_READING_TIME: Section = (
    "Reading time",
    "",
    (("min to read", "the words of the story at 220 words a minute"),),
)

BOOKSHELF: tuple[Section, ...] = (
    (
        "The bookshelf: all your stories",
        "Each line is one story, the last changed first. The pane shows the first lines of the story under the cursor; "
        "after a search, the lines around the first place found. All of it is text of the story as it stands now.",
        (
            ("enter ↵", "open the story, to write on"),
            ("b", "read the story as a book, page by page; its place is remembered until you quit"),
            (
                "/",
                "find words in all stories while you type, also parts of words; words in quotes must stand together",
            ),
            ("escape", "show all stories again; then go back to the page"),
            ("s", "sort by the next column: last change, title, words; a click on a title sorts by it"),
            ("f  F", "mark the story as a favourite ★, or not; list the favourites first, or not"),
            ("r", "rename the story"),
            (
                "t",
                "suggest a title: the model reads the beginning, and its title stands in the field to be changed. If "
                "none of its titles fits the story, one is made of the words that the story uses most",
            ),
            ("D", "duplicate the story with all its takes"),
            ("d", "remove the story (the delete key does the same); nothing of it is deleted"),
            ("u", "restore the story that you removed last; on a later day, choose from a list"),
            ("w", "copy the story to the clipboard, also through tmux and GNU screen"),
            (
                "x",
                "export the story: the file's ending is the format, .txt .md .html .epub or .json (with all takes)",
            ),
            ("i", "import a .txt, .md or .json file as a new story"),
            (
                "space  l",
                "tick finished stories, and put them into the collection My stories, to train on: the text as it "
                "stands, with your edits. A story that is there already is replaced by its new version",
            ),
        ),
    ),
    _READING_TIME,
)

BOOK: tuple[Section, ...] = (
    (
        "The book: read a story page by page",
        "The text of the story as it stands now, laid out in pages for the size of the terminal. The line below says "
        "which page it is. The place is remembered until you quit.",
        (
            ("→  space", "turn to the next page (↓, page down and enter do the same)"),
            ("←", "turn a page back (↑, page up and backspace do the same)"),
            ("home  end", "turn to the first page, to the last page"),
            ("escape", "return to the bookshelf; enter there opens the story, to write on"),
        ),
    ),
    _READING_TIME,
)
