"""What the tests of texts that come from elsewhere share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from storytime_tui.errors import CorpusError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where what is fetched is put: empty."""
    made = tmp_path / "came"
    made.mkdir()
    return made


def refusal(work: Callable[[], object]) -> str:
    """What is said instead: one line, one sentence or a few."""
    with pytest.raises(CorpusError) as caught:
        work()
    said = str(caught.value)
    assert "\n" not in said
    assert said.endswith((".", "?"))
    return said
