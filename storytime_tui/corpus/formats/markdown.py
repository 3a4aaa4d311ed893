"""Markdown to a Document: markdown-it converts it to HTML, which is read like any page."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.markup import read_html
from storytime_tui.stopping import check_stop, stoppable

# --- on the first line, then "key: value" lines, then --- or ...
_FRONT_MATTER = re.compile(r"---[ \t]*\n((?:.*\n){0,200}?)(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
_FIELD = re.compile(r"^(title|author)[ \t]*:[ \t]*(\S.*?)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_QUOTED = re.compile(r"""(["'])(.*)\1""")
_NOTE = re.compile(r" {0,3}\[\^[^\]\s]{1,60}\]:")  # [^1]: begins a note
_NOTE_MARK = re.compile(r"\[\^[^\]\s]{1,60}\]")


def read_markdown(source: str, name: str) -> Document:
    """The text of a Markdown source: unwrapped paragraphs, headings, and title and author from its front matter.

    `name` is for messages. Raises CorpusError if the text cannot be read.
    """
    from markdown_it import MarkdownIt

    fields: dict[str, str] = {}
    if front := _FRONT_MATTER.match(source):
        fields = {key.lower(): _plain(value) for key, value in _FIELD.findall(front[1])}
        source = source[front.end() :]
    source = _NOTE_MARK.sub("", "\n".join(_without_notes(source.split("\n"))))
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    # rules that match nothing but check for a stop; the first one also inside these blocks
    inside = ["paragraph", "reference", "blockquote", "list"]
    reader.block.ruler.before("table", "stop", _no_block, {"alt": inside})
    reader.inline.ruler.before("text", "stop", _no_inline)
    tokens = _Tokens(reader.parse(source))
    page = reader.renderer.render(tokens, reader.options, {})
    document = read_html(page, name).document
    return replace(document, wrapped=False, title=fields.get("title", ""), author=fields.get("author", ""))


class _Tokens(list[Any]):
    """Tokens to render; checks for a stop before each."""

    def __iter__(self) -> Iterator[Any]:
        """The tokens in order."""
        return stoppable(super().__iter__())


def _no_block(_state: Any, _start: int, _end: int, _silent: bool) -> bool:
    """A block rule that never matches; it is tried at every line, and checks for a stop."""
    check_stop()
    return False


def _no_inline(_state: Any, _silent: bool) -> bool:
    """An inline rule that never matches; it is tried at every special character, and checks for a stop."""
    check_stop()
    return False


def _without_notes(lines: Iterable[str]) -> Iterator[str]:
    """The lines outside of notes. A note ends before a line that is not indented and follows a blank one."""
    in_note = after_blank = False
    for line in lines:
        blank = not line.strip()
        if _NOTE.match(line):
            in_note = True
        elif in_note and after_blank and not blank and line[0] not in " \t":
            in_note = False
        if not in_note or blank:
            yield line
        after_blank = blank


def _plain(value: str) -> str:
    """A field's text without its quotes; "" if it is not a string (a list, a block)."""
    if quoted := _QUOTED.fullmatch(value):
        value = quoted[2]
    elif value[0] in "[{|>&*!":
        return ""
    return " ".join(value.split())[:300]
