"""The place in each story where one stopped reading."""

from collections.abc import Mapping

from storytime_tui.tui.shelf_memory import MOST_READ, Place


class ReadPlaces:
    """The places of the stories read last, as many as are kept from one start to the next."""

    def __init__(self) -> None:
        self._letters: dict[Place, int] = {}  # the story read last is the last one

    def at(self, story: Place) -> int:
        """How many characters, without spaces, stand before the place; 0 for a story that was not read."""
        return self._letters.get(story, 0)

    def keep(self, story: Place, letters: int) -> None:
        """Keep the place in a story; at its beginning there is nothing to keep."""
        self._letters.pop(story, None)
        if letters > 0:
            self._letters[story] = letters
            if len(self._letters) > MOST_READ:
                del self._letters[next(iter(self._letters))]

    def restore(self, letters: Mapping[Place, int]) -> None:
        """Take the places of an earlier session."""
        self._letters = {**letters, **self._letters}

    @property
    def all(self) -> Mapping[Place, int]:
        """All places, the last one read last."""
        return dict(self._letters)
