"""A story being continued: its ids, the part in view, and the choice of the next token. Knows no backend."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import torch

from storytime_tui.corpus.headers import HEADERS, SHELF
from storytime_tui.errors import ModelError
from storytime_tui.generation.context import NOTE_DEPTH, View, lay_out
from storytime_tui.generation.copying import CopyGuard
from storytime_tui.generation.header import Front
from storytime_tui.generation.line import Line
from storytime_tui.generation.pieces import Seen
from storytime_tui.generation.sampling.rules import rules_for
from storytime_tui.generation.sampling.sampler import NO_NUMBER, Changes, SamplerState, changes, choose_token
from storytime_tui.generation.sampling.settings import Knobs, SamplerSettings, knobs_of
from storytime_tui.generation.sampling.vocabulary import Vocabulary, token_facts
from storytime_tui.generation.token_history import TokenHistory

_PROMPT_BYTES = 4000  # bytes at the prompt's end in which a banned phrase or a copied run may start


@dataclasses.dataclass(frozen=True)
class Scene:
    """The input of a continuation: the story's text, its trailing `spaces` (not encoded), the additions to the view,
    and what keeps it from reciting, if anything does."""

    text: TokenHistory
    spaces: str
    front: Front
    note: Sequence[int]
    window: int
    guard: CopyGuard | None = None
    note_depth: int = NOTE_DEPTH


class Continuation:
    """One continuation of a scene. `ids` is what the model must have read before the next choice.

    A mixture of voices has several `views`, which differ only in the shelf's line; `ids` is the first. `moved` is
    true if `ids` is not the previous `ids` plus one token: the view moved, or a banned phrase was rolled back.
    """

    def __init__(self, scene: Scene, settings: SamplerSettings, vocabulary: Vocabulary) -> None:
        self._scene, self._vocabulary = scene, vocabulary
        self._rules = rules_for(settings, vocabulary)
        self._state = SamplerState()
        self.generator = torch.Generator().manual_seed(settings.seed)
        self._story = list(scene.text.ids)
        self._headers = [] if scene.text.text else [vocabulary.encode(name) for name in (SHELF, *HEADERS)]
        self._prompt_end = scene.text.text[-_PROMPT_BYTES:].decode("utf-8", "ignore") + scene.spaces[:1]
        self.line = Line(
            settings,
            vocabulary,
            after=self._prompt_end,
            drop_spaces=bool(scene.spaces),
        )
        self.moved = False
        self.views: list[list[int]] = []
        self._view = self._lay_out()

    @property
    def ids(self) -> list[int]:
        """The first view."""
        return self.views[0]

    @property
    def view(self) -> View:
        """The layout of the views."""
        return self._view

    @property
    def shares(self) -> Sequence[float]:
        """Each view's weight in the next choice."""
        return self._scene.front.shares

    @property
    def seen(self) -> Seen:
        """Which part of the story is in view."""
        view, text = self._view, self._scene.text
        begins = min(view.begins, len(text.ids))  # generated tokens come after the text
        return Seen(
            tokens=len(self.ids),
            window=self._scene.window,
            begins=len(text.text[: text.ends[begins - 1]].decode("utf-8", "ignore")) if begins else 0,
            memory=view.memory,
            memory_left_out=view.memory_left_out,
            note=view.note,
            note_left_out=view.note_left_out,
            voice=view.voice,
        )

    def take(self, logits: torch.Tensor, alternatives: int = 0) -> None:
        """Choose the next token from (vocabulary,) logits for the position after `ids`. Raises ModelError."""
        choice = choose_token(
            logits,
            self._penalised_ids(),
            self.line.count,
            self._rules,
            self._state,
            self.generator,
            self._forbidden(),
            alternatives,
        )
        self._state = choice.state
        self.accept(choice.token, choice.logprob, choice.alternatives)

    def accept(self, token: int, logprob: float, alternatives: Sequence[tuple[int, float]] = ()) -> None:
        """Append a chosen token. Raises ModelError if its logprob is not finite."""
        if not math.isfinite(logprob):
            raise ModelError(NO_NUMBER)
        self.moved = False
        before = self.line.count
        self.line.add(token, logprob, alternatives)
        if self.line.count == before + 1:
            self._story.append(token)
            for ids in self.views:
                ids.append(token)
        elif self.line.count < before:
            self._roll_back(before - self.line.count)
        if max(map(len, self.views)) > self._scene.window:
            self._view = self._lay_out()

    def knobs(self, vocabulary: int) -> Knobs | None:
        """The settings for choosing on the GPU (applied after `changes`); None if they need more than the GPU's
        sampler has.

        `vocabulary`: the model's; tokens that the tokenizer does not have cannot be excluded on the GPU.
        """
        return knobs_of(self._rules.settings) if self._rules.vocabulary_size == vocabulary else None

    def changes(self) -> Changes:
        """The penalties and exclusions for the next choice, applied before the knobs."""
        return changes(self._penalised_ids(), self.line.count, self._rules, self._forbidden())

    @property
    def history(self) -> TokenHistory:
        """The text before, with its ids."""
        return self._scene.text

    def transcript(self) -> TokenHistory:
        """The whole text with its ids, prompt and generated part."""
        scene, (ids, ends) = self._scene, self.line.ids_and_ends()
        before = scene.text.text + scene.spaces.encode()
        data = before + self.line.text.encode("utf-8", "replace")
        if not ids:
            return scene.text
        data = data[: len(before) + ends[-1]]
        return TokenHistory(
            data, (*scene.text.ids, *ids), (*scene.text.ends, *(len(before) + end for end in ends))
        )

    def _penalised_ids(self) -> Sequence[int]:
        """The ids that repetition penalties look at: without the shelf's line, whose title is not part of the story."""
        line_tokens = self._view.voice - len(self._scene.front.blank)
        return self.ids[1 + line_tokens :] if self._view.voice else self.ids

    def _forbidden(self) -> Sequence[int]:
        forbidden = list(self.line.forbidden)
        if self._scene.spaces and not self.line.count:
            forbidden += np.flatnonzero(~token_facts(self._vocabulary).begins_word).tolist()
        # A trained model would generate header lines as often as the stories had them; only the user writes them.
        forbidden += [last for *before, last in self._headers if self._story == before]
        if self.line.at_line_ends:
            forbidden += np.flatnonzero(token_facts(self._vocabulary).ends_line).tolist()
        if self._scene.guard is not None:
            forbidden += self._scene.guard.banned(self._prompt_end + self.line.text, self.line.held)
        return forbidden

    def _roll_back(self, count: int) -> None:
        del self._story[len(self._story) - count :]
        self.moved = True
        view = self._view
        if count < len(self.ids) - view.voice - view.memory - view.note - 1:
            for ids in self.views:
                del ids[len(ids) - count :]
        else:
            self._view = self._lay_out()

    def _lay_out(self) -> View:
        scene = self._scene
        view = lay_out(
            self._story,
            scene.window,
            self._is_break,
            start=self._vocabulary.end_of_text,
            memory=scene.front.memory,
            note=scene.note,
            lines=scene.front.lines,
            blank=scene.front.blank,
            headers=scene.front.headers,
            note_depth=scene.note_depth,
        )
        self.views, self.moved = [list(view.ids), *map(list, view.others)], True
        return view

    def _is_break(self, token: int) -> bool:
        return self._vocabulary.token_bytes(token).endswith(b"\n")
