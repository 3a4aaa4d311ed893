"""The glossary: what the terms on the screens mean. The help takes its definitions from here."""

GLOSSARY: dict[str, str] = {
    "base": "The model that a run starts from, as it is before the first step.",
    "batch": "The windows that are read at once. A step reads one batch, or several one after the other.",
    "best": "The lowest validation loss so far. Its checkpoint is kept.",
    "bits per byte": "The loss per byte of text, in bits. It compares models whose tokens differ.",
    "checkpoint": "The model saved at a step. You can write with it, resume from it and look into it.",
    "clipping": "A gradient whose norm is too large is shortened, so that one odd window cannot spoil the model.",
    "dropout": "Parts of the model that are switched off at random during training, so that it cannot rely on single "
    "ones. It slows down learning by heart.",
    "end-of-text": "The token between two stories. When the model draws it, the story is over.",
    "epoch": "One pass over all training stories. After too many, the model memorises them: the training loss falls, "
    "but the validation loss rises.",
    "gradient": "For each weight, which way and how strongly the loss changes with it. A step moves the weights the "
    "other way.",
    "gradient norm": "The size of the gradient. A sudden peak means that a step met something unexpected.",
    "held out": "Set aside for validation: the model never trains on these stories.",
    "learning rate": "How much each step changes the weights. Too high, and the loss jumps; too low, and it hardly "
    "falls.",
    "logprob": "The logarithm of a probability, in nats: 0 is certain, -0.7 is 50%, -4.6 is 1%. The loss is its "
    "negative.",
    "LoRA": "Training that leaves the model's own weights alone and trains small added matrices. It needs less memory.",
    "loss": "How surprised the model is by the next token, in nats; lower is better. At a loss of 3.0 it hesitates "
    "among 20 tokens, at 2.0 among 7.",
    "min-p": "A sampler setting: tokens far less likely than the best are never drawn. 0.1 drops those below a tenth "
    "of the best one's probability.",
    "nat": "The unit of the loss. One nat less means that the right token became 2.7 times as likely.",
    "optimiser": "The rule that turns gradients into changes of the weights; here AdamW.",
    "overfitting": "Learning the training stories by heart instead of what they have in common. The training loss "
    "falls on while the validation loss rises.",
    "patience": "How many evaluations in a row may pass without a better validation loss before the run stops.",
    "perplexity": "How many tokens the model hesitates among: e to the power of the loss.",
    "probability": "How likely the model finds a token at a place, from 0% to 100%. All tokens together have 100%.",
    "rank": "The place of a token among all tokens, by probability: 1 is the model's first choice.",
    "run": "One training of a base on a choice of stories, with its plan, its curve and its checkpoints.",
    "sampler": "What chooses the next token from the model's probabilities, by chance and by its settings.",
    "seed": "The number that fixes all chance: the same seed and plan give the same run.",
    "step": "One change of the weights: read some windows, compute the gradient, move every weight a little.",
    "strength": "How far the weights move from the base towards the run. 0 is the base, 1 the trained run; above 1 "
    "the voice is stronger, but too much spoils the text.",
    "surprise": "How unlikely the model found the token that came: the loss of a single token.",
    "temperature": "A sampler setting: below 1 likely tokens become likelier still, above 1 unlikely ones get a "
    "chance. 0 always takes the likeliest.",
    "token": "A piece of text that a model reads: often a word, sometimes part of one, or a sign.",
    "tokens/s": "How many training tokens the run reads per second.",
    "top-p": "A sampler setting: only the likeliest tokens that together hold this share may be drawn. 1 keeps all.",
    "training loss": "The loss on the stories that the model trains on. By itself it does not show whether the model "
    "does better on new stories.",
    "validation": "The loss on the held-out stories, which measures real progress.",
    "voice": "How many of 24 told passages sound like the shelf, not like the base. A classifier compares words, "
    "pairs of words and punctuation, without names: it measures style, not quality. Measured after the run, and during "
    "it if that is fast.",
    "warm-up": "The first steps, in which the learning rate rises from 0: they must not undo what the base knows.",
    "weights": "The numbers that make up a model. Training changes them; telling only reads them.",
    "window": "One training example: a piece of the stories of a fixed number of tokens, all that the model sees at "
    "once in training.",
    "word frequency": "The baseline: the loss of a model that knows only how often each token occurs. A good run ends "
    "well below it.",
}


def term_for(words: str) -> str:
    """The glossary's term for a label on a screen ("epochs", "top p"), or "" if it has none."""
    label = words.casefold().replace("_", " ").strip()
    terms = {term.casefold().replace("-", " "): term for term in GLOSSARY}
    for tried in (label, label.replace("-", " "), label.removesuffix("s").replace("-", " ")):
        if tried in terms:
            return terms[tried]
    return ""
