"""The words of the help, screen by screen. It also teaches: each number shown is explained here once."""

from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.knobs import table

_SETTINGS = ("temperature", "top_p", "min_p", "repetition", "max_tokens")
Rows = tuple[tuple[str, str], ...]
Section = tuple[str, str, Rows]  # title, introduction, (key or number, meaning)

LIBRARY: tuple[Section, ...] = (
    (
        "Library: what to learn from",
        "The shelf holds collections, and each collection holds stories. A model learns only from what is ticked. "
        "Stories are never cut apart between learning and checking: about one in ten is kept aside, whole, to see "
        "how well the model does on stories it has not read.",
        (
            (
                "space",
                "tick a story, or a whole collection; with a filter on, those of its stories that are shown",
            ),
            ("enter ↵", "read a story; open or close a collection"),
            ("← →", "close or open a collection"),
            ("/", "show only what holds the words you type, in titles and authors; escape shows all"),
            ("b", "the story as its file has it, before it was cleaned; again: as a model learns it"),
            ("t", "go on to Train with what is ticked"),
            ("escape", "show all titles again, or go back from a story to the shelf"),
        ),
    ),
    (
        "Bringing stories in",
        "What you bring in is copied: your own files stay as they are. Licence texts, page numbers and the like are "
        "taken out, hard-wrapped lines are joined, and a book of many tales is divided into them. You can also drop "
        "files on the window, or paste a path, an address, or a story itself.",
        (
            (
                "i",
                "import a file (.txt .md .html .epub), a .zip or a folder of them, or an address on the web",
            ),
            (
                "g",
                "fetch a book of Project Gutenberg: a list of children's classics, and a search of all of it",
            ),
            ("l", "what the last import left out, what cannot be read, and any long remark, in full"),
            ("r", "another title for a collection or a story"),
            ("d", "remove a collection or a story (delete does so, too)"),
            ("u", "bring back what was removed last; or choose from what was removed on an earlier day"),
            (
                "-",
                "whether a collection's quotes and dashes are made plain, or stay as written: GPT-2 reads a "
                "curly quote as two tokens",
            ),
        ),
    ),
    (
        "The numbers below",
        "They are about what is ticked, and about the base that is chosen in Train.",
        (
            ("words", "of all ticked stories together"),
            (
                "told twice",
                "a story that another ticked one tells as well, word for word or nearly: it is learned once. In the "
                "tree it is marked “again”",
            ),
            (
                "tokens",
                "the pieces a model reads: often a word, sometimes a part of one. About, since it "
                "depends on the base",
            ),
            (
                "windows",
                "how many pieces of training that makes: a model learns one window of tokens at a time",
            ),
            ("min to learn", "how long that takes on this machine, with the plan as Train proposes it"),
        ),
    ),
)

TRAIN: tuple[Section, ...] = (
    (
        "Train: learning from the stories",
        "Learning means guessing the next token of the stories, over and over, and changing the model a little "
        "after each guess so that it is less surprised the next time.",
        (
            ("s", "start; while it learns: tell a sample now"),
            ("p", "pause, and go on"),
            ("x", "stop and keep: a checkpoint is saved"),
            ("r", "go on with a run that was stopped or cut off, the last one of an earlier day too"),
            ("c", "save a checkpoint and go on"),
            ("w", "write a story with what it has learned so far"),
            (
                "← →",
                "go through the samples: the same two beginnings, told anew as the model learns. One is the first "
                "words of a story that it does not learn from",
            ),
            ("b", "the sample from the other beginning (where one is shown at a time)"),
            ("m", "more epochs (when this run is over, of an earlier day too)"),
            ("n", "a new run: back to the plan (when this one is over)"),
            ("v", "look at the last run again (from the plan)"),
            ("↑ ↓", "scroll the sample"),
            ("escape", "leave a field of the plan, so that these keys work"),
        ),
    ),
    (
        "The plan",
        "",
        (
            (
                "base",
                "what it begins as. The starter tells simple stories already and bends to yours in minutes; an "
                "empty mind knows nothing but your stories; the others are fetched, and have read far more English",
            ),
            (
                "epochs",
                "how often it reads all the stories. Too often, and it learns them "
                "by heart: the training loss falls on while the validation loss rises",
            ),
            (
                "learning rate",
                "how far each step changes the model. Too high, and the loss jumps; too low, and "
                "nothing happens",
            ),
            ("window", "how many tokens it sees at once while it learns (block size)"),
        ),
    ),
    (
        "The numbers",
        "",
        (
            (
                "loss",
                "how surprised it is by the next token of the stories it learns from, in nats: lower is "
                "better. 3.0 is as unsure as between 20 equal choices, 2.0 as between 7",
            ),
            ("validation", "the same, on the stories kept aside: how well it really does"),
            ("best", "the lowest validation loss so far; that checkpoint is kept"),
            (
                "voice",
                "how many of 24 passages that it tells sound like the shelf rather than like the base. They are "
                "sorted by their words, pairs of words and punctuation, names left out, so it says whose manner "
                "they are told in and not whether they are good. Measured at the end, and earlier where that is quick",
            ),
            ("perplexity", "the best loss said as a number of equal choices (on tall screens)"),
            (
                "bits per byte",
                "the best loss for each byte of text: comparable between models that cut text into "
                "different tokens (on tall screens)",
            ),
            (
                "frequencies",
                "what one would get by knowing only how often each token occurs: the line to beat",
            ),
            ("tokens/s", "how many tokens it reads in a second"),
            ("memory", "what the learning holds now"),
        ),
    ),
)

STORY: tuple[Section, ...] = (
    (
        "Story: writing together",
        "Write a line and press Enter: the line joins the story, and the model goes on from there. Its words carry "
        "a quiet tint. A line begins a new paragraph, unless the story stops within a sentence or your line begins "
        "with a small letter: then it goes on with the sentence. Everything is kept as it is written.",
        (
            ("enter", "send your line; with an empty line, the model just goes on"),
            ("ctrl+j", "a new line within what you write"),
            (
                "↑",
                "on a blank page, before you write: three openings told by the model, none copied from what it "
                "learned. Enter or 1 2 3 takes one, t tells three others, escape goes back to your line",
            ),
            (
                "escape",
                "stop the model, keeping its words; otherwise leave your line, so that these keys work:",
            ),
            ("m", "choose the model"),
            (
                "s",
                "strength: how far the model is from its base towards what it learned. 0 is the base, 1 the run as "
                "it was trained; above 1 its voice is stronger, until the text falls apart",
            ),
            (
                "v",
                "choose the voice: one of the shelves that the model learned from, a mixture of two, or none. It "
                "holds from the next words on, and is kept with the story. A line that names the shelf is then in the "
                "model's view, and stands nowhere in the story",
            ),
            ("u  y", "take back the last piece, bring it back"),
            ("b", "on a blank page: the three openings"),
            ("n  o  r", "a new story, open an earlier one, rename"),
            (",", "settings"),
        ),
    ),
    (
        "The settings",
        "A model gives every token a probability; the settings say how one is chosen.",
        (
            *((knob.label, knob.line) for name, knob in table(SamplerSettings).items() if name in _SETTINGS),
            ("seed", "the same number with the same text tells the same again; 0 is another each time"),
        ),
    ),
)

EVERYWHERE: tuple[Section, ...] = (
    (
        "Everywhere",
        "",
        (
            ("1 2 3", "Library, Train, Story"),
            ("F2 F3 F4", "the same, also while you are typing"),
            ("? or F1", "this help"),
            ("ctrl+p", "every command, collection, story and model by name"),
            ("ctrl+q", "leave; a run saves its checkpoint first"),
            ("tab", "the next field"),
        ),
    ),
)

HELP = {"library": LIBRARY, "train": TRAIN, "story": STORY}
