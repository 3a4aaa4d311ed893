"""`collection.toml`: what a collection is called, where it is from, and what its owner changed about its stories."""

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
_LONGEST = {"source": 2000, "description": 4000}  # letters that are read of a text; of the others a title's
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
        found = small_files.read_toml(path)
    except FileNotFoundError:
        return Card()
    except small_files.UnreadableFile as error:
        raise CorpusError(printable(str(error).replace(str(path), shown))) from error
    return _checked(found, shown)


def _checked(found: dict[str, Any], shown: str) -> Card:
    values: dict[str, Any] = {}
    for key, value in found.items():
        if key in _TEXTS:
            if not isinstance(value, str):
                raise CorpusError(f"In {shown}, {key} must be a text in quotes.")
            values[key] = short_line(value, _LONGEST.get(key, LONGEST_TITLE))
        elif key == "titles":
            if not isinstance(value, dict) or not all(isinstance(title, str) for title in value.values()):
                raise CorpusError(f"In {shown}, titles must be a table of texts in quotes.")
            values[key] = {name: short_line(title) for name, title in value.items()}
        elif key == "removed":
            if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
                raise CorpusError(f"In {shown}, removed must be a list of texts in quotes.")
            values[key] = tuple(value)
        else:
            known = ", ".join([*_TEXTS, "titles", "removed"])
            raise CorpusError(f"{shown} has an unknown key {short_line(key, 60)!r}: there are {known}.")
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
    """Write a folder's card, whole or not at all. Raises CorpusError.

    Who changes what a card says holds the shelf's lock from before it is read (see `changes`).
    """
    data = card_bytes(card)
    if len(data) > small_files.TOML_LIMIT:  # it could not be read again
        raise CorpusError(f"The collection {folder.name} has too many changed stories: its card is full.")
    try:
        files.write_atomically(folder / CARD, data)
    except OSError as error:
        raise CorpusError(files.explain(error, f"changing the collection {folder.name}")) from error
