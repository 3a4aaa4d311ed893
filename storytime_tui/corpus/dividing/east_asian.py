"""Headings in Chinese and Japanese: "第一章", "卷之二", "その三", "一、狐"."""

import re
import unicodedata

from storytime_tui.corpus.dividing.label import Label

_NUMERAL = (
    r"[\d〇零○一二三四五六七八九十百千两兩廿卅壹贰貳叁肆伍陆陸柒捌玖拾]{1,9}|[IVXivx]{1,7}|[ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫ]"
)
_NOUNS = {
    **dict.fromkeys("章回節节話话夜講讲齣出折篇集日", "chapter"),
    **dict.fromkeys("卷部編编巻冊册輯辑", "part"),
    **dict.fromkeys("幕", "act"),
    **dict.fromkeys("場场景", "scene"),
    **dict.fromkeys("信封", "letter"),
}
_SPACE = r"[ \t\u3000]"
_APART = rf"{_SPACE}*[:：、．.·—–-]+{_SPACE}*|{_SPACE}+|(?=[「『《〈【（(])"
_COUNTED = re.compile(
    rf"第{_SPACE}*(?P<number>{_NUMERAL}){_SPACE}*(?P<noun>[{''.join(_NOUNS)}])(?:之(?:{_NUMERAL}))?"
    rf"(?P<apart>{_APART})?(?P<rest>.*)"
)
_INNER = re.compile(rf"(?:^|{_SPACE})第{_NUMERAL}[{''.join(_NOUNS)}]")
_VOLUME = re.compile(
    rf"(?:(?P<noun>[卷巻])(?:之|第)?{_SPACE}*(?P<number>{_NUMERAL}|[上中下])|(?P<place>[上中下])(?P<after>[卷巻部篇編编冊册集]))"
    rf"(?:(?P<apart>{_APART})(?P<rest>.*))?"
)
_BARE = re.compile(
    rf"[（(〔【\[]?{_SPACE}*(?:その|其の?|之)?(?P<number>{_NUMERAL}){_SPACE}*[）)〕】\]]?"
    rf"(?:(?P<apart>{_SPACE}*[、．.：:]{_SPACE}*|{_SPACE}+)(?P<rest>.*))?"
)
_PLACES = re.compile(r"(?:その)?[（(〔]?(?P<number>[上中下])[）)〕]?")
_FRAMES = re.compile(
    rf"(?:序章|序幕|終章|终章|尾声|尾聲|楔子|引子|最終章|最终章|最終話|最终话|番外(?:篇|編|编)?|結語|结语|後記|后记|あとがき"
    rf"|プロローグ|エピローグ|序|跋)(?:(?:{_APART}).*)?"
)
_MATTER = re.compile(
    r"(?P<contents>目[ \u3000]*[录錄次]|もくじ|[总總]目)"
    r"|(?P<front>前言|[自代]序|序[言文]|献词|獻詞|献辞|題記|题记|まえがき|はじめに|はしがき|内容[简簡]介)"
    r"|(?P<back>附[录錄]|付録|注[释釋]|註[釋解]|注解|解説|底本.{0,40}|参考文献)"
    r"|(?P<end>(?:全[书書文剧劇]|本[书書]|第.{1,4}[卷部章回])?(?:[完终終]|[结結]束)[了结結]?|了|劇終|剧终|おわり|終わり|終り)"
)
_DIGITS = {character: number for number, character in enumerate("零一二三四五六七八九")}
_DIGITS |= {
    "〇": 0,
    "○": 0,
    "两": 2,
    "兩": 2,
    "壹": 1,
    "贰": 2,
    "貳": 2,
    "叁": 3,
    "肆": 4,
    "伍": 5,
    "陆": 6,
    "陸": 6,
}
_DIGITS |= {"柒": 7, "捌": 8, "玖": 9}
_UNITS = {"十": 10, "拾": 10, "百": 100, "千": 1000}
_TENS = {"廿": 20, "卅": 30}
_POSITIONS = {"上": 1, "中": 2, "下": 3}
_ROMAN = {"I": 1, "V": 5, "X": 10}
_SENTENCE = re.compile(r"[。；;]|[，、,](?=.*[。！？])")
_LONGEST, _LONGEST_ATTACHED = 50, 26  # characters of a title after a number
_LONGEST_PLAIN = 20  # characters of a title without a number
_PLAIN = re.compile(r"[^\W\d_a-zA-Z][^。！？!?，,；;：:…「」『』“”\n]*")
_STARTS = (
    frozenset("第卷巻上中下その其之（(〔【[終终") | frozenset(_DIGITS) | frozenset(_UNITS) | frozenset(_TENS)
)
_STARTS |= frozenset("0123456789０１２３４５６７８９ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫ")
_IN_SCRIPT = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


def is_east_asian(text: str) -> bool:
    """Whether a text has Chinese or Japanese characters."""
    return not text.isascii() and _IN_SCRIPT.search(text) is not None


def may_begin_counted(heading: str) -> bool:
    """A fast test whether `counted` may succeed, by the first character."""
    return heading[:1] in _STARTS and is_east_asian(heading)


def counted(heading: str) -> Label | None:
    """The number at the beginning of a Chinese or Japanese heading; None if there is none.

    "第三卷 少年 第一章 狐" is chapter 1. A sentence that begins like a heading is none.
    """
    line, _, below = heading.partition("\n")
    line = line.strip()
    match = _COUNTED.fullmatch(line) or _VOLUME.fullmatch(line)
    bare = match is None
    if match is None:
        match = _BARE.fullmatch(line) or _PLACES.fullmatch(line)
    if match is None or not is_east_asian(line):
        return None
    groups = match.groupdict()
    number = _value(groups.get("number") or groups.get("place") or "")
    noun = "" if bare else _NOUNS.get(groups.get("noun") or "", "part")
    rest = (groups.get("rest") or "").strip()
    if number is None or not _is_title(rest, apart=groups.get("apart") is not None):
        return None
    if noun == "part" and (inner := _INNER.search(rest)):
        label = counted(rest[inner.start() :].strip())
        if label is not None and label.noun != "part":
            noun, number, rest = label.noun, label.number, label.rest
    return Label(noun, number, "\n".join(filter(None, (rest, below.strip()))))


def east_asian_matter(heading: str) -> str | None:
    """The kind of a heading that begins no story: "contents", "front", "back" or "end"; None for others."""
    text = heading.strip(" \t\u3000（）()【】〔〕[]《》〈〉—-＊*。.！!…")
    match = _MATTER.fullmatch(text)
    return match.lastgroup if match else None


def is_east_asian_frame(line: str) -> bool:
    """Whether a line is the heading of a prologue, an epilogue or a last chapter."""
    return len(line) < _LONGEST and _FRAMES.fullmatch(line.strip()) is not None


def is_east_asian_title(line: str) -> bool:
    """Whether a line may be a title: short, in a script without capitals, and without a sentence's marks."""
    line = line.strip()
    return len(line) <= _LONGEST_PLAIN and _PLAIN.fullmatch(line) is not None and is_east_asian(line)


def _is_title(rest: str, *, apart: bool) -> bool:
    """Whether what follows a number is a title, or nothing. `apart`: something separates it from the number."""
    if not rest:
        return True
    if len(rest) > (_LONGEST if apart else _LONGEST_ATTACHED) or _SENTENCE.search(rest):
        return False
    return apart or not re.search("[、：:！？!?…」』”]$|^[的是了、和与與がはをにのもで]|[，,]", rest)


def _value(numeral: str) -> int | None:
    """The value of a numeral, in Chinese or other characters; None if it is no number."""
    if numeral in _POSITIONS:
        return _POSITIONS[numeral]
    plain = unicodedata.normalize("NFKC", numeral)
    if plain.isdecimal():
        return int(plain)
    if plain.isascii():
        values = [_ROMAN[letter] for letter in plain.upper()]
        return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))
    if not any(character in _UNITS or character in _TENS for character in numeral):
        digits = [_DIGITS.get(character) for character in numeral]
        return None if None in digits else int("".join(map(str, digits)))
    total = digit = 0
    for character in numeral:
        if character in _UNITS:
            total += (digit or 1) * _UNITS[character]
            digit = 0
        elif character in _TENS:
            total += _TENS[character]
        else:
            digit = _DIGITS.get(character, 0)
    return total + digit
