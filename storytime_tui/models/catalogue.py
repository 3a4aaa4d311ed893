"""The catalogue of bases. Knows no torch.

A base is the model that a run starts from: the bundled starter, a shape with random weights, a model on the
Hugging Face Hub, a folder with a model, or a checkpoint of an earlier run.
"""

import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from storytime_tui import paths
from storytime_tui.errors import ModelError
from storytime_tui.models import folder as model_folder
from storytime_tui.models.footprint import size_of_shape
from storytime_tui.models.shapes import HEAD, LAYERS, SCRATCH_SHAPES, WIDTHS, ScratchShape, scratch_shape

STARTER = "starter"
STARTER_FOLDER = Path(__file__).parent / "starter"  # weights and card; missing in a checkout without them


@dataclass(frozen=True)
class Base:
    """A base in the catalogue: `name` as on the command line and in plans, `note` as its one-line description."""

    name: str
    note: str
    parameters: int  # 0 when unknown
    download: int = 0  # bytes to fetch if it is not on this machine; 0 if nothing is fetched
    licence: str = ""  # of the weights; "" for what is made here

    @property
    def short(self) -> str:
        """The name without its owner on the Hub."""
        return self.name.rpartition("/")[2]


_STARTER_NOTE = "already tells simple stories, learns yours in minutes"
_OTHERS = (
    Base("scratch-small", "untrained: learns only from your stories, on any laptop", 14_000_000),
    Base("scratch-tiny", "untrained and tiny: trains in minutes, poor stories", 1_100_000),
    Base("distilgpt2", "knows English; slow without a GPU", 81_912_576, 352_824_413, "Apache 2.0"),
    Base(
        "roneneldan/TinyStories-33M",
        "tells simple stories for small children, and knows nothing else; slow without a GPU",
        *(68_514_048, 290_800_000, "not stated"),
    ),
    Base("gpt2", "knows English well; slow without a GPU", 124_439_808, 548_105_171, "MIT"),
    Base(
        "HuggingFaceTB/SmolLM2-135M",
        "as large as gpt2 and much better read; slow without a GPU",
        *(134_515_008, 269_060_552, "Apache 2.0"),
    ),
    Base(
        "HuggingFaceTB/SmolLM2-360M",
        "follows a thread over pages; tells on any laptop, learns on a GPU or by LoRA",
        *(361_821_120, 723_674_912, "Apache 2.0"),
    ),
    Base(
        "Qwen/Qwen3-0.6B-Base",
        "knows many languages; tells on a laptop, learns on a GPU or by LoRA",
        *(596_049_920, 1_192_135_096, "Apache 2.0"),
    ),
    Base("gpt2-medium", "3 times as large as gpt2; needs a GPU", 354_823_168, 1_519_984_962, "MIT"),
    Base("gpt2-large", "6 times as large as gpt2; needs a large GPU", 774_030_080, 3_247_159_078, "MIT"),
    Base("gpt2-xl", "12 times as large as gpt2; needs a very large GPU", 1_557_611_200, 6_431_829_964, "MIT"),
)


def has_starter() -> bool:
    """Whether the bundled starter is complete."""
    try:
        needed = (model_folder.CONFIG, model_folder.TOKENIZER, *model_folder.weight_names(STARTER_FOLDER))
    except ModelError:
        return False
    return all((STARTER_FOLDER / name).is_file() for name in needed)


def starter_shape() -> ScratchShape | None:
    """The shape in the starter's config.json; None if the starter is missing or damaged."""
    if not has_starter():
        return None
    try:
        config = model_folder.read_json(STARTER_FOLDER / model_folder.CONFIG)
        layers, width, heads, words, window = (
            int(config[key]) for key in ("n_layer", "n_embd", "n_head", "vocab_size", "n_positions")
        )
    except (ModelError, KeyError, TypeError, ValueError):
        return None
    return ScratchShape(layers, width, heads, words, window)


def bases() -> tuple[Base, ...]:
    """The bases to offer, the default first: the starter, if it is bundled."""
    shape = starter_shape()
    if shape is None:
        return _OTHERS
    size = size_of_shape(shape, shape.vocabulary, shape.window)
    return (Base(STARTER, _STARTER_NOTE, size.parameters), *_OTHERS)


def default_base() -> str:
    """The base of a plan that names none."""
    return STARTER if has_starter() else _OTHERS[0].name


def is_base_name(name: str) -> bool:
    """Whether a name is reserved for a base, so that no run may have it."""
    return name == STARTER or scratch_shape(name) is not None or any(base.name == name for base in _OTHERS)


def whole_name(name: str) -> str:
    """The whole id of a base that is named without its owner, as lists show it; any other name as it is.

    A run, a folder with a model or a GGUF file of that name is meant before the base.
    """
    whole = next((base.name for base in _OTHERS if name == base.short != base.name), name)
    if whole == name or os.path.lexists(paths.runs_folder() / name) or gguf_file(name) is not None:
        return name
    return name if os.path.exists(os.path.join(name, model_folder.CONFIG)) else whole


_REPO_ID = re.compile(r"(?=.{1,96}$)(?:[A-Za-z0-9][\w.-]*/)?[A-Za-z0-9_][\w.-]*", re.ASCII)


def gguf_file(name: str) -> Path | None:
    """The GGUF file that a name stands for: its path, or that of a folder with one such file and no other model.

    A file is one by its ending or by its first bytes.
    """
    path = os.path.expanduser(name)
    try:
        if os.path.isfile(path):
            return Path(path) if model_folder.is_gguf_name(name) or _begins_as_gguf(path) else None
        if not os.path.isdir(path) or os.path.exists(os.path.join(path, model_folder.CONFIG)):
            return None
        found = model_folder.gguf_files(Path(path))
    except (OSError, ValueError):
        return None
    return found[0] if len(found) == 1 else None


def _begins_as_gguf(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(len(model_folder.GGUF_MAGIC)) == model_folder.GGUF_MAGIC


def resolve_base(name: str) -> Literal["scratch", "folder", "hub", "gguf"]:
    """The kind of base that a name stands for: a new shape, a folder with a complete model, an id on the Hub, or a
    GGUF file.

    Looks at local folders, never at the network. Raises ModelError for a folder without a model and for a name
    that fits none of them.
    """
    if scratch_shape(name) is not None:
        return "scratch"
    if name == STARTER:
        if has_starter():
            return "folder"
        raise ModelError(
            "The starter model is missing or incomplete in this installation: install storytime-tui again, or "
            f"use the base {default_base()}."
        )
    if gguf_file(name) is not None:
        return "gguf"
    path = os.path.expanduser(name)  # os.path accepts any string; Path may raise
    holds_model = os.path.exists(os.path.join(path, model_folder.CONFIG))
    # A folder called "gpt2" without a model in it does not hide the Hub's gpt2.
    if os.path.isdir(path) and (holds_model or all(name != base.name for base in _OTHERS)):
        model_folder.check_folder(Path(path))
        return "folder"
    if name.startswith("scratch-"):
        raise ModelError(
            f"{name!r} is not a shape for a new model: use one of {', '.join(SCRATCH_SHAPES)}, or layers × width "
            f"such as scratch-9x320, with {LAYERS[0]} to {LAYERS[1]} layers and a width from {WIDTHS[0]} to "
            f"{WIDTHS[1]:,} that is a multiple of {HEAD}."
        )
    exists = os.path.exists(path)
    if exists and all(name != base.name for base in _OTHERS):
        raise ModelError(
            f"{name} is a file, and not a model: a model is a folder with {model_folder.CONFIG}, "
            f"{model_folder.TOKENIZER} and {model_folder.WEIGHTS}, or a GGUF file."
        )
    if model_folder.is_gguf_name(name) and not exists:
        raise ModelError(f"There is no file {name}: give the path of a .gguf file.")
    if is_repo_id(name):
        return "hub"
    if name.startswith((".", "~")) or os.path.isabs(path) or name.count("/") > 1:
        raise ModelError(
            f"The model folder {name} does not exist: give a folder with a model, or a model's id on the Hub."
        )
    raise ModelError(
        f"{name!r} is not a model: use one of {', '.join(base.name for base in bases())}, "
        "a folder with a model, a .gguf file, or an id on the Hub such as owner/model."
    )


def is_repo_id(name: str) -> bool:
    """Whether `name` is a valid model id on the Hub: `model` or `owner/model`."""
    valid = _REPO_ID.fullmatch(name) is not None and not name.endswith((".", "-", ".git"))
    return valid and "--" not in name and ".." not in name


def nearest_names(name: str) -> list[str]:
    """At most three bases with names similar to `name`, the most similar first."""
    names = {base.short.lower(): base.name for base in bases()}
    near = difflib.get_close_matches(name.rpartition("/")[2].lower(), list(names), n=3, cutoff=0.6)
    return [names[each] for each in near]
