"""The index job: made once for a shelf's stories, opened again, and it says where words were copied from."""

import threading
from pathlib import Path

import pytest

from storytime_tui import paths
from storytime_tui.corpus.collection import Story
from storytime_tui.jobs.copied import (
    Cancelled,
    Learned,
    Source,
    copied_by,
    copied_index,
    find_copies,
    is_copied,
    learned_from,
    sources_of,
    until,
)
from storytime_tui.training import runs
from storytime_tui.training.plan import TrainingPlan, write_plan

STORIES = [
    Story("The Fox", "Once a fox ran home through the long grass, and nobody saw him go."),
    Story("The Hen", "The hen sat on the wall and counted all the stars she knew."),
]


def test_what_is_copied_is_found_with_its_story() -> None:
    said: list[tuple[str, int, int]] = []
    index = copied_index(STORIES, lambda *what: said.append(what))
    (stretch,) = index.stretches("They say the HEN sat on the wall -- and counted all the clouds.")
    assert (stretch.words, STORIES[stretch.story].title) == (10, "The Hen")
    assert said and all(done <= total for _, done, total in said)
    said.clear()
    assert copied_index(STORIES, lambda *what: said.append(what)).share(STORIES[0].text) == 1.0
    assert not said
    assert (paths.cache_folder() / "copied").is_dir()


def test_eight_words_in_a_row_are_copied_or_the_whole_of_a_shorter_text() -> None:
    index = copied_index(STORIES)
    assert is_copied("So the hen sat on the wall and counted, and that was all.", index)
    assert not is_copied("The hen sat on the wall and slept.", index)
    assert is_copied("Nobody saw him go.", index)
    assert not is_copied("Nobody saw her go.", index)


def test_what_a_run_copies_is_known_by_the_collections_that_it_names(tmp_path: Path) -> None:
    tales = tmp_path / "tales"
    tales.mkdir()
    for number in range(4):
        text = (
            f"Tale {number}\n\nThe miller's cat had {number} white paws and one that was as black as soot.\n"
        )
        (tales / f"{number}.txt").write_text(text)
    with runs.new_run("cats", TrainingPlan(collections=(str(tales),), base="scratch-tiny")) as folder:
        write_plan(TrainingPlan(collections=(str(tales),), base="scratch-tiny"), folder / runs.PLAN)
    ask = copied_by("cats/best", threading.Event())
    assert ask("white paws and one that was as black as soot, said the fox")
    assert not ask("A fox had one white paw.")
    assert not copied_by("starter", threading.Event())("white paws and one that was as black as soot")
    for file in tales.iterdir():
        file.unlink()
    assert not copied_by("cats", threading.Event())("white paws and one that was as black as soot")


def write_tales(folder: Path, line: str) -> Path:
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.txt").write_text(f"Tale {number}\n\n{line.format(number)}\n")
    return folder


def write_run(name: str, tales: Path, base: str = "scratch-tiny") -> None:
    plan = TrainingPlan(collections=(str(tales),), base=base)
    with runs.new_run(name, plan) as folder:
        write_plan(plan, folder / runs.PLAN)


def test_a_run_learned_from_its_stories_and_from_those_of_the_run_that_it_began_with(tmp_path: Path) -> None:
    write_run(
        "cats", write_tales(tmp_path / "tales", "The miller's cat had {} white paws and slept by the mill.")
    )
    write_run(
        "owls",
        write_tales(tmp_path / "other", "An owl with {} grey feathers sat in the old elm all day."),
        "cats",
    )
    assert [source.collection for source in sources_of("owls/step-20")] == ["other"] * 3 + ["tales"] * 3
    assert {source.collection for source in sources_of("cats")} == {"tales"}
    learned = learned_from(["owls", "starter"])
    assert learned.index is not None
    assert learned.unknown == "Copies cannot be looked for: it is not recorded what starter learned from."
    assert (
        learned.index.share("white paws and slept by the mill. grey feathers sat in the old elm all day", 7)
        == 1.0
    )
    assert learned_from(["starter"]).index is None
    for file in (tmp_path / "tales").iterdir():
        file.unlink()
    gone = learned_from(["cats"])
    assert gone.index is None and gone.unknown.startswith("What cats learned from cannot be read")


def test_places_are_named_and_words_in_two_of_them_count_once() -> None:
    sources = [Source("animals", story) for story in STORIES]
    text = "Once a fox ran home through the long grass sat on the wall and counted all the stars, and nobody cared."
    copies = find_copies(text, sources)
    assert [(place.words, place.collection, place.story, place.place) for place in copies.places] == [
        (9, "animals", "The Fox", 1),
        (9, "animals", "The Hen", 3),
    ]
    assert [text[place.start : place.end] for place in copies.places] == [
        place.text for place in copies.places
    ]
    assert copies.share == 18 / 21
    overlapping = find_copies(
        "the b c d e f g h i j k l",
        [Source("x", Story("1", "the b c d e f g h i")), Source("y", Story("2", "c d e f g h i j k l"))],
    )
    assert [(place.words, place.story) for place in overlapping.places] == [(9, "1"), (10, "2")]
    assert overlapping.share == 1.0


def test_an_index_that_is_no_longer_needed_is_given_up() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        copied_index(STORIES, until(stop))


def learned(*stories: Story) -> Learned:
    return Learned(copied_index(stories), "", tuple(Source("animals", story) for story in stories))


def test_a_passage_is_told_with_its_runs_and_their_stories_also_those_that_begin_before_it() -> None:
    before, told = (
        "Once a fox ran home",
        " through the long grass, and slept. The hen sat on the wall and slept.",
    )
    text = before + told + " And so on."
    copies = learned(*STORIES).look(text, len(before), len(before + told))
    (place,) = copies.places
    assert (place.words, place.story, place.place) == (10, "The Fox", 1)
    assert text[place.start : place.end] == place.text == "Once a fox ran home through the long grass, and"
    assert copies.stories == (STORIES[0],)
    assert copies.share == 5 / 14  # of the passage's own words: through the long grass and
    assert copies.longest == 10
    alone = learned(*STORIES).look(text, len(before) + 28, len(before + told))
    assert (alone.places, alone.share, alone.longest) == ((), 0.0, 7)  # the hen sat on the wall and
    assert Learned(None).look(text, 0, 20).longest == 0


def test_a_run_is_shown_with_the_words_around_it() -> None:
    text = "So the hen sat on the wall and counted all day."
    copies = learned(*STORIES).look(text, 0, len(text))
    around = copies.surroundings(0)
    assert around.run == "The hen sat on the wall and counted all"
    assert around.before == "" and around.after == " the stars she knew"
    long = Story("Long", " ".join(f"w{number}" for number in range(1000)))
    text = " ".join(f"w{number}" for number in range(500, 510))
    around = learned(long).look(text, 0, len(text)).surroundings(0)
    assert around.run == text
    assert around.before.split() == [f"w{number}" for number in range(380, 500)]
    assert around.after.split() == [f"w{number}" for number in range(510, 630)]
