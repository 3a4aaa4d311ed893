"""What a reading of a story shows on the page: the word at a place, the colours, and what training changed.

Pure functions, but for `put_word`, which changes the story.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from storytime_tui.errors import StoryMoved
from storytime_tui.jobs.passages import words_of
from storytime_tui.stories import tree
from storytime_tui.stories.story import Passage, Story
from storytime_tui.terminal import printable_line
from storytime_tui.tui import wording
from storytime_tui.tui.passage_lines import step_of
from storytime_tui.tui.widgets.page import Span

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.story_reading import TokenRead
    from storytime_tui.stories.store import StoryStore

TWICE = math.log(2)  # nats; a word is coloured if one model finds it at least twice as likely as the other
_NAMED = 3  # words in the summary
_PART = "\ufffd"  # stands for a part of a character


@dataclass(frozen=True)
class Lean:
    """A word of the story and how much likelier the model finds it than its base, in nats."""

    start: int
    end: int
    nats: float


# -- places -------------------------------------------------------------------------------------------------


def token_at(tokens: Sequence[TokenRead], place: int) -> int:
    """The index of the token with this character of the story, or of the nearest one."""
    shown = [at for at, token in enumerate(tokens) if token.end > token.start]
    return min(shown, key=lambda at: (_away(tokens[at], place), at), default=0)


def _away(token: TokenRead, place: int) -> int:
    return max(token.start - place, place - token.end + 1, 0)


def token_beside(tokens: Sequence[TokenRead], at: int, by: int) -> int:
    """The next token that has characters (`by` 1) or the one before (-1); the outermost one stays."""
    found = at + by
    while 0 <= found < len(tokens) and tokens[found].end == tokens[found].start:
        found += by
    return found if 0 <= found < len(tokens) else at


# -- colours ------------------------------------------------------------------------------------------------


def surprise_spans(tokens: Sequence[TokenRead]) -> list[Span]:
    """Each token tinted by its surprise."""
    return [
        Span(token.start, token.end, f"surprise--{step_of(-token.logprob)}")
        for token in tokens
        if token.end > token.start
    ]


def leans(text: str, own: Sequence[TokenRead], base: Sequence[TokenRead]) -> list[Lean]:
    """The words that both models read, with how they differ. A word's logprob is the sum of its tokens'.

    Punctuation and white space are left out. The tokens are the same, but one model may see more of the story.
    """
    both = min(len(own), len(base))
    if not both:
        return []
    own, base = own[-both:], base[-both:]
    texts = [text[token.start : token.end] for token in own]
    found = []
    for word in words_of(texts):
        if any(sign.isalnum() for place in word for sign in texts[place]):
            first = "".join(texts[place] for place in word)
            start = own[word.start].start + len(first) - len(first.lstrip())
            nats = math.fsum(own[place].logprob for place in word) - math.fsum(
                base[place].logprob for place in word
            )
            found.append(Lean(start, own[word[-1]].end, 0.0 if math.isnan(nats) else nats))
    return found


def lean_spans(words: Sequence[Lean]) -> list[Span]:
    """The words that one of the models finds at least twice as likely as the other."""
    return [
        Span(word.start, word.end, "page--run" if word.nats > 0 else "page--base")
        for word in words
        if abs(word.nats) >= TWICE
    ]


def lean_summary(text: str, words: Sequence[Lean], model: str) -> str:
    """What training taught, in a sentence."""
    if not words:
        return "There are no words to compare."
    more = sum(word.nats > 0 for word in words) / len(words)
    gains: dict[str, float] = {}
    for word in sorted(words, key=lambda each: -each.nats):
        if word.nats >= TWICE:
            gains.setdefault(printable_line(text[word.start : word.end]).casefold(), word.nats)
    named = ", ".join(
        f"{word} ({_times(nats)} times{'' if number else ' as likely'})"
        for number, (word, nats) in enumerate(list(gains.items())[:_NAMED])
    )
    said = f"{model} would rather have said {more:.0%} of these {wording.count(len(words), 'word')}"
    return f"{said}; most of all: {named}" if named else said


def _times(nats: float) -> str:
    return f"{math.exp(nats):,.0f}" if nats < math.log(10_000) else "over 10,000"


# -- another word -------------------------------------------------------------------------------------------


def can_stand(text: str) -> bool:
    """Whether a likely token can be put into the story: it is no part of a character. "" ends the story."""
    return _PART not in text


def cut_at(passages: Sequence[Passage], place: int, other: str) -> tuple[Passage, str]:
    """The passage with this character of the story, and its text up to there with another word behind it."""
    starts = list(accumulate((len(passage.text) for passage in passages[:-1]), initial=0))
    at = bisect_right(starts, place) - 1
    before = "".join(each.text for each in passages)[:place]
    if before.endswith((" ", "\t")):
        other = other.lstrip(" ")  # the space stands there already
    return passages[at], before[starts[at] :] + other


def put_word(store: StoryStore, story: int, *, text: str, place: int, other: str) -> Story:
    """Begin a branch at a character of the story's `text`, with another word; "": the story ends there.

    Raises StoryMoved if the story is another one by now.
    """
    passages = store.passages(story)
    if "".join(passage.text for passage in passages) != text:
        raise StoryMoved("This story was changed in another window and is loaded again.")
    passage, new = cut_at(passages, place, other)
    if not new:
        return tree.go_to(store, story, passage.parent)
    if new == passage.text:  # the very word, at the end of its passage: only what follows goes
        return tree.go_to(store, story, passage.id)
    return tree.rewrite(store, story, {passage.id: new}, keep_rest=False)
