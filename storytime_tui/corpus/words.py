"""Words and their hashes, for comparing texts: case and the shape of apostrophes are ignored.

A word's hash is a polynomial in its characters, modulo 2**64 (Karp and Rabin 1987, "Efficient randomized
pattern-matching algorithms"), mixed at the end as in SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable
pseudorandom number generators"). A word's polynomial is a difference of two prefix sums over the text, so NumPy
hashes all words at once without making a string for each.
"""

import re
from collections.abc import Iterator
from functools import cache

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
_Codes = npt.NDArray[np.uint8] | npt.NDArray[np.uint32]  # code points

APOSTROPHES = "'\u2018\u2019\u02bc"  # Unicode calls the last one a letter, so `_LETTERS` excludes it
_LETTERS = r"[^\W_\u02bc]++"
WORD = re.compile(rf"{_LETTERS}(?:[{APOSTROPHES}]{_LETTERS})*+")
_CUT = re.compile(rf"[^\w{APOSTROPHES}]|_")  # a character outside words; cutting here splits no word
_STRAIGHT = str.maketrans(dict.fromkeys(APOSTROPHES, "'"))
_APOSTROPHE = 0x27  # below the code of any letter or digit
_MOST = 200_000  # words cached at once, about 25 MB
_LONGEST = 100  # characters; longer words are not cached
_PIECE = 1 << 16  # characters processed at once, so that the arrays stay in the CPU cache

_CODE_POINTS = 0x110000
_ROW = 0x100
_SEVERAL = 0xFFFFFFFF  # marks a letter that case-folds to several characters

_FACTOR = 0x9E3779B97F4A7C15  # arbitrary, but odd, so that it has an inverse modulo 2**64
_INVERSE = pow(_FACTOR, -1, 1 << 64)
_MIX_1, _MIX_2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_ALL = (1 << 64) - 1


def word_hash(word: str) -> int:
    """A 64-bit hash of a word that matches `WORD`; the same on every machine and in every version."""
    return _HASHES[word]


class _Hashes(dict[str, int]):
    """A cache of hashes, cleared when it is full."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _MOST:
            self.clear()
        number = 0
        for character in reversed(plain(word)):
            number = (number + ord(character)) * _FACTOR & _ALL
        number = (number ^ number >> 30) * _MIX_1 & _ALL
        number = (number ^ number >> 27) * _MIX_2 & _ALL
        number ^= number >> 31
        if len(word) <= _LONGEST:
            self[word] = number
        return number


_HASHES = _Hashes()


def plain(word: str) -> str:
    """The word as words are compared: case-folded, with straight apostrophes."""
    return word.casefold().translate(_STRAIGHT)


def word_hashes(text: str) -> Hashes:
    """The `word_hash` of each word of a text, in order; uint64.

    Words are runs of letters and digits, with apostrophes inside; hyphens and underscores separate words. Needs
    little more memory than the result, which has 8 bytes a word.
    """
    hashes = bytearray()  # grows in place; joining arrays would need the result's memory twice
    for start, end in _pieces(text):
        if end - start <= 4 * _PIECE:
            hashes += _hashed(_codes(f" {text[start:end]} ")).data
        else:  # a piece with an extremely long word; arrays of eight bytes a letter would be too large
            words = WORD.findall(text, start, end)
            hashes += np.fromiter(map(word_hash, words), np.uint64, len(words)).data
    return np.frombuffer(hashes, np.uint64)


def distinct_words(text: str) -> dict[int, str]:
    """The `word_hash` of each word of a text, with the word as `plain` has it. Takes a piece of the text at a time."""
    words: set[str] = set()
    for start, end in _pieces(text):
        words.update(WORD.findall(text, start, end))
    return {word_hash(word): plain(word) for word in words}


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Half-open ranges that cover the text and split no word."""
    start = 0
    while start < len(text):
        cut = _CUT.search(text, start + _PIECE)
        end = cut.start() if cut else len(text)
        yield start, end
        start = end


# -- hashing all words at once ----------------------------------------------------------------------------


def _hashed(codes: _Codes) -> Hashes:
    """The hash of each run of non-zero code points. The first and the last code must be 0."""
    is_word = codes != 0
    # the index before the first word, its last index, the index before the second, and so on
    edges = np.flatnonzero(is_word[1:] != is_word[:-1])
    powers, inverses = _powers(len(codes).bit_length())
    sums = np.cumsum(codes * powers[: len(codes)])  # modulo 2**64, like all that follows
    upto = sums.take(edges)
    hashes: Hashes = upto[1::2] - upto[::2]
    hashes *= inverses.take(edges[::2])  # as if each word were at the start of the text
    hashes ^= hashes >> np.uint64(30)
    hashes *= np.uint64(_MIX_1)
    hashes ^= hashes >> np.uint64(27)
    hashes *= np.uint64(_MIX_2)
    hashes ^= hashes >> np.uint64(31)
    return hashes


@cache
def _powers(bits: int) -> tuple[Hashes, Hashes]:
    """The first `2**bits` powers of the factor, from the first on, and their inverses."""
    powers, inverses = np.full(1 << bits, _FACTOR, np.uint64), np.full(1 << bits, _INVERSE, np.uint64)
    return np.cumprod(powers, out=powers), np.cumprod(inverses, out=inverses)


def _codes(piece: str) -> _Codes:
    """The code points of the words' characters, folded as in `plain`; 0 for characters outside words.

    The piece must begin and end with white space.
    """
    if piece.isascii():
        return _without_outer_apostrophes(
            np.frombuffer(bytearray(piece.encode().translate(_PLAIN_ASCII)), np.uint8)
        )
    codes = np.frombuffer(piece.encode("utf-32-le", "surrogatepass"), "<u4")
    codes = _without_outer_apostrophes(_plain_characters().take(codes))
    places = np.flatnonzero(codes == _SEVERAL)
    if not len(places):
        return codes
    folded = [plain(piece[place]) for place in places.tolist()]
    codes[places] = [ord(each[0]) for each in folded]
    insert_at = np.repeat(places + 1, [len(each) - 1 for each in folded])
    rest = np.array([ord(character) for each in folded for character in each[1:]], np.uint32)
    longer: npt.NDArray[np.uint32] = np.insert(codes, insert_at, rest)
    return longer


def _without_outer_apostrophes(codes: _Codes) -> _Codes:
    """Set to 0, in place, the apostrophes without a letter or digit on both sides."""
    places = np.flatnonzero(codes == _APOSTROPHE)
    inner = (codes[places - 1] > _APOSTROPHE) & (codes[places + 1] > _APOSTROPHE)
    codes[places[~inner]] = 0
    return codes


def _plain_ascii() -> bytes:
    characters = map(chr, range(128))
    folded = [ord(each.lower()) if each.isalnum() or each == "'" else 0 for each in characters]
    return bytes(folded) + bytes(128)


_PLAIN_ASCII = _plain_ascii()


@cache
def _plain_characters() -> npt.NDArray[np.uint32]:
    """A table from code point to case-folded code point: 0 outside words, `_SEVERAL` if it folds to several."""
    every = np.arange(_CODE_POINTS, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
    plain = np.zeros(_CODE_POINTS, np.uint32)
    for letters in re.finditer(_LETTERS, every):
        plain[slice(*letters.span())] = np.arange(*letters.span())
    for start in range(0, _CODE_POINTS, _ROW):
        row = every[start : start + _ROW]
        if row.casefold() == row:  # true for most rows; checking every character would take 0.1 s
            continue
        for number, character in enumerate(row, start):
            folded = character.casefold()
            if folded != character and plain[number]:
                plain[number] = ord(folded) if len(folded) == 1 else _SEVERAL
    for character in APOSTROPHES:
        plain[ord(character)] = _APOSTROPHE
    return plain
