"""A take that was told with others is told again exactly."""

import threading
from pathlib import Path

import pytest

from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs.generate import open_teller
from storytime_tui.jobs.tell_again import tell_again
from storytime_tui.stories import tree
from storytime_tui.stories.store import StoryStore
from storytime_tui.tui.store_thread import StoreThread
from storytime_tui.tui.telling_requests import ContinuationRequest
from storytime_tui.tui.told_stream import tell_passage


@pytest.mark.parametrize("banned", [(), (".", ",", "the", "a", "e")])
def test_each_of_three_takes_is_told_again(
    starter: Path, home: Path, tmp_path: Path, banned: tuple[str, ...]
) -> None:
    store = StoryStore(tmp_path / "stories.sqlite3")
    thread = StoreThread(lambda: store, lambda sentence: None)
    story = store.new_story("A Story").id
    text = "Once upon a time there was a mouse who sold buttons."
    store.add_passage(story, "you", text)
    settings = SamplerSettings(seed=5, max_tokens=30, temperature=1.5, top_p=1.0, min_p=0.0, banned=banned)
    request = ContinuationRequest(thread, story, text, settings, takes=3)
    tell_passage(open_teller("starter"), request, threading.Event(), lambda *_: None, lambda: 0.0)
    takes = tree.passages_of(store, story)[1:]
    assert len({take.text for take in takes}) == 3
    assert [tell_again(store, take.id).same for take in takes] == [True, True, True]
    thread.close(10)
