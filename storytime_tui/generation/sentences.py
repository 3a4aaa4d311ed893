"""Where a sentence of a story ends, and where its telling may. Knows no torch.

English prose, as the bundled tales have it: a full stop, a question or exclamation mark or an ellipsis, then
perhaps closing quotes. Not every full stop is one: Mr. Tod, J. R., 3.14; and `"Stop!" he said` goes on.
"""

import re

# With a full stop behind them they hardly ever end a sentence.
_SHORT = re.compile(
    "mrs?|ms|messrs|dr|st|mt|prof|revd?|hon|capt|col|gen|lt|sgt|maj|adm|cpl|gov|sen|rep|esq|mme|mlle"
    "|jas|chas|wm|thos|vs|viz|cf|ca|e\\.g|i\\.e",
    re.IGNORECASE,
)
_END = re.compile(r"""(?P<mark>[.!?…]+)(?P<closing>["”’'»)\]*_]*)(?=\s|$)""")
_WORD_BEFORE = re.compile(r"[^\W\d_][^\W\d_.]*(?:\.[^\W\d_]+)*$")
_QUOTE = re.compile(r'["“”]')
_PARAGRAPH = re.compile(r"\n\s*\n")


def ends_sentence(text: str) -> bool:
    """Whether the text, spaces and line ends at its end aside, ends with a whole sentence.

    Not inside of a quotation that this paragraph has opened: its end is still to be told.
    """
    trimmed = text.rstrip()
    return bool(trimmed) and sentence_cut(trimmed, max(0, len(trimmed) - 1)) == len(trimmed)


def marked_where_cut(text: str) -> str:
    """The text, with an ellipsis behind it where it does not end on a whole sentence."""
    kept = text.rstrip()
    return text if not kept or ends_sentence(text) or kept.endswith("…") else kept + "…"


def sentence_cut(text: str, start: int = 0) -> int:
    """The last place, behind `start`, at which a whole sentence ends; `start` where none does.

    What follows the place is seen: where a small letter goes on, the sentence does.
    """
    for found in reversed(list(_END.finditer(text, _line_start(text, start)))):
        if found.end() <= start:
            break
        if _ends_here(text, found):
            return found.end()
    return start


def first_sentence(text: str, *, over: bool) -> str:
    """The first whole sentence of a text; "" where none has ended yet.

    Until the text is `over`, more of it has to stand behind the end: a quotation mark may follow, or a small letter.
    """
    for found in _END.finditer(text):
        if (over or text[found.end() :].strip()) and _ends_here(text, found):
            return text[: found.end()].strip()
    return ""


def _line_start(text: str, place: int) -> int:
    """The start of the line: marks that belong together are then seen together."""
    return text.rfind("\n", 0, place) + 1


def _ends_here(text: str, found: re.Match[str]) -> bool:
    following = text[found.end() :].lstrip()[:1]
    if following.islower():
        return False
    if found["mark"] == "." and _is_short(text[: found.start()], following):
        return False
    return not _inside_quotation(text, found.end())


def _is_short(before: str, following: str) -> bool:
    """Whether the full stop belongs to a word: Mr, No before a number, an initial (but "It was I." is whole)."""
    word = _WORD_BEFORE.search(before[-40:])
    if word is None:
        return False
    initial = len(word[0]) == 1 and word[0].isupper() and word[0] != "I"
    numbered = word[0].lower() == "no" and following.isdigit()
    return initial or numbered or _SHORT.fullmatch(word[0]) is not None


def _inside_quotation(text: str, place: int) -> bool:
    """Whether a double quote of the paragraph is open at `place`. Single ones are mostly apostrophes."""
    breaks = list(_PARAGRAPH.finditer(text, 0, place))
    opened = False
    for quote in _QUOTE.findall(text[breaks[-1].end() if breaks else 0 : place]):
        opened = not opened if quote == '"' else quote == "“"
    return opened
