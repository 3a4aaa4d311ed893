"""Which other story of the shelf a story repeats, in words."""

from collections.abc import Sequence

from storytime_tui.corpus.collection import Collection
from storytime_tui.terminal import printable_line
from storytime_tui.tui.ticks import Key
from storytime_tui.tui.totals import Copies


def repeats(key: Key, collections: Sequence[Collection], copies: Copies) -> str:
    """Which other story this one repeats, in words; "" for most stories."""
    copy = copies.get(key)
    if copy is None:
        return ""
    name, place = copy.of
    for collection in collections:
        if collection.name == name and place < len(collection.stories):
            alike = f"{min(99, round(100 * copy.share))}% the same as"
            how = "word for word" if copy.share > 0.999 else alike
            title = printable_line(collection.stories[place].title)
            where = "" if name == key[0] else f" in {printable_line(collection.title)}"
            return f"told again: {how} “{title}”{where}"
    return ""
