"""The starter's recipe on invented texts: what is held out stays apart, what must not be learned is left out."""

import csv
import dataclasses
import gzip
import hashlib
import shutil
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from storytime_tui.corpus.library.shelf import find_collection, taken_names
from storytime_tui.generation.backends.precision import verdict_in
from storytime_tui.jobs.dataset import choose_stories
from storytime_tui.jobs.find_model import find_origin
from storytime_tui.models import catalogue
from storytime_tui.models.footprint import size_in
from storytime_tui.models.voices import Voices
from storytime_tui.training.plan import read_plan
from tests.benchmarks import starter, starter_texts
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
        length = 40 if n % 3 else 600  # a third of them are long
        (tmp_path / "books" / f"book-{n:02}.txt").write_text(f"Book {n}\n\n{tale(f'book {n}', length)}\n")
    for n in range(4):
        (tmp_path / "simple" / "primers" / f"s-{n}.txt").write_text(f"Story {n}\n\n{tale(f's {n}', 12)}\n")
    (tmp_path / "grimm" / "tale.txt").write_text(f"The Tale\n\n{tale('grimm', 60)}\n")
    copied = f"Retold\n\n{tale('grimm', 20)} {tale('own', 20)}\n"
    (tmp_path / "simple" / "primers" / "retold.txt").write_text(copied)
    tiny = [tale(f"tiny {n}", 8) for n in range(40)]
    (tmp_path / "tinystories" / "tinystories.txt").write_text("\n<|endoftext|>\n".join([*tiny, tiny[0]]))
    (tmp_path / "tinystories" / "more-without-separators.txt").write_text(tale("run together", 50))
    (tmp_path / "books.tsv").write_text("file\ttitle\tauthor\tgutenberg_id\nb.txt\tBook 1\tA. Hen\t21\n")
    (tmp_path / "simple.tsv").write_text("file\ttitle\tauthor\tlicence\ns.txt\tStory 1\tB. Fox\tCC-BY 4.0\n")
    return tmp_path


@pytest.fixture
def more(texts: Path) -> Path:
    """What the last run reads besides, packed with the rest."""
    for folder in ("gutenberg_simple/books", "storybooks_rest/texts", "simplestories"):
        (texts / "more" / folder).mkdir(parents=True)
    place = texts / "more"
    (place / "gutenberg_simple" / "books" / "00077-mole.txt").write_text(
        f"The Mole\n\nThere lived once a mole. {tale('mole', 40)}\n"
    )
    copied = next((texts / "books").glob(f"{held_out(texts)[0]}")).read_text()
    (place / "gutenberg_simple" / "books" / "00078-again.txt").write_text(f"Again\n\n{copied}\n")
    rows = "file\ttitle\tauthor\n00077-mole.txt\tThe Mole\tC. Hare\n"
    (place / "gutenberg_simple" / "books.tsv").write_text(rows)
    (place / "storybooks_rest" / "texts" / "frog.txt").write_text(PAGES)
    rows = "file\ttitle\tauthor\tlicence\nfrog.txt\tThe Frog\tD. Owl\tCC-BY\n"
    (place / "storybooks_rest" / "list.tsv").write_text(rows)
    told = [f"Once {tale('simple', 8)}", f"She {tale('middle', 8)}", f'"{tale("said", 8)}" they said.']
    (place / "simplestories" / "stories.txt").write_text("\n<|endoftext|>\n".join(told))
    known = (texts / "tinystories" / "tinystories.txt").read_text()
    further = "\n<|endoftext|>\n".join([tale("further", 8), known])
    (texts / "tinystories" / "more.txt").write_text(further)
    return texts


def held_out(texts: Path) -> list[str]:
    """The names of the books that are."""
    books = [path.name for path in (texts / "books").glob("*.txt")]
    return sorted(books, key=lambda name: hashlib.sha256(f"starter {name}".encode()).hexdigest())[:2]


def test_texts_are_sorted_held_out_and_written_down(texts: Path, tmp_path: Path) -> None:
    record = tmp_path / "record"
    starter_texts.prepare(texts, texts / "grimm", record)
    names = starter_texts.LEARNED + starter_texts.HELD_OUT
    stories = {name: find_collection(name).stories for name in names if name in taken_names()}
    books = (starter_texts.TALES_HELD_OUT, starter_texts.NOVELS_HELD_OUT)
    apart = [story.file for name in books for story in stories.get(name, ())]
    assert sorted(apart) == sorted(held_out(texts))  # 5% of 30, always the same
    assert len(stories[starter_texts.TALES]) + len(stories[starter_texts.NOVELS]) == 28
    assert len(stories[starter_texts.TINY_HELD_OUT]) == 2
    assert len(stories[starter_texts.TINY]) == 38
    told = [story.facts.fingerprint for some in stories.values() for story in some]
    assert len(told) == len(set(told))
    tales, novels = (
        [s.facts.bytes for s in stories[name]] for name in (starter_texts.TALES, starter_texts.NOVELS)
    )
    assert max(tales) < min(novels)

    assert "Retold" not in {story.title for story in stories[starter_texts.SIMPLE]}
    with (record / "left_out.tsv").open(encoding="utf-8") as file:
        (left,) = csv.DictReader(file, delimiter="\t")
    assert (left["title"], left["reason"]) == ("Retold", "stands in Grimm's tales")
    assert float(left["share"]) == pytest.approx(0.5, abs=0.05)
    with (record / "learned.tsv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file, delimiter="\t"))) == len(told)
    who = sources(record)
    assert who["A. Hen"].endswith("#21)")
    assert who["B. Fox"] == "CC-BY 4.0"

    before = (record / "learned.tsv").stat().st_mtime_ns
    starter_texts.prepare(texts, texts / "grimm", record)
    assert (record / "learned.tsv").stat().st_mtime_ns == before


def sources(record: Path) -> dict[str, str]:
    with (record / "sources.tsv").open(encoding="utf-8") as file:
        return {row["author"]: row["licence"] for row in csv.DictReader(file, delimiter="\t")}


def test_what_came_later_stands_on_the_same_shelves_and_is_cleaned_alike(more: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    packed.mkdir()
    for name, inside in (("texts", ("books", "simple", "tinystories")), ("more", ())):
        with tarfile.open(packed / f"{name}.tar.xz", "w:xz", preset=0) as archive:
            for folder in inside or [path.name for path in (more / "more").iterdir()]:
                archive.add(more / folder if inside else more / "more" / folder, folder)
    for name in ("books.tsv", "simple.tsv"):
        shutil.copy(more / name, packed / name)
    record = tmp_path / "record"
    starter_texts.prepare(packed, more / "grimm", record)

    shelf = {name: find_collection(name) for name in taken_names() & starter_texts.SHELF_OF.keys()}
    assert {each.title for each in shelf.values()} == set(starter_texts.VOICES)
    assert {name: each.title for name, each in shelf.items()} == {
        name: starter_texts.SHELF_OF[name] for name in shelf
    }
    (simple,) = shelf[starter_texts.FRESH].stories
    assert simple.text.startswith("Once")  # the others begin in the middle of a story
    assert [story.title for story in shelf[starter_texts.BEDTIME].stories] == ["The Mole"]
    with (record / "left_out.tsv").open(encoding="utf-8") as file:
        left = {row["title"]: row["reason"] for row in csv.DictReader(file, delimiter="\t")}
    assert left["Again"] == "stands in a held-out book"
    (again,) = shelf[starter_texts.ONCE_PAGES].stories  # to be read more often for how it begins
    assert again.text.startswith("Once upon a time there lived a mole. ")
    assert starter_texts.ONCE_TALES not in shelf  # none of the others begins so
    (frog,) = shelf[starter_texts.PAGES].stories
    assert "pond. In it" in frog.text  # its pages are paragraphs
    who = sources(record)
    assert (who["C. Hare"], who["D. Owl"]) == ("Public domain in the USA (Project Gutenberg #77)", "CC-BY")
    assert who["Lennart Finke and others, 2025"] == "MIT"

    (further,) = shelf[starter_texts.MORE].stories
    assert further.text == tale("further", 8)  # the others were there already
    plans = starter.plans_for("scratch-6x384", None, gpu=False)
    assert [starter_texts.MORE in plan.collections for plan in plans.values()] == [
        False,
        False,
        True,
        False,
        False,
        False,
    ]

    assert starter.last_plan("starter").collections[0] == starter_texts.FRESH
    plan = starter.shelves_plan("starter", 10_000)
    assert plan.collections[0] == starter_texts.FRESH and plan.shelf_lines
    chosen = choose_stories(dataclasses.replace(plan, repeats=(), max_steps=10))
    assert chosen.plan.voices[0] == starter_texts.SHORT_STORIES
    assert set(chosen.plan.voices) == set(starter_texts.VOICES)
    lines = Counter(story.header.partition("\n")[0] for story in chosen.training)
    assert set(lines) == {f"Shelf: {voice}" for voice in starter_texts.VOICES}


def test_what_came_of_it_is_put_into_the_package_whole(
    tmp_path: Path, starter_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storytime_tui.jobs.train import learn
    from storytime_tui.training.control import Control
    from storytime_tui.training.plan import TrainingPlan

    record = tmp_path / "record"
    record.mkdir()
    for name in ("learned.tsv", "left_out.tsv", "sources.tsv"):
        (record / name).write_text("title\nA tale\n")
    plan = TrainingPlan(
        base="scratch-2x64", collections=(str(write_collection(tmp_path / "tales")),), max_steps=1
    )
    for run in starter.PLANS:
        starter.write_plan(plan, record / f"{run}.toml")
    assert list(learn(plan, Control(), starter.SHELVES))
    assert list(learn(dataclasses.replace(plan, base=starter.SHELVES), Control(), starter.LINES))
    monkeypatch.setattr(starter, "_SHARD", 100_000)

    starter.ship(starter_folder, record)
    assert catalogue.has_starter()
    assert all(read_plan(starter_folder / name) == plan for name in starter.PLANS.values())
    assert gzip.decompress((starter_folder / "learned.tsv.gz").read_bytes()) == b"title\nA tale\n"
    assert verdict_in(starter_folder) is not None
    assert find_origin(catalogue.STARTER, lambda words, done, total: None).voices == Voices(
        starter_texts.VOICES
    )
    assert size_in(starter_folder).parameters > 100_000

    (starter_folder / "README.md").write_text("a card")
    told = b"title\nA tale\nstarter-tiny-more\tAnother\n"
    (starter_folder / "learned.tsv.gz").write_bytes(gzip.compress(told))
    monkeypatch.setattr(starter, "_SHARD", 15_000_000)
    shutil.rmtree(starter.make(record))
    starter.ship(starter_folder, record)
    assert catalogue.has_starter()
    assert [path.name for path in starter_folder.glob("*.safetensors*")] == ["model.safetensors"]
    assert (starter_folder / "README.md").read_text() == "a card"
    assert gzip.decompress((starter_folder / "learned.tsv.gz").read_bytes()) == told  # an earlier run's stay


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
    assert [plan.base for plan in plans.values()] == ["scratch-6x384", *list(plans)[:-1]]
    assert [plan.shelf_lines for plan in plans.values()] == [False, False, False, True, True, True]
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
    told = starter_texts.as_told(PAGES)
    assert told.split("\n\n") == [
        "The Frog",
        "Far away there was a pond. In it lived a frog. He was green.",
        '"Who are you?" asked a duck.',
        "The frog did not know. He thought of it all day.\n",
    ]
    assert told.split() == PAGES.split()
    paragraph = "One day a frog who lived in a pond far away from here asked himself who he was. " * 3
    long = f"The Frog\n\n{paragraph}\n\n{paragraph}\n\nThe end.\n"
    assert starter_texts.as_told(long) == long
    pages = starter_texts.as_told("The Frog\n\n" + "\n\n".join(["The frog sat there and sang."] * 40)).split(
        "\n\n"
    )
    assert all(len(page) <= 400 for page in pages) and len(pages) == 1 + 4


@pytest.mark.parametrize(
    ("told", "begins"),
    [
        ("There lived once a king.", "Once upon a time there lived a king."),
        ("There was once upon a time a king.", "Once upon a time there was a king."),
        ("Once on a time, there were two.", "Once upon a time there were two."),
        ("Long, long ago, a fox ran.", "Once upon a time a fox ran."),
        ("\u201cOnce there was a fox.", "\u201cOnce upon a time there was a fox."),
        ("Once more he ran.", ""),
        ("A king lived once.", ""),
    ],
)
def test_the_ways_of_old_tales_to_begin_are_one(told: str, begins: str) -> None:
    assert starter_texts.from_once(told) == begins


@pytest.mark.parametrize(
    ("told", "begun"),
    [
        ("The sun was hot.\n\nBert sat still.", "Once upon a time the sun was hot.\n\nBert sat still."),
        (
            "Peter Rabbit ran. He ran to Peter's hole.",
            "Once upon a time Peter Rabbit ran. He ran to Peter's hole.",
        ),
        ("He sat in the sun.", ""),
        ("Early next morning, as early as could be, he rose.", ""),
        ("CHAPTER I\n\nThe sun was hot.", ""),
        (f"The sun was hot.\n\n{'It shone. ' * 300}", "Once upon a time the sun was hot."),
    ],
)
def test_a_beginning_is_led_in_where_that_is_english_and_is_about_a_window_long(
    told: str, begun: str
) -> None:
    assert starter_texts.led_in(told) == begun
