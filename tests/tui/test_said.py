"""What the screens say is so: pure words on runs, models, samples, titles and colours."""

import dataclasses
import itertools
import json
from pathlib import Path

import pytest
from textual.color import Color as Shade

from storytime_tui.generation.pieces import Told
from storytime_tui.generation.sentences import marked_where_cut
from storytime_tui.stories.joining import full_title, title_from
from storytime_tui.training import events as ev
from storytime_tui.training.journal import JOURNAL, read_thinned
from storytime_tui.tui import theme, wording
from storytime_tui.tui.page_layout import PageLayout
from storytime_tui.tui.run_view import RunView, view_after, view_of
from storytime_tui.tui.widgets.header import state_words
from tests.tui.fakes import FINISHED, STARTED, a_run, step

SECOND = dataclasses.replace(STARTED, run="hedgerow-tales-2")


def learning(run: ev.Started = SECOND) -> RunView:
    return view_after(RunView(phase="preparing"), run)


# -- the header -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("room", "words"),
    [
        (78, "with hedgerow-tales-1 · hedgerow-tales-2 ● training"),
        (38, "hedgerow-tales-1 · hedgerow-tales-2 ●"),  # of a terminal with 80 columns
        (34, "with hedg…s-1 · hedg…s-2 ● training"),  # cut inside: runs differ at their ends
        (10, "with hedg…s-1 · hedg…s-2 ● training"),
    ],
)
def test_over_a_story_the_run_that_trains_is_not_taken_for_the_model_that_tells(
    room: int, words: str
) -> None:
    assert state_words(learning(), "hedgerow-tales-1", "cpu", "story", room).plain == words


def test_a_run_that_has_no_name_yet_takes_no_room() -> None:
    view = RunView(phase="preparing")
    words = "with hedgerow-tales-1 · ● preparing"
    assert state_words(view, "hedgerow-tales-1", "cpu", "story", len(words)).plain == words


def test_a_run_that_one_tells_with_while_it_learns_is_named_once() -> None:
    assert (
        state_words(learning(), "hedgerow-tales-2", "cpu", "story", 78).plain == "hedgerow-tales-2 ● training"
    )


def test_elsewhere_the_header_is_on_the_run_alone() -> None:
    for mode in ("library", "train"):
        assert (
            state_words(learning(), "hedgerow-tales-1", "cpu", mode, 78).plain
            == "hedgerow-tales-2 ● training"
        )


def test_a_run_of_an_earlier_sitting_is_named_where_it_is_shown() -> None:
    view = view_of([*a_run(118), FINISHED], {})
    assert state_words(view, "starter", "cpu", "train", 60).plain == "hedgerow-1 ● finished"
    assert state_words(view, "starter", "cpu", "library", 60).plain == "starter · cpu"
    assert state_words(view, "starter", "cpu", "story", 60).plain == "starter · cpu"


def test_a_run_that_was_stopped_has_not_learned_all() -> None:
    view = view_of([*a_run(40), ev.Finished("hedgerow-1", 40, 3.9, 25, "stopped", 60.0)], {})
    assert state_words(view, "", "", "train", 60).plain == "hedgerow-1 ● stopped"


# -- a run ------------------------------------------------------------------------------------------------


def test_a_copied_folder_goes_by_its_own_name(tmp_path: Path) -> None:
    folder = tmp_path / "hedgerow-1 copy"
    folder.mkdir()
    lines = [json.dumps(ev.to_json(event)) for event in a_run(10)]
    (folder / JOURNAL).write_text("\n".join(lines) + "\n")
    assert view_of(read_thinned(folder), {}).run == "hedgerow-1 copy"


def test_going_on_from_an_older_checkpoint_takes_back_what_was_shown_of_later_steps() -> None:
    view = view_of([*a_run(118), FINISHED], {})
    view = view_after(view, ev.Resumed(50, from_checkpoint=True, total_steps=118))
    assert (view.step, view.done, view.saved_step, view.finished) == (None, 50, 50, None)
    view = view_after(view_after(view, step(51, 3.0)), step(52, 3.0))
    assert view.seconds_left == pytest.approx(66 * 1.5)  # 1.5 s a step in this sitting


def test_a_run_that_begins_anew_forgets_what_it_was() -> None:
    view = view_of([*a_run(60), *a_run(30)], {})
    assert [number for number, _ in view.curve] == list(range(1, 31))
    assert [e.step for e in view.evaluations] == [0, 25]


@pytest.mark.parametrize(
    ("total", "each", "epochs"), [(118, 29.5, 4), (30, 29.5, 1), (71, 29.5, 3), (45, 29.5, 2)]
)
def test_the_last_epoch_counts_though_it_is_not_whole(total: int, each: float, epochs: int) -> None:
    view = learning(dataclasses.replace(STARTED, total_steps=total, steps_per_epoch=each))
    assert view.epochs == epochs


def test_a_speed_does_not_stay_after_the_telling() -> None:
    for reason in ("you", "end", "stop", "stuck", "length"):
        said = wording.telling_outcome(Told(40, 0.1, 290.0, reason), failed=False)
        assert said
        assert "tokens/s" not in said


# -- samples, titles, paragraphs --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("Once upon a time there was a", "Once upon a time there was a…"),
        ("Once upon a time. And the ", "Once upon a time. And the…"),
        ("Once upon a time there was a mouse.", "Once upon a time there was a mouse."),
        ('"Go!" she said. "Go home!"', '"Go!" she said. "Go home!"'),
        ("and then…", "and then…"),
        ("", ""),
    ],
)
def test_a_sample_that_stops_within_a_sentence_says_so(told: str, shown: str) -> None:
    assert marked_where_cut(told) == shown


LONG = "Once upon a time there was a little mouse who kept a shop under the kitchen stair."


def test_a_title_that_was_cut_is_whole_where_it_is_renamed() -> None:
    cut = title_from(LONG)
    assert cut.endswith("…")
    assert full_title(cut, LONG + " Then it rained.\n\nAnd more.") == LONG
    assert full_title(cut, LONG) == LONG
    endless = "and on " * 100
    assert "…" not in full_title(title_from(endless), endless)
    assert full_title("And then…", "Something else") == "And then…"  # a title of one's own
    assert full_title("The Mouse", LONG) == "The Mouse"


@pytest.mark.parametrize(
    ("text", "gaps"),
    [
        ('"That will do," said the mouse.\nThe frog went home.', [False, True]),
        ('He went.\n"No," she said.', [False, True]),
        (
            "The mouse swept the step, and put out the buttons in a row, one by one.\nThe frog slept.",
            [False, True],
        ),
        ("The mouse swept.\n\nThe frog slept.", [False, True]),
        (
            "They took some honey, and plenty of money,\nWrapped up in a five-pound note.\nThe Owl looked up.",
            [False] * 3,
        ),
    ],
)
def test_paragraphs_of_the_model_stand_apart_as_yours_do(text: str, gaps: list[bool]) -> None:
    whole = PageLayout(200)
    whole.append("model", text)
    assert gaps_of(whole) == gaps
    streamed = PageLayout(200)
    for letter in text:
        streamed.append("model", letter)
    assert gaps_of(streamed) == gaps


def gaps_of(page: PageLayout) -> list[bool]:
    """For each line of a page, whether a blank row stands before it."""
    kinds = ["", *(row.kind for row in page.rows)]
    return [before == "blank" for before, kind in itertools.pairwise(kinds) if not kind]


# -- colours ----------------------------------------------------------------------------------------------


XTERM = {
    "red": "#cd0000",
    "green": "#00cd00",
    "yellow": "#cdcd00",
    "blue": "#0000ee",
    "magenta": "#cd00cd",
    "cyan": "#00cdcd",
    "bright_black": "#7f7f7f",
    "bright_red": "#ff0000",
    "bright_magenta": "#ff00ff",
}


def _contrast(one: Shade, other: Shade) -> float:
    def brightness(shade: Shade) -> float:
        parts = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in shade.normalized]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), parts, strict=True))

    light, dark = sorted((brightness(one), brightness(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_sixteen_colours_can_be_read_on_white_and_on_black() -> None:
    colours = {
        name: str(value).removeprefix("ansi_")
        for name, value in {**vars(theme.SIXTEEN), **theme.SIXTEEN.variables}.items()
        if str(value).startswith("ansi_") and not str(value).endswith("_default")
    }
    grounds = {name for name in colours if "background" in name or name.startswith(("ansi", "scrollbar"))}
    on_grounds = {"input-selection-foreground", "screen-selection-foreground", "input-cursor-foreground"}
    assert {colours["primary"], colours["error"], colours["line"]} <= XTERM.keys()
    for name in colours.keys() - grounds - on_grounds:
        shade = XTERM[colours[name]]
        for ground in ("#ffffff", "#000000"):
            assert _contrast(Shade.parse(shade), Shade.parse(ground)) >= 3, (name, shade, ground)
