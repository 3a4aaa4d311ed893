"""Openings: one sentence each, no two alike, none copied, and told no further than that."""

import threading
from collections.abc import Iterator

import pytest

from storytime_tui.generation.openings import Begin, Opening, tell_openings
from storytime_tui.generation.pieces import Piece, Told
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.sentences import first_sentence

STORIES = [
    "A mouse lived under the mill. She was",
    "The pond froze on a Tuesday. Then",
    "a mouse lived under  the mill. He had",  # told already
    "Oh! Look at that",  # too short
    "THE TALE\n\nOf a mouse that was brown. It",  # a heading
    "And so " + "on and " * 20 + "on. But",  # too long
    "It never ends and never ends and never",
    '"Come in!" said the fox to his hat. "Do',
]
NOBODY = threading.Event()


def begin(asked: list[SamplerSettings], heard: list[str] | None = None) -> Begin:
    def tell(settings: SamplerSettings, stop: threading.Event) -> Iterator[Piece | Told]:
        asked.append(settings)
        for number, word in enumerate(STORIES[settings.seed % len(STORIES)].split(" ")):
            if stop.is_set():
                break
            if heard is not None:
                heard.append(word)
            yield Piece(number, f" {word}" if number else word, -1.0)
        yield Told(0, 0.1, 40.0, "length")

    return tell


def opened(settings: SamplerSettings, wanted: int, **more: object) -> list[Opening]:
    asked = {"is_copied": lambda text: False, **more}
    return list(tell_openings(begin([]), settings, wanted, NOBODY, **asked))  # type: ignore[arg-type]


def test_each_is_one_sentence_and_no_two_are_alike() -> None:
    found = opened(SamplerSettings(), 3)
    assert [each.text for each in found] == [
        "A mouse lived under the mill.",
        "The pond froze on a Tuesday.",
        '"Come in!" said the fox to his hat.',
    ]
    for each in found:  # the settings that are kept tell it again
        assert opened(each.settings, 1) == [each]


def test_what_is_copied_or_known_is_left_out_and_another_is_told() -> None:
    found = opened(SamplerSettings(), 1, is_copied=lambda text: "mill" in text)
    assert found[0].text == "The pond froze on a Tuesday."
    found = opened(SamplerSettings(), 3, known=["The pond FROZE on a Tuesday."])
    assert len(found) == 2
    assert opened(SamplerSettings(), 3, is_copied=lambda text: True) == []


def test_one_that_resembles_another_comes_last() -> None:
    stories = [
        "A mouse lived under the mill. She",
        "A mouse lived under a hat. She",  # the same beginning
        "One mouse lived under the old mill. He",  # nearly the same words
        "The pond froze on a Tuesday. Then",
        '"Come in!" said the fox to his hat. "Do',
    ]

    def begin(settings: SamplerSettings, stop: threading.Event) -> Iterator[Piece | Told]:
        yield Piece(0, stories[settings.seed % len(stories)], -1.0)

    def told(count: int) -> list[int]:
        found = tell_openings(begin, SamplerSettings(seed=0), count, NOBODY, is_copied=lambda text: False)
        return [each.settings.seed for each in found]

    assert told(3) == [0, 3, 4]
    assert told(5) == [0, 3, 4, 1, 2]


def test_the_likeliest_story_is_told_once() -> None:
    asked: list[SamplerSettings] = []
    settings = SamplerSettings(temperature=0)
    assert len(list(tell_openings(begin(asked), settings, 3, NOBODY, is_copied=lambda text: False))) == 1
    assert len(asked) == 1


def test_nothing_is_told_behind_the_sentence_and_nothing_once_stopped() -> None:
    heard: list[str] = []
    telling = tell_openings(begin([], heard), SamplerSettings(), 3, NOBODY, is_copied=lambda text: False)
    next(telling)
    assert heard == ["A", "mouse", "lived", "under", "the", "mill.", "She"]
    stop, heard = threading.Event(), []
    stop.set()
    asked = begin([], heard)
    assert list(tell_openings(asked, SamplerSettings(), 3, stop, is_copied=lambda text: False)) == []
    assert heard == []


@pytest.mark.parametrize(
    ("text", "so_far", "at_the_end"),
    [
        ("He came. She", "He came.", "He came."),
        ("He came.", "", "He came."),
        ('"Stop!" he said. She', '"Stop!" he said.', '"Stop!" he said.'),
        ('"Stop. Go', "", ""),
        ("Mr. Tod came", "", ""),
        ("  He came? ", "", "He came?"),
        ("", "", ""),
    ],
)
def test_a_first_sentence_is_known_once_something_follows(text: str, so_far: str, at_the_end: str) -> None:
    assert first_sentence(text, over=False) == so_far
    assert first_sentence(text, over=True) == at_the_end
