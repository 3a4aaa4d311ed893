"""What a word is to whatever compares texts: the same whatever its capitals and the shape of its quotes.

The hash of a word is a polynomial in its signs, modulo 2**64 (Karp and Rabin 1987, "Efficient randomized
pattern-matching algorithms"), mixed at the end as SplitMix64 does (Steele, Lea and Flood 2014, "Fast splittable
pseudorandom number generators"). Sums of such terms are those of the whole text up to a word's end less those
up to its start, so NumPy hashes all words of a text at once, without a string for any of them.
"""

import re
from collections.abc import Iterator
from functools import cache

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
_Codes = npt.NDArray[np.uint8] | npt.NDArray[np.uint32]  # code points

_APOSTROPHES = "'\u2018\u2019\u02bc"  # the last counts as a letter in Unicode, hence its place below
_LETTERS = r"[^\W_\u02bc]++"
WORD = re.compile(rf"{_LETTERS}(?:[{_APOSTROPHES}]{_LETTERS})*+")
_CUT = re.compile(rf"[^\w{_APOSTROPHES}]|_")  # in no word, and no word depends on what stands beyond it
_STRAIGHT = str.maketrans(dict.fromkeys(_APOSTROPHES, "'"))
_APOSTROPHE = 0x27  # less than the code of any letter or digit
_MOST = 200_000  # words known at once: more than a library for children has, some 25 MB
_LONGEST = 100  # characters of a word worth keeping
_PIECE = 1 << 16  # characters worked on at once: what is made of them stays in the processor's cache

_SIGNS = 0x110000  # code points there are
_ROW = 0x100
_LAST_SPACE = 0x3000
_SEVERAL = 0xFFFFFFFF  # in place of a letter whose small form is more than one sign

_FACTOR = 0x9E3779B97F4A7C15  # odd, so that it can be divided by; without a pattern otherwise
_INVERSE = pow(_FACTOR, -1, 1 << 64)
_MIX_1, _MIX_2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_ALL = (1 << 64) - 1


def word_hash(word: str) -> int:
    """64 bits that stand for one word as `WORD` finds it; the same on every machine and for ever."""
    return _HASHES[word]


class _Hashes(dict[str, int]):
    """Each word's hash, made when it is first asked for; forgotten before there are too many."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _MOST:
            self.clear()
        number = 0
        for sign in reversed(_plain(word)):
            number = (number + ord(sign)) * _FACTOR & _ALL
        number = (number ^ number >> 30) * _MIX_1 & _ALL
        number = (number ^ number >> 27) * _MIX_2 & _ALL
        number ^= number >> 31
        if len(word) <= _LONGEST:
            self[word] = number
        return number


_HASHES = _Hashes()


def _plain(word: str) -> str:
    return word.casefold().translate(_STRAIGHT)


def word_hashes(text: str) -> Hashes:
    """The `word_hash` of each word of a text, uint64, in their order.

    Words are runs of letters and digits, with apostrophes inside them; hyphens and underscores part them. Takes
    little more memory than the result: 8 bytes a word.
    """
    found = bytearray()  # grows in place, where joining many arrays would take the result's memory twice
    for start, end in _pieces(text):
        if end - start <= 4 * _PIECE:
            found += _hashed(_codes(f" {text[start:end]} ")).data
        else:  # one endless word, if that is what it is: no arrays of eight bytes a letter for it
            words = WORD.findall(text, start, end)
            found += np.fromiter(map(word_hash, words), np.uint64, len(words)).data
    return np.frombuffer(found, np.uint64)


def count_words(text: str) -> int:
    """How many words a text has when it is split at white space: `len(text.split())`, without making them."""
    words = 0
    after_space = True
    for start in range(0, len(text), _PIECE):
        spaces = _spaces(text[start : start + _PIECE])
        words += int(np.count_nonzero(spaces[:-1] > spaces[1:])) + (after_space and not spaces[0])
        after_space = bool(spaces[-1])
    return words


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Half-open ranges that cover the text, cut where no word is: none stands in two."""
    start = 0
    while start < len(text):
        cut = _CUT.search(text, start + _PIECE)
        end = cut.start() if cut else len(text)
        yield start, end
        start = end


# -- all words at once ------------------------------------------------------------------------------------


def _hashed(codes: _Codes) -> Hashes:
    """The hash of each run of code points other than 0. The first and the last must be 0."""
    is_word = codes != 0
    edges = np.flatnonzero(is_word[1:] != is_word[:-1])  # just before a word, its last sign, and so on
    powers, inverses = _powers(len(codes).bit_length())
    sums = np.cumsum(codes * powers[: len(codes)])  # modulo 2**64, like all that follows
    upto = sums.take(edges)
    hashes: Hashes = upto[1::2] - upto[::2]
    hashes *= inverses.take(edges[::2])  # as if each word stood at the text's start
    hashes ^= hashes >> np.uint64(30)
    hashes *= np.uint64(_MIX_1)
    hashes ^= hashes >> np.uint64(27)
    hashes *= np.uint64(_MIX_2)
    hashes ^= hashes >> np.uint64(31)
    return hashes


@cache
def _powers(bits: int) -> tuple[Hashes, Hashes]:
    """The first `2**bits` powers of the factor, from the first on, and the inverse of each."""
    powers, inverses = np.full(1 << bits, _FACTOR, np.uint64), np.full(1 << bits, _INVERSE, np.uint64)
    return np.cumprod(powers, out=powers), np.cumprod(inverses, out=inverses)


def _codes(piece: str) -> _Codes:
    """The code points of the words' signs, plain as those of `_plain`; 0 for what is no part of a word.

    The piece must begin and end with white space.
    """
    if piece.isascii():
        return _without_outer_apostrophes(
            np.frombuffer(bytearray(piece.encode().translate(_PLAIN_ASCII)), np.uint8)
        )
    raw = np.frombuffer(piece.encode("utf-32-le", "surrogatepass"), "<u4")
    codes = _without_outer_apostrophes(_plain_signs().take(raw))
    places = np.flatnonzero(codes == _SEVERAL)
    if not len(places):
        return codes
    small = [_plain(piece[place]) for place in places.tolist()]
    codes[places] = [ord(each[0]) for each in small]
    further = np.repeat(places + 1, [len(each) - 1 for each in small])
    signs = np.array([ord(sign) for each in small for sign in each[1:]], np.uint32)
    longer: npt.NDArray[np.uint32] = np.insert(codes, further, signs)
    return longer


def _without_outer_apostrophes(codes: _Codes) -> _Codes:
    """Blank, in place, the apostrophes that have no letter or digit on either side."""
    places = np.flatnonzero(codes == _APOSTROPHE)
    inner = (codes[places - 1] > _APOSTROPHE) & (codes[places + 1] > _APOSTROPHE)
    codes[places[~inner]] = 0
    return codes


def _plain_ascii() -> bytes:
    signs = map(chr, range(128))
    return bytes(ord(sign.lower()) if sign.isalnum() or sign == "'" else 0 for sign in signs) + bytes(128)


_PLAIN_ASCII = _plain_ascii()


@cache
def _plain_signs() -> npt.NDArray[np.uint32]:
    """For each code point that of its plain sign, 0 for those that stand in no word, or `_SEVERAL`."""
    every = np.arange(_SIGNS, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
    plain = np.zeros(_SIGNS, np.uint32)
    for letters in re.finditer(_LETTERS, every):
        plain[slice(*letters.span())] = np.arange(*letters.span())
    for start in range(0, _SIGNS, _ROW):
        row = every[start : start + _ROW]
        if row.casefold() == row:  # as most: a look at each sign would take a tenth of a second
            continue
        for number, sign in enumerate(row, start):
            small = sign.casefold()
            if small != sign and plain[number]:
                plain[number] = ord(small) if len(small) == 1 else _SEVERAL
    for sign in _APOSTROPHES:
        plain[ord(sign)] = _APOSTROPHE
    return plain


def _spaces(piece: str) -> npt.NDArray[np.bool_]:
    if piece.isascii():
        return np.frombuffer(piece.encode().translate(_ASCII_SPACES), np.bool_)
    signs = np.frombuffer(piece.encode("utf-32-le", "surrogatepass"), "<u4")
    return _space_signs().take(signs, mode="clip")


@cache
def _space_signs() -> npt.NDArray[np.bool_]:
    """Which code points are white space; the last, which is none, stands for all above it."""
    return np.array([chr(code).isspace() for code in range(_LAST_SPACE + 2)])


_ASCII_SPACES = bytes(chr(code).isspace() for code in range(128)) + bytes(128)
