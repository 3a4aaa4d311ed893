"""What the control words of rich text (RTF) stand for: characters, code pages, and parts that are no text."""

from __future__ import annotations

import codecs

CHARACTERS = {
    **{"tab": " ", "line": "\n", "lbr": "\n", "emdash": "—", "endash": "–", "bullet": "•"},
    **{"lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”"},
    **{"emspace": " ", "enspace": " ", "qmspace": " ", "zwj": "\u200d", "zwnj": "\u200c"},
}
SYMBOLS = {"~": "\u00a0", "_": "-", "-": "", "{": "{", "}": "}", "\\": "\\", "\t": " "}
# Parts whose words are no text, and the reason with which they are recorded.
RECORDED = {
    **dict.fromkeys(("footnote",), "note"),
    **dict.fromkeys(("annotation",), "comment"),
    **dict.fromkeys(("header", "headerl", "headerr", "headerf"), "page header"),
    **dict.fromkeys(("footer", "footerl", "footerr", "footerf"), "page footer"),
}
# Parts that hold data for programs, or repeat what stands elsewhere.
SKIPPED = frozenset(
    (
        *(
            "colortbl",
            "listtable",
            "listoverridetable",
            "revtbl",
            "rsidtbl",
            "generator",
            "pict",
            "objdata",
            "filetbl",
        ),
        *(
            "themedata",
            "colorschememapping",
            "latentstyles",
            "datastore",
            "xmlnstbl",
            "objclass",
            "objname",
            "pntext",
        ),
        *(
            "listtext",
            "bkmkstart",
            "bkmkend",
            "ftnsep",
            "ftnsepc",
            "ftncn",
            "aftnsep",
            "aftnsepc",
            "aftncn",
            "xe",
        ),
        *(
            "tc",
            "atnid",
            "atnauthor",
            "atnref",
            "atndate",
            "atnparent",
            "atnicn",
            "atrfstart",
            "atrfend",
            "sp",
            "sn",
        ),
        *(
            "sv",
            "shprslt",
            "nonshppict",
            "nonesttables",
            "nesttableprops",
            "pnseclvl",
            "pn",
            "template",
            "background",
        ),
        *(
            "htmltag",
            "mmathPr",
            "wgrffmtfilter",
            "fldtype",
            "datafield",
            "formfield",
            "ffname",
            "panose",
            "falt",
        ),
        *(
            "private",
            "passwordhash",
            "protusertbl",
            "userprops",
            "docvar",
            "operator",
            "company",
            "comment",
            "subject",
        ),
        *(
            "doccomm",
            "keywords",
            "category",
            "manager",
            "hlinkbase",
            "creatim",
            "revtim",
            "printim",
            "buptim",
            "upr",
        ),
    )
)
# Marked as skippable for programs that don't know them, and read here.
STARRED = frozenset(("fldinst", "shpinst", "shptxt", "ud", "footnote", "annotation", "moveto", "shppict"))
_CHARSETS = {
    **{
        77: "mac_roman",
        128: "cp932",
        129: "cp949",
        130: "johab",
        134: "gb18030",
        136: "cp950",
        161: "cp1253",
    },
    **{
        162: "cp1254",
        163: "cp1258",
        177: "cp1255",
        178: "cp1256",
        186: "cp1257",
        204: "cp1251",
        222: "cp874",
    },
    **{238: "cp1250", 254: "cp437", 255: "cp850", 78: "cp932", 80: "gb18030", 89: "mac_cyrillic"},
}
_DEFAULTS = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}
_PAGES = {
    10000: "mac_roman",
    10007: "mac_cyrillic",
    936: "gb18030",
    65001: "utf-8",
    54936: "gb18030",
    708: "iso8859_6",
}


class CodePages:
    """The encodings of a document's fonts."""

    def __init__(self) -> None:
        self._default = "cp1252"
        self._fonts: dict[int, str] = {}  # those whose charset is no other name for the default
        self._western: set[int] = set()

    def default_to(self, word: str, page: int | None) -> None:
        """Take the document's own encoding from \\ansicpg, \\mac, \\pc or \\pca."""
        if page is None:
            self._default = _DEFAULTS.get(word, self._default)
        else:
            self._default = _known(page) or self._default

    def add_charset(self, font: int, charset: int) -> None:
        """Note a font's charset."""
        if charset in _CHARSETS:
            self._fonts[font] = _CHARSETS[charset]
        elif charset == 0:
            self._western.add(font)

    def add_page(self, font: int, page: int) -> None:
        """Note a font's code page."""
        self._fonts[font] = _known(page) or self._default

    def of(self, font: int) -> str:
        """A font's encoding.

        A Western font is in Windows-1252, if the document has other fonts for its own encoding; programs that write
        only one kind of font call it Western whatever it holds.
        """
        if font in self._western and self._default in self._fonts.values():
            return "cp1252"
        return self._fonts.get(font, self._default)


def _known(page: int) -> str:
    """Python's name of a code page; "" if it has none."""
    name = _PAGES.get(page, f"cp{page}")
    try:
        codecs.lookup(name)
    except LookupError:
        return ""
    return name
