"""What the Story screen asks for in dialogs: one of the stories, one of the models, a strength, a voice, a title.

A dialog is open at once, with what was known last; what there is now is read in a thread and comes after it.
"""

from collections.abc import Callable, Sequence

from textual.app import App

from storytime_tui.generation.voice import effective, known, said
from storytime_tui.models.catalogue import is_base_name
from storytime_tui.stories.story import Story
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.screens.dialogs import AskScreen, ChooseScreen, Row
from storytime_tui.tui.widgets.message_line import MessageLine


def offer_models(app: App[None], desk: Desk, chosen: Callable[[str], object]) -> None:
    """Ask who writes."""

    def rows() -> list[Row]:
        return [Row(choice.name, choice.title, choice.note) for choice in desk.writing.look_for_models()]

    def answered(name: str | None) -> None:
        if name:
            chosen(name)

    known = [Row(choice.name, choice.title, choice.note) for choice in desk.writing.known_models]
    nothing = "There is no model yet: train one (F3)."
    app.push_screen(
        ChooseScreen("Write with", known, desk.writing.now.model, find=rows, nothing=nothing), answered
    )


STRENGTHS = {
    0.0: "the base alone",
    0.25: "",
    0.5: "halfway between the base and the run",
    0.75: "",
    1.0: "the run as it was trained",
    1.25: "often a stronger voice",
    1.5: "",
    1.75: "",
    2.0: "twice as far: the text may fall apart",
}


def offer_strengths(
    app: App[None], desk: Desk, message: MessageLine, chosen: Callable[[float | None], object]
) -> None:
    """Ask how strongly the model has what it learned, or say why there is nothing to ask."""
    writer = desk.writing.now
    if not writer.model:
        message.say("There is no model yet: train one (F3).")
        return
    if is_base_name(writer.model):
        message.say(f"Strength is for what a run has learned, and {writer.model} is no run.")
        return
    usual = writer.told_at if writer.strength is None else None
    steps = sorted({*STRENGTHS, *(each for each in (writer.strength, usual) if each is not None)})
    rows = [Row("", "default", f"{usual:g}, the run's own" if usual is not None else "the run's own")]
    rows += [Row(f"{step}", f"{step:g}", STRENGTHS.get(step, "")) for step in steps]

    def answered(strength: str | None) -> None:
        if strength is not None:
            chosen(float(strength) if strength else None)

    now = "" if writer.strength is None else f"{writer.strength}"
    app.push_screen(ChooseScreen("Strength: how far from its base to what it learned", rows, now), answered)


def offer_voices(app: App[None], desk: Desk, message: MessageLine) -> None:
    """Ask for the shelf that the model tells as, for two of them, or for none; or say why none can be chosen."""
    writer = desk.writing.now
    titles = writer.voices
    if not titles:
        message.say("This model knows no voices." if writer.opened else "The model is not open yet.")
        return
    now = known(writer.voice, titles)
    rows = [Row(f"={title}", title, "the usual one" * (i == 0)) for i, title in enumerate(titles)]
    if len(titles) > 1:
        mixed = said(now) if len(now) > 1 else "each word as one or the other would tell it"
        rows.append(Row("two", "A mixture of two", mixed))
    rows.append(Row("none", "No voice", "the shelf's line is not in view"))

    def answered(chosen: str | None) -> None:
        if chosen == "two":
            _offer_two(app, desk)
        elif chosen:
            desk.writing.choose_voice(() if chosen == "none" else ((chosen[1:], 1.0),))

    at = {0: "none", 1: "=" + said(now)}.get(len(now), "two")
    app.push_screen(ChooseScreen("Tell as", rows, at), answered)


def _offer_two(app: App[None], desk: Desk) -> None:
    """Ask for two voices, and how much of the second."""

    def first(one: str | None) -> None:
        others = [Row(title, title) for title in desk.writing.now.voices if title != one]
        if one:
            app.push_screen(ChooseScreen(f"{one} and…", others), lambda other: second(one, other))

    def second(one: str, other: str | None) -> None:
        if other:
            app.push_screen(
                AskScreen(
                    f"{one} and {other}",
                    f"How much of it is {other}, in percent?",
                    value="50",
                    check=lambda answer: "" if _percent(answer) else "A number from 1 to 99 is needed here.",
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
    """1 to 99; 0 for anything else."""
    number = text.strip().removesuffix("%").strip()
    return int(number) if number.isascii() and number.isdigit() and 0 < int(number[:3]) < 100 else 0


def offer_stories(app: App[None], desk: Desk, chosen: Callable[[Story], object]) -> None:
    """Ask for one of the written stories."""
    stories: Sequence[Story] = ()

    def rows() -> list[Row]:
        nonlocal stories
        stories = desk.keeper.store().stories()  # the last changed first
        return [Row(str(story.id), story.title) for story in stories]

    def answered(number: str | None) -> None:
        for story in stories:
            if str(story.id) == number:
                chosen(story)

    nothing = "There is no story yet: write how one begins."
    app.push_screen(ChooseScreen("Your stories", (), find=rows, nothing=nothing), answered)


def ask_title(app: App[None], now: str, named: Callable[[str], object]) -> None:
    """Ask for a title; nothing happens without one."""

    def answered(title: str | None) -> None:
        if title and title.strip():
            named(title.strip())

    app.push_screen(AskScreen("Title", "What is this story called?", enter="Rename", value=now), answered)
