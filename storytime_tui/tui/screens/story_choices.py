"""What the Story screen asks for in dialogs: one of the stories, one of the models, a title.

A dialog is open at once, with what was known last; what there is now is read in a thread and comes after it.
"""

from collections.abc import Callable, Sequence

from textual.app import App

from storytime_tui.models.catalogue import bases
from storytime_tui.stories.story import Story
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.screens.dialogs import AskScreen, ChooseScreen, Row


def has_to_be_fetched(model: str) -> bool:
    """Whether it is a base that does not come with the program."""
    return any(base.download and base.name == model for base in bases())


def offer_models(app: App[None], desk: Desk, chosen: Callable[[str], object]) -> None:
    """Ask who writes."""

    def rows() -> list[Row]:
        return [Row(choice.name, choice.title, choice.note) for choice in desk.look_for_models()]

    def answered(name: str | None) -> None:
        if name:
            chosen(name)

    known = [Row(choice.name, choice.title, choice.note) for choice in desk.known_models]
    nothing = "There is no model yet: train one (F3)."
    app.push_screen(ChooseScreen("Write with", known, desk.model, find=rows, nothing=nothing), answered)


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

    app.push_screen(AskScreen("Title", "What is this story called?", value=now), answered)
