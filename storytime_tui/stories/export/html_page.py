"""A story as one HTML page to read, without scripts, links or other files; it is well-formed XML too."""

from storytime_tui.stories.export.markup import body, escaped
from storytime_tui.stories.export.story_text import Exported

_STYLE = """\
:root { color-scheme: light dark; }
body { font: 1.15rem/1.6 Georgia, "Iowan Old Style", serif; max-width: 34rem; margin: 4rem auto; padding: 0 1.25rem;
  color: #22201c; background: #fbfaf7; }
h1 { font-size: 1.7rem; font-weight: normal; line-height: 1.25; margin: 0 0 2.5rem; }
p { margin: 0 0 1em; }
h1, p { overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) { body { color: #dedad2; background: #1b1a18; } }
@media print { body { margin: 0 auto; color: #000; background: none; } }"""


def html_page(story: Exported) -> bytes:
    """The whole page in UTF-8."""
    title = escaped(story.title)
    parts = [
        "<!DOCTYPE html>",
        f'<html lang="{escaped(story.language)}" xmlns="http://www.w3.org/1999/xhtml">',
        f'<head>\n<meta charset="utf-8"/>\n<title>{title}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
        f"<style>\n{_STYLE}\n</style>\n</head>",
        f'<body>\n<h1 dir="auto">{title}</h1>',
        body(story.text),
        "</body>\n</html>\n",
    ]
    return "\n".join(parts).encode()
