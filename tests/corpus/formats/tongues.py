"""Tales invented in many languages, as long as wished, for tests of encodings, words and lines."""

import random
import re
from functools import cache
from pathlib import Path

UNSPACED = frozenset(("Chinese", "Traditional Chinese", "Japanese"))
_ENDS = {
    "Chinese": "[^。！？]+[。！？”]+",
    "Traditional Chinese": "[^。！？]+[。！？」]+",
    "Japanese": "[^。]+[。」]+",
}
_OTHER_ENDS = r"[^.!?]+[.!?”“»\"]+|[^.!?]+\Z"


@cache
def sentences_in(language: str) -> tuple[str, ...]:
    """The sentences of this language in tongues.txt, where a line that begins with "=" names one."""
    lines = Path(__file__).with_suffix(".txt").read_text("utf-8").split("\n")
    first = lines.index(f"= {language}") + 1
    last = next((at for at in range(first, len(lines)) if lines[at].startswith("= ")), len(lines))
    text = ("" if language in UNSPACED else " ").join(lines[first:last])
    return tuple(each.strip() for each in re.findall(_ENDS.get(language, _OTHER_ENDS), text))


def tale_in(language: str, length: int, seed: int = 1) -> str:
    """A tale of about this many characters, in paragraphs of one to five sentences each, drawn by chance."""
    dice = random.Random(f"{language} {seed}")
    paragraphs, size = [], 0
    while size < length:
        some = dice.choices(sentences_in(language), k=dice.randint(1, 5))
        paragraphs.append(f"\u3000\u3000{''.join(some)}" if language in UNSPACED else " ".join(some))
        size += len(paragraphs[-1]) + 1
    return "\n".join(paragraphs) + "\n"
