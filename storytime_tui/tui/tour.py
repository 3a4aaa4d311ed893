"""The tour of a new user: read one, watch one learn, train the starter, write with it. It follows what the user does.

The tour never presses a key. It knows one step at a time, says what to do next, and goes on when that is done.
"""

from collections.abc import Callable
from dataclasses import dataclass

from textual.signal import Signal

from storytime_tui.models.catalogue import STARTER
from storytime_tui.settings import TOUR
from storytime_tui.tui.run_view import RunView

STEPS = ("read", "watch", "train", "write")
TINY = "scratch-tiny"
_FIRST, _OVER = "new", "done"
assert (_FIRST, *STEPS, _OVER) == TOUR


@dataclass(frozen=True)
class Scene:
    """What the sentence depends on: where the user is, and what runs."""

    mode: str
    reading: bool  # the focus is in a story of the Library
    view: RunView
    base: str  # that the plan starts from
    ticked: bool
    telling: bool
    key: Callable[[str], str]  # how the key with this id is written


class Tour:
    """The step that comes next, kept in the settings. `show` is False before the start and after the end."""

    def __init__(self, step: str, keep: Callable[[str], object], changed: Signal[None]) -> None:
        """`keep` saves the step."""
        self.step, self.show = step, False
        self._keep = keep
        self.changed = changed

    def start(self, *, is_new: bool) -> None:
        """Begin or go on, once the shelf is open. Somebody who has trained before is shown no tour unless they ask."""
        if self.show or self.step == _OVER:
            return
        if self.step == _FIRST and not is_new:
            self._go_to(_OVER)
            return
        self.show = True
        self._go_to("read" if self.step == _FIRST else self.step)

    def begin(self) -> None:
        """Begin from the first step."""
        self.show = True
        self._go_to("read")

    def leave(self) -> None:
        """End the tour; it does not come back unless it is begun again."""
        self.show = False
        self._go_to(_OVER)

    def has_read(self) -> None:
        """A story was opened to read."""
        if self.step == "read":
            self._go_to("watch")

    def run_changed(self, view: RunView) -> None:
        """Go on when a run of this step has begun or ended."""
        tiny = base_of(view) == TINY
        ended = view.phase in ("finished", "interrupted") and not view.earlier
        if not self.show or not (view.busy or ended):
            return
        if self.step in ("read", "watch") and (ended if tiny else view.busy):
            self._go_to("train")
        if self.step == "train" and ended and not tiny:
            self._go_to("write")

    def has_told(self, training: RunView | None = None) -> None:
        """A model told something, and it is kept in a story. `training`: its run, if that is in training.

        That is the end only with a model that has learned the shelf: not after the tiny one, before the starter.
        """
        learns = training is not None and training.busy and base_of(training) != TINY
        if self.step == "write" or (self.step == "train" and learns):
            self._go_to(_OVER)

    def _go_to(self, step: str) -> None:
        if step != self.step:
            self.step = step
            self._keep(step)
        self.changed.publish(None)


def base_of(view: RunView) -> str:
    """The base of a run, also while it is prepared."""
    return view.started.base if view.started else view.subject.split(" ")[0]


def sentence(step: str, scene: Scene) -> str:
    """What to do next; with the number of the step before it, it fits on a line of 80 cells."""
    key, view, on_train = scene.key, scene.view, scene.mode == "train"
    library, train, story = _modes(scene)
    match step:
        case "read" if scene.mode == "library":
            return f"Read one: choose a story with ↑ ↓ and press {key('library.read')}."
        case "read":
            return f"Read one: press {library} for the Library."
        case "watch":
            return _watch(scene, train)
        case "train" if scene.mode == "story" and view.busy and base_of(view) != TINY:
            return f"It learns on. Type a line, press {key('prompt.send')}, and it writes."
        case "train" if not on_train and view.busy and base_of(view) != TINY:
            return f"It learns on. Write with it: press {story} for Story."
        case "train" if not on_train:
            return f"Next, train the starter on your shelf: press {train}."
        case "train" if view.busy and base_of(view) != TINY:
            return f"It takes on your shelf's voice. Press {key('train.write')} to write."
        case "train" if view.busy:
            return "When your tiny model is done, the starter's turn comes."
        case "train" if view.phase != "idle":
            return f"Next, train the starter, which knows English: press {key('train.new')}."
        case "train" if not scene.ticked:
            return f"First tick a collection: {library}, then {key('library.tick')}."
        case "train" if scene.base == TINY:
            return f"Choose the starter in the list, then press {key('train.start')}."
        case "train":
            base = "the starter" if scene.base == STARTER else scene.base[:20]
            return f"Press {key('train.start')}: {base} learns your ticked stories."
        case "write" if scene.telling:
            return "The model writes on. Its words are tinted."
        case "write" if scene.mode == "story":
            return f"Write with it: type a line, or none, and press {key('prompt.send')}."
        case "write" if on_train and view.phase != "idle":
            return f"It has learned. Press {key('train.write')} to write with it."
        case "write":
            return f"Write with it: press {story} for Story."
    return f"That was it: read, train, write. {key('app.commands')} finds the rest."


def _watch(scene: Scene, train: str) -> str:
    key, view = scene.key, scene.view
    look = key("plan.first_look")
    if base_of(view) == TINY and view.busy:
        if scene.mode != "train":
            return f"Your tiny model is learning: press {train} to watch."
        return "Watch: the loss falls, the samples turn into words."
    if scene.reading:
        return f"Read on as you like. Then {train}: watch a model learn."
    if scene.mode != "train":
        return f"Next, watch a model learn: press {train}."
    if view.phase != "idle":
        return f"To watch a model learn, press {key('train.new')}, then {look}."
    return f"Press {look}: a tiny new model learns in about a minute."


def _modes(scene: Scene) -> tuple[str, str, str]:
    """The keys of Library, Train and Story; on Story the digits are text, and the others are named."""
    always = "_always" if scene.mode == "story" else ""
    library, train, story = (scene.key(f"app.{mode}{always}") for mode in ("library", "train", "story"))
    return library, train, story
