"""The app: four modes, the keys that work on every screen, and quitting."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterable, Iterator
from functools import partial

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.command import Provider
from textual.css.query import NoMatches
from textual.dom import NoScreen
from textual.driver import Driver
from textual.screen import Screen
from textual.theme import Theme
from textual.worker import WorkerFailed

from storytime_tui.settings import Settings
from storytime_tui.stories.story import Story
from storytime_tui.terminal import printable
from storytime_tui.tui import messages, theme
from storytime_tui.tui.bridge import in_thread
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.plain_signs import NO_UTF8, PlainSigns, Signs
from storytime_tui.tui.services import Services
from storytime_tui.tui.widgets.header import MODES as MODE_NAMES

DEFAULT_THEME = Settings().theme  # the terminal's own colours decide
RIGHT = 3  # the mouse's right button, in Textual's count
QUIET = 0.5  # seconds from the first frame until the other screens are imported
AT_ONCE = 1.0  # seconds to wait for the last writes before asking
GIVEN_UP = 20.0  # seconds to wait for the disk when the terminal is gone


class StorytimeApp(App[None]):
    """Library, Train, Story and Runs over one `Desk`."""

    TITLE = "Storytime"
    CSS_PATH = "app.tcss"
    DEFAULT_MODE = "library"
    BINDINGS = [
        Binding(
            "1", "mode('library')", "Library", show=False, id="app.library", tooltip="Choose the stories"
        ),
        Binding("2", "mode('train')", "Train", show=False, id="app.train", tooltip="Train a model"),
        Binding("3", "mode('story')", "Story", show=False, id="app.story", tooltip="Go to the story"),
        Binding("4", "mode('runs')", "Runs", show=False, id="app.runs", tooltip="See all runs"),
        Binding(
            "question_mark", "help", "Help", key_display="?", id="app.help", tooltip="What this screen does"
        ),
        # these keys also work while the user types
        Binding("f1", "help", "Help", show=False, id="app.help_always", tooltip="What this screen does"),
        Binding(
            "f2",
            "mode('library')",
            "Library",
            show=False,
            id="app.library_always",
            tooltip="Choose the stories",
        ),
        Binding("f3", "mode('train')", "Train", show=False, id="app.train_always", tooltip="Train a model"),
        Binding("f4", "mode('story')", "Story", show=False, id="app.story_always", tooltip="Go to the story"),
        Binding("f5", "mode('runs')", "Runs", show=False, id="app.runs_always", tooltip="See all runs"),
        Binding(
            "ctrl+q",
            "quit",
            "Quit",
            show=False,
            priority=True,
            id="app.quit",
            tooltip="Quit; a run saves a checkpoint first",
        ),
    ]

    def __init__(
        self, services: Services, signs: Signs = "all", driver_class: type[Driver] | None = None
    ) -> None:
        """`signs`: those that the terminal can show. `driver_class`: for terminals that need their own."""
        super().__init__(driver_class)
        self._signs = signs
        if signs != "all":
            self._filters.append(PlainSigns(signs))
        for own in theme.THEMES:
            self.register_theme(own)
        self.desk = Desk(services, self, self.post_message)
        preferred = self.desk.preferences.now.theme
        fitting = theme.theme_for(self.console.color_system)
        self._problems = list(self.desk.preferences.troubles)
        if signs == "ascii":
            self._problems.append(NO_UTF8)
        if preferred != DEFAULT_THEME and preferred not in self.available_themes:
            self._problems.append(
                f"The settings file asks for the theme {preferred[:60]!r}, which does not exist."
            )
            preferred = DEFAULT_THEME
        self.theme = fitting if preferred == DEFAULT_THEME else preferred
        self._shown_theme = self.theme
        self._leaving = False
        self._terminal_is_gone = False
        for mode, _, _ in MODE_NAMES:
            self.add_mode(mode, partial(self._screen, mode))

    COMMANDS = {*App.COMMANDS, lambda: _provider()}

    def _screen(self, mode: str) -> Screen[None]:
        screen = self._new_screen(mode)
        # The new screen's styles are current. Textual 8.2.8 takes each new screen for outdated and parses all styles
        # again for it, twice: most of the cost of the first visit.
        screen._css_update_count = getattr(self, "_css_update_count", -1)
        return screen

    def _new_screen(self, mode: str) -> Screen[None]:
        # each screen is imported when it is first shown: the first frame needs only the Library
        if mode == "library":
            from storytime_tui.tui.screens.library import LibraryScreen

            return LibraryScreen(self.desk)
        if mode == "train":
            from storytime_tui.tui.screens.train import TrainScreen

            return TrainScreen(self.desk)
        if mode == "runs":
            from storytime_tui.tui.screens.runs import RunsScreen

            return RunsScreen(self.desk)
        from storytime_tui.tui.screens.story import StoryScreen

        return StoryScreen(self.desk)

    def on_load(self) -> None:
        """Make tasks start in turn on Python 3.12 and later, as on 3.11.

        Textual uses eager tasks there. Then the first screen starts before the app holds it, and looks for the app's
        screen in vain (Textual 8.2.8: ScreenStackError for a mode with an input).
        """
        asyncio.get_running_loop().set_task_factory(None)

    def on_mount(self) -> None:
        """Follow the theme and report problems of the settings file."""
        self.theme_changed_signal.subscribe(self, self._theme_chosen)
        self._leave_on_signals()
        if not self.is_headless:
            self.set_timer(QUIET, self._preload_screens)
        for problem in self._problems:
            self._say(problem)

    async def _preload_screens(self) -> None:
        from storytime_tui.tui.preload_screens import preload_screens

        await preload_screens(self)

    def _theme_chosen(self, chosen: Theme) -> None:
        if chosen.name != self._shown_theme:
            self._shown_theme = chosen.name
            self.desk.prefer(theme=chosen.name)

    def on_settings_not_saved(self, message: messages.SettingsNotSaved) -> None:
        """Show why a setting was not saved."""
        self._say(message.sentence)

    def _say(self, sentence: str) -> None:
        self.notify(printable(sentence), severity="warning", timeout=12, markup=False)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give themes that lack them the app's own colour names."""
        return {**super().get_theme_variable_defaults(), **theme.FALLBACKS}

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette's fixed commands; `palette` adds collections, stories and models."""
        for mode, key, title in MODE_NAMES:
            yield SystemCommand(f"Go to {title}", f"key {key}", partial(self.run_action, f"mode('{mode}')"))
        offered = {title for _, _, title in MODE_NAMES}
        for active in screen.active_bindings.values():  # the keys of the screen below the palette
            binding = active.binding
            of_screen = active.node is screen or (binding.id or "").startswith("plan.")
            if binding.id and of_screen and active.enabled and binding.description not in offered:
                offered.add(binding.description)  # some commands have two keys
                help = f"{binding.tooltip} (key {self.get_key_display(binding)})"
                yield SystemCommand(
                    binding.description, help, partial(self.run_action, binding.action, active.node)
                )
        yield SystemCommand("Help", "what this screen does (key ?)", self.action_help)
        yield SystemCommand("Theme", "choose other colours", self.action_change_theme)
        yield SystemCommand("Quit", "a run saves a checkpoint first (key ctrl+q)", self.action_quit)

    def get_key_display(self, binding: Binding) -> str:
        """How a key is written, the same on all screens. Textual writes ⏎ and ^s."""
        key = binding.key
        if key == "enter" and self._signs != "all":
            return "enter"  # no font of a console has ↵
        return binding.key_display or (
            "↵" if key == "enter" else key if "+" in key else super().get_key_display(binding)
        )

    # -- modes and help -------------------------------------------------------------------------------

    @contextlib.contextmanager
    def batch_update(self) -> Iterator[None]:
        """Hold back painting during the block, then paint the whole screen.

        Textual drops what is painted meanwhile and afterwards wakes only the app, not the screen. A batch (the footer
        makes one for each change of keys) can outlast a switch of modes. Then the old screen would stay on the
        terminal until something happens on the new one.
        """
        with super().batch_update():
            yield
        if self.screen_stack:
            self.screen.refresh()

    async def action_mode(self, mode: str) -> None:
        """Show a mode; first close any open dialog."""
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        await self.switch_mode(mode)

    async def on_go_to(self, message: messages.GoTo) -> None:
        """Switch to the mode that a screen requests."""
        await self.action_mode(message.mode)

    def action_help(self) -> None:
        """Show the help of the current mode, or of the screen over it."""
        from storytime_tui.tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(getattr(self.screen, "help_topic", self.current_mode)))

    async def open_collection(self, name: str, index: int | None) -> None:
        """Show a collection, or one of its stories, in the Library."""
        from storytime_tui.tui.screens.library import LibraryScreen

        await self.action_mode("library")
        if isinstance(self.screen, LibraryScreen):
            self.screen.go_to(name, index)

    async def open_story(self, story: Story) -> None:
        """Open a written story on the Story screen."""
        from storytime_tui.tui.screens.story import StoryScreen

        await self.action_mode("story")
        if isinstance(self.screen, StoryScreen):
            self.screen.call_after_refresh(self.screen.open_story, story)

    async def write_with(self, model: str) -> None:
        """Go to Story with this model and a blank page."""
        self.desk.writing.write_with(model)
        await self.action_mode("story")

    async def on_event(self, event: events.Event) -> None:
        """Let the right mouse button open the palette, which has every command: the mouse alone is enough."""
        if not isinstance(event, events.MouseDown | events.MouseUp) or event.button != RIGHT:
            await super().on_event(event)
        elif isinstance(event, events.MouseUp):
            self.action_command_palette()  # unless it is open

    def copy_to_clipboard(self, text: str) -> None:
        """Copy what is marked on the screen or in a field (ctrl+c), and say so."""
        from storytime_tui.tui.clipboard import copy_and_say

        self.run_worker(copy_and_say(self, text))

    # -- messages of the threads -------------------------------------------------------------------------

    def on_store_notice(self, message: messages.StoreNotice) -> None:
        """Tell the screens whether writes wait for the disk."""
        self.desk.store_notice.publish(message.sentence)

    # -- quitting -------------------------------------------------------------------------------------

    async def action_quit(self) -> None:
        """Save the run and the typed text, then quit. A second request quits at once."""
        if self._leaving:
            self.exit()
            return
        self._leaving = True
        self.desk.run_changed.subscribe(self, lambda _: self._leave_when_done())
        self.desk.writer_changed.subscribe(self, lambda _: self._leave_when_done())
        self.desk.writing.stop()
        self.desk.training.stop()
        self.desk.leaving.publish(None)
        await in_thread(partial(self.desk.store_thread.drain, AT_ONCE))
        if self.desk.busy:
            from storytime_tui.tui.screens.dialogs import LeavingScreen

            self.push_screen(LeavingScreen(words=self.desk.store_thread.waiting))
            self.run_worker(self._leave_when_kept())
        self._leave_when_done()

    async def _leave_when_kept(self) -> None:
        kept = await in_thread(
            partial(self.desk.store_thread.drain, GIVEN_UP if self._terminal_is_gone else None)
        )
        if not kept and self.desk.training.control is None:
            os._exit(1)  # no user to ask, and the disk had its time
        self._leave_when_done()

    async def on_unmount(self) -> None:
        """Write what the closed screens handed over."""
        await in_thread(partial(self.desk.store_thread.close, AT_ONCE))

    def _leave_on_signals(self) -> None:
        """Quit on SIGTERM and SIGHUP: the run and the story are saved first."""
        loop = asyncio.get_running_loop()
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            # Windows lacks the signals; threads other than the main one (in tests) cannot set handlers
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError, TypeError):
                loop.add_signal_handler(number, self._asked_to_leave, name == "SIGHUP")  # type: ignore[arg-type]

    def _asked_to_leave(self, terminal_is_gone: bool) -> None:
        self._terminal_is_gone = self._terminal_is_gone or terminal_is_gone
        if self._leaving:
            return  # a closed window may send its signal twice; only a user's second request quits at once
        self.call_later(self.action_quit)

    def _leave_when_done(self) -> None:
        if not self._leaving or self.desk.busy:
            return
        if self._terminal_is_gone:
            # Everything is saved. There is no terminal to restore, and the driver would wait for one forever.
            os._exit(0)
        self.exit()

    def _handle_exception(self, error: Exception) -> None:
        """End the app, but for a worker that looks for a widget which the closing app has already removed."""
        cause = error.error if isinstance(error, WorkerFailed) else error
        if not (self._exit and isinstance(cause, (NoMatches, NoScreen))):
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Close the app after an unexpected exception; the traceback is in the log.

        Textual's own version prints the local variables of every frame, and with them the story.
        """
        from storytime_tui import log

        if self._exception is not None:
            log.keep(self._exception, "in the app")
        self._close_messages_no_wait()


def _provider() -> type[Provider]:
    from storytime_tui.tui.palette import DeskProvider

    return DeskProvider
