"""The help of the Disk screen."""

from storytime_tui.tui.help_parts import Section

DISK: tuple[Section, ...] = (
    (
        "Disk: what takes room",
        "Each line is one part, with its size and how much of it can be cleared. Stories, collections, and the "
        "checkpoints that resuming and telling need are never cleared.",
        (
            (
                "c  enter ↵",
                "clear the part under the cursor, after a question (the delete key does the same)",
            ),
            ("b", "make a backup: stories, collections, runs and settings in one zip file"),
            (
                "r",
                "restore a backup: what it holds and is not here comes back, and what is here stays as it is",
            ),
            ("checkpoints", "the runs; what can go are checkpoints between the best and the last one"),
            ("bin", "removed runs and collections, which are kept for thirty days"),
            (
                "tokens, texts, words, other",
                "made from your collections, and made again when they are needed",
            ),
            ("books", "downloads of books that broke off"),
            ("hub/…", "models from the Hugging Face Hub; one that you use again is downloaded again"),
        ),
    ),
)
