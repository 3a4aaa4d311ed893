"""A story that is gone on with: its ids, what of them is in view, and the next choice. Knows no backend."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import torch

from storytime_tui.corpus.headers import HEADERS, SHELF
from storytime_tui.errors import ModelError
from storytime_tui.generation.context import View, lay_out
from storytime_tui.generation.header import Front
from storytime_tui.generation.line import Line
from storytime_tui.generation.pieces import Seen
from storytime_tui.generation.sampling.rules import rules_for
from storytime_tui.generation.sampling.sampler import NO_NUMBER, Changes, SamplerState, changes, choose_token
from storytime_tui.generation.sampling.settings import Knobs, SamplerSettings, knobs_of
from storytime_tui.generation.sampling.vocabulary import Vocabulary, token_facts
from storytime_tui.generation.token_history import TokenHistory

_BEFORE = 4000  # bytes of the prompt, in which a banned phrase may have begun


@dataclasses.dataclass(frozen=True)
class Scene:
    """What a continuation begins with: the story's text, read without `spaces` at its end, and what is added."""

    text: TokenHistory
    spaces: str
    front: Front
    note: Sequence[int]
    window: int


class Continuation:
    """What is told behind one scene. `ids` is what the model is to have read before the next choice.

    A mixture of voices has several `views`, which differ in the shelf's line only; `ids` is then the first of them.
    `moved` says that `ids` is not the last choice's with one more: the view began anew, or a phrase was taken back.
    """

    def __init__(self, scene: Scene, settings: SamplerSettings, vocabulary: Vocabulary) -> None:
        self._scene, self._vocabulary = scene, vocabulary
        self._rules = rules_for(settings, vocabulary)
        self._state = SamplerState()
        self.generator = torch.Generator().manual_seed(settings.seed)
        self._story = list(scene.text.ids)
        self._headers = [] if scene.text.text else [vocabulary.encode(name) for name in (SHELF, *HEADERS)]
        self.line = Line(
            settings,
            vocabulary,
            after=scene.text.text[-_BEFORE:].decode("utf-8", "ignore") + scene.spaces[:1],
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
    def shares(self) -> Sequence[float]:
        """How much each view says in the next choice."""
        return self._scene.front.shares

    @property
    def seen(self) -> Seen:
        """What of the story is in view."""
        view, text = self._view, self._scene.text
        begins = min(view.begins, len(text.ids))  # what was told since is behind the text
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
        """Choose what comes next by (vocabulary,) logits of what follows `ids`. Raises ModelError."""
        chosen = choose_token(
            logits,
            self._in_sight(),
            self.line.count,
            self._rules,
            self._state,
            self.generator,
            self._forbidden(),
            alternatives,
        )
        self._state = chosen.state
        self.accept(chosen.token, chosen.logprob, chosen.alternatives)

    def accept(self, token: int, logprob: float, alternatives: Sequence[tuple[int, float]] = ()) -> None:
        """Go on with a token that was chosen. Raises ModelError where its log-probability is no number."""
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
            self._turn_back(before - self.line.count)
        if max(map(len, self.views)) > self._scene.window:
            self._view = self._lay_out()

    def knobs(self, vocabulary: int) -> Knobs | None:
        """How the next token is chosen after `changes`, where a few numbers say it; None where more counts.

        `vocabulary`: the model's, which may have more tokens than the tokenizer, of which none may come.
        """
        return knobs_of(self._rules.settings) if self._rules.vocabulary_size == vocabulary else None

    def changes(self) -> Changes:
        """What bears on the next choice before these knobs do."""
        return changes(self._in_sight(), self.line.count, self._rules, self._forbidden())

    def transcript(self) -> TokenHistory:
        """The whole text and its ids, as they were told."""
        scene, (ids, ends) = self._scene, self.line.ids_and_ends()
        before = scene.text.text + scene.spaces.encode()
        whole = before + self.line.text.encode("utf-8", "replace")
        if not ids:
            return scene.text
        data = whole[: len(before) + ends[-1]]
        return TokenHistory(
            data, (*scene.text.ids, *ids), (*scene.text.ends, *(len(before) + end for end in ends))
        )

    def _in_sight(self) -> Sequence[int]:
        """The ids that penalties on repetition look at: a shelf's title is no word that was told."""
        hidden = self._view.voice - len(self._scene.front.blank)
        return self.ids[1 + hidden :] if self._view.voice else self.ids

    def _forbidden(self) -> Sequence[int]:
        forbidden = list(self.line.forbidden)
        if self._scene.spaces and not self.line.count:
            forbidden += np.flatnonzero(~token_facts(self._vocabulary).begins_word).tolist()
        # a model that has read stories under such lines would begin with them as often; a person gives them
        forbidden += [last for *before, last in self._headers if self._story == before]
        if self.line.at_line_ends:
            forbidden += np.flatnonzero(token_facts(self._vocabulary).ends_line).tolist()
        return forbidden

    def _turn_back(self, count: int) -> None:
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
        )
        self.views, self.moved = [list(view.ids), *map(list, view.others)], True
        return view

    def _is_break(self, token: int) -> bool:
        return self._vocabulary.token_bytes(token).endswith(b"\n")
