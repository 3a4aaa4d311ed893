"""Planning novels in letters and diaries: the letters are the chapters of one story, and keep their first lines."""

from __future__ import annotations

import re
from dataclasses import replace

from storytime_tui.corpus.dividing.published import Plan
from storytime_tui.corpus.dividing.titles import key_of
from storytime_tui.corpus.dividing.unpublished import BookPlan

_FEWEST = 4  # letters
_MOSTLY = 0.6  # of the parts are letters
_HEAD = 600  # characters of a letter within which it greets somebody
_LONGEST_DATE = 90  # characters
_WORDS_AFTER = 3
_SLIGHT = 200  # characters; a letter has more
_NUMBER = 12  # letters of "Letter XXVIII", which a title may lack
_MONTHS = (
    r"jan(?:uary|uar|vier)?|feb(?:ruary|ruar)?|février|mar(?:ch|s|zo|t)?|märz|maart|apr(?:il|ile)?|avril|abril|may|mai|maggio|"
    r"mayo|mei|june?|juni|juin|junio|giugno|july?|juli|juillet|julio|luglio|aug(?:ust|ustus)?|août|agosto|sept?(?:ember|embre)?|"
    r"settembre|okt(?:ober)?|oct(?:ober|obre)?|octubre|ottobre|nov(?:ember|embre|iembre)?|de[cz](?:ember|embre)?|diciembre|"
    r"dicembre|января|февраля|марта|апреля|мая|июня|июля|августа|сентября|октября|ноября|декабря"
)
_DAYS = (
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch|sonnabend|lundi|mardi|"
    r"mercredi|jeudi|vendredi|samedi|dimanche"
)
_DATE = re.compile(
    rf"\b(?:{_MONTHS})\b\.?,? *(?:the )?\d{{1,2}}|\b\d{{1,2}}(?:st|nd|rd|th|er|\.)?(?: of| de| di)? *(?:{_MONTHS})\b"
    rf"|^(?:on )?(?:{_DAYS})\b|\b(?:{_DAYS})(?:,? *(?:morning|afternoon|evening|night|noon))?$",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"^[ \t_]*(?:(?:my|our|mein|meine|mon|ma|mes|mi|mio|mia|mijn) )?(?:(?:own|very|most|ever) )?"
    r"(?:dear(?:est)?|beloved|lieb(?:e|er|es|ster|ste)|teure[rs]?|teuerste[rs]?|cher|chère|chers|chéri|chérie|querid[oa]|"
    r"estimad[oa]|car[oa]|carissim[oa]|beste|lieve|милый|милая|мой милый|дорогой|дорогая|sir|madam|honou?red)\b"
    r"[^\n.]{0,60}(?:[,:;!]|--|—|-_?$|\.?_?$)",
    re.IGNORECASE | re.MULTILINE,
)


def one_novel(text: str, book_plan: BookPlan) -> BookPlan:
    """The plan for a text; if its stories are letters or days of a diary, as one story with a chapter for each.

    A heading that is a date or an address stays in the text too, as the letter's first line.
    """
    plans = book_plan.plans
    if len(plans) < _FEWEST:
        return book_plan
    letters = [_is_date(plan.title) or _greets(text, plan) for plan in plans]
    if sum(letters) < _MOSTLY * len(plans):
        return book_plan
    parts: list[tuple[str, int, int]] = []
    for plan, is_letter in zip(plans, letters, strict=True):
        before = plan.start
        if parts and not is_letter and plan.end - plan.start < _SLIGHT:  # a name below a letter
            parts[-1] = (parts[-1][0], parts[-1][1], plan.end)
            continue
        for n, (name, start, end) in enumerate(plan.parts):
            heading = " ".join(text[before:start].split())
            title = plan.title if n == 0 else name
            shown = title or (heading if _is_date(heading) else "")
            in_text = _is_date(heading) or len(key_of(heading)) > len(key_of(shown)) + _NUMBER
            parts.append((shown, before if in_text else start, end))
            before = end
    whole = Plan(book_plan.title, plans[0].start, plans[-1].end, tuple(parts), chaptered=True)
    return replace(book_plan, plans=(whole,), keeps_brackets=True)


def _is_date(title: str) -> bool:
    """Whether a title is a date, with a place before it or not; a story for a day has a title after it."""
    found = _DATE.search(title) if len(title) < _LONGEST_DATE else None
    return found is not None and len(title[found.end() :].split()) < _WORDS_AFTER


def _greets(text: str, plan: Plan) -> bool:
    start = plan.parts[0][1]
    return _GREETING.search(text, start, min(plan.end, start + _HEAD)) is not None
