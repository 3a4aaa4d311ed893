"""What an export needs of a story: its tree, its present text, and what makes it one story among all."""

import uuid
from dataclasses import dataclass

from storytime_tui.stories.whole import Node, Tree

UNTITLED = "Untitled"


@dataclass(frozen=True)
class Exported:
    """A story to export."""

    tree: Tree
    language: str = "en"  # a language tag (BCP 47), for readers that speak or break lines

    @property
    def title(self) -> str:
        """The title on one line; "Untitled" for a blank one."""
        return " ".join(self.tree.title.split()) or UNTITLED

    @property
    def text(self) -> str:
        """The present text: the passages from the root to the head, joined."""
        return present_text(self.tree)

    @property
    def identifier(self) -> str:
        """An identifier that stays when the story is exported again, imported or renamed."""
        return identifier_of(self.tree.created)


def identifier_of(created: float) -> str:
    """A story's identifier, by the time of its creation."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"storytime story of {created!r}").urn


def present_text(tree: Tree) -> str:
    """The passages from the root to the head, joined."""
    path: list[Node] = []
    at = tree.head
    while at is not None:
        path.append(tree.nodes[at])
        at = tree.nodes[at].parent
    return "".join(node.text for node in reversed(path))
