"""A tokenizer in the form of a GGUF file.

For a byte-level BPE, llama.cpp identifies how text is split into words by a name, not by its rules (see `gguf.names`).
A BPE with byte fallback is written in SentencePiece's form (see `gguf_sentence_piece`).
"""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storytime_tui.errors import ModelError
from storytime_tui.models import folder as model_folder
from storytime_tui.models.export.gguf_sentence_piece import (
    OtherRulesError,
    SentencePiece,
    is_byte,
    sentence_piece,
)
from storytime_tui.models.gguf.names import PATTERNS
from storytime_tui.models.tokenizer import END_OF_TEXT, load_tokenizer

_NAMELESS = "does not split text in a way that llama.cpp has a name for"


@dataclass(frozen=True)
class ByteLevel:
    """How a byte-level BPE splits text: llama.cpp's name for how it finds words, and the merges."""

    words: str
    merges: list[str]


@dataclass(frozen=True)
class GGUFVocabulary:
    """The tokenizer in llama.cpp's form: tokens by id (of a byte-level BPE in GPT-2's characters), and their types."""

    pieces: list[str]
    types: list[int]
    end_of_text: int
    splitting: ByteLevel | SentencePiece


def read_vocabulary(folder: Path, rows: int) -> GGUFVocabulary:
    """The tokenizer in `folder` for a model with `rows` word embeddings; rows without a token become padding.

    Raises ModelError for a tokenizer that llama.cpp would interpret differently: see above.
    """
    tokenizer = load_tokenizer(folder)
    with (
        tempfile.TemporaryDirectory() as temporary
    ):  # save as `tokenizer.json`, whatever files the folder has
        tokenizer.save(Path(temporary))
        rules = json.loads((Path(temporary) / model_folder.TOKENIZER).read_bytes())
        config = Path(temporary) / model_folder.TOKENIZER_SETTINGS[0]
        settings = model_folder.read_json(config) if config.exists() else {}
    if tokenizer.vocabulary_size > rows:
        raise ModelError(
            f"The tokenizer in {folder} has {tokenizer.vocabulary_size:,} tokens, but its model has only {rows:,}: "
            "they do not belong together."
        )
    try:
        pieces, types = _tokens(rules, rows, tokenizer.end_of_text)
        splitting = (
            sentence_piece(rules, settings, pieces, tokenizer.end_of_text)
            if _has_byte_fallback(rules)
            else _byte_level(rules)
        )
    except OtherRulesError as error:
        raise ModelError(
            f"The tokenizer in {folder} {error}, so it would read other tokens: export the model as safetensors."
        ) from error
    return GGUFVocabulary(pieces, types, tokenizer.end_of_text, splitting)


def _has_byte_fallback(rules: dict[str, Any]) -> bool:
    return bool(rules["model"].get("byte_fallback"))


def _tokens(rules: dict[str, Any], rows: int, end_of_text: int) -> tuple[list[str], list[int]]:
    """Each token's text, and its type in llama.cpp's numbers. Raises OtherRulesError for what is no BPE."""
    import gguf

    model = rules["model"]
    if model.get("type") != "BPE":
        raise OtherRulesError(_NAMELESS)
    by_id: dict[int, str] = {token: piece for piece, token in model["vocab"].items()}
    kinds = dict.fromkeys(by_id, gguf.TokenType.NORMAL)
    if _has_byte_fallback(rules):
        kinds |= {token: gguf.TokenType.BYTE for token, piece in by_id.items() if is_byte(piece)}
    for added in rules.get("added_tokens") or ():
        by_id[added["id"]] = added["content"]
        kinds[added["id"]] = gguf.TokenType.CONTROL if added.get("special") else gguf.TokenType.USER_DEFINED
    if _has_byte_fallback(rules) and model.get("unk_token") in model["vocab"]:
        kinds[model["vocab"][model["unk_token"]]] = gguf.TokenType.UNKNOWN
    by_id.setdefault(end_of_text, END_OF_TEXT)
    kinds[end_of_text] = gguf.TokenType.CONTROL
    return (
        [by_id.get(token, f"[PAD{token}]") for token in range(rows)],
        [int(kinds.get(token, gguf.TokenType.UNUSED)) for token in range(rows)],
    )


def _byte_level(rules: dict[str, Any]) -> ByteLevel:
    """How this tokenizer splits text, if llama.cpp has a name for it. Raises OtherRulesError."""
    model = rules["model"]
    name = _name_of(rules.get("pre_tokenizer") or {})
    normalizer = (rules.get("normalizer") or {}).get("type")
    supported = (
        # Llama 3's rule, that a word which is a token is not merged from its parts, goes with that name
        bool(model.get("ignore_merges")) == (name == "llama-bpe")
        # what is composed already, as nearly all text, stays as it is
        and normalizer in ((None, "NFC") if name == "qwen2" else (None,))
    )
    if not supported or name is None:
        raise OtherRulesError(_NAMELESS)
    return ByteLevel(name, [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]])


def _name_of(splitter: dict[str, Any]) -> str | None:
    """llama.cpp's name for a pre-tokenizer of tokenizer.json, or None."""
    parts = splitter.get("pretokenizers") or [splitter]
    if not all(isinstance(part, dict) for part in parts) or not _is_bytes(parts[-1]):
        return None
    by_regex = parts[-1].get("use_regex", True)
    if len(parts) == 1:
        return "gpt-2" if by_regex else None
    if len(parts) != 2:
        return None
    if parts[0].get("type") == "Digits":
        return "smollm" if by_regex and parts[0].get("individual_digits") else None
    isolates = parts[0].get("type") == "Split" and parts[0].get("behavior") == "Isolated"
    if by_regex or not isolates or parts[0].get("invert"):
        return None
    pattern = (parts[0].get("pattern") or {}).get("Regex")
    return next((name for name, each in PATTERNS.items() if each == pattern), None)


def _is_bytes(part: dict[str, Any]) -> bool:
    return part.get("type") == "ByteLevel" and not part.get("add_prefix_space")


def add_vocabulary(writer: Any, vocabulary: GGUFVocabulary) -> None:
    """Write the vocabulary into the file's metadata."""
    splitting = vocabulary.splitting
    writer.add_tokenizer_model("gpt2" if isinstance(splitting, ByteLevel) else "llama")
    writer.add_tokenizer_pre(splitting.words if isinstance(splitting, ByteLevel) else "default")
    writer.add_token_list(vocabulary.pieces)
    writer.add_token_types(vocabulary.types)
    writer.add_eos_token_id(vocabulary.end_of_text)
    if isinstance(splitting, ByteLevel):
        writer.add_token_merges(splitting.merges)
        writer.add_bos_token_id(vocabulary.end_of_text)
        writer.add_add_bos_token(False)
        return
    writer.add_token_scores(splitting.scores)
    writer.add_bos_token_id(splitting.beginning)
    if splitting.unknown is not None:
        writer.add_unk_token_id(splitting.unknown)
    writer.add_add_bos_token(splitting.adds_beginning)
    writer.add_add_eos_token(splitting.adds_end)
    writer.add_add_space_prefix(splitting.adds_space)
