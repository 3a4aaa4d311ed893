"""The guessing game: the next words of a passage, and what the base and the run would say. Loads torch when called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storytime_tui.generation.detokenizer import Detokenizer
from storytime_tui.jobs.explain import OpenedModel, front_ids
from storytime_tui.jobs.passages import BASE, Passage, words_of
from storytime_tui.jobs.readings import open_model_of, voice_for

if TYPE_CHECKING:
    import torch

    from storytime_tui.models.tokenizer import Tokenizer

ROUNDS = 10
SHOWN = 12  # words that are shown before the first guess
_LONGEST = 8  # tokens of a guessed word
_TRIED = 200  # likeliest tokens among which the beginning of a word is looked for


@dataclass(frozen=True)
class Round:
    """One word to guess: the text `before` it, the `word` itself, and the words that the base and the run guess.

    A guess is "" if a model expects no word at all.
    """

    before: str
    word: str
    base: str
    run: str


def make_game(run: str, which: str, passage: Passage) -> tuple[Round, ...]:
    """The rounds of a game with the run's base and its checkpoint `which`; none for a very short passage.

    Raises ModelError and RunError.
    """
    own = open_model_of(run, which).model
    ids = own.tokenizer.encode(passage.text)
    detokenizer = Detokenizer()
    texts = [detokenizer.feed(own.tokenizer.token_bytes(token)) for token in ids]
    words = [word for word in words_of(texts) if texts[word.start].strip()[:1].isalpha()]
    asked = words[SHOWN : SHOWN + ROUNDS]
    guesses = []
    for opened in (open_model_of(run, BASE).model, own):
        front = front_ids(opened, voice_for(opened, passage))
        room = opened.block - len(front) - _LONGEST
        before = [ids[: word.start] for word in asked]
        spaced = [texts[word.start][:1].isspace() for word in asked]
        guesses.append(
            [
                _guess(opened, [*front, *seen[-room:]], space)
                for seen, space in zip(before, spaced, strict=True)
            ]
        )
    return tuple(
        Round(_gap_after(texts, word), "".join(texts[place] for place in word).strip(), base, trained)
        for word, base, trained in zip(asked, *guesses, strict=True)
    )


def _gap_after(texts: Sequence[str], word: range) -> str:
    """The text before a word, with the white space between."""
    first = texts[word.start]
    return "".join(texts[: word.start]) + first[: len(first) - len(first.lstrip())]


def _guess(opened: OpenedModel, ids: list[int], space: bool) -> str:
    """The word that the model finds likeliest after `ids`; it begins with a space if `space`."""
    from storytime_tui.training.token_scores import next_logits

    said: list[int] = []
    word = ""
    while len(said) < _LONGEST:
        logits = next_logits(opened.model, [*ids, *said], opened.device, opened.precision)
        token = _continues(logits, opened.tokenizer) if said else _begins(logits, opened.tokenizer, space)
        if token is None:
            break
        said.append(token)
        word += _text(opened.tokenizer, token)
    return word.strip()


def _begins(logits: torch.Tensor, tokenizer: Tokenizer, space: bool) -> int | None:
    """The likeliest token that begins a word."""
    for token in logits.topk(min(_TRIED, len(logits))).indices.tolist():
        text = _text(tokenizer, token)
        if text[:1].isspace() == space and text.strip()[:1].isalpha():
            return int(token)
    return None


def _continues(logits: torch.Tensor, tokenizer: Tokenizer) -> int | None:
    """The likeliest token if it continues a word."""
    token = int(logits.argmax())
    text = _text(tokenizer, token)
    return token if text and words_of(["a", text]) == [range(2)] else None


def _text(tokenizer: Tokenizer, token: int) -> str:
    """The token's text; "" for end-of-text, a part of a character, and a row without a token."""
    if token >= tokenizer.vocabulary_size:
        return ""
    return tokenizer.token_bytes(token).decode("utf-8", "ignore")
