"""Watches a run that another process trains: a thread reads its journal and folds it into the view of a run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from storytime_tui.tui.bridge import Inbox, Post, sentence_of
from storytime_tui.tui.messages import Asked
from storytime_tui.tui.run_view import RunView, subject_of, view_after, view_of
from storytime_tui.tui.training_session import TrainingSession

if TYPE_CHECKING:  # see services
    from storytime_tui.tui.services import Services

_EVERY = 0.2  # seconds between two looks at the journal
_PREFIX = "In another process: "


@dataclass(frozen=True)
class _Seen:
    """What was seen at a look. `over`: no process trains the run now. `lost`: why there is nothing to show."""

    view: RunView
    over: bool = False
    lost: str = ""


class _LeftError(Exception):
    """Nobody watches any more."""


def watched_view(view: RunView, titles: Mapping[str, str]) -> RunView:
    """The view with a title that says where the run is trained. `titles`: the collections' titles by name."""
    if view.started is None:
        return replace(
            view,
            phase="preparing",
            subject=f"{_PREFIX}not started yet",
            sentence="Waiting for its first step…",
        )
    return replace(view, subject=_PREFIX + subject_of(view.started, titles))


class Watching:
    """The run of another process that the training session displays, if any. Used on the event loop only."""

    def __init__(
        self,
        services: Services,
        post: Post,
        training: TrainingSession,
        titles: Callable[[], Mapping[str, str]],
        *,
        said: Callable[[str], object],
        lost: Callable[[str], object],
    ) -> None:
        """`said` gets a sentence if a request fails or waits, `lost` if the run is gone."""
        self._services, self._post, self._training, self._titles = services, post, training, titles
        self._said, self._lost = said, lost
        self._watch: _Watch | None = None
        self._shown: RunView | None = None  # the view that the session displays

    @property
    def run(self) -> str:
        """The watched run's name; "" if none is watched, or the session displays something else by now."""
        watched = self._watch is not None and self._training.view is self._shown
        return self._watch.run if watched and self._watch is not None else ""

    def watch(self, run: str) -> None:
        """Display a run that another process trains, as it goes on. No run of this app may be active."""
        self.leave()
        self._watch = watch = _Watch(run, self._services, self._post, self._titles(), self._see)
        self._show(watched_view(RunView(earlier=True), {}))
        watch.start()

    def leave(self) -> None:
        """Watch no more. The run goes on."""
        if self._watch is not None:
            self._watch.left.set()
        self._watch = self._shown = None

    def ask(self, asked: Asked) -> None:
        """Ask the watched run for something, if one is watched."""
        run = self.run
        if not run:
            return
        inbox: Inbox[str] = Inbox(self._post, lambda sentences: self._said(sentences[-1]))

        def work() -> None:
            try:
                taken = self._services.ask_run(run, asked)
            except Exception as error:
                inbox.put(sentence_of(error))
            else:
                if not taken:
                    inbox.put(f"“{run}” is busy in its process and has not read this yet.")

        threading.Thread(target=work, name="storytime-ask", daemon=True).start()

    def _see(self, watch: _Watch, seen: _Seen) -> None:
        if watch is not self._watch:
            return
        if self._training.view is not self._shown:  # the user went on to something else
            self.leave()
            return
        if not seen.over:
            self._show(seen.view)
            return
        self.leave()
        if seen.lost:
            self._training.forget(watch.run)
            self._lost(seen.lost)
        else:
            self._training.show_view(seen.view)

    def _show(self, view: RunView) -> None:
        self._shown = view  # first: showing it tells the screens, which ask who trains it
        self._training.show_view(view)


class _Watch:
    """The thread that watches one run."""

    def __init__(
        self,
        run: str,
        services: Services,
        post: Post,
        titles: Mapping[str, str],
        see: Callable[[_Watch, _Seen], object],
    ) -> None:
        self.run, self.left = run, threading.Event()
        self._services, self._titles = services, titles
        self._inbox: Inbox[_Seen] = Inbox(post, lambda batch: self._hand_over(batch, see))

    def start(self) -> None:
        threading.Thread(target=self._work, name="storytime-watch", daemon=True).start()

    def _hand_over(self, batch: Sequence[_Seen], see: Callable[[_Watch, _Seen], object]) -> None:
        see(self, batch[-1])  # a later look has all that an earlier one had

    def _work(self) -> None:
        try:
            self._inbox.put(self._follow())
        except _LeftError:
            return
        except BaseException as error:  # without an end the screen would wait forever
            self._inbox.put(_Seen(RunView(), over=True, lost=sentence_of(error)))

    def _follow(self) -> _Seen:
        """Watch until no process has the run open; then its view as an ended run."""
        view = shown = RunView(earlier=True)
        looks = 0

        def wait() -> None:
            nonlocal shown, looks
            looks += 1
            if view is not shown:
                shown = view
                self._inbox.put(_Seen(watched_view(view, self._titles)))
            if self.left.wait(_EVERY):
                raise _LeftError

        failure: Exception | None = None
        try:
            for event in self._services.watch(self.run, wait):
                # what it said before the first look has no known time
                view = view_after(view, event, self._services.wall_clock() if looks else None)
        except _LeftError:
            raise
        except Exception as error:  # it was interrupted or removed; its journal tells which
            failure = error
        try:
            return _Seen(view_of(self._services.run_events(self.run), self._titles), over=True)
        except Exception as error:
            raise (failure or error) from None
