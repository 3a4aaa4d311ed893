"""How much of what is told sounds like the shelf: who tells is a fake, and what it tells is known."""

from pathlib import Path

import pytest

from storytime_tui.corpus.library.shelf import find_collection
from storytime_tui.corpus.splitting import split_stories
from storytime_tui.jobs import voice
from storytime_tui.jobs.voice import (
    BASE,
    ONCE,
    Shelf,
    VoiceJudge,
    make_judge,
    measure_voice,
    prompts,
    shelves_of,
)
from tests.corpus.test_manner import NEW, NEW_STORIES, OLD, OLD_STORIES, story

HILL = ["up the hill", "down the valley", "across the heather", "over the stile", "as the shepherds say"]


def a_shelf(folder: Path, title: str, phrases: list[str], stories: int = 10) -> Path:
    folder.mkdir()
    for number in range(stories):
        told = story(phrases, "Ann", number, 30)
        (folder / f"tale-{number}.txt").write_text(f"Tale {number} of {title}\n\n{told}\n")
    return folder


@pytest.fixture
def shelves(tmp_path: Path) -> tuple[Shelf, ...]:
    """Two shelves, each with stories that were learned from and others that were not."""
    folders = [a_shelf(tmp_path / "old tales", "Old", OLD), a_shelf(tmp_path / "hill tales", "Hill", HILL)]
    collections = [find_collection(str(folder)) for folder in folders]
    split = split_stories([each for c in collections for each in c.stories], 0.2, 0)
    return shelves_of(collections, split)


def telling(phrases: list[str]) -> voice.Tell:
    return lambda prompt, count, seed, tokens: [
        story(phrases, "Ann", 700 + seed + row, 8) for row in range(count)
    ]


def test_each_story_is_of_its_collections_shelf(shelves: tuple[Shelf, ...]) -> None:
    assert [shelf.title for shelf in shelves] == ["Old Tales", "Hill Tales"]
    for shelf, phrases in zip(shelves, (OLD, HILL), strict=True):
        assert len(shelf.stories) + len(shelf.held_out) == 10
        assert shelf.held_out
        assert all(any(phrase in each.text for phrase in phrases) for each in shelf.stories)
        assert all(each.text.lstrip().startswith(shelf.openings()[0]) for each in shelf.held_out[:1])


def test_a_base_is_known_by_the_beginnings_of_stories_that_are_learned(shelves: tuple[Shelf, ...]) -> None:
    openings = voice.base_openings(shelves)
    assert len(openings) == len(set(openings)) == 12
    texts = [[story.text.lstrip() for story in shelf.stories] for shelf in shelves]
    begun = [[any(text.startswith(each) for text in own) for each in openings] for own in texts]
    assert [sum(each) for each in begun] == [6, 6]
    assert not set(openings) & {each for shelf in shelves for each in shelf.openings()}


def test_half_begins_once_upon_a_time_and_half_as_held_out_stories_do() -> None:
    assert prompts(["a", "b", "c"], 24) == [(ONCE, 12), ("a", 4), ("b", 4), ("c", 4)]
    assert prompts(["a", "b", "c", "d"], 7) == [(ONCE, 4), ("a", 1), ("b", 1), ("c", 1)]
    assert prompts([], 5) == [(ONCE, 5)]
    assert sum(rows for _, rows in prompts([f"{n}" for n in range(12)], 24)) == 24


def test_what_sounds_like_the_shelf_like_the_base_and_like_another_shelf(shelves: tuple[Shelf, ...]) -> None:
    judge = make_judge(shelves, NEW_STORIES)
    assert judge is not None
    good = measure_voice(judge, {"Old Tales": telling(OLD), "Hill Tales": telling(HILL)}, passages=10)
    assert good is not None
    assert (good.passages, good.of_shelf, good.of_base, good.share) == (10, 10, 0, 1.0)
    assert good.of_each == {"Old Tales": (5, 5), "Hill Tales": (5, 5)}
    bad = measure_voice(judge, {"Old Tales": telling(HILL), "Hill Tales": telling(NEW)}, passages=10)
    assert bad is not None
    assert (bad.of_shelf, bad.of_base, bad.share) == (0, 5, 0.0)
    assert bad.per_class == {"Hill Tales": 5, BASE: 5}


def test_what_is_recited_is_counted(shelves: tuple[Shelf, ...]) -> None:
    judge = make_judge(shelves[:1], NEW_STORIES)
    assert judge is not None
    learned, new = shelves[0].stories[0].text, "One two three four five six seven eight nine. " * 9
    voiced = judge.score({"Old Tales": [learned]})
    assert (voiced.passages, voiced.copied) == (1, 1.0)
    assert judge.score({"Old Tales": [new]}).copied == 0.0


def test_one_shelf_alone_can_be_told_from_nothing(shelves: tuple[Shelf, ...]) -> None:
    assert make_judge(shelves[:1], []) is None
    assert make_judge(shelves[:1], [" "]) is None
    assert make_judge(shelves, []) is not None
    alone = make_judge(shelves[:1], [], {"Lily's": NEW_STORIES})
    assert alone is not None
    assert set(alone.classifier.classes) == {"Old Tales", "Lily's"}


def test_every_passage_is_asked_for_with_a_seed_of_its_own_and_a_stop_ends_it() -> None:
    asked: list[tuple[str, int, int, int]] = []

    def tell(prompt: str, count: int, seed: int, tokens: int) -> list[str]:
        asked.append((prompt, count, seed, tokens))
        return ["Said."] * count

    judge = make_judge([Shelf("Old", ())], OLD_STORIES, {"New": NEW_STORIES})
    assert judge is None  # a shelf without a story
    base = [each for rows in voice.tell_as_base(tell, ["a", "b"]) for each in rows]
    assert len(base) == voice.BASE_PASSAGES
    assert [(prompt, count) for prompt, count, _, _ in asked] == [(ONCE, 24), ("a", 12), ("b", 12)]
    seeds = [seed + row for _, count, seed, _ in asked for row in range(count)]
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) > voice.PASSAGES * 100  # not those that are measured with


def test_it_stops_between_beginnings(shelves: tuple[Shelf, ...]) -> None:
    judge = make_judge(shelves, [])
    assert isinstance(judge, VoiceJudge)
    told: list[int] = []

    def tell(prompt: str, count: int, seed: int, tokens: int) -> list[str]:
        told.append(count)
        return ["Said."] * count

    tells = {shelf.title: tell for shelf in shelves}
    assert measure_voice(judge, tells, stopped=lambda: len(told) == 1) is None
    assert len(told) == 1
