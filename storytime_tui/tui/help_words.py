"""The texts of the help, by screen. Each number on a screen is explained here once."""

from storytime_tui.tui.help_bookshelf import BOOK, BOOKSHELF
from storytime_tui.tui.help_disk import DISK
from storytime_tui.tui.help_parts import Section, terms
from storytime_tui.tui.help_story import SIDE, STORY

LIBRARY: tuple[Section, ...] = (
    (
        "Library: choose the stories to train on",
        "The shelf holds collections, and each collection holds stories. A model trains only on ticked stories. "
        "About one ticked story in ten is held out: the model never trains on it, and its loss shows how well the "
        "model does on new stories. A story is never split between the two.",
        (
            ("space", "tick a story or a whole collection; with a filter, only the stories that it shows"),
            ("enter ↵", "read a story; open or close a collection"),
            ("← →", "close or open a collection"),
            (
                "/",
                "find the words you type: first in titles and authors, then in the texts. Quotes keep words together. "
                "The story opens where they are; escape shows all",
            ),
            ("n N", "the next place of these words in a story, or the one before"),
            (
                "← →",
                "while you read: the story before, or the next one. Each story opens where you stopped reading",
            ),
            ("b", "show the story as in its file, before cleaning; press it again for the cleaned text"),
            ("t", "go to Train with the ticked stories"),
            ("escape", "clear the filter, or return from a story to the shelf"),
        ),
    ),
    (
        "Adding stories",
        "Added files are copied; your own files stay unchanged. Licence texts and page numbers are removed, "
        "hard-wrapped lines are joined, and a book of many stories is divided. You can also drop files on the window, "
        "or paste a path, an address or a story.",
        (
            ("i", "add a text, a book (.epub, .docx, .pdf and others), a .zip, a folder, or a web address"),
            (
                "tab",
                "complete the path that you type; ↑ and ↓ choose from the names that fit, enter takes one",
            ),
            ("g", "find a book of Project Gutenberg: children's classics first, then a search of all books"),
            ("l", "show messages in full: what the last import left out, and what cannot be read"),
            ("r", "rename a collection or a story"),
            ("d", "remove a collection or a story (the delete key does the same)"),
            ("u", "restore what you removed last; on a later day, choose from a list"),
            (
                "-",
                "simplify a collection's curly quotes and dashes, or keep them: to GPT-2 a curly quote is two tokens",
            ),
        ),
    ),
    (
        "The numbers at the bottom",
        "They count the ticked stories. Tokens, windows and minutes depend on the base chosen in Train.",
        (
            ("words", "the words of all ticked stories"),
            (
                "duplicates",
                "ticked stories that are nearly the same as another ticked one: each is used once. The tree marks them "
                "“copy”",
            ),
            ("tokens", "the pieces that a model reads, often a word, sometimes part of one; an estimate"),
            ("windows", "the training examples: pieces of the text, each of a fixed number of tokens"),
            ("min to train", "the training time on this machine, with the plan that Train suggests"),
        ),
    ),
)

TRAIN: tuple[Section, ...] = (
    (
        "Train: train a model on the stories",
        "The model predicts each next token of the stories. After each step its weights change a little, so that the "
        "next predictions are better.",
        (
            ("s", "start the run; during training: tell a sample now"),
            ("p", "pause or continue"),
            ("x", "stop, and save a checkpoint"),
            ("r", "resume a stopped or interrupted run, also one of an earlier day"),
            ("c", "save a checkpoint and continue"),
            ("w", "write a story with the model as it is now"),
            (
                "← →",
                "show earlier or later samples: the model continues the same two beginnings each time. One is from a "
                "held-out story",
            ),
            ("b", "show the sample of the other beginning (if only one is shown)"),
            ("m", "train for more epochs (after the run, also one of an earlier day)"),
            ("n", "plan a new run (after the run)"),
            ("h", "how it learns: a held-out passage before and after training, word by word"),
            ("g", "the glossary: what the terms mean"),
            ("v", "show the last run (from the plan)"),
            ("0", "in the plan: watch a tiny new model learn from nothing, in about a minute"),
            ("o", "in the plan: all options, in groups; what you change there is kept when you go back"),
            ("f", "in the plan: start from the plan of an earlier run or of a TOML file"),
            ("e", "in the plan: save the plan to a TOML file, which train --plan reads"),
            ("l", "in the plan: test learning rates on a copy of the base, and take over the suggestion"),
            ("↑ ↓", "scroll the sample"),
            ("z", "read and zoom the loss chart; escape returns"),
            (
                "escape",
                "leave a field of the plan, so that these keys work; from a run opened in Runs, back to Runs",
            ),
        ),
    ),
    (
        "The loss chart",
        "The line is the training loss, smoothed; each step's own loss is a faint dot. The dots with a line are the "
        "validation loss, the star its best. These keys work after z, or after a click on the chart.",
        (
            ("← →", "read the losses at another step; home and end: the first and the last"),
            ("+ -", "zoom in and out; the wheel does the same"),
            ("shift+← →", "move along the axis; dragging does the same"),
            ("0", "show the whole run"),
            ("l", "a logarithmic loss axis, or a linear one"),
            ("t", "by step, by tokens or by time"),
            ("esc", "return to the run's keys"),
        ),
    ),
    (
        "The plan",
        "",
        (
            (
                "base",
                "the model to start from. The starter tells simple stories and adapts in minutes; the scratch models "
                "learn from your stories alone; the others are downloaded and have read far more English",
            ),
            *terms("epoch", "learning rate", "window"),
            (
                "preset",
                "values for several options at once. An empty field shows the value that the run will have; what you "
                "type replaces it",
            ),
            (
                "find rate",
                "the learning rate rises from step to step, and the chart shows the loss. The suggestion is a tenth of "
                "the rate with the lowest loss (L. Smith's range test)",
            ),
        ),
    ),
    (
        "The numbers",
        "",
        (
            *terms(
                "loss",
                "validation",
                "best",
                "voice",
                "perplexity",
                "bits per byte",
                "word frequency",
                "tokens/s",
                "gradient norm",
            ),
            (
                "time left",
                "until the last step, with the evaluations, samples and checkpoints between. It is measured during the "
                "first steps, and shown once it holds still. The voice is measured afterwards",
            ),
            (
                "memory",
                "the memory in use, and what the run may take. On a processor it is all of this program's memory, a "
                "model that you write with included",
            ),
            (
                "copied",
                "the share of the told passages' eight-word sequences that stand in the training stories",
            ),
            (
                "share of peak",
                "how much of the GPU's highest speed the training reaches (MFU), where it is known",
            ),
        ),
    ),
)

RUNS: tuple[Section, ...] = (
    (
        "Runs: everything that was trained",
        "Each line is one run, the newest first. The lines below the table say more about the run under the cursor.",
        (
            (
                "enter ↵",
                "open the run on the Train screen: its curve, its samples and its outcome. A run that another process "
                "trains is shown live, and the keys of Train steer it",
            ),
            ("w", "write a story with the run's model"),
            ("r  m", "resume the run, or train the finished run for more epochs"),
            ("o  O", "sort by the next column, or the other way round; a click on a title sorts by it"),
            ("p", "pin the run: the run under the cursor is compared with it"),
            ("space", "mark the run: its curve is laid over the others (at most four)"),
            ("c", "show all that differs between the pinned, marked and chosen runs"),
            ("e", "rename the run"),
            ("n", "write a note about the run; a * behind its name shows that it has one"),
            ("x", "export the run's model to a folder, for other programs"),
            ("h", "how it learns: a held-out passage before and after training, word by word"),
            ("d", "remove the run (the delete key does the same); it is kept for thirty days"),
            ("u", "restore the run that you removed last; on a later day, choose from a list"),
            ("D", "see what takes room on the disk, clear it, or make a backup"),
            ("/", "show only runs that match words or a query"),
            ("escape", "clear the filter; then unpin and unmark"),
        ),
    ),
    (
        "Queries",
        "A run must match every term. A word is looked for in its name, base, shelves and note.",
        (
            ("base:starter", "the text has this part; base=starter is the whole text"),
            ("rate>1e-4", "also >= < <= for numbers and dates; every option of the plan is a field"),
            ("loss:3.1", "the number, rounded as it is typed"),
            ("date>2026-11", "after that month; also 2026 or 2026-11-28"),
            ("-state:failed", "not this"),
            (
                "fields",
                "name, base, shelves, state, note, loss, perplexity, voice (75% or 18/24), steps, tokens (60k), time "
                "(10min), size (15MB), date, and the plan's options",
            ),
        ),
    ),
    (
        "The columns",
        "A narrow terminal shows fewer of them.",
        (
            ("base", "the model that the run started from"),
            ("shelves", "the collections that the run trained on"),
            ("loss", "the best validation loss: on held-out stories; lower is better"),
            ("voice", "19/24: of 24 told passages, 19 sound like the shelf"),
            ("steps", "the training steps done, and how many are planned"),
            ("tokens", "training tokens read so far"),
            ("time", "time spent in training"),
            ("size", "all files of the run on the disk"),
            ("date", "when the run started"),
            (
                "state",
                "training, paused, finished, stopped (by you), failed, interrupted (the program ended before the run), "
                "or damaged (its files cannot be read). Stopped, failed and interrupted runs can be resumed",
            ),
        ),
    ),
)

EVERYWHERE: tuple[Section, ...] = (
    (
        "On every screen",
        "",
        (
            ("1 2 3 4", "Library, Train, Story, Runs"),
            ("F2 F3 F4 F5", "the same, also while you type"),
            (
                "? or F1",
                "this help; F1 works in dialogs and fields too. It begins with the part that you are in",
            ),
            (",", "the settings: colours, this computer, how it tells"),
            ("ctrl+p", "find a command, a collection, a story, a run, a model or a setting"),
            ("ctrl+q", "quit; a run saves a checkpoint first"),
            ("tab", "the next field"),
            (
                "j k",
                "down and up in lists and texts, as in vim; g G the first and the last line, ctrl+d ctrl+u half a "
                "screen. A letter that means something else on a screen keeps that meaning",
            ),
        ),
    ),
)

LEARNS: tuple[Section, ...] = (
    (
        "How it learns, word by word",
        "The passage is the opening of a held-out story, which the run never trained on. Each token is tinted by its "
        "probability under the model: the stronger the tint, the less the model expected it. On the left stands the "
        "base, on the right the best checkpoint; each side can show any model of the run. Nothing here changes the "
        "run, and it works while the run trains.",
        (
            ("← → ↑ ↓", "move from token to token; below stand the ten likeliest tokens at its place"),
            ("tab", "choose the other model, for the next keys"),
            ("- +", "an earlier or a later checkpoint"),
            ("v", "show the chosen model alone, or both"),
            ("o", "a passage of another held-out story"),
            ("t T", "lower or raise the temperature. The bars show what the sampler would draw from"),
            (
                "p P",
                "lower or raise top-p. Tokens that are cut off are faint, with the model's own probability",
            ),
            ("m M", "lower or raise min-p"),
            ("a", "the settings that stories are told with; again: the model's own probabilities"),
            ("n", "the guessing game: you, the base and the run guess the next words"),
            ("s", "one step: what a single training step does to the loss of each token of a window"),
            ("g", "the glossary, at the term that belongs to the last key"),
            ("escape", "back to the run"),
        ),
    ),
    (
        "The figures",
        "",
        terms("token", "probability", "surprise", "rank", "loss", "temperature", "top-p", "min-p"),
    ),
)

HELP = {
    "library": LIBRARY,
    "train": TRAIN,
    "story": STORY,
    "runs": RUNS,
    "learns": LEARNS,
    "bookshelf": BOOKSHELF,
    "book": BOOK,
    "map": STORY,
    "side": SIDE,
    "disk": DISK,
}
