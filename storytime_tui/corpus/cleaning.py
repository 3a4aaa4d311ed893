"""Text as found to text worth learning: small pure functions, put in order by `clean`."""

import re
import textwrap
from collections import Counter
from itertools import pairwise

CLEANING_VERSION = 1  # raise it when `clean` gives another text: token files made before are then made anew

# Curly quotes cost a model two tokens each, and two books seldom agree on them.
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′", "'"),
        **dict.fromkeys("“”„‟″", '"'),
        **dict.fromkeys("‐‑‒–", "-"),
        **dict.fromkeys("—―", "--"),
        "…": "...",
        **dict.fromkeys("\u00a0\u2007\u202f", " "),  # spaces that do not break
        **dict.fromkeys("\u00ad\u200b\ufeff", ""),  # soft hyphens, zero-width spaces, stray marks
    }
)


def clean(text: str) -> str:
    """The text that a model learns: licence text off, prose unwrapped, punctuation plain, blank lines single.

    Cleaning a clean text changes nothing, and no word is made that the text did not have.
    """
    while True:  # mostly twice: the second time finds nothing (a joined line may complete a marker)
        once = _clean_once(text)
        if once == text:
            return text
        text = once


def _clean_once(text: str) -> str:
    text = strip_line_ends(plain_punctuation(unix_lines(text)))
    text = unwrap(textwrap.dedent(strip_gutenberg(text)))
    return single_spaces(single_blank_lines(text)).strip("\n")


def unix_lines(text: str) -> str:
    """Every kind of line end as a newline."""
    return re.sub("\r\n|[\r\x85\u2028\u2029]", "\n", text)


def plain_punctuation(text: str) -> str:
    """Curly quotes, dashes, ellipses and unusual spaces as plain ASCII; invisible signs go."""
    return text.translate(_PLAIN)


def strip_line_ends(text: str) -> str:
    """No white space before a line end."""
    return "\n".join(line.rstrip() for line in text.split("\n"))


def single_spaces(text: str) -> str:
    """One space between two words (typists put two after a full stop); indentation stays."""
    return re.sub(r"(?<=\S) {2,}", " ", text)


def single_blank_lines(text: str) -> str:
    """At most one blank line between two paragraphs."""
    return re.sub("\n{3,}", "\n\n", text)


# -- Project Gutenberg's own words ------------------------------------------------------------------------
# Three generations of files: "*** START OF THIS PROJECT GUTENBERG EBOOK ..." (a marker may run over three
# lines), the SMALL PRINT before the book (until about 2001), and the SMALL PRINT after it.

_FLAGS = re.IGNORECASE | re.MULTILINE
_START = re.compile(
    r"^[ \t]*\*{3} ?START OF (?:THE|THIS) PROJECT GUTENBERG"
    r"(?:(?:[^*\n]+\n){0,2}?[^*\n]+\*{3}[* \t]*$|.*$)",
    _FLAGS,
)
_SMALL_PRINT_ENDS = re.compile(r"^[ \t]*\*END\*? ?THE SMALL PRINT!.*$", _FLAGS)
_END = re.compile(
    r"^[ \t]*\*{3} ?END OF (?:THE|THIS) PROJECT GUTENBERG"
    r"|^[ \t]*\**End of (?:the |this )?Project Gutenberg(?:'s\b| e?-?(?:text|book)\b)",
    _FLAGS,
)
_TITLE_LINE = re.compile(r"[ \t*]*(?:The )?Project Gutenberg(?:'s| e?-?(?:text|book) of)\b.*", re.IGNORECASE)
_CREDIT = re.compile(
    r"\s*\[?(?:"
    r"(?:this )?(?:e-?text|e-?book|file) (?:was |has been )?"
    r"(?:prepared|produced|created|transcribed|scanned) "
    r"|(?:e-text )?(?:produced|prepared|transcribed|scanned|digitized) (?:and proofed |and proofread )?by "
    r"|transcribed from the "
    r"|note: +project gutenberg (?:also )?has "
    r"|images of the original pages are available "
    r")",
    re.IGNORECASE,
)


def strip_gutenberg(text: str) -> str:
    """Only the book (or books) of a Project Gutenberg file: no header, licence, or note of who typed it.

    Expects plain punctuation and newlines. A text without Gutenberg's markers comes back as it is.
    """
    books = []
    while True:
        end = _END.search(text)
        start = _START.search(text, 0, end.start() if end else len(text))
        small_print = None if start else _SMALL_PRINT_ENDS.search(text, 0, end.start() if end else len(text))
        begins = start or small_print
        if begins is None and end is None:
            return text
        body = text[begins.end() if begins else 0 : end.start() if end else len(text)]
        books.append(_strip_notes(body))
        text = text[end.end() :] if end else ""
        following = _START.search(text)  # a second book in the same file
        if following is None:
            return "\n\n".join(books)
        text = text[following.start() :]


def _strip_notes(body: str) -> str:
    """A book without the lines around it that speak of the file: who made it, and its name once more."""
    paragraphs = re.split(r"\n\n+", body.strip("\n"))
    start, end = 0, len(paragraphs)
    while start < end:
        title_line, _, rest = paragraphs[start].partition("\n")
        if _TITLE_LINE.fullmatch(title_line) and not rest:
            start += 1
        elif _TITLE_LINE.fullmatch(title_line):
            paragraphs[start] = rest
        elif _CREDIT.match(paragraphs[start]):
            start += 1
        else:
            break
    if start < end and _TITLE_LINE.fullmatch(paragraphs[end - 1].split("\n")[0]):
        end -= 1
    return "\n\n".join(paragraphs[start:end])


# -- hard wraps -------------------------------------------------------------------------------------------

_NARROWEST, _WIDEST = 40, 120  # columns at which books are wrapped; verse is narrower, unwrapped prose wider


def unwrap(text: str) -> str:
    """Prose with one line a paragraph; verse, lists, headings and indented lines as they are.

    A text is taken for hard-wrapped when its lines run on in the middle of sentences; then a line is joined
    to the next when that line's first word would not have fitted on it. Expects no white space at line ends.
    """
    paragraphs = [block.split("\n") for block in re.split(r"\n\n+", text.strip("\n"))]
    width = wrap_width(paragraphs)
    if width is None:
        return text
    indent = _paragraph_indent(paragraphs, width)
    for lines in paragraphs:
        if len(lines) == 1 and indent and lines[0].startswith(indent) and lines[0][len(indent)] not in " \t":
            lines[0] = lines[0].lstrip()
    return "\n\n".join("\n".join(_unwrap_paragraph(lines, width)) for lines in paragraphs)


def wrap_width(paragraphs: list[list[str]]) -> int | None:
    """The column at which a text is hard-wrapped, or None where it is not.

    Wrapped prose goes on with a small letter four times in five; verse, lists and unwrapped prose seldom do.
    """
    pairs = [(a, b) for lines in paragraphs for a, b in pairwise(lines) if not _indented(b)]
    running_on = sorted(len(a) for a, b in pairs if b[0].islower())
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


def _unwrap_paragraph(lines: list[str], width: int) -> list[str]:
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
            if _runs_on(before, after, width) or after[0].islower() or before[-1] not in ".!?:;,'\")":
                line += [_between(before, after), after]
            else:
                joined.append("".join(line))
                line = [after]
        joined.append("".join(line))
    return joined


def _parts(lines: list[str], width: int) -> list[list[str]]:
    """A block cut where prose turns into indented lines and back, or where an indented line begins prose."""
    parts = [[lines[0]]]
    for before, after in pairwise(lines):
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
    if 2 * sum(_runs_on(before, after, width) for before, after in pairs) < len(pairs):
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
    hyphen = before.endswith("-") and (before.endswith("--") or after[0].isalpha())
    return "" if hyphen or after.startswith("--") else " "


def _indented(line: str) -> bool:
    return line[0] in " \t"


def _capital(line: str) -> bool:
    first = next((sign for sign in line if sign.isalpha()), "")
    return first.isupper()
