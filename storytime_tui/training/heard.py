"""What a measured voice is in words: on the terminal, in the card, in lists. Knows no torch."""

from storytime_tui.training.events import StrengthChosen, VoiceMeasured

WHAT_IT_IS = (
    "A count of words, pairs of words and punctuation, names left out, says whether each passage is told as the "
    "training stories are, or rather as the base tells. It does not say whether a passage is good."
)


def share_of(said: VoiceMeasured | None) -> float | None:
    """The share of the passages, 0 to 1, that sound like the shelf; None where none were told."""
    return said.of_shelf / said.passages if said is not None and said.passages else None


def of_passages(share: float | None, passages: int) -> str:
    """`19 of 24`; a dash where none were told."""
    return "-" if share is None else f"{round(share * passages):,} of {passages:,}"


def in_words(said: VoiceMeasured) -> str:
    """`voice: 19 of 24 sound like the shelf, 3 like the base`."""
    shelf = "the shelf" if len(said.shelves) < 2 else "their shelves"
    base = f", {said.of_base:,} like the base" if said.of_base else ""
    return f"voice: {of_passages(share_of(said), said.passages)} sound like {shelf}{base}"


def strength_in_words(said: StrengthChosen) -> str:
    """`strength: told at 1.3 from now on (tried 1, 1.15, 1.3; the loss is 0.8% higher than at 1)`."""
    losses = dict(zip(said.strengths, said.validation_losses, strict=False))
    tried = ", ".join(f"{each:g}" for each in said.strengths)
    change = losses.get(said.strength, 0.0) / losses[1.0] - 1 if losses.get(1.0) else 0.0
    higher = f"{abs(change):.1%} {'higher' if change > 0 else 'lower'} than at 1"
    told = f"told at {said.strength:g} from now on" if said.strength != 1 else "told as it was trained, at 1"
    return f"strength: {told} (tried {tried}{f'; the loss is {higher}' if said.strength != 1 else ''})"
