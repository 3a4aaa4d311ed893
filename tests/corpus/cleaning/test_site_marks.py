"""What sites and their programs write above and below a tale goes, named; the tale stays, with its title and author."""

import pytest

from storytime_tui.corpus.account import account_of
from storytime_tui.corpus.dividing.divide import read_book
from storytime_tui.corpus.document import Document

TALE = "\n\n".join(
    f"The tin fox went down the road, and on day {day} he met a miller who had lost his hat in the river."
    for day in range(8)
)

HEADS = {
    "a text export": "Title: The Tin Fox\nAuthor: Jo Karr\nWords: 40\nRating: G\nSummary: A fox of tin.\n\n",
    "a downloader": (
        "The Tin Fox\n\nby Jo Karr\n\n\nCategory: Own\nGenre: Humor\nLanguage: English\nStatus: Completed\n"
        "Published: 2010-01-01\nUpdated: 2010-01-02\nPackaged: 2012-03-04\nRating: K\nChapters: 1\nWords: 1,200\n"
        "Publisher: stories.example\nStory URL: http://stories.example/1\nSummary: A fox of tin.\n\n\n"
    ),
    "fields below the title": "The Tin Fox\nby Jo Karr\n\nCategory: Fantasy\nStatus: Complete\nWords: 4,000\n\n",
    "fields with stars": "**Title:** The Tin Fox\n**Author:** Jo Karr\n**Rated:** K\n**Chapters:** 1\n\n".replace(
        "**", "*"
    ),
    "an archive": (
        "The Tin Fox\nPosted originally on the Archive of Our Own at http://archive.example/works/1.\n\n"
        "Rating: General Audiences\nFandom: Original Work\nAdditional Tags: Foxes\n\nby Jo Karr\n\n"
    ),
}
FOOTS = ("", "\n\nRead more stories on Wattpad\n", "\n\nEnd file.\n")


@pytest.mark.parametrize("foot", FOOTS)
@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_the_head_goes_and_the_tale_stays_with_its_title(head: str, foot: str) -> None:
    document = Document(head + TALE + foot)
    book = read_book(document)
    (tale,) = book.tales
    assert (tale.title, book.author) == ("The Tin Fox", "Jo Karr")
    assert tale.text == TALE
    account, texts = account_of("a.txt", document, book)
    assert {each.reason for each in account.omitted} <= {"about the story", "author", "heading"}
    assert "about the story" in {each.reason for each in account.omitted}
    assert not any("tin fox went down" in text for text in texts)


@pytest.mark.parametrize(
    "start",
    [
        "Words: he had too many of them, said the fox.\n\n",
        "Summary: the hat was gone.\nSo was the fox.\n\n",
        "Status: lost. Nobody knew more than that, and the miller did not ask.\n\n",
        "The rating: none. The words: few.\n\n",
    ],
)
def test_a_line_of_a_tale_that_looks_like_a_field_stays(start: str) -> None:
    book = read_book(Document(start + TALE))
    told = " ".join(f"{tale.title} {tale.text}" for tale in book.tales)
    assert all(word in told for word in start.split())
