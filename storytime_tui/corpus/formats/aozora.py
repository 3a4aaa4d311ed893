"""The marks of Aozora Bunko's texts: readings in 《》, their beginnings ｜, and typesetters' notes in ［＃］."""

import re

# A reading follows its word and is in kana. Chinese titles stand in the same brackets, but are not in kana.
_READING = re.compile(
    r"(?<=[^\s。、「」『』（）《》｜])《[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f\u3000 ・]{1,60}》"
)
_MARKED = re.compile(r"｜([^《》｜\n]{1,60})《([^《》\n]{1,60})》")
_CHARACTER = re.compile(r"※?［＃[^［］\n]{0,200}?U\+([0-9A-Fa-f]{4,5})[^［］\n]{0,100}］")
_NOTE = re.compile(r"［＃[^［］\n]{0,400}］")


def without_aozora_marks(text: str) -> tuple[str, list[str]]:
    """A text without these marks, and what was taken out of it.

    A character that is described by its code point (※［＃…、U+5653、…］) is written.
    """
    if "［＃" not in text and "《" not in text:
        return text, []
    gone: list[str] = []

    def taken(match: re.Match[str]) -> str:
        gone.append(match[0])
        return ""

    def base(match: re.Match[str]) -> str:
        gone.append(f"《{match[2]}》")
        return match[1]

    def character(match: re.Match[str]) -> str:
        code = int(match[1], 16)
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            return taken(match)
        gone.append(match[0])
        return chr(code)

    text = _NOTE.sub(taken, _CHARACTER.sub(character, text))
    return _READING.sub(taken, _MARKED.sub(base, text)), gone
