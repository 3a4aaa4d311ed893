"""Words by which one knows a line that is about a file and not of its book: licence, who made it, leftover marks.

Each pattern was held against the story lines of the marked books: none of them is found there.
"""

import re

_TELLTALES = re.compile(
    r"""
      gutenberg | \bpglaf\b | literary\ archive | \bpgdp\b | promo\.net | carnegie.mellon | illinois\ benedictine
    | https?: | \bwww\. | \bftp\b | \b[\w.]+@[\w.]+\.(?:edu|com|org|net)\b | \.(?:zip|txt|htm)\b
    | \be-?texts?\b | \be-?books?\b | plain\ vanilla | hypertext | machine.readable | computer\ virus
    | \b(?:us-)?ascii\b | \butf-8\b | \biso-8859
    | small\ print\W*! | \blegal\ small\ print | the\ small\ print\b
    | public\ domain | copyright | trademark | tax.deduct | royalt(?:y|ies)\b.*\b(?:profits|payable|paid|fee)
    | (?:make|made)\ .{0,20}\bdonations? | your\ donations | warrant(?:y|ies)\ of | liability,?\ .{0,30}\bbreach
    | \bmichael\ (?:s\.\ )?hart\b | electronic\ works?
    | transcriber | transcribed\ (?:by|from) | proof-?read | generously\ made\ available | internet\ archive
    | \bocr\b | page\ images | images\ of\ the\ original | html\ version | preparer['’]s\ note
    | ^\W*(?:produced|prepared|scanned|digiti[sz]ed|typed|keyed)\ (?:and\ \w+\ )?by\ (?-i:[A-Z])
    | ^\W*(?:release\ date|posting\ date|last\ updated|character\ set\ encoding)\s*: | ^\s*language:\ +\w+\s*$
    | \*\s?(?:start|end)\ ?(?:\*|of\ th(?:e|is)\b)
    """,
    re.IGNORECASE | re.VERBOSE,
)

# Marks of the print or of the file that stand within a text: pictures, pages, notes.
_LEFTOVERS = re.compile(
    r"\[\s*illustration|\[\s*(?:\d{1,3}|\*+|†|‡|fn ?\#?\d+)\s*\]|\[\s*footnote|\[\s*(?:pg|page)\b[^\]]*\]|\{\d{1,4}\}",
    re.IGNORECASE,
)


def telltale_lines(text: str) -> list[str]:
    """The lines of a text that speak of Project Gutenberg, its licence, or of who made the file."""
    return [line for line in text.split("\n") if _TELLTALES.search(line)]


def leftover_marks(text: str) -> list[str]:
    """The lines of a text in which a picture's, a page's or a footnote's mark was left."""
    return [line for line in text.split("\n") if _LEFTOVERS.search(line)]
