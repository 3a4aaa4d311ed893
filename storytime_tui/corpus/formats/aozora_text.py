"""Plain texts with Aozora Bunko's marks: the base text alone; the frame of its books is left out."""

import re

from storytime_tui.corpus.document import Document, Heading, LeftOut
from storytime_tui.corpus.formats.aozora import without_aozora_marks

_LEGEND = re.compile(
    r"^-{10,}\n【テキスト中に現れる記号について】\n(?:(?!-{10}).*\n){0,60}-{10,}$", re.MULTILINE
)
_SOURCE = re.compile(r"^底本(?:の親本)?[：:].*", re.MULTILINE)
_SITE = re.compile(r"青空文庫|入力[：:]|校正[：:]")
_HEAD = re.compile(r"\s*((?:\S.*\n){2,6})\s*\n")
_TRANSLATOR = re.compile(r".*(?:訳|編|校訂|著作集)$")
_HEADING = re.compile(r"［＃(?:「[^\n]{1,200}?」は)?(?:同行|窓)?([大中小])見出し］")
_LEVELS = {"大": 2, "中": 3, "小": 4}  # below the title: a file holds one work, and these are its chapters
_ANY_READING = re.compile(r"(?<=\w)《[^《》\n]{1,60}》")


def aozora_document(text: str) -> Document | None:
    """The document of a text with Aozora Bunko's marks or frame; None if it has neither."""
    if "《" not in text and "［＃" not in text and "底本" not in text:
        return None
    legend = _LEGEND.search(text)
    source = _source(text)
    left_out: list[LeftOut] = []
    title = author = ""
    if source is not None:
        left_out.append(_left_out("credits", text, source, len(text)))
        text = text[:source]
    if legend is not None and legend.end() <= len(text):
        left_out.insert(0, _left_out("note", text, *legend.span()))
        text = text[: legend.start()] + "\n" * legend[0].count("\n") + text[legend.end() :]
    is_framed = bool(left_out)
    if is_framed and (head := _HEAD.match(text)):
        names = [without_aozora_marks(line)[0].strip() for line in head[1].strip().split("\n")]
        title = names[0]
        author = next((name for name in reversed(names[1:]) if not _TRANSLATOR.fullmatch(name)), names[-1])
        text = title + "\n" * head[0].count("\n") + text[head.end() :]
    lines = text.split("\n")
    headings = [Heading(0, 1)] if title else []
    for at, line in enumerate(lines):
        if "《" not in line and "［＃" not in line:
            continue
        lines[at], marks = without_aozora_marks(line)
        if is_framed and "《" in lines[at]:  # a reading in other letters than kana
            marks += _ANY_READING.findall(lines[at])
            lines[at] = _ANY_READING.sub("", lines[at])
        left_out += [LeftOut("typesetting mark", f"line {at + 1}", mark) for mark in marks]
        if (mark := _HEADING.search(line)) and lines[at].strip():
            headings.append(Heading(at, _LEVELS[mark[1]]))
            lines[at] = lines[at].strip()
    if not left_out:
        return None
    return Document(
        "\n".join(lines), headings=tuple(headings), title=title, author=author, left_out=tuple(left_out)
    )


def _source(text: str) -> int | None:
    """Where the lines on the printed book and on who typed it begin; None if there are none."""
    if not _SITE.search(text):
        return None
    places = [match.start() for match in _SOURCE.finditer(text)]
    return next((at for at in places if at > len(text) // 2 or "\n\n\n" not in text[at:]), None)


def _left_out(reason: str, text: str, start: int, end: int) -> LeftOut:
    first, last = text.count("\n", 0, start) + 1, text.count("\n", 0, end) + 1
    return LeftOut(reason, f"lines {first} to {last}", text[start:end])
