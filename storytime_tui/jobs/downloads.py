"""Asking before a model is downloaded from the Hub. Loads no torch."""

import shutil

from storytime_tui.formatting import size
from storytime_tui.models.wanted import Ask as Ask
from storytime_tui.models.wanted import Cancelled as Cancelled
from storytime_tui.models.wanted import Wanted as Wanted
from storytime_tui.models.wanted import asked_first as asked_first
from storytime_tui.plain_http import is_plain_http
from storytime_tui.terminal import printable_path


def in_words(wanted: Wanted) -> tuple[str, str]:
    """Two sentences: what would be downloaded, and where it will be kept."""
    plain = " The connection is not encrypted (http)." if is_plain_http(wanted.endpoint) else ""
    place = next(each for each in (wanted.folder, *wanted.folder.parents) if each.exists())
    free = size(shutil.disk_usage(place).free)
    return (
        f"{wanted.repo_id} is not on this machine: {size(wanted.bytes)} to download from {wanted.endpoint}.{plain}",
        f"It stays in {printable_path(wanted.folder)} ({free} free) for later use.",
    )
