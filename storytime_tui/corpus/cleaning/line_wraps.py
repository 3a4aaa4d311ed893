"""Unwrapping hard-wrapped prose to one line a paragraph; verse, letters and lists keep their lines."""

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from storytime_tui.corpus.cleaning.caseless_wraps import Wrap, are_unspaced, caseless_wrap, unwrap_caseless
from storytime_tui.stopping import stoppable

_NARROWEST, _WIDEST = 40, 120  # columns at which books are wrapped; verse is narrower, unwrapped prose wider
_SAMPLE = 3000  # paragraphs, evenly spaced, from which the layout is measured

_CUT = re.compile(r"-\n[ \t]*(?=[^\W\d_])")
_LONG_LINE = 60  # columns; verse is narrower
_SMALL = "[a-zß-öø-ÿа-яё]"
# a literal newline first: such a pattern is as fast as a search for newlines
_TORN_END = re.compile(rf"\n(?<={_SMALL}-\n){_SMALL}")
_SURE_WRAP = re.compile(rf"\n(?:(?<={_SMALL}-\n)|(?<=[^\n]{{{_LONG_LINE - 1}}}[^\W\d_]\n)){_SMALL}")
_LEFT = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*\Z")
_RIGHT = re.compile(r"[^\W\d_]+")
_LONGEST_WORD = 60
_AROUND = "'\"‘’“”()[]{}*_.,;:!?-—–"


@dataclass(frozen=True)
class Layout:
    """The layout of a text. `width`: the column of its hard wraps, None if it has none.

    `indent`: the white space that begins its paragraphs. `torn`: words hyphenated at a line end only (left and right
    half, in lower case). `caseless`: the width of a hard-wrapped text in a script without capitals.
    `spaced_dash`: there is a space before a dash that begins a word, as in Spanish dialogue.
    """

    width: int | None = None
    indent: str = ""
    torn: frozenset[tuple[str, str]] = frozenset()
    caseless: Wrap | None = None
    spaced_dash: bool = False


def unwrap(text: str) -> str:
    """Prose with one line a paragraph; verse, lists, headings and indented lines stay.

    A text is hard-wrapped if its lines end inside sentences. Then a line is joined with the next if the next line's
    first word would not have fitted on it. Expects no white space at line ends.
    """
    text = text.strip("\n")
    return unwrap_as(text, layout_of(text))


def unwrap_as(text: str, layout: Layout) -> str:
    """Unwrap a text, or a part of one, that has this layout."""
    if layout.caseless is not None:
        return unwrap_caseless(text, layout.caseless)
    if layout.width is None:
        return _unwrapped_where_sure(text, layout)
    return "\n\n".join(
        [_unwrapped(block, layout) for block in stoppable(re.split(r"\n\n+", text.strip("\n")))]
    )


def _unwrapped_where_sure(text: str, layout: Layout) -> str:
    """A text that is not hard-wrapped as a whole; only lines that are certainly wrapped prose are joined."""
    if not _SURE_WRAP.search(text):
        return text
    return "\n\n".join(
        [_surely_unwrapped(block, layout) for block in stoppable(re.split(r"\n\n+", text.strip("\n")))]
    )


def _surely_unwrapped(block: str, layout: Layout) -> str:
    """A block with lines joined at a hyphenated word, or where a long line ends inside a sentence."""
    if "\n " in block or "\n\t" in block or not _SURE_WRAP.search(block):
        return block
    lines = block.split("\n")
    torn = _TORN_END.search(block) is not None
    joined = [[lines[0]]]
    for before, after in pairwise(lines):
        mid_sentence = after[0].islower() and before[-1] not in ".!?"
        if mid_sentence and (torn or (len(before) >= _LONG_LINE and before[-1].isalpha())):
            joined[-1].append(after)
        else:
            joined.append([after])
    return "\n".join([_join(line, layout) for line in joined])


def dedent(text: str) -> str:
    """A text without the indent that all its lines share."""
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
    """The layout of a text, measured on its lines."""
    if (caseless := caseless_wrap(text)) is not None:
        return Layout(caseless=caseless)
    blocks = [block for block in re.split(r"\n\n+", text.strip("\n")) if "\n" in block]
    sample = [block.split("\n") for block in blocks[:: 1 + len(blocks) // _SAMPLE]]
    width = wrap_width(sample)
    if width is None:
        return Layout(torn=torn_words(text))
    return Layout(
        width, _paragraph_indent(sample, width), torn_words(text), spaced_dash=_has_spaced_dashes(text)
    )


def _has_spaced_dashes(text: str) -> bool:
    return any(
        text.count(f" {dash}") > len(re.findall(rf"{dash}(?<=\w{dash})\w", text)) for dash in ("--", "—")
    )


def wrap_width(paragraphs: list[list[str]]) -> int | None:
    """The column at which a text is hard-wrapped; None if it is not.

    In wrapped prose, four of five lines begin with a small letter. In verse, lists and unwrapped prose few do, and
    lines of verse vary in length.
    """
    pairs = [(a, b) for lines in paragraphs for a, b in pairwise(lines) if not _indented(b)]
    running_on = sorted([len(a) for a, b in pairs if b[0].islower()])
    if not running_on or len(running_on) < 0.3 * len(pairs):
        return None
    width = running_on[int(0.9 * len(running_on))]
    return width if _NARROWEST <= width <= _WIDEST else None


def _paragraph_indent(paragraphs: list[list[str]], width: int) -> str:
    """The indent of most paragraphs; "" if most have none."""
    indents = Counter(
        lines[0][: len(lines[0]) - len(lines[0].lstrip())] if _starts_paragraph(lines, width) else ""
        for lines in paragraphs
        if len(lines) > 1 and not _indented(lines[1])
    )
    return indents.most_common(1)[0][0] if indents else ""


def torn_words(text: str) -> frozenset[tuple[str, str]]:
    """The words that are hyphenated only because a line ended, as opposed to words with a hyphen of their own.

    The book's vocabulary decides: a word was torn if the book has it in one piece and not with a hyphen. For words
    that occur nowhere else, the majority of the others decides.
    """
    pairs = {pair for cut in _CUT.finditer(text) if (pair := _halves(text, cut.start(), cut.end()))}
    if not pairs:
        return frozenset()
    words = vocabulary(text)
    hyphened = {pair for pair in pairs if "-".join(pair) in words}
    torn = {pair for pair in pairs if "".join(pair) in words} - hyphened
    if len(torn) > len(hyphened):
        torn = pairs - hyphened
    return frozenset(torn)


def vocabulary(text: str) -> set[str]:
    """The lower-case words of a text; "well-known" is one word, and "fox's" gives "fox" too."""
    words = {token.strip(_AROUND) for token in set(text.lower().split())}
    for token in [word for word in words if "--" in word or "'" in word or "’" in word]:
        words |= {piece.strip(_AROUND) for piece in re.split("--|['’]", token)}
    return words


def _halves(text: str, hyphen: int, after: int) -> tuple[str, str] | None:
    """The lower-case halves of the word with its hyphen at `hyphen` and its second half at `after`."""
    left = _LEFT.search(text, max(0, hyphen - _LONGEST_WORD), hyphen)
    right = _RIGHT.match(text, after)
    if left is None or right is None or not right[0][0].islower():
        return None
    return left[0].lower(), right[0].lower()


# -- one block --------------------------------------------------------------------------------------------


def _unwrapped(block: str, layout: Layout) -> str:
    """A block, unwrapped."""
    width = layout.width or 0
    if "\n" not in block:
        indent = layout.indent
        if indent and block.startswith(indent) and block[len(indent)] not in " \t":
            return block.lstrip()
        return block
    lines = block.split("\n")
    if _is_plain_prose(block, lines, width):
        has_dash = "-\n" in block or "\n--" in block or "—" in block
        return _join(lines, layout) if has_dash else " ".join(lines)
    return "\n".join(_unwrap_paragraph(lines, layout, width))


def _is_plain_prose(block: str, lines: list[str], width: int) -> bool:
    """Whether all lines of a block but the last are full, none is indented, and some begin with a small letter."""
    if block[0] in " \t" or "\n " in block or "\n\t" in block:
        return False
    lengths = [len(line) for line in lines]
    del lengths[-1]
    if min(lengths) < 0.9 * width or max(lengths) > _WIDEST:
        return False
    return any(line[0].islower() for line in lines[1:])


def _unwrap_paragraph(lines: list[str], layout: Layout, width: int) -> list[str]:
    """The lines of a block, joined if they are prose, with a blank line before an indented paragraph."""
    joined: list[str] = []
    for part in _parts(lines, width):
        if part is not lines and joined and _starts_paragraph(part, width):
            joined.append("")
        if _starts_paragraph(part, width):
            part = [part[0].lstrip(), *part[1:]]
        if len(part) > 1 and _is_label(part[0], part[1], width):
            joined.append(part[0])
            part = part[1:]
        if _indented(part[0]) or _is_verse(part, width):
            joined += part
            continue
        line = [part[0]]
        for before, after in pairwise(part):
            if (
                _runs_on(before, after, width)
                or after[0].islower()
                or before[-1] not in ".!?:;,'\")’”»“」』。！？…"
            ):
                line.append(after)
            else:
                joined.append(_join(line, layout))
                line = [after]
        joined.append(_join(line, layout))
    return joined


def _is_label(line: str, after: str, width: int) -> bool:
    """Whether a line in capitals above prose or verse stands alone, such as a speaker's name in a play."""
    return line.isupper() and 2 * len(line) < width and not after.isupper()


def _join(lines: list[str], layout: Layout) -> str:
    """Lines of prose joined to one line."""
    pieces = [lines[0]]
    for before, after in pairwise(lines):
        if _is_torn(before, after, layout.torn):
            pieces[-1] = pieces[-1][:-1]
        pieces += [_between(before, after, spaced_dash=layout.spaced_dash), after]
    return "".join(pieces)


def _is_torn(before: str, after: str, torn: frozenset[tuple[str, str]]) -> bool:
    return (
        bool(torn)
        and before[-1] == "-"
        and _halves(f"{before}\n{after}", len(before) - 1, len(before) + 1) in torn
    )


def _parts(lines: list[str], width: int) -> list[list[str]]:
    """A block split between prose and indented lines, and before an indented line that begins prose."""
    parts = [[lines[0]]]
    for before, after in stoppable(pairwise(lines)):
        begins_prose = len(parts[-1]) == 1 and _starts_paragraph([before, after], width)
        if begins_prose or _indented(before) == _indented(after):
            parts[-1].append(after)
        else:
            parts.append([after])
    return parts


def _starts_paragraph(part: list[str], width: int) -> bool:
    """Whether a part is prose with an indented first line."""
    if len(part) < 2 or not _indented(part[0]) or _indented(part[1]):
        return False
    return _runs_on(part[0], part[1], width)


def _is_verse(lines: list[str], width: int) -> bool:
    """Whether lines end on purpose: most are shorter than necessary, or all begin with a capital."""
    pairs = list(pairwise(lines))
    if _TORN_END.search("\n".join(lines)):
        return False
    if 2 * sum([_runs_on(before, after, width) for before, after in pairs]) < len(pairs):
        return True
    capitals = len(pairs) >= 3 and all(_capital(after) for _, after in pairs)
    return capitals and not all(_fills(before, after, width - 2) for before, after in pairs)


def _runs_on(before: str, after: str, width: int) -> bool:
    """Whether a line was wrapped because the next word did not fit (with a tolerance of a tenth of the width)."""
    if len(before) > _WIDEST:
        return False
    return _fills(before, after, 0.9 * width) or (after[0].islower() and len(before) > 0.75 * width)


def _fills(before: str, after: str, width: float) -> bool:
    return len(before) + 1 + len(after.split(None, 1)[0]) > width


def _between(before: str, after: str, *, spaced_dash: bool) -> str:
    """The text between two joined lines: a space, or nothing after a hyphen or around a dash without spaces."""
    if before.endswith((" -", " --", " —", " ―")) or after.startswith(("- ", "-- ", "— ", "― ")):
        return " "
    if after.startswith(("--", "—", "―")):
        return " " if spaced_dash else ""
    if before.endswith(("—", "―")):
        return ""
    hyphen = before.endswith("-") and (before.endswith("--") or after[0].isalpha())
    return "" if hyphen or are_unspaced(before, after) else " "


def _indented(line: str) -> bool:
    return line[0] in " \t"


def _capital(line: str) -> bool:
    first = next((character for character in line if character.isalpha()), "")
    return first.isupper()
