"""The story on the page and the store behind it: what is typed is kept before anything else happens with it."""

from storytime_tui.stories.story import Passage, Story
from storytime_tui.tui.joining import joined, title_from
from storytime_tui.tui.services import Store

UNTITLED = "Untitled"


class Manuscript:
    """One story, or a blank page that becomes a story with its first word. Raises StoryError as the store does."""

    def __init__(self, store: Store, story: Story | None = None) -> None:
        self._store = store
        self.story = story

    @property
    def title(self) -> str:
        """What stands over the page."""
        return self.story.title if self.story is not None else "A new story"

    @property
    def draft(self) -> str:
        """The line that was typed and not sent."""
        return self.story.draft if self.story is not None else ""

    @property
    def model(self) -> str:
        """What the story was last told with; "" where no model wrote in it yet."""
        return next((p.model for p in reversed(self.passages()) if p.author == "model"), "")

    def passages(self) -> tuple[Passage, ...]:
        """The story as it reads now."""
        return tuple(self._store.passages(self.story.id)) if self.story is not None else ()

    def keep_draft(self, line: str) -> None:
        """Keep a line that is not sent yet; a blank page does not become a story for nothing."""
        if self.story is not None or line.strip():
            self.story = self._store.set_draft(self._kept(UNTITLED).id, line)

    def add(self, line: str) -> tuple[int, str, str]:
        """Add your line: gives the story's number, its text so far, and what was added ("" for no line)."""
        story = self._kept(title_from(line) if line.strip() else UNTITLED)
        text = self._store.text(story.id)
        added = joined(text, line)
        if added:
            self._store.add_passage(story.id, "you", added)
        self.story = self._store.set_draft(story.id, "")
        return story.id, text, added

    def undo(self) -> None:
        """Take back the last passage."""
        if self.story is not None:
            self.story = self._store.undo(self.story.id)

    def redo(self) -> None:
        """Bring back what was taken back."""
        if self.story is not None:
            self.story = self._store.redo(self.story.id)

    def rename(self, title: str) -> None:
        """Give the story a title."""
        self.story = self._store.rename(self._kept(UNTITLED).id, title)

    def _kept(self, title: str) -> Story:
        if self.story is None:
            self.story = self._store.new_story(title)
        elif self.story.title == UNTITLED and title != UNTITLED:
            self.story = self._store.rename(self.story.id, title)
        return self.story
