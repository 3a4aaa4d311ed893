"""The app: four modes, the keys that work on every screen, and quitting."""

import asyncio
import contextlib
import os
from collections.abc import Iterable, Iterator
from functools import partial

from textual import events
from textual.app import SystemCommand
from textual.binding import Binding
from textual.css.query import NoMatches
from textual.dom import NoScreen
from textual.driver import Driver
from textual.screen import Screen
from textual.theme import Theme
from textual.widget import MountError
from textual.worker import Worker, WorkerFailed

from storytime_tui.stories.story import Story
from storytime_tui.terminal import printable
from storytime_tui.tui import app_keys, faults, messages, theme
from storytime_tui.tui.arriving import typed_words_arrive
from storytime_tui.tui.bridge import in_thread
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.download_questions import DownloadQuestion, DownloadQuestions
from storytime_tui.tui.key_signs import sign
from storytime_tui.tui.keyboard import list_keys, plain_key, sign_of, take_own_keys
from storytime_tui.tui.own_key import take_keymap
from storytime_tui.tui.plain_signs import NO_UTF8, Signs
from storytime_tui.tui.services import Services
from storytime_tui.tui.settings_mistakes import in_one, theme_in_use, theme_mistake
from storytime_tui.tui.themed_app import NO_COLOURS, ThemedApp
from storytime_tui.tui.widgets.header import MODES as MODE_NAMES

RIGHT = 3  # the mouse's right button, in Textual's count
QUIET = 0.5  # seconds from the first frame until the other screens are imported
AT_ONCE = 1.0  # seconds to wait for the last writes before asking
GIVEN_UP = 20.0  # seconds to wait for the disk when the terminal is gone


class StorytimeApp(ThemedApp[None]):
    """Library, Train, Story and Runs over one `Desk`."""

    TITLE = "Storytime"
    CSS_PATH = "app.tcss"
    DEFAULT_MODE = "library"
    BINDINGS = app_keys.KEYS

    def __init__(
        self, services: Services, driver_class: type[Driver] | None = None, signs: Signs = "all"
    ) -> None:
        super().__init__(driver_class, signs)
        self._signs = signs
        take_keymap({})  # until the user's own keys are read
        self.desk = Desk(services, self, self.post_message)
        preferred = self.desk.preferences.now.theme
        wrong = theme_mistake(preferred)
        self._mistakes = (*self.desk.preferences.troubles, *filter(None, [wrong]))
        self.theme = theme.fitting(theme_in_use(preferred), self.console.color_system)
        self._shown_theme = self.theme
        self._while_open = contextlib.ExitStack()
        self.hinted: float | None = None  # when `keyboard` said that a letter is no key
        self._leaving = self._terminal_is_gone = False
        self._keys_read: Worker[None] | None = None
        self._stops_run = False  # whether quitting stopped a run
        for mode, _, _ in MODE_NAMES:
            self.add_mode(mode, partial(self._screen, mode))

    ENABLE_COMMAND_PALETTE = False  # ours has its own key

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

    async def on_event(self, event: events.Event) -> None:
        """Take a letter of a layout that is not Latin for the key in its place, unless it is typed.

        The right mouse button opens the palette, which has every command: the mouse alone is enough.
        """
        if isinstance(event, events.MouseDown | events.MouseUp) and event.button == RIGHT:
            if isinstance(event, events.MouseUp):
                self.action_command_palette()
            return
        if isinstance(event, events.Key) and not event.is_forwarded and self.screen_stack:
            event = plain_key(self, event)
        await super().on_event(event)

    def on_load(self) -> None:
        """Make tasks start in turn on Python 3.12 and later, as on 3.11.

        Textual uses eager tasks there. Then the first screen starts before the app holds it, and looks for the app's
        screen in vain (Textual 8.2.8: ScreenStackError for a mode with an input).
        """
        asyncio.get_running_loop().set_task_factory(None)

    def on_mount(self) -> None:
        """Follow the theme and report problems of the settings file."""
        self.theme_changed_signal.subscribe(self, self._theme_chosen)
        faults.listen(self, self.asked_to_leave)
        questions = DownloadQuestions(self.post_message)
        self._while_open.enter_context(self.desk.services.downloads_asked(questions.ask))
        self._keys_read = self.run_worker(self._take_settings())
        if not self.is_headless:
            self.set_timer(QUIET, self._preload_screens)
        if self._signs == "ascii":
            self._say(NO_UTF8)

    async def _take_settings(self) -> None:
        """Take the user's own keys into use. All that is wrong in the settings file is one message."""
        keys = self.desk.preferences.keys
        mistakes = self._mistakes + (await take_own_keys(self, keys) if keys else ())
        if mistakes:
            self._say(in_one(mistakes))

    async def _preload_screens(self) -> None:
        from storytime_tui.tui.preload_screens import preload_screens

        if self._keys_read is not None:
            await self._keys_read.wait()  # the screens name keys
        await preload_screens(self)

    def _theme_chosen(self, chosen: Theme) -> None:
        preferred = theme.fitting(self.desk.preferences.now.theme, self.console.color_system)
        if chosen.name not in (self._shown_theme, preferred):
            self.desk.prefer(theme=chosen.name)
        self._shown_theme = chosen.name

    def on_settings_not_saved(self, message: messages.SettingsNotSaved) -> None:
        """Show why a setting was not saved."""
        self._say(message.sentence)

    def _say(self, sentence: str) -> None:
        self.notify(printable(sentence), severity="warning", timeout=12, markup=False)

    def action_change_theme(self) -> None:
        """Show each theme while it is chosen, where there are colours."""
        if self.no_color:
            self._say(NO_COLOURS)
        else:
            super().action_change_theme()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette's fixed commands."""
        from storytime_tui.tui.palette import fixed_commands

        for command in fixed_commands(self, screen):
            yield SystemCommand(command.title, command.about, command.run)

    def action_command_palette(self) -> None:
        """Open the command palette over this screen."""
        from storytime_tui.tui.palette import Command, fixed_commands
        from storytime_tui.tui.screens.palette import PaletteScreen

        def run(command: Command | None) -> None:
            if command is not None:
                self.call_later(command.run)

        if isinstance(self.screen, PaletteScreen):
            self.screen.dismiss(None)
        else:
            self.push_screen(PaletteScreen(list(fixed_commands(self, self.screen))), run)

    def get_key_display(self, binding: Binding) -> str:
        """How a key is written, the same on all screens."""
        if binding.key == "enter" and self._signs != "all":
            return "enter"  # no font of a console has ↵
        return binding.key_display or sign(binding.key)

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

    async def action_mode(self, mode: str, back: str = "") -> None:
        """Show a mode; first close any open dialog. `back`: see `GoTo`."""
        self.desk.back = back
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        await self.switch_mode(mode)

    async def on_go_to(self, message: messages.GoTo) -> None:
        """Switch to the mode that a screen requests."""
        await self.action_mode(message.mode, message.back)

    def action_help(self) -> None:
        """Explain the focused part, and the current mode or the screen over it; again: close the help."""
        from storytime_tui.tui.help_focus import part_in_use
        from storytime_tui.tui.screens.help import HelpScreen

        if isinstance(self.screen, HelpScreen):
            self.screen.dismiss(None)
        else:
            topic = getattr(self.screen, "help_topic", self.current_mode)
            self.push_screen(HelpScreen(topic, part_in_use(self.screen)))

    def action_disk(self) -> None:
        """Show what takes room on the disk."""
        from storytime_tui.tui.screens.disk import DiskScreen

        self.push_screen(DiskScreen(self.desk))

    def action_settings(self, name: str = "") -> None:
        """Show the settings, with the cursor on the one of this name."""
        from storytime_tui.tui.screens.settings import SettingsScreen

        if not isinstance(self.screen, SettingsScreen):
            self.push_screen(SettingsScreen(self.desk, name))

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

    def action_tour(self) -> None:
        """Begin the tour again, in the Library."""
        self.desk.tour.begin()
        self.call_later(self.action_mode, "library")

    def action_leave_tour(self) -> None:
        """End the tour."""
        if self.desk.tour.show:
            self.desk.tour.leave()

    def action_keys(self) -> None:
        """List every key with its id, as the table [keys] of the settings file names it."""
        self.run_worker(list_keys(self))

    async def open_run(self, name: str) -> None:
        """Put the cursor on a run in the list of runs."""
        from storytime_tui.tui.screens.runs import RunsScreen

        await self.action_mode("runs")
        if isinstance(self.screen, RunsScreen):
            self.screen.go_to(name)

    async def write_with(self, model: str) -> None:
        """Go to Story with this model and a blank page."""
        self.desk.writing.write_with(model)
        await self.action_mode("story")

    def copy_to_clipboard(self, text: str) -> None:
        """Copy what is marked on the screen or in a field (ctrl+c), and say so."""
        from storytime_tui.tui.clipboard import copy_and_say

        self.run_worker(copy_and_say(self, text))

    # -- messages of the threads -------------------------------------------------------------------------

    def on_store_notice(self, message: messages.StoreNotice) -> None:
        """Tell the screens whether writes wait for the disk."""
        self.desk.store_notice.publish(message.sentence)

    def on_download_question(self, message: DownloadQuestion) -> None:
        """Ask whether to download a model that a thread needs."""
        from storytime_tui.tui.screens.download import DownloadScreen

        self.push_screen(DownloadScreen(message), lambda agreed: message.answer(bool(agreed)))

    # -- quitting -------------------------------------------------------------------------------------

    async def action_quit(self) -> None:
        """Save the run and the typed text, then quit. A second request quits at once."""
        if self._leaving:
            self.exit()
            return
        self._leaving = True
        await typed_words_arrive(self.focused)
        self._stops_run = self.desk.training.control is not None
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
        self._while_open.close()
        await in_thread(partial(self.desk.store_thread.close, AT_ONCE))

    @property
    def parting_words(self) -> str:
        """What to say in the terminal after the app has closed: how the run that quitting stopped goes on."""
        from storytime_tui.tui.parting import parting

        return parting(self.desk.training.view, sign_of(self, "runs.resume")) if self._stops_run else ""

    def terminal_lost(self) -> None:
        """Save and leave without a terminal: its window, its browser tab or the watching parent is gone."""
        self.asked_to_leave(True)

    def asked_to_leave(self, terminal_is_gone: bool = False) -> None:
        """Save and leave, as a signal from outside asks for."""
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
        """End the app, but for what looks for a widget, or for its place, which the closing app has already removed.

        Textual's own version prints the local variables of every frame, and with them the story.
        """
        cause = error.error if isinstance(error, WorkerFailed) else error
        if self._exit and isinstance(cause, (MountError, NoMatches, NoScreen)):
            return
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._fatal_error()

    @property
    def kind_of_crash(self) -> str:
        """The type of the error that ended the app; "" if none did."""
        error = self._cause
        return type(error).__name__ if error is not None else "panic" if self._return_code else ""

    @property
    def _cause(self) -> BaseException | None:
        """The error that ended the app; a worker's own, which Textual wraps."""
        return self._exception.error if isinstance(self._exception, WorkerFailed) else self._exception

    def panic(self, *renderables: object) -> None:
        """End the app; what Textual would print may quote a story."""
        self._return_code = 1
        self._fatal_error()

    def _fatal_error(self) -> None:
        """Keep the traceback in the log, save what is open, and close."""
        faults.save_after_crash(self._cause, self.desk)
        self._close_messages_no_wait()
