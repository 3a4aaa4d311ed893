"""What may be shown of a continuation, and when: never a stop text, never a banned phrase, never half a character."""

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui.generation.line import OVERRUN, SHORT, Line
from storytime_tui.generation.sampling.settings import SamplerSettings
from tests.examples import many
from tests.generation.fakes import Bytes

EOT = Bytes.end_of_text
USUAL = SamplerSettings(max_tokens=1000)
OWL = "🦉".encode()


def tell(line: Line, tokens: list[int]) -> tuple[str, list[int]]:
    """Feed tokens until it is over; what was shown, step by step joined, and the ids of it."""
    text, ids = "", []
    for token in tokens:
        line.add(token, -1.0)
        for piece in line.ready():
            text += piece.text
            ids.append(piece.token)
        if line.stopped_by:
            break
    return text, ids


def test_what_may_become_a_stop_text_waits() -> None:
    line = Line(dataclasses.replace(USUAL, stop=("THE END",)), Bytes())
    for letter in b"So. THE":
        line.add(letter, -1.0)
    assert "".join(piece.text for piece in line.ready()) == "So. "
    for letter in b" cat":
        line.add(letter, -1.0)
    assert "".join(piece.text for piece in line.ready()) == "THE cat"


def test_a_banned_phrase_takes_back_what_led_to_it_and_forbids_its_first_token() -> None:
    line = Line(dataclasses.replace(USUAL, banned=("big cat",)), Bytes())
    text, _ = tell(line, [*b"A big cat"])
    assert text == "A " and line.count == 9 and not line.forbidden  # "cat" may still become "catch"
    line.add(ord("."), -1.0)
    assert line.count == 2
    assert line.forbidden == {ord("b")}
    assert line.text == "A "
    text, _ = tell(line, [*b"red cat", EOT])
    assert text == "red cat" and line.stopped_by == "end"


def test_a_word_goes_on_from_the_prompt() -> None:
    whole = Line(dataclasses.replace(USUAL, banned=("cat",)), Bytes(), after="s")
    assert tell(whole, [*b"cat.", EOT])[0] == "cat."  # "scat" is another word
    begun = Line(dataclasses.replace(USUAL, banned=("cat",)), Bytes(), after=" ")
    assert tell(begun, [*b"cat."])[0] == "" and begun.count == 0


def test_a_way_without_end_around_what_is_banned_is_given_up() -> None:
    line = Line(dataclasses.replace(USUAL, banned=("!",)), Bytes())
    for _ in range(2000):
        if line.stopped_by:
            break
        line.add(ord("!"), -1.0)
    assert line.stopped_by == "stuck"


def test_a_stopped_line_shows_what_waited_but_for_half_a_character() -> None:
    line = Line(dataclasses.replace(USUAL, stop=("THE END",)), Bytes())
    for token in [*b"So. THE", *OWL[:2]]:
        line.add(token, -1.0)
    assert "".join(piece.text for piece in line.ready()) == "So. "
    line.stop()
    assert "".join(piece.text for piece in line.ready()) == "THE"
    assert line.stopped_by == "you"


def test_a_begun_sentence_is_left_out_or_finished() -> None:
    wished = dataclasses.replace(USUAL, max_tokens=12, finish_sentence=True)
    line = Line(wished, Bytes())
    assert tell(line, [*b"It was. And so it went on and on and on and on and on and on"])[0] == "It was."
    assert line.stopped_by == "length"
    line = Line(wished, Bytes())
    assert tell(line, [*b"It was. And so on. Never"])[0] == "It was. And so on."
    endless = Line(wished, Bytes())
    text, ids = tell(endless, [*b"and" * 100])
    assert len(ids) == wished.max_tokens + OVERRUN  # there is no sentence to cut to: all of it stays
    assert text == ("and" * 100)[: len(ids)]


def test_one_sentence_is_told_and_its_closing_quote() -> None:
    one = dataclasses.replace(USUAL, end_after="sentence", finish_sentence=True)
    for told, kept in (
        (b"The fox sat. Then", "The fox sat."),
        (b' and slept.  "No', " and slept."),
        (b'"Stop!" said the owl. "No."', '"Stop!" said the owl.'),
        (b'"Stop. Go!"\nNobody', '"Stop. Go!"'),
        (b"Mr. Tod came... and went! So", "Mr. Tod came... and went!"),
        (b"\n\nOnce. More", "\n\nOnce."),
    ):
        line = Line(one, Bytes(), after="Once ")
        assert tell(line, [*told]) == (kept, [*kept.encode()]) and line.stopped_by == "length"
    open_ended = Line(one, Bytes())
    assert tell(open_ended, [*b"The fox sat."])[0] == "The fox sat." and not open_ended.stopped_by


def test_a_paragraph_is_told_but_a_short_answer_is_none() -> None:
    one = dataclasses.replace(USUAL, end_after="paragraph")
    long = "word " * (SHORT - 1) + "end."
    for before in ("", "\n\n", '"No."\n\n'):
        line = Line(one, Bytes(), after="Once ")
        told = f"{before}{long}"
        assert tell(line, [*f"{told} \n\nAnd".encode()])[0] == told and line.stopped_by == "length"
    verse = Line(one, Bytes())
    assert tell(verse, [*f"{long}\nA line".encode()])[0] == f"{long}\nA line" and not verse.stopped_by


def test_neither_ends_before_the_fewest_tokens_nor_after_the_most() -> None:
    one = dataclasses.replace(USUAL, end_after="sentence", min_tokens=8)
    assert tell(Line(one, Bytes()), [*b"So. It ended. Then"])[0] == "So. It ended."
    few = dataclasses.replace(USUAL, end_after="sentence", max_tokens=5)
    line = Line(few, Bytes())
    assert tell(line, [*b"It goes on"])[0] == "It go" and line.stopped_by == "length"


TOKENS = st.lists(st.sampled_from([*b"ab .!\n", *OWL, 257, 258, 259, 260, 261, 262, 263, EOT]), max_size=60)


@given(
    TOKENS,
    st.lists(st.sampled_from(["a", "ab", ".", "!", ". a", "\n", "🦉", "the"]), max_size=2),
    st.lists(st.sampled_from(["a b", "bb", "!!", "\n\n", "🦉a", '."']), max_size=2),
    st.booleans(),
    st.integers(1, 40),
    st.sampled_from(["length", "sentence", "paragraph"]),
    st.integers(0, 5),
)
@settings(max_examples=many(150))
def test_whatever_comes_what_was_shown_stays_and_is_allowed(
    tokens: list[int], banned: list[str], stop: list[str], sentence: bool, most: int, end: str, least: int
) -> None:
    wished = SamplerSettings(
        min_tokens=least,
        max_tokens=most,
        end_after=end,
        banned=tuple(banned),
        stop=tuple(stop),
        finish_sentence=sentence,
    )
    line = Line(wished, Bytes(), after="x")
    text, ids = tell(line, tokens)
    if not line.stopped_by:
        line.stop()
        for piece in line.ready():
            text += piece.text
            ids.append(piece.token)
    assert line.text == text and line.shown == line.count == len(ids)
    assert all(each not in text for each in stop)
    for phrase in banned:
        if not phrase.isalnum():
            assert " ".join(phrase.split()) not in " ".join(text.split()) or phrase.isspace() or " " in phrase
    spelled = b"".join(Bytes.pieces[token] for token in ids).decode("utf-8", "replace")
    assert spelled.startswith(text)
    kept, ends = line.ids_and_ends()
    assert kept == ids[: len(kept)] and len(ends) == len(kept)
    assert (
        b"".join(Bytes.pieces[token] for token in kept)
        .decode("utf-8", "replace")
        .encode()[: ends[-1] if ends else 0]
        == (text.encode()[: ends[-1] if ends else 0])
    )


def test_a_banned_phrase_that_the_prompt_begins_is_not_ended() -> None:
    line = Line(dataclasses.replace(USUAL, banned=("a small",)), Bytes(), after="There was a")
    text, _ = tell(line, [*b" small "])
    assert text == "" and line.forbidden == {ord(" ")}
    whole = Line(dataclasses.replace(USUAL, banned=("a small",)), Bytes(), after="There was a small")
    assert tell(whole, [*b"-ish tree.", EOT])[0] == "-ish tree." or whole.forbidden  # it was open until now
    other = Line(dataclasses.replace(USUAL, banned=("a small",)), Bytes(), after="There was a")
    assert tell(other, [*b" smart cat.", EOT])[0] == " smart cat."


def test_line_ends_do_not_pile_up() -> None:
    line = Line(USUAL, Bytes(), after="So.\n")
    assert not line.at_line_ends
    line.add(10, -1.0)
    assert line.at_line_ends
    assert not Line(dataclasses.replace(USUAL, line_ends=0), Bytes(), after="\n\n\n").at_line_ends
