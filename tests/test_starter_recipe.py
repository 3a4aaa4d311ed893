"""The starter's recipe on invented texts: what is held out stays apart, what must not be learned is left out."""

import csv
import gzip
import hashlib
from pathlib import Path

import pytest

from storytime_tui.corpus.shelf import find_collection
from storytime_tui.generation.precision import verdict_in
from storytime_tui.models import catalogue
from storytime_tui.models.footprint import size_in
from storytime_tui.training.plan import read_plan
from tests.benchmarks import starter
from tests.tiny import write_collection

WORDS = (
    "fox",
    "hen",
    "river",
    "moon",
    "king",
    "wood",
    "song",
    "bread",
    "stone",
    "lamp",
    "bell",
    "snow",
    "apple",
)


def tale(seed: str, sentences: int) -> str:
    """A tale of its own: its words follow from the seed."""
    drawn = [hashlib.sha256(f"{seed} {n}".encode()).digest() for n in range(sentences)]
    return " ".join(" ".join(WORDS[byte % len(WORDS)] for byte in d[:9]).capitalize() + "." for d in drawn)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    for name in ("books", "simple/primers", "tinystories", "grimm"):
        (tmp_path / name).mkdir(parents=True)
    for n in range(30):
        length = 400 if n % 3 else 900  # a third of them are long
        (tmp_path / "books" / f"book-{n:02}.txt").write_text(f"Book {n}\n\n{tale(f'book {n}', length)}\n")
    for n in range(4):
        (tmp_path / "simple" / "primers" / f"s-{n}.txt").write_text(f"Story {n}\n\n{tale(f's {n}', 12)}\n")
    (tmp_path / "grimm" / "tale.txt").write_text(f"The Tale\n\n{tale('grimm', 60)}\n")
    copied = f"Retold\n\n{tale('grimm', 20)} {tale('own', 20)}\n"
    (tmp_path / "simple" / "primers" / "retold.txt").write_text(copied)
    tiny = [tale(f"tiny {n}", 8) for n in range(40)]
    (tmp_path / "tinystories" / "tinystories.txt").write_text("\n<|endoftext|>\n".join([*tiny, tiny[0]]))
    (tmp_path / "tinystories" / "more-without-separators.txt").write_text(tale("run together", 50))
    (tmp_path / "books.tsv").write_text("title\tauthor\tgutenberg_id\nBook 1\tA. Hen\t21\n")
    (tmp_path / "simple.tsv").write_text("title\tauthor\tlicence\nStory 1\tB. Fox\tCC-BY 4.0\n")
    return tmp_path


def test_texts_are_sorted_held_out_and_written_down(texts: Path, tmp_path: Path) -> None:
    record = tmp_path / "record"
    starter.prepare(texts, texts / "grimm", record)
    stories = {name: find_collection(name).stories for name in starter.LEARNED + starter.HELD_OUT}
    assert len(stories[starter.BOOKS_HELD_OUT]) == 2  # 5% of 30
    assert len(stories[starter.TALES]) + len(stories[starter.NOVELS]) == 28
    assert len(stories[starter.TINY_HELD_OUT]) == 2
    assert len(stories[starter.TINY]) == 38
    told = [story.facts.fingerprint for some in stories.values() for story in some]
    assert len(told) == len(set(told))
    sizes = [[story.facts.bytes for story in stories[name]] for name in (starter.TALES, starter.NOVELS)]
    assert max(sizes[0]) < min(sizes[1])

    assert "Retold" not in {story.title for story in stories[starter.SIMPLE]}
    with (record / "left_out.tsv").open(encoding="utf-8") as file:
        (left,) = csv.DictReader(file, delimiter="\t")
    assert (left["title"], left["reason"]) == ("Retold", "stands in Grimm's tales")
    assert float(left["share"]) == pytest.approx(0.5, abs=0.05)
    with (record / "learned.tsv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file, delimiter="\t"))) == len(told)

    with (record / "sources.tsv").open(encoding="utf-8") as file:
        who = {row["author"]: row["licence"] for row in csv.DictReader(file, delimiter="\t")}
    assert who["A. Hen"].endswith("#21)")
    assert who["B. Fox"] == "CC-BY 4.0"

    before = (record / "learned.tsv").stat().st_mtime_ns
    starter.prepare(texts, texts / "grimm", record)
    assert (record / "learned.tsv").stat().st_mtime_ns == before


def test_what_came_of_it_is_put_into_the_package_whole(
    tmp_path: Path, starter_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storytime_tui.training.control import Control
    from storytime_tui.training.plan import TrainingPlan
    from storytime_tui.workshop.learning import learn

    record = tmp_path / "record"
    record.mkdir()
    for name in ("learned.tsv", "left_out.tsv", "sources.tsv"):
        (record / name).write_text("title\nA tale\n")
    plan = TrainingPlan(
        base="scratch-2x64", collections=(str(write_collection(tmp_path / "tales")),), max_steps=1
    )
    for run in starter.PLANS:
        starter.write_plan(plan, record / f"{run}.toml")
    assert list(learn(plan, Control(), starter.TELLING))
    monkeypatch.setattr(starter, "_SHARD", 100_000)

    starter.ship(starter_folder, record)
    assert catalogue.has_starter()
    assert all(read_plan(starter_folder / name) == plan for name in starter.PLANS.values())
    assert gzip.decompress((starter_folder / "learned.tsv.gz").read_bytes()) == b"title\nA tale\n"
    assert verdict_in(starter_folder) is not None
    assert size_in(starter_folder).parameters > 100_000

    (starter_folder / "README.md").write_text("a card")
    monkeypatch.setattr(starter, "_SHARD", 15_000_000)
    starter.ship(starter_folder, record)
    assert catalogue.has_starter()
    assert [path.name for path in starter_folder.glob("*.safetensors*")] == ["model.safetensors"]
    assert (starter_folder / "README.md").read_text() == "a card"


@pytest.mark.parametrize("gpu", [False, True])
def test_the_plans_have_as_many_steps_as_their_tokens_take(gpu: bool, tmp_path: Path) -> None:
    plans = starter.plans_for("scratch-6x384", 10_000_000, gpu=gpu)
    read = 0
    for name, plan in plans.items():
        assert plan.max_steps and plan.batch_size and plan.block_size and plan.warmup_steps
        assert plan.warmup_steps < plan.max_steps / 5
        read += plan.max_steps * plan.batch_size * plan.block_size
        starter.write_plan(plan, tmp_path / name)
        assert read_plan(tmp_path / name) == plan
    assert 0.99 < read / 10_000_000 <= 1
    first, *others = plans.values()
    assert [plan.base for plan in plans.values()] == ["scratch-6x384", starter.READING, starter.PROSE]
    assert list(plans) == list(starter.PLANS)
    for name, plan in starter.plans_for("scratch-6x384", None, gpu=gpu).items():
        assert plan.max_steps != plans[name].max_steps
    # a story that is held out of one is held out of all, or a later run would be judged on what an earlier has read
    for name in ("validation_fraction", "seed"):
        assert {getattr(plan, name) for plan in others} == {getattr(first, name)}


PAGES = """The Frog

Far away there was a pond.

In it lived a frog. He was green.

"Who are you?" asked a duck.

The frog did not know.

He thought of it all day.
"""


def test_a_picture_books_pages_become_paragraphs() -> None:
    told = starter.as_told(PAGES)
    assert told.split("\n\n") == [
        "The Frog",
        "Far away there was a pond. In it lived a frog. He was green.",
        '"Who are you?" asked a duck.',
        "The frog did not know. He thought of it all day.\n",
    ]
    assert told.split() == PAGES.split()
    paragraph = "One day a frog who lived in a pond far away from here asked himself who he was. " * 3
    long = f"The Frog\n\n{paragraph}\n\n{paragraph}\n\nThe end.\n"
    assert starter.as_told(long) == long
    pages = starter.as_told("The Frog\n\n" + "\n\n".join(["The frog sat there and sang."] * 40)).split("\n\n")
    assert all(len(page) <= 400 for page in pages) and len(pages) == 1 + 4


def test_further_short_stories_are_for_the_last_run_alone(texts: Path, tmp_path: Path) -> None:
    told = (texts / "tinystories" / "tinystories.txt").read_text()
    more = [tale(f"more {n}", 8) for n in range(5)]
    (texts / "tinystories" / "more.txt").write_text("\n<|endoftext|>\n".join([*more, told]))
    starter.prepare(texts, texts / "grimm", tmp_path / "record")
    assert sorted(story.text for story in find_collection(starter.MORE).stories) == sorted(more)
    plans = starter.plans_for("scratch-6x384", None, gpu=False)
    assert [starter.MORE in plan.collections for plan in plans.values()] == [False, False, True]
