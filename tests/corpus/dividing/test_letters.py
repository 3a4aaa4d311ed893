"""A novel in letters is one story, and no letter loses its date, its greeting, its name or what was added below."""

import pytest

from storytime_tui.corpus.dividing.divide import divide
from storytime_tui.corpus.document import Document
from tests.corpus.invented_plays import gutenberg

BODY = (
    "I have looked for the hat in every drawer of the house, and in two of the neighbour's, and I can tell you only\n"
    "that it is not in any of them. The weather is what it was, and the roof is not; we have put out the basins."
)
LETTERS = (
    ("3rd October", "Dear Aunt Corder,", "Your loving\nNettie"),
    ("October 5th", "My dear Nettie,", "Your Aunt\nCorder"),
    ("10th October", "Dearest Aunt,", "Nettie"),
    ("Sunday", "Dear Nettie,", "A. C."),
    ("LOCK HOUSE,\n4th November", "Dear Sir,", "Yours faithfully,\nN. Corder"),
)
HEADINGS = {
    "dates": lambda n, date: date,
    "numbers": lambda n, date: f"LETTER {('I', 'II', 'III', 'IV', 'V')[n]}\n\n{date}",
    "names": lambda n, date: f"MISS NETTIE TO {('MRS. CORDER', 'MR. POOLE')[n % 2]}\n\n{date}",
}


def novel(heading: str) -> str:
    """Letters, each with a heading, a date, a greeting, a name below and something added."""
    return "\n\n\n\n".join(
        f"{HEADINGS[heading](n, date)}\n\n{greeting}\n\n{BODY}\n\n{BODY}\n\n{name}\n\n"
        f"PS. {number} basins now.\n\n(Dinner bell.)"
        for n, ((date, greeting, name), number) in enumerate(
            zip(LETTERS, ("Two", "Four", "Five", "Nine", "Ten"), strict=True)
        )
    )


@pytest.mark.parametrize("heading", HEADINGS)
@pytest.mark.parametrize("published", [True, False])
def test_a_novel_in_letters_is_one_story_and_no_letter_loses_a_line(heading: str, published: bool) -> None:
    text = novel(heading)
    document = gutenberg(text, "THE BASINS") if published else f"THE BASINS\n\nby N. O. Body\n\n\n\n{text}"
    (tale,) = divide(Document(document))
    assert tale.title == "The Basins" and len(tale.chapters) == len(LETTERS)
    places = [*[chapter.start for chapter in tale.chapters], len(tale.text)]
    for n, ((date, greeting, name), number) in enumerate(
        zip(LETTERS, ("Two", "Four", "Five", "Nine", "Ten"), strict=True)
    ):
        own = tale.text[places[n] : places[n + 1]]
        assert greeting in own and name.split("\n")[-1] in own and f"PS. {number} basins now." in own
        assert "(Dinner bell.)" in own
        assert all(line in f"{tale.chapters[n].title}\n{own}" for line in date.split("\n")[-1:])


def test_a_story_for_each_day_is_no_letter() -> None:
    days = (
        "JANUARY 1: The Snow Hat",
        "JANUARY 2: The Ice Shoe",
        "JANUARY 3: The Fog Coat",
        "JANUARY 4: The Hail",
    )
    text = "\n\n\n\n".join(f"{day}\n\n{BODY}\n\n{BODY}" for day in days)
    tales = divide(
        Document(gutenberg(f"CONTENTS\n\n{chr(10).join(days)}\n\n\n\n{text}", "DAY BY DAY STORIES"))
    )
    assert [tale.title for tale in tales] == list(days)
