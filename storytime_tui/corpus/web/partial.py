"""Unfinished downloads: the part on disk, and how to resume it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from storytime_tui import files, small_files
from storytime_tui.corpus.web.polite import Answer
from storytime_tui.corpus.web.redacted import shown
from storytime_tui.errors import CorpusError

_LARGEST_NOTE = 100_000  # bytes; the note holds a version, which came in a header
_DIGESTS = {"sha-256": "sha256", "sha-512": "sha512"}


class Part:
    """The part of a file downloaded so far, at `path`; `total` is the file's size if the server said it.

    A JSON file beside it keeps the total and the version (ETag or Last-Modified), so that bytes of another version
    are never appended.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.total: int | None = None
        self._version = ""
        self._note = path.with_name(path.name + ".json")
        self._file: IO[bytes] | None = None
        with contextlib.suppress(OSError, small_files.UnreadableFile, TypeError, KeyError):
            note = small_files.read_json(self._note, _LARGEST_NOTE)
            total, version = note["total"], note["version"]
            if isinstance(version, str) and (total is None or isinstance(total, int)):
                self.size, self.total, self._version = path.stat().st_size, total, version

    def headers(self) -> dict[str, str]:
        """The request headers: a Range for the missing bytes, if the part's version or total is known."""
        self.close()
        if not self.size or not (self._version or self.total):
            return {}
        headers = {"Range": f"bytes={self.size}-"}
        if self._version:
            headers["If-Range"] = self._version
        return headers

    def begin(self, answer: Answer) -> bool:
        """Get ready for the answer's body. Returns False if the body does not fit the part: it was discarded, retry.

        If the server sends the file from the start, as for a new version, the part is overwritten.
        """
        if answer.status == 200:
            self.discard()
            self.total, self._version = answer.length, "" if answer.encoded else _version_of(answer)
            note = {"total": self.total, "version": self._version}
            files.write_atomically(self._note, json.dumps(note).encode())
            files.make_private(self.path)
            self._file = self.path.open("wb")
            return True
        start, total = _range_of(answer)
        changed = self._version and _version_of(answer) not in ("", self._version)
        if answer.status != 206 or start != self.size or changed or (self.total and total != self.total):
            self.discard()
            return False
        self.total = total
        self._file = self.path.open("ab")
        return True

    def add(self, data: bytes) -> None:
        """Append the next bytes."""
        if self._file is not None:
            self._file.write(data)
            self.size += len(data)

    def head(self, count: int) -> bytes:
        """The first `count` bytes."""
        self.close()
        with self.path.open("rb") as file:
            return file.read(count)

    def agrees_with(self, headers: Mapping[str, str]) -> bool:
        """Whether the bytes match the server's checksum (Repr-Digest or Digest); True if there is none."""
        given = headers.get("repr-digest", "") + "," + headers.get("digest", "")
        for kind, value in re.findall(r"(sha-256|sha-512)\s*=\s*:?([A-Za-z0-9+/=]+)", given, re.IGNORECASE):
            self.close()
            with self.path.open("rb") as file:
                digest = hashlib.file_digest(file, _DIGESTS[kind.lower()]).digest()
            if base64.b64encode(digest).decode().rstrip("=") != value.rstrip("="):
                return False
        return True

    def finish(self, path: Path) -> None:
        """Move the complete file to `path`."""
        self.close()
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(self.path, path)
        files.sync_folder(path.parent)

    def discard(self) -> None:
        """Delete the part and its JSON file."""
        self.close()
        for path in (self.path, self._note):
            path.unlink(missing_ok=True)
        self.size, self.total, self._version = 0, None, ""

    def close(self) -> None:
        """Close the file; the part stays."""
        if self._file is not None:
            self._file.close()
            self._file = None


@contextlib.contextmanager
def part_of(url: str, folder: Path) -> Iterator[Part]:
    """The part in `folder` of the file at `url`, locked while the block runs; it stays unless finished.

    Raises CorpusError if another download of it is running, and OSError.
    """
    name = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    lock = folder / f"{name}.part.lock"
    busy = CorpusError(f"{shown(url)} is being downloaded already: wait for that to end.")
    with files.locked(lock, busy):
        part = Part(folder / f"{name}.part")
        try:
            yield part
        finally:
            part.close()
            if not part.size or not part.path.exists():  # nothing to resume
                with contextlib.suppress(OSError):
                    part.discard()
                    lock.unlink()


def _version_of(answer: Answer) -> str:
    """The version of the file for If-Range: a strong ETag, else Last-Modified, else ""."""
    etag = answer.headers.get("etag", "").strip()
    return etag if etag.startswith('"') else answer.headers.get("last-modified", "").strip()


def _range_of(answer: Answer) -> tuple[int | None, int | None]:
    """The start of the body and the file's size, from Content-Range; None if not given."""
    found = re.fullmatch(
        r"bytes\s+(?:(\d{1,18})-\d{1,18}|\*)/(\d{1,18}|\*)", answer.headers.get("content-range", "").strip()
    )
    if not found:
        return None, None
    return int(found[1]) if found[1] else None, int(found[2]) if found[2] != "*" else None
