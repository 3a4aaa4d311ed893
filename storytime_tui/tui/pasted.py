"""What a paste or a drop into the terminal means: paths, addresses, a text, or nothing of use. Pure functions."""

import os
import re
import shlex
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

LINE = 120  # signs in one line from which on it is a text, rather than a slip of the hand
_TOO_LONG = 32_000  # signs: no list of paths is that long
_ADDRESS = re.compile(r"https?://\S+$", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\\w")


@dataclass(frozen=True)
class Sources:
    """Files, folders, archives or addresses to import, as `jobs.shelves.add` takes them."""

    sources: tuple[str, ...]


@dataclass(frozen=True)
class Words:
    """A text that could be a story; `title` is what its first line suggests."""

    text: str
    title: str


def read_paste(pasted: str) -> Sources | Words | None:
    """What was pasted: sources where every line of it is one or several; a text where it is longer than a line."""
    text = pasted.replace("\r\n", "\n").replace("\r", "\n").strip()
    sources = sources_of(text)
    if sources:
        return Sources(sources)
    if "\n" in text or len(text) > LINE:
        return Words(text + "\n", _title_of(text))
    return None


def sources_of(text: str) -> tuple[str, ...]:
    """The paths and addresses that a text is made of, one or several a line; () where it is anything else.

    Terminals write what is dropped on them in quotes, with backslashes, as file:// addresses, or as it is.
    """
    if not text or len(text) > _TOO_LONG:
        return ()
    found: list[str] = []
    for line in filter(None, map(str.strip, text.split("\n"))):
        here = _of_line(line)
        if not here:
            return ()
        found += here
    return tuple(dict.fromkeys(found))


def typed_sources(text: str) -> tuple[str, ...]:
    """The same for a line that was asked for: whatever else it holds is taken for one path."""
    text = text.strip()
    bare = text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
    return sources_of(text) or ((os.path.expanduser(bare),) if bare else ())


def _of_line(line: str) -> list[str]:
    if _DRIVE.match(line.lstrip("'\"")):
        return [part.strip("'\"") for part in re.findall(r'"[^"]+"|\'[^\']+\'', line)] or [line]
    try:
        words = shlex.split(line)
    except ValueError:  # a quote that is part of a name
        words = []
    parts = [_source(word) for word in words]
    if parts and all(parts):
        return [part for part in parts if part]
    whole = _source(line)  # a name with spaces, neither quoted nor escaped
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
    """The first line, where it looks like a title; else its first words."""
    first = " ".join(text.split("\n", 1)[0].split())
    if len(first) <= 60:
        return first.strip("#*_ ")
    return " ".join(first[:60].split()[:-1])
