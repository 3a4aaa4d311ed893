"""The nouns of the corpus: a story, and a named set of stories."""

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Story:
    """One tale, cleaned: the unit that goes whole to training or to validation."""

    title: str
    text: str
    file: str = ""  # where it came from, for messages and for the preview

    @cached_property
    def words(self) -> int:
        """How many words, split at white space."""
        return len(self.text.split())


@dataclass(frozen=True)
class Collection:
    """A named set of stories; `name` is its folder and what the command line calls it."""

    name: str
    title: str
    stories: tuple[Story, ...]
    author: str = ""
    source: str = ""
    licence: str = ""
    bundled: bool = False

    @cached_property
    def words(self) -> int:
        """How many words its stories hold together."""
        return sum(story.words for story in self.stories)


def story_key(collection: Collection, story: Story) -> str:
    """The name by which a plan picks one story of one collection: `collection/title`."""
    return f"{collection.name}/{story.title}"
