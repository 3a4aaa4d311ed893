"""A suggested title fits its story: only its own names and things, from the model or from the story itself."""

import threading
from collections.abc import Iterator

import pytest

from storytime_tui.generation.pieces import Piece, Told
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.titles import READ, made_title, suggest_title

STORY = (
    "Once upon a time there was a little mouse named Pip who kept a shop under the kitchen stair. One day a frog came "
    "in. So Pip showed the frog a button, and the frog looked at the button, and Pip was glad."
)


class Model:
    """Continues with each of these lines in turn."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        self.asked: list[tuple[str, SamplerSettings]] = []

    def __call__(self, text: str, settings: SamplerSettings, stop: threading.Event) -> Iterator[Piece | Told]:
        line = self.lines[len(self.asked) % len(self.lines)]
        self.asked.append((text, settings))
        for number, word in enumerate(line.split(" ")):
            yield Piece(number, f" {word}", -1.0)
        yield Told(len(line), 0.1, 40.0, "length")


def suggested(*lines: str, text: str = STORY) -> tuple[str, bool]:
    found = suggest_title(Model(*lines), text, 5, threading.Event())
    return found.title, found.told


def test_a_title_of_the_storys_own_names_and_things_is_taken() -> None:
    assert suggested("Pip and the Mouse\n\nOnce upon a time") == ("Pip and the Mouse", True)
    assert suggested("“The Frog and the Button”.\n") == ("The Frog and the Button", True)


@pytest.mark.parametrize(
    "line",
    [
        "The Fish\n\nOnce",  # of another story
        "Pip and the Pip\n",
        "Pip\n",  # says too little
        "Once upon a time there was a frog and it was glad of it.\n",
        "Pip and the frog",  # never ends: a sentence of the story
        "\n\n",
    ],
)
def test_what_fits_no_title_is_left_and_the_storys_own_words_make_one(line: str) -> None:
    assert suggested(line) == (made_title(STORY), False)
    assert made_title(STORY) == "Pip and the Button"


def test_later_attempts_count_and_have_seeds_of_their_own() -> None:
    model = Model("The Fish\n", "The Frog and Pip\n")
    assert suggest_title(model, STORY + "x" * 5000, 5, threading.Event()).title == "The Frog and Pip"
    assert [settings.seed for _, settings in model.asked] == [5, 6]
    assert model.asked[0][0] == f"{(STORY + 'x' * 5000)[:READ]}\n\nTitle:"


def test_nothing_comes_of_a_stopped_telling_or_an_empty_story() -> None:
    stop = threading.Event()
    stop.set()
    assert suggest_title(Model("Pip and the Mouse\n"), STORY, 5, stop).title == ""
    model = Model("Pip and the Mouse\n")
    assert suggest_title(model, "", 5, threading.Event()).title == ""
    assert not model.asked
    assert made_title("龍龍龍") == ""
