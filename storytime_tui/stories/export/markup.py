"""A story's text within HTML and XHTML: escaped, and without the characters that XML or HTML do not have."""

from html import escape

from storytime_tui.stories.paragraphs import paragraphs

_ABSENT = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"}  # their Unicode pictures
_ABSENT |= {0x7F: 0x2421, 0xFFFE: 0xFFFD, 0xFFFF: 0xFFFD}
_ABSENT |= dict.fromkeys([*range(0x80, 0xA0), *range(0xD800, 0xE000), *range(0xFDD0, 0xFDF0)], 0xFFFD)


def escaped(text: str) -> str:
    """The text, safe within an element or a quoted attribute."""
    return escape(text.translate(_ABSENT))


def body(text: str) -> str:
    """The paragraphs as `<p>`, each with its own direction: a story may be in Arabic or Hebrew."""
    return "\n".join(f'<p dir="auto">{"<br/>".join(map(escaped, lines))}</p>' for lines in paragraphs(text))
