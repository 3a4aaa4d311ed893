"""What the user prefers: typed, in TOML, and read value by value, so that one mistake costs one setting.

The file is the user's: people edit it by hand, and two apps may change it at once. What is wrong in it is named, and
the usual value holds; what a change does not concern stays as it is written.
"""

import contextlib
import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storytime_tui import paths, small_files
from storytime_tui.errors import StorytimeError
from storytime_tui.generation.computing import Computing
from storytime_tui.generation.sampling.presets import PRESETS
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.knobs import from_toml, knob, parse, same_as, shown, table
from storytime_tui.models.catalogue import default_base, resolve_base, whole_name

_LONGEST = 4096  # letters of a text: a base may be a path


def _is_name(text: str) -> bool:
    return bool(text.strip()) and len(text) <= _LONGEST and text.isprintable()


TOUR = ("new", "read", "watch", "train", "write", "done")  # the steps of the tour, in order

_NAME: dict[str, Any] = {"holds": _is_name, "allowed": "a name on one line"}


@dataclass(frozen=True)
class Settings:
    """Preferences. Knobs of one run are in its plan; these are what a new plan or story begins with."""

    # a table, one knob a line
    # fmt: off
    theme: str = knob("storytime", "the colours of the app", "app", **_NAME)  # the app knows which there are
    words_per_minute: int = knob(0, "how fast told words appear; 0 is as fast as they come", "app", 0, 10_000,
        "words a minute", least="full speed", label="reading speed")
    copied_marks: bool = knob(True, "mark told words that stand in the training stories", "app")
    tour: str = knob("new", "the next step of the tour; new begins it, done hides it", "app", choices=TOUR)
    device: str = same_as(Computing, "device", line="the processor to train and to tell on; cuda:1 is the second GPU")
    precision: str = knob("auto", "the number format to train and to tell in", "machine",
        choices=("auto", "bf16", "fp16", "fp32"))
    threads: int = same_as(Computing, "threads", line="cores to train and to tell on; 0 takes all that are free")
    stay_awake: bool = knob(True, "keep the computer awake while a run trains", "machine", label="keep awake")
    base: str = knob(default_base, "the model that a new plan begins with", "training", **_NAME)
    quotes: str = knob("plain", "curly quotes and dashes of added texts: made plain, or left as written", "texts",
        choices=("plain", "as written"))
    preset: str = knob("lively", "how stories are told, where nothing below says otherwise", "telling",
        choices=tuple(PRESETS))
    temperature: float = same_as(SamplerSettings, "temperature")
    top_k: int = same_as(SamplerSettings, "top_k")
    top_p: float = same_as(SamplerSettings, "top_p")
    min_p: float = same_as(SamplerSettings, "min_p")
    typical: float = same_as(SamplerSettings, "typical")
    xtc: float = same_as(SamplerSettings, "xtc")
    xtc_threshold: float = same_as(SamplerSettings, "xtc_threshold")
    mirostat: float = same_as(SamplerSettings, "mirostat")
    mirostat_rate: float = same_as(SamplerSettings, "mirostat_rate")
    repetition: float = same_as(SamplerSettings, "repetition")
    repetition_window: int = same_as(SamplerSettings, "repetition_window")
    frequency: float = same_as(SamplerSettings, "frequency")
    presence: float = same_as(SamplerSettings, "presence")
    no_repeat: int = same_as(SamplerSettings, "no_repeat")
    dry: float = same_as(SamplerSettings, "dry")
    dry_base: float = same_as(SamplerSettings, "dry_base")
    dry_allowed: int = same_as(SamplerSettings, "dry_allowed")
    line_ends: int = same_as(SamplerSettings, "line_ends")
    avoid_copying: int = same_as(SamplerSettings, "avoid_copying")
    bias: tuple[tuple[str, float], ...] = same_as(SamplerSettings, "bias")
    banned: tuple[str, ...] = same_as(SamplerSettings, "banned")
    stop: tuple[str, ...] = same_as(SamplerSettings, "stop")
    min_tokens: int = same_as(SamplerSettings, "min_tokens")
    max_tokens: int = same_as(SamplerSettings, "max_tokens")
    end_after: str = same_as(SamplerSettings, "end_after", default="paragraph")
    finish_sentence: bool = same_as(SamplerSettings, "finish_sentence", default=True)
    # fmt: on

    @property
    def computing(self) -> Computing:
        """On what, in which precision and on how many cores stories are told."""
        return Computing(self.device, self.precision, self.threads)

    @property
    def plan(self) -> dict[str, Any]:
        """What a new plan takes from the preferences, besides its base."""
        return {name: getattr(self, name) for name in ("device", "precision", "threads", "stay_awake")}


SAMPLER = tuple(name for name in table(Settings) if name in table(SamplerSettings))  # all but the seed
LEFT_OUT = "The settings file is left out"  # how the trouble with a whole file begins
KEYS = "keys"  # the table of the user's own keys
_LARGEST = 100_000  # bytes of the file
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
        return Loaded(troubles=(f"{LEFT_OUT}, and the usual settings hold. {error}",))
    usual = Settings()
    values: dict[str, Any] = {}
    troubles: list[str] = []
    keys = found.pop(KEYS, {})
    if not isinstance(keys, dict):
        troubles.append(f"In the settings file {path}: {KEYS} must be a table, such as [keys].")
        keys = {}
    for key, value in sorted(found.items(), key=lambda each: each[0] != "preset"):
        try:
            values[key] = _checked(key, value)
            if key == "preset":  # first: it gives values to those that are not set
                usual = Settings(**PRESETS[values[key]][1])
        except StorytimeError as error:
            wrong = str(error)
            if key in table(Settings):
                wrong = f"{wrong.rstrip('.')}; {shown(getattr(usual, key))} is used."
            troubles.append(f"In the settings file {path}: {wrong}")
    return Loaded(dataclasses.replace(usual, **values), tuple(troubles), keys)


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
                return _write_new_file(path, changed) if _is_wanted(changed) else ""
            try:
                data = _with_changes(text, changed, path)
            except (small_files.UnreadableFile, RecursionError, ValueError):
                return _write_new_file(path, changed) if _is_wanted(changed) else ""
            # where the file is a link, what it leads to is written
            files.write_atomically(Path(os.path.realpath(path)), data)
            return ""
    except OSError as error:
        raise StorytimeError(files.explain(error, f"saving the settings to {path}")) from error


def _is_wanted(changed: Mapping[str, object]) -> bool:
    """Whether somebody asked for a change: how far the tour is costs nobody the file that they can still mend."""
    return set(changed) != {"tour"}


def parsed(key: str, text: str) -> Any:
    """The value of a setting from what is typed. Raises StorytimeError."""
    return _usable(key, parse(Settings, key, text))


def _checked(key: str, value: object) -> object:
    """The value of a setting as it is used, from the file's. Raises StorytimeError."""
    return _usable(key, from_toml(Settings, key, value))


def _usable(key: str, held: Any) -> Any:
    if key == "base":
        try:
            resolve_base(held)
        except (StorytimeError, OSError, ValueError) as error:
            raise StorytimeError(f"base is {shown(held)}, which cannot be used: {error}") from error
        return whole_name(held)
    return held


# -- writing ----------------------------------------------------------------------------------------------


def _with_changes(text: str, changed: Mapping[str, object], path: Path) -> bytes:
    """The file's text with other values for some keys; comments, order and all else stay as they are written.

    Raises UnreadableFile for what is no TOML, and what the library raises for what it cannot read.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    wanted = small_files.parse_toml(text, path) | _in_toml(changed)
    with contextlib.suppress(TOMLKitError, small_files.UnreadableFile):
        document = tomlkit.parse(text)
        for key, value in _in_toml(changed).items():
            document[key] = value
        edited = tomlkit.dumps(document)
        if small_files.parse_toml(edited, path) == wanted:  # a library's mistake must not cost a setting
            return edited.encode()
    return _dumped(wanted)


def _in_toml(values: Mapping[str, object]) -> dict[str, Any]:
    """The values as TOML has them: lists for tuples."""
    return {key: _listed(value) for key, value in values.items()}


def _listed(value: object) -> object:
    return [_listed(part) for part in value] if isinstance(value, tuple) else value


def _dumped(values: Mapping[str, object]) -> bytes:
    import tomli_w

    return tomli_w.dumps(_in_toml(values)).encode()


def _write_new_file(path: Path, changed: Mapping[str, object]) -> str:
    """Put what lies at `path` beside it, write a new file, and say so. Raises OSError."""
    from storytime_tui import files

    aside, number = path.with_name(path.name + ".broken"), 1
    while os.path.lexists(aside):
        number += 1
        aside = path.with_name(f"{path.name}.broken-{number}")
    os.rename(path, aside)
    files.write_atomically(path, _dumped(changed))
    return f"The settings file could not be read: it is kept as {aside}, and {path} is a new one."
