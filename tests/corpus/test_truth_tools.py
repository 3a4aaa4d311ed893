"""The measures that the truth files are used with: they must be right before they may call anything wrong."""

import pytest

from tests.corpus.alignment import align, letters_of
from tests.corpus.telltales import leftover_marks, telltale_lines
from tests.corpus.truth_tools import kept, key, line_counts, marking_faults, missing_titles, wraps_of


def counts(raw: str, output: str) -> list[tuple[int, int]]:
    return [(line.kept, line.words) for line in line_counts(raw.split("\n"), output)]


def test_what_stands_there_is_kept_and_what_does_not_is_not():
    raw = ["Licence of this file.", "Once there was a hen.", "She laid.", "End of licence."]
    output = "Once there was a hen. She laid."
    assert kept(raw, [(2, 3)], output) == (7, 7)
    assert kept(raw, [(1, 1), (4, 4)], output) == (0, 7)


@pytest.mark.parametrize(
    ("raw", "output"),
    [
        ("She will come to-\nday, I think.", "She will come to-day, I think."),
        ("She will come to-\nday, I think.", "She will come today, I think."),
        ("It was won-\nderful to see.", "It was wonderful to see."),
        ("‘Don’t,’ said he—loudly…\n“Why?”", "'Don't,' said he--loudly... \"Why?\""),
        ("He ran--and\n--fell  down.", "He ran--and--fell down."),
        ("An _old_ tale[1] of {12} cats.", "An old tale of cats."),
        ("Œdipus and the ﬁsh\nat the Café", "œdipus and the fish at the café"),
    ],
)
def test_another_hyphen_quote_dash_or_space_loses_no_word(raw, output):
    assert all(kept == words for kept, words in counts(raw, output))


def test_a_word_that_lost_a_letter_is_lost():
    assert counts("The cats sat on the mat", "The cat sat on the mat") == [(5, 6)]


def test_a_dropped_line_that_begins_like_the_next_takes_nothing_from_it():
    raw = "...so they slept.\n\nTHE GOLDEN BIRD\n\nThe golden bird was made of gold\nand of nothing else."
    output = "...so they slept.\n\nThe golden bird was made of gold and of nothing else."
    assert counts(raw, output) == [(3, 3), (0, 0), (0, 3), (0, 0), (7, 7), (4, 4)]


def test_a_dropped_line_that_ends_like_the_one_before_takes_nothing_from_it():
    raw = "They came to the end\n\nTHE END\n\nA second tale begins here."
    output = "They came to the end\n\nA second tale begins here."
    assert counts(raw, output) == [(5, 5), (0, 0), (0, 2), (0, 0), (5, 5)]


def test_short_lines_that_come_again_count_at_their_own_place():
    tales = [f"{word} lived {count} bears in a {word} wood.\nThey ate {word} honey." for word, count in WORDS]
    raw = "\n\n".join(
        f"{number}\n\n{tale}\n\nTHE END"
        for number, tale in zip(("I", "II", "III", "IV", "V"), tales, strict=True)
    )
    lines = raw.split("\n")
    for spared in range(5):  # all but one THE END are dropped
        output = "\n\n".join(f"{tale}\n\nTHE END" if at == spared else tale for at, tale in enumerate(tales))
        found = [n for n, line in enumerate(lines) if line == "THE END" and counts(raw, output)[n][0]]
        assert found == [[n for n, line in enumerate(lines) if line == "THE END"][spared]]
        assert sum(kept for kept, _ in counts(raw, output)) == sum(len(tale.split()) for tale in tales) + 2


WORDS = [("Green", "four"), ("Dark", "nine"), ("Quiet", "two"), ("Windy", "six"), ("Little", "ten")]


def test_a_contents_list_is_not_taken_for_the_headings_it_lists():
    names = ["The Fox", "The Hen", "The Stone"]
    tales = [f"There was one day {name.lower()} who went far away, and came home late." for name in names]
    body = "\n\n".join(f"{name}\n\n{tale}" for name, tale in zip(names, tales, strict=True))
    raw = "CONTENTS\n" + "\n".join(names) + "\n\n" + body
    found = counts(raw, body)
    assert [kept for kept, _ in found[:4]] == [0, 0, 0, 0]
    assert all(kept == words for kept, words in found[4:])


def test_a_refrain_dropped_once_is_missed_once():
    verse = "Ride a stick to market town,\nBuy a bun and sit you down."
    raw = f"The first boy sang:\n\n{verse}\n\nThe second sang louder:\n\n{verse}\n\nAnd so to bed."
    output = f"The first boy sang:\n\nThe second sang louder:\n\n{verse}\n\nAnd so to bed."
    assert [kept for kept, _ in counts(raw, output)] == [4, 0, 0, 0, 0, 4, 0, 6, 7, 0, 4]


def test_long_dropped_matter_around_short_kept_lines():
    licence = "\n".join(
        f"Clause {number}: nobody may, for {number} pence, do {number + 1}." for number in range(900)
    )
    raw = f"{licence}\nA bee sat.\n{licence}\nIt flew.\n{licence}"
    found = counts(raw, "A bee sat.\n\nIt flew.")
    assert [n for n, (kept, _) in enumerate(found) if kept] == [900, 1801]


def test_a_whole_book_that_came_out_empty_or_as_something_else():
    raw = "One bee sat.\nIt flew."
    assert counts(raw, "") == [(0, 3), (0, 2)]
    assert counts("", "One bee sat.") == [(0, 0)]
    assert counts(raw, "Xylophones\nquarrel.") == [(0, 3), (0, 2)]


def test_the_runs_of_an_alignment_say_the_same_on_both_sides_and_never_cross():
    raw = letters_of("a b a b a c a b\na b\nc c a b " * 40)
    out = letters_of("a b a c\n\na b c a b " * 50)
    runs = align(raw, out)
    assert runs
    at = (0, 0)
    for run in runs:
        assert run.raw >= at[0] and run.out >= at[1] and run.length > 0
        assert raw.letters[run.raw :][: run.length] == out.letters[run.out :][: run.length]
        at = run.raw + run.length, run.out + run.length


def test_a_large_book_is_measured_quickly():
    lines = [
        f"and then the {n * 7919 % 1009} of {n} went {n * 31 % 97} miles to {n % 13} town"
        for n in range(11_000)
    ]
    output = "\n".join(line for n, line in enumerate(lines) if n % 100)
    found = kept(lines, [(1, len(lines))], output)
    assert found == (len(lines) * 12 - 110 * 12, len(lines) * 12)


# -- titles, marks and words about the file ---------------------------------------------------------------


def test_titles_are_compared_by_letters_and_found_once_each():
    raw = ["CHAPTER I.", "", "MAKING FRIENDS.", "", "CHAPTER II", "", "CHAPTER II"]
    ranges = [(1, 3), (5, 5), (7, 7)]
    assert missing_titles(raw, ranges, ["Chapter I: Making Friends", "Chapter II", "Chapter II"]) == []
    assert missing_titles(raw, ranges, ["Making Friends", "Chapter II"]) == ["CHAPTER II"]
    assert missing_titles(raw, ranges, ["", "I"]) == [
        "CHAPTER I. MAKING FRIENDS.",
        "CHAPTER II",
        "CHAPTER II",
    ]
    assert key("Snow-White & “Rose-Red”") == "snowwhiterosered"


def test_every_line_with_words_must_be_marked_once():
    ranges = {"story": ((1, 2), (9, 9)), "drop": ((2, 2),)}
    faults = marking_faults(["One", "Two", "", "Three"], ranges)
    assert faults == [
        "story 9-9 is no range of the book's 4 lines",
        "line 2 is marked 2 times",
        "line 4 is not marked",
    ]


def test_telltale_lines_are_those_about_the_file():
    about = [
        "E-text prepared by A. Friend",
        "Produced by A. Friend and the Online Distributed Proofreading Team",
        "[Transcriber's note: striped?]",
        "***END OF THE BOOK***",
        "Why is this “Small Print!” statement here?",
        "Release Date: April 1, 1999",
        "Language: English",
    ]
    story = [
        "It was very small print, and he transcribed it with care.",
        "The supper was prepared for her, and produced by the cook with pride.",
        "She spoke a strange language: nobody knew it. It was the end of the story.",
    ]
    assert telltale_lines("\n".join(story + about)) == about
    marks = [
        "[Illustration: A HEN]",
        "so[1] they",
        "a {12} b",
        "[Pg 9]",
        "[Footnote 2: or not]",
        "[*]",
        "[FN#1]",
    ]
    assert leftover_marks("\n".join([*marks, "[He laughs.]", "in 1812, (1) and so on"])) == marks


# -- wraps and verse --------------------------------------------------------------------------------------

SONG = [
    "He sang as he",
    "went along:",
    "",
    "  Hey for the hill,",
    "  Ho for the mill!",
    "",
    "and so",
    "to bed.",
]


def test_wraps_joined_and_verse_left_alone():
    wraps = wraps_of(
        SONG,
        [(4, 5)],
        [],
        "He sang as he went along:\n\n  Hey for the hill,\n  Ho for the mill!\n\nand so to bed.",
    )
    assert (wraps.joined, wraps.left, wraps.broken, wraps.whole) == ((1, 7), (), (), ((4, 5),))


def test_a_wrap_left_a_line_lost_and_verse_joined_are_told():
    wraps = wraps_of(SONG, [(4, 5)], [], "He sang as he\nwent along:\n\nHey for the hill, Ho for the mill!")
    assert (wraps.joined, wraps.left, wraps.broken) == ((), (1, 7), ((4, 5),))


def test_verse_run_into_the_prose_beside_it_is_broken():
    raw = ["He sang:", "  Hey for the hill,", "  Ho for the mill!", "and slept."]
    wraps = wraps_of(raw, [(2, 3)], [], "He sang: Hey for the hill,\nHo for the mill!\nand slept.")
    assert wraps.broken == ((2, 3),) and wraps.joined == wraps.left == ()
    assert wraps_of(raw, [(2, 3)], [], "\n".join(raw)).whole == ((2, 3),)


def test_line_ends_of_titles_and_lists_are_not_counted():
    assert wraps_of(["One", "Two", "three", "four."], [], [(1, 2)], "One\nTwo\nthree four.").joined == (3,)
