"""A story as Markdown that shows its text as it is: no sign of a story means anything in Markdown."""

import re

from storytime_tui.formatting import markdown
from storytime_tui.stories.export.story_text import Exported
from storytime_tui.stories.paragraphs import paragraphs

_STARTS = re.compile(r"[-+=]|\d+(?=[.)])")  # what a line may begin with to be a list or a heading


def markdown_page(story: Exported) -> bytes:
    """The title as a heading, then the paragraphs. A backslash ends a line within one."""
    parts = [f"# {markdown(story.title)}"]
    parts += ["\\\n".join(map(_line, lines)) for lines in paragraphs(story.text)]
    return ("\n\n".join(parts) + "\n").encode()


def _line(line: str) -> str:
    escaped = markdown(line)
    found = _STARTS.match(escaped)
    if found is None:
        return escaped
    place = found.end() if found[0].isdigit() else 0
    return f"{escaped[:place]}\\{escaped[place:]}"
