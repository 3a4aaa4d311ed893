"""How it learns: a held-out passage under the run's models, tinted by surprise, and the likeliest tokens at a word."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs.passages import BASE
from storytime_tui.terminal import printable_line
from storytime_tui.tui import breakpoints, wording
from storytime_tui.tui import learning_words as words
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.debounce import Debounced
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.run_view import RunView
from storytime_tui.tui.screens.how_it_learns_keys import KEYS
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.header import Header
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.likeliest import Likeliest
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.passage_pair import WIDE, PassagePair
from storytime_tui.tui.widgets.passage_view import SurpriseLegend

if TYPE_CHECKING:
    from storytime_tui.jobs.passages import Checkpoint, Passage
    from storytime_tui.jobs.readings import Chances, Reading

KEPT = 4  # readings in memory; each holds the logits of a passage
OWN = SamplerSettings(
    temperature=1.0, top_p=1.0, min_p=0.0
)  # the model's own probabilities, as `explain` prints them
SIDES = (0, 1)
# the keys that give way where there is little room, the last one first
_SELDOM = (
    "passage",
    *(f"set('{name}', -1)" for name in ("temperature", "top_p", "min_p")),
    "as_told",
    "versus",
)
Key = tuple[str, int]  # a model and the number of a passage


class HowItLearnsScreen(StyledOnce, Screen[None]):
    """Shows what a run learned, word by word. It only reads the run, which may be training."""

    CSS_PATH = "how_it_learns.tcss"
    VERTICAL_BREAKPOINTS = breakpoints.HEIGHTS
    AUTO_FOCUS = "#passages"
    help_topic = "learns"  # see `StorytimeApp.action_help`
    BINDINGS = KEYS

    def __init__(self, desk: Desk, run: str) -> None:
        super().__init__()
        self._desk, self._run = desk, run
        self._services = desk.services.learning
        self._title = Static(id="learns-title", markup=False)
        self._pair = PassagePair(id="passages")
        self._word = Static(id="learns-word", markup=False)
        self._set = Static(id="settings", markup=False)
        self._lists = Likeliest(id="likeliest-left"), Likeliest(id="likeliest-right")
        self._message = MessageLine()
        self._passages: Sequence[Passage] = ()
        self._passage = 0
        self._checkpoints: Sequence[Checkpoint] = ()
        self._models = [BASE, BASE]  # of the left and the right side
        self._side = 1
        self._alone = False
        self._readings: dict[Key, Reading] = {}  # the last used at the end
        self._failures: dict[Key, str] = {}
        self._retried: set[Key] = set()
        self._filling = False
        self._settings = OWN
        self._term = "surprise"  # where the glossary opens
        self._saved = desk.training.view.saved_step
        self._chances: Debounced[list[Chances | None]] = Debounced(self, self._show_chances, self._complain)

    def compose(self) -> ComposeResult:
        """The passage under two models, the word under the cursor, and what could stand there."""
        yield Header(self._desk, "train")
        yield self._title
        yield self._pair
        with Horizontal(id="legend"):
            yield SurpriseLegend()
            yield self._set
        yield self._word
        with Horizontal(id="likeliest"):
            yield from self._lists
        yield self._message
        yield KeyLine(_SELDOM)

    def on_mount(self) -> None:
        """Read the passages and the models; the screen is there before they are."""
        self._show()
        self._desk.run_changed.subscribe(self, self._run_changed)
        self.run_worker(self._open())

    async def _open(self) -> None:
        try:
            self._passages = await in_thread(partial(self._services.passages, self._run))
            self._checkpoints = await in_thread(partial(self._services.checkpoints, self._run))
        except Exception as error:
            self._complain(error)
            self._show()
            return
        self._choose_best()
        await self._fill()

    def _choose_best(self) -> None:
        """Compare the base with the best checkpoint; show the base alone while there is none."""
        saved = [each for each in self._checkpoints if each.which != BASE]
        best = next((each for each in saved if "best" in each.marks), saved[-1] if saved else None)
        self._models = [BASE, best.which if best else BASE]
        self._alone, self._side = best is None, 1
        if best is None:
            self._message.say(
                "No checkpoint yet, so only the base can be shown. c on the Train screen saves one."
            )

    def on_resize(self) -> None:
        """Show one list of tokens or two."""
        self.call_after_refresh(self._show)

    def _complain(self, error: Exception) -> None:
        self._message.complain(sentence_of(error))

    # -- while the run trains -------------------------------------------------------------------------

    def _run_changed(self, view: RunView) -> None:
        if view.run == self._run and view.saved_step != self._saved:
            self._saved = view.saved_step
            self.run_worker(self._look_again(), group="checkpoints", exclusive=True)

    async def _look_again(self) -> None:
        """List the checkpoints again: one was saved, and an older one may be gone."""
        try:
            self._checkpoints = await in_thread(partial(self._services.checkpoints, self._run))
        except Exception as error:
            self._complain(error)
            return
        if self._models == [BASE, BASE] and len(self._checkpoints) > 1:
            self._message.clear()
            self._choose_best()
        self._move_to_kept()
        self._show()
        await self._fill()

    def _move_to_kept(self) -> None:
        """Show the nearest checkpoint in place of one that the trainer has deleted."""
        for side, which in enumerate(self._models):
            kept = words.nearest_kept(which, self._checkpoints)
            if kept != which:
                self._models[side] = kept
                if side in self._shown:
                    self._message.say(words.moved_words(which, kept))

    # -- reading --------------------------------------------------------------------------------------

    @property
    def _shown(self) -> tuple[int, ...]:
        """The sides that are shown."""
        return (self._side,) if self._alone else SIDES

    def _key(self, side: int) -> Key:
        return self._models[side], self._passage

    def _missing(self) -> Key | None:
        """The next reading to make, if any."""
        if not self._passages:
            return None
        keys = [self._key(side) for side in self._shown]
        return next((key for key in keys if key not in self._readings and key not in self._failures), None)

    async def _fill(self) -> None:
        """Read what is shown, one model after the other, in a thread."""
        if self._filling:
            return
        self._filling = True
        try:
            while (key := self._missing()) is not None:
                which, number = key
                try:
                    reading = await in_thread(
                        partial(self._services.read, self._run, which, self._passages[number])
                    )
                except Exception as error:
                    await self._could_not_read(key, error)
                else:
                    self._keep(key, reading)
                self._show()
        finally:
            self._filling = False

    async def _could_not_read(self, key: Key, error: Exception) -> None:
        """Move on if the checkpoint was deleted. Else try once more: it may have been on its way out."""
        with contextlib.suppress(Exception):  # the first error says more
            self._checkpoints = await in_thread(partial(self._services.checkpoints, self._run))
        self._move_to_kept()
        if key[0] not in self._models:
            return
        if key in self._retried:
            self._failures[key] = sentence_of(error)
        self._retried.add(key)

    def _keep(self, key: Key, reading: Reading) -> None:
        self._readings[key] = reading
        shown = [self._key(side) for side in SIDES]
        for old in [each for each in self._readings if each not in shown][: len(self._readings) - KEPT]:
            del self._readings[old]

    def _reading(self, side: int) -> Reading | None:
        return self._readings.get(self._key(side)) if side in self._shown else None

    # -- showing --------------------------------------------------------------------------------------

    def _show(self) -> None:
        self._pair.choose(self._side, alone=self._alone)
        for side in SIDES:
            reading, key = self._reading(side), self._key(side)
            name = words.model_name(key[0], self._checkpoints)
            if reading is not None:
                texts = tuple(token.text for token in reading.tokens)
                loss = wording.number(words.mean_loss(reading.tokens))
                losses = [-token.logprob for token in reading.tokens]
                self._pair.show(side, f"{name} · mean loss {loss} nats", texts, losses)
            else:
                said = self._failures.get(key, "" if self._message.error else "reading…")
                self._pair.say(side, name, said)
        self._show_title()
        self._show_word()

    def _show_title(self) -> None:
        if not self._passages:
            self._title.update(Content(printable_line(f"How {self._run} learned")))
            return
        passage = self._passages[self._passage]
        parts = [
            Content.styled(printable_line(passage.title), "bold"),
            Content.styled(" (held out)", "$quiet"),
        ]
        left, right = self._reading(0), self._reading(1)
        if left is not None and right is not None:
            parts.append(Content(f" · {words.comparison(left.tokens, right.tokens)}"))
        self._title.update(Content("").join(parts))

    @on(PassagePair.Moved)
    def _moved(self) -> None:
        self._term = "probability"
        self._message.clear_notice()
        self._show_word()

    def _show_word(self) -> None:
        """Show the figures of the token under the cursor."""
        place, wide = self._pair.cursor, self.size.width >= WIDE
        readings = [self._reading(side) for side in SIDES]
        found = []
        line = ""
        for side, reading in zip(SIDES, readings, strict=True):
            self._lists[side].display = side in self._shown and (wide or side == self._side)
            self._lists[side].set_class(side == self._side, "-chosen")
            if reading is not None and place < len(reading.tokens):
                token = reading.tokens[place]
                line = line or words.token_words([each.text for each in reading.tokens], place)
                name = words.model_name(self._models[side], self._checkpoints)
                found.append(f"{name} {words.found_words(token.logprob, token.rank)}")
        figures = " → ".join(found)
        self._word.update(
            Content.assemble((printable_line(line), "bold $primary"), f"  {printable_line(figures)}")
        )
        self._set.update(Content(words.settings_words(self._settings)))
        self._chances.request(partial(self._work_out, readings, place, self._settings), at_once=True)

    def _work_out(
        self, readings: list[Reading | None], place: int, settings: SamplerSettings
    ) -> list[Chances | None]:
        return [
            None
            if reading is None or place >= len(reading.tokens)
            else self._services.chances(reading, place, settings)
            for reading in readings
        ]

    def _show_chances(self, chances: list[Chances | None]) -> None:
        for side, each in zip(SIDES, chances, strict=True):
            self._lists[side].show(words.model_name(self._models[side], self._checkpoints), each)

    # -- keys -----------------------------------------------------------------------------------------

    def action_side(self) -> None:
        """Choose the other model."""
        self._side, self._term = 1 - self._side, "checkpoint"
        self._refill()

    def action_versus(self) -> None:
        """Show the chosen model alone, or both."""
        self._alone = not self._alone
        self._refill()

    def action_step(self, by: int) -> None:
        """Choose an earlier or a later checkpoint for the chosen side."""
        names = [each.which for each in self._checkpoints]
        if not names:
            return
        self._term = "checkpoint"
        now = self._models[self._side]
        place = names.index(now) if now in names else 0
        self._models[self._side] = names[max(0, min(len(names) - 1, place + by))]
        key = self._key(self._side)
        self._failures.pop(key, None)  # try again
        self._retried.discard(key)
        self._refill()

    def action_passage(self) -> None:
        """Show a passage of the next held-out story."""
        if len(self._passages) < 2:
            self._message.say("The run has no other held-out story.")
            return
        self._passage = (self._passage + 1) % len(self._passages)
        self._pair.restart()
        self._refill()

    def _refill(self) -> None:
        self._message.clear()
        self._show()
        self.run_worker(self._fill())

    def action_set(self, setting: str, by: int) -> None:
        """Change a sampler setting by one step."""
        values = {"temperature": words.TEMPERATURES, "top_p": words.TOP_PS, "min_p": words.MIN_PS}[setting]
        value = words.stepped(values, getattr(self._settings, setting), by)
        now = self._settings
        chosen = {"temperature": now.temperature, "top_p": now.top_p, "min_p": now.min_p, setting: value}
        self._settings = dataclasses.replace(
            OWN, temperature=chosen["temperature"], top_p=chosen["top_p"], min_p=chosen["min_p"]
        )
        self._term = setting.replace("_", "-")
        self._show_word()

    def action_as_told(self) -> None:
        """Take the settings that stories are told with, or return to the model's own probabilities."""
        told = self._desk.sampler
        told = dataclasses.replace(OWN, temperature=told.temperature, top_p=told.top_p, min_p=told.min_p)
        self._settings = OWN if self._settings == told else told
        self._term = "sampler"
        self._show_word()

    def action_terms(self) -> None:
        """Open the glossary at the term that belongs to what was done last."""
        from storytime_tui.tui.screens.glossary import GlossaryScreen

        self.app.push_screen(GlossaryScreen(self._term))

    def action_guess(self) -> None:
        """Play the guessing game on this passage."""
        trained = next(
            (self._models[side] for side in (self._side, 0, 1) if self._models[side] != BASE), None
        )
        if trained is None:
            self._message.say("The game needs a checkpoint of the run; there is none yet.")
        elif self._passages:
            from storytime_tui.tui.screens.guessing import GuessingScreen

            name = words.model_name(trained, ())  # without its marks, which the table has no room for
            self.app.push_screen(
                GuessingScreen(self._desk, self._run, trained, name, self._passages, self._passage)
            )

    def action_one_step(self) -> None:
        """Show one training step of the chosen model."""
        from storytime_tui.tui.screens.one_step import OneStepScreen

        which = self._models[self._side]
        name = words.model_name(which, self._checkpoints)
        self.app.push_screen(OneStepScreen(self._desk, self._run, which, name))
