"""One continuation while it is told: what was chosen, what of it may be shown already, and when it is over.

Text is held back while it may still become a stop text or a banned phrase, or, where the telling is to end on a
whole sentence, while it may still be cut; so what was shown is never taken back. Knows no torch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from storytime_tui.generation.detokenizer import Detokenizer
from storytime_tui.generation.phrases import (
    FoundPhrase,
    find_banned,
    find_stop,
    held_banned,
    held_stop,
    token_of,
)
from storytime_tui.generation.pieces import Alternative, Piece
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.sampling.vocabulary import Vocabulary
from storytime_tui.generation.sentences import ends_sentence, sentence_cut

OVERRUN = 40  # tokens that a telling may go on for, to finish its sentence
_UNFINISHED = 3  # tokens more for a character of which only some bytes have come
_TRIES = 1000  # times that a banned phrase is turned away from, until there seems to be no way around


@dataclass(frozen=True, slots=True)
class _Token:
    token: int
    text: str  # what it completes; empty while a character is incomplete
    logprob: float
    alternatives: tuple[Alternative, ...]
    chars: int  # of the text that are whole by its end
    held: bytes  # of a character that is not
    whole: bool = True  # False where the text was cut within it


class Line:
    """What follows one prompt. `forbidden` are the ids that may not come next: they began what is banned.

    `stopped_by` is empty while it goes on. `after` is the prompt's end, which tells whether a word
    begins, and whether something banned has begun; with `drop_spaces` the first text loses the spaces that the
    prompt has already.
    """

    def __init__(
        self, settings: SamplerSettings, vocabulary: Vocabulary, *, after: str = "", drop_spaces: bool = False
    ) -> None:
        self.stopped_by = ""
        self._settings, self._vocabulary = settings, vocabulary
        self._drops_spaces = drop_spaces
        self._tokens: list[_Token] = []
        longest = max((len(phrase) for phrase in settings.banned), default=0)
        self._text = after[-max(longest, settings.line_ends) - 1 :]  # and all that was told
        self._begin = len(self._text)
        # from where on the prompt's end may become something banned
        self._begun = held_banned(self._text, settings.banned, min(1, self._begin), beyond=self._begin)
        self._shown, self._shown_chars = (
            0,
            self._begin,
        )  # tokens, and characters of `_text`, that were let out
        self._tried: dict[int, set[int]] = {}  # by place: the ids that led into something banned
        self._tries = 0

    @property
    def count(self) -> int:
        """Tokens told, those that are held back included."""
        return len(self._tokens)

    @property
    def shown(self) -> int:
        """Tokens that were let out."""
        return self._shown

    @property
    def text(self) -> str:
        """All that was told, held back or not."""
        return self._text[self._begin :]

    @property
    def at_line_ends(self) -> bool:
        """Whether as many line ends as may stand in a row stand at the end."""
        most = self._settings.line_ends
        return most > 0 and self._text.endswith("\n" * most)

    def ids_and_ends(self) -> tuple[list[int], list[int]]:
        """The told ids, and at which byte of `text` each ends; tokens that share a character end together.

        A token that was cut is left out, and so is what follows it: its text is not what its id says.
        """
        ids, ends, end, waiting = [], [], 0, 0
        for each in self._tokens:
            if not each.whole:
                break
            end += len(each.text.encode("utf-8", "replace"))
            ids.append(each.token)
            waiting += 1
            if not each.held:
                ends += [end] * waiting
                waiting = 0
        return ids[: len(ends)], ends

    @property
    def forbidden(self) -> set[int]:
        """Ids that may not come next."""
        return self._tried.get(self.count, set())

    def add(self, token: int, logprob: float, alternatives: Sequence[tuple[int, float]] = ()) -> None:
        """Take the next token. Where it makes a banned phrase, `count` is smaller afterwards than before."""
        if token == self._vocabulary.end_of_text:
            self._finish("end")
            return
        held = self._tokens[-1].held if self._tokens else b""
        stream = Detokenizer(held)
        text = stream.feed(self._vocabulary.token_bytes(token))
        if self._drops_spaces and not self.text:
            text = text.lstrip(" ")
        self._text += text
        likeliest = tuple(Alternative(other, self._piece(other), share) for other, share in alternatives)
        self._tokens.append(_Token(token, text, logprob, likeliest, len(self._text), stream.held))
        turned_back = self._judge(final=False)
        if not turned_back and not self.stopped_by and self.count >= self._settings.max_tokens:
            self._at_length()

    def stop(self) -> None:
        """The listener has heard enough. What was held back is let out, but for half a character or phrase."""
        self._drop_incomplete()
        self.stopped_by = "you"
        banned = self._find_banned(self._text, final=True)
        if banned is not None:
            self._cut(max(self._begin, banned.start))

    def ready(self) -> Iterator[Piece]:
        """The tokens that may be shown now, each once."""
        limit = len(self._text) if self.stopped_by else self._safe()
        while self._shown < self.count:
            each = self._tokens[self._shown]
            if self._end_of(self._shown) > limit:
                break
            self._shown += 1
            self._shown_chars = each.chars
            yield Piece(each.token, each.text, each.logprob, each.alternatives)

    # -- what it leads to ---------------------------------------------------------------------------------

    def _judge(self, *, final: bool) -> bool:
        """Look for a stop text or a banned phrase in what was not shown yet; whether it turned back."""
        stop = find_stop(self._text, self._settings.stop, self._shown_chars, final=final)
        text = self._text if stop is None else self._text[: stop.start]
        closed = final or stop is not None
        banned = self._find_banned(text, final=closed)
        if banned is not None:
            self._turn_back(max(self._begin, banned.start))
            return True
        if stop is not None:
            self._cut(stop.start)
            self.stopped_by = "stop"
        return False

    def _turn_back(self, place: int) -> None:
        """Take back all from the token on in which a banned phrase begins; that one is not told there again."""
        index = token_of([each.chars + bool(each.held) for each in self._tokens], place)
        self._tried = {at: ids for at, ids in self._tried.items() if at <= index}
        self._tried.setdefault(index, set()).add(self._tokens[index].token)
        self._forget(index)
        self._tries += 1
        if self._tries >= _TRIES:
            self._drop_incomplete()
            self.stopped_by = "stuck"

    def _finish(self, stopped_by: str) -> None:
        """No more comes, unless what was held back turns out to be banned."""
        self._drop_incomplete()
        if not self._judge(final=True):
            self.stopped_by = self.stopped_by or stopped_by

    def _at_length(self) -> None:
        """As many tokens as were asked for: a character, or on request a sentence, may still be ended."""
        over = self.count - self._settings.max_tokens
        if self._settings.finish_sentence:
            whole = not self._tokens[-1].held and ends_sentence(self.text)
            if not whole and over < OVERRUN:
                return
            if not whole:
                self._cut_to_sentence()
        elif self._tokens[-1].held and over < _UNFINISHED:
            return
        self._finish("length")

    def _cut_to_sentence(self) -> None:
        """Leave out the begun sentence; all stays where part of it was shown already, or nothing else was told."""
        place = sentence_cut(self._text, self._shown_chars)
        shown = self._text[self._begin : self._shown_chars]
        if place > self._shown_chars or (shown and ends_sentence(shown)):
            self._cut(place)

    # -- what it has --------------------------------------------------------------------------------------

    def _safe(self) -> int:
        """How many characters may be shown."""
        safe = min(
            held_stop(self._text, self._settings.stop, self._shown_chars),
            held_banned(self._text, self._settings.banned, self._unjudged(), beyond=self._begin),
        )
        if self._settings.finish_sentence and self.count > self._settings.max_tokens - OVERRUN:
            safe = min(safe, sentence_cut(self._text, self._shown_chars))
        return safe

    def _find_banned(self, text: str, *, final: bool) -> FoundPhrase | None:
        return find_banned(text, self._settings.banned, self._unjudged(), final=final, beyond=self._begin)

    def _unjudged(self) -> int:
        """From where on the text may hold something banned: what was shown holds nothing."""
        return min(self._begun, self._shown_chars) if self._shown == 0 else self._shown_chars

    def _end_of(self, index: int) -> int:
        """By how many characters a token is whole: those of a later one, where it ends within a character."""
        return next((each.chars for each in self._tokens[index:] if not each.held), len(self._text) + 1)

    def _piece(self, token: int) -> str:
        return self._vocabulary.token_bytes(token).decode("utf-8", "replace")

    def _cut(self, place: int) -> None:
        """Leave out all from the character at `place` on; a token that reaches beyond it keeps its part."""
        kept = [each for each in self._tokens if each.chars - len(each.text) < place or each.chars <= place]
        while kept and kept[-1].held:
            kept.pop()
        self._text = self._text[:place]
        if kept and kept[-1].chars > place:
            last = kept[-1]
            text = last.text[: len(last.text) - (last.chars - place)]
            kept[-1] = replace(last, text=text, chars=place, whole=False)
        self._tokens = kept

    def _forget(self, index: int) -> None:
        self._tokens = self._tokens[:index]
        self._text = self._text[: self._tokens[-1].chars if self._tokens else self._begin]

    def _drop_incomplete(self) -> None:
        """Let go of tokens that hold only a part of a character."""
        index = self.count
        while index > self._shown and self._tokens[index - 1].held:
            index -= 1
        self._forget(index)
