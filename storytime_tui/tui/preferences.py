"""The user's preferences while the app is up: read at the start, written by a thread when one changes."""

import dataclasses
import threading
from collections.abc import Callable, Mapping

from storytime_tui.errors import StorytimeError
from storytime_tui.generation.sampling.presets import with_preset
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.settings import SAMPLER as KEPT  # of the sampler, for the next time
from storytime_tui.settings import Loaded, Settings

__all__ = ["KEPT", "Preferences"]


class Preferences:
    """`now` is what holds; `troubles` a sentence for each thing in the file that could not be used."""

    def __init__(self, load: Callable[[], Loaded], keep: Callable[[Mapping[str, object]], str]) -> None:
        self._keep = keep
        self._turn = threading.Lock()
        self._unwritten: dict[str, object] = {}
        self._unwritten_lock = threading.Lock()
        try:
            loaded = load()
        except StorytimeError as error:
            loaded = Loaded(Settings(), (str(error),))
        self.now, self.troubles = loaded.settings, loaded.troubles

    def sampler(self) -> SamplerSettings:
        """How a story is told unless something else is chosen for it."""
        usual = with_preset(SamplerSettings(), self.now.preset)
        return dataclasses.replace(usual, **{name: getattr(self.now, name) for name in KEPT})

    def change(self, complain: Callable[[str], object], **values: object) -> None:
        """Prefer this from now on. `complain` is told, in a thread, where it cannot be kept."""
        changed = {name: value for name, value in values.items() if getattr(self.now, name) != value}
        if not changed:
            return
        self.now = dataclasses.replace(self.now, **changed)  # type: ignore[arg-type]
        with self._unwritten_lock:
            self._unwritten |= changed
        threading.Thread(target=self._write, args=(complain,), daemon=True).start()

    def _write(self, complain: Callable[[str], object]) -> None:
        """Write what changed since the last time, and nothing else: another app may have changed the rest."""
        with self._turn:  # two quick changes: the second is written last
            with self._unwritten_lock:
                changed, self._unwritten = self._unwritten, {}
            try:
                note = self._keep(changed) if changed else ""
            except StorytimeError as error:
                with self._unwritten_lock:  # the next change tries again
                    self._unwritten = changed | self._unwritten
                note = str(error)
        if note:
            complain(note)
