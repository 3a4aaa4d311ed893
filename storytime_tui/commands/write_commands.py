"""The commands of `storytime-tui write`: lines that begin with a slash."""

import dataclasses
import difflib
import re
from collections.abc import Callable
from pathlib import Path

from storytime_tui.commands.output import say, strength_of, values_of
from storytime_tui.commands.tables import cut, print_table
from storytime_tui.commands.write_loop import Loop
from storytime_tui.errors import Misused, PlanError, StoryError
from storytime_tui.generation import voice as voices
from storytime_tui.generation.sampling.presets import PRESETS, preset_of, with_preset
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs import generate
from storytime_tui.jobs.told_record import last_told, told_line
from storytime_tui.knobs import table, text_of, with_values
from storytime_tui.stories import history
from storytime_tui.stories.export.write import write_story
from storytime_tui.stories.naming import find_story
from storytime_tui.stories.pages import listed
from storytime_tui.stories.search import search
from storytime_tui.stories.steering import memory_text
from storytime_tui.stories.tree import go_to_branch
from storytime_tui.terminal import printable, printable_line, printable_path

_NOTHING = "none"  # empties a memory or a note
_LISTED = 20  # stories, and places that were found
_SHORT = 400  # characters of the story's end after a step


def obey(loop: Loop, line: str) -> None:
    """Do what a line with a slash says. Raises StorytimeError, for an unknown command too."""
    name, _, rest = line.strip()[1:].partition(" ")
    command = COMMANDS.get(name.casefold())
    if command is None:
        near = difflib.get_close_matches(name.casefold(), [*COMMANDS, "quit"], n=1)
        meant = f" Did you mean /{near[0]}?" if near else ""
        raise Misused(
            f"There is no command /{printable_line(name)[:40]}.{meant} /help lists them; a line that begins with // "
            "is written into the story with one slash."
        )
    command[0](loop, rest.strip())


# -- steps and takes --------------------------------------------------------------------------------------------


def _undo(loop: Loop, rest: str) -> None:
    _step(loop, history.undo, "There is nothing to undo.")


def _redo(loop: Loop, rest: str) -> None:
    _step(loop, history.redo, "There is nothing to redo.")


def _step(loop: Loop, step: Callable[..., object], nothing: str) -> None:
    story = loop.the_story("undo")
    before = loop.store.story(story.id).head
    step(loop.store, story.id)
    if loop.store.story(story.id).head == before:
        raise StoryError(nothing)
    loop.show_end(_SHORT)


def _again(loop: Loop, rest: str) -> None:
    last = loop.takes()[0]
    loop.tell(after=last.parent)


def _takes(loop: Loop, rest: str) -> None:
    present = loop.passages[-1:] and loop.passages[-1].id
    for number, take in enumerate(loop.takes(), 1):
        mark = "*" if take.id == present else " "
        print(f"{mark} {number}  {cut(' '.join(take.text[:400].split()), 70)}")


def _take(loop: Loop, rest: str) -> None:
    takes = loop.takes()
    if not (rest.isascii() and rest.isdigit() and 1 <= int(rest) <= len(takes)):
        raise Misused(f"/take needs a number from 1 to {len(takes)}: /takes lists them.")
    go_to_branch(loop.store, loop.the_story("take").id, takes[int(rest) - 1].id)
    loop.show_end(_SHORT)


# -- the story --------------------------------------------------------------------------------------------------


def _title(loop: Loop, rest: str) -> None:
    if rest:
        loop.rename(" ".join(rest.split()))
    say(f"Title: {loop.title}")


def _read(loop: Loop, rest: str) -> None:
    loop.the_story("read")
    loop.show_end(most=10**9, asked=True)


def _told(loop: Loop, rest: str) -> None:
    last = last_told(loop.passages)
    if last is None:
        raise StoryError("No passage of this story was told by a model yet.")
    print(printable_line(f"The last passage of the model was {told_line(last)}."))


def _stories(loop: Loop, rest: str) -> None:
    stories = listed(loop.store)
    if not stories:
        raise StoryError("There are no stories yet.")
    rows = [(str(each.story.id), each.story.title, f"{each.words:,}") for each in stories[:_LISTED]]
    print_table([("id", "title", "words"), *rows], right={0, 2}, widest=50)
    if len(stories) > _LISTED:
        say(f"These are the {_LISTED} changed last of {len(stories):,}; /find WORDS finds others.")


def _open(loop: Loop, rest: str) -> None:
    if not rest:
        raise Misused("/open needs the id or the exact title of a story: /stories lists them.")
    loop.go_to(find_story(loop.store, rest))


def _new(loop: Loop, rest: str) -> None:
    loop.go_to(None)
    if rest:
        loop.rename(" ".join(rest.split()))
    say("A new story: type how it begins.")


def _export(loop: Loop, rest: str) -> None:
    story = loop.the_story("export")
    if not rest:
        raise Misused("/export needs the name of a file that ends in .txt, .md, .html, .epub or .json.")
    say(f"Exported to {printable_path(write_story(loop.store, story.id, Path(rest)))}.")


def _find(loop: Loop, rest: str) -> None:
    if not rest:
        raise Misused("/find needs words to look for in all stories.")
    found = search(loop.store, rest.split(), _LISTED)
    if not found.total:
        raise StoryError("No story has all of these words.")
    for hit in found.hits:
        print(f"{hit.story.id}  {cut(hit.story.title, 50)}: {printable_line(hit.context)}")
    if found.total > len(found.hits):
        say(f"These are the {len(found.hits)} changed last of {found.total:,} stories.")


# -- how it is told ---------------------------------------------------------------------------------------------


def _memory(loop: Loop, rest: str) -> None:
    if rest:
        memory = "" if rest.casefold() == _NOTHING else rest
        steering = dataclasses.replace(loop.steering, memory=memory)
        loop.steer(steering if memory else dataclasses.replace(steering, characters="", title="", tone=""))
    memory = memory_text(loop.steering)
    say(f"Memory: {printable(memory)}" if memory else "The memory is empty.")


def _note(loop: Loop, rest: str) -> None:
    if rest:
        loop.steer(dataclasses.replace(loop.steering, note="" if rest.casefold() == _NOTHING else rest))
    note = loop.steering.note
    say(f"Author's note: {printable_line(note)}" if note else "There is no author's note.")


def _model(loop: Loop, rest: str) -> None:
    if not rest:
        for choice in generate.choices():
            print(printable_line(f"{choice.name}: {choice.note}"))
        say(f"The story is told by {printable_line(loop.open().name)}.")
        return
    say(f"Told by {printable_line(loop.choose(model=rest, strength=None).name)} from now on.")


def _voice(loop: Loop, rest: str) -> None:
    teller = loop.open()
    if rest:
        voice = tuple(part.strip() for part in rest.split("+"))
        voices.check_asked(voice)
        voices.asked_for(voice, teller.voices)  # else the next telling would fail
        loop.options = dataclasses.replace(loop.options, voice=voice)
    elif not teller.voices:
        raise StoryError(f"{printable_line(teller.name)} has no voices.")
    else:
        print("\n".join(map(printable_line, teller.voices)))
    say(f"Voice: {printable_line(voices.describe(loop.voice(teller)) or 'none')}")


def _strength(loop: Loop, rest: str) -> None:
    if rest:
        strength = strength_of(rest)
        loop.choose(model=loop.open().name, strength=strength)
    say(f"Strength: {loop.open().strength:g}")


def _settings(loop: Loop, rest: str) -> None:
    settings, seeded = loop.options.settings, loop.options.seeded
    knobs = table(SamplerSettings)
    try:
        if rest.casefold() in PRESETS:
            settings = with_preset(settings, rest)
        elif rest:
            values = values_of(re.split(rf"\s+(?=(?:{'|'.join(knobs)})=)", rest))
            settings = with_values(settings, values)
            seeded = settings.seed > 0 if "seed" in values else seeded
    except PlanError as error:
        raise Misused(str(error).replace("--set", "/settings")) from error
    loop.options = dataclasses.replace(loop.options, settings=settings, seeded=seeded)
    usual = SamplerSettings()
    changed = [name for name in knobs if getattr(settings, name) != getattr(usual, name)]
    print(preset_of(settings) or "custom")
    for name in changed:
        print(f"{name}={printable_line(text_of(settings, name))}")


def _help(loop: Loop, rest: str) -> None:
    print("A line is added to the story, and the model goes on. An empty line lets it")
    print("go on. Ctrl+C stops it, and its words stay.")
    width = max(len(f"/{name} {what}") for name, (_, what, _) in COMMANDS.items())
    for name, (_, what, line) in COMMANDS.items():
        print(f"{f'/{name} {what}'.strip():<{width}}  {line}")
    print(f"{'/quit':<{width}}  quit; everything is saved")


COMMANDS: dict[str, tuple[Callable[[Loop, str], None], str, str]] = {
    "undo": (_undo, "", "take back the last step"),
    "redo": (_redo, "", "take the undone step again"),
    "again": (_again, "", "another take of the model's last words; the earlier ones are kept"),
    "takes": (_takes, "", "list the takes of the last words"),
    "take": (_take, "N", "choose one of them"),
    "read": (_read, "", "print the whole story"),
    "told": (_told, "", "say how the model's last words were told"),
    "title": (_title, "TITLE", "rename the story"),
    "memory": (_memory, "TEXT", "what the model always sees before the story; none empties it"),
    "note": (_note, "TEXT", "what it sees a few lines before the end; none empties it"),
    "model": (_model, "NAME", "choose another model, or list them"),
    "voice": (_voice, "TITLE", "choose a voice, two with + between, or none; or list them"),
    "strength": (_strength, "S", "how far from the base towards the run, 0 to 2"),
    "settings": (_settings, "K=V", "a sampler setting, or a preset: " + ", ".join(PRESETS)),
    "stories": (_stories, "", "list the stories"),
    "open": (_open, "STORY", "go on with another story, named by its id or title"),
    "new": (_new, "TITLE", "begin a new story"),
    "find": (_find, "WORDS", "find stories by words"),
    "export": (_export, "FILE", "write the story to a .txt, .md, .html, .epub or .json file"),
    "help": (_help, "", "list the commands"),
}
