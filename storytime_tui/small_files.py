"""Reading the program's own small files: plans, cards, settings, indexes.

A user may have edited, broken or replaced such a file. So every file is read under one rule: it must be a regular file
of bounded size and of the right format, and every error is one sentence that names the file.
"""

import json
import os
import re
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from storytime_tui.errors import StorytimeError

LIMIT = 4_000_000  # bytes; the largest of these files is far smaller
TOML_LIMIT = 1_000_000  # bytes; tomllib takes seconds for more

# tomllib takes quadratic time for a dotted key such as a.b.c: 40 kB of one take ten seconds.
_PART_OF_KEY = r"""(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+"""
_LONG_KEY = re.compile(rf"(?:^|[\[{{,])[ \t]*+(?:{_PART_OF_KEY}){{20}}", re.MULTILINE)

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
}


class UnreadableFile(StorytimeError):
    """A small file exists but cannot be used; the message is a sentence that names it."""


def read_bytes(path: Path, limit: int = LIMIT) -> bytes:
    """Read a regular file of at most `limit` bytes.

    Never waits on a pipe and never reads an endless device. Raises FileNotFoundError if the file does not exist,
    UnreadableFile for every other error.
    """
    with open_regular(path) as file:
        try:
            data = file.read(limit + 1)  # the reported size cannot be trusted: for files in /proc it is 0
        except OSError as error:
            raise UnreadableFile(f"{path} cannot be read: {_reason(error)}.") from error
    if len(data) > limit:
        raise UnreadableFile(f"{path} cannot be read: it has more than {limit:,} bytes.")
    return data


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading, without ever waiting on a pipe. Raises as `read_bytes`."""
    try:
        # checked before it is opened, because opening a device can have side effects
        _check_regular(path, os.stat(path))
        handle = os.open(
            path,
            os.O_RDONLY
            | getattr(os, "O_NONBLOCK", 0)
            | getattr(os, "O_CLOEXEC", 0)
            | getattr(os, "O_BINARY", 0),
        )
        file = os.fdopen(handle, "rb")
        try:
            _check_regular(path, os.fstat(file.fileno()))
        except BaseException:
            file.close()
            raise
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL character
        raise UnreadableFile(f"{path} cannot be read: {_reason(error)}.") from error
    return file


def read_text(path: Path, limit: int = LIMIT) -> str:
    """Read a small UTF-8 file. Raises FileNotFoundError or UnreadableFile, as `read_bytes`."""
    return decode(read_bytes(path, limit), path)


def read_toml(path: Path, limit: int = TOML_LIMIT) -> dict[str, Any]:
    """Read a small TOML file. Raises FileNotFoundError or UnreadableFile, as `read_bytes`."""
    return parse_toml(read_text(path, limit), path)


def read_json(path: Path, limit: int = LIMIT) -> Any:
    """Read a small JSON file. Raises FileNotFoundError or UnreadableFile, as `read_bytes`."""
    return parse_json(read_text(path, limit), path)


def decode(data: bytes, path: Path | str) -> str:
    """Decode UTF-8 bytes that came from `path`, without a byte-order mark. Raises UnreadableFile."""
    try:
        return data.decode("utf-8-sig")  # some editors write a byte-order mark
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path} cannot be read: it is not UTF-8 text (byte {error.start}).") from error


def parse_toml(text: str, path: Path | str) -> dict[str, Any]:
    """Parse a TOML text that came from `path`. Raises UnreadableFile."""
    if _LONG_KEY.search(text):
        raise UnreadableFile(f"{path} cannot be read: a key in it has too many parts.")
    table: dict[str, Any] = _parsed(tomllib.loads, text, f"{path} is not valid TOML")
    return table


def parse_json(text: str, path: Path | str) -> Any:
    """Parse a JSON text that came from `path`. Raises UnreadableFile."""
    return _parsed(json.loads, text, f"{path} is not valid JSON")


def _parsed(parse: Callable[[str], Any], text: str, trouble: str) -> Any:
    try:
        return parse(text)
    except RecursionError as error:
        raise UnreadableFile(f"{trouble}: its brackets are nested too deep.") from error
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        raise UnreadableFile(f"{trouble}: {_first_line(error)}.") from error
    except ValueError as error:  # Python refuses integers of thousands of digits
        raise UnreadableFile(f"{trouble}: a number in it has too many digits.") from error


def is_regular(path: Path) -> bool:
    """Whether `path` is a regular file, or a link to one."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def kind_of(path: Path) -> str:
    """The kind of file at `path`, for a message: "a pipe", "a folder"."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return "a link that leads nowhere" if os.path.islink(path) else "nothing that can be read"
    return "a file" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "something else")


def _check_regular(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise UnreadableFile(f"{path} cannot be read: it is {kind}, not a file.")


def _reason(error: OSError | ValueError) -> str:
    strerror = getattr(error, "strerror", None)
    text = strerror or str(error) or type(error).__name__
    return text[:1].lower() + text[1:]


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:200].rstrip(".")
