"""`collection.toml`: what a collection is called, where it is from, and what its owner changed about its stories."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from storytime_tui import files
from storytime_tui.errors import CorpusError
from storytime_tui.terminal import printable_line, printable_path

CARD = "collection.toml"
_TEXTS = ("title", "author", "source", "licence", "description", "punctuation")
PUNCTUATION = ("plain", "as written")


@dataclass(frozen=True)
class Card:
    """A collection's card; every field may be left out of the file.

    `punctuation`: "plain" makes quotes and dashes ASCII (a model spends two tokens on each curly quote),
    "as written" leaves them. `titles`: a story's place (`file:line`) to the title that its owner gave it.
    `removed`: places of stories that were taken off the shelf.
    """

    title: str = ""
    author: str = ""
    source: str = ""
    licence: str = ""
    description: str = ""
    punctuation: str = "plain"
    titles: Mapping[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether quotes and dashes are made ASCII."""
        return self.punctuation == "plain"


def read_card(folder: Path) -> Card:
    """The card in a folder; an empty one where there is none. Raises CorpusError for a wrong one."""
    path = folder / CARD
    shown = printable_path(path)
    try:
        found = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return Card()
    except OSError as error:
        raise CorpusError(f"{shown} cannot be read: {error.strerror or error}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CorpusError(f"{shown} is not valid TOML: {printable_line(str(error))}.") from error
    return _checked(found, shown)


def _checked(found: dict[str, Any], shown: str) -> Card:
    values: dict[str, Any] = {}
    for key, value in found.items():
        if key in _TEXTS:
            if not isinstance(value, str):
                raise CorpusError(f"In {shown}, {key} must be a text in quotes.")
            values[key] = printable_line(value)
        elif key == "titles":
            if not isinstance(value, dict) or not all(isinstance(title, str) for title in value.values()):
                raise CorpusError(f"In {shown}, titles must be a table of texts in quotes.")
            values[key] = {name: printable_line(title) for name, title in value.items()}
        elif key == "removed":
            if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
                raise CorpusError(f"In {shown}, removed must be a list of texts in quotes.")
            values[key] = tuple(value)
        else:
            known = ", ".join([*_TEXTS, "titles", "removed"])
            raise CorpusError(f"{shown} has an unknown key {printable_line(key)!r}: there are {known}.")
    if values.get("punctuation", "plain") not in PUNCTUATION:
        raise CorpusError(f'In {shown}, punctuation must be "plain" or "as written".')
    return Card(**values)


def card_bytes(card: Card) -> bytes:
    """The card as TOML; what is empty or as usual is left out."""
    usual = asdict(Card())
    values = {key: value for key, value in asdict(card).items() if value != usual[key]}
    if "removed" in values:
        values["removed"] = list(values["removed"])
    return tomli_w.dumps(values).encode()


def write_card(folder: Path, card: Card) -> None:
    """Write a folder's card, whole or not at all. Raises CorpusError."""
    try:
        files.write_atomically(folder / CARD, card_bytes(card))
    except OSError as error:
        raise CorpusError(files.explain(error, f"changing the collection {folder.name}")) from error
