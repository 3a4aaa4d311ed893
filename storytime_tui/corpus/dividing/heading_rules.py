"""Recognising headings and their kind: "CHAPTER IV", "FIRST STORY", "The Golden Bird", "Contents"."""

import re
from typing import Literal, cast

from storytime_tui.corpus.dividing.caseless import is_caseless_end, is_caseless_title
from storytime_tui.corpus.dividing.east_asian import (
    counted,
    east_asian_matter,
    is_east_asian,
    is_east_asian_frame,
    is_east_asian_title,
    may_begin_counted,
)
from storytime_tui.corpus.dividing.label import Label
from storytime_tui.corpus.dividing.languages import is_other_frame, label_in, may_begin_label, other_matter
from storytime_tui.corpus.dividing.number_words import roman_value
from storytime_tui.corpus.dividing.titles import is_capitals, key_of

Matter = Literal["contents", "front", "back", "end"]

_UNITS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
_UNITS += "eighteen nineteen"
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
)
_ORDINALS += "fifteenth sixteenth seventeenth eighteenth nineteenth"
_TENS = {"twent": 20, "thirt": 30, "fort": 40, "fift": 50, "sixt": 60, "sevent": 70, "eight": 80, "ninet": 90}
_NUMBERS = {
    **{word: at for at, word in enumerate(_UNITS.split(), 1)},
    **{word: at for at, word in enumerate(_ORDINALS.split(), 1)},
    **{f"{stem}y": value for stem, value in _TENS.items()},
    **{f"{stem}ieth": value for stem, value in _TENS.items()},
}
_NOUN = (
    r"chapter|chap\.|part|book|story|tale|fable|legend|adventure|letter|night|evening|day|volume|vol\.|section|"
    r"canto|act|scene|lesson|voyage|journey|stave|episode|number|no\.|interlude|dialogue|story hour|visit"
)
_NUMERAL = r"[ivxlcIVXLC]{1,9}|\d{1,3}"
_WORD_NUMBER = r"(?:twenty|thirty|forty|fifty|sixty)[- ][a-z]+|[a-z]+"
_NOUN_FIRST = re.compile(
    rf"(?:the )?(?P<noun>{_NOUN})\s+(?:the )?(?:no\.? )?(?P<number>{_NUMERAL}|{_WORD_NUMBER})"
    r"(?:[.:;,)]*(?:\s|--|—|-|$)+(?P<rest>.*))?$",
    re.IGNORECASE | re.DOTALL,
)
_ORDINAL_FIRST = re.compile(
    rf"(?:the )?(?P<number>{_WORD_NUMBER})(?: and last)? (?P<noun>{_NOUN})"
    r"(?:[.:;]+(?:\s|--|—)*(?P<rest>.*)|\s*\n(?P<more>.*)|\s*(?:--|—)\s*(?P<after>.*))?$",
    re.IGNORECASE | re.DOTALL,
)
_BARE = re.compile(
    r"(?P<number>[IVXLC]{1,9}|\d{1,3})(?:[.:)]?|\s*[.:)\]-]\s*(?:--|—)?\s*(?P<rest>\S.*)|\s{2,}(?P<more>\S.*)"
    r"|(?<=\d)\s(?P<next>[A-Z].*)|(?<=[IVXLC])\s(?P<capitals>[A-Z][^a-z]*)|\s*(?:--|—)\s*(?P<after>\S.*)|\s*\n(?P<below>.*))$",
    re.DOTALL,
)
_LABEL_START = re.compile(
    rf"[\s_=*~]*[-\[(]?\s?(?:\d|[IVXLC]+\b|(?:the )?(?:{_NOUN})(?!\w)"
    rf"|(?:the )?{_WORD_NUMBER}(?: and last)? (?:{_NOUN})\b)",
    re.IGNORECASE,
)
_DASHED_NUMBER = re.compile(r"[-\[(]\s?(?P<number>\d{1,3}|[IVXLC]{1,9})\s?[-\])]\.?")
_ROMAN = re.compile(r"(?=[IVXLC])(C{0,3})(XC|XL|L?X{0,4})(IX|IV|V?I{0,4})", re.IGNORECASE)

STORY_NOUNS = frozenset({"story", "tale", "fable", "legend"})  # these begin stories
PART_NOUNS = frozenset({"part", "book", "volume"})  # these contain chapters


def label_of(heading: str) -> Label | None:
    """The number at the beginning of a heading of one or more lines; None if there is none."""
    text = heading.strip().strip("_=*~").strip()
    match = _NOUN_FIRST.match(text) or _ORDINAL_FIRST.match(text)
    if match is None or number_of(match["number"]) is None:
        if (label := _in_other_language(text)) is not None:
            return label
        match = match or _BARE.match(text) or _DASHED_NUMBER.fullmatch(text)
    if match is None:
        return None
    groups = match.groupdict()
    number = number_of(groups["number"])
    if number is None:
        return None
    noun = (
        (groups.get("noun") or "")
        .lower()
        .replace("chap.", "chapter")
        .replace("vol.", "volume")
        .replace("no.", "")
    )
    rest = next(
        (groups[name] for name in ("rest", "more", "next", "capitals", "after", "below") if groups.get(name)),
        "",
    )
    return Label(noun, number, rest.strip())


def _in_other_language(heading: str) -> Label | None:
    if may_begin_counted(heading):
        return counted(heading)
    return label_in(heading) if may_begin_label(heading) else None


def may_be_label(text: str) -> bool:
    """A fast test whether `label_of` may succeed: the text begins with a number, or with a noun that takes one."""
    return _LABEL_START.match(text) is not None or may_begin_counted(text.lstrip()) or may_begin_label(text)


def number_of(text: str) -> int | None:
    """The value of digits, a Roman numeral or a number word ("twenty-first"); None for anything else."""
    word = text.lower()
    if word.isdecimal():
        return int(word)
    if word in _NUMBERS:
        return _NUMBERS[word]
    tens, _, units = word.replace(" ", "-").partition("-")
    if tens in _NUMBERS and _NUMBERS[tens] >= 20 and 0 < _NUMBERS.get(units, 0) < 10:
        return _NUMBERS[tens] + _NUMBERS[units]
    if _ROMAN.fullmatch(word):
        return roman_value(word)
    return None


_LONGEST_FRAME = 60  # characters

# Headings around a novel's chapters that are part of the story.
_FRAME = re.compile(
    r"(?:the )?(?:prologue|epilogue|conclusion|afterword|postscript|l'envoi)\b.*", re.IGNORECASE
)
_FRAME_ALONE = re.compile(r"(?:the )?(?:prologue|epilogue|conclusion|afterword|l'envoi)[.:]?", re.IGNORECASE)


def is_frame(line: str) -> bool:
    """Whether a line is exactly the heading of a prologue or epilogue."""
    bare = line.strip(" \t_*=~")
    return _FRAME_ALONE.fullmatch(bare) is not None or _is_frame_elsewhere(bare)


def is_frame_title(title: str) -> bool:
    """Whether a title is a prologue's or an epilogue's, with or without a name of its own."""
    return _FRAME.fullmatch(title) is not None or _is_frame_elsewhere(title)


def _is_frame_elsewhere(bare: str) -> bool:
    """The same in other languages than English."""
    if len(bare) > _LONGEST_FRAME:
        return False
    return is_east_asian_frame(bare) if is_east_asian(bare) else is_other_frame(bare.rstrip(".:"))


# -- headings that don't begin stories --------------------------------------------------------------------

_CONTENTS = re.compile(
    r"(?:table ?of ?|the ?)?contents(?: of (?:(?:this|the|each|vol(?:ume|\.)?|part|book) ?.*))?"
    r"|(?:a )?list of (?:the )?(?:stories|tales|fables|chapters)"
)
_FRONT = re.compile(
    r"(?:(?:the )?(?:author|editor|translator|preparer|publisher|compiler|artist|illustrator)['’]?s['’]? )?"
    r"(?:prefa(?:ce|tory)|foreword|introduct(?:ion|ory)(?: (?:note|letter|essay|word|remarks))?|"
    r"dedicat(?:ion|ory)|notice|note|acknowledge?ments?|advertisement|explanation|apology)"
    r"(?: (?:to|for|by|on|of) .*| note| letter| poem| verses)?"
    r"|to (?:the|my) (?:little |young |gentle |dear )*(?:readers?|children|parents|teachers|boys and girls)(?: .*)?"
    r"|(?:full[- ]page |coloured |colored |color )?(?:illustrations|plates)|(?:a )?list of .*|(?:the )?illustrations"
    r"|(?:also )?by the same author|(?:other )?(?:books|works|stories) (?:by|of) (?:the same )?.*"
    r"|(?:editorial|bibliographical|biographical) note|concerning these stories|about (?:this|the) (?:book|author)"
    r"|how to (?:get into|use) this book|(?:some )?suggestions (?:for|to) .*"
)
_BACK = re.compile(
    r"(?:the )?appendix(?: \w{1,4})?|appendices|(?:explanatory )?notes(?: (?:to|on|and|for|about|upon) .*)?"
    r"|(?:end ?|foot ?)notes?(?: .*)?|index(?: .*)?|(?:a )?glossary(?: .*)?"
    r"|(?:a )?(?:pronouncing )?vocabulary(?: .*)?|(?:a )?bibliography|advertisements?|quotations(?: .*)?"
    r"|list of (?:references|authorities|sources)|transcriber.*|errata|colophon|addenda|references|sources"
    r"|(?:a )?(?:pronunciation|pronouncing).*|publishers?['’]? .*"
)
_END = re.compile(r"(?:the )?end(?: of (?:the|this) (?:book|story|tale|volume|fables))?|finis|fin")


def matter_of(heading: str) -> Matter | None:
    """The kind of a heading that begins no story: contents list, front or back matter, "end"; None for others."""
    text = " ".join(heading.lower().split()).strip(" .:;_*=+~-[]()\"'")
    if len(text) > 70:
        return None
    if _CONTENTS.fullmatch(text):
        return "contents"
    if _BACK.fullmatch(text):
        return "back"
    if _FRONT.fullmatch(text):
        return "front"
    if _END.fullmatch(text) or is_caseless_end(text):
        return "end"
    if is_east_asian(text):
        return cast("Matter | None", east_asian_matter(text))
    if text == "fine":  # Italian; in small letters it is an English word
        return "end" if heading.isupper() else None
    return cast("Matter | None", other_matter(text))


# -- the form of a heading --------------------------------------------------------------------------------

_LONGEST, _MOST_LINES = 250, 4
_LONGEST_LINE = 75
_QUOTES = "\"'”’“«»"
_PRICES = re.compile(r"[$£] ?\d|\bone guinea\b|\b\d+_?s[._]|\b(?:8vo|12mo|4to|16mo)\b|\bnet\b", re.IGNORECASE)


def is_heading_like(text: str, gap: int) -> bool:
    """Whether a block may be a heading. `gap`: blank lines before it; the test is stricter for a smaller gap."""
    if len(text) > _LONGEST or text.count("\n") >= _MOST_LINES:
        return False
    lines = [line.strip() for line in text.split("\n")]
    if max(map(len, lines)) > _LONGEST_LINE or not any(character.isalnum() for character in text):
        return False
    if lines[-1][-1] in ",;，；、" or lines[0][0] in ",.;":
        return False
    label = label_of("\n".join(lines))
    if label is not None and _is_titled(label):
        return len(label.rest) < (160 if is_capitals(label.rest) else 100 if gap > 2 or label.noun else 60)
    if is_capitals(text) or (gap >= 2 and len(lines) == 1 and is_east_asian_title(text)):
        return True
    if gap > 2 and len(lines) == 1 and is_caseless_title(text):
        return True
    if lines[-1][-1] in ":-" or not (
        lines[0][0].isupper() or lines[0][0].isdigit() or lines[0][0] in "\"'“‘„«»¿¡[(_"
    ):
        return False
    if gap < 2 or len(lines) > 3:
        return False
    if gap == 2:
        return len(lines) <= 2 and lines[-1][-1] not in _QUOTES + "." and has_title_case(text)
    return lines[-1][-1] not in _QUOTES + ".!?…" or has_title_case(text)


def _is_titled(label: Label) -> bool:
    """Whether what follows a heading's number looks like a title, or its noun shows that it is a heading."""
    if not label.rest or label.noun or is_east_asian(label.rest):
        return True
    return is_capitals(label.rest) or has_title_case(label.rest)


def has_title_case(text: str) -> bool:
    """Whether most of the longer words are capitalised."""
    words = [
        word for word in re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)?", text) if len(word) > 3
    ] or re.findall(r"\w+", text)
    return (
        bool(words)
        and words[0][0].isupper()
        and 5 * len([word for word in words if word[0].isupper()]) > 3 * len(words)
    )


def prices_in(text: str, start: int, end: int) -> list[int]:
    """The positions of prices and book sizes in a part of a text; advertisements have many."""
    return [match.start() for match in _PRICES.finditer(text, start, end)]


def heading_key(heading: str) -> str:
    """The letters of a heading's title without its number; equal for the heading and its entry in the contents."""
    label = label_of(heading)
    return key_of(label.rest if label is not None and label.rest else heading)
