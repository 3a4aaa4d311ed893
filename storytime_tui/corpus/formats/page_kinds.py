"""What a page of an e-book is, judged by what is in it: story, or a cover, contents list or publisher's page."""

import re
from collections.abc import Sequence

# Why a page is left out, by what a book calls it: in its guide, its landmarks, `epub:type`, or a file's name.
AROUND = {
    **dict.fromkeys(("cover",), "cover"),
    **dict.fromkeys(("title-page", "titlepage", "halftitlepage", "halftitle"), "title page"),
    **dict.fromkeys(
        ("toc", "loi", "lot", "lov", "loa", "landmarks", "page-list", "pagelist"), "contents list"
    ),
    **dict.fromkeys(
        ("copyright-page", "imprint", "colophon", "other-credits", "other.copyright"), "publisher's page"
    ),
    **dict.fromkeys(("index",), "index"),
    **dict.fromkeys(
        ("notes", "footnotes", "endnotes", "rearnotes", "footnote", "endnote", "rearnote"), "note"
    ),
}
_NAMES = (
    ("cover", r"(?:front|back)?-?_?cover(?:-?_?page)?|coverpage-wrapper"),
    ("title page", r"title-?_?page|half-?_?title(?:-?_?page)?|frontispiece"),
    ("contents list", r"toc|nav|(?:table-?_?of-?_?)?contents|inhalt|sommaire|indice"),
    ("publisher's page", r"(?:un)?copyright(?:-?_?page)?|imprint|colophon|legal(?:-?_?notice)?|credits"),
    ("note", r"(?:foot|end|rear)?-?_?notes?"),
)
_BY_NAME = tuple((reason, re.compile(rf"(?:.*[-_])?(?:{names})", re.IGNORECASE)) for reason, names in _NAMES)
_ENDS = re.compile(r"[.!?…。！？．:;—–][\"'”’»«“」』）)\]]*$")
_SENTENCE = re.compile(r"[.!?…][\"'”’»“)]*\s|[。！？]")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_VERSE_ENDS = re.compile(r"[,;!?—，、！？][\"'”’»」』]*$")
_NOTE = re.compile(r"[\[(]?(?:\d{1,4}|[ivxl]{1,6}|[a-z])[\])]?[.:]?\s|[*†‡§↩↑^]", re.IGNORECASE)
# Words that publishers, and makers of e-books, write about the book itself.
_PUBLISHERS = re.compile(
    r"©|\(c\) ?\d{4}|\bcopyright|\ball rights reserved|\bisbn|\bpublish(?:ed|er|ing)\b|\be-?book"
    r"|\bprint(?:ed|ing) (?:in|by|and)\b|\bfirst (?:published|edition|printing)|\bno part of this|\bwork of fiction"
    r"|\bresemblance to|\blicen[sc]e|\bcataloging|\blibrary of congress|\bcip\b|\bmoral rights?\b|\bpermission"
    r"|\btranscri(?:bed|ption|ber)|\btypeface|\bcover (?:art|design|image|photo|page|illustration)|\bpublic domain"
    r"|\bcreative commons|\bstandard ?ebooks|\bproject gutenberg|\bwiki(?:source|media|pedia)|\bproofread"
    r"|\barchive of our own|\bcalibre|\bsmashwords|\bkindle|\btrademark|\bdigital edition|\bproduced by|\btypeset"
    r"|\bwww\.|https?://|\btous droits|\balle rechte vorbehalten|\bderechos reservados|\bdépôt légal|\bverlag\b",
    re.IGNORECASE,
)
# Words that are enough to know a publisher's page by, if it has no prose of its own.
_STRONG = re.compile(
    r"\ball rights reserved|\bisbn\b|\blibrary of congress|\bno part of this (?:book|publication|work)|©"
    r"|\bcopyright \W?\d{4}|\bwork of fiction\b|\bthis e-?book (?:comes|is|was)|\btous droits réservés"
    r"|\balle rechte vorbehalten|\bthank you for (?:buying|purchasing|downloading)|\bsmashwords edition"
    r"|\bposted originally on|\bplease drop by the archive\b",
    re.IGNORECASE,
)
_LABELS = (
    "rating ratings archive_warning archive_warnings warning warnings category categories genre genres fandom fandoms "
    "relationship relationships pairing pairings character characters tags additional_tags language series stats "
    "statistics published updated packaged completed words word_count chapters status summary author author_url by "
    "title story_url story_id site publisher reviews favs follows favorites id collections source comments kudos "
    "bookmarks hits rated posted disclaimer downloaded crossover_with last_updated"
)
_LABEL = re.compile(rf"(?:{_LABELS.replace(' ', '|').replace('_', ' ')})", re.IGNORECASE)
_LABELLED = re.compile(r"\W{0,3}([A-Za-z][A-Za-z ]{1,24}?)(?:\(s\))?\s?:(?:\s|$)")
_ENOUGH = 200  # characters of prose that make a page a story's
_WIDE_COUNTS = 3  # a Chinese, Japanese or Korean character says as much as this many letters
_TAIL = 12  # characters at a line's end that say how it ends
_LONG = 60  # characters; a shorter line that ends like a sentence may be a line of a title page
# First lines of pages that publishers, and programs that fetch stories, add to a book.
_ADDED = re.compile(
    r"about the (?:author|publisher|translator|illustrator)s?|(?:also|(?:other )?(?:books|titles|works)) by\b.{0,80}"
    r"|by the same author|praise for\b.{0,80}|update log|newsletter|about this (?:digital )?(?:edition|e-?book)"
    r"|(?:über|zu) (?:den autor|die autorin)|(?:du même auteur|l[’']auteur)",
    re.IGNORECASE,
)
_LONGEST_RIGHTS = 8_000  # characters; a longer page that nothing names is story


def reason_by_name(stem: str) -> str:
    """What a page seems to be by its file's name without the suffix; "" if the name says nothing."""
    return next((reason for reason, names in _BY_NAME if names.fullmatch(stem)), "")


def prose_in(lines: Sequence[str], *, publishers: bool = True) -> int:
    """How many characters of prose or verse lines have. `publishers`: what publishers write counts as well."""
    prose = verse = verse_lines = 0
    for line in lines:
        length = len(line)
        if not line.isascii():
            length += (_WIDE_COUNTS - 1) * len(_WIDE.findall(line))
        has_end = _ENDS.search(line[-_TAIL:]) is not None
        is_verse = _VERSE_ENDS.search(line[-_TAIL:]) is not None
        is_long = length >= 3 * _LONG and len(line.split()) > 20
        if not (has_end or is_verse or is_long) or (not publishers and _PUBLISHERS.search(line)):
            continue
        if is_long or (has_end and (length >= _LONG or len(_SENTENCE.findall(line + " ")) > 1)):
            prose += length
        else:
            verse += length
            verse_lines += is_verse
    return prose + (verse if verse_lines >= 3 or prose else 0)


def is_labelled(lines: Sequence[str]) -> bool:
    """Whether lines are mostly facts on a story: at least three different labels, and few lines between them."""
    labels = {label.lower() for line in lines if (label := _label_of(line))}
    return len(labels) >= 3 and len(lines) <= 4 * len(labels)


def _label_of(line: str) -> str:
    found = _LABELLED.match(line)
    return found[1] if found and _LABEL.fullmatch(found[1]) else ""


def holds_story(lines: Sequence[str], reason: str) -> bool:
    """Whether a page or part that is called a cover, a contents list or the like (`reason`) holds a story."""
    if reason == "note" and _are_numbered(lines):
        return False
    return prose_in(lines, publishers=False) >= _ENOUGH


def _are_numbered(lines: Sequence[str]) -> bool:
    """Whether most lines begin with a number or a note's mark."""
    return 2 * sum(_NOTE.match(line) is not None for line in lines) >= len(lines)


def reason_to_leave(lines: Sequence[str], first: str, called: str, linked: float, *, aside: bool) -> str:
    """Why a page is left out of the book; "" if it stays.

    `lines`: those with words, without headings. `first`: the very first line, heading or not. `called`: the reason by
    what the book calls it, or "". `linked`: the share of its characters that are links to other pages. `aside`: the
    book puts it beside the order of reading.
    """
    if not lines:
        return called or ("no prose" if aside else "")
    length = sum(map(len, lines))
    prose = prose_in(lines)
    if len(lines) > 1 and ((linked > 0.7 and prose < length / 2) or (linked > 0.5 and not prose)):
        return "contents list"
    if is_labelled(lines) and prose < length / 2:
        return "about the story"
    if called or aside:
        if holds_story(lines, called or "note"):
            return ""
        return called or ("note" if _are_numbered(lines) else "no prose")
    if length > _LONGEST_RIGHTS or len(lines) > 200:
        return ""
    if _ADDED.fullmatch(first.strip(" .:")) and length < _LONGEST_RIGHTS / 2:
        return "publisher's page"
    strong = {found.lower() for line in lines for found in _STRONG.findall(line)}
    own = prose_in(lines, publishers=False)
    return "publisher's page" if strong and own < _ENOUGH and own < length / 3 else ""
