"""Which words of a text are new, compared with an earlier text. Pure functions."""

import difflib
import re

_WORD = re.compile(r"\s*\S+|\s+$")  # a word with the space before it
LONGEST = 2_000  # words; above that, the comparison would take long


def changed_parts(before: str, after: str) -> list[tuple[str, bool]]:
    """`after` in parts, each with whether its words are new. Joined, they are `after`.

    Nothing is new if no word is the same: a text that is new as a whole needs no marks.
    """
    old, new = _WORD.findall(before), _WORD.findall(after)
    if max(len(old), len(new)) > LONGEST:
        return [(after, False)]
    same = difflib.SequenceMatcher(
        None, [word.strip() for word in old], [word.strip() for word in new], autojunk=False
    )
    parts: list[tuple[str, bool]] = []
    for kind, _, _, start, end in same.get_opcodes():
        if start < end:
            parts.append(("".join(new[start:end]), kind != "equal"))
    if all(is_new for _, is_new in parts):
        return [(after, False)] if after else []
    return parts
