"""Whether a tokenizer may be loaded into this process: of a kind that is known, or tried elsewhere first.

Loads no torch, and not `tokenizers` either.
"""

import hashlib
import importlib.metadata
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from storytime_tui import disk_cache, paths, small_files
from storytime_tui.errors import ModelError
from storytime_tui.models import folder as model_folder
from storytime_tui.models import tokenizer_trial

_PATIENCE = 45.0  # seconds, for a machine that does much else; the trial itself may compute for half of them
_PLAIN = 12_000_000  # bytes; a larger file is tried, since looking through it here takes longer
_VERSION = 1  # of the trial: another one asks again
_SPARE_IDS = 1000  # numbers that no token has
_UNUSED: tuple[object, ...] = (None, False, "", [], {})


def check(content: Mapping[str, bytes], where: Path) -> None:
    """Raise ModelError, naming the folder `where`, for a tokenizer that cannot be used.

    `content`: the bytes of `tokenizer.json`, or of `vocab.json` and `merges.txt`. A plain byte-level BPE, as GPT-2's
    and those made here are, is known to be sound. Any other is tried in a process of its own, once: its verdict is
    kept by its SHA-256.
    """
    names = [model_folder.TOKENIZER] if model_folder.TOKENIZER in content else list(model_folder.VOCABULARY)
    parts = [content[name] for name in names]
    if len(parts) == 1 and len(parts[0]) <= _PLAIN and _is_plain(parts[0]):
        return
    kept = _verdict_file(parts)
    said = disk_cache.find(kept, _kept_verdict)
    if said is None:
        said, certain = _try(dict(zip(names, parts, strict=True)))
        if certain:
            disk_cache.remember(kept, said.encode())
    if said != tokenizer_trial.OK:
        raise ModelError(f"The tokenizer in {where} cannot be used: {said}. Pick another model.")


def _verdict_file(parts: list[bytes]) -> Path:
    digest = hashlib.sha256(f"{_VERSION} {importlib.metadata.version('tokenizers')}".encode())
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return paths.cache_folder() / "tokenizers" / digest.hexdigest()


def _kept_verdict(path: Path) -> str | None:
    try:
        return small_files.read_text(path, 1000).strip() or None
    except (OSError, small_files.UnreadableFile):
        return None


def _try(parts: Mapping[str, bytes]) -> tuple[str, bool]:
    """What the trial says, and whether it would say the same again."""
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join([str(_home_of_package()), os.environ.get("PYTHONPATH", "")])
    try:
        with tempfile.TemporaryDirectory(prefix="storytime-") as place:
            for name, part in parts.items():  # these bytes, whatever becomes of the files they came from
                (Path(place) / name).write_bytes(part)
            command = [sys.executable, "-m", tokenizer_trial.__name__]
            done = subprocess.run(
                [*command, *(str(Path(place) / name) for name in parts)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PATIENCE,
                env=environment,
                check=False,
            )
    except subprocess.TimeoutExpired:
        return "it does not come to an end", False
    except (OSError, ValueError) as error:
        raise ModelError(
            f"A tokenizer could not be tried, since no program could be started: {error}."
        ) from error
    lines = done.stdout.decode(errors="replace").splitlines()
    if done.returncode == 0 and lines and lines[-1] == tokenizer_trial.OK:
        return tokenizer_trial.OK, True
    if done.returncode == 1 and lines:
        return lines[-1], True
    if done.returncode == -getattr(signal, "SIGXCPU", 0):
        return "it does not come to an end", True
    return "it takes too much memory, or makes its library fall", done.returncode != -getattr(
        signal, "SIGKILL", 9
    )


def _home_of_package() -> Path:
    return Path(__file__).parents[2]


def _is_plain(data: bytes) -> bool:
    """Whether it is a byte-level BPE as GPT-2's: no patterns, no normalizer, each number below the vocabulary's size.

    Nothing of such a file can run without end or take more memory than itself.
    """
    try:
        rules = small_files.parse_json(small_files.decode(data, "it"), "it")
        model, added = rules["model"], rules.get("added_tokens") or []
        vocabulary = model["vocab"]
        most = len(vocabulary) + len(added) + _SPARE_IDS
        return (
            all(rules.get(name) in _UNUSED for name in ("normalizer", "truncation", "padding"))
            and all(_is_byte_level(rules.get(name)) for name in ("pre_tokenizer", "decoder"))
            and (rules.get("post_processor") is None or _is_byte_level(rules["post_processor"]))
            and model.get("type") == "BPE"
            and all(
                model.get(name) in _UNUSED
                for name in ("dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix")
            )
            and len(vocabulary) > 0
            and all(_is_id(number, most) for number in vocabulary.values())
            and len(added) < _SPARE_IDS
            and all(_is_id(each["id"], most) and _is_word(each["content"]) for each in added)
        )
    except (small_files.UnreadableFile, KeyError, TypeError, AttributeError, IndexError):
        return False


def _is_byte_level(part: Any) -> bool:
    known = {"type", "add_prefix_space", "trim_offsets", "use_regex"}
    return bool(part["type"] == "ByteLevel" and part.keys() <= known)


def _is_id(number: Any, most: int) -> bool:
    return type(number) is int and 0 <= number < most


def _is_word(content: Any) -> bool:
    return isinstance(content, str) and 0 < len(content) < _SPARE_IDS
