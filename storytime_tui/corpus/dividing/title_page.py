"""The title and author in the first lines of an unpublished text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from storytime_tui.corpus.dividing.blocks import Block, lines_in
from storytime_tui.corpus.dividing.heading_rules import is_frame, is_heading_like, label_of, matter_of
from storytime_tui.corpus.dividing.titles import as_title, is_capitals, is_title

_FIELD = re.compile(r"(?P<name>title|author|written by|by)[ \t]*:[ \t]*(?P<value>\S.*)", re.IGNORECASE)
_NO_NAME = (
    r"(?!(?i:a|an|my|our|your|his|her|its|their|all|no|one|way|chance|day|night|moonlight|heart|the)\b(?!\.))"
)
_NAME = rf"(?:(?i:the) (?i:brothers|sisters) )?{_NO_NAME}[A-ZÀ-Þ][\w.'’-]*"
_MORE_NAMES = r"(?:,? (?:[A-ZÀ-Þ][\w.'’-]*|and|&|of|de|von|van|la|der|du|le|di|y|zu|the))*"
_BYLINE = re.compile(rf"\(?(?:[Ww]ritten |WRITTEN )?(?:by|By|BY):?\s+(?P<name>{_NAME}{_MORE_NAMES})[.)]?")
# In other languages these words begin sentences and titles too, so that a name of two words must follow.
_CAPITALISED = r"[A-ZÀ-ÖØ-ÞŁŚŻČŠŽА-ЯЁЇІЄ][\w.'’-]*"
_OTHER_BYLINE = re.compile(
    r"\(?(?i:(?:erzählt |geschrieben |écrit |escrito |scritto |geschreven )?(?:von|par|por|di|door|av|af|od|przez)"
    r"|autor(?:in|a|e)?:?|auteur:?|автор:?)\s+"
    rf"(?P<name>{_CAPITALISED}(?: (?:{_CAPITALISED}|de|von|van|la|der|du|le|di|da|dos|y|zu|e))* {_CAPITALISED})[.)]?"
)
_SUBTITLE = re.compile(
    r"an? (?:[\w'’-]+ ){0,3}(?:tale|story|novel|novella|fable|play|comedy|tragedy|farce|romance|poem|legend)\b.{0,40}",
    re.IGNORECASE,
)
_LONGEST_BYLINE = 80  # characters
_LONGEST_TITLE = 4  # lines


@dataclass(frozen=True)
class TitlePage:
    """The title and author above a text, and the number of blocks they take.

    `is_sure`: an author or another heading follows, so the title is the whole text's and not its first story's.
    """

    title: str = ""
    author: str = ""
    blocks: int = 0
    is_sure: bool = False


def title_page_of(text: str, blocks: Sequence[Block]) -> TitlePage:
    """The title page in the first blocks of a text; empty if no other blocks follow.

    If the file's format marks headings, the first block must be one.
    """
    page = _read(text, blocks)
    return page if page.blocks < len(blocks) else TitlePage()


def _read(text: str, blocks: Sequence[Block]) -> TitlePage:
    if not blocks or blocks[0].skip:
        return TitlePage()
    lines = lines_in(text, blocks[0])
    if fields := _fields(lines):
        return TitlePage(as_title(fields.get("title", "")), fields.get("author", ""), 1, True)
    title_lines, author = len(lines), ""
    if len(lines) > 1 and (author := author_in(lines[-1])):
        title_lines -= 1
    title, subtitle = " ".join(lines[:title_lines]), ""
    is_marked = bool(blocks[0].level)
    if not is_marked and (title_lines > (_LONGEST_TITLE if author else 1) or not _may_be_title(title)):
        return TitlePage()
    after = 1
    if not author:
        author, after = _author_below(text, blocks, 1)
    if not author and len(blocks) > 1 and _SUBTITLE.fullmatch(text[blocks[1].start : blocks[1].end]):
        author, after = _author_below(text, blocks, 2)
        subtitle = text[blocks[1].start : blocks[1].end] if author else ""
    follows = after < len(blocks) and not blocks[after].skip and _is_heading(text, blocks[after])
    whole = ": ".join(filter(None, map(as_title, (title, subtitle))))
    return TitlePage(whole, author, after, bool(author) or follows)


def author_in(line: str) -> str:
    """The author in a line such as "by Ann Other"; "" if it is not such a line."""
    if len(line) >= _LONGEST_BYLINE:
        return ""
    byline = _BYLINE.fullmatch(line.strip()) or _OTHER_BYLINE.fullmatch(line.strip())
    return as_title(byline["name"]) if byline else ""


def _may_be_title(line: str) -> bool:
    return is_title(line) and label_of(line) is None and matter_of(line) is None and not is_frame(line)


def _fields(lines: Sequence[str]) -> dict[str, str]:
    """The fields in lines such as "Title: The Goose", "Author: Ann Other"; {} if there are other lines."""
    fields: dict[str, str] = {}
    for line in lines:
        field = _FIELD.fullmatch(line)
        name = "title" if field and field["name"].lower() == "title" else "author"
        if field is None or name in fields:
            return {}
        fields[name] = field["value"].strip()
    return fields if "title" in fields else {}


def _author_below(text: str, blocks: Sequence[Block], at: int) -> tuple[str, int]:
    """The author in block `at` (or in it and the next together), and the number of the block after it.

    "" and 1 if there is none.
    """
    for count in (1, 2):
        below = blocks[at : at + count]
        if len(below) < count or any(block.skip or block.level for block in below):
            break
        shown = " ".join(line for block in below for line in lines_in(text, block))
        if author := author_in(shown):
            return author, at + count
        if shown.lower() not in ("by", "written by"):
            break
    return "", 1


def _is_heading(text: str, block: Block) -> bool:
    """Whether a block just below a title is a heading too, not the story's first line."""
    shown = text[block.start : block.end]
    if block.level is not None:
        return block.level > 0
    if matter_of(shown.split("\n")[0]) is not None or is_frame(shown):
        return True
    return is_heading_like(shown, 1) and (label_of(shown) is not None or is_capitals(shown))
