"""Bytes to text: the encoding is read from a byte order mark, proved by the bytes, or guessed."""

import codecs
import re
import unicodedata
from dataclasses import dataclass

from storytime_tui.corpus.formats.guessing import NAMES, guess, western
from storytime_tui.corpus.formats.mojibake import mended
from storytime_tui.errors import CorpusError
from storytime_tui.formatting import count
from storytime_tui.stopping import stoppable

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
_PRINTABLE = bytes((*b"\t\n\f\r", *range(0x20, 0x7F)))
_PADDING = re.compile(
    rb"\0{8,}"
)  # what a crash leaves of a file: more NULs than a character of any encoding has
_SAMPLE = 16_384  # bytes that tell whether they are UTF-16 or UTF-32
_STATED = re.compile(
    rb"^Character set encoding:[ \t]*([\w.:-]+)", re.MULTILINE | re.IGNORECASE
)  # Gutenberg's header
_HEADER = 20_000  # bytes that may contain it
_UTF_8 = re.compile("utf[-_]?8(?:-sig)?", re.IGNORECASE)
_HOW_TO_SAY = "If letters look wrong, save the file as UTF-8 and add it again."


@dataclass(frozen=True)
class Decoded:
    """A file's text, with newlines as line ends. `remarks`: sentences on what was guessed, mended or damaged."""

    text: str
    remarks: tuple[str, ...] = ()


def decode(data: bytes, name: str, declared: str = "") -> Decoded:
    """The text of a file's bytes.

    `declared`: the encoding named in the text itself, for example in a web page; it is used if the bytes allow it.
    `name`: the file, for messages. Raises CorpusError for bytes that are not text.
    """
    for start, kind in _OTHER_KINDS:
        if data.startswith(start):
            raise CorpusError(f"{name} is {kind}, not a plain text: save its text as .txt in UTF-8.")
    decoded = _decode_marked(data, name) or _decode_wide(data) or _decode_bytes(data, declared)
    if decoded is None:
        raise CorpusError(f"{name} is a binary file, not a text: if it is a text, save it as UTF-8.")
    text, remarks = decoded.text, list(decoded.remarks)
    text, places = mended(text.replace("\0", ""))
    if places:
        remarks.append(
            f"{count(places, 'line')} of UTF-8 text had been saved in a wrong encoding (as in “cafÃ©”): mended."
        )
    if broken := 0 if text.isascii() else text.count("\ufffd"):
        remarks.append(f"{count(broken, 'character')} could not be read: \ufffd stands there.")
    return Decoded(_newlines(text).removesuffix("\x1a"), tuple(remarks))


def _newlines(text: str) -> str:
    """Like `cleaning.unix_lines`, but several times as fast on a large text."""
    # some programs end lines with two carriage returns
    for end in ("\r\r\n", "\r\n", "\r", "\x85", "\u2028", "\u2029"):
        if end in text:
            text = text.replace(end, "\n")
    return text


def _decode_marked(data: bytes, name: str) -> Decoded | None:
    """The text of a file with a byte order mark; None if it has none."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            if encoding == "utf-8-sig":
                data = data[len(mark) :]
                return (
                    _decode_strictly(data) or _decode_mixed(data) or Decoded(data.decode("utf-8", "replace"))
                )
            text = data.decode(encoding, "replace")
            broken = text.count("\ufffd")
            if broken > 1 + len(text) // 100:
                raise CorpusError(f"{name} is broken {encoding.upper()}: save it again, as UTF-8.")
            return Decoded(text)
    return None


# -- UTF-16 and UTF-32 without a mark ---------------------------------------------------------------------


def _decode_wide(data: bytes) -> Decoded | None:
    """UTF-16 or UTF-32 without a mark, in either byte order; None if the bytes make sense in none of them."""
    if b"\0" not in data:
        return None
    nuls = data.count(b"\0")
    ascii_text = len(data) - len(data.translate(None, _PRINTABLE))
    if 4 * nuls < len(data) and 10 * ascii_text > 9 * (len(data) - nuls):  # ASCII with stray NULs
        return None
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
        text = data[:whole].decode(encoding)
    except UnicodeDecodeError:
        return None
    return Decoded(text) if "\0" not in text else None


def _is_odd(character: str) -> bool:
    """Whether texts don't contain this character: a control, surrogate, private or unassigned one."""
    return character not in "\t\n\f\r\x1a\x1b" and unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs")


# -- UTF-8 and the older encodings ------------------------------------------------------------------------


def _decode_bytes(data: bytes, declared: str) -> Decoded | None:
    """The text of bytes without a mark; None if too many are control characters."""
    if b"\0" in data:
        data = _PADDING.sub(b"\0", data).rstrip(b"\0")
    if len(data) - len(data.translate(None, b"\0" + _CONTROLS)) > max(3, len(data) // 50):
        return None
    data = data.replace(b"\0", b"")
    if data.isascii():
        if b"\x1b$" in data and (escaped := _decode_escaped(data)):
            return escaped
        return Decoded(data.decode("ascii"))
    if decoded := _decode_strictly(data):
        return decoded
    if not declared and (stated := _STATED.search(data[:_HEADER])):
        declared = stated[1].decode()
    if decoded := _decode_mixed(data, declared):
        return decoded
    return _decode_older(data, declared)


def _decode_strictly(data: bytes) -> Decoded | None:
    """The text of bytes that are UTF-8 up to the end, where it may be truncated."""
    try:
        return Decoded(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        # truncated inside a character; no text in another encoding ends with such two or three bytes
        if (
            error.reason == "unexpected end of data"
            and error.end == len(data)
            and len(data) - error.start > 1
        ):
            return Decoded(data[: error.start].decode("utf-8"), ("Its last character is cut off.",))
    return None


def _decode_older(data: bytes, declared: str) -> Decoded:
    """The text of bytes that are not UTF-8: in the declared encoding, or else in a guessed one."""
    if declared and not _UTF_8.fullmatch(declared) and (text := _decode_as(data, declared)) is not None:
        return Decoded(text)
    encoding = guess(data)
    if (text := _decode_as(data, encoding)) is None:
        encoding, text = "cp1252", western(data)
    return Decoded(text, (f"No encoding is named: read as {NAMES[encoding]}, a guess. {_HOW_TO_SAY}",))


def _decode_as(data: bytes, encoding: str) -> str | None:
    """The text in this encoding; None if it is not a text encoding or doesn't fit the bytes."""
    try:
        name = codecs.lookup(encoding).name
        if not _OF_BOOKS.match(name):
            return None
        if name in ("ascii", "iso8859-1", "cp1252"):  # a declared Latin-1 is mostly Windows-1252
            return western(data)
        texts = [data.decode(each, "replace") for each in (name, *_WIDER.get(name, ()))]
    except (LookupError, ValueError):  # no such encoding
        return None
    text = min(texts, key=lambda text: text.count("\ufffd"))
    return text if text.count("\ufffd") <= len(text) // 100 + 2 and "\0" not in text else None


# Python's names of text encodings; a page may name others ("hex", "unicode_escape").
_OF_BOOKS = re.compile(r"ascii|iso8859|iso2022|cp\d|koi8|mac-|tis|shift|euc|gb|big5|johab|utf-8|utf-16|hz")
# Encodings with the same characters and more, which many texts need that name the narrow one.
_WIDER = {
    "gb2312": ("gb18030",),
    "gbk": ("gb18030",),
    "big5": ("cp950", "big5hkscs"),
    "big5hkscs": ("cp950",),
    "shift_jis": ("cp932", "shift_jis_2004"),
    "cp932": ("shift_jis_2004",),
    "euc_jp": ("euc_jis_2004",),
    "euc_kr": ("cp949",),
    "tis-620": ("cp874",),
}

# -- UTF-8 with other bytes in it -------------------------------------------------------------------------


def _decode_mixed(data: bytes, declared: str = "") -> Decoded | None:
    """UTF-8 with stray bytes, or with lines in an older encoding; None if it is hardly UTF-8 at all.

    Stray bytes of Windows-1252 become the characters they are there, other damage becomes U+FFFD.
    """
    lines = data.split(b"\n")
    older: list[int] = []
    valid = strays = foreign = 0
    for at, line in stoppable(enumerate(lines)):
        if line.isascii():
            continue
        text = line.decode("utf-8", "replace")
        broken = text.count("\ufffd")
        whole = _beyond_ascii(text) - broken
        if broken > whole:
            older.append(at)
            foreign += broken
        else:
            valid += whole
            strays += broken
    if valid < 4 * (strays + foreign) and valid < max(10, foreign // 10):
        return None
    latin = 2 * len(_LATIN.findall(data)) >= valid
    others = _decode_older(b"\n".join([lines[at] for at in older]), declared)
    texts = dict(zip(older, others.text.split("\n"), strict=False))  # no lines are one empty text
    text = "\n".join(
        [
            texts[at] if at in texts else line.decode("utf-8", _LATIN_STRAYS if latin else "replace")
            for at, line in enumerate(lines)
        ]
    )
    strays -= text.count("\ufffd")
    remarks = []
    if strays > 0:
        remarks.append(f"{count(strays, 'byte')} in Windows-1252 stood in UTF-8: read as such.")
    if older:
        remarks += [f"Other than UTF-8: {count(len(older), 'line')}. {remark}" for remark in others.remarks]
    return Decoded(text, tuple(remarks))


def _beyond_ascii(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))


_LATIN = re.compile(rb"[\xc3-\xc9][\x80-\xbf]|\xe2\x80")  # the UTF-8 of Latin letters and punctuation
_LATIN_STRAYS = "storytime-latin-strays"


def _latin_stray(error: UnicodeError) -> tuple[str, int]:
    """What takes the place of bytes that are not UTF-8, in a text in Latin script."""
    assert isinstance(error, UnicodeDecodeError)
    data, start = error.object, error.start
    if error.end - start > 1 and data[start] in b"\xe2\xf0":  # a truncated quote, dash or emoji
        return "\ufffd", error.end
    return data[start : start + 1].decode("cp1252", "replace"), start + 1


codecs.register_error(_LATIN_STRAYS, _latin_stray)


# -- ISO-2022 ---------------------------------------------------------------------------------------------


def _decode_escaped(data: bytes) -> Decoded | None:
    """The text of 7-bit bytes that switch between character sets by escape sequences, as Japanese e-mail does."""
    texts = [data.decode(encoding, "replace") for encoding in _ESCAPED]
    text = min(texts, key=lambda text: text.count("\ufffd"))
    return Decoded(text) if 10 * text.count("\ufffd") <= len(text) else None


_ESCAPED = ("iso2022_jp_ext", "iso2022_jp_2004", "iso2022_jp_2", "iso2022_kr")
