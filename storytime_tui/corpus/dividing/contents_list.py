"""A book's own list of what is in it: where it stands, and what it names."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from storytime_tui.corpus.dividing.blocks import Block, is_prose, lines_in
from storytime_tui.corpus.dividing.heading_lines import heading_key, is_heading_like, label_of, matter_of
from storytime_tui.corpus.dividing.titles import is_capitals, key_of, one_line
from storytime_tui.stopping import watched

_PAGE = re.compile(
    r"(?:[\s.·…_-]+\d{1,4}|(?:\s{2,}|[.·…]\s*)(?:[ivxlc]{1,7}|_?[Ff]ront(?:ispiece)?_?))\s*[.\]]?$"
)
_RUN_ON = re.compile(r"(?:^|(?<=\S)\s)(?=[IVXLC]{1,9}\.\s)")
_LEADERS = re.compile(r"(?:\s*[.·…]){3,}\s*$")
_PICTURES = re.compile("illustrations|plates", re.IGNORECASE)
_COLUMN_HEADS = re.compile(r"(?:chap(?:ter|\.)?s?|page|no\.?|story|stories|tale|night|\s|\.)+", re.IGNORECASE)
_FIRST_PART = 0.4  # of a book: a list of contents stands within it
_MOST_LINES = 1500
_MOST_BLOCKS = 4 * _MOST_LINES  # of a list, with those that name nothing
_FAR_MORE = 3
_MOST_TRIES = 4
_LONGEST_LIST = 40_000  # characters
_MUCH_ROOM = 4000
_MOST_BETWEEN = 40  # titles in a row that are the same one again
_LIST_SPACE = 250  # characters: a list names its next title within so many
_LONGEST_TITLE = 250  # characters
_NEAR = 9  # blocks
_SHORTEST_START = 8  # letters of a title that tell it from another when only its beginning is the same


@dataclass(frozen=True)
class ContentsLine:
    """One line of a contents list. `key` is what its heading has too; `dropped`: it stands under a preface."""

    title: str
    key: str
    number: int | None = None
    dropped: bool = False


@dataclass(frozen=True)
class Contents:
    """A book's contents list. `start`, `end`: its half-open range of blocks; both 0 where there is none."""

    entries: tuple[ContentsLine, ...] = ()
    start: int = 0
    end: int = 0
    of_chapters: bool = False  # it says itself that it lists chapters
    by_key: dict[str, ContentsLine] = field(default_factory=dict, compare=False)
    keys: tuple[str, ...] = field(default=(), compare=False)
    by_number: dict[int, ContentsLine] = field(default_factory=dict, compare=False)

    def entry_for(self, heading: str) -> ContentsLine | None:
        """The entry that names this heading, wholly or by a beginning long enough."""
        key = heading_key(heading)
        if not key or not self.by_key:
            return None
        if key in self.by_key:
            return self.by_key[key]
        if len(key) < _SHORTEST_START:
            return None
        at = bisect_left(self.keys, key)
        for other in self.keys[max(0, at - 1) : at + 1]:
            shorter, longer = sorted((key, other), key=len)
            if longer.startswith(shorter) and len(shorter) >= max(_SHORTEST_START, 0.4 * len(longer)):
                return self.by_key[other]
        return None


def contents_of(text: str, blocks: Sequence[Block]) -> Contents:
    """The contents list of a book, or an empty one."""
    latest = blocks[0].start + _FIRST_PART * (blocks[-1].end - blocks[0].start) if blocks else 0
    tries = 0
    for at, block in watched(enumerate(blocks)):
        if block.start > latest or tries == _MOST_TRIES:
            break
        first_line = text[block.start : min(block.end, block.start + 61)].partition("\n")[0]
        if (
            len(first_line) <= 60
            and matter_of(first_line) == "contents"
            and block.end - block.start < _LONGEST_LIST
        ):
            found = _read(text, blocks, at)
            tries += 1
            if len(found.entries) > 1:
                return found
    return Contents()


def stands_again(text: str, blocks: Sequence[Block], contents: Contents) -> bool:
    """Whether each line of a contents list stands once more in the text after it: then the list can go."""
    if not contents.end:
        return True  # no list: not a line is missing
    if contents.end >= len(blocks):
        return False
    after = key_of(text[blocks[contents.end].start :])
    wanted: set[str] = set()
    for block in blocks[contents.start : contents.end]:
        if not block.skip:
            wanted.update(map(_without_page, _list_lines(text[block.start : block.end])))
    if len(wanted) > _MOST_LINES:
        return False
    return all(
        matter_of(line) == "contents" or _COLUMN_HEADS.fullmatch(line) or heading_key(line) in after
        for line in wanted
    )


def _read(text: str, blocks: Sequence[Block], start: int) -> Contents:
    """The contents list that begins with this block's heading."""
    end = _end(text, blocks, start)
    entries = _entries(text, blocks[start:end])
    by_key = {entry.key: entry for entry in reversed(entries)}
    head = " ".join(line for block in blocks[start : start + 3] for line in lines_in(text, block)[:3])
    of_chapters = re.search(r"\bchapters?\b", head, re.I) is not None
    numbers = [entry.number for entry in entries if entry.number is not None]
    by_number = {entry.number: entry for entry in entries if entry.number is not None}
    if numbers != sorted(numbers):  # they begin anew in each part
        by_number = {}
    return Contents(tuple(entries), start, end, of_chapters, by_key, tuple(sorted(by_key)), by_number)


def _end(text: str, blocks: Sequence[Block], start: int) -> int:
    """The block after a contents list: where one of its first titles stands again, over a text of its own.

    Where none does, or other running text comes before it, the list ends before the headings of that text.
    """
    listed: list[str] = []
    prose = len(blocks)
    for at in watched(range(start, len(blocks))):
        block = blocks[at]
        if block.level and at > start:
            return at
        if at > start and (is_prose(text, block) or block.end - block.start > _LONGEST_LIST):
            prose = at
            break
        if len(listed) > _MOST_LINES or at - start > _MOST_BLOCKS:
            prose = at
            break
        if not block.skip:
            listed += [key for key in _keys_in(text, block) if key]
    again = _first_again(text, blocks, start, prose, listed)
    if again is not None and again <= prose:
        return again
    before = _headings_of(text, blocks, prose, start)
    if before is not None and again is not None and _is_list_item(text, blocks, before, listed):
        return again  # what stands before it is a list of illustrations, with long captions
    return before if before is not None else again if again is not None else min(prose, start + 2)


def _first_again(
    text: str, blocks: Sequence[Block], start: int, prose: int, listed: Sequence[str]
) -> int | None:
    """The first block after a list at which a title of it stands again with text after it, not more of a list.

    If a title occurs twice, the one followed by more text wins: a list of illustrations may name it too, with a
    caption.
    """
    named = set(listed)
    if not named:
        return None
    spaced = sum(block.gap >= 2 for block in blocks[prose:]) > 1
    places: dict[int, list[str]] = {}
    for at in watched(range(start, len(blocks))):
        block = blocks[at]
        if not block.skip and (at < prose or _may_be_title(text, block, spaced=spaced)):
            keys = [key for key in _keys_in(text, block) if key in named]
            if keys:
                places[at] = keys
            if len(places) > 2 * _MOST_LINES:
                break
    seen: set[str] = set(places.pop(start, [])[1:])
    at_key: dict[str, list[int]] = {}
    for at, keys in places.items():
        at_key.setdefault(keys[0], []).append(at)
    named_at = _Places(blocks, places, list(places), at_key)
    pictures = _pictures_after(text, blocks, start)
    for at, keys in watched(places.items()):
        if keys[0] in seen and blocks[at].end - blocks[at].start < _LONGEST_TITLE:
            room, following = _room(named_at, at, seen)
            listed_again = _stands_again(named_at, at, following, seen)
            picture = at > pictures and not any(
                is_prose(text, block) for block in blocks[at + 1 : at + _NEAR]
            )
            if room > _LIST_SPACE and not listed_again and not picture:
                return _with_number(text, blocks, at, start, seen)
        seen.update(keys)
        if len(seen) > _MOST_LINES:
            break
    return None


def _pictures_after(text: str, blocks: Sequence[Block], start: int) -> int:
    """The block of a list of illustrations that stands not far after a list of contents; past the last if none."""
    for at in range(start + 1, min(len(blocks), start + _MOST_LINES)):
        first_line = text[blocks[at].start : min(blocks[at].end, blocks[at].start + 61)].partition("\n")[0]
        if matter_of(first_line) == "front" and _PICTURES.search(first_line):
            return at
        if is_prose(text, blocks[at]):
            break
    return len(blocks)


@dataclass(frozen=True)
class _Places:
    """Blocks that a list names: `keys` of each by its number, these numbers in `order`, and again by first key."""

    blocks: Sequence[Block]
    keys: dict[int, list[str]]
    order: list[int]
    by_key: dict[str, list[int]]


def _stands_again(places: _Places, at: int, following: int | None, seen: set[str]) -> bool:
    """Whether a title comes again with more text, and the one after it too, or with far more: here is but a list."""
    alone = following is None or places.by_key[places.keys[following][0]][-1] == following
    same = places.by_key[places.keys[at][0]]
    after = bisect_right(same, at)
    room = _room(places, at, seen)[0] * (_FAR_MORE if alone else 1)
    return any(_room(places, other, seen)[0] > room for other in same[after : after + _NEAR])


def _may_be_title(text: str, block: Block, *, spaced: bool) -> bool:
    """Whether a block is short, and stands apart or in capitals where the book's titles do."""
    length = block.end - block.start
    if length >= _LONGEST_TITLE:
        return False
    return block.gap >= 2 or (not spaced and length < 100) or text[block.start : block.end].isupper()


def _room(places: _Places, at: int, seen: set[str]) -> tuple[int, int | None]:
    """How many characters there are from a title to the next that the list names, up to a limit; and its place."""
    blocks, end, own = places.blocks, places.blocks[at].end, places.keys[at]
    after = bisect_right(places.order, at)
    for other in places.order[after : after + _MOST_BETWEEN]:
        room = blocks[other].start - end
        if room > _MUCH_ROOM:
            break
        if any(key in seen and key not in own for key in places.keys[other]):
            return room, other
    if blocks[-1].start - end > _MUCH_ROOM:
        return _MUCH_ROOM, None
    return blocks[-1].end - end, None


def _is_list_item(text: str, blocks: Sequence[Block], at: int, listed: Sequence[str]) -> bool:
    """Whether a listed title stands over a few lines and then the next heading, as in a list of illustrations."""
    if not any(listed.count(key) > 1 for key in _keys_in(text, blocks[at])):
        return False
    room = blocks[at].end + 3 * _LIST_SPACE
    return any(
        block.gap >= 2 and is_heading_like(text[block.start : block.end], block.gap)
        for block in blocks[at + 2 : at + _NEAR]
        if block.start < room
    )


def _with_number(text: str, blocks: Sequence[Block], at: int, start: int, listed: set[str]) -> int:
    """The first block of the headings that this one belongs to: "PART I" and "CHAPTER I" stand above its title."""
    first = at
    for above in range(at - 1, start, -1):
        block = blocks[above]
        if block.skip:
            continue
        shown = text[block.start : block.end]
        label = label_of(shown)
        named = label is not None or any(key in listed for key in _keys_in(text, block))
        near = blocks[first].gap < 3 or (named and block.gap >= 3 and matter_of(shown) is None)
        if not near or not is_heading_like(shown, max(block.gap, 2)) or _is_numbered_list(shown):
            break
        first = above
    return first


def _is_numbered_list(shown: str) -> bool:
    """Whether each line of a block begins with a number that follows on the one before: it is more of the list."""
    labels = [label_of(line) for line in shown.split("\n")]
    named = [label for label in labels if label is not None and label.rest]
    return len(labels) == len(named) > 1 and all(
        a.noun == b.noun and b.number == a.number + 1 for a, b in pairwise(named)
    )


def _headings_of(text: str, blocks: Sequence[Block], prose: int, start: int) -> int | None:
    """The headings over the first running text after a contents list, not far above it; None without any."""
    for at in range(prose - 1, max(start, prose - _NEAR), -1):
        block = blocks[at]
        if block.gap >= 2 and not block.skip and is_heading_like(text[block.start : block.end], block.gap):
            return _with_number(text, blocks, at, start, set())
    return prose if prose < len(blocks) else None


def _keys_in(text: str, block: Block) -> list[str]:
    """The keys of a block's lines, and of all of a short one; a mere number has none."""
    lines = lines_in(text, block)
    if len(lines) in (2, 3):
        lines.append(" ".join(lines))
    labels = [label_of(line) for line in lines]
    keys = [
        heading_key(_without_page(line))
        for line, label in zip(lines, labels, strict=True)
        if label is None or label.rest
    ]
    return [key for key in keys if len(key) > 2]


def _entries(text: str, blocks: Sequence[Block]) -> list[ContentsLine]:
    """What a contents list names, line by line; a line that goes on with the next also together with it."""
    lines = [
        line for block in blocks if not block.skip for line in _list_lines(text[block.start : block.end])
    ]
    entries: list[ContentsLine] = []
    under: int | None = None  # the indent of the preface (the appendix, ...) that the lines stand under
    in_plates = False
    for number, line in enumerate(lines[1 : _MOST_LINES + 1], 1):
        indent = len(line) - len(line.lstrip())
        bare = _without_page(line.strip())
        matter = matter_of(bare)
        if matter == "front" and _PICTURES.search(bare):
            in_plates = True
        if in_plates or not bare or _COLUMN_HEADS.fullmatch(bare):
            continue
        if under is not None and indent <= under:
            under = None
        dropped = under is not None or matter in ("front", "back")
        if matter in ("front", "back") and under is None:
            under = indent
        label = label_of(bare)
        title = label.rest if label is not None and label.rest else bare
        has_title = label is None or bool(label.rest)
        entries += _entry(title, label.number if label is not None and label.rest else None, dropped=dropped)
        if ":" in title:  # a subtitle, which the heading may lack
            entries += _entry(title.partition(":")[0], None, dropped=dropped)
        following = lines[number + 1].strip() if number + 1 < len(lines) else ""
        if following and not _PAGE.search(line) and label_of(following) is None:
            following = _without_page(following)
            more = one_line(f"{title}\n{following}") if has_title else following
            entries += _entry(more, None if has_title or label is None else label.number, dropped=dropped)
    return entries


def _entry(title: str, number: int | None, *, dropped: bool) -> list[ContentsLine]:
    key = key_of(title)
    return [ContentsLine(title, key, number, dropped)] if len(key) > 2 else []


def _list_lines(block: str) -> list[str]:
    """The lines of a block of a contents list; "I. TOM TIT TOT II. THE THREE SILLIES III. ..." are three."""
    if len(_RUN_ON.findall(block)) < 3:
        return block.split("\n")
    return [" ".join(piece.split()) for piece in _RUN_ON.split(block) if piece.strip()]


def _without_page(line: str) -> str:
    """A line of a contents list without its page and the dots before it; "Chapter 12" has none."""
    line = line.strip()
    without = _LEADERS.sub("", _PAGE.sub("", line)).strip()
    return line if without != line and label_of(line) is not None and label_of(without) is None else without


def better_title(heading: str, entry: ContentsLine | None) -> str:
    """A story's title as its heading has it, or as the contents list does where that alone has small letters."""
    if entry is None or not is_capitals(heading) or is_capitals(entry.title):
        return heading
    same = key_of(entry.title) == heading_key(heading)
    return entry.title if same and sum(sign.isupper() for sign in entry.title) > 1 else heading
