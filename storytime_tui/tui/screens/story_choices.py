"""The dialogs of the Story screen: choosing a model, a strength, a voice; typing a title.

A dialog opens at once with the rows that were read last; a thread reads the current rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual.app import App

from storytime_tui.generation.voice import describe, effective, known
from storytime_tui.models.catalogue import is_base_name
from storytime_tui.tui import wording
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.screens.ask_path import AskPathScreen
from storytime_tui.tui.screens.dialogs import AskScreen, ChooseScreen, Row
from storytime_tui.tui.widgets.message_line import MessageLine

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.generate import ModelChoice


def offer_models(app: App[None], desk: Desk, chosen: Callable[[str], object]) -> None:
    """Ask for the model: one of the list, or another by its path or its id on the Hub."""

    def rows_of(choices: Sequence[ModelChoice]) -> list[Row]:
        rows = [Row(choice.name, choice.title, choice.note) for choice in choices]
        return [*rows, _OTHER] if rows else []

    def answered(name: str | None) -> None:
        if name == _OTHER.value:
            _ask_for_another(app, desk, chosen)
        elif name:
            chosen(name)

    known = rows_of(desk.writing.known_models)
    ask = ChooseScreen(
        "Write with",
        known,
        desk.writing.now.model,
        find=lambda: rows_of(desk.writing.list_models()),
        nothing=wording.no_model(),
    )
    app.push_screen(ask, answered)


_OTHER = Row("/", "another", "a folder, a .gguf file, or a model of the Hub")  # "/" is no model's name


def _ask_for_another(app: App[None], desk: Desk, chosen: Callable[[str], object]) -> None:
    from storytime_tui.jobs.find_model import lasting_name

    ask = AskPathScreen(
        "Write with another model",
        "A folder with a model, a .gguf file, a checkpoint such as grimm-1/step-120, or a model of the Hub such as "
        "owner/model.",
        desk.services.list_folder,
        enter="Choose",
    )

    def answered(typed: str | None) -> None:
        if typed and typed.strip():
            chosen(lasting_name(typed.strip()))

    app.push_screen(ask, answered)


STRENGTHS = {
    0.0: "the base, without the run",
    0.25: "",
    0.5: "halfway between the base and the run",
    0.75: "",
    1.0: "the run as trained",
    1.25: "often a stronger voice",
    1.5: "",
    1.75: "",
    2.0: "twice as far: the text may fall apart",
}


def offer_strengths(
    app: App[None], desk: Desk, message: MessageLine, chosen: Callable[[float | None], object]
) -> None:
    """Ask for the strength, or say why there is none to choose."""
    writer = desk.writing.now
    if not writer.model:
        message.say(wording.no_model())
        return
    if is_base_name(writer.model):
        message.say(f"Only trained runs have a strength; {writer.model} is a base.")
        return
    usual = writer.effective_strength if writer.strength is None else None
    steps = sorted({*STRENGTHS, *(each for each in (writer.strength, usual) if each is not None)})
    rows = [
        Row(
            "",
            "default",
            f"{usual:g}, the run's usual one" if usual is not None else "the run's usual one",
        )
    ]
    rows += [Row(f"{step}", f"{step:g}", STRENGTHS.get(step, "")) for step in steps]

    def answered(strength: str | None) -> None:
        if strength is not None:
            chosen(float(strength) if strength else None)

    now = "" if writer.strength is None else f"{writer.strength}"
    app.push_screen(
        ChooseScreen("Strength: from the base (0) to the run (1) and beyond", rows, now), answered
    )


def offer_voices(app: App[None], desk: Desk, message: MessageLine) -> None:
    """Ask for one voice, a mixture of two, or none; or say why there is no choice."""
    writer = desk.writing.now
    titles = writer.voices
    if not titles:
        message.say("This model has no voices." if writer.opened else "The model is not loaded yet.")
        return
    now = known(writer.voice, titles)
    rows = [Row(f"={title}", title, "default" * (i == 0)) for i, title in enumerate(titles)]
    if len(titles) > 1:
        mixed = describe(now) if len(now) > 1 else "averages the predictions of both"
        rows.append(Row("two", "A mixture of two", mixed))
    rows.append(Row("none", "No voice", "the model sees no shelf's name"))

    def answered(chosen: str | None) -> None:
        if chosen == "two":
            _offer_two(app, desk)
        elif chosen:
            desk.writing.choose_voice(() if chosen == "none" else ((chosen[1:], 1.0),))

    at = {0: "none", 1: "=" + describe(now)}.get(len(now), "two")
    app.push_screen(ChooseScreen("Voice: tell as", rows, at), answered)


def _offer_two(app: App[None], desk: Desk) -> None:
    """Ask for two voices and the second one's share."""

    def first(one: str | None) -> None:
        others = [Row(title, title) for title in desk.writing.now.voices if title != one]
        if one:
            app.push_screen(ChooseScreen(f"{one} and…", others), lambda other: second(one, other))

    def second(one: str, other: str | None) -> None:
        if other:
            app.push_screen(
                AskScreen(
                    f"{one} and {other}",
                    f"Share of {other}, in percent (1 to 99)",
                    value="50",
                    check=lambda answer: "" if _percent(answer) else "Type a number from 1 to 99.",
                ),
                lambda answer: third(one, other, answer),
            )

    def third(one: str, other: str, answer: str | None) -> None:
        if answer:
            share = _percent(answer) / 100
            desk.writing.choose_voice(effective(((one, 1 - share), (other, share))))

    app.push_screen(
        ChooseScreen("A mixture of", [Row(title, title) for title in desk.writing.now.voices]), first
    )


def _percent(text: str) -> int:
    """Parse a number from 1 to 99; returns 0 for anything else."""
    number = text.strip().removesuffix("%").strip()
    return int(number) if number.isascii() and number.isdigit() and 0 < int(number[:3]) < 100 else 0


def ask_title(app: App[None], now: str, named: Callable[[str], object]) -> None:
    """Ask for a title; an empty answer changes nothing."""

    def answered(title: str | None) -> None:
        if title and title.strip():
            named(title.strip())

    app.push_screen(AskScreen("Rename", "The story's title", enter="Rename", value=now), answered)
