"""The tokenizer in a GGUF file, as the files of an ordinary model folder. Knows no torch.

llama.cpp identifies how a text is split into words by a name, `tokenizer.ggml.pre` (see `names`).
"""

import json
from collections.abc import Sequence
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from storytime_tui.models import folder as model_folder
from storytime_tui.models.gguf.header import Header, UnusableFile
from storytime_tui.models.gguf.names import PATTERNS

_CONTROL, _USER_DEFINED, _BYTE = 3, 4, 6
_PLAIN = ("gpt-2", "gpt2", "default", "")


def tokenizer_files(header: Header) -> tuple[dict[str, bytes], int | None]:
    """The files by their names, and the id of the token that ends a text; None if the file names none.

    Raises UnusableFile for a tokenizer that is missing or of a kind that is not known here.
    """
    values = header.values
    pieces = values.get("tokenizer.ggml.tokens")
    if not isinstance(pieces, list) or not pieces or not all(isinstance(piece, str) for piece in pieces):
        raise UnusableFile("holds no vocabulary: use the model that it was made from.")
    if len(set(pieces)) != len(pieces):
        raise UnusableFile("has a vocabulary with the same token twice: use the model that it was made from.")
    kind = values.get("tokenizer.ggml.model")
    if kind == "gpt2":
        inner = _byte_level(
            pieces, _texts(values, "tokenizer.ggml.merges"), str(values.get("tokenizer.ggml.pre", ""))
        )
    elif kind == "llama":
        inner = _sentence_piece(pieces, values)
    else:
        raise UnusableFile(f"has a tokenizer of the kind {str(kind)[:40]!r}, which is not read here.")
    types = values.get("tokenizer.ggml.token_type") or []
    inner.add_special_tokens(_added(pieces, types, _CONTROL))
    inner.add_tokens(_added(pieces, types, _USER_DEFINED))  # these are found in a text, too
    end = values.get("tokenizer.ggml.eos_token_id")
    end = end if isinstance(end, int) and 0 <= end < len(pieces) else None
    settings = {
        "clean_up_tokenization_spaces": False,
        "tokenizer_class": "PreTrainedTokenizerFast",
        **({} if end is None else {"eos_token": pieces[end]}),
        **_beginning(values, pieces),
        **(_around(values) if kind == "llama" else {}),
    }
    return {
        model_folder.TOKENIZER: inner.to_str(pretty=False).encode(),
        model_folder.TOKENIZER_SETTINGS[0]: (json.dumps(settings, indent=2) + "\n").encode(),
    }, end


def _added(pieces: Sequence[str], types: Sequence[int], kind: int) -> list[AddedToken]:
    ids = [token for token, of in enumerate(types[: len(pieces)]) if of == kind]
    return [AddedToken(pieces[token], special=kind == _CONTROL, normalized=False) for token in ids]


def _beginning(values: dict[str, Any], pieces: Sequence[str]) -> dict[str, str]:
    start = values.get("tokenizer.ggml.bos_token_id")
    return {"bos_token": pieces[start]} if isinstance(start, int) and 0 <= start < len(pieces) else {}


def _around(values: dict[str, Any]) -> dict[str, bool]:
    """Whether a text gets tokens around it; llama.cpp's own values where the file does not say."""
    defaults = {"add_bos_token": True, "add_eos_token": False}
    return {name: bool(values.get(f"tokenizer.ggml.{name}", default)) for name, default in defaults.items()}


def _texts(values: dict[str, Any], name: str) -> list[str]:
    found = values.get(name)
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise UnusableFile(f"lacks {name}, so its texts cannot be split: fetch or copy it again.")
    return found


def _byte_level(pieces: Sequence[str], merges: Sequence[str], rules: str) -> Tokenizer:
    pairs = [(left, right) for left, _, right in (merge.partition(" ") for merge in merges)]
    if not all(left and right and " " not in right for left, right in pairs):
        raise UnusableFile("has a tokenizer with a merge that is no pair: fetch or copy it again.")
    vocabulary = {piece: token for token, piece in enumerate(pieces)}
    inner = Tokenizer(models.BPE(vocab=vocabulary, merges=pairs, ignore_merges=rules == "llama-bpe"))
    inner.decoder = decoders.ByteLevel()
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    words = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if rules in _PLAIN:
        inner.pre_tokenizer = words
    elif rules == "smollm":
        inner.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), words])
    elif rules in PATTERNS:
        pattern = Regex(PATTERNS[rules])
        inner.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(pattern, "isolated"), bytes_only])
        if rules == "qwen2":
            inner.normalizer = normalizers.NFC()
    else:
        raise UnusableFile(
            f"splits texts by the rules {rules[:40]!r}, which are not known here: use the model that it was "
            "made from."
        )
    return inner


def _sentence_piece(pieces: Sequence[str], values: dict[str, Any]) -> Tokenizer:
    """A BPE of SentencePiece, which GGUF stores without merges: a pair is merged if its whole is in the vocabulary,
    the whole with the highest score first."""
    scores = values.get("tokenizer.ggml.scores")
    if not isinstance(scores, list) or len(scores) != len(pieces):
        raise UnusableFile(
            "has a tokenizer without scores, so texts cannot be split: fetch or copy it again."
        )
    vocabulary = {piece: token for token, piece in enumerate(pieces)}
    ranked = []
    for piece, score in zip(pieces, scores, strict=True):
        halves = ((piece[:at], piece[at:]) for at in range(1, len(piece)))
        known = [pair for pair in halves if pair[0] in vocabulary and pair[1] in vocabulary]
        known.sort(key=lambda pair: (vocabulary[pair[0]], vocabulary[pair[1]]))
        ranked += [(-score, pair) for pair in known]
    ranked.sort(key=lambda each: each[0])
    unknown = values.get("tokenizer.ggml.unknown_token_id", 0)
    inner = Tokenizer(
        models.BPE(
            vocab=vocabulary,
            merges=[pair for _, pair in ranked],
            unk_token=pieces[unknown] if isinstance(unknown, int) and 0 <= unknown < len(pieces) else None,
            fuse_unk=True,
            byte_fallback=_BYTE in (values.get("tokenizer.ggml.token_type") or []),
        )
    )
    spaced = values.get("tokenizer.ggml.add_space_prefix") is not False
    before = [normalizers.Prepend("▁")] if spaced else []
    after = [decoders.Strip(" ", 1, 0)] if spaced else []
    inner.normalizer = normalizers.Sequence([*before, normalizers.Replace(" ", "▁")])
    inner.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *after]
    )
    return inner
