"""What the user prefers: typed, in TOML, and read value by value, so that one mistake costs one setting.

The file is the user's: people edit it by hand, and two apps may change it at once. What is wrong in it is named, and
the usual value holds; what a change does not concern stays as it is written.
"""

import contextlib
import dataclasses
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storytime_tui import paths, small_files
from storytime_tui.errors import StorytimeError
from storytime_tui.generation.sampling.presets import PRESETS
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.models.catalogue import default_base, resolve_base


@dataclass(frozen=True)
class Settings:
    """Preferences. Knobs of one run are in its plan; these are what a new plan or story begins with."""

    base: str = field(default_factory=default_base)
    device: str = "auto"
    theme: str = "storytime"
    preset: str = "lively"  # how stories are told (generation.presets), but for the next six
    temperature: float = 0.6
    top_p: float = 0.9
    min_p: float = 0.1
    repetition: float = 1.05
    max_tokens: int = 200
    finish_sentence: bool = True


SAMPLER = ("temperature", "top_p", "min_p", "repetition", "max_tokens", "finish_sentence")
_KINDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
_TYPES: dict[str, Any] = {each.name: each.type for each in dataclasses.fields(Settings)}
_LARGEST = 100_000  # bytes of the file
_LONGEST = 4096  # letters of a text: a base may be a path
_MOST_TROUBLES = 5  # that are told one by one
_PATIENCE = 10.0  # seconds to wait for another program that writes its own change


@dataclass(frozen=True)
class Loaded:
    """The settings that hold, and one sentence for each thing in the file that could not be used."""

    settings: Settings = field(default_factory=Settings)
    troubles: tuple[str, ...] = ()


def load_settings() -> Loaded:
    """Read the settings file; the usual values where there is none, and for what is wrong in it."""
    path = paths.settings_file()
    try:
        found = small_files.read_toml(path, _LARGEST)
    except FileNotFoundError:
        return Loaded()
    except small_files.UnreadableFile as error:
        return Loaded(troubles=(f"The settings file is left out, and the usual settings hold. {error}",))
    usual = Settings()
    values: dict[str, Any] = {}
    troubles: list[str] = []
    for key, value in found.items():
        if key not in _TYPES:
            troubles.append(
                f"The settings file {path} has an unknown setting {_shown(key)}; there are {', '.join(_TYPES)}."
            )
            continue
        try:
            values[key] = _checked(key, value)
        except StorytimeError as error:
            wrong = str(error).rstrip(".")
            troubles.append(f"In the settings file {path}, {wrong}; {getattr(usual, key)!r} is used.")
    if len(troubles) > _MOST_TROUBLES:
        more = len(troubles) - _MOST_TROUBLES
        troubles[_MOST_TROUBLES:] = [f"So it is with {more:,} more settings in {path}."]
    return Loaded(Settings(**values), tuple(troubles))


def change_settings(changed: Mapping[str, object]) -> str:
    """Write some settings into the file; all else in it stays, unknown keys and comments too.

    A file that is no TOML is kept beside it under another name, which the returned sentence says ("" otherwise).
    Raises StorytimeError where the file cannot be written, or another program holds it for ten seconds.
    """
    from storytime_tui import files

    path = paths.settings_file()
    busy = StorytimeError(
        f"The settings in {path} are being changed by another program: try again in a moment."
    )
    try:
        with files.locked(path.with_name(path.name + ".lock"), busy, patience=_PATIENCE):
            try:
                text = small_files.read_text(path, _LARGEST)
            except FileNotFoundError:
                text = ""
            except small_files.UnreadableFile:
                return _write_anew(path, changed)
            try:
                data = _with_changes(text, changed, path)
            except (small_files.UnreadableFile, RecursionError, ValueError):
                return _write_anew(path, changed)
            # where the file is a link, what it leads to is written
            files.write_atomically(Path(os.path.realpath(path)), data)
            return ""
    except OSError as error:
        raise StorytimeError(files.explain(error, f"saving the settings to {path}")) from error


# -- reading ----------------------------------------------------------------------------------------------


def _checked(key: str, value: object) -> object:
    """The value of a setting as it is used. Raises StorytimeError."""
    kind = _TYPES[key]
    right = isinstance(value, (int, float)) if kind is float else isinstance(value, kind)
    if not right or isinstance(value, bool) != (kind is bool):
        raise StorytimeError(f"{key} is {_shown(value)}, but must be {_KINDS[kind]}")
    if isinstance(value, str):
        if not value.strip() or len(value) > _LONGEST or not value.isprintable():
            raise StorytimeError(f"{key} is {_shown(value)}, but must be a name on one line")
        return _known_name(key, value)
    if isinstance(value, int) and value.bit_length() > 64:  # it may have more digits than Python writes
        raise StorytimeError(f"{key} is {_shown(value)}, which is too large")
    number = float(value) if kind is float else value  # type: ignore[arg-type]
    SamplerSettings(**{key: number})  # type: ignore[arg-type]
    return number


def _known_name(key: str, value: str) -> str:
    if key == "preset":
        if value.casefold() not in PRESETS:
            raise StorytimeError(f"preset is {_shown(value)}, but must be one of {', '.join(PRESETS)}")
        return value.casefold()
    if key == "device" and value != "auto":
        from storytime_tui.training.plan import DEVICES  # most have no device in their settings

        if not re.fullmatch(rf"(?:{'|'.join(DEVICES)})(?::\d{{1,3}})?", value):
            raise StorytimeError(f"device is {_shown(value)}, but must be one of {', '.join(DEVICES)}")
    if key == "base":
        with _refused(f"base is {_shown(value)}, which cannot be used"):
            resolve_base(value)
    return value  # of themes the app knows which there are


@contextlib.contextmanager
def _refused(sentence: str) -> Iterator[None]:
    try:
        yield
    except (StorytimeError, OSError, ValueError) as error:
        raise StorytimeError(f"{sentence}: {error}") from error


def _shown(value: object) -> str:
    """A value for a sentence: short, whatever it is."""
    if isinstance(value, str):
        return repr(value) if len(value) <= 60 else f"{value[:60]!r}… ({len(value):,} letters)"
    if isinstance(value, int) and value.bit_length() > 64:
        return "a huge number"
    if isinstance(value, (dict, list)):
        return "a table" if isinstance(value, dict) else "a list"
    return str(value).lower() if isinstance(value, bool) else str(value)


# -- writing ----------------------------------------------------------------------------------------------


def _with_changes(text: str, changed: Mapping[str, object], path: Path) -> bytes:
    """The file's text with other values for some keys. Raises UnreadableFile for what is no TOML, and what the
    libraries raise for numbers and nesting that they read and cannot write."""
    import tomli_w

    wanted = {**small_files.parse_toml(text, path), **changed}
    # line by line, so that comments stay; what comes of it is checked, since TOML may be written in other ways
    table = re.search(r"^[ \t]*\[", text, re.MULTILINE)
    head, rest = (text[: table.start()], text[table.start() :]) if table else (text, "")
    for key, value in changed.items():
        line = tomli_w.dumps({key: value})
        head, found = re.subn(rf"^[ \t]*{key}[ \t]*=[^\n]*\n?", lambda _, line=line: line, head, flags=re.M)  # type: ignore[misc]
        if not found:
            head += ("" if not head or head.endswith("\n") else "\n") + line
    edited = head + rest
    with contextlib.suppress(small_files.UnreadableFile):
        if small_files.parse_toml(edited, path) == wanted:
            return edited.encode()
    return tomli_w.dumps(wanted).encode()


def _write_anew(path: Path, changed: Mapping[str, object]) -> str:
    """Put what lies at `path` beside it, write a new file, and say so. Raises OSError."""
    import tomli_w

    from storytime_tui import files

    aside, number = path.with_name(path.name + ".broken"), 1
    while os.path.lexists(aside):
        number += 1
        aside = path.with_name(f"{path.name}.broken-{number}")
    os.rename(path, aside)
    files.write_atomically(path, tomli_w.dumps(dict(changed)).encode())
    return f"The settings file could not be read: it is kept as {aside}, and {path} is a new one."
