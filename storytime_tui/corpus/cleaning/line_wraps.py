"""Hard-wrapped prose put back on one line a paragraph; verse, letters and lists keep their lines."""

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from storytime_tui.stopping import watched

_NARROWEST, _WIDEST = 40, 120  # columns at which books are wrapped; verse is narrower, unwrapped prose wider
_SAMPLE = 3000  # so many paragraphs, taken from all over a book, tell how it is set

_CUT = re.compile(r"-\n[ \t]*(?=[^\W\d_])")
_LONG_LINE = 60  # columns; verse is narrower
_TORN_END = re.compile(r"[a-z]-\n[a-z]")
_SURE_WRAP = re.compile(rf"{_TORN_END.pattern}|[^\n]{{{_LONG_LINE - 1}}}[^\W\d_]\n[a-z]")
_LEFT = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*\Z")
_RIGHT = re.compile(r"[^\W\d_]+")
_LONGEST_WORD = 60
_AROUND = "'\"‘’“”()[]{}*_.,;:!?-—–"


@dataclass(frozen=True)
class Layout:
    """How a text is set. `width`: the column of its hard wraps, None where it has none.

    `indent`: the white space that begins its paragraphs. `torn`: the words that a line end cuts in two with
    a hyphen of its own (left and right half, in small letters).
    """

    width: int | None = None
    indent: str = ""
    torn: frozenset[tuple[str, str]] = frozenset()


def unwrap(text: str) -> str:
    """Prose with one line a paragraph; verse, lists, headings and indented lines as they are.

    A text is taken for hard-wrapped when its lines run on in the middle of sentences; then a line is joined
    to the next when that line's first word would not have fitted on it. Expects no white space at line ends.
    """
    text = text.strip("\n")
    return unwrap_as(text, layout_of(text))


def unwrap_as(text: str, layout: Layout) -> str:
    """Prose with one line a paragraph, in a text (or a part of one) of this layout."""
    if layout.width is None:
        return _unwrapped_where_sure(text, layout)
    return "\n\n".join([_unwrapped(block, layout) for block in watched(re.split(r"\n\n+", text.strip("\n")))])


def _unwrapped_where_sure(text: str, layout: Layout) -> str:
    """A text that is not wrapped as a whole, with the lines joined that can be nothing but wrapped prose."""
    if not _SURE_WRAP.search(text):
        return text
    return "\n\n".join(
        [_surely_unwrapped(block, layout) for block in watched(re.split(r"\n\n+", text.strip("\n")))]
    )


def _surely_unwrapped(block: str, layout: Layout) -> str:
    """One block of lines, joined where a word is torn in two, or a long line ends within a sentence."""
    if "\n " in block or "\n\t" in block or not _SURE_WRAP.search(block):
        return block
    lines = block.split("\n")
    torn = _TORN_END.search(block) is not None
    joined = [[lines[0]]]
    for before, after in pairwise(lines):
        within = after[0].islower() and before[-1] not in ".!?"
        if within and (torn or (len(before) >= _LONG_LINE and before[-1].isalpha())):
            joined[-1].append(after)
        else:
            joined.append([after])
    return "\n".join([_joined(line, layout) for line in joined])


def dedent(text: str) -> str:
    """A text without the white space that every line of it begins with."""
    if re.search(r"^[^ \t\n]", text, re.MULTILINE):
        return text
    margins = set(re.findall(r"^[ \t]+(?=[^ \t\n])", text, re.MULTILINE))
    if not margins:
        return text
    least, most = min(margins), max(margins)
    shared = next((at for at, (a, b) in enumerate(zip(least, most, strict=False)) if a != b), len(least))
    return "\n".join([line[shared:] for line in text.split("\n")])


# -- measuring --------------------------------------------------------------------------------------------


def layout_of(text: str) -> Layout:
    """How this text is set, as far as its own lines tell."""
    blocks = [block for block in re.split(r"\n\n+", text.strip("\n")) if "\n" in block]
    some = [block.split("\n") for block in blocks[:: 1 + len(blocks) // _SAMPLE]]
    width = wrap_width(some)
    if width is None:
        return Layout(torn=torn_words(text))
    return Layout(width, _paragraph_indent(some, width), torn_words(text))


def wrap_width(paragraphs: list[list[str]]) -> int | None:
    """The column at which a text is hard-wrapped, or None where it is not.

    Wrapped prose goes on with a small letter four times in five; verse, lists and unwrapped prose seldom do,
    and the lines of verse are of any length.
    """
    pairs = [(a, b) for lines in paragraphs for a, b in pairwise(lines) if not _indented(b)]
    running_on = sorted([len(a) for a, b in pairs if b[0].islower()])
    if not running_on or len(running_on) < 0.3 * len(pairs):
        return None
    width = running_on[int(0.9 * len(running_on))]
    return width if _NARROWEST <= width <= _WIDEST else None


def _paragraph_indent(paragraphs: list[list[str]], width: int) -> str:
    """The white space with which this text begins most of its paragraphs; "" where most begin without."""
    begun = Counter(
        lines[0][: len(lines[0]) - len(lines[0].lstrip())] if _starts_paragraph(lines, width) else ""
        for lines in paragraphs
        if len(lines) > 1 and not _indented(lines[1])
    )
    return begun.most_common(1)[0][0] if begun else ""


def torn_words(text: str) -> frozenset[tuple[str, str]]:
    """The words that a line end cuts in two, as against those that have a hyphen anyway.

    The book's own vocabulary says which: a word that it writes as one elsewhere was torn, unless it also
    writes it with a hyphen. Where it says nothing, what holds for most others holds.
    """
    pairs = {pair for cut in _CUT.finditer(text) if (pair := _halves(text, cut.start(), cut.end()))}
    if not pairs:
        return frozenset()
    known = vocabulary(text)
    hyphened = {pair for pair in pairs if "-".join(pair) in known}
    torn = {pair for pair in pairs if "".join(pair) in known} - hyphened
    if len(torn) > len(hyphened):
        torn = pairs - hyphened
    return frozenset(torn)


def vocabulary(text: str) -> set[str]:
    """The words of a text in small letters; "well-known" is one, and "fox's" counts for "fox" too."""
    words = {token.strip(_AROUND) for token in set(text.lower().split())}
    for token in [word for word in words if "--" in word or "'" in word or "’" in word]:
        words |= {piece.strip(_AROUND) for piece in re.split("--|['’]", token)}
    return words


def _halves(text: str, hyphen: int, after: int) -> tuple[str, str] | None:
    """The halves, in small letters, of the word that has its hyphen at one place and goes on at another."""
    left = _LEFT.search(text, max(0, hyphen - _LONGEST_WORD), hyphen)
    right = _RIGHT.match(text, after)
    if left is None or right is None or not right[0][0].islower():
        return None
    return left[0].lower(), right[0].lower()


# -- one block of lines -----------------------------------------------------------------------------------


def _unwrapped(block: str, layout: Layout) -> str:
    """One block of lines as it is written anew."""
    width = layout.width or 0
    if "\n" not in block:
        indent = layout.indent
        if indent and block.startswith(indent) and block[len(indent)] not in " \t":
            return block.lstrip()
        return block
    lines = block.split("\n")
    if _is_plain_prose(block, lines, width):
        return _joined(lines, layout) if "-\n" in block or "\n--" in block else " ".join(lines)
    return "\n".join(_unwrap_paragraph(lines, layout, width))


def _is_plain_prose(block: str, lines: list[str], width: int) -> bool:
    """Whether every line of a block but the last is full, none is indented, and not all have a capital."""
    if block[0] in " \t" or "\n " in block or "\n\t" in block:
        return False
    lengths = [len(line) for line in lines]
    del lengths[-1]
    if min(lengths) < 0.9 * width or max(lengths) > _WIDEST:
        return False
    return any(line[0].islower() for line in lines[1:])


def _unwrap_paragraph(lines: list[str], layout: Layout, width: int) -> list[str]:
    """The lines of one block of lines, joined where they are prose; a blank line before an indented start."""
    joined: list[str] = []
    for part in _parts(lines, width):
        if part is not lines and joined and _starts_paragraph(part, width):
            joined.append("")
        if _starts_paragraph(part, width):
            part = [part[0].lstrip(), *part[1:]]
        if _indented(part[0]) or _is_verse(part, width):
            joined += part
            continue
        line = [part[0]]
        for before, after in pairwise(part):
            if _runs_on(before, after, width) or after[0].islower() or before[-1] not in ".!?:;,'\")’”":
                line.append(after)
            else:
                joined.append(_joined(line, layout))
                line = [after]
        joined.append(_joined(line, layout))
    return joined


def _joined(lines: list[str], layout: Layout) -> str:
    """Lines of prose as one."""
    pieces = [lines[0]]
    for before, after in pairwise(lines):
        if _is_torn(before, after, layout.torn):
            pieces[-1] = pieces[-1][:-1]
        pieces += [_between(before, after), after]
    return "".join(pieces)


def _is_torn(before: str, after: str, torn: frozenset[tuple[str, str]]) -> bool:
    return (
        bool(torn)
        and before[-1] == "-"
        and _halves(f"{before}\n{after}", len(before) - 1, len(before) + 1) in torn
    )


def _parts(lines: list[str], width: int) -> list[list[str]]:
    """A block cut where prose turns into indented lines and back, or where an indented line begins prose."""
    parts = [[lines[0]]]
    for before, after in watched(pairwise(lines)):
        begun = len(parts[-1]) == 1 and _starts_paragraph([before, after], width)
        if begun or _indented(before) == _indented(after):
            parts[-1].append(after)
        else:
            parts.append([after])
    return parts


def _starts_paragraph(part: list[str], width: int) -> bool:
    """Whether a part is prose whose first line only is indented."""
    if len(part) < 2 or not _indented(part[0]) or _indented(part[1]):
        return False
    return _runs_on(part[0], part[1], width)


def _is_verse(lines: list[str], width: int) -> bool:
    """Whether lines are broken on purpose: most are shorter than they had to be, or each has a capital."""
    pairs = list(pairwise(lines))
    if _TORN_END.search("\n".join(lines)):
        return False
    if 2 * sum([_runs_on(before, after, width) for before, after in pairs]) < len(pairs):
        return True
    capitals = len(pairs) >= 3 and all(_capital(after) for _, after in pairs)
    return capitals and not all(_fills(before, after, width - 2) for before, after in pairs)


def _runs_on(before: str, after: str, width: int) -> bool:
    """Whether a line was broken because the next word did not fit (with a tenth of the width to spare)."""
    if len(before) > _WIDEST:
        return False
    return _fills(before, after, 0.9 * width) or (after[0].islower() and len(before) > 0.75 * width)


def _fills(before: str, after: str, width: float) -> bool:
    return len(before) + 1 + len(after.split(None, 1)[0]) > width


def _between(before: str, after: str) -> str:
    """What joins two lines: a space, but nothing after a hyphen or around a dash."""
    if before.endswith(("—", "―")) or after.startswith(("—", "―")):
        return ""
    hyphen = before.endswith("-") and (before.endswith("--") or after[0].isalpha())
    return "" if hyphen or after.startswith("--") else " "


def _indented(line: str) -> bool:
    return line[0] in " \t"


def _capital(line: str) -> bool:
    first = next((sign for sign in line if sign.isalpha()), "")
    return first.isupper()
