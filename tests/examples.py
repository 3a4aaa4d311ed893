"""How many examples hypothesis tries: by itself few, with `pytest --hypothesis-profile=explore` many."""

from hypothesis import settings

WRITTEN_FOR = 35  # a test that takes no number of its own; the numbers in the tests are beside this one


def many(examples: int) -> int:
    """As many as the profile of this run makes of so many."""
    return max(5, round(examples * settings.default.max_examples / WRITTEN_FOR))
