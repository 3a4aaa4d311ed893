"""Kinds of documents that are not read, and what to do with each."""

from collections import Counter

_WORD = "open it in Word or LibreOffice, save it as .docx, and add that"
_CALIBRE = "convert it to .epub with Calibre, and add that"
_UNPACK = "unpack it, and add the texts in it"
_TEXT = "save its text as plain text (.txt), and add that"
_KINDS = {
    _WORD: ("doc", "dot", "wps", "wpd", "sxw"),
    "export it as .docx or .epub, and add that": ("pages",),
    _CALIBRE: ("mobi", "azw", "azw3", "kfx", "prc", "pdb", "lit", "lrf"),
    _UNPACK: ("rar", "7z", "gz", "bz2", "xz", "tar", "tgz"),
    "convert it to .md with pandoc, and add that": ("tex", "rst", "org"),
    "save the sheet as .csv, and add that": ("xls", "xlsx", "ods"),
    "export its rows as .jsonl or .csv, and add that": ("parquet", "arrow"),
    _TEXT: ("djvu",),
}
_ADVICE = {f".{kind}": advice for advice, kinds in _KINDS.items() for kind in kinds}
# Those that may hold stories: a user who adds a folder with them is told. Many old texts have no ending at all.
DOCUMENTS = frozenset(_ADVICE) - {".xls", ".xlsx", ".ods", ".rst", ".org"} | {
    "",
    ".asc",
    ".fountain",
    ".mht",
    ".mhtml",
}


def advice_on(ending: str) -> str:
    """What to do with a file of a kind that is not read, as the end of a sentence."""
    return _ADVICE.get(ending, _TEXT)


def about_others(found: Counter[str]) -> list[str]:
    """A sentence about documents of kinds that are not read, counted by their endings; [] if there are none."""
    kinds = sorted(found.items(), key=lambda kind: (-kind[1], kind[0]))
    if not kinds:
        return []
    total = sum(found.values())
    listing = ", ".join(f"{count:,} {ending or 'without an ending'}" for ending, count in kinds)
    are = "document is of a kind" if total == 1 else "documents are of kinds"
    return [
        f"{total:,} {are} that cannot be read here ({listing}): save as .txt, .html or .epub and add that."
    ]
