"""The marks of Aozora Bunko's texts: readings in 《》, their beginnings ｜, and typesetters' notes in ［＃］."""

import re

# A reading follows its word and is in kana. Chinese titles stand in the same brackets, but are not in kana.
_BASE = "\u3005-\u3007\u3400-\u9fff\uf900-\ufaff〻仝ヶヵA-Za-zＡ-Ｚａ-ｚ"
_KANA = "\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f\u3000 ・"
_READING = re.compile(f"(?<=[{_BASE}])(?:《[{_KANA}]{{1,60}}》)+")
_MARKED = re.compile(r"[｜|]([^《》｜|\n]{1,60})《([^《》\n]{1,60})》")
_CHARACTER = re.compile(
    r"※?［＃[^［］\n]{0,200}?(U\+[0-9A-Fa-f]{4,5}|第[34]水準[12]-\d{1,2}-\d{1,2})[^［］\n]{0,100}］"
)
_CODE = re.compile(r"U\+([0-9A-Fa-f]{4,5})|第[34]水準([12])-(\d{1,2})-(\d{1,2})")
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
        return taken(match) or described_character(match[1])

    text = _NOTE.sub(taken, _CHARACTER.sub(character, text))
    return _READING.sub(taken, _MARKED.sub(base, text)), gone


def described_character(text: str) -> str:
    """The character whose code point, or place in JIS X 0213, a description names; "" if it names none."""
    code = _CODE.search(text)
    if code is None:
        return ""
    try:
        if code[1]:
            return bytes.fromhex(f"{int(code[1], 16):08x}").decode("utf-32-be")
        plane = b"\x8f" if code[2] == "2" else b""
        return (plane + bytes((0xA0 + int(code[3]), 0xA0 + int(code[4])))).decode("euc_jis_2004")
    except (UnicodeDecodeError, ValueError):
        return ""
