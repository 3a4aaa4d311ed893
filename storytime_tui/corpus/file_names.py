"""A file's name, parted into its stem and the ending that says its kind; a kind may have two endings."""

import re
from pathlib import PurePath

# Project Gutenberg's "11.txt.utf-8" and "11.epub3.images", and "tale.fb2.zip". A browser that downloads a file twice
# puts a number before the last ending: "11.txt (1).utf-8".
_DOUBLE = re.compile(
    r"\.(?P<kind>txt|html?|epub)3?(?: ?\(\d+\))?\.(?:utf-?8|us-ascii|iso-8859-\d+|windows-125\d|no-?images|images)$"
    r"|\.(?P<packed>fb2)(?: ?\(\d+\))?\.zip$",
    re.IGNORECASE,
)
_LONGEST = 60  # characters; no double ending is longer


def ending_of(path: PurePath | str) -> str:
    """The ending that says a file's kind, in lower case: ".txt" for "Fox.TXT" and "11.txt.utf-8"; "" without one.

    An FB2 book in a zip file of its own has ".fb2.zip".
    """
    name = path.name if isinstance(path, PurePath) else path
    double = _DOUBLE.search(name, max(len(name) - _LONGEST, 1))
    if double is None:
        return PurePath(name).suffix.lower()
    return f".{double['kind'].lower()}" if double["kind"] else ".fb2.zip"


def stem_of(path: PurePath | str) -> str:
    """A file's name without the ending: "11" for "11.txt.utf-8"."""
    name = path.name if isinstance(path, PurePath) else path
    double = _DOUBLE.search(name, max(len(name) - _LONGEST, 1))
    return PurePath(name).stem if double is None else name[: double.start()]
