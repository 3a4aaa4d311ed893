"""One continuation in progress: the chosen tokens, which of them may be shown, and when to stop.

Text is held back while it may still become a stop text or a banned phrase. If the continuation should end on a
whole sentence, text is also held back while it may still be cut. Shown text is never taken back. Knows no torch.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from storytime_tui.generation.detokenizer import Detokenizer
from storytime_tui.generation.phrases import (
    Match,
    find_banned,
    find_stop,
    held_banned,
    held_stop,
    token_of,
)
from storytime_tui.generation.pieces import Alternative, Piece
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.sampling.vocabulary import Vocabulary
from storytime_tui.generation.sentences import ends_sentence, first_break, first_end, sentence_cut

OVERRUN = 40  # extra tokens to finish a sentence
SHORT = 25  # words; with a shorter paragraph, such as an answer in a dialogue, a telling does not end
_WORD = re.compile(r"\S+")
_UNFINISHED = 3  # extra tokens to complete a UTF-8 character
_MAX_ROLLBACKS = 1000  # rollbacks of banned phrases before giving up


@dataclass(frozen=True, slots=True)
class _Token:
    token: int
    text: str  # the text it completes, empty while a character is incomplete
    logprob: float
    alternatives: tuple[Alternative, ...]
    chars: int  # complete characters of the text up to this token
    held: bytes  # bytes of an incomplete character
    complete: bool = True  # False if the text was cut within this token


class Line:
    """The text after one prompt. `forbidden` are the ids that may not come next, because they begin a banned phrase.

    `stopped_by` is empty until the end. `after` is the end of the prompt, which decides whether a word begins and
    whether a banned phrase has begun; with `drop_spaces`, the first text loses the spaces that the prompt already
    has.
    """

    def __init__(
        self, settings: SamplerSettings, vocabulary: Vocabulary, *, after: str = "", drop_spaces: bool = False
    ) -> None:
        self.stopped_by = ""
        self._settings, self._vocabulary = settings, vocabulary
        self._drops_spaces = drop_spaces
        self._tokens: list[_Token] = []
        longest = max((len(phrase) for phrase in settings.banned), default=0)
        self._text = after[-max(longest, settings.line_ends) - 1 :]  # the prompt's end and all generated text
        self._prompt_length = len(self._text)
        # where the prompt's end may begin a banned phrase
        self._held_from = held_banned(
            self._text, settings.banned, min(1, self._prompt_length), beyond=self._prompt_length
        )
        self._shown = 0  # tokens
        self._shown_chars = self._prompt_length  # of `_text`
        self._excluded: dict[int, set[int]] = {}  # by token index: ids that led to a banned phrase
        self._rollbacks = 0
        self.banned: Counter[str] = Counter()  # how often each phrase was taken back

    @property
    def count(self) -> int:
        """Generated tokens, held-back ones included."""
        return len(self._tokens)

    @property
    def shown(self) -> int:
        """Shown tokens."""
        return self._shown

    @property
    def text(self) -> str:
        """All generated text, held-back text included."""
        return self._text[self._prompt_length :]

    @property
    def held(self) -> bytes:
        """The bytes of a character that is not complete yet."""
        return self._tokens[-1].held if self._tokens else b""

    @property
    def at_line_ends(self) -> bool:
        """Whether the text ends with the most line breaks allowed in a row."""
        limit = self._settings.line_ends
        return limit > 0 and self._text.endswith("\n" * limit)

    def ids_and_ends(self) -> tuple[list[int], list[int]]:
        """The generated ids, and the byte of `text` at which each ends; tokens that share a character end together.

        Stops before a token that was cut, because its text no longer matches its id.
        """
        ids, ends, end, pending = [], [], 0, 0
        for each in self._tokens:
            if not each.complete:
                break
            end += len(each.text.encode("utf-8", "replace"))
            ids.append(each.token)
            pending += 1
            if not each.held:
                ends += [end] * pending
                pending = 0
        return ids[: len(ends)], ends

    @property
    def forbidden(self) -> set[int]:
        """Ids that may not come next."""
        return self._excluded.get(self.count, set())

    def add(self, token: int, logprob: float, alternatives: Sequence[tuple[int, float]] = ()) -> None:
        """Append the next token. If it completes a banned phrase, `count` is lower afterwards than before."""
        if token == self._vocabulary.end_of_text:
            self._finish("end")
            return
        stream = Detokenizer(self.held)
        text = stream.feed(self._vocabulary.token_bytes(token))
        if self._drops_spaces and not self.text:
            text = text.lstrip(" ")
        self._text += text
        likeliest = tuple(
            Alternative(other, self._piece(other), probability) for other, probability in alternatives
        )
        self._tokens.append(_Token(token, text, logprob, likeliest, len(self._text), stream.held))
        rolled_back = self._check_phrases(final=False)
        if rolled_back or self.stopped_by:
            return
        if self._settings.end_after != "length":
            self._reach_end()
        if not self.stopped_by and self.count >= self._settings.max_tokens:
            self._reach_length()

    def stop(self) -> None:
        """Stop at the user's request; shows held-back text, except for an incomplete character or banned phrase."""
        self._drop_incomplete()
        self.stopped_by = "you"
        match = self._find_banned(self._text, final=True)
        if match is not None:
            self._cut(max(self._prompt_length, match.start))

    def ready(self) -> Iterator[Piece]:
        """The tokens that may be shown now, each yielded once."""
        limit = len(self._text) if self.stopped_by else self._safe_length()
        while self._shown < self.count:
            each = self._tokens[self._shown]
            if self._end_of(self._shown) > limit:
                break
            self._shown += 1
            self._shown_chars = each.chars
            yield Piece(each.token, each.text, each.logprob, each.alternatives)

    # -- stopping and rolling back -------------------------------------------------------------------------------

    def _check_phrases(self, *, final: bool) -> bool:
        """Look for a stop text or a banned phrase in the text not yet shown; return whether it was rolled back."""
        stop = find_stop(self._text, self._settings.stop, self._shown_chars, final=final)
        text = self._text if stop is None else self._text[: stop.start]
        closed = final or stop is not None
        match = self._find_banned(text, final=closed)
        if match is not None:
            self.banned[match.phrase] += 1
            self._roll_back(max(self._prompt_length, match.start))
            return True
        if stop is not None:
            self._cut(stop.start)
            self.stopped_by = "stop"
        return False

    def _roll_back(self, start: int) -> None:
        """Remove all tokens from the one in which a banned phrase begins, and exclude that token at this index."""
        index = token_of([each.chars + bool(each.held) for each in self._tokens], start)
        self._excluded = {position: ids for position, ids in self._excluded.items() if position <= index}
        self._excluded.setdefault(index, set()).add(self._tokens[index].token)
        self._truncate(index)
        self._rollbacks += 1
        if self._rollbacks >= _MAX_ROLLBACKS:
            self._drop_incomplete()
            self.stopped_by = "stuck"

    def _finish(self, stopped_by: str) -> None:
        """End the continuation, unless the held-back text turns out to be banned."""
        self._drop_incomplete()
        if not self._check_phrases(final=True):
            self.stopped_by = self.stopped_by or stopped_by

    def _reach_end(self) -> None:
        """End after a sentence or a paragraph, once the text after it tells that it is over."""
        end = self._end
        if end is not None and (self._text[end:].strip() or first_break(self._text, end - 1) == end):
            self._cut(end)
            self._finish("length")

    @property
    def _end(self) -> int | None:
        """Where the sentence or paragraph ends that is asked for, as far as the text tells; None: not yet."""
        settings = self._settings
        if settings.end_after == "length" or self.count <= settings.min_tokens:
            return None
        begun = self._text.find(self.text.lstrip(), self._prompt_length)  # white space before the first word
        if settings.end_after == "paragraph":
            begun = self._after_words(SHORT, begun)
        find = first_end if settings.end_after == "sentence" else first_break
        return find(self._text, max(begun, self._shown_chars - 1))

    def _after_words(self, words: int, start: int) -> int:
        """The end of so many words after `start`, or the text's end."""
        last = next(islice(_WORD.finditer(self._text, start), words - 1, None), None)
        return last.end() - 1 if last is not None else len(self._text)

    def _reach_length(self) -> None:
        """End after `max_tokens` tokens, or a few later to complete a character or, on request, a sentence."""
        extra = self.count - self._settings.max_tokens
        if self._settings.finish_sentence:
            complete = not self._tokens[-1].held and ends_sentence(self.text)
            if not complete and extra < OVERRUN:
                return
            if not complete:
                self._cut_to_sentence()
        elif self._tokens[-1].held and extra < _UNFINISHED:
            return
        self._finish("length")

    def _cut_to_sentence(self) -> None:
        """Cut the incomplete last sentence, unless part of it was shown or there is no other text."""
        end = sentence_cut(self._text, self._shown_chars)
        shown = self._text[self._prompt_length : self._shown_chars]
        if end > self._shown_chars or (shown and ends_sentence(shown)):
            self._cut(end)

    # -- text and tokens -----------------------------------------------------------------------------------------

    def _safe_length(self) -> int:
        """How many characters may be shown."""
        safe = min(
            held_stop(self._text, self._settings.stop, self._shown_chars),
            held_banned(
                self._text, self._settings.banned, self._unchecked_from(), beyond=self._prompt_length
            ),
        )
        if (end := self._end) is not None:
            safe = min(safe, end)
        if self._settings.end_after == "paragraph":  # white space may be the paragraph's end
            safe = min(safe, max(self._shown_chars, len(self._text.rstrip())))
        if self._settings.finish_sentence and self.count > self._settings.max_tokens - OVERRUN:
            safe = min(safe, sentence_cut(self._text, self._shown_chars))
        return safe

    def _find_banned(self, text: str, *, final: bool) -> Match | None:
        return find_banned(
            text, self._settings.banned, self._unchecked_from(), final=final, beyond=self._prompt_length
        )

    def _unchecked_from(self) -> int:
        """The index from which on the text may contain a banned phrase; shown text contains none."""
        return min(self._held_from, self._shown_chars) if self._shown == 0 else self._shown_chars

    def _end_of(self, index: int) -> int:
        """The length of complete text up to a token; a token that ends within a character counts to that character's
        end."""
        return next((each.chars for each in self._tokens[index:] if not each.held), len(self._text) + 1)

    def _piece(self, token: int) -> str:
        return self._vocabulary.token_bytes(token).decode("utf-8", "replace")

    def _cut(self, place: int) -> None:
        """Remove all text from the character at `place` on; a token that reaches beyond it keeps its first part."""
        kept = [each for each in self._tokens if each.chars - len(each.text) < place or each.chars <= place]
        while kept and kept[-1].held:
            kept.pop()
        self._text = self._text[:place]
        if kept and kept[-1].chars > place:
            last = kept[-1]
            text = last.text[: len(last.text) - (last.chars - place)]
            kept[-1] = replace(last, text=text, chars=place, complete=False)
        self._tokens = kept

    def _truncate(self, index: int) -> None:
        self._tokens = self._tokens[:index]
        self._text = self._text[: self._tokens[-1].chars if self._tokens else self._prompt_length]

    def _drop_incomplete(self) -> None:
        """Remove trailing tokens that hold only part of a character."""
        index = self.count
        while index > self._shown and self._tokens[index - 1].held:
            index -= 1
        self._truncate(index)
