"""What the story's panel shows and changes: functions of the Story screen."""

from collections.abc import Callable
from dataclasses import dataclass

from storytime_tui.generation.pieces import Seen
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.stories.steering import Steering
from storytime_tui.tui.writing_session import Writer


@dataclass(frozen=True)
class PanelState:
    """Each is called when the panel is shown anew, or when something in it is changed."""

    writer: Callable[[], Writer]
    settings: Callable[[], SamplerSettings]
    steering: Callable[[], Steering]
    seen: Callable[[], Seen | None]  # None while it is not known
    stopped: Callable[
        [], tuple[tuple[str, int], ...]
    ]  # the banned phrases of the last telling, with how often
    told: Callable[[], str]  # how the chosen passage was told, in a line
    set_settings: Callable[[SamplerSettings], object]
    set_steering: Callable[[Steering], object]
    act: Callable[[str], object]  # do what a key of the Story screen does, by its id
    leave: Callable[[], object]  # give the focus back
