"""Illustrations, page numbers, footnotes and transcriber's notes go; what only looks like them stays."""

import pytest

from storytime_tui.corpus.cleaning.clean import clean


@pytest.mark.parametrize(
    "mark",
    [
        "[Illustration]",
        "[Illustration: The goose [from behind]\n\nin a hat.]",
        "[Picture: A goose]",
        "[Transcriber's Note: A goose.]",
        "[Sidenote: Of geese]",
        "[Footnote 3: A goose.\n\nA grey one.]",
        "[3] A goose.",
        "[*] A goose.",
        "Footnote 3: A goose.",
        "FOOTNOTES:",
        "[Pg 12]",
        "{12}",
        "[Illustration: A goose that is never closed",
    ],
)
def test_apparatus_of_its_own_paragraph_goes(mark: str) -> None:
    assert clean(f"One goose.\n\n{mark}\n\nTwo geese.") == "One goose.\n\nTwo geese."
    assert clean(f"She sat upon\n\n{mark}\n\nthe egg.").split() == ["She", "sat", "upon", "the", "egg."]


@pytest.mark.parametrize(
    "mark", ["[1]", "[12]", "[A]", "[*]", "[FN#3]", "[Pg 12]", "[Page xii]", "{12}", " [1]"]
)
def test_marks_within_a_sentence_go(mark: str) -> None:
    assert clean(f"The goose{mark} sat.") == "The goose sat."
    assert clean(f"The goose{mark}, the egg.") == "The goose, the egg."


def test_what_may_be_a_mark_and_is_none_stays() -> None:
    for text in (
        "[Exeunt omnes, singing.]",
        "He had (2) geese and [sic] one egg.",
        "(1) Take a goose.\n\n(2) Take another.",
        "* a goose\n* an egg",
        "The 12 geese of {Dame} Ilse.",
        "1\n\nOne goose.\n\n2\n\nTwo geese.\n\n3\n\nNo egg.",
        "a ____ b, snake_case_name, H_2, 17__",
        "a = b + c = d",
    ):
        assert clean(text) == text


def test_round_and_starred_notes_go_where_mark_and_note_belong_together() -> None:
    assert clean("The goose(1) sat.\n\n(1) A grey one.\n\nShe sat.") == "The goose sat.\n\nShe sat."
    assert clean("The goose* sat.\n\n* A grey one.\n\nShe sat.") == "The goose sat.\n\nShe sat."


def test_numbers_of_pages_go_and_the_sentences_that_they_tore_are_whole() -> None:
    pages = "".join(
        f"The goose sat upon\n\n{page}\n\nher egg number {page}, and sat.\n\n" for page in range(7, 12)
    )
    assert clean(pages) == "\n\n".join(
        f"The goose sat upon\nher egg number {page}, and sat." for page in range(7, 12)
    )


def test_emphasis_is_taken_off() -> None:
    assert clean("_So_ it is _not\nso_, im_possible_, =bold= and __both__.") == (
        "So it is not\nso, impossible, bold and both."
    )


def test_rows_of_stars_are_one_row() -> None:
    for row in ("*       *       *       *", "* * * * *", "*****", ". . . . . .", "----------", "• • •"):
        assert clean(f"One.\n\n    {row}\n\n{row}\n\nTwo.") == "One.\n\n* * *\n\nTwo."


def test_a_transcribers_note_goes_and_the_book_stays() -> None:
    note = "Transcriber's Notes:\n\nThe goose was corrected.\n\nThe egg was kept."
    assert clean(f"{note}\n\n\n\nOne goose.\n\nTwo geese.") == "One goose.\n\nTwo geese."
    story = "One goose sat upon an egg.\n\n" * 30
    assert clean(f"{story}\n\n{note}") == story.strip()
    assert (
        clean(f"Transcriber's Note: None.\n\n{story}") == story.strip()
    )  # no wide space tells where it ends


def test_a_drawing_is_a_picture_and_drawing_a_sword_is_not() -> None:
    from storytime_tui.corpus.cleaning.apparatus import strip_bracketed

    pictures = "A fox. [Drawing] A hat. [Drawing: a hat] An owl. [Drawing of an owl omitted.] So."
    assert "Drawing" not in strip_bracketed(pictures)
    assert (
        strip_bracketed("Mercutio. [Drawing his sword.] Come, sir.")
        == "Mercutio. [Drawing his sword.] Come, sir."
    )
