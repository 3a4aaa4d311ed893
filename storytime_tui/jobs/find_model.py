"""Where a model comes from: a name as people say it, to a folder on this machine. Loads no torch."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from storytime_tui import paths
from storytime_tui.errors import ModelError, PlanError, RunError
from storytime_tui.models import catalogue, hub
from storytime_tui.models.folder import ADAPTER_CONFIG, CONFIG, check_folder, read_json
from storytime_tui.models.shapes import ScratchShape, scratch_shape
from storytime_tui.models.voices import Voices, read_voices
from storytime_tui.reporting import Report
from storytime_tui.small_files import is_regular
from storytime_tui.training import runs
from storytime_tui.training.plan import read_plan
from storytime_tui.training.removed import removed_runs


@dataclass(frozen=True)
class Origin:
    """`folder` holds weights and tokenizer; it is None for a shape with random weights.

    `voices`: what it knows by a shelf's line, and how strongly it is told with; nothing for old runs and most bases.
    `window` is the longest text, in tokens, that a run was trained on; None for what is not a run. `adapter`:
    a LoRA run's small matrices, which belong to the model in `folder`. `base`: what a run was trained from, as its plan
    calls it; "" for what is not a run.
    """

    name: str
    folder: Path | None
    shape: ScratchShape | None = None
    window: int | None = None
    adapter: Path | None = None
    local: bool = False  # a run's checkpoint or a folder, not what came with the program or from the Hub
    voices: Voices = Voices()  # noqa: RUF009 - frozen
    base: str = ""


def find_origin(name: str, report: Report, cancelled: Callable[[], bool] | None = None) -> Origin:
    """Find a base or a trained model by `name`, and check its folder before anything heavy is loaded for it.

    See `_find` for what a name can be. Raises ModelError or RunError with what to do.
    """
    origin = _find(name, report, cancelled)
    if origin.folder is None:
        return origin
    check_folder(origin.folder)
    beside = origin.adapter or origin.folder
    return origin if origin.voices.titles else replace(origin, voices=read_voices(beside) or Voices())


def _find(name: str, report: Report, cancelled: Callable[[], bool] | None) -> Origin:
    """Find a base or a trained model: a scratch shape, the starter, a run (its best checkpoint), `run/step-20`, a
    folder, or an id on the Hugging Face Hub, fetched with progress.

    A base's name is the base's wherever it stands, in plans and in LoRA runs that were made elsewhere too: a run of
    an earlier day that is called so is found as `starter/best`, a folder as `./starter`.

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
        if base is not None and Path(base).is_absolute() and not Path(base).is_dir():
            raise ModelError(
                f"{name} was learned beside the model in {base}, which is gone: if that was a run, bring it back with "
                "`storytime-tui runs restore`."
            )
        folder = checkpoint if base is None else find_origin(base, report, cancelled).folder
        adapter = None if base is None else checkpoint
        window, voices, begun = _taught(checkpoint)
        return Origin(name, folder, None, window, adapter, True, voices, begun)
    if catalogue.resolve_base(name) == "folder":
        return Origin(name, paths.expanded(name, ModelError).resolve(), local=True)
    try:
        return Origin(name, hub.fetch(name, report, cancelled))
    except ModelError as error:
        if name.partition("/")[0] in _removed_by_now():
            run = name.partition("/")[0]
            raise RunError(
                f"The run {run!r} was removed: `storytime-tui runs restore {run}` brings it back."
            ) from error
        near = difflib.get_close_matches(name.partition("/")[0], _runs_by_now(), n=2, cutoff=0.7)
        if not near:
            raise
        raise ModelError(f"{error} Or did you mean the run {' or '.join(near)}?") from error


def _runs_by_now() -> list[str]:
    try:
        return runs.run_names()
    except RunError:
        return []


def _removed_by_now() -> set[str]:
    try:
        return {each.name for each in removed_runs()}
    except OSError:
        return set()


def base_of_adapter(checkpoint: Path) -> str | None:
    """What a LoRA checkpoint was learned on; None for a checkpoint that is whole by itself. Raises ModelError."""
    config = checkpoint / ADAPTER_CONFIG
    return str(read_json(config).get("base_model_name_or_path", "")) if is_regular(config) else None


def _taught(checkpoint: Path) -> tuple[int | None, Voices, str]:
    """The longest text that a checkpoint's run was trained on, the voices that it knows, and what it began as."""
    run = checkpoint.parents[1]
    try:
        plan = read_plan(run / runs.PLAN)
    except PlanError:
        return None, Voices(), ""  # a damaged plan is no reason not to tell
    return plan.block_size, read_voices(run) or Voices(plan.voices), plan.base


def _checkpoint_of(name: str) -> Path | None:
    run, _, which = name.partition("/")
    if not runs.is_run(run):
        return None
    return checkpoint_in(paths.runs_folder() / run, which)


def checkpoint_in(run_folder: Path, which: str | None) -> Path:
    """The checkpoint of a run called so ("" or None: the best, else the last, else the newest with a model in it).

    Raises ModelError where the run keeps no such.
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
