"""What the user prefers: typed, in TOML, validated."""

import dataclasses
import tomllib
from dataclasses import dataclass, field
from typing import Any

from storytime_tui import paths
from storytime_tui.errors import StorytimeError
from storytime_tui.models.catalogue import default_base


@dataclass(frozen=True)
class Settings:
    """Preferences. Knobs of one run are in its plan; these are what a new plan or story begins with."""

    base: str = field(default_factory=default_base)
    device: str = "auto"
    theme: str = "storytime"
    preset: str = "lively"  # how stories are told (generation.presets), but for the next five
    temperature: float = 0.75
    top_p: float = 0.95
    min_p: float = 0.05
    repetition: float = 1.05
    max_tokens: int = 200
    finish_sentence: bool = True


_KINDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def load_settings() -> Settings:
    """Read the settings file; the defaults where there is none.

    Raises StorytimeError naming the file and the line's key for what is not TOML, unknown or of a wrong kind.
    """
    path = paths.settings_file()
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StorytimeError(
            f"The settings file {path} is not valid TOML: {error}. Mend or remove it."
        ) from error
    except OSError as error:
        raise StorytimeError(f"The settings file {path} cannot be read: {error.strerror}.") from error
    known: dict[str, Any] = {each.name: each.type for each in dataclasses.fields(Settings)}
    for key, value in values.items():
        if key not in known:
            raise StorytimeError(
                f"The settings file {path} has an unknown setting {key!r}; there are {', '.join(known)}."
            )
        right = isinstance(value, (int, float)) if known[key] is float else isinstance(value, known[key])
        if not right or isinstance(value, bool) != (known[key] is bool):
            kind = _KINDS[known[key]]
            raise StorytimeError(f"In the settings file {path}, {key} is {value!r}, but must be {kind}.")
    return Settings(**values)


def save_settings(settings: Settings) -> None:
    """Write the settings file, atomically. Raises StorytimeError where it cannot be written."""
    import tomli_w  # the app reads its settings before its first frame, and writes them much later

    from storytime_tui import files

    path = paths.settings_file()
    try:
        files.write_atomically(path, tomli_w.dumps(dataclasses.asdict(settings)).encode())
    except OSError as error:
        raise StorytimeError(files.explain(error, f"saving the settings to {path}")) from error
