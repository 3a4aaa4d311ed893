"""Preloading torch never breaks the import, whatever state the installation is in."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from storytime_tui.jobs import preload


@pytest.mark.needs_torch
def test_torch_is_imported_as_ever_afterwards() -> None:
    code = (
        "import sys; from storytime_tui.jobs.preload import preload_torch as load\n"
        "load(); assert 'torch' not in sys.modules; load()\n"
        "import torch; load(); assert torch.ones(3).sum() == 3 and torch.get_num_threads() >= 1\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0


def test_what_is_not_there_is_left_to_the_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    nowhere = SimpleNamespace(origin=str(tmp_path / "torch" / "__init__.py"))
    for spec in (None, SimpleNamespace(origin=None), nowhere):
        monkeypatch.setattr(importlib.util, "find_spec", lambda name, spec=spec: spec)
        preload.preload_torch()


@pytest.mark.needs_torch
def test_what_is_imported_is_looked_at_by_no_later_collection() -> None:
    code = (
        "import gc, sys\n"
        "from storytime_tui.jobs.preload import import_for_telling, import_for_training\n"
        "import_for_telling(); telling = gc.get_freeze_count()\n"
        "assert 'torch' in sys.modules and gc.isenabled() and telling > 100_000, telling\n"
        "import_for_training(); training = gc.get_freeze_count()\n"
        "assert 'torch._dynamo' in sys.modules and gc.isenabled() and training > telling\n"
        "made = [object() for _ in range(10)], {}\n"
        "import_for_telling(); import_for_training()\n"
        "assert abs(gc.get_freeze_count() - training) < 1000 and made in gc.get_objects()\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0
