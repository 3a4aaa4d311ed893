"""Walking through the elements of a page: lines and headings of the book itself come out, the rest is left out."""

import re
from itertools import islice
from typing import Any

from storytime_tui.corpus.cleaning.caseless_wraps import without_wraps
from storytime_tui.corpus.formats.aozora import described_character, without_aozora_marks
from storytime_tui.corpus.formats.markup_left import (
    MARKS,
    Omission,
    has_at_most,
    last_line,
    names,
    shown_text,
)
from storytime_tui.corpus.formats.markup_lines import FEW, LineWriter
from storytime_tui.corpus.formats.markup_numbers import next_number, number_of_list
from storytime_tui.corpus.formats.markup_posts import COMMENTS, Posts
from storytime_tui.corpus.formats.markup_rules import (
    Meaning,
    follows_line,
    indent_of,
    is_line,
    is_speaker,
    is_stage_direction,
    is_stand_in,
    meaning_of,
    reason_to_drop,
)
from storytime_tui.corpus.formats.markup_sites import (
    is_byline,
    is_facts,
    is_frame,
    is_frame_title,
    may_be_facts,
    reason_by_site,
    without_edit_link,
)
from storytime_tui.corpus.formats.markup_styles import Styles
from storytime_tui.corpus.formats.page_kinds import holds_story
from storytime_tui.stopping import check_stop

_PARAGRAPHS = names(
    "p div blockquote section article main header footer aside body center address figure form fieldset details "
    "summary hgroup table caption thead tbody tfoot hr dir menu"
)
_LINES = names("li dt dd tr option legend")
_LISTS = frozenset(("ul", "ol", "dl"))
_RULE = "* * *"
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BY = re.compile(r"^by:?\s+", re.IGNORECASE)
_DROP_CAP = re.compile("[\"'“‘]?[A-Z]")
_LEAST_LIMIT, _MOST_LIMIT = 2_000, 20_000  # characters; see `Walk._is_small`
_SMALL = 300  # characters; whether an element has as few is seen at once
_MOST_LOOKS = 60  # larger elements of a page that are weighed
_LONGEST_CONTENTS = 40_000  # characters; a longer contents list is a book
_MAYBE = frozenset(("cover", "title page", "contents list", "index"))
_LONGEST_BYLINE = 200  # characters
_BESIDE = frozenset(("header", "footer", "aside"))  # of a page; within its article they may be the story's


def _has_heading(element: Any, tag: str) -> bool:
    """Whether an element around a story is or has a heading of the story's own."""
    headings = [element] if tag in _HEADINGS else element.iter(*_HEADINGS)
    return any(not is_frame_title("".join(each.itertext())) for each in headings)


def article_of(root: Any) -> Any:
    """The only <article> of a page, or its only <main>, if it holds most of the page's text; else None."""
    for tag in ("article", "main"):
        found = [
            each for each in root.iter(tag) if not any(around.tag == tag for around in each.iterancestors())
        ]
        if len(found) == 1:
            length, whole = (sum(map(len, each.itertext())) for each in (found[0], root))
            return found[0] if 2 * length > whole else None
        if found:
            return None
    return None


class Walk:
    """Walks through the elements of a page and writes their lines."""

    def __init__(
        self,
        places: frozenset[str],
        styles: Styles,
        length: int,
        posts: Posts | None = None,
        *,
        rules: bool = False,
    ) -> None:
        self.writer = LineWriter()
        self.left_out: list[Omission] = []
        self.linked = 0  # characters of text that are links to other places
        self.author = ""
        self._places = places
        self._styles = styles
        self._posts = posts  # of a page of posts: what in it is not their text
        self._rules = rules  # whether a rule is written as a row of stars
        self._small = min(max(_LEAST_LIMIT, length // 2), _MOST_LIMIT)
        self._looks = 0
        self._noted_at = -1  # the line at which notes were left out
        self._in_frame = False  # inside an element that tells about the story
        self._links = 0
        self._lists = 0
        self._numbers: list[int] = []  # the last number of each list around, or NONE
        self._quotes = 0
        self._title_group = False
        self._plays = False  # a table of speakers and speeches has begun
        self._fallback = ""  # the words for a heading without text, for example a picture's description
        self._article: Any = None  # the element that holds most of the page's text, if one is marked as that

    def through(self, root: Any) -> None:
        """Write the text of every element, in order."""
        from lxml import etree

        self._article = article_of(root)
        # on a page without headings a rule may part tales; elsewhere it parts what the headings part already
        self._rules = self._rules and self._posts is None and next(root.iter(*_HEADINGS), None) is None
        ends: list[tuple[str, int, bool, bool]] = []
        steps = etree.iterwalk(root, events=("start", "end"))
        for event, element in steps:
            check_stop()
            writer = self.writer
            if event == "start":
                tag = element.tag.rpartition(":")[2]
                meaning = meaning_of(element)
                if self._places:
                    self._note_places(element)
                if reason := self._reason_to_drop(element, tag, meaning):
                    self._pass_over(element, reason)
                    steps.skip_subtree()
                    ends.append(("", 0, writer.keeps, self._in_frame))
                    continue
                in_frame = self._in_frame
                self._in_frame = tag not in _HEADINGS and (in_frame or self._is_frame(element, tag))
                keeps = writer.keeps
                kind = self._begin(element, tag, meaning)
                kind = self._keep_lines(element, tag, kind)
                ends.append((kind, meaning.verse, keeps, in_frame))
                writer.verse += meaning.verse
                self._text(element.text, element)
            else:
                kind, verse, keeps, self._in_frame = ends.pop()
                self._end(kind)
                writer.keeps = keeps
                writer.verse -= verse
                self._text(element.tail, element)
        self.writer.finish()
        if self.writer.lines[-1:] == [_RULE]:  # it parts nothing
            del self.writer.lines[-1]
        self._drop_empty_heading()

    def _drop_empty_heading(self) -> None:
        """Leave out the heading of notes that were left out at the end."""
        writer = self.writer
        if (
            self._noted_at == len(writer.lines)
            and writer.headings
            and writer.headings[-1].line == len(writer.lines) - 1
        ):
            writer.headings.pop()
            self.left_out.append(
                Omission("note", self.left_out[-1].first, self.left_out[-1].last, writer.lines.pop())
            )
            while writer.lines and not writer.lines[-1]:
                writer.lines.pop()

    def _reason_to_drop(self, element: Any, tag: str, meaning: Meaning) -> str:
        """Why an element is not part of the text, in a few words; "" if it is."""
        if reason := reason_to_drop(element, tag, meaning):
            # a part that is called a cover or a contents list may be a tale
            may_be_story = reason == meaning.dropped and reason in _MAYBE and tag not in ("nav", "svg")
            return "" if may_be_story and self._holds_story(element, reason) else reason
        if self._in_frame and not _has_heading(element, tag):
            return "about the story"
        if self._posts is not None and (reason := self._posts.reason(element, tag)):
            return reason
        if self._article is not None and tag in _BESIDE and self._is_small(element):
            around = {id(each) for each in element.iterancestors()}
            holds_it = any(each is element for each in self._article.iterancestors())
            if id(self._article) not in around and not holds_it:
                return "beside the article"
        if tag in _HEADINGS and is_byline(element) and has_at_most(element, _LONGEST_BYLINE):
            self.author = self.author or _BY.sub("", " ".join("".join(element.itertext()).split()))
            return "author's name"
        if element.keys():
            if element.get("rel") == "author" and not self.author:
                self.author = " ".join("".join(element.itertext()).split())[:_LONGEST_BYLINE]
            if (element.get("hidden") is not None or self._styles.hides(element)) and self._is_small(element):
                return "" if is_stand_in(element) else "hidden"
            if (reason := reason_by_site(element, tag)) and self._is_small(element):
                are_text = reason == COMMENTS and self._posts is not None and self._posts.are_comments
                return "" if are_text else reason
        if may_be_facts(element, tag) and self._is_small(element) and is_facts(element):
            return "about the story"
        return ""

    def _holds_story(self, element: Any, reason: str) -> bool:
        if not self._has_at_most(element, _LONGEST_CONTENTS):
            return True
        return holds_story(shown_text(element).split("\n"), reason)

    def _is_small(self, element: Any) -> bool:
        """Whether an element has less than half of a page's text, so that it may stand around the story.

        A page may call anything a sidebar. In a malicious page they stand one in the other, by the thousand.
        """
        return self._has_at_most(element, self._small)

    def _has_at_most(self, element: Any, most: int) -> bool:
        """Whether an element has at most so many characters. Only the first few large ones are looked at."""
        if has_at_most(element, _SMALL):
            return True
        self._looks += 1
        return self._looks < _MOST_LOOKS and has_at_most(element, most)

    def _is_frame(self, element: Any, tag: str) -> bool:
        return is_frame(element, tag) and self._has_at_most(element, _MOST_LIMIT)

    def _keep_lines(self, element: Any, tag: str, kind: str) -> str:
        """Begin or end keeping the lines of text, as the styles say; returns the kind of end."""
        writer = self.writer
        kept = self._styles.keeps_lines(element)
        if kept is None or kept == writer.keeps:
            return kind
        writer.keeps = kept
        return "preformatted" if kept and kind == "paragraph" else kind

    def _begin(self, element: Any, tag: str, meaning: Meaning) -> str:
        """Handle the start of an element; returns the kind of end that `_end` must handle."""
        writer = self.writer
        if tag in _HEADINGS and not self._title_group:
            self._fallback = element.get("title") or ""
            writer.begin_heading(_HEADINGS[tag])
            return "heading"
        if tag == "hgroup":
            level = next(
                (_HEADINGS[inner.tag] for inner in islice(element.iter(), FEW) if inner.tag in _HEADINGS), 0
            )
            if level and not self._title_group:
                self._title_group = True
                writer.begin_heading(level)
                return "title group"
        if tag in _HEADINGS:  # inside a title group
            writer.end_line()
            return "line"
        if tag == "br":
            writer.line_break()
        elif tag == "hr" and self._rules and writer.lines:
            writer.end_paragraph()
            writer.text(_RULE)
            return "paragraph"
        elif tag in ("td", "th"):
            if is_speaker(element):  # the speech follows in the same paragraph
                writer.end_paragraph()
                self._plays = True
                return "speaker"
            writer.cell()
        elif tag in ("i", "em") and is_stage_direction(element):
            self._text("(", element)
            return "stage direction"
        elif tag == "a" and element.get("href"):
            self._links += 1
            return "link"
        elif tag == "img":
            self._picture(element.get("alt") or "")
        elif tag == "pre":
            writer.end_paragraph()
            writer.keeps = True
            return "preformatted"
        elif tag == "q":
            self._quotes += 1
            self._text("“‘"[(self._quotes - 1) % 2])
            return "quote"
        elif tag in _LISTS:
            self._end("line" if self._lists else "paragraph")
            self._lists += 1
            self._numbers.append(number_of_list(element, tag))
            return "list"
        elif tag == "tr" and self._plays:  # a stage direction between speeches
            writer.end_paragraph()
            return "paragraph"
        elif tag in _LINES:
            writer.end_line()
            if tag == "li" and self._numbers:
                self._numbers[-1], shown = next_number(element, self._numbers[-1])
                self._text(shown)
            return "line"
        elif writer.verse and is_line(element, tag, meaning):
            writer.end_line(indent_of(element, meaning))
            return "line"
        elif tag in _PARAGRAPHS:
            writer.end_paragraph()
            if meaning.verse and follows_line(element):
                writer.no_gap()
            return "paragraph"
        return ""

    def _end(self, kind: str) -> None:
        writer = self.writer
        if kind == "link":
            self._links -= 1
        elif kind == "paragraph":
            writer.end_paragraph()
        elif kind == "line":
            writer.end_line()
        elif kind == "speaker":
            writer.end_speaker()
        elif kind == "stage direction":
            self._text(")")
        elif kind == "heading":
            self._end_heading()
        elif kind == "title group":
            self._title_group = False
            self._end_heading()
        elif kind == "preformatted":
            writer.end_preformatted()
        elif kind == "list":
            self._lists -= 1
            self._numbers.pop()
            self._end("line" if self._lists else "paragraph")
        elif kind == "quote":
            self._text("”’"[(self._quotes - 1) % 2])
            self._quotes -= 1

    def _end_heading(self) -> None:
        writer = self.writer
        before = len(writer.headings)
        writer.end_heading(self._fallback)
        if len(writer.headings) > before:
            heading, edit = without_edit_link(writer.lines[-1])
            if heading and edit:
                writer.lines[-1] = heading
                self.left_out.append(Omission("edit link", 1, 1, edit.strip()))

    def _text(self, text: str | None, element: Any = None) -> None:
        """Write text; `element`: the one that it stands in or follows."""
        if not text:
            return
        if self._in_frame:
            if shown := " ".join(text.split()):
                line = element.sourceline or 1
                self.left_out.append(Omission("about the story", line, line, shown))
            return
        if not text.isascii():
            text, marks = without_aozora_marks(text)
            line = (element.sourceline or 1) if element is not None else 1
            self.left_out += [Omission("typesetting mark", line, line, mark) for mark in marks]
        if self._links:
            self.linked += len(text.strip())
        if self.writer.keeps:
            self.writer.preformatted_text(text)
        else:
            self.writer.text(without_wraps(text))

    def _picture(self, description: str) -> None:
        if self.writer.heading:
            self._fallback = self._fallback or description
        elif description.startswith("※") and (character := described_character(description)):
            self.writer.text(character)
        elif _DROP_CAP.fullmatch(description.strip()):
            self.writer.drop_cap = description.strip()

    def _pass_over(self, element: Any, reason: str) -> None:
        """Leave an element out. If it begins with a space, words stay separated; a picture in it may be a drop cap."""
        if shown := shown_text(element):
            self.left_out.append(Omission(reason, element.sourceline or 1, last_line(element), shown))
            self._noted_at = len(self.writer.lines) if reason == "note" else self._noted_at
        if (element.text or "")[:1].isspace() and not self.writer.keeps:
            self.writer.text(" ")
        if reason in MARKS:
            self.writer.mark_left_out()
        if self._places:
            for inner in element.iterdescendants():
                self._note_places(inner)
        for image in element.iter("img"):
            self._picture(image.get("alt") or "")

    def _note_places(self, element: Any) -> None:
        for name in (element.get("id"), element.get("name")):
            if name in self._places:
                self.writer.place(name)
