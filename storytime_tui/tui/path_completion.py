"""Completes a path that is being typed: where the path begins in the line, which names fit, how they are written.

All but `list_folder` and `complete` are pure.
"""

import os
import re
import shlex
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from storytime_tui.tui.pasted import typed_sources

_MOST = 20_000  # names that are read of a folder
_QUOTES = "'\""
_ANCHORS = ("/", "~", "./", "../")  # what a path begins with that follows another one
_WORD = re.compile(r"""(?: [^\s'"\\] | \\. | '[^']*(?:'|$) | "(?:[^"\\]|\\.)*(?:"|$) | \\$ )+""", re.VERBOSE)
_PIECE = re.compile(r"""\\(.)|'([^']*)(?:'|$)|"((?:[^"\\]|\\.)*)(?:"|$)|([^'"\\]+)""")


@dataclass(frozen=True)
class Entry:
    """A file or a folder."""

    name: str
    is_folder: bool = False

    @property
    def shown(self) -> str:
        """Its name; that of a folder ends with a slash."""
        return self.name + "/" if self.is_folder else self.name


@dataclass(frozen=True)
class TypedPath:
    """The path at the end of a line: the text before it, the folder and the beginning of a name in it, the quotes."""

    before: str
    folder: str  # as typed, with the slash; "" for the program's own folder
    name: str
    quote: str = ""  # a quote or a backslash


@dataclass(frozen=True)
class Completion:
    """The completed line, and the entries that fit if there are several.

    `rest`: the quote that closes the path; the cursor stands before it while the path goes on.
    """

    text: str
    rest: str
    path: TypedPath
    entries: tuple[Entry, ...] = ()  # of the folder
    choices: tuple[Entry, ...] = ()

    def narrowed(self, text: str) -> tuple[Entry, ...]:
        """The entries that fit a line typed since; none where it is about another folder."""
        for path in typed_paths(text):
            if (path.before, path.folder) == (self.path.before, self.path.folder):
                return fitting(self.entries, path.name)
        return ()


ListFolder = Callable[[str], Sequence[Entry]]


def list_folder(folder: str) -> tuple[Entry, ...]:
    """The entries of a folder that can be typed, sorted. May block for long; raises OSError."""
    found = []
    with os.scandir(os.path.expanduser(folder) or ".") as entries:
        for entry in entries:
            if all(unicodedata.category(sign) not in ("Cc", "Cs", "Zl", "Zp") for sign in entry.name):
                found.append(Entry(entry.name, _is_folder(entry)))
            if len(found) == _MOST:
                break
    return tuple(sorted(found, key=lambda entry: (_fold(entry.name), entry.name)))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def complete(
    text: str, list_folder: ListFolder, chosen: Entry | None = None, *, one_path: bool = False
) -> Completion | None:
    """The line with its path completed as far as it is certain, or by the `chosen` entry; None if nothing fits.

    `one_path`: the whole line is one path, without quotes. Blocks while the folder is read. Raises OSError if no folder
    of the line can be read.
    """
    failure: OSError | None = None
    listed = False
    for path in islice(typed_paths(text), 1 if one_path else None):
        try:
            entries = tuple(list_folder(path.folder))
        except OSError as error:
            failure = failure or error
            continue
        listed = True
        choices = (chosen,) if chosen else fitting(entries, path.name)
        if choices:
            one = choices[0] if len(choices) == 1 else None
            name = one.shown if one else _common([each.name for each in choices], path.name)
            text, rest = path.before + path.folder + name, ""
            if not one_path:
                text, rest = written(path, name, goes_on=one is None or one.is_folder)
            return Completion(text, rest, path, entries, () if one else choices)
    if failure is not None and not listed:
        raise failure
    return None


def typed_paths(text: str) -> Iterator[TypedPath]:
    """The paths that a line may end with: the whole line as it stands, and its last word as a shell reads it."""
    body = text.lstrip()
    yield _typed(text[: len(text) - len(body)], "~/" if body == "~" else body, "")
    words = list(_WORD.finditer(text))
    if not words or words[-1].end() < len(text):
        return
    last = words[-1][0]
    shell = "".join(map(_unquoted, _PIECE.finditer(last)))
    quote = last[0] if last[0] in _QUOTES else "\\" if "\\" in last else ""
    before = text[: words[-1].start()]
    follows = len(words) > 1 and shell.startswith(_ANCHORS) and _only_sources(before)
    if follows or (len(words) == 1 and shell != body):
        yield _typed(before, "~/" if shell == "~" else shell, quote)


def _unquoted(piece: re.Match[str]) -> str:
    """What a shell makes of a part of a word: an escaped character, a quoted text or a bare one."""
    escaped, single, double, bare = piece.groups()
    if double is not None:
        return re.sub(r'\\(["\\])', r"\1", double)
    return next((text for text in (escaped, single, bare) if text is not None), "")


def _only_sources(text: str) -> bool:
    try:
        return len(typed_sources(text)) == len(set(shlex.split(text)))
    except ValueError:
        return False


def _typed(before: str, path: str, quote: str) -> TypedPath:
    slash = max(path.rfind("/"), path.rfind(os.sep)) + 1
    return TypedPath(before, path[:slash], path[slash:], quote)


def fitting(entries: Sequence[Entry], name: str) -> tuple[Entry, ...]:
    """The entries whose names begin like this; in any case where none has this one. Hidden ones only after a dot."""
    shown = [entry for entry in entries if name.startswith(".") or not entry.name.startswith(".")]
    exact = tuple(entry for entry in shown if entry.name.startswith(name))
    folded = _fold(name)
    return exact or tuple(entry for entry in shown if _fold(entry.name).startswith(folded))


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _common(names: Sequence[str], typed: str) -> str:
    """What all names begin with, if that is more than what is typed."""
    first, last = min(names), max(names)
    alike = next(
        (at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first)
    )
    return first[:alike] if alike >= len(typed) else typed


def written(path: TypedPath, name: str, *, goes_on: bool) -> tuple[str, str]:
    """The line with this name, in the quotes that were begun or that it needs, and the rest of it after the cursor.

    `goes_on`: more of the path will be typed.
    """
    whole = path.folder + name
    more = "x" if goes_on and not name.endswith("/") else ""  # a space at the end is not the end
    wanted = os.path.expanduser(whole) + more
    styles = {
        "": (whole, ""),
        "\\": (re.sub(r"([\s'\"\\])", r"\\\1", whole), ""),
        '"': ('"' + re.sub(r'(["\\])', r"\\\1", whole), '"'),
        "'": (f"'{whole}", "'"),
    }
    for text, rest in (styles[path.quote], *styles.values()):
        if typed_sources(path.before + text + more + rest)[-1:] == (wanted,):
            return (path.before + text, rest) if goes_on else (path.before + text + rest, "")
    return path.before + whole, ""
