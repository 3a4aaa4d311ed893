"""The help's first section: the part of the screen that has the focus, and its own keys."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from textual.binding import Binding
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Button, Input, TextArea

from storytime_tui.knobs import table
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.tui.help_parts import Section

_TYPING = ("letters", "are text here; escape leaves the field, F1 to F5 work all the same")
_TYPING_IN_DIALOG = ("letters", "are text here; F1 shows this help all the same")

# by the id of a widget, or by the name of its class: what it is called, and what it is for
PARTS: Mapping[str, tuple[str, str]] = {
    "tree": ("the shelf", "All collections and their stories. A model trains on the ticked ones."),
    "reading": ("the story", "The story under the cursor, as a model will read it."),
    "FilterField": ("the search", "The list shows what has the words that you type."),
    "bases": ("the base", "The model that training starts from. ↑ and ↓ choose; the right side says what it means."),
    "other": ("another base", "A model of the Hugging Face Hub such as gpt2-medium, a folder, or a run of yours."),
    "run-name": ("the run's name", "How the run is called in Runs and when you write. Empty: made from the shelf."),
    "preset": ("the preset", "Values for several options at once: quick, balanced, thorough and others."),
    "start": ("Start training", "Enter starts the run with the plan above, as s does."),
    "look": ("Watch one learn", "Enter starts a tiny new model that learns from nothing, in about a minute."),
    "SelectOverlay": ("the presets", "Values for several options at once. Enter takes one, escape none."),
    "knobs": ("the options", "Every option with its value. ● marks those that you changed."),
    "knob-value": ("the value", "Type another value; enter keeps it. The line below says what it may be."),
    "_Filter": ("the search", "The list shows the options that have the words that you type."),
    "chart": ("the loss chart", "Lower is better. The line is training, the dots with a line are validation."),
    "RunPanel": ("the run", "The loss above, samples of what the model tells below. The model keeps learning."),
    "SampleText": ("the sample", "What the model told at this step. Later ones should sound more like the shelf."),
    "prompt": ("your line", "Write a line, or nothing, and press enter: the model goes on from there."),
    "page": ("the page", "The story. The model's words are tinted; one passage can be chosen."),
    "openings": ("openings", "Three ways to begin, told by the model. Enter takes one."),
    "find-words": ("find", "The words to find in this story."),
    "find-other": ("replace", "What the found words are replaced with."),
    "aside-stories": ("your stories", "The stories you wrote. Enter opens one."),
    "MapList": ("the branches", "The ways that the story took. Enter goes to one; nothing is lost."),
    "row-model": ("the model", "The model that tells. Enter lists all models."),
    "row-strength": ("strength", "How far the model goes from its base to what it learned; 1 is what it learned."),
    "row-voice": ("voice", "The shelf that the model tells like. Models that learned several shelves have several."),
    "row-preset": ("the preset", "How boldly the model chooses its words."),
    "row-sampler": ("sampler settings", "How the next word is chosen. Enter opens all settings."),
    "row-length": ("length", "How much the model tells at once."),
    "row-depth": ("the note's depth", "How many tokens before the end of the story the note stands."),
    "panel-seed": ("the seed", "The same seed tells the same words again. Empty: other words each time."),
    "panel-banned": ("banned words", "Words and phrases that the model never tells, with commas between."),
    "MemoryFields": ("memory", "What the model always has in view, however long the story grows."),
    "NoteFields": ("the author's note", "A hint near the end of the story, such as: it grows dark."),
    "PassageEditor": ("the passage", "Change the passage as any text; ctrl+r lets the model rewrite a sentence."),
    "run-list": ("the runs", "Every run, the newest first. The lines below say more about the one under the cursor."),
    "story-list": ("the stories", "Every story of yours. The pane shows its first lines."),
    "StoryPreview": ("the first lines", "The beginning of the story under the cursor."),
    "StoryInspect": ("the words", "How likely each word was to the model, and what else might have come."),
    "PassagePair": ("the passage", "Each token is tinted by its surprise: the stronger, the less expected."),
    "PathField": ("the path", "A file, a folder or a web address. tab completes a path."),
    "query": ("the search", "Words of a title, an author, or a book's number."),
    "part-list": ("the parts", "What the files hold that is in no story. Enter makes a story of a part."),
    "disk-list": ("the list", "What takes room on the disk, and how much. c clears the part under the cursor."),
    "help-words": ("the help", "What this screen does, its keys, and what its numbers mean."),
    "SheetView": ("the text", "The text in full."),
    "ChoiceList": ("the choice", "Enter takes the line under the cursor."),
    "GlossaryList": ("the terms", "What each term means."),
    "palette-query": ("the commands", "Type a part of a command, a title, a run or a setting; enter takes the first."),
    "answer": ("the answer", "Type the answer; enter takes it, escape leaves all as it is."),
}  # fmt: skip


def part_in_use(screen: Screen[Any]) -> Section | None:
    """What the focused part of a screen is, and the keys of its own; None if no part has the focus."""
    focused = screen.focused
    if focused is None:
        return None
    name, about = _part(focused)
    typing = isinstance(focused, Input | TextArea)
    rows = [*_keys(screen), *([_TYPING_IN_DIALOG if screen.is_modal else _TYPING] if typing else [])]
    return f"You are here: {name}", about, tuple(rows)


def _part(focused: Widget) -> tuple[str, str]:
    for node in focused.ancestors_with_self:
        if isinstance(node, Screen):
            break
        knob = table(TrainingPlan).get((node.id or "").removeprefix("knob-"))
        if knob is not None and (node.id or "").startswith("knob-"):
            line = knob.line[:1].upper() + knob.line[1:]
            return knob.label or knob.name.replace("_", " "), f"{line}. Empty: the value that is shown."
        for key in (node.id or "", type(node).__name__, *(base.__name__ for base in type(node).__mro__[1:4])):
            if key in PARTS:
                return PARTS[key]
    if isinstance(focused, Button):
        return str(focused.label), "Enter presses it."
    if isinstance(focused, Input | TextArea):
        return "this field", "What you type here takes effect with enter."
    return "this part", "Its keys:"


def _keys(screen: Screen[Any]) -> Iterator[tuple[str, str]]:
    """The keys of the focused part, each once; those of vim in one row."""
    actions: dict[str, tuple[list[str], str]] = {}
    moves: list[str] = []
    vim: list[str] = []
    shown = [
        active.binding
        for active in screen.active_bindings.values()
        if active.binding.id and active.node not in (screen, screen.app) and active.enabled
    ]
    alone = [_alone(screen, binding) for binding in shown]
    for place, binding in enumerate(shown):
        assert binding.id is not None
        sign = str(screen.app.get_key_display(binding))
        others = alone[:place] + alone[place + 1 :]
        if any(other in sign for other in others if other != alone[place]):
            sign = alone[place]  # the last line of a screen writes two keys for one, but here each has a row
        if ".vim_" in binding.id:
            vim.append(sign)
        elif binding.id.startswith("list."):
            moves.append(sign)
        else:
            actions.setdefault(binding.action, ([], binding.tooltip))[0].append(sign)
    for signs, meaning in actions.values():
        yield " ".join(dict.fromkeys(signs)), meaning[:1].lower() + meaning[1:]
    if moves:
        yield " ".join(moves), "move in the list"
    if vim:
        yield " ".join(vim), "move too, as in vim"


def _alone(screen: Screen[Any], binding: Binding) -> str:
    """The sign of this key, without the others that its binding is written with."""
    return str(screen.app.get_key_display(replace(binding, key_display=None)))
