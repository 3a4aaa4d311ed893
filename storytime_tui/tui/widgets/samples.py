"""A run's samples: the same beginnings, continued at intervals during training, beside those from before it."""

from textual.app import ComposeResult
from textual.containers import Grid, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from storytime_tui.generation.sentences import marked_where_cut
from storytime_tui.terminal import printable, printable_line
from storytime_tui.training.events import Sampled
from storytime_tui.tui.sample_groups import (
    SampleGroup,
    first_of_beginning,
    group_samples,
    prompt_label,
    prompts_of,
    step_label,
)
from storytime_tui.tui.training_session import RunView

WIDE = 98  # cells; two samples fit side by side
HIGH = 14  # lines; two rows of samples fit


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


class Samples(Grid):
    """Shows the newest group of samples, or an earlier one, as large as there is room.

    In a wide or high place, the first sample of the same beginning stands beside or above each. A small place shows one
    beginning at a time.
    """

    DEFAULT_CSS = "Samples { grid-rows: 1fr; grid-columns: 1fr; }"

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
        """Two beginnings, each with its first sample and the chosen one."""
        for _ in range(2):
            yield SampleText(classes="-first")
            yield SampleText(classes="-chosen")

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
        kept = now[:2] if self.has_both else self._one_of(now)
        compared = self._wide or self._high
        firsts = tuple(first_of_beginning(view.samples, each) if compared else None for each in kept)
        state = (kept, firsts, place, len(told), self._wide)
        if self._shown == state:
            return
        self._shown = state
        shown = len(kept) + sum(first is not None for first in firsts)
        self.styles.grid_size_columns = 2 if self._wide and shown > 1 else 1
        lefts, rights = self.query(".-first").results(SampleText), self.query(".-chosen").results(SampleText)
        for at, (left, right) in enumerate(zip(lefts, rights, strict=True)):
            first = firsts[at] if at < len(kept) else None
            left.display = first is not None
            right.display = at < len(kept) or at == 0
            if first is not None:
                left.show(step_label(first), f"From {prompt_label(first)}", _text(first))
            if at < len(kept):
                title = f"{step_label(kept[at])} · {place + 1} of {len(told)}"
                right.show(title, f"From {prompt_label(kept[at])}", _text(kept[at]))
        if not kept:
            words = "The first samples are told before the first step."
            self.query(".-chosen").first(SampleText).show("Samples", "", Content.styled(words, "$quiet"))

    def _one_of(self, sampling: SampleGroup) -> SampleGroup:
        """The sample of the shown beginning; the first one if the group has none."""
        return tuple(each for each in sampling if each.prompt == self._prompt)[:1] or sampling[:1]

    def forget(self) -> None:
        """Lay out the text again at the next `show`."""
        self._shown = None

    def move(self, by: int, view: RunView) -> None:
        """Show an earlier or later group; after the last one, follow the newest again."""
        last = len(group_samples(view.samples)) - 1
        place = (last if self._place is None else self._place) + by
        self._place = None if place >= last else max(0, place)
        self.show(view)

    def turn(self, view: RunView) -> None:
        """Show the sample of the other beginning at the same step."""
        told = group_samples(view.samples)
        now = told[-1 if self._place is None else min(self._place, len(told) - 1)] if told else ()
        prompts = prompts_of(now)
        if len(prompts) > 1:
            at = prompts.index(self._prompt) if self._prompt in prompts else 0
            self._prompt = prompts[(at + 1) % len(prompts)]
        self.show(view)


def _text(sample: Sampled) -> Content:
    """The prompt and the told text, which is tinted, and marked if its sentence is cut."""
    told = marked_where_cut(sample.prompt + sample.text)[len(sample.prompt) :]
    return Content.assemble(Content(printable(sample.prompt)), (printable(told), "$told"))
