"""Which voice a story is told in: one of those that the model knows, a mixture of two, or none. Knows no torch."""

import math
from collections.abc import Sequence

from storytime_tui.corpus.headers import voice_of
from storytime_tui.errors import Misused, ModelError

# Titles of shelves, each with its share of the mixture; () tells without any shelf's line.
Voice = tuple[tuple[str, float], ...]

NONE = "none"  # what turns the voice off, where no shelf is called so
MOST = 2  # voices in a mixture: each costs a reading of its own


def usual(titles: Sequence[str]) -> Voice:
    """The voice that a model uses when nobody names one: the first that it knows, if it knows any."""
    return ((titles[0], 1.0),) if titles else ()


def known(voice: Voice | None, titles: Sequence[str]) -> Voice:
    """A voice that was chosen earlier, as far as this model knows it; the usual one where it does not, or for None."""
    if voice is None or any(title not in titles for title, _ in voice):
        return usual(titles)
    return voice if titles else ()


def effective(voice: Voice) -> Voice:
    """The same voice in the fewest parts: none without a share, each once, the shares 1 together."""
    shares: dict[str, float] = {}
    for title, share in voice:
        if share != 0:  # below 0: see `leaning`
            shares[title] = shares.get(title, 0.0) + share
    if len(shares) == 1:
        return ((next(iter(shares)), 1.0),)
    whole = sum(shares.values())
    return tuple((title, share / whole) for title, share in shares.items())


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
    """What `--voice` asks for: "Hedgerow Tales", a beginning of it that no other title has, or "none".

    Two are mixed: half of each, or as "Hedgerow Tales=0.3" says; what one share leaves is the other's. Raises
    ModelError for a voice that is not among `titles`, and Misused for shares that cannot be.
    """
    check_asked(asked)
    if [text.strip().casefold() for text in asked] == [NONE] and _exactly(asked[0], titles) is None:
        return ()
    parts = [_with_share(text, titles) for text in asked]
    found = [(_title(text, titles), share) for text, share in parts]
    if len(found) == 1:
        title, share = found[0]
        if share not in (None, 1.0):
            raise Misused(
                f"--voice gives {title!r} a share of {share:g}, but names no second voice to mix with."
            )
        return ((title, 1.0),)
    (first, one), (second, other) = found
    if one is None and other is None:
        one = 0.5
    one = 1 - other if one is None and other is not None else one
    other = 1 - one if other is None and one is not None else other
    assert one is not None and other is not None
    if one + other == 0:
        raise Misused("--voice gives both voices a share of 0: one of them must have some.")
    return effective(((first, one), (second, other)))


def _with_share(text: str, titles: Sequence[str]) -> tuple[str, float | None]:
    """Title and share of "Hedgerow Tales=0.3"; a title may have such a sign of its own."""
    title, sign, number = text.rpartition("=")
    if not sign or _exactly(text, titles) is not None:
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
    """The title that is meant, in upper or lower case. Raises ModelError."""
    if not titles:
        raise ModelError(
            f"This model knows no voices, so it cannot tell in that of {text.strip()!r}: leave --voice out, or choose "
            "another model (`storytime-tui runs show RUN` lists a run's voices)."
        )
    found = _exactly(text, titles)
    if found is not None:
        return found
    wanted = _folded(text)
    near = list(dict.fromkeys(title for title in titles if wanted and _folded(title).startswith(wanted)))
    if len(near) == 1:
        return near[0]
    if near:
        raise ModelError(f"{text.strip()!r} begins {len(near)} voices, {_listed(near)}: write more of it.")
    raise ModelError(f"This model knows no voice {text.strip()!r}; it knows {_listed(titles)}.")


def _exactly(text: str, titles: Sequence[str]) -> str | None:
    return next((title for title in titles if _folded(title) == _folded(text)), None)


def _folded(text: str) -> str:
    return voice_of(text).casefold()


def _listed(titles: Sequence[str]) -> str:
    return f"{', '.join(titles[:-1])} and {titles[-1]}" if len(titles) > 1 else titles[0]


def said(voice: Voice) -> str:
    """A voice in words: "Hedgerow Tales", "70% Hedgerow Tales + 30% Grimm"; "" for none."""
    if len(voice) == 1:
        return voice[0][0]
    return " + ".join(f"{share:.0%} {title}" for title, share in voice)


def of_record(kept: object) -> Voice | None:
    """A voice as JSON has it, [[title, share], ...]; None for anything else."""
    try:
        voice = tuple((title, float(share)) for title, share in kept)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return None
    good = all(isinstance(title, str) and 0 <= share <= 1 for title, share in voice)
    return voice if good and len(voice) <= MOST else None
