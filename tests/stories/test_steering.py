"""A story's memory and author's note: kept with the story, and handed to the model as it was trained to read them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.corpus.headers import header_of
from storytime_tui.errors import StoryError
from storytime_tui.stories.steering import Steering, from_json, memory_text, set_steering, to_json
from storytime_tui.stories.store import StoryStore

STEERINGS = st.builds(
    Steering,
    *[st.text(max_size=20)] * 5,
    note_depth=st.integers(0, 4096),
)


@given(STEERINGS)
def test_any_steering_to_json_and_back_is_equal(steering: Steering) -> None:
    assert from_json(to_json(steering)) == steering


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[1]",
        "null",
        '{"title": 3}',
        '{"note_depth": true}',
        '{"note_depth": -1}',
        "[" * 99_999,
    ],
)
def test_what_is_no_steering_is_an_empty_one(text: str) -> None:
    assert from_json(text) == Steering()


def test_unknown_and_wrong_values_leave_the_others() -> None:
    text = '{"title": "Pip", "note_depth": 1.5, "mood": "odd", "note": null, "tone": "funny"}'
    assert from_json(text) == Steering(title="Pip", tone="funny")


def test_the_memory_is_the_header_of_stories_in_training_and_then_the_free_text() -> None:
    story = (
        "One day Pip the mouse met Tam. "
        + "But Pip and Tam laughed and laughed, silly Pip and funny Tam. " * 3
    )
    header = header_of("Pip's Hat", story)
    assert "Characters: Pip, Tam\n" in header and "Tone: funny\n" in header
    steering = Steering(characters="Pip,\n Tam ", title="Pip's  Hat", tone="funny")
    assert memory_text(steering) == header
    with_more = memory_text(Steering(title="Pip's Hat", memory="\nIt rains.\nAlways.\n"))
    assert with_more == "Title: Pip's Hat\n\nIt rains.\nAlways."
    assert memory_text(Steering(memory=" It rains. ")) == "It rains."
    assert memory_text(Steering(note="Be brief.", title=" \n")) == ""


def test_steering_is_kept_with_its_story(tmp_path: Path) -> None:
    store = StoryStore(tmp_path / "stories.sqlite3")
    first, second = store.new_story("One"), store.new_story("Two")
    wished = Steering(characters="Pip", note="dusk \udc80", note_depth=16)
    set_steering(store, first.id, wished)
    store.close()
    store = StoryStore(tmp_path / "stories.sqlite3")
    assert from_json(store.story(first.id).steering) == Steering(
        characters="Pip", note="dusk �", note_depth=16
    )
    assert from_json(store.story(second.id).steering) == Steering()
    assert not store.moved(first.id)
    with pytest.raises(StoryError, match="no story 99"):
        set_steering(store, 99, wished)
    store.close()
