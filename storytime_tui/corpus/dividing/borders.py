"""Borders between the tales of a data set: the special tokens that stand before and after each."""

import re

# These are never words. The names of other models' tokens are words too, so they count only at a line's ends.
_SURE = r"<\|(?:startoftext|endoftext|begin_of_text|end_of_text|bos|eos)\|>"
_BEGIN, _END = r"(?:<s>|<bos>|\[BOS\])", r"(?:</s>|<eos>|\[EOS\])"
_MAYBE = re.compile(r"<\|?(?:/?s|bos|eos|startoftext|endoftext|begin_of_text|end_of_text)\|?>|\[[BE]OS\]")
_BORDER = re.compile(
    rf"{_SURE}|{_END}[ \t]*{_BEGIN}|^[ \t]*{_BEGIN}|{_END}[ \t]*$|^[ \t]*{_END}|{_BEGIN}[ \t]*$", re.M
)
# Words struck out within a sentence: "It was a <s>dark</s> night."
_STRUCK = re.compile(r"(?<=[^\s>])[ \t]?<s>[^\n<]*</s>|<s>[^\n<]*</s>(?=[ \t]*[^\s<])")


def border_spans(text: str) -> list[tuple[int, int]]:
    """The places of the borders between tales, as character ranges in order; they are no part of any tale."""
    if not ("<" in text or "OS]" in text) or not _MAYBE.search(text):
        return []
    struck = [match.span() for match in _STRUCK.finditer(text)]
    spans = [match.span() for match in _BORDER.finditer(text)]
    if not struck:
        return spans
    kept, at = [], 0
    for start, end in spans:
        while at < len(struck) and struck[at][1] <= start:
            at += 1
        if at == len(struck) or struck[at][0] >= end:
            kept.append((start, end))
    return kept
