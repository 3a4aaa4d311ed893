"""`collection.toml`, a collection's card: its title, its source, and the owner's changes to its stories."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from storytime_tui import files, small_files
from storytime_tui.corpus.names import LONGEST_TITLE, short_line
from storytime_tui.errors import CorpusError
from storytime_tui.terminal import printable, printable_path

CARD = "collection.toml"
_LONGEST = {"source": 2000, "description": 4000}  # characters that are kept; other texts have a title's limit
_TEXTS = ("title", "author", "source", "licence", "description", "punctuation", "column")
_LISTS = ("removed", "put_back")
PUNCTUATION = ("plain", "as written")


@dataclass(frozen=True)
class Card:
    """A collection's card; every field is optional in the file.

    `punctuation`: "plain" replaces curly quotes and dashes by ASCII (a model needs two tokens for each curly quote),
    "as written" keeps them. `column`: the column that holds the texts of its data sets; "" for a usual name.
    `titles`: from a story's place (`file:line`) to the title its owner gave it. `removed`: the places of removed
    stories. `put_back`: parts that were left out and are stories all the same (`file:place`).
    """

    title: str = ""
    author: str = ""
    source: str = ""
    licence: str = ""
    description: str = ""
    punctuation: str = "plain"
    column: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    put_back: tuple[str, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether quotes and dashes are replaced by ASCII."""
        return self.punctuation == "plain"

    def put_back_in(self, file: str) -> tuple[str, ...]:
        """The parts of this file, or of the files in this archive, that were put back."""
        return tuple(each for each in self.put_back if each.startswith((f"{file}:", f"{file}/")))


def read_card(folder: Path) -> Card:
    """The card in a folder, empty if there is none. Raises CorpusError if it is not valid."""
    path = folder / CARD
    shown = printable_path(path)
    try:
        values = small_files.read_toml(path)
    except FileNotFoundError:
        return Card()
    except small_files.UnreadableFile as error:
        raise CorpusError(printable(str(error).replace(str(path), shown))) from error
    return _checked(values, shown)


def _checked(raw: dict[str, Any], shown: str) -> Card:
    values: dict[str, Any] = {}
    for key, value in raw.items():
        if key in _TEXTS:
            if not isinstance(value, str):
                raise CorpusError(f"In {shown}, {key} must be a text in quotes.")
            values[key] = short_line(value, _LONGEST.get(key, LONGEST_TITLE))
        elif key == "titles":
            if not isinstance(value, dict) or not all(isinstance(title, str) for title in value.values()):
                raise CorpusError(f"In {shown}, titles must be a table of texts in quotes.")
            values[key] = {name: short_line(title) for name, title in value.items()}
        elif key in _LISTS:
            if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
                raise CorpusError(f"In {shown}, {key} must be a list of texts in quotes.")
            values[key] = tuple(value)
        else:
            keys = ", ".join([*_TEXTS, "titles", *_LISTS])
            raise CorpusError(f"{shown} has an unknown key {short_line(key, 60)!r}: there are {keys}.")
    if values.get("punctuation", "plain") not in PUNCTUATION:
        raise CorpusError(f'In {shown}, punctuation must be "plain" or "as written".')
    return Card(**values)


def card_bytes(card: Card) -> bytes:
    """The card as TOML, without fields that have their default."""
    defaults = asdict(Card())
    values = {key: value for key, value in asdict(card).items() if value != defaults[key]}
    values |= {key: list(values[key]) for key in _LISTS if key in values}
    return tomli_w.dumps(values).encode()


def write_card(folder: Path, card: Card) -> None:
    """Write a folder's card, completely or not at all. Raises CorpusError.

    To change a card, take the lock before reading it (see `changes`).
    """
    data = card_bytes(card)
    if len(data) > small_files.TOML_LIMIT:  # it could not be read back
        raise CorpusError(f"The collection {folder.name} has too many changed stories: its card is full.")
    try:
        files.write_atomically(folder / CARD, data)
    except OSError as error:
        raise CorpusError(files.explain(error, f"changing the collection {folder.name}")) from error
