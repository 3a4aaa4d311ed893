"""Numbers in words that the commands, the jobs and the screens share."""


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 story`, `1,200 stories`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
