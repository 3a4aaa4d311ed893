"""A tokenizer in the form of a GGUF file.

llama.cpp identifies how a tokenizer splits text into words by a name, not by its rules (see `gguf.names`).
"""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storytime_tui.errors import ModelError
from storytime_tui.models import folder as model_folder
from storytime_tui.models.gguf.names import PATTERNS
from storytime_tui.models.tokenizer import END_OF_TEXT, load_tokenizer


@dataclass(frozen=True)
class GGUFVocabulary:
    """The tokenizer in llama.cpp's form: tokens by id in GPT-2's byte characters, their types, and the merges.

    `splitting`: llama.cpp's name for how text is split into words.
    """

    pieces: list[str]
    types: list[int]
    merges: list[str]
    end_of_text: int
    splitting: str


def read_vocabulary(folder: Path, rows: int) -> GGUFVocabulary:
    """The tokenizer in `folder` for a model with `rows` word embeddings; rows without a token become padding.

    Raises ModelError for a tokenizer that llama.cpp would interpret differently: see above.
    """
    import gguf

    tokenizer = load_tokenizer(folder)
    with (
        tempfile.TemporaryDirectory() as temporary
    ):  # save as `tokenizer.json`, whatever files the folder has
        tokenizer.save(Path(temporary))
        rules = json.loads((Path(temporary) / model_folder.TOKENIZER).read_bytes())
    splitting = _splitting(rules, folder)
    model = rules["model"]
    by_id: dict[int, str] = {token: piece for piece, token in model["vocab"].items()}
    if tokenizer.vocabulary_size > rows:
        raise ModelError(
            f"The tokenizer in {folder} has {tokenizer.vocabulary_size:,} tokens, but its model has only {rows:,}: "
            "they do not belong together."
        )
    kinds = dict.fromkeys(by_id, gguf.TokenType.NORMAL)
    for added in rules.get("added_tokens") or ():
        by_id[added["id"]] = added["content"]
        kinds[added["id"]] = gguf.TokenType.CONTROL if added.get("special") else gguf.TokenType.USER_DEFINED
    by_id.setdefault(tokenizer.end_of_text, END_OF_TEXT)
    kinds[tokenizer.end_of_text] = gguf.TokenType.CONTROL
    pairs = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    return GGUFVocabulary(
        pieces=[by_id.get(token, f"[PAD{token}]") for token in range(rows)],
        types=[int(kinds.get(token, gguf.TokenType.UNUSED)) for token in range(rows)],
        merges=pairs,
        end_of_text=tokenizer.end_of_text,
        splitting=splitting,
    )


def _splitting(rules: dict[str, Any], folder: Path) -> str:
    """llama.cpp's name for how this tokenizer splits text. Raises ModelError if it has none."""
    model = rules.get("model") or {}
    name = _name_of(rules.get("pre_tokenizer") or {})
    normalizer = (rules.get("normalizer") or {}).get("type")
    supported = (
        model.get("type") == "BPE"
        and not model.get("byte_fallback")
        # Llama 3's rule, that a word which is a token is not merged from its parts, goes with that name
        and bool(model.get("ignore_merges")) == (name == "llama-bpe")
        # what is composed already, as nearly all text, stays as it is
        and normalizer in ((None, "NFC") if name == "qwen2" else (None,))
    )
    if not supported or name is None:
        raise ModelError(
            f"The tokenizer in {folder} does not split text in a way that llama.cpp has a name for, so it would read "
            "other tokens: export the model as safetensors."
        )
    return name


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
    writer.add_tokenizer_model("gpt2")  # byte-level BPE
    writer.add_tokenizer_pre(vocabulary.splitting)
    writer.add_token_list(vocabulary.pieces)
    writer.add_token_types(vocabulary.types)
    writer.add_token_merges(vocabulary.merges)
    writer.add_bos_token_id(vocabulary.end_of_text)
    writer.add_eos_token_id(vocabulary.end_of_text)
    writer.add_add_bos_token(False)
