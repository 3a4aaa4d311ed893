"""Searching the texts of a shelf: which stories hold the words, at any size, in any script, whatever the disk does."""

import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.corpus import text_search
from storytime_tui.corpus.collection import Collection, Extract, Story
from storytime_tui.corpus.text_search import TextSearch
from storytime_tui.formatting import folded

GOING_ON = threading.Event()


def shelf(*texts: str, name: str = "c") -> Collection:
    return Collection(name, name, tuple(Story(f"S{i}", text, f"{i}.txt") for i, text in enumerate(texts)))


def found(collections: list[Collection], *phrases: str, search: TextSearch | None = None) -> dict[str, Any]:
    result = (search or TextSearch()).find(collections, phrases, GOING_ON)
    return {name: [sorted(stories) for stories in holding] for name, holding in result.items()}


def test_words_are_found_in_any_case_with_accents_apostrophes_and_across_lines() -> None:
    one = shelf("The Robin’s\n  new coat.", "Das Mädchen aß.", "狐は眼鏡をかけた。", "Nothing.", name="one")
    assert found([one], "ROBINS NEW", "madchen", "ass", "眼鏡", "robin's") == {
        "one": [[0], [1], [1], [2], [0]]
    }
    assert found([one], "no such word") == {}
    assert found([one], "coat das") == {}  # no phrase goes on in the next story
    other = shelf("A new coat, a new coat, a new hat.", name="other")
    assert found([one, other], "coat") == {"one": [[0]], "other": [[0]]}


TEXTS = st.lists(st.text(st.sampled_from("ab é'’ß狐\u0301\n\xa0"), max_size=60), max_size=6)


@given(
    TEXTS, st.text(st.sampled_from("abés狐"), min_size=1, max_size=3), st.integers(1, 40), st.integers(1, 90)
)
def test_a_story_is_found_exactly_if_its_folded_text_holds_the_phrase(
    texts: list[str], phrase: str, piece: int, block: int
) -> None:
    with pytest.MonkeyPatch.context() as patches:  # texts and shelves of every size, without long ones
        patches.setattr(text_search, "_PIECE", piece)
        patches.setattr(text_search, "_BLOCK", block)
        wanted = [i for i, text in enumerate(texts) if folded(phrase) in " ".join(folded(text).split())]
        assert found([shelf(*texts)], phrase) == ({"c": [wanted]} if wanted else {})


def test_what_has_changed_on_the_shelf_is_read_again_and_nothing_else() -> None:
    search, read = TextSearch(), []

    class Counted(Story):
        @property
        def text(self) -> str:
            read.append(self.title)
            return super().text

    def collection(name: str, *texts: str) -> Collection:
        return Collection(name, name, tuple(Counted(f"{name}{i}", text) for i, text in enumerate(texts)))

    assert found([collection("a", "fox", "owl"), collection("b", "fox")], "fox", search=search) == {
        "a": [[0]],
        "b": [[0]],
    }
    assert read == ["a0", "a1", "b0"]
    assert found([collection("a", "owl"), collection("b", "fox")], "owl", search=search) == {"a": [[0]]}
    assert read == ["a0", "a1", "b0", "a0"]


def test_a_story_that_has_gone_hides_no_other(tmp_path: Path) -> None:
    gone = Story("Gone", Extract(tmp_path / "no such", 0, 9))
    assert found([Collection("c", "C", (gone, Story("There", "a fox")))], "fox") == {"c": [[1]]}


def test_without_room_on_the_disk_the_words_are_found_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    search = TextSearch()
    for _ in range(2):
        assert found([shelf("a fox", "an owl")], "owl", search=search) == {"c": [[1]]}


def test_a_search_that_is_not_wanted_any_more_ends_at_the_next_collection() -> None:
    stop = threading.Event()
    stop.set()
    assert TextSearch().find([shelf("a fox")], ["fox"], stop) == {}


def test_500_collections_and_ten_megabytes_are_searched_in_a_tenth_of_a_second() -> None:
    paragraph = "Once there was a mouse who kept a shop under the kitchen stair, and sold buttons. " * 24
    shelves = [shelf(*(f"{i} {n}. {paragraph}" for n in range(10)), name=f"c{i}") for i in range(500)]
    assert sum(len(story.text) for each in shelves for story in each.stories) > 9_000_000
    search = TextSearch()
    assert found(shelves, "spectacles", search=search) == {}
    times = []
    for phrase in ("spectacles", "mouse", "499 9."):
        start = time.process_time()
        result = found(shelves, phrase, search=search)
        times.append(time.process_time() - start)
        assert len(result) == {"spectacles": 0, "mouse": 500, "499 9.": 1}[phrase]
    assert min(times) < 0.1
