"""What an epoch reads: stories as often as the plan says, each behind its shelf's line, some with more headers."""

import dataclasses
import re
from collections import Counter
from pathlib import Path

import pytest

from storytime_tui.corpus.collection import Story
from storytime_tui.corpus.library.importing import add_collection
from storytime_tui.corpus.parts import with_line
from storytime_tui.errors import PlanError
from storytime_tui.jobs import epoch
from storytime_tui.jobs.dataset import choose_stories
from storytime_tui.jobs.train import learn, resume
from storytime_tui.training.control import Control
from storytime_tui.training.events import Finished, Resumed
from storytime_tui.training.plan import TrainingPlan
from tests.tiny import write_collection


@pytest.fixture
def shelves(tmp_path: Path) -> tuple[str, str]:
    for name, stories in (("simple", 12), ("long", 40)):
        write_collection(tmp_path / name, stories)
    for path in (tmp_path / "long").iterdir():  # else they would tell the same
        path.write_text(path.read_text().replace("the", f"that {path.stem}").replace("Tale", "Saga"))
    return str(tmp_path / "simple"), str(tmp_path / "long")


def plan_for(shelves: tuple[str, str], **values: object) -> TrainingPlan:
    return TrainingPlan(collections=shelves, **values)  # type: ignore[arg-type]


def test_without_knobs_an_epoch_reads_each_training_story_once(shelves: tuple[str, str]) -> None:
    chosen = choose_stories(plan_for(shelves, shelf_lines=False))
    assert list(chosen.training) == list(chosen.split.training)
    assert list(chosen.validation) == list(chosen.split.validation)
    assert chosen.plan.voices == ()


def test_each_story_stands_behind_its_shelf_s_line(shelves: tuple[str, str]) -> None:
    chosen = choose_stories(plan_for(shelves))
    assert chosen.plan.voices == ("Simple", "Long")
    for stories, read in (
        (chosen.split.training, chosen.training),
        (chosen.split.validation, chosen.validation),
    ):
        assert [story.text for story in read] == [story.text for story in stories]
        for story in read:
            assert story.header == f"Shelf: {'Simple' if story.title.startswith('Tale') else 'Long'}\n"
    renamed = choose_stories(dataclasses.replace(chosen.plan, voices=("Plain", "Tall")))
    assert {story.header for story in (*renamed.validation, *renamed.training)} == {
        "Shelf: Plain\n",
        "Shelf: Tall\n",
    }


def test_each_chapter_of_a_single_book_begins_with_the_line(tmp_path: Path) -> None:
    chapters = [
        f"CHAPTER {n}\n\n" + f"The goose of chapter {n} walked on and on. " * 60 for n in ("I", "II", "III")
    ]
    (tmp_path / "goose").mkdir()
    (tmp_path / "goose" / "goose.txt").write_text("THE GOOSE\n\n\n" + "\n\n\n".join(chapters))
    chosen = choose_stories(TrainingPlan(collections=(str(tmp_path / "goose"),)))
    read = [*chosen.training, *chosen.validation]
    assert len(read) >= 3
    assert {story.header for story in read} == {"Shelf: Goose\n"}
    assert not any(story.continues for story in read)


def test_each_collection_is_read_as_often_as_the_plan_says(shelves: tuple[str, str]) -> None:
    chosen = choose_stories(plan_for(shelves, repeats=("simple=2.5", "long=0.5")))
    times = Counter(story.facts.digest for story in chosen.training)
    training = chosen.split.training
    assert set(times) <= {story.facts.digest for story in training}
    simple = [times[s.facts.digest] for s in training if s.title.startswith("Tale")]
    long = [times[s.facts.digest] for s in training if s.title.startswith("Saga")]
    assert len(simple) + len(long) == len(training)
    assert set(simple) == {2, 3}
    assert set(long) == {0, 1}
    assert chosen.split == choose_stories(plan_for(shelves)).split
    again = choose_stories(plan_for(shelves, repeats=("simple=2.5", "long=0.5")))
    assert list(chosen.training) == list(again.training)
    assert list(chosen.training.marks()) == list(again.training.marks())


def test_the_parts_of_an_epoch_are_made_while_they_are_read(
    shelves: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def counted(story: Story, line: str, more: str = "") -> list[Story]:
        read.append(story.title)
        return with_line(story, line, more)

    monkeypatch.setattr(epoch, "with_line", counted)
    chosen = choose_stories(plan_for(shelves))
    assert len(list(chosen.training.marks())) == len(chosen.split.training)
    assert read == []
    assert next(iter(chosen.training)).title == chosen.split.training[0].title
    assert len(read) == 1


def test_a_collection_of_the_shelf_is_meant_where_a_folder_is_called_like_it(
    shelves: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_collection([shelves[0]], "big")
    write_collection(tmp_path / "elsewhere" / "big", 5)
    monkeypatch.chdir(tmp_path / "elsewhere")
    chosen = choose_stories(TrainingPlan(collections=("big",)))
    assert chosen.plan.collections == ("big",)
    assert len(chosen.plan.stories) == 12
    there = choose_stories(TrainingPlan(collections=("./big",)))
    assert there.plan.collections == (str(tmp_path / "elsewhere" / "big"),)


def test_headers_stand_before_training_stories_alone(shelves: tuple[str, str]) -> None:
    chosen = choose_stories(plan_for(shelves, headers=0.5, repeats=("simple=2",)))
    titled = [story.header for story in chosen.training if story.header.count("\n") > 1]
    assert 0 < len(titled) < len(list(chosen.training))
    assert all(re.match(r"Shelf: (Simple|Long)\n(Title|Characters|Tone): ", header) for header in titled)
    assert all(story.header.count("\n") == 1 for story in chosen.validation)


def test_an_older_run_s_headers_stand_in_the_text(shelves: tuple[str, str]) -> None:
    chosen = choose_stories(plan_for(shelves, headers=0.5, repeats=("simple=2",), shelf_lines=False))
    plain = choose_stories(plan_for(shelves, shelf_lines=False))
    assert chosen.split == plain.split
    bare = {story.text for story in plain.split.training}
    headed = [story for story in chosen.training if story.text not in bare]
    assert 0 < len(headed) < len(list(chosen.training))
    for story in headed:
        header, _, rest = story.text.partition("\n\n")
        assert rest in bare
        assert {line.partition(":")[0] for line in header.splitlines()} <= {"Title", "Characters", "Tone"}
        assert story.facts.bytes == len(story.text.encode())


def test_a_collection_that_was_not_chosen_cannot_be_repeated(shelves: tuple[str, str]) -> None:
    with pytest.raises(PlanError, match="repeats names tall, but the chosen collections are simple, long"):
        choose_stories(plan_for(shelves, repeats=("tall=2",)))


def test_a_run_with_both_goes_on_as_the_same_run(shelves: tuple[str, str]) -> None:
    plan = plan_for(
        shelves,
        base="scratch-2x64",
        repeats=("simple=2", "long=0.5"),
        headers=0.5,
        max_steps=2,
        block_size=32,
        batch_size=2,
        accumulation=1,
        sample_every=0,
    )
    assert isinstance(list(learn(plan, Control(), "twice"))[-1], Finished)
    again = list(resume("twice", Control(), more_epochs=0.01))
    assert any(isinstance(event, Resumed) for event in again)
    assert isinstance(again[-1], Finished)
