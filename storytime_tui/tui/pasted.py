"""Recognises what was pasted or dropped on the terminal: paths, addresses, a text, or none of these. Pure functions."""

import os
import re
import shlex
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

LINE = 120  # characters; a longer line is a text
_TOO_LONG = 32_000  # characters; no list of paths is longer
_ADDRESS = re.compile(r"https?://\S+$", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\\w")


@dataclass(frozen=True)
class Sources:
    """Files, folders, archives or addresses to import, as for `jobs.shelves.add`."""

    sources: tuple[str, ...]


@dataclass(frozen=True)
class PastedText:
    """A text that may be a story; `title` is suggested by its first line."""

    text: str
    title: str


def read_paste(pasted: str) -> Sources | PastedText | None:
    """Sources if every line consists of them; else a text if it is longer than a line; else None."""
    text = pasted.replace("\r\n", "\n").replace("\r", "\n").strip()
    sources = sources_of(text)
    if sources:
        return Sources(sources)
    if "\n" in text or len(text) > LINE:
        return PastedText(text + "\n", _title_of(text))
    return None


def sources_of(text: str) -> tuple[str, ...]:
    """The paths and addresses in a text of nothing else, one or more per line; else ().

    Terminals write dropped files in quotes, with backslashes, as file:// addresses, or unchanged.
    """
    if not text or len(text) > _TOO_LONG:
        return ()
    found: list[str] = []
    for line in filter(None, map(str.strip, text.split("\n"))):
        sources = _of_line(line)
        if not sources:
            return ()
        found += sources
    return tuple(dict.fromkeys(found))


def typed_sources(text: str) -> tuple[str, ...]:
    """Like `sources_of` for an answer to a question: any other text counts as one path."""
    text = text.strip()
    bare = text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
    return sources_of(text) or ((os.path.expanduser(bare),) if bare else ())


def _of_line(line: str) -> list[str]:
    if _DRIVE.match(line.lstrip("'\"")):
        return [part.strip("'\"") for part in re.findall(r'"[^"]+"|\'[^\']+\'', line)] or [line]
    try:
        words = shlex.split(line)
    except ValueError:  # the quote belongs to the name
        words = []
    parts = [_source(word) for word in words]
    if parts and all(parts):
        return [part for part in parts if part]
    whole = _source(line)  # an unquoted name with spaces
    return [whole] if whole else []


def _source(word: str) -> str | None:
    if _ADDRESS.match(word):
        return word
    if word[:7].casefold() == "file://":
        parts = urlsplit(word)
        path = unquote(parts.path)
        if parts.netloc not in ("", "localhost"):
            return None
        return path[1:] if re.match(r"/[A-Za-z]:/", path) else path
    if word.startswith(("/", "~/", "./", "../")) and len(word) > 2:
        return os.path.expanduser(word)
    return None


def _title_of(text: str) -> str:
    """The first line if it is short, else its first words."""
    first = " ".join(text.split("\n", 1)[0].split())
    if len(first) <= 60:
        return first.strip("#*_ ")
    return " ".join(first[:60].split()[:-1])
