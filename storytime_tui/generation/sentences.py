"""Finding sentence ends in a story. Knows no torch.

English prose as in the bundled stories: a full stop, question mark, exclamation mark or ellipsis, then perhaps
closing quotes. Not every full stop ends a sentence (Mr. Tod, J. R., 3.14), and `"Stop!" he said` goes on.
"""

import re
from collections.abc import Iterator

# abbreviations that hardly ever end a sentence
_ABBREVIATIONS = re.compile(
    "mrs?|ms|messrs|dr|st|mt|prof|revd?|hon|capt|col|gen|lt|sgt|maj|adm|cpl|gov|sen|rep|esq|mme|mlle"
    "|jas|chas|wm|thos|vs|viz|cf|ca|e\\.g|i\\.e",
    re.IGNORECASE,
)
_END = re.compile(r"""(?P<mark>[.!?…]+)(?P<closing>["”’'»)\]*_]*)(?=\s|$)""")
_WORD_BEFORE = re.compile(r"[^\W\d_][^\W\d_.]*(?:\.[^\W\d_]+)*$")
_QUOTE = re.compile(r'["“”]')
_PARAGRAPH_END = re.compile(r"\S(?=[^\S\n]*\n\s*\n)")
_PARAGRAPH = re.compile(r"\n\s*\n")


def ends_sentence(text: str) -> bool:
    """Whether the text, ignoring trailing white space, ends with a complete sentence.

    False within an open quotation of the last paragraph.
    """
    trimmed = text.rstrip()
    return bool(trimmed) and sentence_cut(trimmed, max(0, len(trimmed) - 1)) == len(trimmed)


def marked_where_cut(text: str) -> str:
    """The text, with an ellipsis appended if it does not end with a complete sentence."""
    kept = text.rstrip()
    return text if not kept or ends_sentence(text) or kept.endswith("…") else kept + "…"


def sentence_cut(text: str, start: int = 0) -> int:
    """The last sentence end after `start`; `start` if there is none.

    The text after a candidate is considered: a lower-case letter continues the sentence.
    """
    for match in reversed(list(_END.finditer(text, _line_start(text, start)))):
        if match.end() <= start:
            break
        if _ends_here(text, match):
            return match.end()
    return start


def sentence_at(text: str, place: int) -> tuple[int, int]:
    """The sentence with this character: its first character, and the one after its last. A line ends a sentence.

    White space between two sentences belongs to the second.
    """
    start = _line_start(text, place)
    line_end = text.find("\n", place)
    line_end = len(text) if line_end < 0 else line_end
    for match in _END.finditer(text, start, line_end):
        if _ends_here(text, match):
            if match.end() > place or match.end() == line_end:
                return start, match.end()
            start = match.end()
    return start, line_end


def first_sentence(text: str, *, over: bool) -> str:
    """The first complete sentence of a text; "" if none has ended yet.

    Unless the text is `over`, more text must follow the end, because a closing quote or a lower-case letter may
    follow.
    """
    for match in _END.finditer(text):
        if (over or text[match.end() :].strip()) and _ends_here(text, match):
            return text[: match.end()].strip()
    return ""


def first_end(text: str, start: int) -> int | None:
    """Where the first sentence that ends after `start` ends, as far as the text tells; None if none does.

    More text may show that it goes on: a closing quote or a lower-case letter.
    """
    return next((match.end() for match in _ends_after(text, start) if _ends_here(text, match)), None)


def _ends_after(text: str, start: int) -> Iterator[re.Match[str]]:
    return (match for match in _END.finditer(text, _line_start(text, start)) if match.end() > start)


def first_break(text: str, start: int) -> int | None:
    """Where the first paragraph after `start` ends: at its last character before a blank line; None if none does."""
    found = _PARAGRAPH_END.search(text, start)
    return found.start() + 1 if found is not None else None


def _line_start(text: str, place: int) -> int:
    """The start of the line, so that adjacent punctuation marks are matched together."""
    return text.rfind("\n", 0, place) + 1


def _ends_here(text: str, match: re.Match[str]) -> bool:
    following = text[match.end() :].lstrip()[:1]
    if following.islower():
        return False
    if match["mark"] == "." and _is_abbreviation(text[: match.start()], following):
        return False
    return not _inside_quotation(text, match.end())


def _is_abbreviation(before: str, following: str) -> bool:
    """Whether the full stop belongs to a word: Mr., No. before a number, or an initial (but not "It was I.")."""
    word = _WORD_BEFORE.search(before[-40:])
    if word is None:
        return False
    initial = len(word[0]) == 1 and word[0].isupper() and word[0] != "I"
    numbered = word[0].lower() == "no" and following.isdigit()
    return initial or numbered or _ABBREVIATIONS.fullmatch(word[0]) is not None


def _inside_quotation(text: str, place: int) -> bool:
    """Whether a double quote of the paragraph is open at `place`; single quotes are mostly apostrophes."""
    breaks = list(_PARAGRAPH.finditer(text, 0, place))
    is_open = False
    for quote in _QUOTE.findall(text[breaks[-1].end() if breaks else 0 : place]):
        is_open = not is_open if quote == '"' else quote == "“"
    return is_open
