"""Checks of a model folder, before anything heavy is imported or fetched. Knows no torch.

A model folder has Hugging Face's layout: `config.json`, a tokenizer, and weights in safetensors, either one file
or shards listed in an index.
"""

import functools
import importlib.util
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from storytime_tui import small_files
from storytime_tui.errors import ModelError
from storytime_tui.models import config_numbers, safetensors_header

CONFIG = "config.json"
ADAPTER_CONFIG = "adapter_config.json"  # of a LoRA adapter; names its base
ADAPTER_WEIGHTS = "adapter_model.safetensors"
GENERATION_CONFIG = "generation_config.json"
WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
TOKENIZER = "tokenizer.json"
VOCABULARY = ("vocab.json", "merges.txt")  # GPT-2's original format
TOKENIZER_SETTINGS = ("tokenizer_config.json", "special_tokens_map.json")
GGUF, GGUF_MAGIC = ".gguf", b"GGUF"  # the ending of a GGUF file's name, and its first bytes
TOKENIZER_FILES = (TOKENIZER, *VOCABULARY, *TOKENIZER_SETTINGS)
_FILES = f"{CONFIG}, {TOKENIZER} (or {' and '.join(VOCABULARY)}) and {WEIGHTS}"

_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
INDEX_LIMIT = 16_000_000  # bytes; the index of a thousand shards has about 10 MB
TOKENIZER_LIMIT = 150_000_000  # bytes of one file; the largest vocabularies have about 40 MB


def read_json(path: Path, limit: int = small_files.LIMIT) -> dict[str, Any]:
    """A JSON object from a regular file of at most `limit` bytes. Raises ModelError naming the file."""
    try:
        data = small_files.read_bytes(path, limit)
    except FileNotFoundError as error:
        raise ModelError(f"{path} cannot be read: there is no such file.") from error
    except small_files.UnreadableFile as error:
        raise ModelError(str(error)) from error
    try:
        value = small_files.parse_json(small_files.decode(data, path), path)
    except small_files.UnreadableFile as error:
        raise ModelError(f"{path} is damaged: it is not valid JSON. Fetch or copy it again.") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} is damaged: it holds no JSON object. Fetch or copy it again.")
    return value


def is_gguf_name(name: str) -> bool:
    """Whether a file's name ends as that of a GGUF file."""
    return name.lower().endswith(GGUF)


def gguf_files(folder: Path) -> list[Path]:
    """The GGUF files directly in a folder, by their names, sorted. Raises OSError."""
    return sorted(path for path in folder.iterdir() if is_gguf_name(path.name) and path.is_file())


def has_weights(names: Collection[str]) -> bool:
    """Whether files of these names are or list weights in safetensors."""
    return WEIGHTS in names or WEIGHTS_INDEX in names


def check_files(names: Collection[str], where: str) -> None:
    """Raise ModelError if a model with files of these names cannot be used.

    `where` names the model in the message: a folder's path or an id on the Hub.
    """
    if CONFIG not in names:
        raise ModelError(f"{where} holds no model: there is no {CONFIG}. A model has {_FILES}.")
    if TOKENIZER not in names and not set(VOCABULARY) <= set(names):
        raise ModelError(
            f"{where} has no tokenizer that can be read here: it needs {TOKENIZER} "
            f"(or {' and '.join(VOCABULARY)})."
        )
    if has_weights(names):
        return
    if any(name.endswith(_PICKLES) for name in names):
        raise ModelError(
            f"{where} has its weights only as pickle files, and opening these can run arbitrary code. "
            f"Pick a model that has {WEIGHTS}."
        )
    raise ModelError(f"{where} has no weights in safetensors: there is no {WEIGHTS}.")


def check_folder(folder: Path) -> None:
    """Raise ModelError if `folder` does not hold a complete, usable model.

    Reads only the headers of the weight files, and compares them with config.json.
    """
    try:
        names = {path.name for path in folder.iterdir() if path.exists()}  # a dangling link does not exist
    except OSError as error:
        raise ModelError(f"The folder {folder} cannot be read: {error.strerror or error}.") from error
    if CONFIG not in names:
        raise ModelError(_no_model(folder))
    check_files(names, str(folder))
    config = read_json(folder / CONFIG)
    check_config(config, str(folder))
    weights = weight_names(folder)
    missing = [name for name in weights if name not in names]
    if missing:
        raise ModelError(
            f"{folder} lacks {len(missing)} of its weight files, such as {missing[0]}: "
            "fetch or copy the model again."
        )
    shapes = safetensors_header.shapes_in([folder / name for name in weights])
    config_numbers.check_against(config, shapes, str(folder))


def _no_model(folder: Path) -> str:
    """The sentence for a folder without config.json: which of its GGUF files to name, or what a model is."""
    try:
        found = gguf_files(folder)
    except OSError:
        found = []
    if len(found) > 1:
        return f"{folder} holds {len(found):,} {GGUF} files: name one of them, such as {found[0]}."
    return f"{folder} holds no model: there is no {CONFIG}. A model has {_FILES}, or is a {GGUF} file."


def check_config(config: dict[str, Any], where: str) -> None:
    """Raise ModelError for a model that cannot be used here, judging by its config.json.

    Refused are models that need their own program code (never run here), impossible numbers, and quantised weights.
    """
    kind = config.get("model_type")
    if "auto_map" in config:
        raise ModelError(
            f"{where} needs to run program code that comes with it, which is never done here: "
            "pick a model that transformers supports itself, such as distilgpt2."
        )
    if not isinstance(kind, str):
        why = (
            f"its {CONFIG} has no model_type"
            if kind is None
            else f'model_type in its {CONFIG} is {repr(kind)[:40]}, but must be a text such as "gpt2"'
        )
        raise ModelError(f"{where} does not say what kind of model it is: {why}.")
    known = known_kinds()
    if known and kind not in known:
        raise ModelError(
            f"{where} has the model type {kind!r}, and the installed transformers has no language model of that "
            "type: pick another, such as distilgpt2, or install a newer transformers."
        )
    if config.get("quantization_config"):
        raise ModelError(
            f"The weights in {where} are quantised, which is not supported here: pick the model that they "
            "were made from."
        )
    config_numbers.check_ranges(config, where)


def weight_names(folder: Path) -> tuple[str, ...]:
    """The names of the weight files; the single file wins over shards, as in transformers.

    Raises ModelError for a damaged index.
    """
    if (folder / WEIGHTS).exists() or not (folder / WEIGHTS_INDEX).exists():
        return (WEIGHTS,)
    index = folder / WEIGHTS_INDEX
    shards = read_json(index, INDEX_LIMIT).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise ModelError(f"{index} is damaged: it names no weight files. Fetch or copy it again.")
    names = sorted(set(map(str, shards.values())))
    for name in names:
        # The index must not lead out of the folder or to a pickle.
        if Path(name).name != name or "\\" in name or not name.endswith(".safetensors"):
            raise ModelError(f"{index} names a weight file that is not allowed: {name!r}.")
    return tuple(names)


@functools.cache
def known_kinds() -> frozenset[str]:
    """Every `model_type` that the installed transformers has a causal language model for; empty if unknown.

    Read from its source as text, because importing transformers loads torch, which takes seconds.
    """
    spec = importlib.util.find_spec("transformers")
    if spec is None or spec.origin is None:
        return frozenset()
    try:
        source = Path(spec.origin).parent.joinpath("models/auto/modeling_auto.py").read_text(encoding="utf-8")
    except OSError:
        return frozenset()
    table = re.search(r"^MODEL_FOR_CAUSAL_LM_MAPPING_NAMES = OrderedDict\($(.*?)^\)$", source, re.M | re.S)
    return frozenset(re.findall(r'\(\s*"([^"]+)",', table.group(1))) if table else frozenset()
