"""Whether two model folders hold the same weights: quickly, on one machine and day, or surely. Loads no torch."""

import contextlib
import json
from hashlib import file_digest, sha256
from pathlib import Path

from storytime_tui import files
from storytime_tui.errors import ModelError
from storytime_tui.models import folder as model_folder
from storytime_tui.small_files import UnreadableFile, is_regular, read_bytes


def identity_of(folder: Path) -> str:
    """What tells one model folder's weights from another's: the sums it was saved with, where it has them.

    Else the place, size and time of each weight file, which costs no reading; a changed file has others.
    """
    with contextlib.suppress(OSError, UnreadableFile):
        sums = read_bytes(folder / "SHA256SUMS").splitlines()
        # a card is told more when the run is over
        return sha256(b"\n".join(line for line in sums if not line.endswith(b"  README.md"))).hexdigest()
    weights = sorted(folder.glob("*.safetensors"))
    facts = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in weights]
    return sha256(json.dumps(facts).encode()).hexdigest()


def digest_of(folder: Path) -> str:
    """The sum of all that a folder's weight files hold, whole or an adapter's: the same wherever and whenever they are.

    Reads them. Raises ModelError.
    """
    adapter = folder / model_folder.ADAPTER_WEIGHTS
    names = (adapter.name,) if is_regular(adapter) else model_folder.weight_names(folder)
    whole = sha256()
    try:
        for name in names:
            with (folder / name).open("rb") as opened:
                whole.update(file_digest(opened, "sha256").digest())
    except OSError as error:
        raise ModelError(files.explain(error, f"reading the model in {folder}")) from error
    return whole.hexdigest()
