"""Homes to look at, back up and restore, made without training: a collection, runs with checkpoints, stories."""

import hashlib
import json
import os
from pathlib import Path

from storytime_tui import paths
from storytime_tui.jobs import shelves
from storytime_tui.settings import change_settings
from storytime_tui.stories.store import StoryStore
from storytime_tui.training import events as ev
from storytime_tui.training.journal import JOURNAL, Journal
from storytime_tui.training.plan import TrainingPlan, write_plan
from storytime_tui.training.sums import write_sums
from tests.tiny import write_collection

_ELSEWHERE = ("cache/", "logs/", "stories.sqlite3")
_NOT_KEPT = (".lock", "/lock", "events.index.json")


def make_run(
    name: str, steps: tuple[int, ...] = (10, 20, 30), best: int = 20, size: int = 1000, **knobs: object
) -> Path:
    """A run's folder with a plan, a journal and checkpoints of made-up files with their checksums."""
    plan = TrainingPlan(**{"base": "scratch-tiny", "collections": ("tales",), **knobs})  # type: ignore[arg-type]
    folder = paths.runs_folder() / name
    write_plan(plan, folder / "plan.toml")
    journal = Journal(folder / JOURNAL)
    journal.append(
        ev.Started(
            run=name, base=plan.base, collections=plan.collections, device="cpu", precision="fp32", parameters=1000,
            stories=9, validation_stories=1, training_tokens=4000, validation_tokens=400, total_steps=40,
            steps_per_epoch=10.0, block_size=64, token_frequency_loss=5.0, time=1.0,
        )
    )  # fmt: skip
    for step in range(1, max(steps, default=0) + 1):
        journal.append(ev.StepDone(step, 3.0, 1e-3, 1000.0 + step, 0.1, 1.0, step / 10, 10))
    journal.close()
    for step in steps:
        add_checkpoint(folder, step, size)
    if steps:
        (folder / "checkpoints" / "last").symlink_to(f"step-{max(steps)}")
        (folder / "checkpoints" / "best").symlink_to(f"step-{best}")
    return folder


def add_checkpoint(run: Path, step: int, size: int) -> Path:
    """A checkpoint that looks like one from outside."""
    folder = run / "checkpoints" / f"step-{step}"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    (folder / "trainer.json").write_text(json.dumps({"step": step}))
    for name in ("model.safetensors", "trainer.safetensors"):
        (folder / name).write_bytes(os.urandom(size))
    write_sums(folder)
    return folder


def make_home(tmp_path: Path) -> Path:
    """A home with a collection, two runs, two stories, one of them removed, and a setting; returns it."""
    shelves.add([str(write_collection(tmp_path / "tales"))])
    make_run("tales-1")
    make_run("tales-2", (10,), 10)
    store = StoryStore(paths.stories_file())
    story = store.new_story("The Wren")
    first = store.add_passage(story.id, "you", "A wren built a nest.", model="", settings="")
    store.add_passage(story.id, "model", " It was a small one.", model="tales-1", settings="")
    store.go_to(story.id, first.id)
    store.add_passage(story.id, "model", " It was a large one.", model="tales-1", settings="")
    store.set_draft(story.id, "and then")
    store.remove(store.new_story("Forgotten").id)
    store.close()
    change_settings({"temperature": 0.7})
    return paths.data_folder()


def fingerprint(folder: Path) -> dict[str, str]:
    """Each file of a home that must not be lost, with its hash; links with their targets. Locks are left out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_file() and not name.startswith(_ELSEWHERE) and not f"/{name}".endswith(_NOT_KEPT):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def told(folder: Path) -> list[object]:
    """Every story with its whole tree and its draft, as the store reads them."""
    from storytime_tui.stories.whole import read_tree

    store = StoryStore(folder / "stories.sqlite3")
    try:
        return [
            (story.id, removed, story.favourite, read_tree(store, story.id))
            for removed in (False, True)
            for story in store.stories(removed)
        ]
    finally:
        store.close()
