"""The formats a story is exported in, by the ending of the file."""

from collections.abc import Callable

from storytime_tui.stories.export.epub import epub
from storytime_tui.stories.export.html_page import html_page
from storytime_tui.stories.export.markdown import markdown_page
from storytime_tui.stories.export.plain import plain_text
from storytime_tui.stories.export.story_text import Exported
from storytime_tui.stories.export.tree_json import tree_json

FORMATS: dict[str, Callable[[Exported], bytes]] = {
    ".txt": plain_text,
    ".md": markdown_page,
    ".html": html_page,
    ".epub": epub,
    ".json": tree_json,
}
