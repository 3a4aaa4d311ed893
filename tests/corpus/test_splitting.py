"""The split is by story, leak-free, seeded, and steady when stories come and go."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from storytime_tui.corpus.collection import Story
from storytime_tui.corpus.document import Chapter
from storytime_tui.corpus.splitting import Split, split_stories
from storytime_tui.errors import CorpusError


def tales(count: int, start: int = 0) -> list[Story]:
    return [
        Story(f"Tale {i}", f"Once there were {i} foxes.\n\nThey went home.")
        for i in range(start, start + count)
    ]


fractions = st.floats(0.01, 0.5)
seeds = st.integers(0, 2**63 - 1)
words = st.lists(st.sampled_from(["fox", "Fox", "hen,", "hen", "a", "—", "\n\n"]), max_size=5).map(" ".join)


@settings(deadline=None)
@given(st.integers(2, 60), fractions, seeds)
def test_every_story_is_on_one_side_in_order(count: int, fraction: float, seed: int) -> None:
    stories = tales(count)
    split = split_stories(stories, fraction, seed)
    assert split.training
    assert split.validation
    assert list(split.training) == [story for story in stories if story in split.training]
    assert sorted((*split.training, *split.validation), key=stories.index) == stories
    assert abs(len(split.validation) - fraction * count) <= fraction * count * 0.25 + 1


@settings(deadline=None)
@given(st.lists(words, min_size=1, max_size=12), fractions, seeds)
def test_no_text_is_on_both_sides(bodies: list[str], fraction: float, seed: int) -> None:
    stories = [Story(f"T{i}", body) for i, body in enumerate(bodies)]
    try:
        split = split_stories(stories, fraction, seed)
    except CorpusError:
        return
    if len({tuple(normal(body)) for body in bodies if body.strip()}) > 1:
        left = {tuple(normal(story.text)) for story in split.training}
        right = {tuple(normal(story.text)) for story in split.validation}
        assert not left & right
        assert len(left) + len(right) == len(split.training) + len(split.validation)


def normal(text: str) -> list[str]:
    return [
        word for word in text.casefold().replace(",", " ").replace("—", " ").split() if word
    ] or text.split()


@settings(deadline=None)
@given(st.integers(2, 40), fractions, seeds)
def test_adding_a_story_moves_at_most_one_other(count: int, fraction: float, seed: int) -> None:
    stories = tales(count + 1, start=100)  # all of one size
    before, after = (split_stories(some, fraction, seed) for some in (stories[:-1], stories))
    moved = set(before.training) & set(after.validation) | set(before.validation) & set(after.training)
    assert len(moved) <= 1


@given(seeds)
def test_the_order_of_the_stories_does_not_matter(seed: int) -> None:
    stories = tales(20)
    assert set(split_stories(stories, 0.2, seed).validation) == set(
        split_stories(stories[::-1], 0.2, seed).validation
    )


def test_the_split_is_the_same_on_every_machine() -> None:
    """Resuming a run makes its split again: it may never change."""
    assert [story.title for story in split_stories(tales(12), 0.25, 7).validation] == [
        "Tale 1",
        "Tale 10",
    ]


def test_another_seed_gives_another_split() -> None:
    assert len({split_stories(tales(30), 0.2, seed).validation for seed in range(8)}) > 4


def test_copies_are_learned_once() -> None:
    stories = [
        Story("Fox", "The fox, he ran.\n\nHome."),
        Story("Copy", "the Fox he ran\nhome"),
        Story("Hen", "Hen."),
    ]
    split = split_stories(stories, 0.3, 0)
    assert {story.title for story in (*split.training, *split.validation)} == {"Fox", "Hen"}


def test_a_single_story_gives_its_end_cut_between_paragraphs() -> None:
    text = "\n\n".join(f"Paragraph {i} of the tale, neither long nor short." for i in range(20))
    split = split_stories([Story("One", text, "one.txt")], 0.1, 0)
    (head,), (tail,) = split.training, split.validation
    assert head.text + "\n\n" + tail.text == text
    assert tail.text.startswith("Paragraph 18 ")
    assert (head.title, head.file) == (tail.title, tail.file) == ("One", "one.txt")


def test_copies_of_a_single_story_count_as_one() -> None:
    text = "First part of it.\n\nSecond part of it."
    twice = split_stories([Story("A", text), Story("B", text)], 0.4, 0)
    once = split_stories([Story("A", text)], 0.4, 0)
    assert (twice.training, twice.validation) == (once.training, once.validation)
    assert [story.title for story in twice.copies] == ["B"]


@settings(deadline=None)
@given(st.text(alphabet="ab .\n\t", max_size=80), fractions)
def test_a_single_story_is_cut_in_two_that_make_it_whole(text: str, fraction: float) -> None:
    assume(len(text.split()) >= 2)
    split = split_stories([Story("One", text)], fraction, 0)
    assert split.training[0].text.strip()
    assert split.validation[0].text.strip()
    assert (split.training[0].text + " " + split.validation[0].text).split() == text.split()


def test_a_far_off_paragraph_end_does_not_make_the_tail_half_the_story() -> None:
    text = "Short beginning.\n\n" + "A sentence of some length here. " * 60
    split = split_stories([Story("One", text)], 0.1, 0)
    assert 0.05 < len(split.validation[0].text) / len(text) < 0.15


@pytest.mark.parametrize("stories", [[], [Story("Empty", "  \n")], [Story("Word", "Once")]])
def test_what_cannot_be_split_is_told(stories: list[Story]) -> None:
    with pytest.raises(CorpusError):
        split_stories(stories, 0.1, 0)


def test_a_split_is_plain_data() -> None:
    assert Split((), ()) == Split((), ())


def test_a_near_copy_is_learned_once_and_told() -> None:
    tale = " ".join(f"word{i} and then the {i % 7} foxes went home" for i in range(60))
    stories = [Story("First", tale), Story("Again", tale.replace("word30 ", "")), *tales(4)]
    split = split_stories(stories, 0.3, 0)
    assert [story.title for story in split.copies] == ["Again"]
    assert "First" in {story.title for story in (*split.training, *split.validation)}


def test_a_novel_among_tales_is_learned_from_rather_than_measured_by() -> None:
    novel = Story("Novel", " ".join(f"the {i} th sentence." for i in range(3000)))
    for seed in range(20):
        split = split_stories([novel, *tales(20)], 0.1, seed)
        assert novel in split.training


def test_a_single_novel_is_cut_between_two_chapters() -> None:
    chapters = [f"Chapter text number {i}. " + "It went on. " * 40 for i in range(10)]
    text, starts = "", []
    for chapter in chapters:
        starts.append(len(text))
        text += chapter.strip() + "\n\n"
    marks = tuple(Chapter(f"Chapter {i + 1}", start) for i, start in enumerate(starts))
    split = split_stories([Story("Novel", text.strip(), chapters=marks)], 0.1, 0)
    assert [c.title for c in split.training[0].chapters] == [f"Chapter {i}" for i in range(1, 10)]
    assert [(c.title, c.start) for c in split.validation[0].chapters] == [("Chapter 10", 0)]
    assert split.validation[0].text.startswith("Chapter text number 9.")


@pytest.mark.parametrize("title", ["Chapter {}", "Kapitel {}", "Глава {}", "第{}章"])
@pytest.mark.parametrize("file", ["novel.txt", "novel/{}.txt"])
def test_no_novel_stands_on_both_sides(title: str, file: str) -> None:
    chapters = [
        Story(title.format(n), f"It went on for {n} days in a row.", file.format(n)) for n in range(1, 9)
    ]
    for seed in range(8):
        split = split_stories([*tales(12), *chapters], 0.3, seed)
        sides = [sum(story in chapters for story in side) for side in (split.training, split.validation)]
        assert sorted(sides) == [0, 8]
    alone = split_stories(chapters, 0.25, 0)
    assert [*alone.training, *alone.validation] == chapters
