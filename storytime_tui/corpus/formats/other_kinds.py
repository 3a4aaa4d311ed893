"""Kinds of documents that are not read, and what to do with each."""

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
# Those that may hold stories: a user who adds a folder with them is told.
DOCUMENTS = frozenset(_ADVICE) - {".xls", ".xlsx", ".ods", ".rst", ".org"}


def advice_on(ending: str) -> str:
    """What to do with a file of a kind that is not read, as the end of a sentence."""
    return _ADVICE.get(ending, _TEXT)
