"""A table of stories gives back the stories that were put into it."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui.corpus import story_table
from storytime_tui.corpus.collection import Collection, Extract, Facts, Story, facts_of
from storytime_tui.corpus.document import Chapter, Tale
from storytime_tui.corpus.story_table import (
    StoryTable,
    TableBuilder,
    Texts,
    read_columns,
    with_titles,
    write_columns,
)
from tests.examples import many

TEXTS = Path("stories.txt")
titles = st.text(max_size=6)
tales = st.builds(
    Tale,
    titles,
    st.sampled_from(["", "...", "Once a fox ran home.", "Der Häher sang. " * 20]),
    st.lists(st.builds(Chapter, titles, st.integers(0, 9)), max_size=2).map(tuple),
    st.tuples(st.integers(0, 9), st.integers(9, 20)),
)


def table_of(stories: list[tuple[Tale, str]]) -> tuple[StoryTable, list[Story], TableBuilder]:
    """The table of some tales with their files, and the same stories made one by one."""
    builder, wanted, sketches, end = TableBuilder(), [], [np.empty(0, np.uint64)], 0
    for tale, file in stories:
        facts = facts_of(tale.text)
        builder.add(tale, file, facts)
        extract = Extract(TEXTS, end, end + facts.bytes)
        wanted.append(Story(tale.title, extract, file, tale.chapters, tale.lines, facts))
        sketches.append(facts.sketch)
        end += facts.bytes
    return StoryTable(builder.columns(), TEXTS, np.concatenate(sketches)), wanted, builder


def told(facts: Facts) -> tuple[object, ...]:
    return facts.words, facts.bytes, facts.digest, facts.fingerprint, facts.sketch.tolist()


def check(table: StoryTable, wanted: list[Story]) -> None:
    for stories in (list(table), [table[at] for at in range(len(table))]):
        assert stories == wanted
        assert [told(story.facts) for story in stories] == [told(story.facts) for story in wanted]
    assert table.words_at(range(len(wanted))) == sum(story.words for story in wanted)


@pytest.mark.parametrize("few", [0, 20_000], ids=["made when asked for", "made at once"])
@settings(max_examples=many(60))
@given(st.lists(st.tuples(tales, st.sampled_from(["a.txt", "b/c.txt"])), max_size=6), st.data())
def test_a_table_has_the_stories_that_were_put_into_it(
    tmp_path_factory: pytest.TempPathFactory, few: int, stories: list[tuple[Tale, str]], data: st.DataObject
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(story_table, "_FEW", few)
        _check_a_table(tmp_path_factory.getbasetemp(), stories, data)


def _check_a_table(folder: Path, stories: list[tuple[Tale, str]], data: st.DataObject) -> None:
    table, wanted, builder = table_of(stories)
    check(table, wanted)
    path = folder / "table.npz"
    write_columns(path, table.columns)
    sketches = np.concatenate([np.empty(0, np.uint64), *(story.facts.sketch for story in wanted)])
    check(StoryTable(read_columns(path, builder.bytes, len(sketches)), TEXTS, sketches), wanted)
    others = data.draw(st.lists(titles, min_size=len(wanted), max_size=len(wanted)))
    for renamed in (with_titles(table, others), with_titles(wanted, others)):
        assert [story.title for story in renamed] == others
        assert [story.file for story in renamed] == [story.file for story in wanted]


def test_a_table_that_does_not_fit_its_texts_is_refused(tmp_path: Path) -> None:
    table, _, builder = table_of([(Tale("The Fox", "Once a fox ran home."), "fox.txt")])
    write_columns(tmp_path / "table.npz", table.columns)
    read_columns(tmp_path / "table.npz", builder.bytes, 1)
    for size, sketches in ((builder.bytes + 1, 1), (builder.bytes, 2)):
        with pytest.raises(ValueError, match=r"table\.npz"):
            read_columns(tmp_path / "table.npz", size, sketches)


def test_short_texts_are_kept_whatever_they_hold() -> None:
    texts = ["", "Häre", "fox \udcff", "", "🦊"]
    column = Texts.of(texts)
    assert list(column) == [column[at] for at in range(5)] == texts


def test_a_story_of_a_table_takes_little_memory() -> None:
    tale, builder = Tale("The Tale of One Fox Alone", "Once a fox ran home."), TableBuilder()
    facts = facts_of(tale.text)
    for number in range(1000):
        builder.add(tale, f"{number % 10}.txt", facts)
    columns = builder.columns()
    assert isinstance(columns.titles, Texts)
    size = columns.numbers.nbytes + sys.getsizeof(columns.hashes)
    assert (size + columns.titles.ends.nbytes + len(columns.titles.data)) / 1000 < 150
    collection = Collection("foxes", "Foxes", StoryTable(columns, TEXTS, np.empty(0, np.uint64)))
    assert collection.words == 5000
    assert collection.words_at([3, 5]) == 10
