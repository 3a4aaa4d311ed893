"""What the Story screen asks for in dialogs: one of the stories, one of the models, a title. Read in a thread first."""

from collections.abc import Callable

from textual.app import App

from storytime_tui.stories.story import Story
from storytime_tui.tui.bridge import in_thread
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.screens.dialogs import AskScreen, ChooseScreen, Row


async def offer_models(app: App[None], desk: Desk, chosen: Callable[[str], object]) -> bool:
    """Ask who writes; False where there is nothing to choose. Raises StorytimeError."""
    choices = await in_thread(desk.services.model_choices)
    rows = [Row(choice.name, choice.title, choice.note) for choice in choices]

    def answered(name: str | None) -> None:
        if name:
            chosen(name)

    if rows:
        app.push_screen(ChooseScreen("Write with", rows, desk.model), answered)
    return bool(rows)


async def offer_stories(app: App[None], desk: Desk, chosen: Callable[[Story], object]) -> bool:
    """Ask for one of the written stories; False where there is none. Raises StoryError."""
    stories = await desk.from_store(lambda store: store.stories())  # the last changed first
    rows = [Row(str(i), story.title) for i, story in enumerate(stories)]

    def answered(place: str | None) -> None:
        if place is not None:
            chosen(stories[int(place)])

    if rows:
        app.push_screen(ChooseScreen("Your stories", rows), answered)
    return bool(rows)


def ask_title(app: App[None], now: str, named: Callable[[str], object]) -> None:
    """Ask for a title; nothing happens without one."""

    def answered(title: str | None) -> None:
        if title and title.strip():
            named(title.strip())

    app.push_screen(AskScreen("Title", "What is this story called?", value=now), answered)
