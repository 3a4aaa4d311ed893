"""Bytes to text: the encoding is read from a byte order mark, proved by the bytes, or guessed."""

import codecs
import re
import unicodedata
from collections import Counter

from storytime_tui.errors import CorpusError

_BOMS = (  # UTF-32 first, as its little-endian mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_KINDS = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a zip file (as .docx, .odt and .epub are)"),
    (b"{\\rtf", "a rich-text file"),
    (b"\x1f\x8b", "a gzip file"),
)
# Control characters that texts have few of. Escape is missing, as a text copied from a terminal may have some; so is
# 0x1A, which ended texts in DOS.
_CONTROLS = bytes((*range(1, 7), *range(0x0E, 0x1A), *range(0x1C, 0x20), 0x7F))
_HIGH_LETTERS = bytes((*range(0xC0, 0xD7), *range(0xD8, 0xF7), *range(0xF8, 0x100)))  # of Windows-1252
_SAMPLE = 16_384  # bytes to guess from; enough, and guessing is slow


def decode(data: bytes, name: str, declared: str = "") -> str:
    """The text of a file's bytes, with newlines as line ends.

    `declared`: the encoding named in the text itself, for example in a web page; it is used if the bytes allow it.
    `name`: the file, for messages. Raises CorpusError for bytes that are not text.
    """
    for start, kind in _OTHER_KINDS:
        if data.startswith(start):
            raise CorpusError(f"{name} is {kind}, not a plain text: save its text as .txt in UTF-8.")
    text = _decode_marked(data, name)
    if text is None:
        text = _decode_wide(data) if b"\0" in data else _decode_bytes(data, declared)
    if text is None or "\0" in text:
        raise CorpusError(f"{name} is a binary file, not a text: if it is a text, save it as UTF-8.")
    return _newlines(text).removesuffix("\x1a")


def _newlines(text: str) -> str:
    """Like `cleaning.unix_lines`, but several times as fast on a large text."""
    # some programs end lines with two carriage returns
    for end in ("\r\r\n", "\r\n", "\r", "\x85", "\u2028", "\u2029"):
        if end in text:
            text = text.replace(end, "\n")
    return text


def _decode_marked(data: bytes, name: str) -> str | None:
    """The text of a file with a byte order mark; None if it has none."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                return data.decode(encoding, "replace" if encoding == "utf-8-sig" else "strict")
            except UnicodeDecodeError:
                raise CorpusError(f"{name} is broken {encoding.upper()}: save it again, as UTF-8.") from None
    return None


# -- UTF-16 and UTF-32 without a mark ---------------------------------------------------------------------


def _decode_wide(data: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark, in either byte order; None if the bytes make sense in none of them."""
    likely: list[tuple[int, str]] = []
    for encoding, width in (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2)):
        try:
            sample = codecs.getincrementaldecoder(encoding)().decode(data[: _SAMPLE // width * width])
        except UnicodeDecodeError:
            continue
        # ASCII or Japanese
        common = sum("\n" <= character < "\x7f" or "\u3000" <= character < "\u3100" for character in sample)
        spaces = sum(character in " \n\r\u3000\u3001\u3002" for character in sample)
        if 200 * common >= len(sample) > 0 and 100 * sum(map(_is_odd, sample)) <= len(sample):
            likely.append((spaces, encoding))
    if not likely:
        return None
    encoding = max(likely)[1]
    whole = len(data) - len(data) % (4 if "32" in encoding else 2)  # the file may be truncated
    try:
        return data[:whole].decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_odd(character: str) -> bool:
    """Whether texts don't contain this character: a control, surrogate, private or unassigned one."""
    return character not in "\t\n\f\r\x1a\x1b" and unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs")


# -- UTF-8 and the older encodings ------------------------------------------------------------------------


def _decode_bytes(data: bytes, declared: str) -> str | None:
    """The text of bytes without mark and NUL; None if too many are control characters."""
    if len(data) - len(data.translate(None, _CONTROLS)) > max(3, len(data) // 50):
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        # truncated inside a character; no text in another encoding ends with such two or three bytes
        if (
            error.reason == "unexpected end of data"
            and error.end == len(data)
            and len(data) - error.start > 1
        ):
            return data[: error.start].decode("utf-8")
    # One broken byte must not make us read a whole UTF-8 text in another encoding.
    repaired = data.decode("utf-8", "replace")
    broken = repaired.count("\ufffd")
    if len(repaired) - len(repaired.encode("ascii", "ignore")) - broken >= 4 * broken:
        return repaired
    if declared and (text := _decode_as(data, declared)) is not None:
        return text
    return _decode_as(data, guess(data)) or _decode_as(data, "cp1252")


def _decode_as(data: bytes, encoding: str) -> str | None:
    """The text in this encoding; None if it is not a text encoding or doesn't fit the bytes."""
    try:
        name = codecs.lookup(encoding).name
        if not _OF_BOOKS.match(name):
            return None
        if name in ("ascii", "iso8859-1", "cp1252"):  # a declared Latin-1 is mostly Windows-1252
            return _western(data)
        text = data.decode(name, "replace")
    except (LookupError, ValueError):  # no such encoding
        return None
    return text if text.count("\ufffd") <= len(text) // 1000 + 1 and "\0" not in text else None


def _western(data: bytes) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:  # five bytes are undefined in Windows-1252
        return data.decode("latin-1")


# -- guessing ---------------------------------------------------------------------------------------------

_FEW = 0.01  # the most accented letters in English, with names and French words
_ALPHABETS = (  # the letters beyond a to z, for languages in Latin script
    *("àâæçéèêëîïôœùûüÿñ", "äöüßéà", "áéíóúñüç", "àèéìíîòóùú", "ãõáéíóúâêôàçü", "æøåéàóòäöü", "åäöéàü"),
    *("éèëïöüáóúçê", "áéíóúýðþæö", "àèéïíòóúüç"),
    *("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîșțşţ", "çğıöşüâîû", "čćđšž"),
    *("õäöüšž", "āčēģīķļņšūž", "ąčęėįšųūž"),
)
# Python's names of text encodings; a page may name others ("hex", "unicode_escape").
_OF_BOOKS = re.compile(r"ascii|iso8859|cp\d|koi8|mac-|tis|shift|euc|gb|big5|johab|utf-8")
# The encodings a guess may give: those that books were written in.
_CANDIDATES = [
    *("cp1252", "cp1250", "iso8859_2", "cp1251", "koi8_r", "cp866", "cp1253", "cp1254", "cp1255", "cp1256"),
    *("cp1257", "mac_roman", "cp850", "cp437", "cp932", "euc_jp", "gb18030", "big5", "cp949", "tis_620"),
]


def guess(data: bytes) -> str:
    """The encoding of bytes without a mark that are not UTF-8: Windows-1252 unless that looks wrong.

    If it does, charset-normalizer suggests others. Latin encodings differ in few characters; among them, the one
    whose accented letters fit one language is taken.
    """
    sample = _sample(data)
    western = _western(sample)
    few = len(data) - len(data.translate(None, _HIGH_LETTERS)) <= _FEW * len(data)
    if (few and _ill_placed(western) <= 2 + _beyond_ascii(western) // 20) or _oddness(western) < 0.02:
        return "cp1252"
    from charset_normalizer import from_bytes

    matches = from_bytes(sample, cp_isolation=_CANDIDATES)
    best = matches.best()
    if best is None:
        return "cp1252"
    if not _is_latin(str(best)):
        return best.encoding
    texts = {"cp1252": western} | {match.encoding: str(match) for match in matches}
    texts.setdefault("mac_roman", sample.decode("mac_roman"))
    scores = {encoding: round(_oddness(text), 2) for encoding, text in texts.items() if _is_latin(text)}
    # of equal scores the first wins: cp1252, then the best
    return min(scores, key=lambda encoding: scores[encoding])


def _sample(data: bytes) -> bytes:
    """Lines with bytes beyond ASCII, up to `_SAMPLE` bytes; no character is cut."""
    lines: list[bytes] = []
    room, at = _SAMPLE, 0
    for high in re.finditer(rb"[\x80-\xff]", data):
        if high.start() < at:
            continue
        start = max(data.rfind(b"\n", at, high.start()) + 1, at)
        newline = data.find(b"\n", high.start(), start + room)
        at = newline + 1 if newline >= 0 else min(start + room, len(data))
        line = data[start:at]
        if newline < 0 and at < len(data) and b" " in line:
            line = line[: line.rindex(b" ")]  # no multi-byte character contains a space or newline
        lines.append(line)
        room -= at - start
        if room <= 0:
            break
    return b"".join(lines)


def _is_latin(text: str) -> bool:
    """Whether most of a text's non-ASCII characters are Latin letters or punctuation."""
    beyond = [character for character in text if character > "\x7f"]
    return 2 * sum(each < "\u0250" or "\u2000" <= each < "\u2500" for each in beyond) >= len(beyond)


def _oddness(text: str) -> float:
    """How unlikely the non-ASCII characters are, 0 to 2: the share in odd places plus the share of foreign letters."""
    accented = Counter(each for each in text.lower() if each > "\x7f" and each.isalpha())
    known = max(sum(accented[letter] for letter in alphabet) for alphabet in _ALPHABETS)
    return (_ill_placed(text) + accented.total() - known) / max(_beyond_ascii(text), 1)


def _beyond_ascii(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))


def _ill_placed(text: str) -> int:
    return len(_ILL_PLACED.findall(text))


# A non-letter between two letters; an accented capital after a small letter, inside a capitalised word, or beside
# punctuation (Mac Roman has its quotes there); a control character.
_CAPITAL = "[" + "".join(each for each in map(chr, range(0xC0, 0x250)) if each.isupper()) + "]"
_SMALL = "[a-z" + "".join(each for each in map(chr, range(0xDF, 0x250)) if each.islower()) + "]"
_ILL_PLACED = re.compile(
    r"(?<=[^\W\d_])[¡-©«¬®-³µ¶¸¹»-¿×÷‚„…†‡ˆ‰‹›™“”€](?=[^\W\d_])"
    rf"|(?<={_SMALL}){_CAPITAL}|(?<=[A-Z]){_CAPITAL}(?={_SMALL})"
    rf"|(?<=[.,!?]){_CAPITAL}(?!\w)|(?<!\w){_CAPITAL}(?=[A-Z][a-z ])"
    r"|[\x80-\x84\x86-\x9f\ufffd]"
)
