"""Markdown to a Document: markdown-it converts it to HTML, which is read like any page."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.markdown_front import front_matter_of
from storytime_tui.corpus.formats.markdown_lists import with_numbers_and_dashes
from storytime_tui.corpus.formats.markdown_marks import without_marks
from storytime_tui.corpus.formats.markup import read_html
from storytime_tui.corpus.formats.markup_left import Omission, in_lines, joined, lines_in_words
from storytime_tui.stopping import check_stop, stoppable

_BORDER = "<p>&lt;|endoftext|&gt;</p>\n"  # the mark between two tales that dividing knows


def read_markdown(source: str, name: str) -> Document:
    """The text of a Markdown source: unwrapped paragraphs, headings, and title and author from its front matter.

    Marks of the usual dialects, notes and front matter are in `left_out`. `name` is for messages. Raises CorpusError
    if the text cannot be read.
    """
    from markdown_it import MarkdownIt

    from storytime_tui.corpus.formats.markdown_html import only_real_html

    lines = source.split("\n")
    front = front_matter_of(lines)
    kept, numbers, left_out = without_marks(lines[front.lines :], front.lines + 1)
    if front.lines:
        left_out.insert(
            0, Omission("front matter", 1, front.lines, in_lines("\n".join(lines[: front.lines])))
        )
    text = "\n".join(kept)
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    # rules that match nothing but check for a stop; the first one also inside these blocks
    inside = ["paragraph", "reference", "blockquote", "list"]
    reader.block.ruler.before("table", "stop", _no_block, {"alt": inside})
    reader.inline.ruler.before("text", "stop", _no_inline)
    only_real_html(reader, text)
    env: dict[str, Any] = {}
    tokens = with_numbers_and_dashes(reader.parse(text, env))
    left_out += [*_pictures(tokens, numbers), *_targets(kept, env, numbers)]
    page, starts = _rendered(reader, tokens, env, borders=_divides_tales(kept, tokens))

    def place_of(first: int, last: int) -> str:
        at, end = (starts[max(0, bisect_right(starts, (line, 1 << 60)) - 1)][1] for line in (first, last))
        return lines_in_words(_number(numbers, at), _number(numbers, end))

    document = read_html(page, name, place_of=place_of, rules=True).document if starts else Document("")
    return replace(
        document,
        wrapped=False,
        title=front.title,
        author=front.author,
        left_out=joined(left_out) + document.left_out,
    )


def _rendered(
    reader: Any, tokens: Sequence[Any], env: dict[str, Any], *, borders: bool
) -> tuple[str, list[tuple[int, int]]]:
    """The page, and for each of its blocks the line it begins on in the page and (from 0) in the text."""
    pieces: list[str] = []
    starts: list[tuple[int, int]] = []
    line, begun, depth = 1, 0, 0
    for at, token in enumerate(tokens):
        depth += token.nesting
        if depth:
            continue
        block = tokens[begun : at + 1]
        begun = at + 1
        starts.append((line, block[0].map[0] if block[0].map else 0))
        is_border = borders and token.type == "hr" and bool(pieces)
        piece = _BORDER if is_border else reader.renderer.render(_Tokens(block), reader.options, env)
        pieces.append(piece)
        line += piece.count("\n")
    return "".join(pieces), starts


def _divides_tales(lines: Sequence[str], tokens: Sequence[Any]) -> bool:
    """Whether the rules of a text stand between tales: one is its very first line, and it has no headings."""
    first = next((line.strip() for line in lines if line.strip()), "")
    rules = [token for token in tokens if token.type == "hr" and not token.level]
    is_first = bool(rules) and tokens[0] is rules[0] and first == "---"
    return is_first and len(rules) > 1 and not any(token.type == "heading_open" for token in tokens)


def _pictures(tokens: Sequence[Any], numbers: Sequence[int]) -> list[Omission]:
    """What stands for pictures where these cannot be shown."""
    left_out = []
    for token in tokens:
        for inner in token.children or ():
            if inner.type == "image" and inner.content.strip():
                line = _number(numbers, token.map[0]) if token.map else 1
                left_out.append(Omission("picture", line, line, inner.content))
    return left_out


def _targets(lines: Sequence[str], env: dict[str, Any], numbers: Sequence[int]) -> list[Omission]:
    """The lines that say where links lead: "[hat]: http://..."."""
    left_out = []
    for each in [*env.get("references", {}).values(), *env.get("duplicate_refs", [])]:
        first, end = each["map"]
        shown = in_lines("\n".join(lines[first:end]))
        left_out.append(Omission("link target", _number(numbers, first), _number(numbers, end - 1), shown))
    return left_out


def _number(numbers: Sequence[int], at: int) -> int:
    """The line in the file of a line of the text, from 0."""
    return numbers[min(at, len(numbers) - 1)] if numbers else 1


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
