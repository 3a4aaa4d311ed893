"""Finds the folder of a model by its name. Loads no torch."""

import difflib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from storytime_tui import paths
from storytime_tui.errors import ModelError, PlanError, RunError
from storytime_tui.models import catalogue, hub_cache
from storytime_tui.models.folder import ADAPTER_CONFIG, CONFIG, check_folder, is_gguf_name, read_json
from storytime_tui.models.gguf import folder as gguf_folder
from storytime_tui.models.shapes import ScratchShape, scratch_shape
from storytime_tui.models.voices import Voices, read_voices
from storytime_tui.reporting import Report
from storytime_tui.small_files import is_regular
from storytime_tui.training import runs
from storytime_tui.training.plan import read_plan
from storytime_tui.training.removed import removed_runs

_CHECKPOINT = re.compile(r"best|last|step-\d+")
# causal models that the Hub knows without an owner, besides those of the catalogue
_ONE_WORD = frozenset(("ctrl", "openai-gpt", "transfo-xl-wt103", "xlnet-base-cased", "xlnet-large-cased"))


@dataclass(frozen=True)
class Origin:
    """A model that was found. `folder`: weights and tokenizer; None for a scratch shape with random weights.

    `voices`: the shelves that it knows by their lines, and its usual strength; empty for old runs and most bases.
    `window`: the block size of the run's training, in tokens; None for a model that is not a run. `adapter`: the folder
    of a LoRA run's adapter, whose base is in `folder`. `base`: the run's base as named in its plan; "" if not a run.
    """

    name: str
    folder: Path | None
    shape: ScratchShape | None = None
    window: int | None = None
    adapter: Path | None = None
    local: bool = False  # a run's checkpoint or a folder, not the starter or a download from the Hub
    voices: Voices = Voices()  # noqa: RUF009 - frozen
    base: str = ""

    def block(self, window: int) -> int:
        """How many tokens to measure it with at once: as in its training, at most its `window` and 1,024."""
        return min(window, self.window or 1024, 1024)


def find_origin(name: str, report: Report, cancelled: Callable[[], bool] | None = None) -> Origin:
    """Find a base or a trained model by `name`, and check its folder before anything heavy is loaded.

    `_find` lists the kinds of names. Raises ModelError or RunError with what to do.
    """
    origin = _find(catalogue.whole_name(name), report, cancelled)
    if origin.folder is None:
        return origin
    check_folder(origin.folder)
    beside = origin.adapter or origin.folder
    return origin if origin.voices.titles else replace(origin, voices=read_voices(beside) or Voices())


def lasting_name(base: str) -> str:
    """The name by which a base is found from any folder: the whole path of a folder or a file, the whole id of a
    base, else the name itself."""
    if scratch_shape(base) is not None or base == catalogue.STARTER or runs.is_run(base.partition("/")[0]):
        return base
    base = catalogue.whole_name(base)
    path = os.path.expanduser(base)
    holds_model = os.path.isfile(os.path.join(path, CONFIG)) or catalogue.gguf_file(base) is not None
    return os.path.abspath(path) if holds_model else base


def check_trained(name: str) -> None:
    """Raise ModelError for a base that is only a shape, with random weights."""
    if scratch_shape(name) is not None:
        raise ModelError(f"{name} has random weights: there is nothing to measure before it is trained.")


def _find(name: str, report: Report, cancelled: Callable[[], bool] | None) -> Origin:
    """Find a base or a trained model: a scratch shape, the starter, a run (its best checkpoint), `run/step-20`, a
    folder, or an id on the Hugging Face Hub, fetched with progress.

    The name of a base always means the base, because plans and LoRA runs from other machines use it. An older run with
    the same name is found as `starter/best`, a folder as `./starter`.

    Raises ModelError or RunError with what to do.
    """
    shape = scratch_shape(name)
    if shape is not None:
        return Origin(name, None, shape)
    if name == catalogue.STARTER and catalogue.has_starter():
        return Origin(name, catalogue.STARTER_FOLDER)
    checkpoint = _checkpoint_of(name)
    if checkpoint is not None:
        base = base_of_adapter(checkpoint)
        if base is not None and Path(base).is_absolute() and not _is_model(base):
            back = (
                "put that file back"
                if is_gguf_name(base)
                else "if that was a run, bring it back with `storytime-tui runs restore`"
            )
            raise ModelError(f"{name} is a LoRA adapter of the model in {base}, which is gone: {back}.")
        folder = checkpoint if base is None else find_origin(base, report, cancelled).folder
        adapter = None if base is None else checkpoint
        window, voices, trained_from = _from_plan(checkpoint)
        return Origin(name, folder, None, window, adapter, True, voices, trained_from)
    kind = catalogue.resolve_base(name)
    if kind == "folder":
        return Origin(name, paths.expanded(name, ModelError).resolve(), local=True)
    if kind == "gguf":
        file = catalogue.gguf_file(name)
        assert file is not None  # it is why the name has this kind
        return Origin(name, gguf_folder.folder_of(file, report, cancelled), local=True)
    from storytime_tui.models import hub  # its HTTP client would delay the first word of a model that is here

    if not catalogue.is_base_name(name) and hub_cache.cached(name) is None:
        _check_is_no_slip(name)
    try:
        return Origin(name, hub.fetch(name, report, cancelled))
    except hub.FetchStopped:
        raise
    except ModelError as error:
        run = name.partition("/")[0]
        if run in _removed_names():
            raise _removed(run) from error
        near = _near_runs(run)
        if not near:
            raise
        raise ModelError(f"{error} Or did you mean the run {' or '.join(near)}?") from error


def _check_is_no_slip(name: str) -> None:
    """Raise RunError or ModelError for a name that is meant for a run or a base of ours, before the Hub is asked.

    On the Hub a model is named owner/model. Only a few old ones are known by one word as well. A mirror may have
    others, so it is asked for what is near nothing.
    """
    run, slash, which = name.partition("/")
    if name in _ONE_WORD or (slash and not _CHECKPOINT.fullmatch(which)):
        return
    if run in _removed_names():
        raise _removed(run)
    if near := [f"{each}{slash}{which}" for each in _near_runs(run)]:
        raise ModelError(
            f"There is no run or base {name!r}. Did you mean {' or '.join(near)}? "
            "(A model of the Hub is named owner/model.)"
        )
    from storytime_tui.models import hub  # see `_find`

    if slash or hub.is_mirror():
        return
    close = catalogue.nearest_names(name)
    hint = f"Did you mean {' or '.join(close)}?" if close else "`storytime-tui runs list` shows your runs."
    raise ModelError(
        f"There is no run, base or folder {name!r}. {hint} A model of the Hub is named owner/model, such as "
        "openai-community/gpt2."
    )


def _is_model(path: str) -> bool:
    return os.path.isdir(path) or catalogue.gguf_file(path) is not None


def _removed(run: str) -> RunError:
    return RunError(f"The run {run!r} was removed: `storytime-tui runs restore {run}` brings it back.")


def _near_runs(name: str) -> list[str]:
    return difflib.get_close_matches(name, _run_names(), n=2, cutoff=0.7)


def _run_names() -> list[str]:
    try:
        return runs.run_names()
    except RunError:
        return []


def _removed_names() -> set[str]:
    try:
        return {each.name for each in removed_runs()}
    except OSError:
        return set()


def base_of_adapter(checkpoint: Path) -> str | None:
    """The base named by a LoRA checkpoint; None for a full checkpoint. Raises ModelError."""
    config = checkpoint / ADAPTER_CONFIG
    return str(read_json(config).get("base_model_name_or_path", "")) if is_regular(config) else None


def _from_plan(checkpoint: Path) -> tuple[int | None, Voices, str]:
    """(block size in tokens, voices, base) of a checkpoint's run."""
    run = checkpoint.parents[1]
    try:
        plan = read_plan(run / runs.PLAN)
    except PlanError:
        return None, Voices(), ""  # the model can be used without its plan
    return plan.block_size, read_voices(run) or Voices(plan.voices), plan.base


def _checkpoint_of(name: str) -> Path | None:
    run, _, which = name.partition("/")
    if not runs.is_run(run):
        return None
    return checkpoint_in(paths.runs_folder() / run, which)


def checkpoint_in(run_folder: Path, which: str | None) -> Path:
    """The folder of a run's checkpoint `which` ("" or None: the best, else the last, else the newest with a model).

    Raises ModelError if there is no such checkpoint with a model.
    """
    run = run_folder.name
    newest = [f"step-{step}" for step in reversed(runs.checkpoint_steps(run_folder))]
    if not newest:
        raise ModelError(
            f"The run {run!r} has no checkpoint yet: let it learn a little longer, or choose another model."
        )
    for name in [which] if which else ["best", "last", *newest]:
        checkpoint = runs.checkpoint_named(run_folder, name)
        if checkpoint and any(is_regular(checkpoint / config) for config in (CONFIG, ADAPTER_CONFIG)):
            return checkpoint
    kept = ", ".join(f"{run}/{name}" for name in reversed(newest))
    raise ModelError(f"The run {run!r} keeps no checkpoint {which or 'with a model in it'!r}; it has {kept}.")
