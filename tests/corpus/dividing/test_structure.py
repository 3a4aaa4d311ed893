"""A book's list of contents is found and read, and its headings are told apart: stories, chapters, and the rest."""

import pytest

from storytime_tui.corpus.dividing.blocks import blocks_of, is_prose
from storytime_tui.corpus.dividing.contents_list import contents_of
from storytime_tui.corpus.dividing.endings import trimmed
from storytime_tui.corpus.dividing.headings import headings_of
from storytime_tui.corpus.dividing.numbering import in_sequence
from storytime_tui.corpus.dividing.structure import divisions_of
from storytime_tui.corpus.document import Heading

PROSE = (
    "The goose had kept the lamp for eleven winters, and in all that time nobody had thought of asking her\n"
    "whether she minded the smell of the oil. She did mind it. She minded it a little more each evening,\n"
    "and she had begun to write down how much, in a small square hand, on the back of the almanac.\n\n"
    '"There is a limit," she told the moth.\n\n'
    "The moth, who had never met one, asked what it looked like; and the goose, who was just, said that as\n"
    "far as she could tell from where she stood it looked very much like a Wednesday with rain in it.\n"
)
GAP = "\n\n\n\n\n"


def kinds(text: str, title: str = "") -> list[tuple[str, str]]:
    blocks = blocks_of(text)
    return [(one.kind, one.title) for one in divisions_of(text, blocks, contents_of(text, blocks), title)]


def test_blocks_know_the_space_before_them_and_what_is_no_story() -> None:
    text = "A\n\nB\nb\n\n\n\n[Illustration: a hen\n\nin a hat]\n\n* * *\n\nC\n\n[Illustration] D"
    assert [(text[b.start : b.end], b.gap, b.skip) for b in blocks_of(text)][1:] == [
        ("B\nb", 1, False),
        ("[Illustration: a hen", 3, True),
        ("in a hat]", 3, True),
        ("* * *", 3, True),
        ("C", 3, False),  # the space above an illustration is the heading's under it
        ("[Illustration] ", 1, True),
        ("D", 1, False),
    ]


def test_prose_and_lists_are_told_apart() -> None:
    prose = [PROSE.split("\n\n")[0], "a" * 200]
    others = [
        "The Fox\nThe Heron and the Pike\nA Torn Evening",
        "THE FOX: The Story of a Poor Woodsman and a Goose Who\nwere both of them too clever to be asked for\n"
        "their opinion of it        12",
        "To M. M.",
    ]
    for text, is_it in [*((text, True) for text in prose), *((text, False) for text in others)]:
        assert is_prose(text, blocks_of(text)[0]) is is_it


CONTENTS = [
    "CONTENTS\n\nThe Goose\nThe Moth\nThe Almanac\n",
    "Contents.\n\n   I. THE GOOSE . . . . . . 1\n  II. THE MOTH . . . . . . 22\n III. THE ALMANAC . . . .  45\n",
    "TABLE OF CONTENTS\n\n                PAGE\n\nThe Goose        1\n\nThe Moth        22\n\nThe Almanac        45\n",
    "CONTENTS\n\nI. THE GOOSE II. THE MOTH III. THE\nALMANAC\n",
    "CONTENTS\n\nTHE GOOSE: A Story of Oil      1\nTHE MOTH: A Story of Limits     2\nTHE ALMANAC: More    3\n",
    "CONTENTS\n\nThe Goose\nThe Moth\nThe Almanac\n\n\n\nLIST OF ILLUSTRATIONS\n\nThe Goose\n\n"
    "  She did mind the smell.\n\nThe Moth\n\n  He had never met one.\n",
]


@pytest.mark.parametrize("contents", CONTENTS)
def test_contents_of_every_shape_give_the_titles_and_are_no_story(contents: str) -> None:
    titles = ("The Goose", "The Moth", "The Almanac")
    text = f"NINE LAMPS\n\nby N. O. Body{GAP}{contents}" + "".join(
        f"{GAP}{t.upper()}\n\n{PROSE}" for t in titles
    )
    assert kinds(text) == [("story", title) for title in titles]
    blocks = blocks_of(text)
    found = contents_of(text, blocks)
    assert text[blocks[found.end].start :].startswith("THE GOOSE\n\nThe goose")
    assert all(found.entry_for(title) for title in titles)
    assert found.entry_for("Something Else Altogether") is None


def test_a_title_as_the_contents_write_it_is_better_than_capitals() -> None:
    text = f"CONTENTS\n\nDame Ilse's Goose\nThe Moth{GAP}DAME ILSE'S GOOSE\n\n{PROSE}{GAP}THE MOTH\n\n{PROSE}"
    assert kinds(text)[0] == ("story", "Dame Ilse's Goose")


def test_without_contents_the_headings_that_stand_apart_tell() -> None:
    text = f"NINE LAMPS\n\nby N. O. Body{GAP}THE GOOSE\n\n{PROSE}{GAP}THE MOTH\n\n{PROSE}"
    assert kinds(text) == [("story", "The Goose"), ("story", "The Moth")]


def test_a_story_that_the_contents_have_forgotten_is_one_all_the_same() -> None:
    titles = ("The Goose", "The Moth", "The Oil", "The Almanac")
    listed = "".join(f"{title}\n" for title in titles if title != "The Oil")
    text = f"CONTENTS\n\n{listed}" + "".join(f"{GAP}{title.upper()}\n\n{PROSE}" for title in titles)
    assert kinds(text) == [("story", title) for title in titles]


def test_numbered_parts_are_chapters_of_the_story_they_stand_in() -> None:
    text = (
        f"CONTENTS\n\nThe Goose\nFIRST STORY\nSECOND STORY\nThe Moth\n{GAP}THE GOOSE\n\n\nFIRST STORY\n\n{PROSE}"
        f"\n\nSECOND STORY\n\n{PROSE}{GAP}THE MOTH\n\n{PROSE}"
    )
    assert kinds(text) == [
        ("story", "The Goose"),
        ("chapter", "First Story"),
        ("chapter", "Second Story"),
        ("story", "The Moth"),
    ]


def test_stories_with_chapters_of_their_own_begin_anew() -> None:
    chapters = "".join(f"\n\n\nCHAPTER {number}\n\n{PROSE}" for number in ("I", "II", "III"))
    text = "".join(f"{GAP}{title}\n{chapters}" for title in ("THE GOOSE", "THE MOTH"))
    assert [kind for kind, _ in kinds(text)] == ["story", "chapter", "chapter", "chapter"] * 2


@pytest.mark.parametrize(
    "number", ["CHAPTER {}.", "{}", "{}.  The Lamp", "Chapter {}: Of Oil", "CHAPTER {}\n\nTHE LAMP"]
)
def test_numbered_chapters_make_a_novel(number: str) -> None:
    hero = "But Wendel ran, and Wendel fell.\n\n"
    text = "WENDEL\n\nby N. O. Body" + "".join(
        f"{GAP}{number.format(roman)}\n\n{hero}{PROSE}" for roman in ("I", "II", "III", "IV")
    )
    assert [kind for kind, _ in kinds(text, "Wendel")] == ["chapter"] * 4


def test_the_same_numbers_in_a_book_of_tales_are_stories() -> None:
    text = "".join(
        f"{GAP}{number}\n\n{title}\n\n{PROSE}"
        for number, title in (("I", "THE GOOSE"), ("II", "THE MOTH"), ("III", "OIL"))
    )
    assert kinds(text, "Nine Tales") == [("story", "The Goose"), ("story", "The Moth"), ("story", "Oil")]
    text = "".join(
        f"{GAP}STORY {n}\n\n{title}\n\n{PROSE}" for n, title in (("I", "THE GOOSE"), ("II", "THE MOTH"))
    )
    assert kinds(text) == [("story", "The Goose"), ("story", "The Moth")]


def test_front_and_back_are_named() -> None:
    text = (
        f"PREFACE\n\n{PROSE}{GAP}CONTENTS\n\nThe Goose\nThe Moth\nNotes\n{GAP}INTRODUCTION\n\n{PROSE}"
        f"{GAP}THE GOOSE\n\n{PROSE}{GAP}THE MOTH\n\n{PROSE}{GAP}NOTES\n\nTHE GOOSE\n\nFrom the Low Country.\n"
    )
    assert kinds(text) == [
        ("front", "Introduction"),
        ("story", "The Goose"),
        ("story", "The Moth"),
        ("back", "Notes"),
    ]


def test_numbers_that_do_not_follow_on_each_other_are_no_chapters() -> None:
    text = f"L. FRANK HARE{GAP}THE GOOSE\n\n{PROSE}{GAP}THE MOTH\n\n{PROSE}\n\n\nX\n\n{PROSE}"
    blocks = blocks_of(text)
    headings = headings_of(text, blocks, contents_of(text, blocks))
    assert in_sequence(headings) == []


def test_a_wrong_number_does_not_break_a_novel() -> None:
    text = "".join(f"{GAP}CHAPTER {n}\n\n{PROSE}" for n in ("I", "II", "III", "IV", "III", "VI"))
    assert len(kinds(text)) == 6


def test_marked_headings_are_believed_and_levels_tell_stories_from_chapters() -> None:
    lines: list[str] = []
    headings = []
    for title, level in (("Nine Lamps", 1), ("the goose", 2), ("one", 3), ("two", 3), ("the moth", 2)):
        headings.append(Heading(len(lines), level))
        lines += [title, "", PROSE.replace("\n", " ") if level > 1 else "", ""]
    text = "\n".join(lines)
    blocks = blocks_of(text, headings)
    found = divisions_of(text, blocks, contents_of(text, blocks))
    assert [one.title for one in found if one.kind == "story"] == ["the goose", "the moth"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("* * *\n\nOnce.\n\n* * *\n\nTHE END.", "Once."),
        ("Once.\n\n[From the Low Country.]\n\nFinis", "Once."),
        ("Once.\n\n(after a song)", "Once."),
        ("Once\n(or twice)", "Once\n(or twice)"),
        ("[Once.]", "[Once.]"),
        ("THE END", ""),
        ("Once.\n\nThe end of it all.", "Once.\n\nThe end of it all."),
    ],
)
def test_what_is_no_story_goes_from_its_ends(text: str, left: str) -> None:
    assert trimmed(text) == left
    assert trimmed(left) == left
