"""The data at the head of a Markdown file: YAML, TOML, or a title block of Pandoc or MultiMarkdown."""

import re
from dataclasses import dataclass

from storytime_tui.corpus.formats.markup_left import names

_MOST_LINES = 200  # of front matter
_KEY = re.compile(r"([A-Za-z][\w-]*(?: [\w-]+){0,2})[ \t]*:(?:[ \t]+(.*))?")
_TOML = re.compile(r"""([\w."'-]+)[ \t]*=[ \t]*(.*)""")
_GOES_ON = re.compile(r"[ \t]+\S|-[ \t]|-$|#|[\]}]")  # an indented line, an item, a remark, the end of a list
_QUOTED = re.compile(r"""(["'])(.*)\1""")
# Keys that writers, site makers and note programs use. Other keys count as such if they are in small letters.
_KNOWN = names(
    "title author authors date lang language tags keywords category categories draft slug permalink "
    "layout summary description aliases id created modified updated published status series rating genre "
    "publisher subtitle copyright rights license source url weight toc cover image format css template "
    "bibliography type name"
)


@dataclass(frozen=True)
class FrontMatter:
    """`lines`: how many of the file's lines it takes, 0 if there is none."""

    lines: int = 0
    title: str = ""
    author: str = ""


def front_matter_of(lines: list[str]) -> FrontMatter:
    """The front matter of a file's lines. Lines of dashes around prose, or around nothing, are none."""
    first = lines[0].rstrip() if lines else ""
    if first == "---":
        return _between(lines, ("---", "..."), _KEY, known=True)
    if first == "+++":
        return _between(lines, ("+++",), _TOML, known=False)
    if first.startswith("% ") and not first.endswith((".", "!", "?", ",", ";")):
        return _title_block(lines)
    return _headers(lines)


def _between(lines: list[str], ends: tuple[str, ...], key: re.Pattern[str], *, known: bool) -> FrontMatter:
    """Front matter between a first line of marks and one of `ends`. `known`: at least one key must be a known one."""
    last = next((at for at, line in enumerate(lines[1 : _MOST_LINES + 2], 1) if line.rstrip() in ends), 0)
    fields: dict[str, str] = {}
    keys: list[str] = []
    for line in lines[1:last]:
        if not line.strip() or line.lstrip().startswith("#") or (keys and _GOES_ON.match(line)):
            continue
        found = key.fullmatch(line.rstrip())
        if found is None:
            if not known and line.startswith("["):  # a table of TOML
                continue
            return FrontMatter()
        keys.append(found[1])
        fields.setdefault(found[1].strip("\"'").lower(), found[2] or "")
    if not keys or not lines[1].strip():
        return FrontMatter()
    if known and not all(name.lower() in _KNOWN or name == name.lower() for name in keys):
        return FrontMatter()
    return FrontMatter(last + 1, _plain(fields.get("title", "")), _plain(fields.get("author", "")))


def _title_block(lines: list[str]) -> FrontMatter:
    """Pandoc's: up to three lines that begin with a percent sign."""
    shown = [line[1:].strip() for line in lines[:3]]
    end = next((at for at, line in enumerate(lines[:3]) if not line.startswith("%")), min(3, len(lines)))
    return FrontMatter(
        end,
        shown[0][:300],
        " and ".join(filter(None, map(str.strip, shown[1].split(";"))))[:300] if end > 1 else "",
    )


def _headers(lines: list[str]) -> FrontMatter:
    """MultiMarkdown's: at least two known keys, from the first line to a blank one."""
    fields: dict[str, str] = {}
    at = next((at for at, line in enumerate(lines[:_MOST_LINES]) if not line.strip()), 0)
    for line in lines[:at]:
        found = _KEY.fullmatch(line.rstrip())
        if found is None or found[1].lower() not in _KNOWN or found[1].lower() in fields:
            return FrontMatter()
        fields[found[1].lower()] = found[2] or ""
    if len(fields) < 2 or "title" not in fields:
        return FrontMatter()
    return FrontMatter(at, _plain(fields["title"]), _plain(fields.get("author", "")))


def _plain(value: str) -> str:
    """A field's text without its quotes; "" if it is not a string (a list, a block)."""
    value = value.strip()
    if quoted := _QUOTED.fullmatch(value):
        value = quoted[2]
    elif not value or value[0] in "[{|>&*!":
        return ""
    return " ".join(value.split())[:300]
