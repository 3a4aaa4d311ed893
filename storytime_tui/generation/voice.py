"""The voice of a story: one of the model's voices, a mixture of two, or none. Knows no torch."""

import math
from collections.abc import Sequence

from storytime_tui.corpus.headers import voice_of
from storytime_tui.errors import Misused, ModelError

# Titles of shelves with their shares of the mixture; () uses no shelf's line.
Voice = tuple[tuple[str, float], ...]

NONE = "none"  # turns the voice off, unless a shelf has this title
MOST = 2  # voices in a mixture; each needs a forward pass of its own


def usual(titles: Sequence[str]) -> Voice:
    """The default voice: the model's first, if it has any."""
    return ((titles[0], 1.0),) if titles else ()


def known(voice: Voice | None, titles: Sequence[str]) -> Voice:
    """A voice chosen earlier, if this model has all of it; else, or for None, the default voice."""
    if voice is None or any(title not in titles for title, _ in voice):
        return usual(titles)
    return voice if titles else ()


def effective(voice: Voice) -> Voice:
    """The voice in normal form: no zero shares, each title once, shares summing to 1."""
    shares: dict[str, float] = {}
    for title, share in voice:
        if share != 0:  # below 0: see `leaning`
            shares[title] = shares.get(title, 0.0) + share
    if len(shares) == 1:
        return ((next(iter(shares)), 1.0),)
    total = sum(shares.values())
    return tuple((title, share / total) for title, share in shares.items())


def leaning(voice: Voice, titles: Sequence[str], contrast: float) -> Voice:
    """One voice, leaning away from another by `contrast`: ((title, 1 + contrast), (other, -contrast)).

    The other is the first of the model's `titles`, which it uses when nobody chooses; of two voices each leans away
    from the other. A mixture, no voice, and the first of three or more voices stay as they are.
    """
    others = [title for title in titles if len(voice) == 1 and title != voice[0][0]]
    usual_of_many = len(others) > 1 and voice[0][0] == titles[0]
    if contrast == 0 or not others or usual_of_many:
        return voice
    return ((voice[0][0], 1 + contrast), (others[0], -contrast))


def check_asked(asked: Sequence[str]) -> None:
    """Raise Misused for more voices than can be mixed; needs no model."""
    if len(asked) > MOST:
        raise Misused(f"--voice names {len(asked)} voices, but at most {MOST} can be mixed.")


def asked_for(asked: Sequence[str], titles: Sequence[str]) -> Voice:
    """The voice that `--voice` requests: "Hedgerow Tales", an unambiguous beginning of a title, or "none".

    Two are mixed, half and half, or as "Hedgerow Tales=0.3" says; a share that is not given is the rest. Raises
    ModelError for a voice that is not in `titles`, and Misused for invalid shares and for "none" in a mixture.
    """
    check_asked(asked)
    none = [text.strip().casefold() == NONE and _exact_match(text, titles) is None for text in asked]
    if asked and all(none):
        return ()
    if any(none) and titles:
        raise Misused(
            "--voice none is no voice, so it cannot be mixed with another: leave one of the two out."
        )
    parts = [_with_share(text, titles) for text in asked]
    voices = [(_title(text, titles), share) for text, share in parts]
    if len(voices) == 1:
        title, share = voices[0]
        if share not in (None, 1.0):
            raise Misused(
                f"--voice gives {title!r} a share of {share:g}, but names no second voice to mix with."
            )
        return ((title, 1.0),)
    (first, first_share), (second, second_share) = voices
    if first_share is None and second_share is None:
        first_share = 0.5
    first_share = 1 - second_share if first_share is None and second_share is not None else first_share
    second_share = 1 - first_share if second_share is None and first_share is not None else second_share
    assert first_share is not None and second_share is not None
    if first_share + second_share == 0:
        raise Misused("--voice gives both voices a share of 0: give one of them a larger share.")
    return effective(((first, first_share), (second, second_share)))


def _with_share(text: str, titles: Sequence[str]) -> tuple[str, float | None]:
    """The title and share of "Hedgerow Tales=0.3"; a title itself may contain "="."""
    title, equals, number = text.rpartition("=")
    if not equals or _exact_match(text, titles) is not None:
        return text, None
    try:
        share = float(number)
    except ValueError:
        return text, None
    if not (math.isfinite(share) and 0 <= share <= 1):
        raise Misused(
            f"--voice gives {title.strip()!r} a share of {number.strip()}, but it must be from 0 to 1."
        )
    return title, share


def _title(text: str, titles: Sequence[str]) -> str:
    """The title that is meant, ignoring case. Raises ModelError."""
    if not titles:
        raise ModelError(
            f"This model knows no voices, so it cannot use {text.strip()!r}: leave --voice out, or choose "
            "another model (`storytime-tui runs show RUN` lists a run's voices)."
        )
    exact = _exact_match(text, titles)
    if exact is not None:
        return exact
    prefix = _normalised(text)
    matches = list(
        dict.fromkeys(title for title in titles if prefix and _normalised(title).startswith(prefix))
    )
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise ModelError(
            f"{text.strip()!r} matches {len(matches)} voices, {_listed(matches)}: write more of it."
        )
    raise ModelError(f"This model knows no voice {text.strip()!r}; it knows {_listed(titles)}.")


def _exact_match(text: str, titles: Sequence[str]) -> str | None:
    return next((title for title in titles if _normalised(title) == _normalised(text)), None)


def _normalised(text: str) -> str:
    return voice_of(text).casefold()


def _listed(titles: Sequence[str]) -> str:
    return f"{', '.join(titles[:-1])} and {titles[-1]}" if len(titles) > 1 else titles[0]


def describe(voice: Voice) -> str:
    """A voice in words: "Hedgerow Tales", "70% Hedgerow Tales + 30% Grimm"; "" for none."""
    if len(voice) == 1:
        return voice[0][0]
    return " + ".join(f"{share:.0%} {title}" for title, share in voice)


def of_record(record: object) -> Voice | None:
    """A voice from its JSON form, [[title, share], ...]; None for anything else."""
    try:
        voice = tuple((title, float(share)) for title, share in record)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return None
    valid = all(isinstance(title, str) and 0 <= share <= 1 for title, share in voice)
    return voice if valid and len(voice) <= MOST else None
