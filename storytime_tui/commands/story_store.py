"""The stories file, for the commands that read or change stories."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from storytime_tui import paths
from storytime_tui.commands.output import say
from storytime_tui.stories.store import StoryStore
from storytime_tui.terminal import printable_line


@contextlib.contextmanager
def opened(*, adds: bool) -> Iterator[StoryStore]:
    """The stories; where there are none, an empty store in memory, unless a story is to be added."""
    path = paths.stories_file()
    store = StoryStore(path if adds or os.path.lexists(path) else Path(":memory:"))
    try:
        yield store
    finally:
        store.close()
        if store.notice:
            say(printable_line(store.notice))
