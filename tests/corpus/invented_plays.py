"""Plays that nobody staged, in the layouts in which plays are printed, typed and marked up."""

from collections.abc import Callable, Sequence

Speech = tuple[str, str]  # who speaks, and what

ACT_ONE: tuple[Speech, ...] = (
    ("Fox", "I had a hat this morning, and now I have a head."),
    ("Goose", "You have had the head for longer. Where did you see the hat last?"),
    ("Fox", "On the head."),
    ("Goose", "Then look there again."),
    ("Owl", "Whose is this, that was hanging in my tree and frightened the children?"),
    ("Fox", "Mine! Or it was mine before there was an owl in it."),
    ("Goose", "It is too small for an owl and too large for a fox."),
    ("Owl", "It is large enough to ask for a reward."),
)
ACT_TWO: tuple[Speech, ...] = (
    ("Owl", "I have waited a week for the reward."),
    ("Fox", "And I have waited a week for the hat."),
    ("Goose", "I have made a second hat while you two were waiting, and sold it."),
    ("Owl", "To whom?"),
    ("Goose", "To the heron, who has never lost anything in his life."),
    ("Fox", "Then nobody here has a hat but he who needs none."),
    ("Goose", "That is how it is with hats."),
    ("Owl", "Good night."),
)
SONG = (
    "Hey for the hat on the hill,\nAnd ho for the head below,\n"
    "The wind may have whichever it will,\nBut never the two in a row."
)
LAYOUTS: dict[str, Callable[[str, str], str]] = {
    "capitals and a full stop": lambda who, said: f"{who.upper()}. {said}",
    "capitals on a line of their own": lambda who, said: f"{who.upper()}\n{said}",
    "a line of its own, the speech indented": lambda who, said: f"{who.upper()}.\n  {said}",
    "italics": lambda who, said: f"_{who}._ {said}",
    "a colon": lambda who, said: f"{who}: {said}",
    "a full stop and two spaces": lambda who, said: f"{who}.  {said}",
    "what is done in brackets": lambda who, said: f"{who.upper()} [aside] {said}",
    "a dash": lambda who, said: f"{who.upper()} -- [slowly.] -- {said}",
    "indented": lambda who, said: f"   {who}. {said}",
    "a name alone": lambda who, said: f"_{who}_\n\n  {said}",
}
ACTS = {
    "roman": ("ACT I", "ACT II"),
    "with a full stop": ("ACT I.", "ACT II."),
    "with the scene": ("ACT I. SCENE I. A wood.", "ACT II. SCENE I. The same wood."),
    "in words": ("FIRST ACT", "SECOND ACT"),
    "after the noun": ("ACT THE FIRST.", "ACT THE SECOND."),
    "Latin": ("Actus Primus. Scoena Prima.", "Actus Secundus. Scoena Prima."),
    "German": ("Erster Akt", "Zweiter Akt"),
    "German, older": ("ERSTER AUFZUG.", "ZWEITER AUFZUG."),
    "French": ("ACTE PREMIER", "ACTE DEUXIÈME"),
    "Spanish": ("ACTO PRIMERO", "ACTO SEGUNDO"),
    "Italian": ("ATTO PRIMO", "ATTO SECONDO"),
    "Dutch": ("EERSTE BEDRIJF", "TWEEDE BEDRIJF"),
    "Russian": ("ДЕЙСТВИЕ ПЕРВОЕ", "ДЕЙСТВИЕ ВТОРОЕ"),
}
PERSONS = "DRAMATIS PERSONAE\n\nFOX, who has lost a hat.\nGOOSE, a hatter.\nOWL, who has found one."


def acted(speeches: Sequence[Speech], layout: str) -> str:
    """Speeches in one of the layouts, with a stage direction before and a song among them."""
    said = [LAYOUTS[layout](who, what) for who, what in speeches]
    said.insert(2, "[Enter OWL, with a lantern.]")
    return "\n\n".join(said)


def play(layout: str = "capitals and a full stop", acts: str = "roman", persons: str = PERSONS) -> str:
    """A play in two acts, without its title."""
    one, two = ACTS[acts]
    sung = "\n".join(f"    {line}" for line in SONG.split("\n"))
    return (
        f"{persons}\n\n\n\n{one}\n\n\nA wood in the evening. A hat hangs in a tree.\n\n{acted(ACT_ONE, layout)}\n\n"
        f"THE SONG OF THE HAT\n\n{sung}\n\n\n\n{two}\n\n\nThe same, a week later.\n\n{acted(ACT_TWO, layout)}\n\n"
        f"[Exeunt, the OWL last.]"
    )


def gutenberg(text: str, title: str = "THE HAT") -> str:
    """A text as Project Gutenberg would send it out: with a title page, and the licence after it."""
    shown = title.title().replace(" Of The ", " of the ")
    return (
        f"The Project Gutenberg EBook of {shown}, by N. O. Body\n\nTitle: {shown}\n\n"
        f"*** START OF THIS PROJECT GUTENBERG EBOOK {title} ***\n\n\n\nProduced by A. Friend\n\n\n\n{title}\n\n"
        f"by N. O. Body\n\nLONDON: THE HATSTAND PRESS\n\n\n\n{text}\n\n\n\n"
        f"*** END OF THIS PROJECT GUTENBERG EBOOK {title} ***\n\nYou may copy it under the terms of the licence.\n"
    )
