"""Plain texts of Aozora Bunko: the title, the author, the headings and the base text; the frame is left out."""

import re

from storytime_tui.corpus.cleaning.ruby import base_text
from storytime_tui.corpus.document import Document, Heading, LeftOut

_LEGEND = re.compile(
    r"^-{10,}\n【テキスト中に現れる記号について】\n(?:(?!-{10}).*\n){0,60}-{10,}$", re.MULTILINE
)
_SOURCE = re.compile(r"^底本(?:の親本)?[：:].*", re.MULTILINE)
_SITE = re.compile(r"青空文庫|入力[：:]|校正[：:]")
_HEAD = re.compile(r"\s*((?:\S.*\n){2,6})\s*\n")
_TRANSLATOR = re.compile(r".*(?:訳|編|校訂|著作集)$")
_HEADING = re.compile(r"［＃(?:「[^\n]{1,200}?」は)?(?:同行|窓)?([大中小])見出し］")
_LEVELS = {"大": 2, "中": 3, "小": 4}  # below the title: a file holds one work, and these are its chapters


def aozora_document(text: str) -> Document | None:
    """The document of a text of Aozora Bunko, or in its form; None if it is neither."""
    if "底本" not in text and "【テキスト中" not in text:
        return None
    legend = _LEGEND.search(text)
    sources = [match.start() for match in _SOURCE.finditer(text)]
    source = next((at for at in sources if _SITE.search(text, at)), None)
    if legend is None and source is None:
        return None
    left_out = []
    if source is not None:
        left_out.append(_left_out("source and credits", text, source, len(text)))
        text = text[:source]
    if legend is not None and legend.end() <= len(text):
        left_out.insert(0, _left_out("note", text, *legend.span()))
        text = text[: legend.start()] + "\n" * legend[0].count("\n") + text[legend.end() :]
    title = author = ""
    if head := _HEAD.match(text):
        names = [base_text(line, aozora=True).strip() for line in head[1].strip().split("\n")]
        title = names[0]
        author = next((name for name in reversed(names[1:]) if not _TRANSLATOR.fullmatch(name)), names[-1])
        text = title + "\n" * head[0].count("\n") + text[head.end() :]
    lines = text.split("\n")
    headings = [Heading(0, 1)] if title else []
    headings += [
        Heading(at, _LEVELS[mark[1]])
        for at, line in enumerate(lines)
        if (mark := _HEADING.search(line)) and base_text(line, aozora=True).strip()
    ]
    for heading in headings:
        lines[heading.line] = base_text(lines[heading.line], aozora=True).strip()
    return Document(
        base_text("\n".join(lines), aozora=True),
        headings=tuple(headings),
        title=title,
        author=author,
        left_out=tuple(left_out),
    )


def _left_out(reason: str, text: str, start: int, end: int) -> LeftOut:
    first, last = text.count("\n", 0, start) + 1, text.count("\n", 0, end) + 1
    return LeftOut(reason, f"lines {first} to {last}", text[start:end])
