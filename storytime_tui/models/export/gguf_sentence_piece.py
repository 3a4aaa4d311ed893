"""A tokenizer in SentencePiece's manner (Llama 2, TinyLlama, Mistral) in the form of a GGUF file.

llama.cpp's way (`llm_tokenizer_spm` in its llama-vocab.cpp) knows no merges: of all neighbours whose whole is a token
it joins those whose whole has the highest score, the first of equals. With scores that fall with the ranks of the
merges it comes to the tokens of Hugging Face's BPE. That is exact: within a span, joining goes on in the same order
whatever stands around it, so two parts meet in a text only if they meet where their whole stands alone. Hence each
token is made by one pair at most, and splitting the token itself shows which.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

_SPACE = "▁"
_REPLACE = {"type": "Replace", "pattern": {"String": " "}, "content": _SPACE}
_PREPEND = {"type": "Prepend", "prepend": _SPACE}
_BYTE = re.compile("<0x[0-9A-F]{2}>")
_AFFIXES = ("continuing_subword_prefix", "end_of_word_suffix")


class OtherRulesError(Exception):
    """llama.cpp would read other tokens; the message says why, as the end of a sentence."""


@dataclass(frozen=True)
class SentencePiece:
    """How llama.cpp splits texts.

    `scores`: of each token. `beginning` and `unknown`: ids of tokens. `adds_beginning` and `adds_end`: whether a text
    gets these tokens around it. `adds_space`: whether it gets a space in front.
    """

    scores: list[float]
    beginning: int
    unknown: int | None
    adds_beginning: bool
    adds_end: bool
    adds_space: bool


def is_byte(piece: str) -> bool:
    """Whether this token stands for one byte, as `<0x0A>`."""
    return _BYTE.fullmatch(piece) is not None


def sentence_piece(
    rules: Mapping[str, Any], settings: Mapping[str, Any], pieces: Sequence[str], end_of_text: int
) -> SentencePiece:
    """The form of the tokenizer with these `rules` (tokenizer.json) and `settings` (tokenizer_config.json).

    `pieces`: every token, by id. Raises OtherRulesError for what llama.cpp would split in another way. One difference
    is let pass: with `Metaspace` a text that begins with a space gets no second one in front, and in llama.cpp it does.
    """
    model = rules["model"]
    if any(model.get(name) for name in ("dropout", "ignore_merges", *_AFFIXES)):
        raise OtherRulesError("has options that llama.cpp does not know")
    if not all(f"<0x{byte:02X}>" in model["vocab"] for byte in range(256)):
        raise OtherRulesError("lacks tokens for some bytes")
    adds_space = _adds_space(rules)
    _check_added(rules)
    ids = {piece: token for token, piece in enumerate(pieces)}
    around = _around(rules)
    first, last = (around[0], around[-1]) if around else (None, None)
    beginning = ids.get(_text(settings.get("bos_token")) or first or "", end_of_text)
    return SentencePiece(
        scores=scores_of(pieces, _pairs(model["merges"])),
        beginning=beginning,
        unknown=ids.get(model.get("unk_token") or ""),
        adds_beginning=bool(ids.get(first or "") == beginning if around else settings.get("add_bos_token")),
        adds_end=bool(ids.get(last or "") == end_of_text if around else settings.get("add_eos_token")),
        adds_space=adds_space,
    )


def scores_of(pieces: Sequence[str], merges: Sequence[tuple[str, ...]]) -> list[float]:
    """Each token's score: minus the rank of the merge that makes it; 0 for those that none makes.

    Raises OtherRulesError if llama.cpp would join two neighbours that no merge joins, or if a merge joins a byte.
    """
    if any(is_byte(part) for pair in merges for part in pair):
        raise OtherRulesError("joins single bytes")
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    scores = []
    for piece in pieces:
        parts, rank = _split(piece, ranks)
        if len(parts) == 2:
            raise OtherRulesError(f"does not join {parts[0]!r} and {parts[1]!r}, which llama.cpp would do")
        scores.append(-float(rank) if len(parts) == 1 else 0.0)
    return scores


def _split(text: str, ranks: Mapping[tuple[str, ...], int]) -> tuple[list[str], int]:
    """The parts that merging makes of a text, and the rank of the last merge (0 if there was none)."""
    parts, rank = list(text), 0
    while True:
        found = [(ranks[pair], at) for at, pair in enumerate(pairwise(parts)) if pair in ranks]
        if not found:
            return parts, rank
        rank, at = min(found)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]


def _pairs(merges: Sequence[Any]) -> list[tuple[str, ...]]:
    return [tuple(pair.split(" ") if isinstance(pair, str) else pair) for pair in merges]


def _adds_space(rules: Mapping[str, Any]) -> bool:
    """Whether a text gets a space in front. Raises OtherRulesError if spaces are not treated in SentencePiece's way."""
    before, splitter = rules.get("normalizer") or {}, rules.get("pre_tokenizer") or {}
    steps = before.get("normalizers", [before] if before else [])
    if not splitter and steps and steps[-1] == _REPLACE and steps[:-1] in ([], [_PREPEND]):
        return len(steps) == 2
    if not steps and splitter.get("type") == "Metaspace" and splitter.get("replacement") == _SPACE:
        # llama.cpp does not split texts into words, which is the same if no merge goes on behind a space
        within = any(_SPACE in "".join(pair)[1:] for pair in _pairs(rules["model"]["merges"]))
        if not (within and splitter.get("split", True)):
            return _scheme(splitter) != "never"
    raise OtherRulesError("changes or splits texts in a way that llama.cpp does not know")


def _scheme(splitter: Mapping[str, Any]) -> str:
    older = "always" if splitter.get("add_prefix_space", True) else "never"
    return str(splitter.get("prepend_scheme", older)).lower()


def _check_added(rules: Mapping[str, Any]) -> None:
    """Raise OtherRulesError if an added token, which may stand anywhere in a text, would be found elsewhere."""
    added = [each for each in rules.get("added_tokens") or () if not each.get("special")]
    texts = [each["content"] for each in added]
    strict = any(each.get(flag) for each in added for flag in ("lstrip", "rstrip", "single_word"))
    changed = bool(rules.get("normalizer")) and any(each.get("normalized") for each in added)
    splitter = rules.get("pre_tokenizer")
    # behind each such token too, llama.cpp puts a space before a space
    spaced = added and splitter and _scheme(splitter) != "never"
    if strict or changed or spaced or any(_overlap(one, other) for one in texts for other in texts):
        raise OtherRulesError("has added tokens that llama.cpp would find elsewhere")


def _overlap(one: str, other: str) -> bool:
    """Whether `other` can begin within `one` and end behind it."""
    ends = [one[at:] for at in range(1, len(one))]
    return one != other and any(other.startswith(end) and other != end for end in ends)


def _around(rules: Mapping[str, Any]) -> list[str | None]:
    """What a text gets around it: special tokens, and None for itself. Empty if nothing is said."""
    steps = rules.get("post_processor") or {}
    for step in steps.get("processors") or [steps]:
        if step.get("type") == "TemplateProcessing":
            return [(each.get("SpecialToken") or {}).get("id") for each in step.get("single") or ()]
    return []


def _text(token: Any) -> str | None:
    """A special token's text, which may have flags."""
    text = token.get("content") if isinstance(token, dict) else token
    return text if isinstance(text, str) else None
