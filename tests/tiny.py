"""Small things to test with: a made-up shelf, its tokens, and a model small enough to train in a blink."""

import random
from pathlib import Path
from typing import Any

import numpy as np

WHO = ["mouse", "hedgehog", "wren", "mole", "frog", "snail", "vole", "rook"]
DID = ["mended", "carried", "lost", "counted", "polished", "hid", "painted", "found"]
WHAT = [
    "a button",
    "the kettle",
    "an umbrella",
    "the lantern",
    "a jam jar",
    "the key",
    "a ribbon",
    "the boat",
]
WHERE = ["by the pond", "under the stair", "in the hedge", "at the mill", "on the lane", "behind the door"]


def tale(seed: int, sentences: int = 30) -> str:
    """A made-up tale with a grammar that a tiny model can learn."""
    draw = random.Random(seed)
    lines = [
        f"The {draw.choice(WHO)} {draw.choice(DID)} {draw.choice(WHAT)} {draw.choice(WHERE)}."
        for _ in range(sentences)
    ]
    return "\n\n".join(" ".join(lines[i : i + 5]) for i in range(0, len(lines), 5))


def write_collection(folder: Path, stories: int = 8, sentences: int = 30) -> Path:
    """A folder of `.txt` tales."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(stories):
        (folder / f"tale-{number}.txt").write_text(f"Tale Number {number}\n\n{tale(number, sentences)}\n")
    return folder


def tiny_gpt2(vocabulary: int = 64, window: int = 32, seed: int = 0, dropout: float = 0.1) -> Any:
    """A GPT-2 of two layers by transformers itself."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=vocabulary,
        n_positions=window,
        n_embd=32,
        n_layer=2,
        n_head=2,
        resid_pdrop=dropout,
        embd_pdrop=dropout,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=0,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return GPT2LMHeadModel(config)


def ours(reference: Any, dropout: float | None = None) -> Any:
    """The same model as ours (`models.gpt2.GPT2`), with the weights of one by transformers."""
    import torch

    from storytime_tui.models.gpt2_files import empty_gpt2, shape_of
    from storytime_tui.models.own_files import fill_from

    config = reference.config.to_dict()
    model = empty_gpt2(shape_of(config, dropout), torch.device("cpu"), torch.float32, padded=False)
    fill_from(model, reference.state_dict().items())
    return model


def write_bare_gpt2(folder: Path) -> Path:
    """A whole model folder, as small as one can be and untrained; made without torch."""
    import json

    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, models

    width, inner, words, window = 8, 32, 16, 8
    shapes = {"wte.weight": (words, width), "wpe.weight": (window, width)}
    for norm in ("h.0.ln_1", "h.0.ln_2", "ln_f"):
        shapes |= {f"{norm}.weight": (width,), f"{norm}.bias": (width,)}
    for matrix, shape in {
        "attn.c_attn": (width, 3 * width),
        "attn.c_proj": (width, width),
        "mlp.c_fc": (width, inner),
        "mlp.c_proj": (inner, width),
    }.items():
        shapes |= {f"h.0.{matrix}.weight": shape, f"h.0.{matrix}.bias": shape[1:]}
    folder.mkdir(parents=True)
    weights = {f"transformer.{name}": np.zeros(shape, np.float32) for name, shape in shapes.items()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    numbers = {"vocab_size": words, "n_positions": window, "n_embd": width, "n_layer": 1, "n_head": 2}
    config = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], **numbers}
    (folder / "config.json").write_text(json.dumps(config))
    vocabulary = {"<|endoftext|>": 0, **{chr(97 + number): number for number in range(1, words)}}
    Tokenizer(models.BPE(vocabulary, [])).save(str(folder / "tokenizer.json"))
    return folder


def make_starter(folder: Path, seed: int = 0) -> Path:
    """A model folder as the starter's: 16 bits, in shards, with everything that telling needs; untrained."""
    import json
    import tempfile

    import torch

    from storytime_tui.models import loading
    from storytime_tui.models.export import weight_files
    from storytime_tui.models.shapes import ScratchShape
    from storytime_tui.models.tokenizer import train_tokenizer

    tokenizer = train_tokenizer([tale(number) for number in range(8)], 400)
    shape = ScratchShape(layers=2, width=64, heads=1, vocabulary=400, window=128)
    model = loading.new_model(shape, tokenizer, seed, 0.1)
    folder.mkdir(parents=True)
    tokenizer.save(folder, shape.window)
    with tempfile.TemporaryDirectory() as place:
        loading.write_model(model, loading.weights_of(model), Path(place))
        with weight_files.open_weights(Path(place)) as weights:
            names = weight_files.write_weights(weights, folder, torch.float16, shard_bytes=100_000)
        config = json.loads((Path(place) / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(weight_files.config_in(config, torch.float16)))
    assert len(names) > 1
    (folder / "README.md").write_text("# A stand-in\n")
    return folder


class TinyFiles:
    """How a tiny model goes into a checkpoint: without a tokenizer."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def weights(self) -> dict[str, Any]:
        """All of them, on the CPU."""
        from storytime_tui.models.own_files import weights_of

        return weights_of(self.model)

    def write(self, weights: dict[str, Any], folder: Path) -> None:
        """Weights and configuration."""
        from storytime_tui.models.gpt2_files import config_of
        from storytime_tui.models.own_files import write_files

        write_files(weights, config_of(self.model.shape, 0), folder)


def token_stream(tokens: int, vocabulary: int = 64, seed: int = 0) -> np.ndarray:
    """Ids with something to learn in them: each follows from the one before, with a little noise."""
    draw = np.random.default_rng(seed)
    ids = np.zeros(tokens, dtype=np.uint16)
    for i in range(1, tokens):
        ids[i] = draw.integers(1, vocabulary) if draw.random() < 0.1 else (ids[i - 1] * 5 + 3) % vocabulary
    return ids
