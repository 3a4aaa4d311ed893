"""Finding a book's table of contents, and the titles in it."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from storytime_tui.corpus.dividing.blocks import Block, is_prose, lines_in
from storytime_tui.corpus.dividing.east_asian import is_east_asian
from storytime_tui.corpus.dividing.heading_rules import heading_key, is_heading_like, label_of, matter_of
from storytime_tui.corpus.dividing.titles import is_capitals, key_of, one_line
from storytime_tui.stopping import stoppable

_PAGE = re.compile(
    r"(?:[\s.·…_-]+\d{1,4}|(?:\s{2,}|[.·…]\s*)(?:[ivxlc]{1,7}|_?[Ff]ront(?:ispiece)?_?))\s*[.\]]?$"
)
_RUN_ON = re.compile(r"(?:^|(?<=\S)\s)(?=[IVXLC]{1,9}\.\s)")
_LEADERS = re.compile(r"(?:\s*[.·…]){3,}\s*$")
_PICTURES = re.compile("illustrations|plates", re.IGNORECASE)
_COLUMN_HEADS = re.compile(r"(?:chap(?:ter|\.)?s?|page|no\.?|story|stories|tale|night|\s|\.)+", re.IGNORECASE)
_FIRST_PART = 0.4  # of a book; the contents list begins in it
_MOST_LINES = 1500
_MOST_BLOCKS = 4 * _MOST_LINES  # of a list, including blocks without a title
_FAR_MORE = 3
_MOST_TRIES = 4
_LONGEST_LIST = 40_000  # characters
_FAR = 4000  # characters; distances are measured up to this
_MOST_BETWEEN = 40  # repetitions of a title that are skipped
_LIST_SPACE = 250  # characters; in a list the next title follows within this distance
_LONGEST_TITLE = 250  # characters
_NEAR = 9  # blocks
_SHORTEST_START = 8  # letters that a heading and an entry must share if one is a prefix of the other


@dataclass(frozen=True)
class ContentsLine:
    """An entry of a contents list. `key`: equal to its heading's key. `dropped`: it is below a preface or appendix."""

    title: str
    key: str
    number: int | None = None
    dropped: bool = False


@dataclass(frozen=True)
class Contents:
    """A book's contents list. `start`, `end`: its half-open range of blocks; both 0 if there is none."""

    entries: tuple[ContentsLine, ...] = ()
    start: int = 0
    end: int = 0
    of_chapters: bool = False  # its heading says that it lists chapters
    by_key: dict[str, ContentsLine] = field(default_factory=dict, compare=False)
    keys: tuple[str, ...] = field(default=(), compare=False)
    by_number: dict[int, ContentsLine] = field(default_factory=dict, compare=False)

    def entry_for(self, heading: str) -> ContentsLine | None:
        """The entry for this heading; one may be a long enough prefix of the other."""
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
    """A book's contents list, or an empty one."""
    latest = blocks[0].start + _FIRST_PART * (blocks[-1].end - blocks[0].start) if blocks else 0
    tries = 0
    for at, block in stoppable(enumerate(blocks)):
        if block.start > latest or tries == _MOST_TRIES:
            break
        first_line = text[block.start : min(block.end, block.start + 61)].partition("\n")[0]
        if (
            len(first_line) <= 60
            and matter_of(first_line) == "contents"
            and block.end - block.start < _LONGEST_LIST
        ):
            contents = _read(text, blocks, at)
            tries += 1
            if len(contents.entries) > 1:
                return contents
    return Contents()


def is_repeated(text: str, blocks: Sequence[Block], contents: Contents) -> bool:
    """Whether every line of a contents list occurs again in the text after it, so that dropping it loses nothing."""
    if not contents.end:
        return True  # no list
    if contents.end >= len(blocks):
        return False
    after = key_of(text[blocks[contents.end].start :])
    lines: set[str] = set()
    for block in blocks[contents.start : contents.end]:
        if not block.skip:
            lines.update(map(without_page, _list_lines(text[block.start : block.end])))
    if len(lines) > _MOST_LINES:
        return False
    return all(
        matter_of(line) == "contents" or _COLUMN_HEADS.fullmatch(line) or heading_key(line) in after
        for line in lines
    )


def _read(text: str, blocks: Sequence[Block], start: int) -> Contents:
    """The contents list with this block as its heading."""
    end = _end(text, blocks, start)
    entries = _entries(text, blocks[start:end])
    by_key = {entry.key: entry for entry in reversed(entries)}
    head = " ".join(line for block in blocks[start : start + 3] for line in lines_in(text, block)[:3])
    of_chapters = re.search(r"\bchapters?\b", head, re.I) is not None
    numbers = [entry.number for entry in entries if entry.number is not None]
    by_number = {entry.number: entry for entry in entries if entry.number is not None}
    if numbers != sorted(numbers):  # the numbers start again in each part
        by_number = {}
    return Contents(tuple(entries), start, end, of_chapters, by_key, tuple(sorted(by_key)), by_number)


def _end(text: str, blocks: Sequence[Block], start: int) -> int:
    """The block after a contents list: where one of its first titles is repeated with text of its own.

    If there is none, or prose comes before it, the list ends before the headings of that prose.
    """
    listed: list[str] = []
    prose = len(blocks)
    for at in stoppable(range(start, len(blocks))):
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
    repeated = _first_repeated(text, blocks, start, prose, listed)
    if repeated is not None and repeated <= prose:
        return repeated
    before = _headings_of(text, blocks, prose, start)
    if before is not None and repeated is not None and _is_list_item(text, blocks, before, listed):
        return repeated  # the prose is a long caption in a list of illustrations
    return before if before is not None else repeated if repeated is not None else min(prose, start + 2)


def _first_repeated(
    text: str, blocks: Sequence[Block], start: int, prose: int, listed: Sequence[str]
) -> int | None:
    """The first block after a list that repeats a title of it with text after it, and is not part of another list.

    If a title occurs twice, the one followed by more text wins: a list of illustrations may name it too, with a
    caption.
    """
    names = set(listed)
    if not names:
        return None
    spaced = sum(block.gap >= 2 for block in blocks[prose:]) > 1
    places: dict[int, list[str]] = {}
    for at in stoppable(range(start, len(blocks))):
        block = blocks[at]
        if not block.skip and (at < prose or _may_be_title(text, block, spaced=spaced)):
            keys = [key for key in _keys_in(text, block) if key in names]
            if keys:
                places[at] = keys
            if len(places) > 2 * _MOST_LINES:
                break
    seen: set[str] = set(places.pop(start, [])[1:])
    at_key: dict[str, list[int]] = {}
    for at, keys in places.items():
        at_key.setdefault(keys[0], []).append(at)
    index = _Places(blocks, places, list(places), at_key)
    pictures = _pictures_after(text, blocks, start)
    for at, keys in stoppable(places.items()):
        if keys[0] in seen and blocks[at].end - blocks[at].start < _LONGEST_TITLE:
            distance, following = _distance(index, at, seen)
            in_another_list = _occurs_with_more_text(index, at, following, seen)
            picture = at > pictures and not any(
                is_prose(text, block) for block in blocks[at + 1 : at + _NEAR]
            )
            if distance > _LIST_SPACE and not in_another_list and not picture:
                return _with_number(text, blocks, at, start, seen)
        seen.update(keys)
        if len(seen) > _MOST_LINES:
            break
    return None


def _pictures_after(text: str, blocks: Sequence[Block], start: int) -> int:
    """The block of a list of illustrations soon after a contents list; the number of blocks if there is none."""
    for at in range(start + 1, min(len(blocks), start + _MOST_LINES)):
        first_line = text[blocks[at].start : min(blocks[at].end, blocks[at].start + 61)].partition("\n")[0]
        if matter_of(first_line) == "front" and _PICTURES.search(first_line):
            return at
        if is_prose(text, blocks[at]):
            break
    return len(blocks)


@dataclass(frozen=True)
class _Places:
    """Blocks that contain listed titles: their keys by block, the blocks in order, and blocks by first key."""

    blocks: Sequence[Block]
    keys: dict[int, list[str]]
    order: list[int]
    by_key: dict[str, list[int]]


def _occurs_with_more_text(places: _Places, at: int, following: int | None, seen: set[str]) -> bool:
    """Whether a title occurs later with more text, so that this occurrence is in another list.

    If the next title does not occur later too, far more text is needed.
    """
    alone = following is None or places.by_key[places.keys[following][0]][-1] == following
    same = places.by_key[places.keys[at][0]]
    after = bisect_right(same, at)
    distance = _distance(places, at, seen)[0] * (_FAR_MORE if alone else 1)
    return any(_distance(places, other, seen)[0] > distance for other in same[after : after + _NEAR])


def _may_be_title(text: str, block: Block, *, spaced: bool) -> bool:
    """Whether a block is short, and has a gap before it or is in capitals if the book's titles are like that."""
    length = block.end - block.start
    if length >= _LONGEST_TITLE:
        return False
    return block.gap >= 2 or (not spaced and length < 100) or text[block.start : block.end].isupper()


def _distance(places: _Places, at: int, seen: set[str]) -> tuple[int, int | None]:
    """The characters between a title and the next listed one, up to `_FAR`; and the next one's block."""
    blocks, end, own = places.blocks, places.blocks[at].end, places.keys[at]
    after = bisect_right(places.order, at)
    for other in places.order[after : after + _MOST_BETWEEN]:
        distance = blocks[other].start - end
        if distance > _FAR:
            break
        if any(key in seen and key not in own for key in places.keys[other]):
            return distance, other
    if blocks[-1].start - end > _FAR:
        return _FAR, None
    return blocks[-1].end - end, None


def _is_list_item(text: str, blocks: Sequence[Block], at: int, listed: Sequence[str]) -> bool:
    """Whether a listed title is followed by a few lines and the next heading, as in a list of illustrations."""
    if not any(listed.count(key) > 1 for key in _keys_in(text, blocks[at])):
        return False
    limit = blocks[at].end + 3 * _LIST_SPACE
    return any(
        block.gap >= 2 and is_heading_like(text[block.start : block.end], block.gap)
        for block in blocks[at + 2 : at + _NEAR]
        if block.start < limit
    )


def _with_number(text: str, blocks: Sequence[Block], at: int, start: int, listed: set[str]) -> int:
    """The first block of the headings above a title that belong to it, such as "PART I" and "CHAPTER I"."""
    first = at
    for above in range(at - 1, start, -1):
        block = blocks[above]
        if block.skip:
            continue
        shown = text[block.start : block.end]
        label = label_of(shown)
        is_named = label is not None or any(key in listed for key in _keys_in(text, block))
        near = blocks[first].gap < 3 or (is_named and block.gap >= 3 and matter_of(shown) is None)
        if not near or not is_heading_like(shown, max(block.gap, 2)) or _is_numbered_list(shown):
            break
        first = above
    return first


def _is_numbered_list(shown: str) -> bool:
    """Whether the lines of a block are numbered consecutively, so that it is part of the list."""
    labels = [label_of(line) for line in shown.split("\n")]
    titled = [label for label in labels if label is not None and label.rest]
    return len(labels) == len(titled) > 1 and all(
        a.noun == b.noun and b.number == a.number + 1 for a, b in pairwise(titled)
    )


def _headings_of(text: str, blocks: Sequence[Block], prose: int, start: int) -> int | None:
    """The headings just above the first prose after a contents list; the prose if there are none, None without it."""
    for at in range(prose - 1, max(start, prose - _NEAR), -1):
        block = blocks[at]
        if block.gap >= 2 and not block.skip and is_heading_like(text[block.start : block.end], block.gap):
            return _with_number(text, blocks, at, start, set())
    return prose if prose < len(blocks) else None


def _keys_in(text: str, block: Block) -> list[str]:
    """The keys of a block's lines, and of a short block as a whole; a number alone has none."""
    lines = lines_in(text, block)
    if len(lines) in (2, 3):
        lines.append(" ".join(lines))
    labels = [label_of(line) for line in lines]
    keys = [
        heading_key(without_page(line))
        for line, label in zip(lines, labels, strict=True)
        if label is None or label.rest
    ]
    return [key for key in keys if _names_a_title(key)]


def _names_a_title(key: str) -> bool:
    """Whether a key is long enough to tell a title; a Chinese or Japanese one may be of one character."""
    return len(key) > 2 or is_east_asian(key)


def _entries(text: str, blocks: Sequence[Block]) -> list[ContentsLine]:
    """The entries of a contents list, one a line; a title that may continue in the next line gives both."""
    lines = [
        line for block in blocks if not block.skip for line in _list_lines(text[block.start : block.end])
    ]
    entries: list[ContentsLine] = []
    under: int | None = None  # the indent of the preface or appendix above the current lines
    in_plates = False
    for number, line in enumerate(lines[1 : _MOST_LINES + 1], 1):
        indent = len(line) - len(line.lstrip())
        bare = without_page(line.strip())
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
        if ":" in title:  # the heading may lack the subtitle
            entries += _entry(title.partition(":")[0], None, dropped=dropped)
        following = lines[number + 1].strip() if number + 1 < len(lines) else ""
        if following and not _PAGE.search(line) and label_of(following) is None:
            following = without_page(following)
            more = one_line(f"{title}\n{following}") if has_title else following
            entries += _entry(more, None if has_title or label is None else label.number, dropped=dropped)
    return entries


def _entry(title: str, number: int | None, *, dropped: bool) -> list[ContentsLine]:
    key = key_of(title)
    return [ContentsLine(title, key, number, dropped)] if _names_a_title(key) else []


def _list_lines(block: str) -> list[str]:
    """The lines of a block of a contents list; "I. TOM TIT TOT II. THE THREE SILLIES III. ..." gives three."""
    lines = block.split("\n")
    if len(_RUN_ON.findall(block)) < 3 or 2 * sum(map(_is_number_alone, lines)) > len(lines):
        return lines
    return [" ".join(piece.split()) for piece in _RUN_ON.split(block) if piece.strip()]


def _is_number_alone(line: str) -> bool:
    """Whether a line is like "CHAPTER I."."""
    label = label_of(line)
    return label is not None and bool(label.noun) and not label.rest


def without_page(line: str) -> str:
    """A line of a contents list without page number and leader dots; "Chapter 12" stays."""
    line = line.strip()
    without = _LEADERS.sub("", _PAGE.sub("", line)).strip()
    return line if without != line and label_of(line) is not None and label_of(without) is None else without


def better_title(heading: str, entry: ContentsLine | None) -> str:
    """A story's title from its heading; from the contents list if only the heading is in capitals."""
    if entry is None or not is_capitals(heading) or is_capitals(entry.title):
        return heading
    same = key_of(entry.title) == heading_key(heading)
    return entry.title if same and sum(letter.isupper() for letter in entry.title) > 1 else heading
