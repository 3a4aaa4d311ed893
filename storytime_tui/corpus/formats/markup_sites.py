"""What web sites and programs put around a story, known by the class names and ids that they use."""

import re
from functools import lru_cache
from itertools import islice
from typing import Any

from storytime_tui.corpus.formats.markup_left import has_at_most, shown_text
from storytime_tui.corpus.formats.page_kinds import holds_story, is_labelled

_LONGEST_NAMES = 500  # characters of a `class`
_MOST_LABELS_IN = 4_000  # characters of a table or list of facts on a story
_NAMED = (
    (
        "navigation",  # MediaWiki's head, foot and jumps; menus of blogs and of story sites
        r"(?:ws|wst)-?(?:header|footer|noexport)[-\w]*|header_?template|headercontainer|footercontainer|noprint"
        r"|mw-(?:jump|jump-link|indicators?|portlet|head(?!ing)|panel|footer|navigation|page-base)[-\w]*|vector-[-\w]+"
        r"|catlinks|mw-normal-catlinks|printfooter|navbox[-\w]*|sister-?(?:site)?[-\w]*|contentsub\d?|sitesub"
        r"|chapter-?nav[-\w]*|nav-?(?:links|buttons?|bar|container)|pagination|pager|page-links|post-navigation"
        r"|prev-?next|next-?prev|breadcrumbs?|skip-?links?|screen-reader-text|sr-only|visually-?hidden"
        r"|chap_?select|chapter-?select|endnote-link|landmark|actions|goazlibcard",
    ),
    ("edit link", r"(?:mw-)?edit-?section[-\w]*"),
    (
        "note",
        r"references|reflist|mw-references[-\w]*|mw-cite-backlink|reference-text|smallrefs"
        r"|mso(?:footnote|endnote|comment)text|sd(?:foot|end)note(?!sym|anc)\w*",
    ),
    ("note mark", r"reference|mso(?:footnote|endnote|comment)reference|sd(?:foot|end)note(?:sym|anc)"),
    (
        "licence",
        r"licen[sc]e(?:container|tpl|-?box|-?text|-?notice)?|licensetpl|copyright-?(?:notice|box|text)",
    ),
    ("running head", r"mso(?:header|footer)"),
    ("contents list", r"msotoc\d"),
    (
        "about the file",  # Aozora Bunko's
        r"bibliographical_information|notation_notes|after_text",
    ),
    (
        "author's note",
        r"author-?notes?(?:-portlet)?|authors-?note|fff_chapter_notes|fff_(?:head|foot)_notes|chapter-?notes?"
        r"|story-?notes?",
    ),
    (
        "readers' comments",
        r"comments?-?(?:area|list|section|container|respond|form|thread)?|respond|disqus_thread|num-comment"
        r"|comment-?(?:count|marker|author|body|content)|reviews?-?(?:list|section)?|kudos|feedback",
    ),
    (
        "about the story",
        r"(?:entry|post)-?(?:meta|footer|tags|utility|info|date)|infobox[-\w]*|ambox[-\w]*|hatnote|dablink"
        r"|author-?(?:bio|box|info)|profile-info|stats|word-?count|reading-?time|profile_top",
    ),
    (
        "site's own words",
        r"sharedaddy|share-?(?:buttons?|links|bar)|social-?(?:share|links|icons|buttons?)|addtoany\w*|sidebar"
        r"|jp-relatedposts|related-?posts|widget-?area|cookie-?(?:notice|banner|consent|bar)|newsletter[-\w]*"
        r"|subscribe[-\w]*|advert(?:isement|ising)?s?|ads-?(?:container|box|title)|adsbygoogle|sponsored"
        r"|site-?(?:header|footer|branding|info|title|description)|support-?(?:us|author)|donate[-\w]*|patreon[-\w]*",
    ),
    ("caption", r"thumb(?:caption|inner)?|wp-caption-text"),
)
_REASONS = tuple(reason for reason, _ in _NAMED)
_ANY = re.compile("|".join(f"({pattern})" for _, pattern in _NAMED))
_MSO = re.compile(r"mso-element\s*:\s*(footnote|endnote|header|footer|comment)", re.IGNORECASE)
_MSO_REASONS = {"header": "running head", "footer": "running head"}
_BY = re.compile(r"(?:author|byline|translator|editor|illustrator)(?:[-_]?name)?")
_DEEP = 8  # elements around a page's head or foot, at most
_OF_ARCHIVE = frozenset(("message", "tags", "meta", "userstuff"))
_NOTED = re.compile(r"sd(?:foot|end)note-?\d+|(?:ftn|edn)\d+")
_EDIT = re.compile(
    r"\s*\[\s*(?:edit(?: source)?|bearbeiten|modifier|editar|modifica|bewerken|править|редактировать|編集|编辑|編輯)"
    r"(?:\s*\|[^\]\n]{1,40})?\s*\]\s*$",
    re.IGNORECASE,
)


def reason_by_site(element: Any, tag: str) -> str:
    """Why an element is a site's and not the story's, by its class, id and role; "" if it is not known to be."""
    names = (element.get("class") or "")[:_LONGEST_NAMES]
    identity = (element.get("id") or "")[:_LONGEST_NAMES]
    reason = _reason_of(names) if names else ""
    if not reason and identity:
        reason = "note" if _NOTED.fullmatch(identity) else _reason_of_name(identity.lower())
    if reason == "note mark" and tag not in ("sup", "a", "span"):
        return ""
    if reason:
        return reason
    if element.get("role") == "navigation":
        return "navigation"
    if identity in ("header", "footer") and _is_bare(element, identity):
        return "navigation"
    parent = element.getparent()
    if names in ("author", "date") and tag == "p" and parent is not None and parent.tag == "header":
        return "author's name" if names == "author" else "about the story"
    if (style := element.get("style")) and (word := _MSO.search(style)):
        return _MSO_REASONS.get(word[1].lower(), "note")
    return ""


def _is_bare(element: Any, identity: str) -> bool:
    """Whether a page's head or foot holds no prose, and the head no heading."""
    if len(list(islice(element.iterancestors(), _DEEP))) == _DEEP:
        return False
    if identity == "header" and next(element.iter("h1", "h2", "h3"), None) is not None:
        return False
    return has_at_most(element, _MOST_LABELS_IN) and not holds_story(shown_text(element).split("\n"), "")


@lru_cache(maxsize=4096)
def _reason_of(names: str) -> str:
    tokens = names.lower().split()[:50]
    if "module" in tokens and not {"summary", "notes"}.isdisjoint(tokens):  # Archive of Our Own's own pages
        return "author's note"
    return next(filter(None, map(_reason_of_name, tokens)), "")


def _reason_of_name(name: str) -> str:
    found = _ANY.fullmatch(name)
    return _REASONS[found.lastindex - 1] if found and found.lastindex else ""


def is_byline(element: Any) -> bool:
    """Whether a heading is the name of an author, by its class."""
    return any(map(_BY.fullmatch, (element.get("class") or "")[:_LONGEST_NAMES].lower().split()))


def is_frame(element: Any, tag: str) -> bool:
    """Whether an element tells about a story or chapter, so that only the headings in it belong to the story.

    Archive of Our Own marks its downloads so: `meta` around tags, summary and notes, and pages with the ids "preface"
    and "afterword" around the chapters.
    """
    if tag not in ("div", "section", "header", "dl"):
        return False
    if "meta" in (element.get("class") or "")[:_LONGEST_NAMES].lower().split():
        return True
    return element.get("id") in ("preface", "afterword") and any(
        each.get("rel") == "author" or not _OF_ARCHIVE.isdisjoint((each.get("class") or "").split())
        for each in islice(element.iterdescendants(), 40)
    )


def is_frame_title(heading: str) -> bool:
    """Whether a heading in such an element only names it."""
    return heading.strip().strip(":").lower() in ("preface", "afterword", "notes", "end notes", "summary")


def may_be_facts(element: Any, tag: str) -> bool:
    """A fast test for `is_facts`: a list, table or paragraph of several parts, with a colon near its beginning."""
    if tag not in ("dl", "table", "p", "ul", "div") or len(element) < (1 if tag == "table" else 3):
        return False
    return any(":" in text for text in islice(element.itertext(), 8))


def is_facts(element: Any) -> bool:
    """Whether an element gives facts on a story, each with its label ("Rating: General")."""
    if next(element.iter("h1", "h2", "h3", "h4"), None) is not None:
        return False
    return has_at_most(element, _MOST_LABELS_IN) and is_labelled(shown_text(element).split("\n"))


def without_edit_link(heading: str) -> tuple[str, str]:
    """A heading without "[edit]" at its end, and what was there."""
    found = _EDIT.search(heading) if heading.endswith("]") else None
    return (heading[: found.start()], heading[found.start() :]) if found else (heading, "")
