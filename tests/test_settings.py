"""Preferences: typed, validated, never a traceback."""

import dataclasses
from pathlib import Path

import pytest

from storytime_tui import paths
from storytime_tui.errors import StorytimeError
from storytime_tui.settings import Settings, load_settings, save_settings


def test_saved_settings_come_back(home: Path) -> None:
    assert load_settings() == Settings()
    mine = dataclasses.replace(Settings(), base="gpt2", temperature=1.0, max_tokens=50, finish_sentence=False)
    save_settings(mine)
    assert load_settings() == mine


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colour = 'red'", "unknown setting 'colour'"),
        ("base = 7", "base is 7, but must be a text"),
        ("max_tokens = 1.5", "must be a whole number"),
        ("max_tokens = true", "must be a whole number"),
        ("finish_sentence = 1", "must be true or false"),
        ("temperature = true", "must be a number"),
        ("base = ", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_said_with_the_file(text: str, says: str) -> None:
    path = paths.settings_file()
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(StorytimeError) as caught:
        load_settings()
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
