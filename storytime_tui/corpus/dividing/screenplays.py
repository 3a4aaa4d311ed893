"""The lines of a screenplay that look like headings but are text: where a scene is set, and how it ends."""

import re

_NUMBER = r"\W{0,4}(?:(?:SCENE )?[A-Z]?\d{1,4}[A-Z]?[.):]?\s+)?"
_PLACE = r"(?:INT\.? ?/ ?EXT|EXT\.? ?/ ?INT|INT|EXT|EST|I\.? ?/ ?E|E\.? ?/ ?I)"
_SCENE = re.compile(
    rf"{_NUMBER}(?:(?i:{_PLACE})\.|{_PLACE})[ \t]+(?:[-–—][ \t]*)?[^\W\d_]"
)  # not "EST. 1901"
_CHANGE = re.compile(
    r"\W{0,4}(?:FADE (?:IN|OUT|UP|TO BLACK|TO WHITE|TO)|(?:SMASH |MATCH |JUMP |HARD )?CUT TO(?: BLACK)?|DISSOLVE TO"
    r"|CUT TO BLACK|WIPE TO|BACK TO SCENE|TITLE CARD|SUPER)\s*[.:]?\W{0,3}"
)


def is_scene_line(text: str) -> bool:
    """Whether a text begins with a screenplay's scene heading ("INT. KITCHEN - DAY"), or is a change of scene."""
    line = text.strip().partition("\n")[0]
    return _SCENE.match(line) is not None or _CHANGE.fullmatch(line) is not None
