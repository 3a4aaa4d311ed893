"""The index job: made once for a shelf's stories, opened again, and it says where words were copied from."""

import threading
from pathlib import Path

from storytime_tui import paths
from storytime_tui.corpus.collection import Story
from storytime_tui.jobs.copied import copied_by, copied_index, is_copied
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
