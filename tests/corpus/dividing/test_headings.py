"""What a line is that stands apart: a chapter's number, a story's title, the word over a preface, or just a line."""

import pytest

from storytime_tui.corpus.dividing.heading_rules import (
    is_heading_like,
    label_of,
    matter_of,
    may_be_label,
    number_of,
)
from storytime_tui.corpus.dividing.label import Label


@pytest.mark.parametrize(
    ("heading", "label"),
    [
        ("CHAPTER I", Label("chapter", 1)),
        ("CHAPTER IV.  Sammy Jay Speaks His Mind", Label("chapter", 4, "Sammy Jay Speaks His Mind")),
        ("Chapter the Second", Label("chapter", 2)),
        ("CHAPTER TWENTY-ONE", Label("chapter", 21)),
        ("Chap. 3: The Fox", Label("chapter", 3, "The Fox")),
        ("STORY I.—THE FOX", Label("story", 1, "THE FOX")),
        ("PART ONE--The Old Fox", Label("part", 1, "The Old Fox")),
        ("FIRST STORY", Label("story", 1)),
        ("SEVENTH AND LAST VOYAGE", Label("voyage", 7)),
        ("TWELFTH NIGHT\nABOUT DUCKS", Label("night", 12, "ABOUT DUCKS")),
        ("XIV", Label("", 14)),
        ("XL.", Label("", 40)),
        ("12.", Label("", 12)),
        ("- 12 -", Label("", 12)),
        ("3.  How Hilda Saved the Goose", Label("", 3, "How Hilda Saved the Goose")),
        ("01 My Early Home", Label("", 1, "My Early Home")),
        ("II THE CHASE", Label("", 2, "THE CHASE")),
        ("_Chapter 5_", Label("chapter", 5)),
    ],
)
def test_numbered_headings(heading: str, label: Label) -> None:
    assert label_of(heading) == label
    assert may_be_label(heading)


@pytest.mark.parametrize(
    "line",
    [
        "The Story of the First Old Man",
        "One day, when there was no wind, he went out.",
        "Part of the way he ran.",
        "I went home.",
        "CIVIL WAR",
        "A Tale of a Tub",
        "Book learning",
        "1001 nights and more",
        "",
    ],
)
def test_lines_without_a_number(line: str) -> None:
    assert label_of(line) is None


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("I", 1),
        ("iv", 4),
        ("XXIX", 29),
        ("XCIX", 99),
        ("VIIII", 9),
        ("7", 7),
        ("nineteenth", 19),
        ("thirty-two", 32),
    ],
)
def test_numbers(word: str, number: int) -> None:
    assert number_of(word) == number


@pytest.mark.parametrize("word", ["", "fox", "IIIIIII", "civil", "twenty-fox", "twenty-twenty", "VX"])
def test_no_numbers(word: str) -> None:
    assert number_of(word) is None


@pytest.mark.parametrize(
    ("heading", "matter"),
    [
        ("CONTENTS:", "contents"),
        ("Table of Contents", "contents"),
        ("A LIST OF THE FABLES", "contents"),
        ("PREFACE.", "front"),
        ("Introduction", "front"),
        ("Preface to the Second Edition", "front"),
        ("LIST OF ILLUSTRATIONS", "front"),
        ("TO THE LITTLE READER", "front"),
        ("APPENDIX", "back"),
        ("Notes and References", "back"),
        ("FOOTNOTES:", "back"),
        ("Transcriber's Note", "back"),
        ("PRONOUNCING VOCABULARY OF NAMES.", "back"),
        ("THE END.", "end"),
        ("_Finis._", "end"),
        ("The Golden Bird", None),
        ("The End of the World", None),
        ("The Index Finger", None),
        ("The Fox's Preface", None),
    ],
)
def test_what_stands_under_a_heading(heading: str, matter: str | None) -> None:
    assert matter_of(heading) == matter


@pytest.mark.parametrize(
    ("block", "gap"),
    [
        ("THE GOLDEN BIRD", 1),
        ("CHAPTER I", 1),
        ("The Golden Bird", 2),
        ("How Isuro the Rabbit Tricked Gudu", 3),
        ("All things are as fate wills", 3),
        ("The Story of the Three Calenders, Sons of Kings,\n  and of Five Ladies of Bagdad", 3),
        ('"What Is to Be Done?"', 3),
    ],
)
def test_headings_look_like_headings(block: str, gap: int) -> None:
    assert is_heading_like(block, gap)


@pytest.mark.parametrize(
    ("block", "gap"),
    [
        ("The Golden Bird", 1),  # a line like any other where nothing sets it apart
        ("Next morning the fox said to his friends:", 2),
        ("That is the end of this story.", 3),
        ("he ran", 4),
        ("The fox ran away,", 4),
        ("It was a dark night. He was afraid. Nobody came.", 4),
        ("* * *", 4),
        ("One day, when there was a good deal of kicking, she said:", 1),
        ("x" * 300, 4),
    ],
)
def test_ordinary_lines_do_not(block: str, gap: int) -> None:
    assert not is_heading_like(block, gap)
