"""Removing what is not the text itself: illustrations, page numbers, footnotes, transcriber's notes."""

import re

from storytime_tui.stopping import stoppable

# Beginnings of brackets that are not part of the text. A plain "[Note: ...]" may be the author's.
_BRACKETED = re.compile(
    r"\[[ \t\n]{0,3}(?:"
    r"(?:I[l1]{1,2}ustrations?|Pictures?|Frontispiece|Decoration|Sidenotes?|Footnotes?|Blank page)\b"
    r"|Drawing(?=[ \t]*[]:]| (?:of|by|omitted)\b)"  # "[Drawing his sword.]" is a stage direction
    r"|(?:end )?Transcriber['’]?s?['’]? (?:end )?(?:notes?|comments?|remarks?)\b"
    r"|(?:Transcriber|TN|T\. ?N\.) ?:"
    r"|Note: [^\]\n]{0,60}\n?[^\]\n]{0,60}\be-?text\b"
    r"|Portions of this header\b"
    r")",
    re.IGNORECASE,
)
_BRACKET = re.compile(r"[\[\]]")
_LONGEST_BRACKET = 6000  # characters; a bracket not closed by then is ignored
_DEEPEST = 12  # nested brackets
TOO_DEEP = -1
_LONGEST_CAPTION = 400  # characters
_CAPTION_LINES = 4  # of a caption whose bracket is never closed

GONE = "\x02"  # marks where something was removed, until `without_gaps` closes the gap


def strip_bracketed(text: str) -> str:
    """A text without [Illustration: ...], [Transcriber's note: ...], [Sidenote: ...] and [Footnote: ...].

    They may contain other brackets and span lines. If one interrupted a sentence, its halves become one paragraph.
    """
    if "[" not in text:
        return text
    pieces, at, paragraph_end = [], 0, -1
    for opened in stoppable(_BRACKETED.finditer(text)):
        if opened.start() > paragraph_end:
            paragraph_end = text.find("\n\n", opened.start())
            paragraph_end = paragraph_end if paragraph_end >= 0 else len(text)
        if opened.start() >= at:
            end = bracket_end(text, opened.start(), paragraph_end)
            if end == TOO_DEEP:
                copied_to = max(paragraph_end, at)
                pieces.append(text[at:copied_to])
                at = copied_to
            elif end is not None:
                pieces += [text[at : opened.start()], GONE]
                at = end
    return without_gaps("".join([*pieces, text[at:]])) if pieces else text


def opens_bracketed(text: str) -> bool:
    """Whether a text begins with a bracket that is not part of the story."""
    return _BRACKETED.match(text) is not None


def bracket_end(text: str, start: int, paragraph_end: int) -> int | None:
    """The end of the bracket that opens at `start`; the end of the paragraph if it is never closed.

    TOO_DEEP if brackets are nested too deeply, so that the paragraph must not be changed. None if it is not closed
    and not a caption, because the paragraph is long or does not begin with it.
    """
    depth = 0
    for bracket in _BRACKET.finditer(text, start, start + _LONGEST_BRACKET):
        depth += 1 if bracket[0] == "[" else -1
        if depth == 0:
            return bracket.end()
        if depth > _DEEPEST:
            return TOO_DEEP
    alone = start == 0 or text.startswith("\n\n", start - 2)
    short = (
        alone
        and paragraph_end - start < _LONGEST_CAPTION
        and text.count("\n", start, paragraph_end) < _CAPTION_LINES
    )
    return paragraph_end if short else None


def without_gaps(text: str) -> str:
    """A text with the gaps at `GONE` closed, so that no double space or split sentence is left."""
    first, *pieces = text.split(GONE)
    closed = [first]
    for piece in stoppable(pieces):
        before = closed[-1]
        on_its_own = not before.rpartition("\n")[2].strip(" \t") and not piece.partition("\n")[0].strip(" \t")
        if on_its_own and _is_torn(before, piece):
            closed[-1] = before.rstrip() + "\n"
            piece = piece.lstrip()
        elif before[-1:] in _SPACE and piece[:1] in _SPACE_OR_STOP:
            closed[-1] = before.rstrip(" \t")
        closed.append(piece)
    return "".join(closed)


_SPACE = (" ", "\t")
_SPACE_OR_STOP = ("", *"\n \t.,;:!?")


def _is_torn(before: str, after: str) -> bool:
    """Whether the removed paragraph stood between the two halves of a sentence."""
    left, right = before[-200:].rstrip(), after[:200].lstrip()
    mid_sentence = left[-1:] in (",", ";", "-") or left[-1:].islower()
    return mid_sentence and right[:1].islower() and before[-1:] == "\n" and after[:1] == "\n"


# -- transcriber's notes without brackets -----------------------------------------------------------------

_NOTES_HEADING = re.compile(
    r"^[^\w\n]*(?:(?:list of )?transcriber['’]?s?['’]?|transcription) ?(?:end )?(?:notes?|changes|corrections)"
    r"[^\w\n]*(?P<text>\w[^\n]*)?$",
    re.IGNORECASE | re.MULTILINE,
)
_TAIL = 0.1  # of a text; a note that begins there extends to the end


def strip_transcriber_notes(text: str) -> str:
    """A text without transcriber's notes that have a heading of their own.

    A note ends at the next two blank lines. Without these, it ends with the text if it is in the last tenth, else
    with its first paragraph.
    """
    if "transcri" not in text.lower():
        return text
    pieces, at = [], 0
    last_wide = text.rfind("\n\n\n")
    for heading in _NOTES_HEADING.finditer(text):
        if heading.start() >= at:
            pieces.append(text[at : heading.start()])
            at = _notes_end(text, heading, last_wide)
    return "".join([*pieces, text[at:]])


def notes_heading(block: str) -> bool:
    """Whether a block begins with the heading of a transcriber's note."""
    return _NOTES_HEADING.match(block) is not None


def _notes_end(text: str, heading: re.Match[str], last_wide: int) -> int:
    """Where the transcriber's note with this heading ends; `last_wide` is the last double blank line in the text."""
    start = heading.end()
    own_paragraph = heading["text"] or text[start : start + 2] != "\n\n"
    if not own_paragraph:  # the heading stands alone; its text follows after blank lines
        while text.startswith("\n", start):
            start += 1
    if start <= last_wide:
        return text.find("\n\n\n", start)
    if start >= (1 - _TAIL) * len(text):
        return len(text)
    narrow = text.find("\n\n", start)
    return narrow if narrow >= 0 else len(text)


# -- footnotes and pages ----------------------------------------------------------------------------------

_LABEL = r"\d{1,3}|[A-Z]|\*{1,3}|†|‡|FN#?\d+"
_MARK = re.compile(rf"\[(?:{_LABEL})\]")
# A mark at the beginning of a line: the next word moves to the line before, so that the lines stay as full as
# they were wrapped.
_MARK_FIRST = re.compile(rf"\n(?<=\S\n)\[(?:{_LABEL})\] (\S+) ")
_NOTE = re.compile(rf"\n\n[ \t]*\[(?:{_LABEL})\][ \t]?(?=\S)[^\n]*(?:\n[^\n]+)*")
_NAMED_NOTE = re.compile(
    r"^[ \t]*Footnote(?: ?\d{1,3}| [A-Z*])?: [^\n]*(?:\n[^\n]+)*|^[ \t]*(?:Footnotes?|FOOTNOTES?)[.:]?[ \t]*$",
    re.MULTILINE,
)
_ROUND_MARK = re.compile(r"\((?<=[\w.,;!?'\"’”]\()(\d{1,2})\)")
_ROUND_NOTE = re.compile(r"^[ \t]*\((\d{1,2})\)[ \t]+\S[^\n]*(?:\n[^\n]+)*", re.MULTILINE)
_STAR_MARK = re.compile(r"\*(?<=[a-z.,;!?'\"’”]\*)(?=[\s.,;:!?'\"’”]|$)")
_STAR_NOTE = re.compile(r"\n\n[ \t]*\* ?(?=[\w'\"_“‘])[^*\n]*(?:\n[^*\n]+)*(?=\n\n|\n?\Z)")
_STAR_EMPHASIS = re.compile(r"\*(?<![\w*]\*)(?=\w)[^*\n]*\*(?!\*)")
_STAR = "*"


def note_labels(text: str) -> frozenset[str]:
    """Footnote labels that are ambiguous, "(1)" and "*", if the book has both such marks and such notes."""
    labels: set[str] = set()
    if round_marks := set(_ROUND_MARK.findall(text)):
        labels |= round_marks & set(_ROUND_NOTE.findall(text))
    if (
        "*" in text
        and _STAR_NOTE.search(text)
        and _STAR_MARK.search(text)
        and not _STAR_EMPHASIS.search(text)
    ):
        labels.add(_STAR)
    return frozenset(labels)


def strip_footnotes(text: str, labels: frozenset[str] = frozenset()) -> str:
    """A text without footnotes and their marks: "[1]", "[A]", "[*]" and the given `labels`."""
    if _MARK.search(text):
        text = _NOTE.sub(f"\n\n{GONE}", f"\n\n{text}")[2:]
        text = _MARK.sub(GONE, _MARK_FIRST.sub(r" \1\n", text))
    if "Footnote" in text or "FOOTNOTE" in text:
        text = _NAMED_NOTE.sub(GONE, text)
    if labels - {_STAR}:
        text = _ROUND_NOTE.sub(lambda note: GONE if note[1] in labels else note[0], text)
        text = _ROUND_MARK.sub(lambda mark: GONE if mark[1] in labels else mark[0], text)
    if _STAR in labels:
        text = _STAR_NOTE.sub("\n\n" + GONE, text)
        text = _STAR_MARK.sub(GONE, text)
    return without_gaps(text) if GONE in text else text


_PAGE_IN_SQUARE = re.compile(
    r"\[(?:[Pp]g|[Pp]age|PAGE|pp?\.)\.? ?(?:\d{1,4}|[ivxlcIVXLC]{1,7})(?:[-–]\d{1,4})?\]"
)
_PAGE_IN_CURLY = re.compile(r"\{(?:\d{1,4}[a-z]?|[ivxlcIVXLC]{1,7})\}")
_PAGE_ALONE = re.compile(r"\n\n[ \t]*-?[ \t]?(\d{1,4})[ \t]?-?[ \t]*\n")
_MID_SENTENCE = re.compile(r"[a-z,;-]\n\n+[ \t]*-?[ \t]?\d{1,4}[ \t]?-?[ \t]*\n+[ \t]*[a-z]")
_FEWEST_PAGES = 3


def pages_are_numbered(text: str) -> bool:
    """Whether numbers between paragraphs are page numbers: at least a third of them interrupt a sentence."""
    alone = len(_PAGE_ALONE.findall(text))
    return alone >= _FEWEST_PAGES and 3 * len(_MID_SENTENCE.findall(text)) >= alone


def mark_pages(text: str) -> str:
    """A text with `GONE` in place of numbers between paragraphs. Line numbers don't change."""
    return _PAGE_ALONE.sub(f"\n{GONE}\n\n", text)


def strip_page_numbers(text: str, *, alone: bool = False) -> str:
    """A text without "[Pg 12]" and "{12}"; if `alone`, also without numbers between paragraphs."""
    text = _PAGE_IN_CURLY.sub(GONE, _PAGE_IN_SQUARE.sub(GONE, text))
    if alone:
        text = mark_pages(text)
    return without_gaps(text) if GONE in text else text


# -- emphasis and rows of stars ---------------------------------------------------------------------------

# the underscore first, its context in lookbehinds: a pattern that begins with a literal is ten times as fast
_WITHIN = re.compile(
    r"_(?<![\w_]_)(?=[^\s_])([^_\n]*[^\s_])_(?=\w)|_(?<=\w_)(?=[^\s_])([^_\n]*[^\s_])_(?![\w_])"
)
_DOUBLE = re.compile(r"__(?<![\w_]__)_?(?=[^\s_])([^_\n]*[^\s_])___?(?![\w_])")
_OPENING = re.compile(r"_(?<![\w_]_)(?=[^\s_])")
_CLOSING = re.compile(r"_(?<=[^\s_]_)(?![\w_])")
_BOLD = tuple(
    re.compile(rf"{sign}(?<![\w=+]{sign})(?=[^\s=+])([^=+\n]*[^\s=+]){sign}(?![\w=+])")
    for sign in ("=", r"\+")
)
_ROW = re.compile(r"\n[ \t]*(?:(?:[*•·][ \t]*){3,}+|(?:\.[ \t]+){4,}+\.?|[-_=~][-_=~ \t]{5,}+)(?=\n|$)")
_ROWS = re.compile(r"\* \* \*(?:\n+[ \t]*\* \* \*)+")
ASTERISM = "* * *"


def plain_emphasis(text: str) -> str:
    """A text without underscores for italics and without = and + for bold."""
    if "_" in text:
        text = _WITHIN.sub(_inner, _DOUBLE.sub(r"\1", text))
        text = _CLOSING.sub("", _OPENING.sub("", text))
    if "=" in text or "+" in text:
        for bold in _BOLD:
            text = bold.sub(r"\1", text)
    return text


def _inner(match: re.Match[str]) -> str:
    return match[1] or match[2] or ""


def single_asterisms(text: str) -> str:
    """A text with every row of stars, dots or dashes as "* * *", and no two in a row."""
    text = _ROW.sub(f"\n{ASTERISM}", f"\n{text}")[1:]
    return _ROWS.sub(ASTERISM, text) if ASTERISM in text else text


def is_row(line: str) -> bool:
    """Whether a line is a row of stars, dots or dashes."""
    return _ROW.fullmatch(f"\n{line}") is not None
