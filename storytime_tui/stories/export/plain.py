"""A story as plain text: its present text and nothing else."""

from storytime_tui.stories.export.story_text import Exported


def plain_text(story: Exported) -> bytes:
    """The text in UTF-8, with one line end at its end."""
    text = story.text
    return (text if text.endswith("\n") or not text else text + "\n").encode()
