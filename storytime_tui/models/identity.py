"""Whether two model folders hold the same weights: a quick local identity, and a full digest. Loads no torch."""

import contextlib
import json
from hashlib import file_digest, sha256
from pathlib import Path

from storytime_tui import files
from storytime_tui.errors import ModelError
from storytime_tui.models import folder as model_folder
from storytime_tui.small_files import UnreadableFile, is_regular, read_bytes


def identity_of(folder: Path) -> str:
    """An identity of a folder's weights: the hash of its SHA256SUMS file if there is one.

    Otherwise the path, size and time of each weight file, which needs no reading.
    """
    with contextlib.suppress(OSError, UnreadableFile):
        sums = read_bytes(folder / "SHA256SUMS").splitlines()
        # the model card is extended when the run ends
        return sha256(b"\n".join(line for line in sums if not line.endswith(b"  README.md"))).hexdigest()
    weights = sorted(folder.glob("*.safetensors"))
    facts = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in weights]
    return sha256(json.dumps(facts).encode()).hexdigest()


def digest_of(folder: Path) -> str:
    """The SHA-256 of all weights in a folder, full or adapter, independent of place and time.

    Reads the files. Raises ModelError.
    """
    adapter = folder / model_folder.ADAPTER_WEIGHTS
    names = (adapter.name,) if is_regular(adapter) else model_folder.weight_names(folder)
    total = sha256()
    try:
        for name in names:
            with (folder / name).open("rb") as opened:
                total.update(file_digest(opened, "sha256").digest())
    except OSError as error:
        raise ModelError(files.explain(error, f"reading the model in {folder}")) from error
    return total.hexdigest()
