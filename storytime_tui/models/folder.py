"""What a folder with a model must hold, checked before anything heavy is imported or fetched. Knows no torch.

A model folder is Hugging Face's: `config.json`, a tokenizer, and weights in safetensors, either one file or
shards that an index names.
"""

import functools
import importlib.util
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from storytime_tui import small_files
from storytime_tui.errors import ModelError
from storytime_tui.models import config_numbers, weights_head

CONFIG = "config.json"
ADAPTER_CONFIG = "adapter_config.json"  # a LoRA run's, which names its base
ADAPTER_WEIGHTS = "adapter_model.safetensors"
GENERATION_CONFIG = "generation_config.json"
WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
TOKENIZER = "tokenizer.json"
VOCABULARY = ("vocab.json", "merges.txt")  # GPT-2's own form
TOKENIZER_SETTINGS = ("tokenizer_config.json", "special_tokens_map.json")
TOKENIZER_FILES = (TOKENIZER, *VOCABULARY, *TOKENIZER_SETTINGS)

_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
INDEX_LIMIT = 16_000_000  # bytes; the index of a model with a thousand shards has some 10 MB
TOKENIZER_LIMIT = 150_000_000  # bytes of one file; the largest vocabularies there are have some 40 MB


def read_json(path: Path, limit: int = small_files.LIMIT) -> dict[str, Any]:
    """A JSON object from a regular file of at most `limit` bytes. Raises ModelError naming the file for anything
    else."""
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


def check_files(names: Collection[str], where: str) -> None:
    """Raise ModelError where a model with files of these names, at `where`, cannot be used.

    `where` is how a sentence names it: a folder's path or an id on the Hub.
    """
    if CONFIG not in names:
        raise ModelError(
            f"{where} holds no model: there is no {CONFIG}. A model has {CONFIG}, {TOKENIZER} "
            f"(or {' and '.join(VOCABULARY)}) and {WEIGHTS}."
        )
    if TOKENIZER not in names and not set(VOCABULARY) <= set(names):
        raise ModelError(
            f"{where} has no tokenizer that can be read here: it needs {TOKENIZER} "
            f"(or {' and '.join(VOCABULARY)})."
        )
    if WEIGHTS in names or WEIGHTS_INDEX in names:
        return
    if any(name.endswith(_PICKLES) for name in names):
        raise ModelError(
            f"{where} has its weights only as pickle files, which can run any program when they are opened. "
            f"Pick a model that has {WEIGHTS}."
        )
    raise ModelError(f"{where} has no weights in safetensors: there is no {WEIGHTS}.")


def check_folder(folder: Path) -> None:
    """Raise ModelError where `folder` does not hold a whole model.

    Of its weights only the heads are read, and what its config.json says is held against them.
    """
    try:
        names = {path.name for path in folder.iterdir() if path.exists()}  # a link may lead nowhere
    except OSError as error:
        raise ModelError(f"The folder {folder} cannot be read: {error.strerror or error}.") from error
    check_files(names, str(folder))
    config = read_json(folder / CONFIG)
    check_config(config, str(folder))
    weights = weight_names(folder)
    missing = [name for name in weights if name not in names]
    if missing:
        raise ModelError(
            f"{folder} lacks {len(missing)} of its weight files, {missing[0]} first: "
            "fetch or copy the model again."
        )
    shapes = weights_head.shapes_in([folder / name for name in weights])
    config_numbers.check_against(config, shapes, str(folder))


def check_config(config: dict[str, Any], where: str) -> None:
    """Raise ModelError for a model that cannot be used here, by what its config.json says.

    Such are one that needs program code of its own, which is never run, one whose numbers cannot be, and one whose
    weights are packed into fewer bits.
    """
    kind = config.get("model_type")
    if "auto_map" in config:
        raise ModelError(
            f"{where} wants to run program code that comes with it, and that is never done here: "
            "pick a model that transformers knows by itself, such as distilgpt2."
        )
    if not isinstance(kind, str):
        why = (
            f"its {CONFIG} has no model_type"
            if kind is None
            else f'model_type in its {CONFIG} is {repr(kind)[:40]}, and must be a text such as "gpt2"'
        )
        raise ModelError(f"{where} does not say what kind of model it is: {why}.")
    known = known_kinds()
    if known and kind not in known:
        raise ModelError(
            f"{where} is of the kind {kind!r}, and the installed transformers has no language model of that "
            "kind: pick another, such as distilgpt2, or install a newer transformers."
        )
    if config.get("quantization_config"):
        raise ModelError(
            f"The weights in {where} are quantised, and only plain ones can be used here: pick the model that they "
            "were made from."
        )
    config_numbers.check_ranges(config, where)


def weight_names(folder: Path) -> tuple[str, ...]:
    """The files that the weights are in. Raises ModelError for a damaged index.

    The single file wins where there are both, as in transformers.
    """
    if (folder / WEIGHTS).exists() or not (folder / WEIGHTS_INDEX).exists():
        return (WEIGHTS,)
    index = folder / WEIGHTS_INDEX
    shards = read_json(index, INDEX_LIMIT).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise ModelError(f"{index} is damaged: it names no weight files. Fetch or copy it again.")
    names = sorted(set(map(str, shards.values())))
    for name in names:
        # a shard lies beside its index: nothing may lead out of the folder, or to a pickle
        if Path(name).name != name or "\\" in name or not name.endswith(".safetensors"):
            raise ModelError(f"{index} names a weight file that is not allowed: {name!r}.")
    return tuple(names)


@functools.cache
def known_kinds() -> frozenset[str]:
    """Each `model_type` that the installed transformers has a causal language model for; empty if unknown.

    Read from its source as text: importing transformers would load torch, for seconds.
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
