"""Texts from the web: one address in, one whole file out, or one clear sentence."""

from __future__ import annotations

import os
import re
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from storytime_tui import files, paths
from storytime_tui.corpus.formats.table import ARCHIVES, MEDIA_TYPES, PAGES, SUFFIXES, told_suffixes
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

__all__ = [  # what a caller needs of `polite`, too
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
_SPARE = 50_000_000  # bytes to leave free: a disk filled to the last one helps nobody
_KEPT_DAYS = 14  # how long a part waits to be gone on with
_PAGE_HEAD = 200_000  # bytes of a page in which a login form is looked for
_LONGEST_HEADER = 2000  # characters of a Content-Disposition
_LOGIN_WORDS = 300  # a page of so many words, login form or not, is there to be read

_SUFFIXES = (*SUFFIXES, *ARCHIVES)
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
_INPUT = re.compile(r"<input\b[^<>]*")  # no "<" in it, so that each sign of a page is looked at once
_PASSWORD = re.compile(r"""\btype\s*=\s*["']?\s*password""")


@dataclass(frozen=True)
class Downloaded:
    """A file that came whole: where it is, the address it came from in the end, and what the server said of it.

    `charset` is the encoding that the server names, or ""; `name` what the file is called, safe for any system.
    """

    path: Path
    final_url: str
    content_type: str
    charset: str
    name: str


def downloads_folder() -> Path:
    """Where downloads are made: a part that is left there is gone on with by a later start of the program."""
    return paths.cache_folder() / "downloads"


def download(
    url: str,
    folder_or_path: Path,
    *,
    report: Report | None = None,
    stop: threading.Event | None = None,
    largest: int = 200_000_000,
) -> Downloaded:
    """Fetch a text (plain, Markdown, HTML, EPUB or a zip of them) into a folder, or as the file named.

    The file appears when it is whole; until then a part lies beside it, and a later call for the same address
    goes on from there. Tried again, politely, on 429, 5xx and broken connections. Raises DownloadStopped,
    NotThere, and CorpusError for anything else: a login page, what is no text, more than `largest` bytes, a
    full disk, a download that breaks off again and again.
    """
    url = url.strip()
    polite.host_of(url)  # an address that cannot be one is refused before anything is made
    folder = folder_or_path if folder_or_path.is_dir() else folder_or_path.parent
    wanted = None if folder_or_path.is_dir() else folder_or_path
    job = _Job(url, report or (lambda *_: None), stop, largest, wanted)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files.forget_unused(downloads_folder(), _KEPT_DAYS)
        with part_of(url, folder) as part:
            answer, name = job.fetch(part)
            path = wanted or folder / _free_name(folder, name)
            part.finish(path)
    except OSError as error:
        raise CorpusError(files.explain(error, f"downloading {shown(url)}")) from error
    return Downloaded(path, answer.url, answer.content_type, answer.charset, name)


def download_text(
    url: str, folder: Path, *, report: Report | None = None, stop: threading.Event | None = None
) -> Path:
    """As `download`, into a folder that need not last: an unfinished part waits in `downloads_folder`."""
    resting = downloads_folder()
    try:
        files.make_folder(resting)
        came = download(url, resting, report=report, stop=stop)
        return Path(shutil.move(came.path, folder / _free_name(folder, came.name)))
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
    """A small answer, whole, in memory. Raises as `download` does, and ServerTrouble where the server fails."""

    def attempt() -> tuple[Answer, bytes]:
        with polite.asked(url, stop=stop, patience=patience) as (answer, pieces):
            body = bytearray()
            for piece in pieces:
                body += piece
                if len(body) > largest:
                    raise CorpusError(f"What {shown(url)} sends is too much: more than {size(largest)}.")
            return answer, bytes(body)

    return polite.persistently(attempt, tries)


@dataclass(frozen=True)
class _Job:
    """What was asked for: how it is fetched into a part, try after try."""

    url: str
    report: Report
    stop: threading.Event | None
    largest: int
    wanted: Path | None  # the file's path, where the caller chose it

    def fetch(self, part: Part) -> tuple[Answer, str]:
        """Fill the part; the head of the answer that ended it, and the file's name."""
        try:
            return polite.persistently(
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
        with polite.asked(self.url, part.headers(), stop=self.stop) as (answer, pieces):
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
        """The file's name. Raises CorpusError where the head already says that this is not what was wanted."""
        if _leads_to_login(self.url, answer):
            raise _login(self.url)
        name = self.wanted.name if self.wanted else _name_of(answer, self.url)
        suffix, kind = Path(name).suffix.lower(), answer.content_type
        if MEDIA_TYPES.get(kind) in PAGES and suffix not in PAGES:
            return name  # a page where a file was asked for: its text tells whether it wants a login
        if kind in MEDIA_TYPES or kind.startswith("text/") or (kind in _ANY_BYTES and suffix in _SUFFIXES):
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
            f"look for the book as {told_suffixes()}."
        )

    def _check_size(self, part: Part) -> None:
        """Raises CorpusError where what is to come is too much for us, or for the disk."""
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
        """Raises CorpusError, and forgets the part, where the whole file is not what was wanted."""
        problem = None
        if not part.size:
            problem = CorpusError(f"What {shown(self.url)} sent is empty: try another address.")
        elif not part.agrees_with(answer.headers):
            problem = CorpusError(f"What {shown(self.url)} sent does not agree with its checksum: try again.")
        elif MEDIA_TYPES.get(answer.content_type) in PAGES or _looks_like_page(part.head(1000)):
            asked = self.wanted.name if self.wanted else unquote(urlsplit(self.url).path)
            for_file = Path(asked).suffix.lower() in _SUFFIXES and Path(asked).suffix.lower() not in PAGES
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


def _leads_to_login(asked: str, answer: Answer) -> bool:
    """Whether a page came from another place than was asked, and that place is for logging in."""
    before, after = urlsplit(asked), urlsplit(answer.url)
    moved = (before.hostname, before.path) != (after.hostname, after.path)
    is_text = answer.content_type in MEDIA_TYPES and MEDIA_TYPES[answer.content_type] not in PAGES
    words = _LOGIN.findall(f"{after.hostname}{after.path}".lower())
    return (
        moved and not is_text and len(words) > len(_LOGIN.findall(f"{before.hostname}{before.path}".lower()))
    )


def _is_login_page(page: bytes, for_file: bool) -> bool:
    """Whether a page asks for a password, and is not mostly there to be read."""
    text = page.decode("utf-8", "replace").lower()
    asks = any(_PASSWORD.search(tag[0]) for tag in _INPUT.finditer(text))
    return asks and (for_file or _words_in(text) < _LOGIN_WORDS)


def _words_in(page: str) -> int:
    """How many words of a page, in small letters, stand outside of its tags, scripts and styles."""
    first, *pieces = page.split(
        "<"
    )  # by hand: patterns for this take minutes on a page of tags that never end
    words, within = len(first.split()), ""
    for piece in pieces:
        if within and not piece.startswith("/" + within):
            continue
        within = next((name for name in ("script", "style") if piece.startswith(name)), "")
        if not within:
            words += len(piece.partition(">")[2].split())
    return words


def _looks_like_page(head: bytes) -> bool:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html"))


def _name_of(answer: Answer, url: str) -> str:
    """A safe name for the file: what the server calls it, else the end of the address, with a suffix we read."""
    named = _disposition(answer.headers.get("content-disposition", ""))
    candidates = [named, *(unquote(urlsplit(each).path).rpartition("/")[2] for each in (answer.url, url))]
    name = next((safe for each in candidates if (safe := _safe(each))), "text")
    if Path(name).suffix.lower() in _SUFFIXES:
        return name
    inner = re.match(r"(.+\.(?:txt|md|html?|epub|zip))\.[\w-]+$", name, re.IGNORECASE)
    if inner:  # Gutenberg's 2591.txt.utf-8
        return inner[1]
    kind = answer.content_type
    return name + (MEDIA_TYPES.get(kind) or (".txt" if not kind or kind.startswith("text/") else ""))


def _disposition(value: str) -> str:
    """The file's name in a Content-Disposition header, or ""."""
    value = value[:_LONGEST_HEADER]
    encoded = re.search(r"filename\*\s*=\s*(utf-8|iso-8859-1)'[^']*'([^;]+)", value, re.IGNORECASE)
    if encoded:  # no other encoding may be named here
        return unquote(encoded[2].strip(), encoding=encoded[1])
    plain = re.search(r'filename\s*=\s*(?:"([^"]*)"|([^;]+))', value, re.IGNORECASE)
    return (plain[1] or plain[2] or "").strip() if plain else ""


def _safe(name: str) -> str:
    """`name` as a file's name on any system: no folders, nothing hidden, not too long; may be ""."""
    last = re.split(r"[\\/]", name)[-1][-_LONGEST_HEADER:]
    kept = re.sub(r'[:*?"<>|]', "-", "".join(sign for sign in printable_line(last) if sign.isprintable()))
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
