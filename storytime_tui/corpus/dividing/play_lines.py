"""The lines that make a text a play: speakers' names, acts, scenes, and the list of characters."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from storytime_tui.corpus.dividing.blocks import Block
from storytime_tui.corpus.dividing.titles import is_capitals

MarkKind = Literal["act", "scene", "persons", "frame"]

# -- speakers ---------------------------------------------------------------------------------------------

_HONORIFIC = r"(?:(?:Mrs?|Dr|St|Rev|Hon|Capt|Col|Gen|Mme|Mlle|M|MRS?|DR|ST|REV)\. ?)?"
_WORD = r"[^\W\d_][^\W_]*(?:['’&-][^\W_]+)*"
_NAME = rf"{_HONORIFIC}[^\W\d_a-zà-öø-ÿа-я][^\W_]*(?:['’&-][^\W_]+)*(?:[ \xa0]{_WORD}){{0,4}}?"
# A name at the beginning of a line: "FOX.", "_Fox._", "Fox: (aside)", "FOX [rising]", "FOX -- ", "FOX" alone, or
# "Fox  I have lost it." from a table.
_SPEAKER = re.compile(
    rf"^[ \t]*(?P<italic>_?)[\[(]?(?P<name>{_NAME})[\])]?"
    r"(?:(?P<stop>_?[.:]?_?)(?P<alone>[ \t]*$)|(?:_?[.:]|[.:]_)(?P<said>(?=[ \t\xa0\[(_-]|—))"
    r"|(?P<aside>_?,?[ \xa0]*(?=[\[(]|--|—))|(?P<cell>[ ]{2,}(?=\S)))",
    re.MULTILINE,
)
# "FOX I have lost it." at the beginning of a paragraph
_CAPITALS = r"[^\W\d_a-zà-öø-ÿа-я]"
_RUN_IN = re.compile(
    rf"(?P<name>{_CAPITALS}(?:{_CAPITALS}|['’&-])+(?: {_CAPITALS}(?:{_CAPITALS}|['’&-])+){{0,4}}) "
    r"(?=[\"“'‘(]?(?:[^\W\d_]['’]?)?[^\W\d_]*[a-zà-ÿа-я]|[IAO]\b)"
)
_WORDS = "yes no oh ah well so now then and but good what why the end finis mr mrs dr st i ii iii iv v vi vii viii ix "
_WORDS += "x chapter part book act scene contents note preface introduction song chorus solo duet refrain air"
_NO_NAMES = frozenset(_WORDS.split())
_FEWEST_SPEECHES = 6
_SPEECHES = 0.25  # of a play's blocks begin with a speaker's name
_FEW_WORDS = 3  # of a name in small letters above a speech
_SHORT = 60  # blocks
_OFTEN = 5  # speeches; half of a longer play is said by people who speak at least as often
_CLOSE = 2  # blank lines; a name with more above it is a heading
_SAMPLE, _FEWEST_NAMES = 300, 0.15  # blocks, of which at least this share begins with what may be a name
_SURE_SPEECHES = 0.4  # the same, if the names are not in capitals or italics


@dataclass(frozen=True)
class Speeches:
    """The speeches of a play: where each begins (characters), and its speaker."""

    places: tuple[int, ...] = ()
    names: tuple[str, ...] = ()

    def count(self, start: int, end: int) -> int:
        """The number of speeches that begin between two characters."""
        return bisect_left(self.places, end) - bisect_left(self.places, start)

    def speakers(self, start: int, end: int) -> set[str]:
        """Who speaks between two characters."""
        return set(self.names[bisect_left(self.places, start) : bisect_left(self.places, end)])

    @cached_property
    def last(self) -> int:
        """Where the last speech begins; 0 if there is none."""
        return self.places[-1] if self.places else 0


def speeches_in(text: str, blocks: Sequence[Block]) -> Speeches:
    """The speeches of a play; none if the text is not a play.

    In a play many blocks begin with a name, and at least two names do so again and again.
    """
    if not _may_be_play(text, blocks):
        return Speeches()
    found: list[tuple[int, str, bool]] = []
    ends = {block.start: block.end for block in blocks if not block.skip}
    starts = set(ends)
    apart = {block.start for block in blocks if block.level or block.gap > _CLOSE}
    for match in _SPEAKER.finditer(text):
        name, stop = match["name"], match["stop"]
        sure = bool(match["italic"]) or is_capitals(name)
        opens = match.start() in starts
        if match["aside"] is not None and not sure:
            continue
        above = opens and match.end() < ends[match.start()] and len(name.split()) <= _FEW_WORDS
        if match["alone"] is not None and (match.start() in apart or not (sure or above or (opens and stop))):
            continue
        if sure or opens or match["cell"] is not None:
            found.append((match.start(), _name(name), sure))
    taken = {place for place, _, _ in found}
    for start in starts - taken:
        if run_in := _RUN_IN.match(text, start):
            found.append((start, _name(run_in["name"]), True))
    found.sort()
    alone = {place for place, name, _ in found if text.startswith("\n\n", text.find("\n", place))}
    size = sum(not block.skip and not block.level and block.start not in alone for block in blocks)
    fewest = 2 if size < _SHORT else 3
    times = Counter(name for _, name, _ in found)
    named = {name for name, many in times.items() if many >= fewest and _may_be_name(name)}
    spoken = [(place, name, sure) for place, name, sure in found if name in named]
    surely = sum(sure for _, _, sure in spoken)
    share = _SPEECHES if 2 * surely > len(spoken) else _SURE_SPEECHES
    if len(named) < 2 or len(spoken) < max(_FEWEST_SPEECHES, share * size):
        return Speeches()
    if size >= _SHORT and 2 * sum(times[name] >= _OFTEN for _, name, _ in spoken) < len(spoken):
        return Speeches()  # headings and their entries in lists
    return Speeches(tuple(place for place, _, _ in spoken), tuple(name for _, name, _ in spoken))


def _may_be_name(name: str) -> bool:
    """Whether the beginning of a line may be somebody's name: "Lady Susan to Mrs. Johnson" is a letter's heading."""
    return name not in _NO_NAMES and " to " not in name


def _may_be_play(text: str, blocks: Sequence[Block]) -> bool:
    """A fast test on some of a text's blocks."""
    sample = [block for block in blocks[:: 1 + len(blocks) // _SAMPLE] if not block.skip]
    named = [b for b in sample if _SPEAKER.match(text, b.start) or _RUN_IN.match(text, b.start)]
    return len(named) >= _FEWEST_NAMES * len(sample)


def _name(shown: str) -> str:
    return " ".join(shown.lower().split())


# -- acts, scenes and characters --------------------------------------------------------------------------

_ACT = r"act|acte|acto|atto|akt|aufzug|actus|jornada|bedrijf|действие|акт"
_SCENE = r"scene|scène|escena|scena|szene|scenae|scoena|scaena|auftritt|tooneel|toneel|явление|сцена|tableau|cuadro"
_DIGITS = r"[ivxIVX]{1,6}|\d{1,2}"
_LETTERS = r"[^\W\d_]{2,12}"
_NUMBERED = re.compile(
    rf"(?P<noun>{_ACT}|{_SCENE})\.?\s+(?:(?:the|la|le|el)\s+)?(?P<number>{_DIGITS}|{_LETTERS})(?![\w'’])\.?",
    re.IGNORECASE,
)
_ORDINAL = re.compile(
    rf"(?:(?:the|der|die|das|le|la)\s+)?(?P<number>{_DIGITS}|{_LETTERS})\.?\s+(?P<noun>{_ACT}|{_SCENE})(?![\w'’])\.?",
    re.IGNORECASE,
)
_BARE_SCENE = re.compile(rf"(?:{_SCENE})(?=[\s.:,—\[(-]|$)[.:]?", re.IGNORECASE)
_ACTS = frozenset(_ACT.split("|"))
_AFTER_LABEL = re.compile(r"[\s.:,;)\]_*=~]*(?:--|—|–|-)?[\s_]*")
# The beginnings of the number words of eight languages
_STEMS = (
    ["first", "one", "prim", "premi", "erst", "eins", "eerste", "перв"],
    ["second", "two", "secund", "segund", "deux", "deuxi", "zweit", "zwei", "tweede", "втор"],
    ["third", "three", "troisi", "terc", "terz", "terti", "dritt", "drei", "derde", "трет"],
    ["fourth", "four", "quatr", "cuart", "quart", "viert", "vier", "vierde", "четв"],
    ["fifth", "five", "cinq", "quint", "fünf", "fuenf", "vijfde", "пят"],
    ["sixth", "six", "sext", "sest", "sechs", "zesde", "шест"],
    ["seventh", "seven", "sept", "settim", "siebent", "siebt", "zevende", "седьм"],
    ["last", "letzt", "ultim", "dern", "laatste", "последн"],
)
_ROMAN = {
    "i": 1,
    "ii": 2,
    "iii": 3,
    "iiii": 4,
    "iv": 4,
    "v": 5,
    "vi": 6,
    "vii": 7,
    "viii": 8,
    "ix": 9,
    "x": 10,
}
_PERSONS = re.compile(
    r"(?:the )?(?:list of )?(?:dramatis person(?:ae|as|e)"
    r"|(?:principal )?characters(?: (?:of|in) the (?:play|drama)| represented)?"
    r"|persons?(?: (?:of|in) (?:the|this) (?:play|drama|comedy|tragedy|dialogue)| represented)?"
    r"|(?:the )?cast(?: of (?:the )?characters)?|(?:the )?players|personages|(?:die )?personen(?:verzeichnis)?"
    r"|personnages|acteurs|personajes|personas|personaggi|interlocutori|деиствующие лица)"
)
_FRAME = re.compile(
    r"(?:the )?(?:prologue|epilogue|induction|prelude|prolog|epilog|vorspiel|nachspiel|prologo|epilogo|пролог|эпилог)"
    r"(?:[.:]|\b.{0,60})",
    re.IGNORECASE,
)
_LONGEST_FRAME = 80  # characters
_LINE = re.compile(r"[^\s_*][^\n]*")
_DECORATION = " \t_*=~[("


@dataclass(frozen=True)
class Mark:
    """A heading of a play. `number`: of an act or scene, 0 if it has none. `start`, `end`: its label's characters.

    `block`: the number of its block. `rest`: where the text after the label begins. `scene`: the number in "ACT I.
    SCENE II.", else 0.
    """

    kind: MarkKind
    number: int
    start: int
    end: int
    rest: int
    block: int
    scene: int = 0


def marks_in(text: str, blocks: Sequence[Block], *, spoken: bool = True) -> list[Mark]:
    """The headings of acts, scenes, prologues and lists of characters, in order.

    If no speakers are known in the text (`spoken` is False), only blocks that look like headings are.
    """
    marks = []
    for at, block in enumerate(blocks):
        if block.skip:
            continue
        if not spoken and (block.end - block.start > _LONGEST_FRAME or not (block.level or block.gap > 1)):
            continue
        line_end = text.find("\n", block.start, block.end)
        line_end = block.end if line_end < 0 else line_end
        if mark := _mark(text, block, line_end, at):
            marks.append(mark)
    return marks


def _mark(text: str, block: Block, line_end: int, at: int) -> Mark | None:
    start = block.start
    while start < line_end and text[start] in _DECORATION:
        start += 1
    if start == line_end or not (text[start].isupper() or text[start].isdigit()):
        return None
    if label := _label(text, start, line_end):
        noun, number, end = label
        if sum(_is_act(text, *line.span()) for line in _LINE.finditer(text, block.start, block.end)) > 1:
            return None  # a list of the acts
        kind: MarkKind = "act" if noun in _ACTS else "scene"
        after = _AFTER_LABEL.match(text, end, block.end)
        rest = after.end() if after else end
        scene = _label(text, rest, line_end) if kind == "act" else None
        return Mark(kind, number, block.start, end, rest, at, scene[1] if scene else 0)
    line = text[start:line_end]
    if len(line) < _LONGEST_FRAME:
        if _PERSONS.fullmatch(_plain(line)):
            return Mark("persons", 0, block.start, line_end, line_end, at)
        if _FRAME.fullmatch(line.rstrip(" _*=~])")):
            return Mark("frame", 0, block.start, line_end, line_end, at)
    return None


def _is_act(text: str, start: int, end: int) -> bool:
    label = _label(text, start, end)
    return label is not None and label[0] in _ACTS


def _label(text: str, start: int, end: int) -> tuple[str, int, int] | None:
    """The noun, the number and the end of "ACT II", "Second Act" or "SCENE" at the beginning of a line."""
    match = _NUMBERED.match(text, start, end) or _ORDINAL.match(text, start, end)
    number = _number(match["number"]) if match is not None else 0
    if match is not None and number and _may_end_label(text, match.end(), end):
        return match["noun"].lower(), number, match.end()
    bare = _BARE_SCENE.match(text, start, end)
    return ("scene", 0, bare.end()) if bare is not None else None


def _may_end_label(text: str, at: int, end: int) -> bool:
    """Whether a label may end here: "Act one was over" goes on with a small letter and is a sentence."""
    rest = text[at:end].lstrip(" \t\xa0_")
    return not rest[:1].islower()


def _number(word: str) -> int:
    small = word.lower()
    if small.isdecimal():
        return int(small)
    if small in _ROMAN:
        return _ROMAN[small]
    return next((n for n, stems in enumerate(_STEMS, 1) if any(small.startswith(stem) for stem in stems)), 0)


def _plain(line: str) -> str:
    """A heading's first column in small letters without accents and signs: "DRAMATIS PERSONÆ" is as "Personae"."""
    first = re.split(r"\s{2,}", line.strip(), maxsplit=1)[0].replace("æ", "ae").replace("Æ", "ae")
    plain = unicodedata.normalize("NFKD", first.casefold())
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return " ".join(re.sub(r"[^\w\s]|_", " ", plain).split())
