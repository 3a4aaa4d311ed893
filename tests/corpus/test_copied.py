"""The index of words: exact against a search by hand, mended when damaged, no text too much for it."""

import errno
import re
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui import files
from storytime_tui.corpus import copied, words
from storytime_tui.corpus.collection import Extract, Story
from storytime_tui.corpus.copied import Index, Stretch, open_index, place
from storytime_tui.corpus.suffixes import suffix_array
from storytime_tui.corpus.words import WORD, word_hash, word_hashes
from storytime_tui.errors import CorpusError

GRIMM = Path(__file__).parents[3] / "shared" / "corpora" / "grimm" / "raw_text"
FOX = Story("Fox", "The fox went out on a chilly night. He prayed for the moon to give him light!")
DUCK = Story("Duck", "A duck swam by; the fox went out on a chilly night -- and he prayed for the moon.")


def texts_to_stories(texts: Sequence[str]) -> list[Story]:
    return [Story(str(number), text) for number, text in enumerate(texts)]


def words_of(text: str) -> list[str]:
    """What a word is, said another way than the program does: no pattern of its own kind."""
    plain = re.sub("[\u2018\u2019\u02bc]", "'", text)
    found, word = [], ""
    for before, sign, after in zip(" " + plain, plain, plain[1:] + " ", strict=False):
        inner = sign == "'" and before.isalnum() and after.isalnum()
        if sign.isalnum() or inner:
            word += sign
        elif word:
            found.append(word.casefold())
            word = ""
    return [*found, word.casefold()] if word else found


def stretches_by_hand(texts: Sequence[str], asked: str, shortest: int) -> set[tuple[int, int]]:
    """First word and number of words of each maximal stretch, by trying them all."""
    stories = [words_of(text) for text in texts]
    known = {
        tuple(story[start:end])
        for story in stories
        for start in range(len(story))
        for end in range(start + 1, len(story) + 1)
    }
    mine = words_of(asked)
    there = {
        (start, end)
        for start in range(len(mine))
        for end in range(start + shortest, len(mine) + 1)
        if tuple(mine[start:end]) in known
    }
    return {
        (start, end - start)
        for start, end in there
        if not any(a <= start and end <= b and (a, b) != (start, end) for a, b in there)
    }


def check(texts: Sequence[str], index: Index, asked: str, shortest: int) -> None:
    found = index.stretches(asked, shortest)
    spans = [word.span() for word in WORD.finditer(asked)]
    first = {start: number for number, (start, _) in enumerate(spans)}
    assert {(first[each.start], each.words) for each in found} == stretches_by_hand(texts, asked, shortest)
    assert [each.start for each in found] == sorted(each.start for each in found)
    covered: set[int] = set()
    for each in found:
        start, end = place(texts[each.story], each.word, each.words)
        assert words_of(texts[each.story][start:end]) == words_of(asked[each.start : each.end])
        assert len(words_of(asked[each.start : each.end])) == each.words
        assert each.end == spans[first[each.start] + each.words - 1][1]
        covered |= set(range(first[each.start], first[each.start] + each.words))
    assert index.share(asked, shortest) == (len(covered) / len(spans) if spans else 0.0)


FEW = st.lists(st.sampled_from(["la", "li", "Tom's", "don\u2019t", "fo-la", ".", "\n\n"]), max_size=40)
FEW_TEXT = FEW.map(" ".join)


@given(st.lists(FEW_TEXT, max_size=5), FEW_TEXT, st.integers(1, 9), st.integers(1, 30))
def test_it_finds_what_a_search_by_hand_finds(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], asked: str, shortest: int, shard: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copied, "_SHARD", shard)  # from one story a file to all in one
        index = open_index(texts_to_stories(texts), tmp_path_factory.mktemp("index"))
    check(texts, index, asked, shortest)
    longest = index.longest(asked)
    by_hand = stretches_by_hand(texts, asked, 1)
    assert (longest.words if longest else 0) == max((length for _, length in by_hand), default=0)


@given(st.lists(FEW_TEXT, max_size=5), FEW_TEXT, st.integers(0, 4), st.integers(1, 30))
def test_the_words_that_follow_are_those_that_a_search_by_hand_finds(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], asked: str, count: int, shard: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copied, "_SHARD", shard)
        index = open_index(texts_to_stories(texts), tmp_path_factory.mktemp("index"))
    run = WORD.findall(asked)[:count]
    stories = [words_of(text) for text in texts]
    size = len(run)
    by_hand = {
        story[start + size]
        for story in stories
        for start in range(len(story) - size)
        if story[start : start + size] == words_of(" ".join(run))
    }
    assert index.following(run) == by_hand


def test_what_stands_in_several_stories_is_of_the_first_of_them(tmp_path: Path) -> None:
    chorus = "and the wolf went home to bed again."
    texts = ["Nothing here.", *("So " * (9 + number % 7) + chorus for number in range(1500))]
    (found,) = open_index(texts_to_stories(texts), tmp_path).stretches(f"See, {chorus}")
    assert (found.story, found.word) == (1, 9)


@given(st.text(max_size=60), st.data())
def test_any_text_is_found_in_itself(
    tmp_path_factory: pytest.TempPathFactory, text: str, data: st.DataObject
) -> None:
    index = open_index([FOX, Story("any", text)], tmp_path_factory.mktemp("index"))
    number = len(WORD.findall(text))
    assert index.share(text, 1) == (1.0 if number else 0.0)
    longest = index.longest(text)
    assert (longest.words if longest else 0) == number
    first = data.draw(st.integers(0, max(0, number - 1)))
    check([FOX.text, text], index, text[place(text, first, number)[0] :], 2)


@given(st.lists(st.lists(st.integers(0, 3), max_size=30), min_size=1, max_size=6))
def test_suffixes_are_in_order(texts: list[list[int]]) -> None:
    stream = [n for end, text in enumerate(texts) for n in (*(each + len(texts) for each in text), end)]
    suffixes, ranks = suffix_array(np.array(stream, np.int32))
    assert suffixes.tolist() == sorted(range(len(stream)), key=lambda start: stream[start:])
    assert ranks[suffixes].tolist() == list(range(len(stream)))


# -- words ------------------------------------------------------------------------------------------------


@given(st.text(alphabet="aB1_'\u2019\u2018\u02bc- \n\u00e9\u00df.", max_size=30))
def test_words_are_letters_and_digits_with_apostrophes_inside(text: str) -> None:
    hashes = word_hashes(text)
    assert hashes.tolist() == [word_hash(word) for word in words_of(text)]


def test_capitals_quotes_and_hyphens_make_no_difference() -> None:
    said = "\u2018Don\u2019t!\u2019 said the PIG-HERD\u2019s wife; it was _too_ late\u2014STRASSE."
    plain = "'don't' said the pig herd's wife it was too late stra\u00dfe"
    assert word_hashes(said).tolist() == word_hashes(plain).tolist()
    assert len(word_hashes(said)) == 11


def test_the_hash_of_a_word_never_changes() -> None:
    """Sketches and indexes on the disk hold it: another needs another format number."""
    assert word_hash("fox") == word_hash("FOX") == 17302832615738490703


@given(st.text(alphabet="ab' \n", max_size=200), st.integers(1, 20))
def test_a_long_text_is_read_in_pieces(text: str, piece: int) -> None:
    whole = word_hashes(text).tolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(words, "_PIECE", piece)
        patch.setattr(words, "_MOST", 3)
        assert word_hashes(text).tolist() == whole


def test_half_a_sign_is_no_word(tmp_path: Path) -> None:
    found = open_index([FOX], tmp_path).stretches("the fox \ud800 went out", 2)
    assert found == (Stretch(0, 18, 4, 0, 0),)


# -- what is told -----------------------------------------------------------------------------------------


def test_a_stretch_says_where_it_stands(tmp_path: Path) -> None:
    index = open_index([FOX, DUCK], tmp_path)
    asked = "Once -- so they say -- \u201cThe FOX went out, on a chilly night, and he prayed for\u201d ages."
    (found,) = index.stretches(asked)
    assert asked[found.start : found.end] == "The FOX went out, on a chilly night, and he prayed for"
    assert (found.words, found.story, found.word) == (12, 1, 4)
    start, end = place(DUCK.text, found.word, found.words)
    assert DUCK.text[start:end] == "the fox went out on a chilly night -- and he prayed for"
    assert index.longest(asked) == found
    assert index.share(asked) == 12 / 17
    assert index.stretches(asked, 13) == ()


def test_no_stretch_goes_from_one_story_to_the_next(tmp_path: Path) -> None:
    index = open_index(texts_to_stories(["one two three", "", "four five six"]), tmp_path)
    assert [each.words for each in index.stretches("one two three four five six", 1)] == [3, 3]


def test_two_stretches_may_overlap_but_none_lies_in_another(tmp_path: Path) -> None:
    index = open_index(texts_to_stories(["a b c d", "c d e f", "b c"]), tmp_path)
    found = index.stretches("a b c d e f", 2)
    assert [(each.words, each.story, each.word) for each in found] == [(4, 0, 0), (4, 1, 0)]
    assert index.share("a b c d e f g h", 2) == 6 / 8


def test_nothing_is_found_in_nothing(tmp_path: Path) -> None:
    for index in (
        open_index([], tmp_path),
        open_index([Story("", "")], tmp_path),
        open_index([FOX], tmp_path),
    ):
        for asked in ("", " ... ", "owl"):
            assert index.stretches(asked, 1) == ()
            assert index.longest(asked) is None
            assert index.share(asked) == 0.0


def test_an_early_place_is_told_where_there_are_many(tmp_path: Path) -> None:
    index = open_index(texts_to_stories(["z y", "a b c", "a b c d", "a b c"]), tmp_path)
    assert [(each.story, each.word) for each in index.stretches("a b c", 3)] == [(1, 0)]


@pytest.mark.timeout(120)  # a second or two; by trying out it would be days
def test_a_text_of_one_word_is_no_harder_than_another(tmp_path: Path) -> None:
    index = open_index([Story("song", "la " * 100_000)], tmp_path)
    assert index.longest("la " * 100_000) == Stretch(0, 299_999, 100_000, 0, 0)
    assert len(index.stretches("la " * 101_000)) == 1001
    assert index.share("la la li " * 5_000, 2) == 2 / 3


def test_many_may_ask_at_once(tmp_path: Path) -> None:
    index = open_index([FOX, DUCK], tmp_path)
    expected = index.stretches(DUCK.text, 2)
    answers: list[bool] = []
    ask = lambda: answers.extend(index.stretches(DUCK.text, 2) == expected for _ in range(50))  # noqa: E731
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 200


@pytest.mark.skipif(not GRIMM.is_dir(), reason="the Grimm tales are not here")
def test_real_tales(tmp_path: Path) -> None:
    stories = [Story(path.stem, path.read_text("utf-8")) for path in sorted(GRIMM.glob("*.txt"))]
    index = open_index(stories, tmp_path)
    for number in (0, 13, 40):
        spans = [found.span() for found in WORD.finditer(stories[number].text)]
        asked = "Yesterday, " + stories[number].text[spans[50][0] : spans[349][1]].upper() + " as I said"
        longest = index.longest(asked)
        assert longest is not None and (longest.story, longest.word) == (number, 50)
        assert longest.words >= 300
        assert index.share(asked) > 0.98


# -- on the disk ------------------------------------------------------------------------------------------


def unreadable(story: Story) -> Story:
    """The same story, whose text nobody can read any more."""
    return Story(story.title, Extract(Path("gone"), 0, 1), known=story.facts)


def test_the_second_opening_reads_no_story(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    first = open_index([FOX, DUCK], tmp_path, lambda done, total: told.append((done, total)))
    size = FOX.facts.bytes + DUCK.facts.bytes
    assert told == sorted(told) and told[-1] == (size, size)
    gone = [unreadable(FOX), unreadable(DUCK)]
    second = open_index(gone, tmp_path, lambda *_: pytest.fail("nothing to tell"))
    assert second.stretches(DUCK.text) == first.stretches(DUCK.text) != ()
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(CorpusError, match="has gone"):
        open_index([unreadable(FOX)], tmp_path)


def test_anything_that_matters_makes_another_file(tmp_path: Path) -> None:
    open_index([FOX, DUCK], tmp_path)
    open_index([DUCK, FOX], tmp_path)
    open_index([FOX, replace(DUCK, content=DUCK.text.replace("duck", "dock"))], tmp_path)
    open_index([FOX, replace(DUCK, content=DUCK.text.replace(";", ":"))], tmp_path)
    assert len(list(tmp_path.iterdir())) == 4
    open_index([FOX, replace(DUCK, title="Another")], tmp_path)
    assert len(list(tmp_path.iterdir())) == 4


def test_only_what_changed_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copied, "_SHARD", 20)
    owl = Story("Owl", "Who goes there on such a dark and stormy night as this one, asked the owl?")
    open_index([FOX, DUCK], tmp_path)
    told: list[tuple[int, int]] = []
    index = open_index(
        [unreadable(FOX), unreadable(DUCK), owl], tmp_path, lambda done, total: told.append((done, total))
    )
    assert told[-1] == (owl.facts.bytes, owl.facts.bytes)
    assert len(index.shards) == 3
    assert [each.story for each in index.stretches(f"{FOX.text} {owl.text} {DUCK.text}", 12)] == [0, 2, 1]


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    stories = [FOX, Story("long", " ".join(f"word{number % 701} x{number % 13}" for number in range(20_000)))]
    expected = open_index(stories, tmp_path).stretches(FOX.text)
    (path,) = tmp_path.glob("*/*")
    whole = path.read_bytes()
    middle = len(whole) // 2
    damaged = [b"", b"text", whole[:100], whole[:140], whole[:middle], whole[:-1], whole + b"."]
    damaged += [whole[:middle] + bytes(len(whole) - middle), whole[:200] + b"\xff" * 400 + whole[600:]]
    damaged += [
        whole[:128] + bytes(len(whole) - 128),
        whole[:middle] + b"\xff" * 9000 + whole[middle + 9000 :],
    ]
    for data in damaged:
        path.write_bytes(data)
        assert open_index(stories, tmp_path).stretches(FOX.text) == expected
        assert path.read_bytes() == whole
    path.unlink()
    path.mkdir()
    assert open_index(stories, tmp_path).stretches(FOX.text) == expected
    with pytest.raises(CorpusError, match="index"):
        open_index(stories, path)  # a file, not a folder


class Halt(Exception):
    """Raised by what listens to the progress."""


def test_stopping_leaves_nothing_behind(tmp_path: Path) -> None:
    seen: list[int] = []

    def halt(done: int, total: int) -> None:
        seen.append(done)
        if len(seen) == last:
            raise Halt

    for last in range(1, 100):
        seen.clear()
        try:
            open_index([FOX, DUCK], tmp_path, halt)
        except Halt:
            if last < 3:
                assert list(tmp_path.iterdir()) == []
            continue
        break
    assert last > 3


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "_sync_file", full)
    with pytest.raises(CorpusError, match="The disk is full"):
        open_index([FOX], tmp_path)
    assert list(tmp_path.iterdir()) == []
