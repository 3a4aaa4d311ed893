"""Titles in scripts without capital letters: Korean, Arabic, Hebrew, Thai, Hindi and others."""

import re
import unicodedata

_LONGEST = 60  # characters of a title
_LONGEST_UNSPACED = 36  # letters of one in a script without spaces, whose sentences have no end marks either
_MOST_WORDS, _MOST_UNSPACED = 10, 4
_UNSPACED = (("\u0e00", "\u0eff"), ("\u1000", "\u109f"), ("\u1780", "\u17ff"))  # Thai and Lao, Burmese, Khmer
_GEORGIAN = ("\u10d0", "\u10ff")  # small letters, whose capitals no sentence begins with
_BRACKETS = {"《": "》", "〈": "〉", "『": "』", "(": ")", "[": "]"}
# The marks that end a sentence or a part of one, and the quotes around what somebody says.
_MARKS = frozenset(".!?…,;:-–—~؟۔،؛。！？，、：；।॥።፧፣፤་།။၊។៕៖๚๛՝՞՜։׃\"'“”‘’«»„‹›「」")
_SENTENCE_ENDS = frozenset(".!?…؟۔。！？।॥።፧།။។։׃")
# THE END, in Korean, Arabic, Persian, Urdu, Hebrew, Thai, Hindi, Bengali, Tamil, Georgian and Armenian.
END_WORDS = (
    "끝|이야기 끝|النهاية|انتهت|انتهى|تمت|پایان|ختم شد|סוף|הסוף|תם|תם ונשלם|จบ|จบบริบูรณ์|समाप्त|শেষ|சமாப்தம்|முற்றும்"
    "|დასასრული|վերջ"
)
_END = re.compile(END_WORDS)


def is_caseless_end(line: str) -> bool:
    """Whether a line is THE END in a script without capitals. Expects no signs around it."""
    return not line.isascii() and _END.fullmatch(line) is not None


def is_caseless_title(line: str) -> bool:
    """Whether a line may be a title: short, in a script without capitals, and without the marks of a sentence.

    Chinese and Japanese have a rule of their own, in `east_asian.py`.
    """
    line = line.strip()
    if line.isascii() or not 1 < len(line) <= _LONGEST:
        return False
    letters = [sign for sign in line if sign.isalpha()]
    if not letters or not is_caseless(letters[0]) or 2 * sum(map(is_caseless, letters)) < len(letters):
        return False
    if line[0] in _BRACKETS:
        line = line[1:-1] if line[-1] == _BRACKETS[line[0]] else ""
    if not line or not (line[0].isalnum()) or line[-1] in _MARKS:
        return False
    words = line.split()
    if any(word[-1] in _SENTENCE_ENDS for word in words[:-1]):
        return False
    if any(first <= letters[0] <= last for first, last in _UNSPACED):
        return len(letters) <= _LONGEST_UNSPACED and len(words) <= _MOST_UNSPACED
    return len(words) <= _MOST_WORDS


def is_caseless(letter: str) -> bool:
    """Whether a letter's script has no capitals, as Korean, or does not begin sentences with them, as Georgian.

    Chinese characters and kana are not meant.
    """
    if _GEORGIAN[0] <= letter <= _GEORGIAN[1]:
        return True
    return unicodedata.category(letter) == "Lo" and not (
        "\u3040" <= letter <= "\u30ff" or "\u3400" <= letter <= "\u9fff" or "\uf900" <= letter <= "\ufaff"
    )
