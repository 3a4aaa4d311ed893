"""Whether a tokenizer is safe to load into this process: plainly harmless, or tried in another process first.

Loads no torch and no `tokenizers`.
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

_TIMEOUT = 45.0  # seconds, generous for a busy machine; the trial itself may use half of them
_PLAIN_BYTES = 12_000_000  # bytes; a trial is faster than inspecting a larger file here
_VERSION = 1  # raise it to repeat all trials
_SPARE_IDS = 1000  # ids without a token
_UNUSED: tuple[object, ...] = (None, False, "", [], {})


def check(content: Mapping[str, bytes], where: Path) -> None:
    """Raise ModelError, naming the folder `where`, for a tokenizer that cannot be used.

    `content`: the bytes of `tokenizer.json`, or of `vocab.json` and `merges.txt`. A plain byte-level BPE, such as
    GPT-2's and those trained here, is known to be safe. Any other tokenizer is tried once in its own process; the
    verdict is cached under its SHA-256.
    """
    names = [model_folder.TOKENIZER] if model_folder.TOKENIZER in content else list(model_folder.VOCABULARY)
    parts = [content[name] for name in names]
    if len(parts) == 1 and len(parts[0]) <= _PLAIN_BYTES and _is_plain(parts[0]):
        return
    verdict_file = _verdict_file(parts)
    verdict = disk_cache.find(verdict_file, _cached_verdict)
    if verdict is None:
        verdict, repeatable = _try(dict(zip(names, parts, strict=True)))
        if repeatable:
            disk_cache.remember(verdict_file, verdict.encode())
    if verdict != tokenizer_trial.OK:
        raise ModelError(f"The tokenizer in {where} cannot be used: {verdict}. Pick another model.")


def _verdict_file(parts: list[bytes]) -> Path:
    digest = hashlib.sha256(f"{_VERSION} {importlib.metadata.version('tokenizers')}".encode())
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return paths.cache_folder() / "tokenizers" / digest.hexdigest()


def _cached_verdict(path: Path) -> str | None:
    try:
        return small_files.read_text(path, 1000).strip() or None
    except (OSError, small_files.UnreadableFile):
        return None


def _try(parts: Mapping[str, bytes]) -> tuple[str, bool]:
    """The trial's verdict, and whether another trial would give the same."""
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join([str(_package_root()), os.environ.get("PYTHONPATH", "")])
    try:
        with tempfile.TemporaryDirectory(prefix="storytime-") as folder:
            for name, part in parts.items():  # exactly these bytes, even if the original files change
                (Path(folder) / name).write_bytes(part)
            command = [sys.executable, "-m", tokenizer_trial.__name__]
            done = subprocess.run(
                [*command, *(str(Path(folder) / name) for name in parts)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_TIMEOUT,
                env=environment,
                check=False,
            )
    except subprocess.TimeoutExpired:
        return "its trial does not end", False
    except (OSError, ValueError) as error:
        raise ModelError(
            f"The tokenizer could not be checked, because no process could be started: {error}."
        ) from error
    lines = done.stdout.decode(errors="replace").splitlines()
    if done.returncode == 0 and lines and lines[-1] == tokenizer_trial.OK:
        return tokenizer_trial.OK, True
    if done.returncode == 1 and lines:
        return lines[-1], True
    if done.returncode == -getattr(signal, "SIGXCPU", 0):
        return "its trial does not end", True
    killed = done.returncode == -getattr(signal, "SIGKILL", 9)
    return "it takes too much memory, or crashes its library", not killed


def _package_root() -> Path:
    return Path(__file__).parents[2]


def _is_plain(data: bytes) -> bool:
    """Whether it is a byte-level BPE like GPT-2's: no patterns, no normalizer, every id within the vocabulary's size.

    Such a file cannot hang or take more memory than its own size.
    """
    try:
        rules = small_files.parse_json(small_files.decode(data, "it"), "it")
        model, added = rules["model"], rules.get("added_tokens") or []
        vocabulary = model["vocab"]
        id_limit = len(vocabulary) + len(added) + _SPARE_IDS
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
            and all(_is_id(number, id_limit) for number in vocabulary.values())
            and len(added) < _SPARE_IDS
            and all(_is_id(each["id"], id_limit) and _is_word(each["content"]) for each in added)
        )
    except (small_files.UnreadableFile, KeyError, TypeError, AttributeError, IndexError):
        return False


def _is_byte_level(part: Any) -> bool:
    allowed = {"type", "add_prefix_space", "trim_offsets", "use_regex"}
    return bool(part["type"] == "ByteLevel" and part.keys() <= allowed)


def _is_id(number: Any, limit: int) -> bool:
    return type(number) is int and 0 <= number < limit


def _is_word(content: Any) -> bool:
    return isinstance(content, str) and 0 < len(content) < _SPARE_IDS
