"""Whether llama.cpp reads from our GGUF files the tokens and the model that they were made of.

    pip install llama-cpp-python     # is compiled, which takes a while
    python -m tests.benchmarks.llamacpp_exact [--json] [--texts FOLDER …] [--tokens N]

For each kind of tokenizer in SentencePiece's manner (`tests/models/sentence_pieces.py`), and a byte-level BPE beside
them: one of 4,000 tokens is trained on the texts (by default our own collections), a small Llama with random weights is
exported with it in fp32, and each paragraph of the texts, each line with its line break, and some odd texts are split
by Hugging Face's `tokenizers` and by llama.cpp. `texts` and `differ`: how many, and of how many the tokens differ;
`begin_with_a_space`: how many of the first were left out, since `Metaspace` puts no space in front of these, and
llama.cpp does. `told_the_same`: behind how many of five prompts our backend and llama.cpp tell the same tokens, the
likeliest each time. Exits with 1 if anything differs.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.llamacpp import silent

ODD = [
    "",
    " ",
    "   ",
    "\n",
    "\n\n \n\t",
    " a  b   c    d",
    "▁▁ ▁",
    "<0x0A>",
    "<s>Once</s> <unk>",
    "🦊👩‍👩‍👧 z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍ 漢字 \x7f\x01\ufeff\u2028",
    "aaaaaaaaaaaaaaa -------- ..... ''''' 1234567890",
    "“Oh,” said she—‘never!’\r\nНе может быть…",
]
PROMPTS = 5


def texts_of(folders: Sequence[Path]) -> list[str]:
    """The texts of the files, whole."""
    files = sorted(file for folder in folders for file in folder.rglob("*.txt"))
    return [file.read_text(encoding="utf-8", errors="replace") for file in files]


def write_model(kind: str, texts: Sequence[str], folder: Path) -> None:
    """A small Llama with a tokenizer of this kind, and its GGUF file."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from storytime_tui.models.export.gguf import write_gguf
    from storytime_tui.models.export.weight_files import open_weights
    from storytime_tui.models.tokenizer import load_tokenizer, train_tokenizer
    from tests.models import sentence_pieces

    folder.mkdir()
    if kind == "byte-level":
        train_tokenizer(texts, 4000).save(folder)
    else:
        lines = [line for text in texts for line in text.splitlines()]
        sentence_pieces.save(sentence_pieces.train(lines, 4000, kind), folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=load_tokenizer(folder).vocabulary_size,
        hidden_size=64,
        intermediate_size=160,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        initializer_range=0.3,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    with open_weights(folder) as weights:
        write_gguf(
            folder / "m.gguf", weights, json.loads((folder / "config.json").read_text()), folder, name=kind
        )


def compare(kind: str, texts: Sequence[str], folder: Path, tokens: int) -> dict[str, Any]:
    """The figures of one kind of tokenizer."""
    import llama_cpp
    import tokenizers

    write_model(kind, texts, folder)
    library = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    library.encode_special_tokens = True
    fp32 = llama_cpp.GGML_TYPE_F32  # of what it keeps of the text, by default in half precision
    theirs = llama_cpp.Llama(
        str(folder / "m.gguf"),
        n_ctx=512,
        n_threads=1,
        n_threads_batch=1,
        type_k=fp32,
        type_v=fp32,
        verbose=False,
    )
    parts = [part for text in texts for part in (*text.split("\n\n"), *text.splitlines(keepends=True))]
    parts = list(dict.fromkeys([*parts, *ODD]))
    kept = [part for part in parts if kind not in ("metaspace", "words") or not part.startswith((" ", "▁"))]
    split = library.encode_batch(kept, add_special_tokens=False)
    differ = [
        part
        for part, ours in zip(kept, split, strict=True)
        if theirs.tokenize(part.encode(), add_bos=False, special=False) != ours.ids
    ]
    for part in differ[:5]:
        print(f"{kind}: {part[:80]!r}", file=sys.stderr)
    prompts = [encoding.ids for encoding in split if len(encoding.ids) >= 20][:PROMPTS]
    same = [tell(theirs, ids[:20], tokens) == read(folder, ids[:20], tokens) for ids in prompts]
    return {
        "texts": len(kept),
        "differ": len(differ),
        "begin_with_a_space": len(parts) - len(kept),
        "told_the_same": f"{sum(same)} of {len(same)}",
        "exact": not differ and all(same) and len(same) == PROMPTS,
    }


def read(folder: Path, ids: Sequence[int], tokens: int) -> list[int]:
    """What our backend tells greedily in fp32."""
    import torch

    from storytime_tui.generation.computing import Computing
    from storytime_tui.jobs.generate import open_teller

    torch.set_num_threads(1)
    wanted = Computing(precision="fp32", threads=1)
    backend = open_teller(str(folder), wanted=lambda: wanted)._generator._backend
    cache = backend.new_cache()
    told = [int(backend.read(list(ids), cache).argmax())]
    while len(told) < tokens:
        told.append(int(backend.read(told[-1:], cache).argmax()))
    return told


def tell(model: Any, ids: Sequence[int], tokens: int) -> list[int]:
    """What llama.cpp tells greedily."""
    import llama_cpp
    import numpy as np

    model.reset()
    new, told = list(ids), []
    while len(told) < tokens:
        model.eval(new)
        logits = np.ctypeslib.as_array(
            llama_cpp.llama_get_logits_ith(model.ctx, -1), shape=(model.n_vocab(),)
        )
        new = [int(logits.argmax())]
        told += new
    return told


def main() -> None:
    """Print the figures."""
    import llama_cpp

    from tests.models import sentence_pieces

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--texts", nargs="+", type=Path, default=[Path("textdata")])
    parser.add_argument("--tokens", type=int, default=100)
    args = parser.parse_args()
    llama_cpp.llama_log_set(silent, None)
    texts = texts_of(args.texts)
    with tempfile.TemporaryDirectory(prefix="storytime-bench-") as place:
        found = {
            kind: compare(kind, texts, Path(place) / kind, args.tokens)
            for kind in (*sentence_pieces.KINDS, "byte-level")
        }
    print(json.dumps(found) if args.json else json.dumps(found, indent=2))
    sys.exit(0 if all(each["exact"] for each in found.values()) else 1)


if __name__ == "__main__":
    main()
