"""The command palette's entries: commands, screens, settings, and all that is on the shelf and on the disk."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, cast

from textual.app import App
from textual.fuzzy import Matcher
from textual.screen import Screen

from storytime_tui.formatting import folded
from storytime_tui.knobs import shown, table
from storytime_tui.settings import Settings
from storytime_tui.stories.story import Story
from storytime_tui.terminal import printable_line
from storytime_tui.tui.bridge import from_store, in_thread, sentence_of
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.settings_rows import NO_ROW
from storytime_tui.tui.widgets.header import MODES

HERE, GO, APP, SETTINGS = "On this screen", "Go to", "The app", "Settings"
WRITTEN, RUNS, MODELS = "Your stories", "Runs", "Write with"
COLLECTIONS, SHELF = "Collections", "Stories on the shelf"
GROUPS = (HERE, GO, APP, SETTINGS, WRITTEN, RUNS, MODELS, COLLECTIONS, SHELF)
_FIXED = (HERE, GO, APP)  # shown whole before the user types; of the others the first few
FEW = 5  # entries of a group before the user types
_MOST = 60  # matches of a group at most
_AT_ONCE = 50  # entries between two pauses for the event loop
# moving about is no command
_MOVES = (
    "up", "down", "left", "right", "home", "end", "pageup", "pagedown", "tab", "shift+left", "shift+right"
)  # fmt: skip


@dataclass(frozen=True)
class Command:
    """One entry: its group, its title, what it does in a few words, its key if it has one, and how to run it."""

    group: str
    title: str
    about: str
    run: Callable[[], Awaitable[object] | object]
    key: str = ""


@dataclass(frozen=True)
class Group:
    """A heading with the entries to show; `more` are left out."""

    name: str
    commands: Sequence[Command]
    more: int = 0


class AppActions(Protocol):
    """The app's methods that entries call. The app imports this module, so this one cannot import the app."""

    desk: Desk

    async def open_collection(self, name: str, story: int | None) -> None:
        """Show a collection, or one of its stories, in the Library."""

    async def open_story(self, story: Story) -> None:
        """Open a written story."""

    async def write_with(self, model: str) -> None:
        """Write with a model."""

    async def open_run(self, name: str) -> None:
        """Show a run in the list of runs."""

    def action_tour(self) -> None:
        """Begin the tour."""

    def action_keys(self) -> None:
        """List all keys."""

    def action_disk(self) -> None:
        """Show what takes room on the disk."""

    def action_settings(self, name: str = "") -> None:
        """Show the settings, with the cursor on the one of this name."""


def fixed_commands(app: App[Any], screen: Screen[Any]) -> Iterator[Command]:
    """What can be done on this screen, the screens to go to, the app's own commands and settings."""
    done: set[str] = {title for _, _, title in MODES}
    for active in screen.active_bindings.values():
        binding, node = active.binding, active.node
        aside = binding.show and binding.key in ("left", "right")
        moves = (binding.key in _MOVES and not aside) or binding.action.startswith(
            ("app.", "screen.dismiss", "dismiss")
        )
        if not binding.id or node is app or not active.enabled or moves or ".vim_" in binding.id:
            continue
        if binding.description not in done and binding.action not in done:
            done |= {binding.description, binding.action}  # some commands have two keys
            run = partial(app.run_action, binding.action, node)
            yield Command(HERE, binding.description, binding.tooltip, run, app.get_key_display(binding))
    sign = {each.binding.action: app.get_key_display(each.binding) for each in reversed(_of(app))}
    for mode, key, title in MODES:
        action = f"mode('{mode}')"
        yield Command(
            GO, f"Go to {title}", _WHERE[mode], partial(app.run_action, action), sign.get(action, key)
        )
    ours = cast(AppActions, app)
    yield Command(APP, "Help", "What this screen and its parts do", app.action_help, sign.get("help", "?"))  # type: ignore[attr-defined]
    yield Command(APP, "Tour", "Read, train, write: the first steps once more", ours.action_tour)
    yield Command(APP, "All keys", "Every key, with the name that changes it", ours.action_keys)
    if "Settings" not in done:
        about = "Colours, this computer, how it tells"
        yield Command(APP, "Settings", about, ours.action_settings, sign.get("settings", ","))
    if "Disk" not in done:
        yield Command(APP, "Disk", "What takes room, and how to clear it", ours.action_disk)
    yield Command(APP, "Try a theme", "See each theme before you choose it", app.action_change_theme)
    yield Command(APP, "Quit", "Leave; a run saves a checkpoint first", app.action_quit, sign.get("quit", ""))
    now = ours.desk.preferences.now
    for name, knob in table(Settings).items():
        if name in NO_ROW:
            continue
        title = f"Set {(knob.label or name).replace('_', ' ')}"
        about = f"{printable_line(shown(getattr(now, name)))} · {knob.line}"
        yield Command(SETTINGS, title, about, partial(ours.action_settings, name))


_WHERE = {
    "library": "Choose the stories",
    "train": "Train a model on them",
    "story": "Write with a model",
    "runs": "See all runs",
}


def _of(app: App[Any]) -> list[Any]:
    return [active for active in app.screen.active_bindings.values() if active.node is app]


async def gathered(app: AppActions) -> list[Command]:
    """Every collection and its stories, and every written story, run and model. An error leaves out what it hides."""
    desk = app.desk
    found: list[Command] = []

    def add(group: str, title: str, about: str, run: Callable[[], Awaitable[None]]) -> None:
        found.append(Command(group, printable_line(title[:400]), printable_line(about), run))

    for collection in desk.collections:
        name = collection.name
        stories = f"{len(collection.stories):,} {'story' if len(collection.stories) == 1 else 'stories'}"
        add(COLLECTIONS, collection.title, stories, partial(app.open_collection, name, None))
        for i, story in enumerate(collection.stories):
            if i % _AT_ONCE == 0:
                await asyncio.sleep(0)
            if len(collection.stories) == 1 and story.title == collection.title:
                continue  # a book of one story would be listed twice
            add(SHELF, story.title, f"in {collection.title}", partial(app.open_collection, name, i))
    try:
        written = await from_store(desk.store_thread, lambda store: store.stories())
        for kept in written:
            add(WRITTEN, kept.title, "your story", partial(app.open_story, kept))
        for run in await in_thread(desk.services.runs):
            add(RUNS, run.name, f"{run.state} · {run.base}", partial(app.open_run, run.name))
        for model in await in_thread(desk.writing.list_models):
            add(MODELS, f"Write with {model.title}", model.note, partial(app.write_with, model.name))
    except Exception as error:
        sentence_of(error)  # logs it; the palette offers what was found
    return found


@dataclass(frozen=True)
class Entries:
    """All entries, with what is searched in each, folded."""

    commands: Sequence[Command]
    titles: Sequence[str]
    texts: Sequence[str]  # of a command its help too; of a story only its title

    @classmethod
    def of(cls, commands: Sequence[Command]) -> "Entries":
        """Fold the texts of these commands once, not at each letter."""
        titles = [folded(command.title) for command in commands]
        texts = [
            folded(f"{command.title} {command.about} {command.group}") if _is_fixed(command) else title
            for command, title in zip(commands, titles, strict=True)
        ]
        return cls(commands, titles, texts)


def _is_fixed(command: Command) -> bool:
    return command.group in (*_FIXED, SETTINGS)


def search(entries: Entries, query: str) -> list[Group]:
    """The entries that have every word of `query`, by group; if there are none, those with its letters in order.

    Within a group those with the words in their title come first. Without a query: the first entries of each group.
    """
    terms = folded(query).split()
    ranks: list[tuple[int, Command]] = []
    for command, title, text in zip(entries.commands, entries.titles, entries.texts, strict=True):
        if all(term in text for term in terms):
            in_title = all(term in title for term in terms)
            ranks.append(
                (0 if in_title and title.startswith(terms[0] if terms else "") else 2 - in_title, command)
            )
    if terms and not ranks:
        matcher = Matcher(query)
        scores = [(matcher.match(command.title), command) for command in entries.commands]
        best = sorted((each for each in scores if each[0] > 0), key=lambda each: -each[0])[:_MOST]
        ranks = [(0, command) for _, command in best]
    groups = []
    for name in GROUPS:
        among = [
            command for _, command in sorted((r for r in ranks if r[1].group == name), key=lambda r: r[0])
        ]
        most = _MOST if terms or name in _FIXED else FEW
        if among:
            groups.append(Group(name, among[:most], max(0, len(among) - most)))
    return groups
