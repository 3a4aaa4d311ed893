"""Counting the words of a text in any script; the whole program counts them here."""

import re
from functools import cache
from typing import Any

_SHORT = 1 << 16  # characters; longer texts are counted by NumPy, as many at a time
_LAST_SPACE = 0x3000
# Blocks of the scripts without spaces between words; some other characters in them make no difference.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ua4cf\uf900-\ufaff\uff66-\uff9f\U00016fe0-\U0001b2ff"
    "\U00020000-\U0003ffff]"
)
_BORDER = re.compile(r"[\sぁ-ゖ一-鿿]")  # a word ends before it
_SOUTH_EAST_ASIAN, _BLOCKS, _CJK = 0x0E00, 0x0A00, 0x2E80
_CHUNK = r"(?<!\S)[^\s\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]++(?!\S)"
_SOUTH_EAST = r"(?:(?=[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])\P{M}\p{M}*+){1,3}+"
_WORD = (
    rf"{_CHUNK}|[\p{{Han}}\p{{Hiragana}}]|[\p{{Katakana}}ー]++|{_SOUTH_EAST}"
    r"|(?:(?![\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])\w)++"
)


def count_words(text: str) -> int:
    """The number of words of a text.

    In scripts with spaces, words are what stands between white space, as in most word processors. In scripts without,
    they are as in Unicode's rules for word boundaries (UAX 29): each Chinese character and each hiragana is a word,
    and so is each run of katakana. For Thai, Lao, Khmer and Burmese, whose words only a dictionary knows, every three
    letters of a run are a word, about the length of theirs. Beside these scripts, a run of letters or digits is a
    word, and punctuation is none.
    """
    if len(text) > _SHORT:
        return _count_long(text)
    if text.isascii() or not _UNSPACED.search(text):
        return len(text.split())
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
    after_space = True
    for start in range(0, len(text), _SHORT):
        piece = text[start : start + _SHORT]
        if piece.isascii():
            spaces = np.frombuffer(piece.encode().translate(_ASCII_SPACES), np.bool_)
        else:
            codes = np.frombuffer(piece.encode("utf-32-le", "surrogatepass"), "<u4")
            south_east = codes - np.uint32(_SOUTH_EAST_ASIAN) < _BLOCKS  # smaller codes wrap round
            if (np.any(codes >= _CJK) or np.any(south_east)) and _UNSPACED.search(piece):
                return sum(1 for _ in _word().finditer(text))
            spaces = _space_table().take(codes, mode="clip")
        words += int(np.count_nonzero(spaces[:-1] > spaces[1:])) + (after_space and not spaces[0])
        after_space = bool(spaces[-1])
    return words


@cache
def _space_table() -> Any:
    """Which code points are white space; the last entry (no space) stands for all above."""
    import numpy as np

    return np.array([chr(code).isspace() for code in range(_LAST_SPACE + 2)])


_ASCII_SPACES = bytes(chr(code).isspace() for code in range(128)) + bytes(128)
