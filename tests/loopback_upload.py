"""A small Hugging Face Hub on 127.0.0.1 that takes uploads, for tests: keeps what was sent, with faults on request.

It speaks what `huggingface_hub` asks for when a folder is uploaded: `/api/repos/create`, `/preupload/`, the LFS
batch with a PUT for each large file, and `/commit/` with its lines of JSON.

    with LoopbackUpload() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        ...
        assert hub.repos["ada/tales"].files["config.json"] == b"..."
"""

import base64
import contextlib
import hashlib
import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from tests.loopback import Loopback

TOKEN = "hf_loopback"
OWNER = "ada"
FAULTS = {
    "broken": "every answer is a server's error (500)",
    "busy": "every answer asks for a pause (429)",
    "no-json": "every answer is a web page",
    "silent": "takes a request and says nothing until the hub closes",
    "endless": "every answer goes on without end",
    "commit-refused": "everything is taken but the last step (403)",
}


@dataclass
class Repo:
    """What was uploaded to one repository."""

    private: bool = False
    files: dict[str, bytes] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)


class LoopbackUpload(Loopback):
    """Only `OWNER` with `TOKEN` may write. `requests` keeps what was asked as (method, path)."""

    def __init__(self) -> None:
        self.fault = ""
        self.repos: dict[str, Repo] = {}
        self.stored: dict[str, bytes] = {}  # large files by their SHA-256
        self.requests: list[tuple[str, str]] = []
        super().__init__(type("Handler", (_Handler,), {"hub": self}))


class _Handler(BaseHTTPRequestHandler):
    hub: ClassVar[LoopbackUpload]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        body = self._body()
        hub = self.hub
        hub.requests.append((self.command, path))
        if hub.fault == "silent":
            hub.closing.wait()
            self.close_connection = True
        elif hub.fault == "endless":
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"a": "')
                while not hub.closing.is_set():
                    self.wfile.write(b"a" * 65536)
        elif hub.fault == "broken":
            self._send(500, {"error": "Internal error"})
        elif hub.fault == "busy":
            self._send(429, {"error": "Too many requests"})
        elif hub.fault == "no-json":
            self._finish(200, b"<html>Please log in to the network</html>", {"Content-Type": "text/html"})
        elif path.startswith("/storage/"):  # what the batch told to send there, without a token
            oid = path.removeprefix("/storage/")
            assert hashlib.sha256(body).hexdigest() == oid
            hub.stored[oid] = body
            self._finish(200, b"", {})
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._send(401, {"error": "Invalid username or password."})
        else:
            self._allowed(path, body)

    def _allowed(self, path: str, body: bytes) -> None:
        hub = self.hub
        if path == "/api/repos/create":
            asked = json.loads(body)
            repo_id = f"{asked.get('organization') or OWNER}/{asked['name']}"
            if not repo_id.startswith(f"{OWNER}/"):
                return self._send(403, {"error": "You don't have the rights to create a model there"})
            if repo_id in hub.repos:
                return self._send(409, {"error": "exists", "url": f"{hub.url}/{repo_id}"})
            hub.repos[repo_id] = Repo(asked.get("private") is True or asked.get("visibility") == "private")
            return self._send(200, {"url": f"{hub.url}/{repo_id}"})
        if path == "/api/validate-yaml":
            return self._send(200, {"errors": [], "warnings": []})
        repo_id = "/".join(path.removeprefix("/api/models/").lstrip("/").split("/")[:2]).removesuffix(".git")
        repo = hub.repos.get(repo_id)
        if repo is None:
            return self._send(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        if "/preupload/" in path:
            files = [
                {
                    "path": each["path"],
                    "uploadMode": "lfs" if each["path"].endswith((".safetensors", ".gguf")) else "regular",
                    "shouldIgnore": False,
                    "oid": None,
                }
                for each in json.loads(body)["files"]
            ]
            return self._send(200, {"files": files})
        if path.endswith("/info/lfs/objects/batch"):
            objects = [
                {**each, "actions": {"upload": {"href": f"{hub.url}/storage/{each['oid']}"}}}
                for each in json.loads(body)["objects"]
            ]
            return self._send(200, {"transfer": "basic", "objects": objects})
        if "/commit/" in path:
            if hub.fault == "commit-refused":
                return self._send(403, {"error": "read-only"})
            self._keep(repo, body)
            address = f"{hub.url}/{repo_id}/commit/{'0' * 40}"
            return self._send(200, {"commitOid": "0" * 40, "commitUrl": address, "hookOutput": ""})
        return self._send(200, {"id": repo_id, "sha": "0" * 40, "siblings": [], "tags": []})

    def _keep(self, repo: Repo, body: bytes) -> None:
        for line in body.splitlines():
            told = json.loads(line)
            value: dict[str, Any] = told["value"]
            if told["key"] == "header":
                repo.messages.append(value["summary"])
            elif told["key"] == "file":
                repo.files[value["path"]] = base64.b64decode(value["content"])
            elif told["key"] == "lfsFile":
                repo.files[value["path"]] = self.hub.stored[value["oid"]]

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _send(self, status: int, answer: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._finish(
            status, json.dumps(answer).encode(), {"Content-Type": "application/json", **(headers or {})}
        )

    def _finish(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
