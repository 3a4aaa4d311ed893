"""What web sites and programs put around a story, known by the class names and ids that they use."""

import re
from functools import lru_cache
from typing import Any

from storytime_tui.corpus.formats.markup_left import has_at_most, shown_text

_LONGEST_NAMES = 500  # characters of a `class`
_MOST_LABELS_IN = 4_000  # characters of a table or list of facts on a story
_NAMED = (
    (
        "navigation",  # MediaWiki's head, foot and jumps; menus of blogs and of story sites
        r"(?:ws|wst)-?(?:header|footer|noexport)[-\w]*|header_?template|headercontainer|footercontainer|noprint"
        r"|mw-(?:jump|jump-link|indicators?|portlet|head|panel|footer|navigation|page-base)[-\w]*|vector-[-\w]+"
        r"|catlinks|mw-normal-catlinks|printfooter|navbox[-\w]*|sister-?(?:site)?[-\w]*|contentsub\d?|sitesub"
        r"|chapter-?nav[-\w]*|nav-?(?:links|buttons?|bar|container)|pagination|pager|page-links|post-navigation"
        r"|prev-?next|next-?prev|breadcrumbs?|skip-?links?|screen-reader-text|sr-only|visually-?hidden"
        r"|chap_?select|chapter-?select|endnote-link|landmark|actions|calibre_?navbar|calibre_rescale",
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
    (
        "about the file",  # Aozora Bunko's
        r"bibliographical_information|notation_notes|after_text",
    ),
    (
        "author’s note",
        r"author-?notes?(?:-portlet)?|authors-?note|fff_chapter_notes|fff_(?:head|foot)_notes|chapter-?notes?"
        r"|story-?notes?",
    ),
    (
        "readers’ comments",
        r"comments?-?(?:area|list|section|container|respond|form|thread)?|respond|disqus_thread|num-comment"
        r"|comment-?(?:count|marker|author|body|content)|reviews?-?(?:list|section)?|kudos|feedback",
    ),
    (
        "about the story",
        r"(?:entry|post)-?(?:meta|footer|tags|utility|info|date)|infobox[-\w]*|ambox[-\w]*|hatnote|dablink"
        r"|author-?(?:bio|box|info)|profile-info|stats|word-?count|reading-?time",
    ),
    (
        "site’s own words",
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
_LABELS = (
    "rating ratings archive_warning archive_warnings warning warnings category categories genre genres fandom fandoms "
    "relationship relationships pairing pairings character characters tags additional_tags language series stats "
    "statistics published updated packaged completed words word_count chapters status summary author author_url by "
    "title story_url story_id site publisher reviews favs follows favorites id collections source comments kudos "
    "bookmarks hits rated posted disclaimer downloaded crossover_with last_updated"
)
_LABEL = re.compile(rf"(?:{_LABELS.replace(' ', '|').replace('_', ' ')})", re.IGNORECASE)
_LABELLED = re.compile(r"\W{0,3}([A-Za-z][A-Za-z ]{1,24}?)(?:\(s\))?\s?:(?:\s|$)")
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
    if (style := element.get("style")) and (word := _MSO.search(style)):
        return _MSO_REASONS.get(word[1].lower(), "note")
    return ""


@lru_cache(maxsize=4096)
def _reason_of(names: str) -> str:
    tokens = names.lower().split()[:50]
    if "module" in tokens and not {"summary", "notes"}.isdisjoint(tokens):  # Archive of Our Own's own pages
        return "author’s note"
    return next(filter(None, map(_reason_of_name, tokens)), "")


def _reason_of_name(name: str) -> str:
    found = _ANY.fullmatch(name)
    return _REASONS[found.lastindex - 1] if found and found.lastindex else ""


def is_byline(element: Any) -> bool:
    """Whether a heading is the name of an author, by its class."""
    return any(map(_BY.fullmatch, (element.get("class") or "")[:_LONGEST_NAMES].lower().split()))


def is_frame(element: Any, tag: str) -> bool:
    """Whether an element tells about a story or chapter, so that only the headings in it belong to the story.

    Archive of Our Own marks its downloads so: `meta` around tags, summary and notes, and two pages around the chapters.
    """
    if tag not in ("div", "section", "header", "dl"):
        return False
    if "meta" in (element.get("class") or "")[:_LONGEST_NAMES].lower().split():
        return True
    return element.get("id") in ("preface", "afterword") and any(
        "message" in (each.get("class") or "").split() or each.get("class") == "meta" for each in element[:10]
    )


def is_facts(element: Any, tag: str) -> bool:
    """Whether a list, table or paragraph gives facts on a story, each with its label ("Rating: General")."""
    if tag not in ("dl", "table", "p", "ul") or not has_at_most(element, _MOST_LABELS_IN):
        return False
    return is_labelled(shown_text(element).split("\n"))


def is_labelled(lines: list[str]) -> bool:
    """Whether lines are mostly facts on a story: at least three different labels, and few lines between them."""
    labels = {label.lower() for line in lines if (label := _label_of(line))}
    return len(labels) >= 3 and len(lines) <= 4 * len(labels)


def _label_of(line: str) -> str:
    found = _LABELLED.match(line)
    return found[1] if found and _LABEL.fullmatch(found[1]) else ""


def without_edit_link(heading: str) -> tuple[str, str]:
    """A heading without "[edit]" at its end, and what was there."""
    found = _EDIT.search(heading) if heading.endswith("]") else None
    return (heading[: found.start()], heading[found.start() :]) if found else (heading, "")
