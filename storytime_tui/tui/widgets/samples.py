"""A run's samples: the same beginnings, continued at intervals during training."""

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from storytime_tui.generation.sentences import marked_where_cut
from storytime_tui.terminal import printable, printable_line
from storytime_tui.training.events import Sampled
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.sample_groups import SampleGroup, group_samples, prompt_label, prompts_of, step_label
from storytime_tui.tui.training_session import RunView

BOTH = 104  # cells; two samples fit side by side, if there are enough lines
LINES = 6  # lines of text


class SampleText(Vertical):
    """One sample: a title line, and its text, which scrolls."""

    DEFAULT_CSS = """
    SampleText { width: 1fr; height: 1fr; }
    SampleText.-second { padding-left: 2; }
    SampleText .sample--title { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def compose(self) -> ComposeResult:
        """A title line and the text."""
        yield Static(classes="sample--title", markup=False)
        with VerticalScroll(can_focus=False):
            yield Static(classes="sample--text", markup=False)

    def show(self, left: str, right: str, text: Content) -> None:
        """Show a title line (left and right) and a text, scrolled to its top."""
        gap = "  " if right else ""
        left = fitted(printable_line(left), self.content_size.width - len(gap + right))
        title = Content.assemble((left, "$quiet"), gap, right)
        self.query_one(".sample--title", Static).update(title)
        self.query_one(".sample--text", Static).update(text)
        self.query_one(VerticalScroll).scroll_home(animate=False)


class Samples(Horizontal):
    """Shows the newest group of samples, or an earlier one; both samples of a group if there is room."""

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
            self.call_after_refresh(self.show, self._view)
            self.call_after_refresh(self.screen.refresh_bindings)

    def compose(self) -> ComposeResult:
        """Two samples."""
        yield SampleText()
        yield SampleText(classes="-second")

    @property
    def has_both(self) -> bool:
        """Whether two samples are shown side by side."""
        return self.content_size.width >= BOTH and self.content_size.height > LINES

    def show(self, view: RunView) -> None:
        """Show the chosen group, or the newest."""
        self._view = view
        told = group_samples(view.samples)
        self._place = self._place if told else None
        place = len(told) - 1 if self._place is None else min(self._place, len(told) - 1)
        now = told[place] if told else ()
        kept = now if self.has_both else self._one_of(now)
        if self._shown == (kept, now, place, len(told)):
            return
        self._shown = (kept, now, place, len(told))
        first, second = self.query(SampleText)
        second.display = len(kept) > 1
        if not kept:
            words = "The first samples are told before the first step."
            first.show("The same beginnings, during training", "", Content.styled(words, "$quiet"))
            return
        right = f"{step_label(kept[0])} · {place + 1} of {len(told)}"
        if len(kept) > 1:
            self.call_after_refresh(first.show, f"From {prompt_label(kept[0])}", "", _text(kept[0]))
            self.call_after_refresh(second.show, f"From {prompt_label(kept[1])}", right, _text(kept[1]))
        else:
            first.show(f"From {prompt_label(kept[0])}", right, _text(kept[0]))

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
