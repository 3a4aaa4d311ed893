"""Names for files that are offered to the user: made from a story's title or a run's name."""

import re

from storytime_tui.terminal import printable_line

LONGEST = 60  # characters of a name, without its ending
_NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f-\x9f]')
# an ending follows: "sang..toml" would read as a mistake, and Windows drops dots and spaces at an end
_AT_THE_END = " .…,;:!?-–—"


def file_stem(name: str, otherwise: str) -> str:
    """A file's name for something of this name, without an ending, cut between words; `otherwise` if none is left."""
    line = printable_line(_NOT_IN_NAMES.sub("-", name)).strip()
    if len(line) > LONGEST:
        whole = line[: LONGEST + 1].rpartition(" ")[0]  # without the word that the cut goes through
        line = whole.rstrip(_AT_THE_END) or line[:LONGEST]
    return line.lstrip(" .-").rstrip(_AT_THE_END) or otherwise
