"""The choice of a base: the list, a field for any other, and what the base means for this run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from storytime_tui.models.catalogue import STARTER, Base, bases, default_base, whole_name
from storytime_tui.terminal import printable_line
from storytime_tui.tui import wording
from storytime_tui.tui.vim_keys import is_free, vim_keys

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.estimates import Preview
    from storytime_tui.jobs.memory import Room

_OTHER = ("a model on the Hub, a folder, a .gguf file, or a run", "Hub model, folder or run")


class BaseList(OptionList):
    """The bases, with vim's keys."""

    BINDINGS = vim_keys("bases", ("cursor_down", "cursor_up", "first", "last", "page_down", "page_up"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave vim's letters to the screen where they mean something else."""
        return action != "vim" or is_free(self, str(parameters[0]))

    async def action_vim(self, key: str, move: str) -> None:
        """Do what vim's key does."""
        await self.run_action(move)


class BaseBox(Vertical):
    """The bases on the left, the note on the right, and the field below."""

    class Changed(Message):
        """Another base was chosen."""

    def __init__(self) -> None:
        super().__init__(id="bases-box")
        self._bases = bases()

    def compose(self) -> ComposeResult:
        """The list, the note, the field."""
        with Horizontal(id="bases-row"):
            yield BaseList(*(Option(_line(base)) for base in self._bases), id="bases", compact=True)
            yield Static(id="base-note", markup=False)
        with Horizontal(classes="field"):
            yield Static(Content("or another"), classes="label")
            yield Input(placeholder=_OTHER[0], id="other", compact=True)

    def on_mount(self) -> None:
        """Set the title."""
        self.border_title = "Base: the model to start from"

    @property
    def base(self) -> str:
        """The typed base, or else the one selected in the list."""
        typed = self.query_one("#other", Input).value.strip()
        chosen = self.query_one("#bases", OptionList).highlighted
        return whole_name(typed) or self._bases[chosen or 0].name

    def choose(self, name: str) -> None:
        """Select a base, or put its name into the field."""
        name, names = whole_name(name), [base.name for base in self._bases]
        listed = name in names
        self.query_one("#bases", OptionList).highlighted = names.index(name if listed else default_base())
        self.query_one("#other", Input).value = "" if listed or name == STARTER else name

    def show_width(self, *, narrow: bool) -> None:
        """Choose a placeholder that fits."""
        self.query_one("#other", Input).placeholder = _OTHER[narrow]

    @on(OptionList.OptionHighlighted, "#bases")
    @on(Input.Changed, "#other")
    def _changed(self) -> None:
        self.query_one("#bases").set_class(bool(self.query_one("#other", Input).value.strip()), "-unused")
        self.post_message(self.Changed())

    @on(OptionList.OptionSelected, "#bases")
    def _chosen(self) -> None:
        self.query_one("#other", Input).value = ""

    def show_note(self, preview: Preview | None, room: Room | None) -> None:
        """Say what the chosen base is good for, and what it takes: download, memory, time."""
        base = next((base for base in self._bases if base.name == self.base), None)
        lines = [_good_for(base), Content(""), Content.styled(_size_note(base, preview), "$quiet")]
        if preview is not None and preview.seconds is not None:
            lines.append(Content.styled(f"Time: {wording.about(preview.seconds)} here.", "$quiet"))
        if room is not None:
            lines.append(_room_note(room))
        if preview is not None and preview.gpu:
            lines.append(Content.styled(printable_line(preview.gpu), "$quiet"))
        self.query_one("#base-note", Static).update(Content("\n").join(lines))


def _line(base: Base) -> Content:
    size = f"{base.parameters / 1e6:,.0f} M" if base.parameters else ""
    download = wording.size(base.download) if base.download else "built in"
    return Content.assemble(base.short.ljust(16), (f"{size:>7}  {download:>8}", "$quiet"))


def _good_for(base: Base | None) -> Content:
    if base is None:
        return Content("The model that you type below.")
    return Content.assemble((f"{base.name}: ", "bold"), f"{base.note}.")


def _size_note(base: Base | None, preview: Preview | None) -> str:
    if base is None:
        return "Its size is known when the run starts." if preview is None or preview.plan is None else ""
    parameters = f"{base.parameters / 1e6:,.0f} million parameters; " if base.parameters else ""
    if not base.download:
        return f"{parameters}no download."
    licence = f" Its licence is {base.licence}." if base.licence else ""
    if preview is not None and preview.downloaded:
        return f"{parameters}already downloaded.{licence}"
    return f"{parameters}{wording.size(base.download)} download, once.{licence}"


def _room_note(room: Room) -> Content:
    needs = f"Memory: peak about {wording.size(room.needed)}, free {wording.size(room.available)}"
    return Content.styled(
        f"{needs}: {room.advice}." if room.advice else f"{needs}.", "$warning" if room.advice else "$quiet"
    )
