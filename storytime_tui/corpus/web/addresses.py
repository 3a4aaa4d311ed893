"""Downloading a text: from an address to a complete file, or one clear error message."""

from __future__ import annotations

import os
import re
import shutil
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from storytime_tui import files, paths
from storytime_tui.corpus.file_names import ending_of, stem_of
from storytime_tui.corpus.formats.registry import ARCHIVES, MEDIA_TYPES, PAGES, SUFFIXES, suffixes_in_words
from storytime_tui.corpus.web import polite
from storytime_tui.corpus.web.partial import Part, part_of
from storytime_tui.corpus.web.polite import (
    Answer,
    DownloadStopped,
    NotThere,
    ServerTrouble,
    TryAgain,
    is_address,
)
from storytime_tui.corpus.web.redacted import kept, shown
from storytime_tui.errors import CorpusError
from storytime_tui.formatting import size
from storytime_tui.reporting import Report
from storytime_tui.terminal import printable_line

__all__ = [  # with the names of `polite` that callers need
    "DownloadStopped",
    "Downloaded",
    "NotThere",
    "ServerTrouble",
    "download",
    "download_text",
    "downloads_folder",
    "is_address",
    "kept",
    "read",
    "shown",
]


_TRIES = 5
_SPARE = 50_000_000  # bytes of disk to leave free
_KEPT_DAYS = 14  # how long an unfinished part is kept
_PAGE_HEAD = 200_000  # bytes of a page that are searched for a login form
_LONGEST_HEADER = 2000  # characters of a Content-Disposition
_LOGIN_WORDS = 300  # a page with this many words is content, even if it has a login form

_SUFFIXES = (*SUFFIXES, *ARCHIVES)
_INNER = re.compile(rf"(.+(?:{'|'.join(map(re.escape, _SUFFIXES))}))\.[\w-]+$", re.IGNORECASE)
_ANY_BYTES = (
    "",
    "application/octet-stream",
    "binary/octet-stream",
    "application/force-download",
    "application/download",
)
_KINDS = {
    "image": "a picture", "video": "a film", "audio": "a sound", "font": "a font",
    "application/pdf": "a PDF", "application/x-mobipocket-ebook": "a book for Kindle only",
}  # fmt: skip
_LOGIN = re.compile(r"(?<![a-z])(log[-_]?[io]n|sign[-_]?in|sso|o?auth2?|authenticat\w*|authoriz\w*)(?![a-z])")
_INPUT = re.compile(r"<input\b[^<>]*")  # excludes "<", so matching is linear in the page's length
_PASSWORD = re.compile(r"""\btype\s*=\s*["']?\s*password""")


@dataclass(frozen=True)
class Downloaded:
    """A complete file: its path, the final address after redirects, and what the server said about it.

    `charset`: the encoding named by the server, or "". `name`: the file's name, safe on any system.
    """

    path: Path
    final_url: str
    content_type: str
    charset: str
    name: str


def downloads_folder() -> Path:
    """The folder for downloads. The next start of the program resumes unfinished parts in it."""
    return paths.cache_folder() / "downloads"


def download(
    url: str,
    folder_or_path: Path,
    *,
    report: Report | None = None,
    stop: threading.Event | None = None,
    largest: int = 200_000_000,
) -> Downloaded:
    """Download a text (plain, Markdown, HTML, EPUB or a zip of them) into a folder, or to the path given.

    The file appears when it is complete. Until then a part lies beside it, and a later call for the same address
    resumes it. 429, 5xx and broken connections are retried. Raises DownloadStopped, NotThere, and CorpusError for
    anything else: a login page, a file that is not a text or has more than `largest` bytes, a full disk, a connection
    that keeps breaking.
    """
    url = url.strip()
    polite.host_of(url)  # refuses an invalid address before any file is made
    folder = folder_or_path if folder_or_path.is_dir() else folder_or_path.parent
    target = None if folder_or_path.is_dir() else folder_or_path
    job = _Job(url, report or (lambda *_: None), stop, largest, target)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files.forget_unused(downloads_folder(), _KEPT_DAYS)
        with part_of(url, folder) as part:
            answer, name = job.fetch(part)
            path = target or folder / _free_name(folder, name)
            part.finish(path)
    except OSError as error:
        raise CorpusError(files.explain(error, f"downloading {shown(url)}")) from error
    return Downloaded(path, answer.url, answer.content_type, answer.charset, name)


def download_text(
    url: str, folder: Path, *, report: Report | None = None, stop: threading.Event | None = None
) -> Downloaded:
    """Like `download`, for a temporary folder: the unfinished part is in `downloads_folder`."""
    waiting = downloads_folder()
    try:
        files.make_folder(waiting)
        downloaded = download(url, waiting, report=report, stop=stop)
        moved = shutil.move(downloaded.path, folder / _free_name(folder, downloaded.name))
        return replace(downloaded, path=Path(moved))
    except OSError as error:
        raise CorpusError(files.explain(error, f"downloading {shown(url)}")) from error


def read(
    url: str,
    *,
    stop: threading.Event | None = None,
    largest: int = 10_000_000,
    tries: int = 3,
    patience: float | None = None,
) -> tuple[Answer, bytes]:
    """A small answer, read into memory. Raises the errors of `download`, and ServerTrouble if the server fails."""

    def attempt() -> tuple[Answer, bytes]:
        with polite.get(url, stop=stop, patience=patience) as (answer, pieces):
            body = bytearray()
            for piece in pieces:
                body += piece
                if len(body) > largest:
                    raise CorpusError(f"What {shown(url)} sends is too much: more than {size(largest)}.")
            return answer, bytes(body)

    return polite.with_retries(attempt, tries)


@dataclass(frozen=True)
class _Job:
    """One download: what to fetch, and the attempts to fill its part."""

    url: str
    report: Report
    stop: threading.Event | None
    largest: int
    target: Path | None  # the file's path, if the caller chose it

    def fetch(self, part: Part) -> tuple[Answer, str]:
        """Fill the part. Returns the head of the last answer, and the file's name."""
        try:
            return polite.with_retries(
                lambda: self._attempt(part), _TRIES, lambda host: self._waiting(part, host)
            )
        except TryAgain as trouble:
            if not part.size:
                raise
            of = f" of {size(part.total)}" if part.total else ""
            raise CorpusError(
                f"The download of {shown(self.url)} broke off after {size(part.size)}{of} "
                f"({trouble.reason[:1].lower()}{trouble.reason[1:]}): try again, and it goes on from there."
            ) from trouble

    def _waiting(self, part: Part, host: str) -> None:
        self.report(f"waiting for {host}", part.size, part.total or 0)

    def _attempt(self, part: Part) -> tuple[Answer, str]:
        with polite.get(self.url, part.headers(), stop=self.stop) as (answer, pieces):
            name = self._check(answer) if answer.status != 416 else ""
            if not part.begin(answer):
                raise TryAgain("The server lost its place", urlsplit(answer.url).hostname or "", 0.0)
            self._check_size(part)
            self.report(f"downloading {name}", part.size, part.total or 0)
            for piece in pieces:
                part.add(piece)
                if part.size > self.largest:
                    part.discard()
                    raise _too_large(self.url, self.largest)
                self.report(f"downloading {name}", part.size, part.total or 0)
        if part.total is not None and part.size < part.total:
            raise TryAgain("The server ended too early", urlsplit(answer.url).hostname or "")
        self._check_whole(part, answer)
        return answer, name

    def _check(self, answer: Answer) -> str:
        """The file's name. Raises CorpusError if the head shows that this is not a text."""
        if _leads_to_login(self.url, answer):
            raise _login(self.url)
        name = self.target.name if self.target else _name_of(answer, self.url)
        suffix, kind = ending_of(name), answer.content_type
        if MEDIA_TYPES.get(kind) in PAGES and suffix not in PAGES:
            return name  # a page instead of a file: only its text shows whether it is a login page
        other = kind in _KINDS and suffix != MEDIA_TYPES.get(kind)  # a PDF under the name of a text
        known = (
            kind in MEDIA_TYPES or kind.startswith("text/") or (kind in _ANY_BYTES and suffix in _SUFFIXES)
        )
        if known and not other:
            return name
        if suffix in _SUFFIXES and kind.startswith("application/") and kind not in _KINDS:
            return name
        what = (
            _KINDS.get(kind)
            or _KINDS.get(kind.partition("/")[0])
            or f"of a kind unknown here ({kind or suffix})"
        )
        raise CorpusError(
            f"{shown(self.url)} is {printable_line(what)}, not a text: "
            f"look for the book as {suffixes_in_words()}."
        )

    def _check_size(self, part: Part) -> None:
        """Raises CorpusError if the file is larger than allowed or than the free disk space."""
        if part.total is not None and part.total > self.largest:
            part.discard()
            raise _too_large(self.url, self.largest)
        missing = max(0, (part.total or 0) - part.size)
        free = shutil.disk_usage(part.path.parent).free
        if free < missing + _SPARE:
            raise CorpusError(
                f"{shown(self.url)} needs {size(missing + _SPARE)} of disk, and {size(free)} are free: "
                "make room and try again."
            )

    def _check_whole(self, part: Part, answer: Answer) -> None:
        """Discards the part and raises CorpusError if the file is empty, corrupt or not a text."""
        problem = None
        if not part.size:
            problem = CorpusError(f"What {shown(self.url)} sent is empty: try another address.")
        elif not part.agrees_with(answer.headers):
            problem = CorpusError(f"What {shown(self.url)} sent does not agree with its checksum: try again.")
        elif MEDIA_TYPES.get(answer.content_type) in PAGES or _looks_like_page(part.head(1000)):
            requested = self.target.name if self.target else unquote(urlsplit(self.url).path)
            suffix = ending_of(requested.rpartition("/")[2])
            for_file = suffix in _SUFFIXES and suffix not in PAGES
            if _is_login_page(part.head(_PAGE_HEAD), for_file):
                problem = _login(self.url)
            elif for_file:
                problem = CorpusError(
                    f"What {shown(self.url)} sent is a web page, not the text itself: open it in a "
                    "browser and look for the link to the file."
                )
        if problem:
            part.discard()
            raise problem


def _too_large(url: str, largest: int) -> CorpusError:
    return CorpusError(f"{shown(url)} is too large: more than {size(largest)}. Fetch a smaller text.")


def _login(url: str) -> CorpusError:
    return CorpusError(
        f"{shown(url)} leads to a login page, not to a text: log in with a browser, download the file "
        "there, and add it."
    )


def _leads_to_login(requested: str, answer: Answer) -> bool:
    """Whether a request was redirected to an address for logging in."""
    before, after = urlsplit(requested), urlsplit(answer.url)
    moved = (before.hostname, before.path) != (after.hostname, after.path)
    is_text = answer.content_type in MEDIA_TYPES and MEDIA_TYPES[answer.content_type] not in PAGES
    words = _LOGIN.findall(f"{after.hostname}{after.path}".lower())
    return (
        moved and not is_text and len(words) > len(_LOGIN.findall(f"{before.hostname}{before.path}".lower()))
    )


def _is_login_page(page: bytes, for_file: bool) -> bool:
    """Whether a page asks for a password and is not mainly text."""
    text = page.decode("utf-8", "replace").lower()
    asks = any(_PASSWORD.search(tag[0]) for tag in _INPUT.finditer(text))
    return asks and (for_file or _words_in(text) < _LOGIN_WORDS)


def _words_in(page: str) -> int:
    """The number of words of a page outside tags, scripts and styles. Expects lower case."""
    # without patterns, which take minutes on a page with unclosed tags
    first, *pieces = page.split("<")
    words, skipped_tag = len(first.split()), ""
    for piece in pieces:
        if skipped_tag and not piece.startswith("/" + skipped_tag):
            continue
        skipped_tag = next((name for name in ("script", "style") if piece.startswith(name)), "")
        if not skipped_tag:
            words += len(piece.partition(">")[2].split())
    return words


def _looks_like_page(head: bytes) -> bool:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html"))


def _name_of(answer: Answer, url: str) -> str:
    """A safe file name with a suffix we read: from Content-Disposition, else from the end of the address."""
    named = _disposition(answer.headers.get("content-disposition", ""))
    candidates = [named, *(unquote(urlsplit(each).path).rpartition("/")[2] for each in (answer.url, url))]
    name = next((safe for each in candidates if (safe := _safe(each))), "text")
    ending = ending_of(name)
    if ending in _SUFFIXES:  # Gutenberg's 2591.txt.utf-8 becomes 2591.txt
        return name if name.lower().endswith(ending) else stem_of(name) + ending
    inner = _INNER.match(name)
    if inner:
        return inner[1]
    kind = answer.content_type
    return name + (MEDIA_TYPES.get(kind) or (".txt" if not kind or kind.startswith("text/") else ""))


def _disposition(value: str) -> str:
    """The file name in a Content-Disposition header, or ""."""
    value = value[:_LONGEST_HEADER]
    encoded = re.search(r"filename\*\s*=\s*(utf-8|iso-8859-1)'[^']*'([^;]+)", value, re.IGNORECASE)
    if encoded:  # the standard allows no other encoding here
        return unquote(encoded[2].strip(), encoding=encoded[1])
    plain = re.search(r'filename\s*=\s*(?:"([^"]*)"|([^;]+))', value, re.IGNORECASE)
    return (plain[1] or plain[2] or "").strip() if plain else ""


def _safe(name: str) -> str:
    """`name` as a file name for any system: no folders, not hidden, not too long; may be ""."""
    last = re.split(r"[\\/]", name)[-1][-_LONGEST_HEADER:]
    kept = re.sub(r'[:*?"<>|]', "-", "".join(each for each in printable_line(last) if each.isprintable()))
    stem, dot, suffix = kept.strip(". ").rpartition(".")
    if not dot or len(suffix) > 12:
        stem, dot, suffix = kept.strip(". "), "", ""
    return os.fsencode(stem)[:120].decode(errors="ignore").strip(". ") + dot + suffix if stem else ""


def _free_name(folder: Path, name: str) -> str:
    candidate, number = name, 1
    while (folder / candidate).exists():
        number += 1
        candidate = f"{Path(name).stem} ({number}){Path(name).suffix}"
    return candidate
