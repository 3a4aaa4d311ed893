"""Counting the words of a text in any script; the whole program counts them here."""

import re
from functools import cache
from typing import Any

_SHORT = 1 << 16  # characters; longer texts are counted by NumPy, as many at a time
_FURTHER = 0x10000  # no table for the code points from here on
_SIGN, _SPACE, _LETTER = range(3)
# Blocks of the scripts without spaces between words; some other characters in them make no difference.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ua4cf\uf900-\ufaff\uff66-\uff9f\U00016fe0-\U0001b2ff"
    "\U00020000-\U0003ffff]"
)
_BORDER = re.compile(r"[\sぁ-ゖ一-鿿]")  # a word ends before it
_SOUTH_EAST_ASIAN, _BLOCKS, _CJK = 0x0E00, 0x0A00, 0x2E80
_UNSPACED_LETTER = r"[\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_IN_CHUNK = rf"(?:(?!{_UNSPACED_LETTER})\S)"
_SIGNS = rf"(?:(?!{_UNSPACED_LETTER})[^\s\p{{L}}\p{{N}}])"
_CHUNK = rf"(?<!\S){_SIGNS}*+{_IN_CHUNK}++(?!\S)"
_SOUTH_EAST = r"(?:(?=[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])[\p{L}\p{N}]\p{M}*+){1,3}+"
_RUN = rf"(?:(?!{_UNSPACED_LETTER})[\p{{M}}_])*+(?!{_UNSPACED_LETTER})[\p{{L}}\p{{N}}](?:(?!{_UNSPACED_LETTER})\w)*+"
_WORD = (
    rf"{_CHUNK}|(?=[\p{{L}}\p{{N}}])[\p{{Han}}\p{{Hiragana}}]|(?=[\p{{L}}\p{{N}}])[\p{{Katakana}}ー]++|{_SOUTH_EAST}"
    rf"|{_RUN}"
)
_SPACED = re.compile(r"[^\W_]\S*")  # from the first letter or digit to the next white space


def count_words(text: str) -> int:
    """The number of words of a text.

    In scripts with spaces, words are what stands between white space and has a letter or digit, so that a dash or a
    row of stars is none. In scripts without, they are as in Unicode's rules for word boundaries (UAX 29): each Chinese
    character and each hiragana is a word, and so is each run of katakana. For Thai, Lao, Khmer and Burmese, whose words
    only a dictionary knows, every three letters of a run are a word, about the length of theirs. Beside these scripts,
    a run of letters or digits is a word.
    """
    if len(text) > _SHORT:
        return _count_long(text)
    if text.isascii():
        return len(text.encode().translate(_ASCII_SPACES, _ASCII_SIGNS).split())
    if not _UNSPACED.search(text):
        return len(_SPACED.findall(text))
    return sum(1 for _ in _word().finditer(text))


@cache
def _word() -> Any:
    import regex

    return regex.compile(_WORD)


class WordCount:
    """The number of words of a text that grows; `words` is the same as `count_words` of all of it."""

    def __init__(self) -> None:
        self.words = 0
        self._end = ""  # from the last character on after which a word surely ends

    def add(self, text: str) -> None:
        """Count more text."""
        joined = self._end + text
        self.words += count_words(joined) - count_words(self._end)
        at = len(joined) - 1
        while at > 0 and not _BORDER.match(joined, at):
            at -= 1
        self._end = joined[max(0, at) :]


# -- long texts -------------------------------------------------------------------------------------------


def _count_long(text: str) -> int:
    """As `count_words`, several times as fast for a text whose scripts have spaces, and without a list of words."""
    import numpy as np

    words = 0
    after_space = True  # the last character that is no sign
    for start in range(0, len(text), _SHORT):
        piece = text[start : start + _SHORT]
        if piece.isascii():
            kinds = np.frombuffer(piece.encode().translate(_ASCII_KINDS), np.uint8)
        else:
            codes = np.frombuffer(piece.encode("utf-32-le", "surrogatepass"), "<u4")
            south_east = codes - np.uint32(_SOUTH_EAST_ASIAN) < _BLOCKS  # smaller codes wrap round
            if (np.any(codes >= _CJK) or np.any(south_east)) and _UNSPACED.search(piece):
                return sum(1 for _ in _word().finditer(text))
            kinds = _kind_table().take(codes, mode="clip")
            for place in np.flatnonzero(codes >= _FURTHER).tolist():
                kinds[place] = _kind(chr(codes[place]))
        spaces = kinds[kinds != _SIGN] == _SPACE
        if len(spaces):
            words += int(np.count_nonzero(spaces[:-1] > spaces[1:])) + (after_space and not spaces[0])
            after_space = bool(spaces[-1])
    return words


@cache
def _kind_table() -> Any:
    """Which code points below `_FURTHER` are white space, which letters or digits, and which are other signs."""
    import numpy as np

    signs = "".join(map(chr, range(_FURTHER)))
    kinds = np.full(_FURTHER, _SIGN, np.uint8)
    for pattern, kind in ((r"\s+", _SPACE), (r"[^\W_]+", _LETTER)):  # as `_kind` does, a run at a time
        for run in re.finditer(pattern, signs):
            kinds[run.start() : run.end()] = kind
    return kinds


def _kind(sign: str) -> int:
    return _SPACE if sign.isspace() else _LETTER if sign.isalnum() else _SIGN


_ASCII_SPACES = bytes(ord(" ") if chr(code).isspace() else code for code in range(256))
_ASCII_SIGNS = bytes(code for code in range(128) if _kind(chr(code)) == _SIGN)
_ASCII_KINDS = bytes(_kind(chr(code)) for code in range(128)) + bytes(128)
