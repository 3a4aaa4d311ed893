"""Guessing the encoding of a text that names none, from all of its bytes."""

import codecs
import re
from collections import Counter
from collections.abc import Iterator

_MOST = 4 * 1024**2  # bytes to guess from; enough for any novel
_LONG_LINE = 64 * 1024  # bytes; a longer line is cut where no character can be

# The encodings a guess may give, by chardet's names, with the language or region for the user. Those of Windows stand
# for the ISO encodings that they contain.
NAMES = {
    "cp1252": "Windows-1252 (Western European)",
    "cp1250": "Windows-1250 (Central European)",
    "iso8859-2": "Latin-2 (Central European)",
    "cp852": "DOS 852 (Central European)",
    "mac-latin2": "Mac Central European",
    "cp1251": "Windows-1251 (Cyrillic)",
    "koi8-r": "KOI8-R (Russian)",
    "koi8-u": "KOI8-U (Ukrainian)",
    "cp866": "DOS 866 (Russian)",
    "mac-cyrillic": "Mac Cyrillic",
    "iso8859-5": "ISO 8859-5 (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
    "cp1257": "Windows-1257 (Baltic)",
    "cp1258": "Windows-1258 (Vietnamese)",
    "mac-roman": "Mac Roman (Western European)",
    "cp850": "DOS 850 (Western European)",
    "cp932": "Shift_JIS (Japanese)",
    "euc_jis_2004": "EUC-JP (Japanese)",
    "gb18030": "GB 18030 or GBK (Chinese)",
    "big5hkscs": "Big5 (Chinese)",
    "cp949": "EUC-KR (Korean)",
    "tis-620": "TIS-620 (Thai)",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
}

_ASCII = bytes(range(0x80))
_FEW = 0.01  # the most accented letters in English, with names and French words
_OFTEN = 0.04  # the same for the lines with such words only
_NAMES = 12  # accented letters; so many may be in names alone
_UNDEFINED = b"\x81\x8d\x8f\x90\x9d"  # in Windows-1252
_ALPHABETS = (  # the letters beyond a to z, for languages of Western Europe
    *("àâæçéèêëîïôœùûüÿñ", "äöüßéà", "áéíóúñüç", "àèéìíîòóùú", "ãõáéíóúâêôàçü", "æøåéàóòäöü", "åäöéàü"),
    *("éèëïöüáóúçê", "áéíóúýðþæö", "àèéïíòóúüç"),
)
_MARKS = b"\x85\x91\x92\x93\x94\x96\x97\xa0\xab\xbb"  # ellipsis, quotes, dashes and a space in Windows-1252
_HIGH_RUN = re.compile(
    rb"[\xc0-\xff]{3,}"
)  # three accented letters in a row: no word of a language in Latin script
_CONTROL = re.compile(rb"[\x80-\x9f]")


def guess(data: bytes) -> str:
    """The encoding of bytes without a mark that are not UTF-8: a key of `NAMES`.

    It is Windows-1252 unless that looks wrong; then chardet decides. If some bytes fit no encoding that would make
    sense, the text is taken to be damaged there, and the encoding is guessed from the rest.
    """
    sample = _lines_beyond_ascii(data)
    if _is_western(sample, len(data)):
        return "cp1252"
    encoding, confidence = _detected(_without_rare_controls(sample))
    if confidence < 0.5:
        for candidate in NAMES:
            text = sample.decode(candidate, "replace")
            broken = text.count("\ufffd")
            if 0 < broken <= 2 + len(text) // 100:
                whole = text.replace("\ufffd", "").encode(candidate, "ignore")
                likely, sure = _detected(whole)
                if likely == candidate and sure > confidence:
                    encoding, confidence = likely, sure
    return encoding


def _detected(data: bytes) -> tuple[str, float]:
    """The likeliest encoding, and how likely it is: 0 to 1."""
    import chardet

    if not data:
        return "cp1252", 0.0
    found = chardet.detect(
        data,
        max_bytes=len(data),
        compat_names=False,
        include_encodings=NAMES,
        no_match_encoding="cp1252",
    )
    encoding = found["encoding"]
    return (encoding, found["confidence"]) if encoding in NAMES else ("cp1252", 0.0)


def _lines_beyond_ascii(data: bytes) -> bytes:
    """Lines with bytes beyond ASCII, from the whole file, up to `_MOST` bytes."""
    lines = list(_cut_lines(data))
    total = sum(map(len, lines))
    return b"".join(lines[:: -(-total // _MOST)]) if total > _MOST else b"".join(lines)


def _cut_lines(data: bytes) -> Iterator[bytes]:
    """Lines with bytes beyond ASCII; very long ones in parts that split no character, if that can be known."""
    for line in data.splitlines(keepends=True):
        if line.isascii():
            continue
        at = 0
        while at < len(line):
            end = at + _LONG_LINE
            if end < len(line):
                safe = max(line.rfind(mark, at, end) for mark in (b" ", b"\t", b"\r", b'"', b"!", b","))
                end = safe + 1 if safe > at else end
            yield line[at:end]
            at = end


def _without_rare_controls(data: bytes) -> bytes:
    """The bytes without those of 0x80 to 0x9F that are so rare that they may be damage: they mislead most."""
    controls = Counter(_CONTROL.findall(data))
    high = len(data.translate(None, _ASCII))
    rare = b"".join(byte for byte, number in controls.items() if number <= high // 500)
    western = 2 * controls.total() <= high  # in multi-byte encodings they are parts of characters
    return data.translate(None, rare) if rare and western and _is_single_byte(data) else data


def _is_single_byte(data: bytes) -> bool:
    """Whether bytes are no text in a multi-byte encoding, even with some damage."""
    for encoding in ("gb18030", "big5hkscs", "cp932", "euc_jis_2004", "cp949"):
        text = data.decode(encoding, "replace")
        if text.count("\ufffd") <= 2 + len(text) // 100:
            return False
    return True


# -- Windows-1252 -----------------------------------------------------------------------------------------


def _is_western(sample: bytes, size: int) -> bool:
    """Whether the lines beyond ASCII, of a file of this size, read well as Windows-1252."""
    letters = len(sample.translate(None, _ASCII + _MARKS))
    if 5 * sum(map(len, _HIGH_RUN.findall(sample))) > letters:
        return False
    text = western(sample)
    if letters <= _NAMES and _fits_a_language(western(sample.translate(None, _UNDEFINED))):
        return True
    few = letters <= _FEW * size and letters <= max(_NAMES, _OFTEN * len(sample))
    return few and _ill_placed(text) <= 2 + _beyond_ascii(text) // 20


def _fits_a_language(text: str) -> bool:
    """Whether all accented letters are of one language of Western Europe, and in their places."""
    accented = {each for each in text.lower() if each > "\x7f" and each.isalpha()}
    return any(accented <= set(alphabet) for alphabet in _ALPHABETS) and not _ill_placed(text)


def western(data: bytes) -> str:
    """Bytes as Windows-1252; the five that it lacks are read as Latin-1 has them."""
    return data.decode("cp1252", _AS_LATIN_1)


def _as_latin_1(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("latin-1"), error.end


_AS_LATIN_1 = "storytime-as-latin-1"
codecs.register_error(_AS_LATIN_1, _as_latin_1)


def _beyond_ascii(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))


def _ill_placed(text: str) -> int:
    return len(_ILL_PLACED.findall(text))


# A non-letter between two letters or at the end of a word; an accented capital after a small letter, inside a
# capitalised word, or beside punctuation (Mac Roman has its quotes there); a control character.
_CAPITAL = "[" + "".join(each for each in map(chr, range(0xC0, 0x250)) if each.isupper()) + "]"
_SMALL = "[a-z" + "".join(each for each in map(chr, range(0xDF, 0x250)) if each.islower()) + "]"
_ILL_PLACED = re.compile(
    r"(?<=[^\W\d_])[¡-©«¬®-³µ¶¸¹»-¿×÷‚„…†‡ˆ‰‹›™“”€](?=[^\W\d_])"
    r"|(?<=[a-z])[¡-£¤-¨ª¬¯±´µ¶¸¿‚„ˆ](?!\w)"
    rf"|(?<={_SMALL}){_CAPITAL}|(?<=[A-Z]){_CAPITAL}(?={_SMALL})"
    rf"|(?<=[.,!?]){_CAPITAL}(?!\w)|(?<!\w){_CAPITAL}(?=[A-Z][a-z ])"
    r"|[\x80-\x84\x86-\x9f\ufffd]"
)
