"""A run's samples: the same beginnings, continued at intervals during training, beside those from before it."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Grid, Vertical, VerticalScroll
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from storytime_tui.generation.sentences import marked_where_cut
from storytime_tui.terminal import printable, printable_line
from storytime_tui.training.events import Sampled
from storytime_tui.tui.changed_words import changed_parts
from storytime_tui.tui.run_view import RunView
from storytime_tui.tui.sample_groups import (
    SampleGroup,
    first_of_beginning,
    group_samples,
    last_of_beginning,
    prompt_label,
    prompts_of,
    step_label,
    steps_line,
)

WIDE = 98  # cells; two samples fit side by side
HIGH = 14  # lines; two rows of samples fit
STEPS = 9  # lines; a lower place has no line of steps


class SampleText(VerticalScroll, can_focus=False):
    """One sample in a frame: its step above, its beginning below. The text scrolls."""

    DEFAULT_CSS = """
    SampleText {
        width: 1fr; height: 1fr; border: round $line; border-title-color: $foreground; padding: 0 1;
        border-subtitle-color: $quiet; scrollbar-size-vertical: 1;
    }
    SampleText.-first { border-title-color: $quiet; }
    """

    def compose(self) -> ComposeResult:
        """The text."""
        yield Static(markup=False)

    def show(self, title: str, beginning: str, text: Content) -> None:
        """Show a text, scrolled to its top."""
        title = title[:1].upper() + title[1:]
        self.border_title = Content(printable_line(title))  # `Content`, never markup
        self.border_subtitle = Content(printable_line(beginning))
        self.query_one(Static).update(text)
        self.scroll_home(animate=False)


class Steps(Static):
    """The steps of all samples on one line, the shown one in brackets; a click shows another."""

    DEFAULT_CSS = "Steps { height: 1; text-align: center; color: $quiet; text-wrap: nowrap; }"

    class Chosen(Message):
        """The group at `place` was clicked."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    _shown: tuple[list[int], int] | None = None  # the steps, and the place of the shown one
    _standings: tuple[tuple[int, int, int], ...] = ()
    _length = 0

    def on_resize(self) -> None:
        """Show as many steps as fit."""
        if self._shown is not None:
            self.show(*self._shown)

    def show(self, steps: list[int], place: int) -> None:
        """Show the steps around the one at `place`."""
        self._shown = (steps, place)
        line, self._standings = steps_line(steps, place, max(20, self.size.width - 2))
        self._length = len(line)
        parts = [Content(line)]
        for at, first, end in self._standings:
            if at == place:
                parts = [
                    Content(line[:first]),
                    Content.styled(line[first:end], "$primary"),
                    Content(line[end:]),
                ]
        self.update(Content.assemble(*parts), layout=False)

    def on_click(self, event: Click) -> None:
        """Choose the step under the mouse."""
        x = event.x - (self.size.width - self._length) // 2
        for place, first, end in self._standings:
            if first <= x < end:
                self.post_message(self.Chosen(place))


class Samples(Vertical):
    """Shows the newest group of samples, or an earlier one, as large as there is room.

    In a wide or high place, the first sample of the same beginning stands beside or above each. A small place shows one
    beginning at a time. Words that the sample before did not have are bold.
    """

    DEFAULT_CSS = "Samples Grid { height: 1fr; grid-rows: 1fr; grid-columns: 1fr; }"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._place: int | None = None  # index of the shown group; None follows the newest
        self._prompt: str | None = None  # the shown beginning; None is the first
        self._shown: object = None
        self._view: RunView | None = None

    def on_resize(self) -> None:
        """Redraw: the number of samples side by side may change."""
        if self._view is not None:
            self.forget()
            self.call_after_refresh(self._show_again)
            self.call_after_refresh(self.screen.refresh_bindings)

    def _show_again(self) -> None:
        if self._view is not None:
            self.show(self._view)

    def compose(self) -> ComposeResult:
        """Two beginnings, each with its first sample and the chosen one, and the steps of all samples."""
        with Grid():
            for _ in range(2):
                yield SampleText(classes="-first")
                yield SampleText(classes="-chosen")
        yield Steps(markup=False)

    @property
    def _wide(self) -> bool:
        return self.size.width >= WIDE

    @property
    def _high(self) -> bool:
        return self.size.height >= HIGH

    @property
    def has_both(self) -> bool:
        """Whether both beginnings are shown."""
        return self._wide and self._high

    def show(self, view: RunView) -> None:
        """Show the chosen group, or the newest."""
        if self._view is not None and view.run != self._view.run:
            self._place = self._prompt = None  # another run opens at its newest samples
        self._view = view
        told = group_samples(view.samples)
        self._place = self._place if told else None
        place = len(told) - 1 if self._place is None else min(self._place, len(told) - 1)
        now = told[place] if told else ()
        kept = self._two_of(now) if self.has_both else self._one_of(now)
        compared = self._wide or self._high
        firsts = tuple(first_of_beginning(view.samples, each) if compared else None for each in kept)
        state = (kept, firsts, place, len(told), self._wide)
        if self._shown == state:
            return
        self._shown = state
        shown = len(kept) + sum(first is not None for first in firsts)
        self.query_one(Grid).styles.grid_size_columns = 2 if self._wide and shown > 1 else 1
        lefts, rights = self.query(".-first").results(SampleText), self.query(".-chosen").results(SampleText)
        for at, (left, right) in enumerate(zip(lefts, rights, strict=True)):
            first = firsts[at] if at < len(kept) else None
            left.display = first is not None
            right.display = at < len(kept) or at == 0
            if first is not None:
                left.show(step_label(first), f"From {prompt_label(first)}", _text(first, None))
            if at < len(kept):
                before = last_of_beginning(view.samples, kept[at])
                title = f"{step_label(kept[at])} · {place + 1} of {len(told)}"
                right.show(title, _subtitle(kept[at], before), _text(kept[at], before))
        steps = self.query_one(Steps)
        steps.display = self.size.height >= STEPS and len(told) > 1
        if steps.display:
            steps.show([group[0].step for group in told], place)
        if not kept:
            words = "The first samples are told before the first step."
            self.query(".-chosen").first(SampleText).show("Samples", "", Content.styled(words, "$quiet"))

    def _one_of(self, sampling: SampleGroup) -> SampleGroup:
        """The sample of the shown beginning; the first one if the group has none."""
        return tuple(each for each in sampling if each.prompt == self._prompt)[:1] or sampling[:1]

    def _two_of(self, sampling: SampleGroup) -> SampleGroup:
        """The first sample and that of the shown beginning, or the second one."""
        chosen = next((each for each in sampling[2:] if each.prompt == self._prompt), None)
        return sampling[:2] if chosen is None else (sampling[0], chosen)

    def forget(self) -> None:
        """Lay out the text again at the next `show`."""
        self._shown = None

    def move(self, by: int, view: RunView) -> None:
        """Show an earlier or later group; after the last one, follow the newest again."""
        last = len(group_samples(view.samples)) - 1
        place = (last if self._place is None else self._place) + by
        self._place = None if place >= last else max(0, place)
        self.show(view)

    @on(Steps.Chosen)
    def _chosen(self, event: Steps.Chosen) -> None:
        if self._view is not None:
            last = len(group_samples(self._view.samples)) - 1
            self._place = None if event.place >= last else event.place
            self.show(self._view)

    def show_beginning(self, prompt: str) -> None:
        """Show the newest samples, of this beginning where only one is shown."""
        self._place, self._prompt = None, prompt

    def turn(self, view: RunView) -> None:
        """Show the sample of the other beginning at the same step."""
        told = group_samples(view.samples)
        now = told[-1 if self._place is None else min(self._place, len(told) - 1)] if told else ()
        prompts = prompts_of(now)
        if len(prompts) > 1:
            at = prompts.index(self._prompt) if self._prompt in prompts else 0
            self._prompt = prompts[(at + 1) % len(prompts)]
        self.show(view)


def _text(sample: Sampled, before: Sampled | None) -> Content:
    """The prompt and the told text, which is tinted, and marked if its sentence is cut.

    Words that the sample `before` does not have are bold.
    """
    told = marked_where_cut(sample.prompt + sample.text)[len(sample.prompt) :]
    parts = changed_parts(before.text, told) if before is not None else [(told, False)]
    styled = [(printable(text), "bold $told" if is_new else "$told") for text, is_new in parts]
    return Content.assemble(Content(printable(sample.prompt)), *styled)


def _subtitle(sample: Sampled, before: Sampled | None) -> str:
    """What a sample is told from, and what its bold words mean."""
    words = f"From {prompt_label(sample)}"
    has_marks = before is not None and any(new for _, new in changed_parts(before.text, sample.text))
    if not has_marks or before is None:
        return words
    return f"{words} · bold: new" + (f" since {step_label(before)}" if before.step else "")
