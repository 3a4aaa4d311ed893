"""The user's preferences: read at the start, saved by a thread when one changes."""

import dataclasses
import threading
from collections.abc import Callable, Mapping

from storytime_tui.errors import StorytimeError
from storytime_tui.generation.computing import Computing
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.settings import SAMPLER as SAVED  # the saved sampler settings
from storytime_tui.settings import Loaded, Settings

__all__ = ["SAVED", "Preferences"]


class Preferences:
    """`now`: the current preferences. `troubles`: a sentence for each unusable entry of the settings file.

    `keys`: its table of the user's own keys.
    """

    def __init__(self, load: Callable[[], Loaded], keep: Callable[[Mapping[str, object]], str]) -> None:
        self._keep = keep
        self._turn = threading.Lock()
        self._unwritten: dict[str, object] = {}
        self._unwritten_lock = threading.Lock()
        try:
            loaded = load()
        except StorytimeError as error:
            loaded = Loaded(Settings(), (str(error),))
        self.now, self.troubles, self.keys = loaded.settings, loaded.troubles, loaded.keys

    def sampler(self) -> SamplerSettings:
        """The sampler settings for a story whose settings the user did not change."""
        return SamplerSettings(**{name: getattr(self.now, name) for name in SAVED})

    def computing(self) -> Computing:
        """On what, in which precision and on how many cores stories are told. May be called in any thread."""
        return self.now.computing

    def change(self, complain: Callable[[str], object], **values: object) -> None:
        """Change preferences and save them. `complain` is called in a thread if they cannot be saved."""
        changed = {name: value for name, value in values.items() if getattr(self.now, name) != value}
        if not changed:
            return
        self.now = dataclasses.replace(self.now, **changed)  # type: ignore[arg-type]
        with self._unwritten_lock:
            self._unwritten |= changed
        threading.Thread(target=self._write, args=(complain,), daemon=True).start()

    def _write(self, complain: Callable[[str], object]) -> None:
        """Write only what changed: another app may have changed the rest."""
        with self._turn:  # of two quick changes the second is written last
            with self._unwritten_lock:
                changed, self._unwritten = self._unwritten, {}
            try:
                note = self._keep(changed) if changed else ""
            except StorytimeError as error:
                with self._unwritten_lock:  # the next change writes it
                    self._unwritten = changed | self._unwritten
                note = str(error)
        if note:
            complain(note)
