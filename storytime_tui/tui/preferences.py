"""The user's preferences while the app is up: read at the start, written by a thread when one changes."""

import dataclasses
import threading
from collections.abc import Callable

from storytime_tui.errors import StorytimeError
from storytime_tui.generation.presets import PRESETS, with_preset
from storytime_tui.generation.settings import SamplerSettings
from storytime_tui.settings import Settings

# of the sampler, for the next time
KEPT = ("temperature", "top_p", "min_p", "repetition", "max_tokens", "finish_sentence")


class Preferences:
    """`now` is what holds; `trouble` a sentence where the file could not be read, which is then left alone."""

    def __init__(self, load: Callable[[], Settings], keep: Callable[[Settings], None]) -> None:
        self._keep = keep
        self._turn = threading.Lock()
        self.trouble = ""
        try:
            self.now = load()
        except StorytimeError as error:
            self.now, self.trouble = Settings(), str(error)

    def sampler(self) -> SamplerSettings:
        """How a story is told unless something else is chosen for it."""
        now = self.now
        usual = SamplerSettings()
        if now.preset in PRESETS:
            usual = with_preset(usual, now.preset)
        return dataclasses.replace(usual, **{name: getattr(now, name) for name in KEPT})

    def change(self, complain: Callable[[str], object], **values: object) -> None:
        """Prefer this from now on. `complain` is told, in a thread, where it cannot be kept."""
        changed = dataclasses.replace(self.now, **values)  # type: ignore[arg-type]
        if changed == self.now or self.trouble:
            return
        self.now = changed
        threading.Thread(target=self._write, args=(complain,), daemon=True).start()

    def _write(self, complain: Callable[[str], object]) -> None:
        with self._turn:  # two quick changes: the second writes last, and both write the newest
            try:
                self._keep(self.now)
            except StorytimeError as error:
                complain(str(error))
