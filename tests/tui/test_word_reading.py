"""What a reading shows on the page: places, colours, a sentence about training, and where a story is cut."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.jobs.story_reading import TokenRead
from storytime_tui.stories.story import Passage
from storytime_tui.tui import word_reading as words
from storytime_tui.tui.widgets.page import Span
from storytime_tui.tui.widgets.word_panel import shown

TEXT = "Peg had acorns, and Peg sold 3 buttons.\n\nThe end."
PIECES = [
    "Peg",
    " had",
    " ac",
    "orns",
    ",",
    " and",
    " Peg",
    " sold",
    " 3",
    " buttons",
    ".",
    "\n\n",
    "The",
    " end",
    ".",
]


def tokens(logprobs: list[float], pieces: list[str] = PIECES) -> list[TokenRead]:
    found, start = [], 0
    for each, logprob in zip(pieces, logprobs, strict=True):
        found.append(TokenRead(len(found), start, start + len(each), logprob, 1, ()))
        start += len(each)
    return found


def passage(id: int, text: str, parent: int | None = None) -> Passage:
    return Passage(id, 1, parent, "model", text, "m", "", 0.0)


def test_a_token_is_found_at_each_of_its_characters() -> None:
    read = tokens([-1.0] * len(PIECES))
    for place in range(len(TEXT)):
        found = read[words.token_at(read, place)]
        assert found.start <= place < found.end
    assert words.token_at(read, len(TEXT)) == len(read) - 1  # the story's end: its last word
    assert words.token_at(read[4:], 0) == 0  # before the view: the first that is read
    assert words.token_at([], 3) == 0


def test_tokens_without_characters_are_passed_over() -> None:
    read = tokens([-1.0] * 4, ["a", "", "", "—"])
    assert words.token_beside(read, 0, 1) == 3 and words.token_beside(read, 3, -1) == 0
    assert words.token_beside(read, 3, 1) == 3 and words.token_beside(read, 0, -1) == 0
    assert [span.end for span in words.surprise_spans(read)] == [1, 2]


def test_each_token_has_the_tint_of_its_surprise() -> None:
    shares = (0.9, 0.2, 0.02, 0.002, 0.0001)
    read = tokens([math.log(share) for share in shares], ["a"] * 5)
    assert words.surprise_spans(read) == [Span(at, at + 1, f"surprise--{at}") for at in range(5)]


def test_whole_words_lean_to_the_run_or_to_its_base() -> None:
    own = tokens([-1.0] * len(PIECES))
    base = tokens([-1.0] * len(PIECES))
    for place, logprob in {2: -1.5, 3: -2.5, 7: -1.6, 9: -0.1, 4: -9.0}.items():
        base[place] = TokenRead(place, base[place].start, base[place].end, logprob, 1, ())
    found = words.leans(TEXT, own, base)
    said = {TEXT[each.start : each.end]: round(each.nats, 2) for each in found}
    assert said["acorns"] == 2.0  # the sum of its two tokens
    assert said["sold"] == 0.6 and said["buttons"] == -0.9 and said["3"] == 0
    assert "," not in said and "." not in said
    spans = {TEXT[span.start : span.end]: span.look for span in words.lean_spans(found)}
    assert spans == {"acorns": "page--run", "buttons": "page--base"}  # at least twice as likely: not "sold"
    summary = words.lean_summary(TEXT, found, "hedgerow-2")
    assert (
        summary
        == "hedgerow-2 would rather have said 20% of these 10 words; most of all: acorns (7 times as likely)"
    )
    several = [
        words.Lean(0, 3, math.log(99_999)),
        words.Lean(4, 7, math.log(87)),
        words.Lean(8, 14, math.log(24)),
    ]
    assert words.lean_summary(TEXT, several, "m").endswith(
        "most of all: peg (over 10,000 times as likely), had (87 times), acorns (24 times)"
    )


def test_models_with_views_of_other_lengths_are_compared_where_both_see() -> None:
    own, base = tokens([-1.0] * len(PIECES)), tokens([-2.0] * len(PIECES))
    assert [TEXT[each.start : each.end] for each in words.leans(TEXT, own, base[-4:])] == ["The", "end"]
    assert words.leans(TEXT, own, []) == []
    assert words.lean_summary(TEXT, [], "m") == "There are no words to compare."


def test_a_word_that_a_voice_never_says_spoils_no_sum() -> None:
    own, base = tokens([-math.inf] * 2, ["a", " b"]), tokens([-math.inf, -1.0], ["a", " b"])
    found = words.leans("a b", own, base)
    assert [each.nats for each in found] == [0.0, -math.inf]
    assert words.lean_summary("a b", found, "m") == "m would rather have said 0% of these 2 words"


@given(st.lists(st.text(alphabet="ab \n", min_size=1, max_size=5), min_size=1, max_size=5), st.data())
def test_a_cut_keeps_all_before_it_and_nothing_behind(texts: list[str], data: st.DataObject) -> None:
    passages = [passage(id, text) for id, text in enumerate(texts)]
    whole = "".join(texts)
    place = data.draw(st.integers(0, len(whole) - 1))
    found, new = words.cut_at(passages, place, "x")
    assert "".join(texts[: found.id]) + new == whole[:place] + "x"
    assert place < len("".join(texts[: found.id + 1]))


def test_a_space_that_stands_there_is_not_written_twice() -> None:
    assert words.cut_at([passage(1, "She said ")], 9, " yes")[1] == "She said yes"
    assert words.cut_at([passage(1, "She said")], 8, " yes")[1] == "She said yes"
    assert words.cut_at([passage(1, "one "), passage(2, "two")], 4, " six") == (passage(2, "two"), "six")


@pytest.mark.parametrize(
    ("text", "before", "seen"),
    [
        (" acorns", "e", "acorns"),
        ("orns", "c", "…orns"),
        ("The", "\n", "The"),
        (".", "e", "."),
        ("\n\n", ".", "␊␊"),
        ("\ufffd", ".", "(byte)"),
        ("", ".", "(end)"),
        ("\x1b[2J", ".", "␛[2J"),
    ],
)
def test_a_token_is_shown_as_a_reader_sees_it(text: str, before: str, seen: str) -> None:
    assert shown(text, before) == seen
