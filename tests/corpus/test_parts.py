"""A story behind its shelf's line: nothing of it is lost, chapters begin anew, long tales show the line again."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.corpus.collection import Extract, Story
from storytime_tui.corpus.document import Chapter
from storytime_tui.corpus.parts import PART, with_line

LINE = "Shelf: Hedgerow Tales\n"
PARAGRAPH = "The wren sat on the gate, and said nothing at all to the miller's cat. " * 5


def paragraphs(count: int) -> str:
    return "\n\n".join(f"{number}. {PARAGRAPH.strip()}" for number in range(count))


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=4),
    st.booleans(),
)
def test_the_parts_are_the_text_but_for_blank_lines(chapters: list[int], preface: bool) -> None:
    text, found = "Before.\n\n" if preface else "", []
    for number, count in enumerate(chapters):
        found.append(Chapter(f"{number}", len(text)))
        text += paragraphs(count) + "\n\n"
    story = Story("A Tale", text, chapters=tuple(found))
    parts = with_line(story, LINE, "Title: A Tale\n")
    assert "".join(part.text for part in parts).replace("\n", "") == text.replace("\n", "")
    assert all(part.text == part.text.strip("\n") for part in parts) or len(parts) == 1
    assert parts[0].header == LINE + "Title: A Tale\n"
    assert all(part.header == LINE for part in parts[1:])
    assert not parts[0].continues
    if len(parts) > 1:
        kept = sum(1 for count in chapters if count) + preface
        assert sum(not part.continues for part in parts) == kept
        assert max(len(part.text) for part in parts) < 2 * PART
        assert all(part.facts.bytes == len(part.text.encode()) for part in parts)


def test_a_short_story_stays_as_it_is_known() -> None:
    story = Story("Short", "Once.\n\nTwice.\n", "short.txt")
    facts = story.facts
    (part,) = with_line(story, LINE)
    assert (part.text, part.header, part.facts.digest) == (story.text, LINE, facts.digest)


def test_a_paragraph_is_never_cut() -> None:
    story = Story("Breathless", "and then " * 2000)
    assert [part.text for part in with_line(story, LINE)] == [story.text]


def test_the_parts_of_a_text_on_the_disk_stay_there(tmp_path: Path) -> None:
    text = paragraphs(9).replace("wren", "Zaunkönig")
    (tmp_path / "shelf").write_text("before " + text + " after", encoding="utf-8")
    kept = Story("Kept", Extract(tmp_path / "shelf", 7, 7 + len(text.encode())))
    parts = with_line(kept, LINE)
    assert len(parts) > 1
    assert all(isinstance(part.content, Extract) for part in parts)
    assert [part.text for part in parts] == [part.text for part in with_line(Story("", text), LINE)]
