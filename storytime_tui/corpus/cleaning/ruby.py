"""Readings and notes in Japanese plain text, as Aozora Bunko writes them: only the base text is kept."""

import re

_HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff々〆〇※"
_KANA = "\u3041-\u30ff・　 "
_MARKED = re.compile(r"[｜|]([^｜|《》\n]{1,60})《[^《》\n]{1,60}》")  # ｜base《reading》
_READINGS = re.compile(rf"(?<=[{_HAN}])(?:《[{_KANA}]{{1,60}}》)+")
_ANY_READING = re.compile(r"(?<=\w)(?:《[^《》\n]{1,60}》)+")
_NOTE = re.compile(r"［＃[^［］\n]{0,300}］")
# A character that Shift_JIS lacks, described in a note: by its code, or by plane, row and cell of JIS X 0213.
_DESCRIBED = re.compile(
    r"※［＃[^［］\n]{0,300}?(?:U\+([0-9A-F]{4,5})|([12])-(\d{1,2})-(\d{1,2}))[^［］\n]{0,99}］"
)


def base_text(text: str, *, aozora: bool = False) -> str:
    """A text without the readings in 《》, their marks ｜, and the notes in ［＃］; described characters are put in.

    Unless the text is known to be `aozora`, brackets count as readings only where they hold kana after a Chinese
    character: in Chinese they hold titles.
    """
    if "［＃" in text:
        text = _NOTE.sub("", _DESCRIBED.sub(_character, text))
    if "《" in text:
        text = (_ANY_READING if aozora else _READINGS).sub("", _MARKED.sub(r"\1", text))
    return text


def _character(note: re.Match[str]) -> str:
    if note[1]:
        code = int(note[1], 16)
        return "※" if 0xD800 <= code < 0xE000 else chr(code)
    plane, row, cell = (int(number) for number in note.groups()[1:])
    if not (1 <= row <= 94 and 1 <= cell <= 94):
        return "※"
    data = (b"\x8f" if plane == 2 else b"") + bytes((0xA0 + row, 0xA0 + cell))
    return data.decode("euc_jis_2004", "replace").replace("\ufffd", "※")
