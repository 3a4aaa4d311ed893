"""Where a model comes from."""

from pathlib import Path
from typing import Any

import pytest

from storytime_tui import paths
from storytime_tui.errors import ModelError
from storytime_tui.jobs.find_model import find_origin
from storytime_tui.models import hub
from storytime_tui.training.plan import TrainingPlan, write_plan


def test_a_slip_in_a_runs_name_is_not_only_the_hubs_to_explain(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any) -> Path:
        raise ModelError("The Hub cannot be reached.")

    monkeypatch.setattr(hub, "fetch", unreachable)
    folder = paths.runs_folder() / "hedgerow-tales-2"
    folder.mkdir(parents=True)
    write_plan(TrainingPlan(base="scratch-tiny"), folder / "plan.toml")
    with pytest.raises(ModelError, match=r"cannot be reached\. Or did you mean the run hedgerow-tales-2\?"):
        find_origin("hedgerow-tale-2", lambda words, done, total: None)
    with pytest.raises(ModelError, match=r"cannot be reached\.$"):
        find_origin("openai/something-else", lambda words, done, total: None)
