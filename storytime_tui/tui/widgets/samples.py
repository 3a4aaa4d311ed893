"""The samples of a run: the same beginnings told at each sampling, one moment at a time."""

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from storytime_tui.generation.sentences import marked_where_cut
from storytime_tui.terminal import printable, printable_line
from storytime_tui.training.events import Sampled
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.samplings import Sampling, beginnings, samplings, told_from, when
from storytime_tui.tui.training_session import RunView

BOTH = 104  # cells: two samples find room beside each other, where there are lines enough
LINES = 6  # of text


class SampleText(Vertical):
    """One sample: what it is told from, and its text, which scrolls."""

    DEFAULT_CSS = """
    SampleText { width: 1fr; height: 1fr; }
    SampleText.-second { padding-left: 2; }
    SampleText .sample--title { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def compose(self) -> ComposeResult:
        """Title line and text."""
        yield Static(classes="sample--title", markup=False)
        with VerticalScroll(can_focus=False):
            yield Static(classes="sample--text", markup=False)

    def show(self, left: str, right: str, text: Content) -> None:
        """Put a line over a text, and begin at its top."""
        gap = "  " if right else ""
        left = fitted(printable_line(left), self.content_size.width - len(gap + right))
        title = Content.assemble((left, "$quiet"), gap, right)
        self.query_one(".sample--title", Static).update(title)
        self.query_one(".sample--text", Static).update(text)
        self.query_one(VerticalScroll).scroll_home(animate=False)


class Samples(Horizontal):
    """Follows the newest sampling, or shows an earlier one; both of its samples where there is room."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._place: int | None = None  # of the sampling in view; None follows the newest
        self._prompt: str | None = None  # the beginning in view; None is the first
        self._shown: object = None
        self._view: RunView | None = None

    def on_resize(self) -> None:
        """There may be room for both now, or no longer: an ended run says nothing more that would draw them anew."""
        if self._view is not None:
            self.forget()
            self.call_after_refresh(self.show, self._view)
            self.call_after_refresh(self.screen.refresh_bindings)

    def compose(self) -> ComposeResult:
        """Room for two."""
        yield SampleText()
        yield SampleText(classes="-second")

    @property
    def has_both(self) -> bool:
        """Whether two samples are shown beside each other."""
        return self.content_size.width >= BOTH and self.content_size.height > LINES

    def show(self, view: RunView) -> None:
        """Show the chosen sampling, or the newest."""
        self._view = view
        told = samplings(view.samples)
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
            words = "The first samples come before the first step."
            first.show("The same beginnings, as it learns", "", Content.styled(words, "$quiet"))
            return
        right = f"{when(kept[0])} · {place + 1} of {len(told)}"
        if len(kept) > 1:
            self.call_after_refresh(first.show, f"From {told_from(kept[0])}", "", _text(kept[0]))
            self.call_after_refresh(second.show, f"From {told_from(kept[1])}", right, _text(kept[1]))
        else:
            first.show(f"From {told_from(kept[0])}", right, _text(kept[0]))

    def _one_of(self, sampling: Sampling) -> Sampling:
        """The sample of the beginning in view; where that is of another time, the first one."""
        return tuple(each for each in sampling if each.prompt == self._prompt)[:1] or sampling[:1]

    def forget(self) -> None:
        """Lay the text out anew at the next show: the width is another."""
        self._shown = None

    def move(self, by: int, view: RunView) -> None:
        """Go to an earlier or later sampling; beyond the last, follow the newest again."""
        last = len(samplings(view.samples)) - 1
        place = (last if self._place is None else self._place) + by
        self._place = None if place >= last else max(0, place)
        self.show(view)

    def turn(self, view: RunView) -> None:
        """Show what was told from the other beginning at the same time."""
        told = samplings(view.samples)
        now = told[-1 if self._place is None else min(self._place, len(told) - 1)] if told else ()
        prompts = beginnings(now)
        if len(prompts) > 1:
            at = prompts.index(self._prompt) if self._prompt in prompts else 0
            self._prompt = prompts[(at + 1) % len(prompts)]
        self.show(view)


def _text(sample: Sampled) -> Content:
    """Prompt and told text, the latter in its tint; marked where it does not end on a whole sentence."""
    told = marked_where_cut(sample.prompt + sample.text)[len(sample.prompt) :]
    return Content.assemble(Content(printable(sample.prompt)), (printable(told), "$told"))
