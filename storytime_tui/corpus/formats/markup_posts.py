"""Pages of posts, as forums and comment threads have: who wrote each post and when is no part of its text."""

import re
from collections import Counter
from copy import deepcopy
from functools import lru_cache
from itertools import islice
from typing import Any

from storytime_tui.corpus.formats.markup_left import has_at_most, names, shown_text
from storytime_tui.corpus.formats.markup_sites import reason_by_site
from storytime_tui.corpus.formats.page_kinds import prose_in

_OF = r"(?:(?:post|poster|posted|message|msg|comment|reply|topic|thread|forum|entry|answer|question|user|member)[-_]*)"
_NAMED = (
    (
        "user name",
        rf"{_OF}?(?:user|author|poster|creator|member|nick|handle|profile)(?:[-_]*(?:name|info|infos|details?|title"
        r"|link|extras?|card|block|box|container|avatar|stats|rank|posts|joined|location))*|username[-_]\w+"
        rf"|{_OF}?(?:avatar|gravatar|userpic|usertitle|karma|rank|flair)(?:[-_]\w+)?"
        r"|(?:message|member|user|poster|sender)[-_]?name|postprofile|profile-[a-z]+|message-cell--user"
        r"|message-user\w*|userinfo\w*|(?:big)?username\w*|hnuser|smallfont",
    ),
    (
        "date",
        rf"{_OF}?(?:(?:live|relative|publish(?:ed)?|created?|updated|edited|last)[-_]*)?(?:date|time|timestamp"
        r"|datetime|age|ago)(?:[-_]*(?:posted|published|created|time))?|posted(?:[-_]?(?:on|at))?|u-dt|dateline",
    ),
    ("signature", rf"{_OF}?(?:signature|sig)(?:[-_]*(?:text|container|block|line|content))?"),
    (
        "page control",
        rf"{_OF}?(?:(?:flat|action|vote|like|share|node|inline|quick)[-_]*)?(?:buttons?|controls?|actions?|actionbar"
        r"|likes?|votes?|score|points|reactions?|reactionsbar|permalink|toolbar|upvotes?|downvotes?)"
        rf"(?:[-_]*(?:bar|list|counts?|links?))?|flat-list|{_OF}(?:links?|foot|footer|bar|tools)"
        r"|reply(?:[-_]?(?:link|button))?|navs",
    ),
    (
        "about the post",
        rf"{_OF}(?:head|info|infos|meta|number|num|counts?|counter)|tagline|comhead|subtext|thead|tcat"
        r"|message-attribution[-\w]*|crawler-post-(?:meta|infos)",
    ),
)
_REASONS = tuple(reason for reason, _ in _NAMED)
_ANY = re.compile("|".join(f"({pattern})" for _, pattern in _NAMED))
_PROPERTIES = {
    **dict.fromkeys(("author", "creator"), "user name"),
    **dict.fromkeys(("datepublished", "datecreated", "datemodified", "commenttime"), "date"),
    **dict.fromkeys(("interactionstatistic", "upvotecount", "commentcount", "position"), "page control"),
}
_ID = re.compile(r"(?:sig|signature)[-_]?\d*", re.IGNORECASE)
_CONTROL = re.compile(
    r"\[?(?:\d+ )?(?:reply|like|quote|share|report|edit|delete|permalink|permanent link|save|upvote|downvote|flag"
    r"|follow|thanks?|react|award|give award|multi-?quote|context|parent|hide|next|prev|top|go up)s?"
    r"(?: with quote| this)?"
    r"(?: ?\(?\d+\)?)?\]?|#\d{1,5}|\[[-–+]\]",
    re.IGNORECASE,
)
_PROGRAMS = frozenset(
    ("postprofile", "message-cell--user", "username_container", "crawler-post-meta", "postdetails")
)
COMMENTS = "readers' comments"
_ENOUGH = 200  # characters of prose that make a page a story's
_MOST_ELEMENTS = 100_000
_MOST_LOOKS = 5_000  # elements that may show that a page is one of posts
_SAYS_WHO = re.compile(
    r"(?:(?:posted|written|submitted|commented|said|by|from|on|at|»|von|am|par|le)\W*){0,3}", re.IGNORECASE
)
_HEADINGS = names("h1 h2 h3 h4 h5 h6")
_PROSE_BLOCKS = names("p li dd td blockquote figcaption h1 h2 h3 h4 h5 h6")
_LINES = _PROSE_BLOCKS - _HEADINGS
_LONGEST = {  # characters
    "user name": 600,
    "date": 100,
    "signature": 1_000,
    "page control": 400,
    "about the post": 400,
}
_LONGEST_LINE = 160  # characters of a line that says who wrote a post, and when
_LONGEST_PARAGRAPH = 5_000  # characters
_MOST_WORDS = 5  # as in "posted by … on …"
_MOST_AROUND = 8  # elements between a mark and its paragraph
_LONGEST_CONTROL = 30  # characters
_MOST_WORK = 1_000_000  # elements that are looked at, which takes a second or two
_LONGEST_NAMES = 300  # characters of a `class`
_LONGEST_TITLE = 200  # characters


def posts_of(root: Any) -> "Posts | None":
    """The rules for a page of posts; None if it is none.

    It is one if several elements of one class name users, and several of another class are dates, signatures or
    controls; a program's own class is enough.
    """
    found: Counter[tuple[str, str]] = Counter()
    is_forum = False
    looks = 0
    for element in root.iter():
        reason = _reason_of(element) if looks < _MOST_LOOKS else ""
        looks += bool(reason)
        if reason and has_at_most(element, _LONGEST_LINE):
            found[reason, element.get("class") or element.get("itemprop") or element.tag] += 1
        is_forum = is_forum or (
            reason == "user name" and not _PROGRAMS.isdisjoint(element.get("class", "").split())
        )
    several = {reason for (reason, _), count in found.items() if count > 1 or is_forum}
    if "user name" not in several or len(several) < 2:
        return None
    return Posts(are_comments=_are_comments(root))


def _are_comments(root: Any) -> bool:
    """Whether a page has readers' comments and no prose beside them, so that they are its text."""
    if sum(1 for _ in islice(root.iter(), _MOST_ELEMENTS)) == _MOST_ELEMENTS:
        return False
    rest = deepcopy(root)
    comments = [each for each in rest.iter() if reason_by_site(each, each.tag) == COMMENTS]
    for each in comments:
        if (parent := each.getparent()) is not None:
            parent.remove(each)
    return bool(comments) and prose_in(shown_text(rest).split("\n")) < _ENOUGH


class Posts:
    """Decides what of a page of posts is not their text. It remembers the headings that were read.

    The work is limited: of a malicious page everything stays from some place on.
    """

    def __init__(self, *, are_comments: bool = False) -> None:
        """`are_comments`: the posts are what other pages have as readers' comments."""
        self.are_comments = are_comments
        self._titles: set[str] = set()
        self._work = 0
        self._block: tuple[Any, int] = (None, 0)  # the last paragraph, and its words beside its marks

    def reason(self, element: Any, tag: str) -> str:
        """Why an element is not part of a post's text, in a few words; "" if it is."""
        if self._work > _MOST_WORK:
            return ""
        reason = _reason_of(element)
        if reason and self._has_at_most(element, _LONGEST[reason]) and not self._is_in_prose(element):
            is_more = reason != "signature" and (
                prose_in(shown_text(element).split("\n")) or _has_title(element, reason)
            )
            if not is_more:
                return reason
        if not reason and tag in _LINES and self._is_line_of_post(element):
            return "about the post"
        if tag == "a" and self._has_at_most(element, _LONGEST_CONTROL) and not self._is_in_prose(element):
            return "page control" if _CONTROL.fullmatch("".join(element.itertext()).strip()) else ""
        if tag in _HEADINGS and self._has_at_most(element, _LONGEST_TITLE):
            return self._reason_of_heading(" ".join("".join(element.itertext()).split()).casefold())
        return ""

    def _reason_of_heading(self, title: str) -> str:
        """Each post may repeat the title of the thread."""
        if title.startswith("re:") or title in self._titles:
            return "repeated title"
        if title:
            self._titles.add(title)
        return ""

    def _has_at_most(self, element: Any, most: int) -> bool:
        """Whether an element has at most so many characters. What it takes to see that is counted."""
        self._work += sum(1 for _ in islice(element.iter(), most)) + 10
        return has_at_most(element, most)

    def _is_in_prose(self, element: Any) -> bool:
        """Whether an element stands within a paragraph of a post, as a name or a time in a sentence does."""
        for around in islice(element.iterancestors(), _MOST_AROUND):
            if around.tag in _PROSE_BLOCKS:
                if around.tag != "p" and not _text_before(element):  # a post may be a list's item
                    return False
                if self._block[0] is not around:
                    fits = self._has_at_most(around, _LONGEST_PARAGRAPH)
                    self._block = (around, _words_around_marks(around) if fits else _MOST_WORDS + 1)
                return self._block[1] > _MOST_WORDS
            if around.tag in ("div", "article", "section", "body"):
                return False
        return False

    def _is_line_of_post(self, element: Any) -> bool:
        """Whether a line only says who wrote a post, and when, as "posted by … on …"."""
        if not len(element) or not self._has_at_most(element, _LONGEST_LINE):
            return False
        said = {_reason_of(each) for each in element.iterdescendants()}
        if said.isdisjoint(("user name", "date")) or _words_around_marks(element) > _MOST_WORDS:
            return False
        return _SAYS_WHO.fullmatch((element.text or "").strip()) is not None


def _has_title(element: Any, reason: str) -> bool:
    """Whether what stands around a post's text has the post's title in it."""
    return reason in ("page control", "about the post") and next(element.iter(*_HEADINGS), None) is not None


def _reason_of(element: Any) -> str:
    """What an element says about a post, by its class, id or property; "" if nothing."""
    if element.tag == "time":
        return "date"
    if not element.keys():
        return ""
    given = (element.get("class") or "")[:_LONGEST_NAMES]
    reason = _reason_of_class(given) if given else ""
    if not reason and (named := element.get("itemprop")):
        reason = next((_PROPERTIES[each] for each in named.lower().split()[:9] if each in _PROPERTIES), "")
    if not reason and (identity := element.get("id")) and len(identity) < _LONGEST_NAMES:
        reason = "signature" if _ID.fullmatch(identity) else ""
    return reason


@lru_cache(maxsize=4096)
def _reason_of_class(given: str) -> str:
    for name in given.lower().split()[:50]:
        found = _ANY.fullmatch(name)
        if found and found.lastindex:
            return _REASONS[found.lastindex - 1]
    return ""


def _text_before(element: Any) -> bool:
    """Whether there are words right before an element."""
    before = element.getprevious()
    text = element.getparent().text if before is None else before.tail
    return any(map(str.isalpha, text or ""))


def _words_around_marks(element: Any) -> int:
    """How many words an element has beside users' names, dates and controls."""
    from lxml import etree

    marked = 0
    steps = etree.iterwalk(element, events=("start",))
    for _, inner in steps:
        if inner is not element and _reason_of(inner):
            marked += len(shown_text(inner).split())
            steps.skip_subtree()
    return len(shown_text(element).split()) - marked
