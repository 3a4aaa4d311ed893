"""The program's own parts: versions, settings, the starter."""

import importlib.metadata
import platform
import re
from collections.abc import Iterator, Sequence

from storytime_tui import __version__, paths, small_files
from storytime_tui.jobs.checkup.finding import Finding
from storytime_tui.models.catalogue import STARTER, bases
from storytime_tui.settings import LEFT_OUT

PACKAGES = ("textual", "torch", "transformers", "tokenizers", "safetensors", "huggingface-hub", "numpy")
_MOST_MISTAKES = 20  # that are told one by one


def versions() -> Iterator[Finding]:
    """The version of the program, of Python and of each package that it stands on."""
    yield Finding("storytime-tui", __version__)
    yield Finding("python", f"{platform.python_version()} on {platform.platform(terse=True)}")
    for package in PACKAGES:
        try:
            yield Finding(package, importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(
                package, "missing", well=False, advice="Install storytime-tui again, with pip or pipx."
            )


def settings_findings(mistakes: Sequence[str]) -> Iterator[Finding]:
    """A finding for each entry of the settings file that cannot be used; one if all is well."""
    path = paths.settings_file()
    if not mistakes:
        yield Finding(
            "settings file", "valid" if small_files.is_regular(path) else "none: the defaults apply"
        )
    for mistake in mistakes[:_MOST_MISTAKES]:
        yield Finding(
            "settings file",
            mistake.removeprefix(f"In the settings file {path}: ").removeprefix("In the settings file, "),
            well=False,
            advice=_advice(mistake),
        )
    if len(mistakes) > _MOST_MISTAKES:
        more = len(mistakes) - _MOST_MISTAKES
        yield Finding(
            "settings file",
            f"{more:,} more entries cannot be used",
            well=False,
            advice=f"Correct or delete them in {path}; without the file the defaults apply.",
        )


def _advice(mistake: str) -> str:
    """What to do about one mistake; one of TOML costs the whole file."""
    path = paths.settings_file()
    if not mistake.startswith(LEFT_OUT):
        return f"Correct or delete this line in {path}; without it the default applies."
    line = re.search(r"\(at line (\d+)", mistake)
    what = f"line {line[1]} of {path}" if line else str(path)
    return f"Correct {what}; until then all settings have their defaults."


def starter_finding() -> Finding:
    """The starter may be missing in a checkout; the program works without it."""
    starter = next((base for base in bases() if base.name == STARTER), None)
    if starter is None:
        return Finding("starter", "missing in this copy; the default base is scratch-small")
    return Finding("starter", f"present, {starter.parameters / 1e6:,.1f} million parameters")
