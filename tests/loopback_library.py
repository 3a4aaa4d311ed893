"""A small library on 127.0.0.1, for tests: Gutendex' catalogue, Gutenberg's texts and a shelf of files.

    with LoopbackLibrary() as library:
        monkeypatch.setenv("STORYTIME_GUTENDEX", library.url)
        monkeypatch.setenv("STORYTIME_GUTENBERG", library.url)
        library.faults["/cache/epub/90001/pg90001.txt"] = "503-twice"

Whatever is put into `files` is served too, at any path. `manners_without_waiting` gives the program a clock of
its own, so that no test waits a second between two requests.
"""

import base64
import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from storytime_tui.corpus.web.polite import Manners
from tests.loopback import Loopback

FAULTS = {
    "429": "asks for a pause of 7 seconds once, then all is well",
    "429-long": "asks for a pause of an hour, always",
    "503-twice": "has trouble twice, then all is well",
    "503": "has trouble, always",
    "half-sent": "every answer breaks off in the middle of what is still to come",
    "half-sent-once": "the first answer breaks off in the middle",
    "no-ranges": "the first answer breaks off in the middle, and every one begins at the beginning",
    "other-version": "the first answer breaks off in the middle; then there is another version",
    "wrong-range": "the first answer breaks off in the middle; what follows is from another place",
    "416": "the first answer breaks off in the middle, and then no range pleases it",
    "dropped": "the connection is dropped without an answer, always",
    "dropped-once": "the connection is dropped without an answer, once",
    "to-login": "leads to /account/login, a page with a password field",
    "circle": "leads to itself",
    "to-file": "leads to a file: address",
    "html": "answers with a web page that says it is one",
    "html-as-text": "answers with a web page that says it is plain text",
    "broken-json": "answers with half of a JSON document",
    "other-json": "answers with JSON that is no list of books",
    "silent": "takes the request and says nothing until the library closes",
    "huge": "says it holds a terabyte",
    "endless": "goes on for ever, and says nothing of a length",
    "empty": "answers with nothing",
    "bad-digest": "gives a checksum that is not the file's",
    "forbidden": "is not for everybody (403)",
}
LOGIN = (
    b"<!DOCTYPE html><html><body><h1>Welcome back</h1><form action='/account/login' method='post'>"
    b"<input name='user'><input type='password' name='secret'><button>Log in</button></form></body></html>"
)
PAGE = b"<!DOCTYPE html><html><body><h1>Moved</h1><p>The file is on another shelf now.</p></body></html>"


@dataclass
class File:
    """A file on the shelf: `version` is its ETag ("" for none), `dated` its Last-Modified."""

    data: bytes
    content_type: str = "text/plain; charset=utf-8"
    version: str = "1"
    dated: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Tale:
    """A book of the library, and how the catalogue has it."""

    number: int
    title: str
    author: str
    subjects: tuple[str, ...]
    body: str
    copyright: bool | None = False
    languages: tuple[str, ...] = ("en",)
    formats: tuple[str, ...] = ("text/plain; charset=utf-8", "text/html")

    def text(self) -> bytes:
        """As Gutenberg would distribute it, with Windows' line ends."""
        last, _, first = self.author.partition(", ")
        text = (
            f"The Project Gutenberg eBook of {self.title}\n\n"
            "This ebook is for the use of anyone anywhere at no cost.\n\n"
            f"Title: {self.title}\n\nAuthor: {first} {last}\n\n"
            f"Release date: May 4, 2021 [eBook #{self.number}]\n\nLanguage: English\n\n"
            f"*** START OF THE PROJECT GUTENBERG EBOOK {self.title.upper()} ***\n\n\n\n{self.body}\n\n\n\n"
            f"*** END OF THE PROJECT GUTENBERG EBOOK {self.title.upper()} ***\n\nOur terms of use follow.\n"
        )
        return b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()


_KETTLE = (
    "There was once a kettle who would not sing. The cook polished it, and the cat sat beside it,\n"
    "and still it kept its lid shut. “I have nothing to sing about,” said the kettle; and\n"
    "that evening the wind came down the chimney and told it where wind goes in the summer.\n\n"
)
_SNAIL = (
    "A snail set out on a Monday to see the sea. On Tuesday she reached the gate, and on Wednesday\n"
    "the other side of it, and there an old thrush told her that the sea was coming the other way.\n\n"
)
TALES = (
    Tale(
        90001, "The Kettle Who Would Not Sing", "Harrow, Minnie", ("Kettles -- Fiction", "Cats"), _KETTLE * 40
    ),
    Tale(90002, "The Snail's Monday", "Harrow, Minnie", ("Snails -- Juvenile fiction",), _SNAIL * 40),
    Tale(90003, "Rabbits of the Lower Orchard", "Pell, J. T. (Josiah Thomas)", ("Rabbits",), _SNAIL * 20),
    Tale(90004, "The Modern Snail", "Quick, Ada", ("Snails",), _SNAIL, copyright=True),
    Tale(90005, "La Limace Rouge", "Quick, Ada", ("Snails",), _SNAIL, languages=("fr",)),
    Tale(90006, "Snail Noises", "Quick, Ada", ("Snails",), _SNAIL, formats=("audio/mpeg",)),
    Tale(14838, "The Tale of Peter Rabbit", "Potter, Beatrix", ("Rabbits -- Juvenile fiction",), _SNAIL * 30),
)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: a client that leaves in the middle is what some tests are about."""


class LoopbackLibrary(Loopback):
    """Serves `tales` as Gutendex and Gutenberg do, and `files` by their paths.

    `faults` maps a path (without its query) to one of FAULTS; `requests` keeps what was asked: path with
    query, and headers. All may be changed while it runs. Texts are at the places in `places`, of Gutenberg's.
    """

    def __init__(self, tales: tuple[Tale, ...] = TALES) -> None:
        self.tales = {tale.number: tale for tale in tales}
        self.files: dict[str, File] = {}
        self.faults: dict[str, str] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.places = ("/cache/epub/{0}/pg{0}.txt",)
        self.page_size = 32
        super().__init__(type("Handler", (_Handler,), {"library": self}), _Server)

    def put(
        self, path: str, data: bytes, content_type: str = "text/plain; charset=utf-8", **more: str
    ) -> str:
        """Put a file on the shelf; its address."""
        self.files[path] = File(data, content_type, **more)
        return self.url + path

    def asked(self) -> list[str]:
        """The paths that were asked for, without their queries, in order."""
        return [urlsplit(path).path for path, _ in self.requests]

    def file(self, path: str) -> File | None:
        for tale in self.tales.values():
            if path in [place.format(tale.number) for place in self.places]:
                return File(tale.text())
        return self.files.get(path)

    def catalogue(self, query: dict[str, list[str]]) -> dict[str, object]:
        """Gutendex' answer: `search` is for titles and authors, `topic` for subjects, `ids` for numbers."""
        found = list(self.tales.values())
        for word in query.get("search", [""])[0].lower().split():
            found = [tale for tale in found if word in f"{tale.title} {tale.author}".lower()]
        for topic in query.get("topic", []):
            found = [tale for tale in found if any(topic.lower() in each.lower() for each in tale.subjects)]
        for ids in query.get("ids", []):
            found = [tale for tale in found if str(tale.number) in ids.split(",")]
        found.sort(key=lambda tale: -tale.number)
        more = len(found) > self.page_size
        return {
            "count": len(found),
            "next": f"{self.url}/books?page=2" if more else None,
            "previous": None,
            "results": [_entry(tale) for tale in found[: self.page_size]],
        }


def _entry(tale: Tale) -> dict[str, object]:
    return {
        "id": tale.number,
        "title": tale.title,
        "authors": [{"name": tale.author, "birth_year": 1850, "death_year": 1920}],
        "subjects": list(tale.subjects),
        "languages": list(tale.languages),
        "copyright": tale.copyright,
        "formats": dict.fromkeys(tale.formats, f"https://books.invalid/{tale.number}"),
        "download_count": 7,
    }


class _Handler(BaseHTTPRequestHandler):
    library: ClassVar[LoopbackLibrary]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        self.library.requests.append((self.path, dict(self.headers)))
        try:
            if path == "/account/login":
                self._send(200, LOGIN, {"Content-Type": "text/html"})
            elif not self._failed(path):
                self._serve(path, parse_qs(parts.query))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _serve(self, path: str, query: dict[str, list[str]]) -> None:
        if path == "/books":
            body = json.dumps(self.library.catalogue(query)).encode()
            return self._send(200, body, {"Content-Type": "application/json"})
        file = self.library.file(path)
        if file is None:
            return self._send(404, PAGE, {"Content-Type": "text/html"})
        return self._send_file(path, file)

    def _failed(self, path: str) -> bool:
        """Whether the fault at this path has answered already."""
        faults, fault = self.library.faults, self.library.faults.get(path, "")
        if fault == "429":
            faults.pop(path)
            self._send(429, b"", {"Retry-After": "7"})
        elif fault == "429-long":
            self._send(429, b"", {"Retry-After": "3600"})
        elif fault in ("503", "503-twice", "503-last"):
            faults[path] = {"503-twice": "503-last"}.get(fault, fault)
            if fault == "503-last":
                faults.pop(path)
            self._send(503, b"", {})
        elif fault in ("dropped", "dropped-once"):
            if fault == "dropped-once":
                faults.pop(path)
            self.close_connection = True
        elif fault in ("to-login", "circle", "to-file"):
            where = {"to-login": "/account/login?next=book", "circle": path, "to-file": "file:///etc/hosts"}
            self._send(302, b"", {"Location": where[fault]})
        elif fault == "html":
            self._send(200, PAGE, {"Content-Type": "text/html; charset=utf-8"})
        elif fault == "html-as-text":
            self._send(200, PAGE, {"Content-Type": "text/plain"})
        elif fault == "broken-json":
            self._send(200, b'{"count": 3, "results": [{"id"', {"Content-Type": "application/json"})
        elif fault == "other-json":
            self._send(200, b'["tea", 3]', {"Content-Type": "application/json"})
        elif fault == "forbidden":
            self._send(403, b"", {})
        elif fault == "empty":
            self._send(200, b"", {"Content-Type": "text/plain"})
        elif fault == "silent":
            self.library.closing.wait()
            self.close_connection = True
        elif fault == "endless":
            self._endless()
        else:
            return False
        return True

    def _endless(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.close_connection = True
        while not self.library.closing.is_set():
            self.wfile.write(b"and on it went " * 1000)

    def _send_file(self, path: str, file: File) -> None:
        fault = self.library.faults.get(path, "")
        asked = self.headers.get("Range", "")
        headers = {"Content-Type": file.content_type, **file.headers}
        if file.version:
            headers["ETag"] = f'"{file.version}"'
        if file.dated:
            headers["Last-Modified"] = file.dated
        condition = self.headers.get("If-Range")
        if fault in ("no-ranges", "whole") or (
            condition and condition not in (headers.get("ETag"), file.dated)
        ):
            asked = ""
        start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        size = 10**12 if fault == "huge" else len(file.data)
        if asked and fault in ("wrong-range", "416"):
            self.library.faults.pop(path)
        if asked and (start >= len(file.data) or fault == "416"):
            return self._send(416, b"", {"Content-Range": f"bytes */{size}"})
        if fault == "wrong-range" and asked:
            start += 5
        if asked:
            headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        if fault == "bad-digest":
            wrong = base64.b64encode(hashlib.sha256(b"another").digest()).decode()
            headers["Repr-Digest"] = f"sha-256=:{wrong}:"
        sent = file.data[start:]
        breaks_off = fault == "half-sent" or (fault in _ONCE and not asked)
        if breaks_off:
            sent = sent[: len(sent) // 2]
        if fault in ("half-sent-once", "no-ranges"):
            self.library.faults[path] = "whole" if fault == "no-ranges" else ""
        if fault == "other-version":
            self.library.faults.pop(path)
            self.library.files[path] = File(file.data.upper(), file.content_type, version="2")
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(size - start))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(sent)
        self.close_connection = len(sent) < size - start
        return None

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


_ONCE = ("half-sent-once", "no-ranges", "other-version", "wrong-range", "416")


class Waits:
    """A clock that only waiting moves: `seconds` keeps how long the program would have waited, in order."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.seconds: list[float] = []
        self.before_waiting = lambda: None  # a test may set the stop here
        self._lock = threading.Lock()

    def wait(self, seconds: float, stop: threading.Event | None) -> None:
        from storytime_tui.corpus.web.polite import DownloadStopped

        self.before_waiting()
        if stop is not None and stop.is_set():
            raise DownloadStopped
        with self._lock:
            self.now += seconds
            self.seconds.append(seconds)


def manners_without_waiting(waits: Waits) -> Manners:
    """The program's manners by a clock of the test's: `monkeypatch.setattr(polite, "manners", ...)`."""
    return Manners(clock=lambda: waits.now, pause=waits.wait, chance=lambda: 0.5)
