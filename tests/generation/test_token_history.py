"""A text keeps the ids that it was told with; only what changed is encoded, from the start of its word."""

from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui.generation.line import Line
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.token_history import (
    EMPTY,
    TokenHistories,
    TokenHistory,
    common_bytes,
    extended,
)
from storytime_tui.models.tokenizer import train_tokenizer
from tests.generation.fakes import Bytes
from tests.tiny import tale

TRAINED = train_tokenizer([tale(seed) for seed in range(20)], 400)
TEXTS = st.lists(
    st.sampled_from(
        ["The mouse", " lost", " the", "key", ".", "\n\n", " ", "é", "🦉", "\n", "'s", " 12", '"']
    )
).map("".join)


def spelling(transcript: TokenHistory) -> bytes:
    return b"".join(TRAINED.token_bytes(token) for token in transcript.ids)


@given(TEXTS, TEXTS, TEXTS)
@settings(deadline=None)
def test_an_edited_text_has_the_ids_that_encoding_it_gives(before: str, old: str, new: str) -> None:
    known = TokenHistories(TRAINED)
    known.of(before + old)
    found = known.of(before + new)
    assert list(found.ids) == TRAINED.encode(before + new)
    assert spelling(found) == found.text == (before + new).encode()
    assert len(found.ends) == len(found.ids)


def test_told_ids_are_kept_where_encoding_would_give_others() -> None:
    ids = [TRAINED.encode("T")[0], *TRAINED.encode("he mouse")]
    assert ids != TRAINED.encode("The mouse")
    ends, end = [], 0
    for token in ids:
        end += len(TRAINED.token_bytes(token))
        ends.append(end)
    known = TokenHistories(TRAINED)
    known.keep(TokenHistory(b"The mouse", tuple(ids), tuple(ends)))
    assert list(known.of("The mouse").ids) == ids
    assert list(known.of("The mouse lost the key.").ids) == [*ids, *TRAINED.encode(" lost the key.")]
    changed = known.of("The mousetrap")  # within a word: the word is read anew
    assert spelling(changed) == b"The mousetrap"
    assert list(changed.ids)[-len(TRAINED.encode(" mousetrap")) :] == TRAINED.encode(" mousetrap")


def test_tokens_that_share_a_character_stay_together() -> None:
    owl = "🦉".encode()
    known = TokenHistory(b"ab" + owl, (97, 98, *owl), (1, 2, 6, 6, 6, 6))
    changed = extended(known, b"ab" + "🦊".encode(), common_bytes(known.text, b"ab" + "🦊".encode()), Bytes())
    assert changed.ids[:2] == (97, 98) and changed.text.decode() == "ab🦊"
    assert b"".join(Bytes.pieces[token] for token in changed.ids) == changed.text


@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=40))
def test_the_common_beginning_is_the_longest(start: bytes, one: bytes, other: bytes) -> None:
    length = common_bytes(start + one, start + other)
    assert (start + one)[:length] == (start + other)[:length] and length >= len(start)
    assert (start + one)[length : length + 1] != (start + other)[length : length + 1] or length == min(
        len(start + one), len(start + other)
    )


class Adding(Bytes):
    """A vocabulary that puts a space before whatever it encodes, as SentencePiece's do."""

    def encode(self, text: str) -> list[int]:
        return super().encode(" " + text)


def test_a_vocabulary_that_cannot_go_on_within_a_text_reads_all_of_it() -> None:
    known = TokenHistories(Adding())
    first = known.of("An owl")
    assert first.ids == tuple(Adding().encode("An owl"))
    assert known.of("An owl sat").ids == tuple(Adding().encode("An owl sat"))
    assert known.of("An owl") == first
    assert EMPTY.ids == ()


TOKENS = st.lists(st.integers(1, TRAINED.vocabulary_size - 1), min_size=1, max_size=8)


@given(st.lists(st.tuples(TEXTS, TOKENS), min_size=1, max_size=4), TEXTS)
@settings(deadline=None)
def test_a_story_that_is_opened_again_has_the_ids_that_it_was_told_with(
    told: list[tuple[str, list[int]]], last: str
) -> None:
    """As the stream does it: your text without the spaces at its end, then the ids that were chosen."""
    live, parts, text = TokenHistories(TRAINED), [], ""
    for line, tokens in told:
        if line:
            parts.append((line, []))
            text += line
        encoded = text.rstrip(" \t")
        before = live.of(encoded)
        ending = Line(SamplerSettings(max_tokens=100), TRAINED, after=text, drop_spaces=encoded != text)
        for token in tokens:
            ending.add(token, 0.0)
        ending.stop()
        ids, ends = ending.ids_and_ends()
        if ids:
            start = len(text.encode())
            data = text.encode() + ending.text.encode("utf-8", "replace")
            whole = TokenHistory(
                data[: start + ends[-1]], (*before.ids, *ids), (*before.ends, *(start + end for end in ends))
            )
            live.keep(whole)
            parts.append((ending.text, ids))
            text += ending.text
    again = TokenHistories(TRAINED)
    again.recall(parts, trims=True)
    assert again.of(text + last) == live.of(text + last)


def test_ids_that_do_not_spell_the_text_are_left_out() -> None:
    again = TokenHistories(TRAINED)
    mouse = TRAINED.encode(" mouse")
    again.recall([("The", []), (" mouse ran", [*mouse, *TRAINED.encode(" lost")])], trims=True)
    assert list(again.of("The mouse ran").ids) == [
        *TRAINED.encode("The"),
        *mouse,
        *TRAINED.encode(" ran"),
    ]
    again.recall([("The", [])], trims=True)  # nothing was told
