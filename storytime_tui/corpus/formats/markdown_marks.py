"""The marks of Markdown's dialects, rewritten or taken out: MkDocs, Jekyll, Obsidian, Pandoc, Docusaurus, GitHub."""

import re
from collections.abc import Iterator

from storytime_tui.corpus.formats.markup_left import Omission
from storytime_tui.stopping import stoppable

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})([^`]*)$")
_NOTE = re.compile(r" {0,3}\[\^[^\]\s]{1,60}\]:")  # [^1]: begins a note
_BOX = re.compile(r'(?:!!!|\?\?\?\+?|={3})(?: +(?!")([a-z][\w-]*(?: [a-z][\w-]*)*))?(?: +"(.*)")?')  # MkDocs
_DIV = re.compile(r" {0,3}:{3,}[ \t]*(.*?)[ \t]*:*")  # Pandoc's, Docusaurus', VuePress'
_DIV_KIND = re.compile(r"(?:\{[^{}]*\}|[a-z][\w-]*)?(?:\[(.*)\]|[ \t]+(.*))?(?:\{[^{}]*\})?")
_CALLOUT = re.compile(r"((?: {0,3}> ?)+)\[!([\w-]{1,30})\][+-]?[ \t]*")  # GitHub's, Obsidian's
_ATTRIBUTE = (
    r"""(?:[.#][\w:-]{1,100}|[\w:-]{1,100}=(?:"[^"{}\n]{0,300}"|'[^'{}\n]{0,300}'|[^\s"'{}]{1,300}))"""
)
_LABEL = rf"\{{ ?:? ?{_ATTRIBUTE}(?: {{1,3}}{_ATTRIBUTE}){{0,20}} ?\}}|\{{:[^{{}}\n]{{0,300}}\}}"
_TEMPLATE = r"\{%[^\n]{0,500}?%\}|\{\{[<%]?[^{}\n]{0,500}?[>%]?\}\}"
_MARKS = (  # a reason, and what is taken out for it; "" is not shown by the dialect, and needs no reason
    ("formatting mark", re.compile(_LABEL)),
    ("template mark", re.compile(_TEMPLATE)),
    ("note mark", re.compile(r"\[\^[^\]\s]{1,60}\]")),
    ("formatting mark", re.compile(r"(?<=\S)[ \t]\^[A-Za-z0-9-]{1,40}$")),  # Obsidian's name of a paragraph
    ("", re.compile(r"%%[^%\n]{0,1000}%%")),  # Obsidian's comments
    ("picture", re.compile(r"!\[\[[^\[\]\n]{1,300}\]\]")),
)
_INLINE_NOTE = re.compile(r"(?<!\\)\^\[((?:[^\[\]\n]|\[[^\[\]\n]{0,300}\]){1,2000})\]")
_WIKI_LINK = re.compile(r"\[\[([^\[\]|#\n]{0,200})(#[^\[\]|\n]{1,200})?(?:\|([^\[\]\n]{1,300}))?\]\]")
_HIGHLIGHT = re.compile(r"==(?=[^\s=])([^=\n]{1,1000}?)(?<=\S)==")
_SPAN = re.compile(rf"(?<!\])\[([^\[\]\n]{{1,500}})\](?=\{{ ?:? ?{_ATTRIBUTE})")  # Pandoc's [text]{.class}
_ALONE = re.compile(
    r"\[TOC\]|\[\[_?TOC_?\]\]|\\(?:newpage|pagebreak|clearpage|tableofcontents|vspace\{[^{}]*\})|--8<-- .*"
    r"|<(?:!-- ?)?(?:more|pagebreak|toc)(?: ?--)?>",
    re.IGNORECASE,
)
_TAGS = re.compile(r"(?:#[a-z][\w/-]{1,60}[ \t,]*){1,30}")
_MARKED = re.compile(r"[\[{=^%]")
_RULE = re.compile(r"(?:-{2,}|={2,})[ \t]*")
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»*_)]*[ \t]*$")
_LONGEST_HEADING = 100  # characters; a longer line above a row of dashes is a paragraph
_LONG = 120  # characters; an indented line this long is a paragraph and no code


class _Lines:
    """The lines to parse, each with its line in the file, and what was taken out."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.numbers: list[int] = []
        self.left_out: list[Omission] = []

    def add(self, line: str, number: int) -> None:
        self.lines.append(line)
        self.numbers.append(number)

    def leave_out(self, reason: str, number: int, text: str) -> None:
        if text.strip():
            self.left_out.append(Omission(reason, number, number, text.strip()))


def without_marks(lines: list[str], first: int) -> tuple[list[str], list[int], list[Omission]]:
    """Lines as CommonMark, each one's line in the file, and what was taken out. `first`: the first line's number."""
    made = _Lines()
    fence = ""
    boxes = 0
    for number, line in stoppable(_without_notes(lines, first, made)):
        index = number - first
        if fence:
            made.add(_dedented(line, 4 * boxes), number)
            if (
                (found := _FENCE.fullmatch(made.lines[-1]))
                and found[1].startswith(fence)
                and not found[2].strip()
            ):
                fence = ""
            continue
        if line.strip():
            boxes = min(boxes, _indent(line) // 4)
        line = _dedented(line, 4 * boxes)
        if found := _FENCE.fullmatch(line):
            if not found[2].strip() and _is_alone(lines, index):
                made.add("* * *", number)  # a row of waves as a break
                continue
            fence = found[1]
            made.add(line, number)
        elif (found := _BOX.fullmatch(line.strip())) and _indent(line) < 4 and _holds(lines, index, boxes):
            boxes += 1
            made.leave_out("formatting mark", number, found[1] or "")
            _add_title(made, found[2] or "", number)
        elif line.lstrip().startswith(":::") and (found := _DIV.fullmatch(line)):
            _add_div(made, found[1], line, number)
        elif _ALONE.fullmatch(line.strip()) or (_TAGS.fullmatch(line.strip()) and _is_alone(lines, index)):
            reason = "tags" if line.lstrip().startswith("#") else "formatting mark"
            made.leave_out(reason, number, line)
            made.add("", number)
        else:
            _add_text(made, lines, index, line, number)
    return made.lines, made.numbers, made.left_out


def _without_notes(lines: list[str], first: int, made: _Lines) -> Iterator[tuple[int, str]]:
    """The lines outside of notes. A note ends before a line that is not indented and follows a blank one."""
    in_note = after_blank = False
    fence = ""
    for number, line in enumerate(lines, first):
        blank = not line.strip()
        if not in_note and (found := _FENCE.fullmatch(line)):
            fence = "" if fence and found[1].startswith(fence) else fence or found[1]
        if not fence and _NOTE.match(line):
            in_note = True
        elif in_note and after_blank and not blank and line[0] not in " \t":
            in_note = False
        if not in_note or blank:
            yield number, line
        else:
            made.leave_out("note", number, line)
        after_blank = blank


def _add_title(made: _Lines, title: str, number: int) -> None:
    made.add("", number)
    if title.strip():
        made.add(title.strip(), number)
        made.add("", number)


def _add_div(made: _Lines, named: str, line: str, number: int) -> None:
    """A line of colons that begins or ends a box: its title stays, its kind goes."""
    kind = _DIV_KIND.fullmatch(named)
    if kind is None:
        made.add(line, number)
        return
    title = kind[1] or kind[2] or ""
    made.leave_out(
        "formatting mark", number, named[: len(named) - len(title)] if kind[2] else named.partition("[")[0]
    )
    _add_title(made, title, number)


def _add_text(made: _Lines, lines: list[str], index: int, line: str, number: int) -> None:
    """A line of text, its marks taken out."""
    before = made.lines[-1] if made.lines else ""
    if _RULE.fullmatch(line) and (_SENTENCE_END.search(before) or len(before) > _LONGEST_HEADING):
        made.add("", number)  # a break below a paragraph, which would be a heading
        line = "* * *"
    elif _indent(line) >= 4 and not before.strip() and _is_paragraph(lines, index, line):
        line = line.lstrip()
    elif line.startswith("| ") and not line.rstrip().endswith("|") and not _is_row(before):
        line = f"{_verse(line[2:])}\\"
        if not (index + 1 < len(lines) and lines[index + 1].startswith("| ")):
            line = line[:-1]
    if callout := _CALLOUT.match(line):
        made.leave_out("formatting mark", number, callout[2])
        rest = line[callout.end() :]
        line = f"{callout[1]}{rest}"
        if rest.strip():
            made.add(_inline(made, line, number), number)
            line = callout[1].rstrip()
    shown = _inline(made, line, number) if _MARKED.search(line) else line
    if shown.strip() or not line.strip():
        made.add(shown, number)


def _inline(made: _Lines, line: str, number: int) -> str:
    """A line without the marks inside it. What is between backticks is code, and stays."""
    pieces = re.split(r"(`+[^`\n]*`+)", line) if "`" in line else [line]
    return "".join(piece if at % 2 else _piece(made, piece, number) for at, piece in enumerate(pieces))


def _piece(made: _Lines, text: str, number: int) -> str:
    def note(found: re.Match[str]) -> str:
        made.leave_out("note", number, found[1])
        return ""

    text = _INLINE_NOTE.sub(note, text)
    text = _SPAN.sub(r"\1", text)
    for reason, pattern in _MARKS:
        if reason:
            for found in pattern.findall(text):
                made.leave_out(reason, number, found)
        text = pattern.sub("", text)
    text = _WIKI_LINK.sub(lambda link: link[3] or link[1] or (link[2] or "")[1:], text)
    return _HIGHLIGHT.sub(r"\1", text)


# -- what lines are ---------------------------------------------------------------------------------------


def _indent(line: str) -> int:
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip(" "))


def _dedented(line: str, columns: int) -> str:
    if not columns:
        return line
    expanded = line.expandtabs(4)
    return expanded[min(columns, _indent(line)) :]


def _holds(lines: list[str], index: int, boxes: int) -> bool:
    """Whether indented lines follow."""
    after = next((line for line in lines[index + 1 : index + 4] if line.strip()), "")
    return _indent(after) >= 4 * (boxes + 1)


def _is_alone(lines: list[str], index: int) -> bool:
    """Whether the lines before and after are blank."""
    return (
        not "".join(lines[max(0, index - 1) : index]).strip()
        and not "".join(lines[index + 1 : index + 2]).strip()
    )


def _is_paragraph(lines: list[str], index: int, line: str) -> bool:
    """Whether an indented line begins a paragraph and is no code: it is long, or goes on without an indent."""
    after = lines[index + 1] if index + 1 < len(lines) else ""
    return len(line) > _LONG or (
        bool(after.strip()) and _indent(after) < 4 and after.lstrip()[:1] not in "#>|-*+"
    )


def _is_row(line: str) -> bool:
    return line.count("|") > 1


def _verse(line: str) -> str:
    """A line of verse that keeps how far it is set in."""
    words = line.lstrip(" ")
    return "&nbsp;" * (len(line) - len(words)) + words
