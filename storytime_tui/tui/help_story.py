"""The help of the Story screen."""

from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.knobs import table
from storytime_tui.tui.help_parts import Section, terms

_SETTINGS = ("temperature", "top_p", "min_p", "repetition", "bias", "banned", "stop", "max_tokens")

STORY: tuple[Section, ...] = (
    (
        "Story: write together with a model",
        "Write a line and press Enter: the line joins the story, and the model continues. The model's words are "
        "tinted. Your line starts a new paragraph, unless the story stops within a sentence or your line starts with "
        "a small letter. Everything is saved as you type.",
        (
            ("enter", "send your line; with an empty line, the model just continues"),
            (
                "ctrl+j",
                "start a new line in what you write; before your first word: a new paragraph of the story",
            ),
            (
                "↑",
                "on a blank page: three openings, told by the model and not copied from its training stories. Enter or "
                "1 2 3 takes one, t tells three others, escape returns to your line",
            ),
            (
                "escape",
                "stop the model and keep its words; otherwise leave your line, so that these keys work:",
            ),
            ("m", "choose the model"),
            *terms("strength", key="s"),
            (
                "v",
                "choose the voice: one of the model's shelves, a mixture of two, or none. It applies to the next words "
                "and is saved with the story. The model sees a line that names the shelf; the story does not show it",
            ),
            ("f", "while the model is the run in training: tell with its newest weights"),
            ("+ -", "tell more or less at once: a sentence, a paragraph, a page"),
            ("t", "tell at reading speed, or as fast as the model can"),
            ("k", "show who wrote what in colours, or not"),
            ("b", "on a blank page: the three openings"),
            (
                "i",
                "under the bonnet: for each word how likely it was, and what else might have come (see below)",
            ),
            ("n  o  R", "new story; the bookshelf with all stories; rename this story"),
            ("/", "find words in the story, and replace them"),
            ("c", "mark the model's words that stand in its training stories, or not"),
            ("C", "show where the chosen passage's copied words stand"),
            ("A", "avoid copying from the next words on, or allow it again"),
            (",", "the settings, at those that say how it tells"),
            (
                "p",
                "the panel: how the story is told, its memory, the author's note. It stands beside the page from 120 "
                "columns on; there p hides or shows it, and tab goes into it from your line",
            ),
        ),
    ),
    (
        "Passages, takes and branches",
        "The story is made of passages, yours and the model's. With the focus on the page, ↑ and ↓ choose one; at "
        "first it is the last. Nothing is overwritten: another take or an edit begins a new "
        "branch, and the old one stays.",
        (
            (
                "r",
                "tell the chosen passage again. ‹ 2 of 3 › says which take is shown, and how many there are",
            ),
            (
                "a",
                "three takes: three ways to go on, told at once. The story goes on with the first",
            ),
            (
                "x",
                "side by side: several models, strengths or voices go on with the same text, and you take one",
            ),
            ("alt+← alt+→", "the take before, the next take"),
            ("alt+↑ alt+↓", "go back by a passage, go on by a passage"),
            (
                "e",
                "edit the chosen passage in its place. Escape keeps the changes, and what follows; ctrl+b ends the "
                "story there; ctrl+r lets the model rewrite the selected words, or the sentence at the cursor",
            ),
            ("u  y", "undo or redo the last act, whatever it was, as far back as you like"),
            ("g", "the map of the branches: go to one, name it (n), mark it (m), prune it (d)"),
            ("w  W", "copy the chosen passage, or the whole story, to the clipboard"),
        ),
    ),
    (
        "The panel, and the bar below your line",
        "What you change in the panel is used from the next words on, and saved as you type. Escape returns to where "
        "you were.",
        (
            ("↑ ↓  tab", "go to another row or field"),
            ("enter ↵  ← →", "change the row: in a dialog, or to the next value"),
            ("seed", "empty: a new one each time; with a number, the same text gives the same words"),
            ("banned", "words and phrases that are never told, with commas between them"),
            (
                "memory",
                "always in the model's view, before the story. The characters, title and tone stand as in training. "
                "It may take half of the window",
            ),
            (
                "author's note",
                "a hint to the model, placed before the last lines of the story. The story does not show it",
            ),
            (
                "the bar",
                "the model's window: the tokens of the voice's line, the memory, the note and the story in it. If the "
                "story is longer, a rule on the page shows where the model's view begins",
            ),
        ),
    ),
    (
        "Finding words",
        "Words are found while you type them, in any case and with or without accents. The place that is "
        "shown is marked more strongly than the others.",
        (
            ("enter ↵  ↑ ↓", "the next place, or the one before"),
            ("tab", "the field for the words that replace them; empty: nothing replaces them"),
            ("ctrl+r", "replace this place"),
            ("ctrl+a", "replace all places: one new branch, which u takes back"),
            ("ctrl+e", "case and accents as you typed them, or any"),
            ("ctrl+l", "whole words only, or parts of words too"),
            ("escape", "close the bar; the story stays at this place"),
        ),
    ),
    (
        "Copied words",
        "A run of 8 words or more that stands word for word in a training story counts as copied. The line above the "
        "prompt tells of the chosen passage. What the starter and other bases learned from is not known.",
        (
            ("40%", "the share of the passage's words that are copied"),
            (
                "longest run",
                "the most words in a row that stand in a training story; fewer than 8 are common by chance",
            ),
            ("word 340", "where the run begins in that story"),
        ),
    ),
    (
        "Under the bonnet",
        "The model reads the story as it sees it: with the memory, the author's note and the voice. Each word has its "
        "probability and its rank among all words; below stand the ten likeliest. A token may be a part of a word.",
        (
            (
                "← →  ↑ ↓",
                "move by words and rows; a click moves there. home and end: the first and the last word",
            ),
            (
                "1 to 9, 0",
                "put another word there: a new branch begins, and the model goes on. (end) ends the story there. u "
                "takes it back",
            ),
            ("enter ↵", "choose in the list with ↑ ↓; enter takes the word, escape leaves the list"),
            ("c", "colour the words by surprise"),
            (
                "b",
                "what training taught: words that the run, or its base, finds at least twice as likely as the other "
                "does",
            ),
            ("escape", "return to the page"),
        ),
    ),
    (
        "The sampler settings",
        "A model gives every token a probability. The settings control how the next token is chosen. The list shows "
        "all of them with their values, in groups; a ● marks those that differ from the preset's.",
        (
            ("enter ↵  space", "turn a setting on or off, or type its value in the field below the list"),
            ("/", "find a setting by its letters"),
            ("r  a", "give one setting, or all, the preset's value"),
            (
                "p",
                "take the next preset: steady, lively, wild or exact. It keeps your words, stops, lengths and seed",
            ),
            ("escape", "leave the field, or close; changes are kept"),
            *((knob.label, knob.line) for name, knob in table(SamplerSettings).items() if name in _SETTINGS),
            ("seed", "the same seed and text give the same words; 0 uses a new seed each time"),
        ),
    ),
)

SIDE: tuple[Section, ...] = (
    (
        "Side by side: models on one text",
        "Each column is a model at a strength, in a voice. All have the same text, memory, author's note, sampler "
        "settings and seed, so what differs is what the models learned. Nothing is saved before you take a column.",
        (
            ("← →", "choose a column; on a narrow terminal one is shown at a time"),
            ("↑ ↓", "scroll the chosen column"),
            (
                "enter",
                "go on with the chosen column; the others are kept as takes beside it (alt+← and alt+→ leaf)",
            ),
            ("r", "tell all again with another seed"),
            ("m  s  v", "another model, strength or voice in the chosen column"),
            ("+ -", "add a column, three at most, or remove the chosen one"),
            ("escape", "stop; then go back to the story, which stays as it was"),
        ),
    ),
)
