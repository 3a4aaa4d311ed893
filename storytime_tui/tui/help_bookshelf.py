"""The help of the bookshelf."""

Rows = tuple[tuple[str, str], ...]

BOOKSHELF: tuple[tuple[str, str, Rows], ...] = (
    (
        "The bookshelf: every story that you have written",
        "Each line is one story, the last changed first. The pane shows the first lines of the story under the cursor. "
        "Everything on it is text of the story as it stands now.",
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
    (
        "Reading time",
        "",
        (("min to read", "the words of the story at 220 words a minute"),),
    ),
)
