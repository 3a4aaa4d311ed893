"""A measured voice in words, for the terminal, the model card and lists. Knows no torch."""

from storytime_tui.training.events import StrengthChosen, VoiceMeasured

WHAT_IT_IS = (
    "A classifier compares the words, word pairs and punctuation of each passage, names left out, with those of the "
    "training stories and of the base. It does not say whether a passage is good."
)


def share_of(measured: VoiceMeasured | None) -> float | None:
    """The share of the passages, 0 to 1, that sound like their shelf; None without passages."""
    return measured.of_shelf / measured.passages if measured is not None and measured.passages else None


def of_passages(share: float | None, passages: int) -> str:
    """`19 of 24`; a dash without passages."""
    return "–" if share is None else f"{round(share * passages):,} of {passages:,}"


def in_words(measured: VoiceMeasured) -> str:
    """`voice: 19 of 24 sound like the shelf, 3 like the base`."""
    shelf = "the shelf" if len(measured.shelves) < 2 else "their shelves"
    base = f", {measured.of_base:,} like the base" if measured.of_base else ""
    return f"voice: {of_passages(share_of(measured), measured.passages)} sound like {shelf}{base}"


def strength_in_words(chosen: StrengthChosen) -> str:
    """`strength: 1.3 from now on (tried 1, 1.15, 1.3; the loss is 0.8% higher than at 1)`."""
    losses = dict(zip(chosen.strengths, chosen.validation_losses, strict=False))
    tried = ", ".join(f"{each:g}" for each in chosen.strengths)
    change = losses.get(chosen.strength, 0.0) / losses[1.0] - 1 if losses.get(1.0) else 0.0
    higher = f"{abs(change):.1%} {'higher' if change > 0 else 'lower'} than at 1"
    strength = f"{chosen.strength:g} from now on" if chosen.strength != 1 else "1, as it was trained"
    return f"strength: {strength} (tried {tried}{f'; the loss is {higher}' if chosen.strength != 1 else ''})"
