"""Mending of double-encoded text: UTF-8 that was read as another encoding and saved so ("cafÃ©" for "café")."""

import re

from storytime_tui.stopping import stoppable

# What often-used characters become in UTF-8 read as Windows-1252, Latin-1, Windows-1250 or 1251, Mac Roman, DOS 437.
# Most books have none of these; where some are, ftfy decides.
_TELLTALES = (
    *("Ã", "Â", "Ă", "â€", "â\x80", "‚Ä", "ΓÇ", "├", "√", "вЂ", "ï»", "ï¼", "ã€", "ã\x80"),
    *("Ð", "Ñ", "Ñ\x80", "Р°", "Рѕ", "Î¿", "Ø§", "à¸", "ì", "×", "Å", "Ä"),
)
# A quote after a word in capitals ("MANHÃ”"), not UTF-8; only beside surer signs is it taken for that.
_DOUBTFUL = re.compile("[ÂÃ][”’“‘»«…—–!?.\u00a0]")
_LOST = re.compile(
    "â€(?:\ufffd|(?=[\\s.,;:!?)]|$))"
)  # a closing quote: Windows-1252 lacks its last byte, 0x9D


def mended(text: str) -> tuple[str, int]:
    """A text with double-encoded characters mended, and the number of mended lines. Nothing else is changed."""
    if text.isascii() or not _is_suspect(_beyond_ascii(text)):
        return text, 0
    from ftfy import fix_encoding
    from ftfy.badness import is_bad

    lines = text.split("\n")
    opening = "â€œ" in text
    places: dict[int, str] = {}
    sure = False
    for at, line in stoppable(enumerate(lines)):
        if line.isascii() or not _is_suspect(line):
            continue
        whole = _LOST.sub("â€\x9d", line) if opening else line
        fixed = fix_encoding(whole)
        if fixed != whole:
            places[at] = fixed
            sure = sure or is_bad(_DOUBTFUL.sub("", whole))
    if not sure:
        return text, 0
    for at, fixed in places.items():
        lines[at] = fixed
    return "\n".join(lines).removeprefix("\ufeff"), len(places)


def _is_suspect(text: str) -> bool:
    return any(sign in text for sign in _TELLTALES)


def _beyond_ascii(text: str) -> str:
    """The characters beyond ASCII: few in most books, so that looking for signs in them takes no time."""
    return text.encode("utf-8", "replace").translate(None, bytes(range(0x80))).decode("utf-8")
