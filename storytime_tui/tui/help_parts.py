"""What the texts of the help are made of."""

from storytime_tui.tui.glossary import GLOSSARY

Rows = tuple[tuple[str, str], ...]
Section = tuple[str, str, Rows]  # title, introduction, (key or number, meaning)


def terms(*names: str, key: str = "") -> Rows:
    """Rows of the help that the glossary defines, each with its name, or with a key."""
    return tuple(
        (key or name, f"{name}: {_lower(GLOSSARY[name])}" if key else _lower(GLOSSARY[name]))
        for name in names
    )


def _lower(sentence: str) -> str:
    """A definition as the rows have it: without a capital and the last full stop."""
    return sentence[:1].lower() + sentence[1:].removesuffix(".")
