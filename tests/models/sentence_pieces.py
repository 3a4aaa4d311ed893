"""Small tokenizers in SentencePiece's manner (BPE with byte fallback), made of a few texts."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SPECIAL = ["<unk>", "<s>", "</s>"]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
KINDS = ("prepended", "replaced", "metaspace", "words", "sentences")


def train(texts: Iterable[str], size: int, kind: str = "prepended") -> Tokenizer:
    """A tokenizer of about `size` tokens.

    `prepended`: as Llama 2's and Mistral's; `replaced`: without a space in front; `metaspace`: the same as `prepended`
    in newer words; `words`: with texts split into words first; `sentences`: its tokens go on behind spaces.
    """
    inner = Tokenizer(models.BPE(unk_token="<unk>"))
    inner.normalizer = normalizers.Replace(" ", "▁")
    if kind != "sentences":
        inner.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=[*SPECIAL, *BYTES], show_progress=False)
    inner.train_from_iterator(texts, trainer)
    learned: dict[str, Any] = json.loads(inner.to_str())["model"]
    return of(learned["vocab"], [tuple(pair) for pair in learned["merges"]], kind)


def of(vocabulary: dict[str, int], merges: list[tuple[str, ...]], kind: str = "prepended") -> Tokenizer:
    """The tokenizer with these tokens and merges."""
    made = Tokenizer(
        models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    )
    prefixed = kind != "replaced"
    if kind in ("metaspace", "words"):
        made.pre_tokenizer = pre_tokenizers.Metaspace("▁", "always", split=kind == "words")
    else:
        before = [normalizers.Prepend("▁")] if prefixed else []
        made.normalizer = normalizers.Sequence([*before, normalizers.Replace(" ", "▁")])
    strip = [decoders.Strip(" ", 1, 0)] if prefixed else []
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip]
    )
    made.add_special_tokens(SPECIAL)
    made.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    return made


def save(inner: Tokenizer, folder: Path) -> None:
    """Write the tokenizer's files."""
    folder.mkdir(parents=True, exist_ok=True)
    inner.save(str(folder / "tokenizer.json"))
    settings = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
