"""Titles in normal case: "THE GOLDEN BIRD." becomes "The Golden Bird"."""

import re
import unicodedata

from storytime_tui.corpus.dividing.caseless import is_caseless_title
from storytime_tui.corpus.dividing.east_asian import is_east_asian_title
from storytime_tui.corpus.dividing.screenplays import is_scene_line
from storytime_tui.terminal import printable_line

_SMALL = (
    "a an and as at but by de du for from if in into la le nor o' of off on or over per so than the till to "
)
_SMALL += (
    "up upon van via von with yet i' th' t' an' o'er et und der dem los las del della dei di het zum zur"
)
_SMALL_WORDS = frozenset(_SMALL.split())
# Roman numerals that are numbers; "I", "MIX" and the like may also be words
_ROMAN = re.compile(r"(?=[IVXLC])(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})", re.ASCII)
_ROMAN_WORDS = frozenset(
    {"I", "MIX", "LIV", "DIM", "MILL", "CIVIL", "DID", "ILL", "LID", "MILD", "VIM", "MID"}
)
_INITIALS = re.compile(r"(?:[A-Z]\.){2,}")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*['’]?")
_FOOTNOTE_MARK = re.compile(
    r"(?<!\s)\s*(?:\[(?:\d{1,3}|[A-Z]|\*+|FN#?\d+)\]|(?<=[\w.!?'\"])\(\d{1,2}\)|(?<=\w)\*+$)"
)
_TORN = re.compile(r"(?<=[^\W\d_])-(?:[ \t]*\n\s*|[ \t]{2,})(?=[^\W\d_])")  # a hyphen at a line end
_TAG = re.compile(r"\[/?[\w =#.-]*\]|</?[a-zA-Z][^<>]*>")  # markup, not words of the title
_KEPT_STOPS = re.compile(r"(?:\.\.\.|\b(?:etc|Mr|Mrs|Dr|St|Esq|Jr|Co|No)\.|(?:\b[A-Z]\. ?){2,})$", re.I)


def as_title(text: str) -> str:
    """A heading as a title: on one line, without footnote marks, ALL CAPITALS changed to title case."""
    title = printable_line(_FOOTNOTE_MARK.sub("", one_line(text).replace("_", "")))
    title = re.sub(r"(?<=\w)--?\s*$", "", title).strip(" \t,;:*=+~")
    if title.endswith(".") and not _KEPT_STOPS.search(title):
        title = title[:-1].rstrip()
    title = _without_outer_brackets(title)
    if title[:1] in ('"', "“") and title.count('"') + title.count("”") < 2:  # the quote ends in the text
        title = title[1:]
    return title_case(title) if _has_only_capitals(title) else title


def title_and_body(text: str) -> tuple[str, str]:
    """A clean text's title and the rest, if its first line is a heading; else "" and the whole text.

    A heading is short, stands before a blank line, begins with a capital or a digit, and does not end like a
    sentence; if it ends with "!" or "?", its longer words must be capitalised.
    """
    line, separator, body = text.partition("\n\n")
    if not separator or not body.strip() or not is_title(line):
        return "", text
    return as_title(line) or printable_line(line.strip()), body.strip("\n")


def is_title(line: str) -> bool:
    """Whether a text's first paragraph may be its title: it is short and does not end like a sentence."""
    heading = line.strip()
    words = heading.split()
    if "\n" in heading or not 1 <= len(words) <= 12 or len(heading) > 70 or is_scene_line(heading):
        return False
    if is_east_asian_title(heading) or is_caseless_title(heading):
        return True
    if not (heading[0].isupper() or heading[0].isdigit()) or heading[-1] in ".,;:-'\"»«“”":
        return False
    return heading[-1] not in "!?" or all(word[0].isupper() for word in words if len(word) > 4)


def one_line(text: str) -> str:
    """The lines of a heading as one line; "BROWN-" and "HAIRED" are joined without a space."""
    return " ".join(_TORN.sub("-", text).split())


def _has_only_capitals(title: str) -> bool:
    """Whether a title is in capitals except for small words: "YVON and FINETTE"."""
    if "[" in title or "<" in title:
        title = _TAG.sub(" ", title) if is_capitals(_TAG.sub(" ", title)) else title
    words = [word for word in title.split() if word not in _SMALL_WORDS]
    return is_capitals(" ".join(words))


def is_capitals(text: str) -> bool:
    """Whether a text has letters and no lower-case ones."""
    return text.upper() == text and text.lower() != text


def title_case(text: str) -> str:
    """A text in capitals changed to title case; Roman numerals and initials stay."""
    tags = [tag.span() for tag in _TAG.finditer(text)] if not is_capitals(text) else []
    words = [word for word in _WORD.finditer(text) if not any(a <= word.start() < b for a, b in tags)]
    pieces, at = [], 0
    for number, word in enumerate(words):
        between = text[at : word.start()]
        edge = number in (0, len(words) - 1) or bool(re.search(r"[:.!?\[(\"“;]|--|—", between))
        pieces += [between, _cased(word[0], text, word.start(), edge=edge)]
        at = word.end()
    return "".join([*pieces, text[at:]])


def _cased(word: str, text: str, start: int, *, edge: bool) -> str:
    if _is_roman(word) or _in_initials(text, start):
        return word
    small = word.lower()
    after_hyphen = start > 0 and text[start - 1] == "-"  # "Jack-in-the-Pulpit"
    if small in _SMALL_WORDS and (after_hyphen or not edge):
        return small
    first, apostrophe, rest = small.partition("'")
    if apostrophe and len(first) == 1 and len(rest) > 2:  # O'Brien
        return f"{first.upper()}'{rest.capitalize()}"
    return _capital_first(small)


def _capital_first(word: str) -> str:
    return word[:1].upper() + word[1:]


def _is_roman(word: str) -> bool:
    return word == "I" or (word not in _ROMAN_WORDS and _ROMAN.fullmatch(word) is not None)


def _in_initials(text: str, start: int) -> bool:
    return any(match.start() <= start < match.end() for match in _INITIALS.finditer(text))


def _without_outer_brackets(title: str) -> str:
    """A title without the brackets that enclose all of it."""
    for opened, closed in (("[", "]"), ("(", ")")):
        if title.startswith(opened) and title.endswith(closed) and title.count(opened) == 1:
            return title[1:-1].strip()
    return title


def key_of(text: str) -> str:
    """The letters and digits of a heading, lower-case and without accents, for comparing headings."""
    if "[" in text or "(" in text or "*" in text:
        text = _FOOTNOTE_MARK.sub("", text)
    if text.isascii():
        return text.lower().translate(_NO_LETTERS)
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join([character for character in plain if character.isalnum()])


_NO_LETTERS = {code: None for code in range(128) if not chr(code).isalnum()}
