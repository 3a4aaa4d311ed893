"""Setting paragraphs apart by blank lines, whatever marks them: indents, single lines, doubled line ends."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from storytime_tui.stopping import stoppable

_SPACE = " \t\u3000"
# A literal newline first: the pattern is as fast as a search for one.
_INDENTED = re.compile(rf"\n(?<=\S\n)([{_SPACE}]{{1,8}})(?=[^\s])")
_ENDS = frozenset(".!?:;…\"'”’»“)]」』》）。！？：；—-–*")
_SENTENCE_ENDS = frozenset(".!?…\"'”’»“)]」』）。！？*")
_FEWEST = 3  # indented lines
_AT_ENDS = 0.85  # of the lines before an indented one end a sentence
_INSIDE = 0.6  # of the lines before one that is not; in wrapped prose
_FEW_FLUSH = 0.1
_LONGEST_NAME = 40  # characters
_WORDS_OF_NAME = 4
_FEWEST_DOUBLED = 8  # lines
_RUN_ON = 0.3  # of wrapped lines begin with a small letter
_ADJACENT = 0.02  # of the lines of a doubled text may still follow each other directly
_NARROWEST, _WIDEST = 30, 120  # columns at which books are wrapped
_SHORT = 0.8  # of the width: a shorter line may end a paragraph
_LONG, _LONG_EAST_ASIAN = 120, 60  # characters; no wrapped line is as long
_SAMPLE = 4000  # lines
_EAST_ASIAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def single_spaced(text: str) -> str:
    """A text without the empty line after each line, if it has one after each line of wrapped prose.

    Where no larger gap parts the paragraphs, one ends with a short line that ends a sentence.
    """
    ends = text.count("\n")
    if 2.6 * text.count("\n\n") < ends or ends < 2 * _FEWEST_DOUBLED:
        return text
    lines = text.split("\n")
    filled = [(at, line) for at, line in enumerate(lines) if line.strip()]
    pairs = [
        (after_at - at, line.strip(), after.strip())
        for (at, line), (after_at, after) in pairwise(filled[:_SAMPLE])
    ]
    if len(filled) < _FEWEST_DOUBLED or sum(gap == 1 for gap, _, _ in pairs) > _ADJACENT * len(pairs):
        return text
    width = _doubled_width([(line, after) for gap, line, after in pairs if gap == 2])
    if width is None:
        return text
    has_gaps = sum(gap > 2 for gap, _, _ in pairs) * 40 > len(pairs)
    joined: list[str] = [lines[at] for at, _ in filled[:1]]
    for (at, line), (after_at, after) in stoppable(pairwise(filled)):
        ends_here = not has_gaps and len(line) < _SHORT * width and line.rstrip()[-1] in _SENTENCE_ENDS
        joined += [""] * max(int(ends_here), (after_at - at + 1) // 2 - 1)
        joined.append(after)
    return "\n".join(joined) + "\n"


def _doubled_width(pairs: Sequence[tuple[str, str]]) -> int | None:
    """The width of wrapped lines, of which each stands alone; None if they are paragraphs."""
    if len(pairs) < _FEWEST_DOUBLED - 1:
        return None
    # Georgian letters are small, but no sentence begins with a capital
    running_on = sorted(len(line) for line, after in pairs if after[0] != after[0].title())
    if len(running_on) >= _RUN_ON * len(pairs):
        width = running_on[int(0.9 * len(running_on))]
        return width if _NARROWEST <= width <= _WIDEST else None
    if not _is_east_asian([line for line, _ in pairs]):
        return None
    lengths = sorted(len(line) for line, _ in pairs)
    width = lengths[len(lengths) * 3 // 4]
    full = sum(width - 2 <= length <= width + 2 for length in lengths)
    inside = sum(line[-1] not in _ENDS for line, _ in pairs)
    return (
        width
        if 10 <= width <= _LONG_EAST_ASIAN and 2 * full > len(pairs) and 3 * inside > len(pairs)
        else None
    )


def _is_east_asian(lines: Sequence[str]) -> bool:
    return _EAST_ASIAN.search("".join(lines[:20])) is not None


def set_apart(text: str) -> str:
    """A text with a blank line before each paragraph, if indented lines or single long lines are its paragraphs.

    The indent itself is removed. Verse and lists keep their lines.
    """
    if (indent := _paragraph_indent(text)) is not None:
        return _without_indents(text, *indent)
    return _long_lines_apart(text)


def _paragraph_indent(text: str) -> tuple[str, bool] | None:
    """The indent that begins paragraphs without a blank line before, and whether each paragraph is one line.

    None if indents mean something else, as in verse.
    """
    found = _INDENTED.findall(text)
    if len(found) < _FEWEST:
        return None
    indent, many = Counter(found).most_common(1)[0]
    gaps = text.count("\n\n")
    if many < _FEWEST or 2 * many < gaps or 2 * many < len(found):
        return None
    lines = text.split("\n")
    before_indented = before_flush = indents_end = flush_end = 0
    above: list[str] = []  # lines above an indented one
    for before, line in stoppable(pairwise(lines)):
        if not before.strip() or not line.strip():
            continue
        ends = before.rstrip()[-1] in _ENDS
        if _has_indent(line, indent):
            before_indented += 1
            above.append(before.strip())
            indents_end += ends
        elif line[0] not in _SPACE:
            before_flush += 1
            flush_end += ends
    if indents_end < _AT_ENDS * before_indented or _are_names(above):
        return None
    one_line = before_flush <= _FEW_FLUSH * before_indented
    if one_line or flush_end <= _INSIDE * before_flush:
        return indent, one_line
    return None


def _are_names(lines: Sequence[str]) -> bool:
    """Whether these lines are speakers' names, above the speeches of a play: short, and said again or in capitals."""
    if any(len(line) > _LONGEST_NAME or len(line.split()) > _WORDS_OF_NAME for line in lines):
        return False
    if any(line[0].islower() for line in lines):
        return False
    return 2 * len(set(lines)) <= len(lines) or all(line.isupper() for line in lines)


def _has_indent(line: str, indent: str) -> bool:
    return line.startswith(indent) and line[len(indent) : len(indent) + 1] not in (*_SPACE, "")


def _without_indents(text: str, indent: str, one_line: bool) -> str:
    """A text with blank lines instead of this indent. `one_line`: every line is a paragraph."""
    lines = text.split("\n")
    width = max(map(len, lines))
    apart: list[str] = []
    for at, line in stoppable(enumerate(lines)):
        begins = _has_indent(line, indent)
        follows = bool(apart) and bool(apart[-1].strip()) and bool(line.strip())
        after = lines[at + 1] if at + 1 < len(lines) else ""
        # a heading stands between the end of a paragraph and the first line of the next
        heading = not begins and _has_indent(after, indent) and follows and _is_short(line, apart[-1], width)
        if follows and (begins or one_line or heading):
            apart.append("")
        apart.append(line[len(indent) :] if begins else line)
    return "\n".join(apart)


def _is_short(line: str, before: str, width: int) -> bool:
    return before.rstrip()[-1] in _ENDS and len(line) < min(width // 2, 40) and line.rstrip()[-1] not in _ENDS


def _long_lines_apart(text: str) -> str:
    """A text with blank lines between its lines, if it has none and each line is a paragraph."""
    ends = text.count("\n")
    if ends < _FEWEST or 10 * text.count("\n\n") > ends:
        return text
    lines = [line for line in text.split("\n") if line.strip()]
    # the wrapped lines of a Chinese or Japanese text end inside sentences: few long ones are enough to tell
    longest, share = (_LONG_EAST_ASIAN, 40) if _is_east_asian(lines) else (_LONG, 5)
    if share * sum(len(line) > longest for line in lines) < len(lines):
        return text
    if sum(line.rstrip()[-1] in _ENDS for line in lines) < 0.8 * len(lines):
        return text
    return re.sub(r"(?<!\n)\n(?!\n)", "\n\n", text)
