"""What the user prefers: typed, in TOML, and read value by value, so that one mistake costs one setting.

The file is the user's: people edit it by hand, and two apps may change it at once. What is wrong in it is named, and
the usual value holds; what a change does not concern stays as it is written.
"""

import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storytime_tui import paths, small_files
from storytime_tui.errors import StorytimeError
from storytime_tui.generation.sampling.presets import PRESETS
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.knobs import DEVICE, from_toml, knob, same_as, shown, table
from storytime_tui.models.catalogue import default_base, resolve_base

_LONGEST = 4096  # letters of a text: a base may be a path


def _is_name(text: str) -> bool:
    return bool(text.strip()) and len(text) <= _LONGEST and text.isprintable()


TOUR = ("new", "read", "watch", "train", "write", "done")  # the steps of the tour, in order

_NAME: dict[str, Any] = {"holds": _is_name, "allowed": "a name on one line"}


@dataclass(frozen=True)
class Settings:
    """Preferences. Knobs of one run are in its plan; these are what a new plan or story begins with."""

    base: str = knob(default_base, "the model that a new plan begins with", "training", **_NAME)
    device: str = knob("auto", "what a new plan trains on", "training", **DEVICE)
    stay_awake: bool = knob(True, "keep the computer awake while a run trains", "training")
    theme: str = knob("storytime", "the colours of the app", "app", **_NAME)  # the app knows which there are
    tour: str = knob("new", "the next step of the tour; new begins it, done hides it", "app", choices=TOUR)
    preset: str = knob(
        "lively", "how stories are told, but for the next eight", "telling", choices=tuple(PRESETS)
    )
    temperature: float = same_as(SamplerSettings, "temperature")
    top_p: float = same_as(SamplerSettings, "top_p")
    min_p: float = same_as(SamplerSettings, "min_p")
    repetition: float = same_as(SamplerSettings, "repetition")
    max_tokens: int = same_as(SamplerSettings, "max_tokens")
    end_after: str = same_as(SamplerSettings, "end_after", default="paragraph")
    finish_sentence: bool = same_as(SamplerSettings, "finish_sentence", default=True)
    avoid_copying: int = same_as(SamplerSettings, "avoid_copying")
    copied_marks: bool = knob(True, "mark told words that stand in the training stories", "telling")
    words_per_minute: int = knob(
        0, "how fast told words appear; 0 is as fast as they come", "telling", 0, 10_000, least="off"
    )


SAMPLER = tuple(name for name in table(Settings) if name in table(SamplerSettings))
KEYS = "keys"  # the table of the user's own keys
_LARGEST = 100_000  # bytes of the file
_MOST_TROUBLES = 5  # that are told one by one
_PATIENCE = 10.0  # seconds to wait for another program that writes its own change


@dataclass(frozen=True)
class Loaded:
    """The settings that hold, and one sentence for each thing in the file that could not be used."""

    settings: Settings = field(default_factory=Settings)
    troubles: tuple[str, ...] = ()
    keys: Mapping[str, object] = field(default_factory=dict)  # the table [keys]; the app checks it


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
    keys = found.pop(KEYS, {})
    if not isinstance(keys, dict):
        troubles.append(f"In the settings file {path}: {KEYS} must be a table, such as [keys].")
        keys = {}
    for key, value in found.items():
        try:
            values[key] = _checked(key, value)
        except StorytimeError as error:
            wrong = str(error)
            if key in table(Settings):
                wrong = f"{wrong.rstrip('.')}; {shown(getattr(usual, key))} is used."
            troubles.append(f"In the settings file {path}: {wrong}")
    if len(troubles) > _MOST_TROUBLES:
        more = len(troubles) - _MOST_TROUBLES
        troubles[_MOST_TROUBLES:] = [f"{more:,} more settings in {path} cannot be used."]
    return Loaded(Settings(**values), tuple(troubles), keys)


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
                return _write_new_file(path, changed)
            try:
                data = _with_changes(text, changed, path)
            except (small_files.UnreadableFile, RecursionError, ValueError):
                return _write_new_file(path, changed)
            # where the file is a link, what it leads to is written
            files.write_atomically(Path(os.path.realpath(path)), data)
            return ""
    except OSError as error:
        raise StorytimeError(files.explain(error, f"saving the settings to {path}")) from error


def _checked(key: str, value: object) -> object:
    """The value of a setting as it is used. Raises StorytimeError."""
    held = from_toml(Settings, key, value)
    if key == "base":
        try:
            resolve_base(held)
        except (StorytimeError, OSError, ValueError) as error:
            raise StorytimeError(f"base is {shown(held)}, which cannot be used: {error}") from error
    return held


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


def _write_new_file(path: Path, changed: Mapping[str, object]) -> str:
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
