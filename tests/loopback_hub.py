"""A small Hugging Face Hub on 127.0.0.1, for tests: serves a folder of models, with faults on request.

It speaks what `huggingface_hub` asks for when a model is fetched: `/api/models/<id>` with the files' sizes,
`/api/models/<id>/discussions` with the pull requests, and `/<id>/resolve/<revision>/<file>` with ETag, X-Repo-Commit,
HEAD and Range.

    make_gpt2(models / "distilgpt2")
    with LoopbackHub(models) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.faults["distilgpt2"] = "half-sent"
"""

import hashlib
import json
import shutil
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from tests.loopback import Loopback

FAULTS = {
    "half-sent": "weights break off in the middle, and every attempt to go on gives nothing",
    "half-sent-once": "the first answer with weights breaks off in the middle; going on works",
    "starts-again": "weights break off in the middle, and every attempt to go on begins again",
    "short": "weights are whole by their own Content-Length, but shorter than was promised",
    "no-discussions": "pull requests are unknown here (404)",
    "gated": "files are for those who accepted the terms (401 GatedRepo), unless the token is `TOKEN`",
    "forbidden": "the token may not read it (403)",
    "private": "looks as if it did not exist (401 RepoNotFound), unless the token is `TOKEN`",
    "bad-token": "the token is not valid (401)",
    "broken": "every answer is a server's error (500)",
    "no-json": "every answer is a web page",
    "endless": "weights go on and on after the size that was named",
    "endless-listing": "the listing never ends",
    "dripping-listing": "the listing's headers come byte by byte, for ever",
    "informing": "one answer after another says that the real one is on its way (102)",
    "dripping": "weights come byte by byte",
    "other-bytes": "weights have the right length and other content",
    "evil-names": "commit, ETag and listing name places outside the cache",
    "evil-etag": "the ETag names a place outside the cache, and the listing names no hash",
    "leads-astray": "the weights are said to be in a file of this machine",
    "leads-in-circles": "each answer leads to itself",
    "huge": "the weights are said to hold a thousand terabytes",
    "silent": "takes the request for a file and says nothing until the hub closes",
}
TOKEN = "hf_loopback"
HUGE = 10**15


@dataclass(frozen=True)
class PullRequest:
    """A proposed change of a model: `files` are those of the whole model with the change."""

    number: int
    files: Path
    author: str = "SFconvertbot"
    title: str = "Adding `safetensors` variant of this model"
    status: str = "open"
    is_pull_request: bool = True

    @property
    def ref(self) -> str:
        return f"refs/pr/{self.number}"


class LoopbackHub(Loopback):
    """Serves each folder under `models` that holds a config.json, by its relative path as its id.

    `faults` maps an id to one of FAULTS, `moved` an old id to a new one, `pull_requests` an id to what was proposed for
    it; `requests` keeps what was asked as (method, path). All four may be changed while it runs.
    """

    def __init__(self, models: Path) -> None:
        self.models = models
        self.faults: dict[str, str] = {}
        self.moved: dict[str, str] = {}
        self.pull_requests: dict[str, list[PullRequest]] = {}
        self.discussions: dict[str, object] = {}  # what is answered instead, by id
        self.requests: list[tuple[str, str]] = []
        self.dripped = 0  # bytes that were sent for nothing
        super().__init__(type("Handler", (_Handler,), {"hub": self}))

    def downloads(self) -> list[str]:
        """The files that were sent, by their paths' last part, in order."""
        sent = [path for method, path in self.requests if method == "GET" and "/resolve/" in path]
        return [path.rpartition("/")[2] for path in sent]

    def commit(self, repo_id: str, revision: str = "main") -> str:
        """The id of the one commit at a revision: it changes with the content of its files."""
        return _commit(self.folder(repo_id, revision))

    def folder(self, repo_id: str, revision: str = "main") -> Path:
        """The files at a branch, a pull request or a commit; main's for any other revision."""
        for each in self.pull_requests.get(repo_id, []):
            if revision in (each.ref, _commit(each.files)):
                return each.files
        return self.models / repo_id


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []


def _commit(folder: Path) -> str:
    digest = hashlib.sha1()
    for path in _files(folder):
        digest.update(path.name.encode() + _etag(path).encode())
    return digest.hexdigest()


def _etag(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _hashes(path: Path) -> dict[str, object]:
    """As the Hub lists them: git's hash of a small file, SHA-256 of a large one."""
    content = path.read_bytes()
    if path.suffix == ".safetensors":
        return {"blobId": "0" * 40, "lfs": {"sha256": _etag(path), "size": len(content), "pointerSize": 134}}
    return {"blobId": hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()}


class _Handler(BaseHTTPRequestHandler):
    hub: ClassVar[LoopbackHub]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path))
        try:
            if path.startswith("/api/models/"):
                whole, _, revision = path.removeprefix("/api/models/").partition("/revision/")
                repo_id = whole.removesuffix("/discussions")
                answer = self._discussions if whole != repo_id else self._info
                self._if_allowed(repo_id, lambda: answer(repo_id, revision or "main"))
            elif "/resolve/" in path:
                repo_id, _, rest = path[1:].partition("/resolve/")
                revision, _, name = rest.partition("/")
                self._if_allowed(repo_id, lambda: self._file(repo_id, revision, name))
            else:
                self._error(404, "EntryNotFound", "Nothing is here")
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _if_allowed(self, repo_id: str, answer) -> None:
        fault = self.hub.faults.get(repo_id, "")
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if repo_id in self.hub.moved:
            self.send_response(307)
            self.send_header("Location", self.path.replace(repo_id, self.hub.moved[repo_id], 1))
            self._finish(b"")
        elif fault == "endless-listing" and self.path.startswith("/api/"):
            self._drip(b'HTTP/1.1 200 OK\r\n\r\n{"a": "', b"a" * 65536, 0)
        elif fault == "dripping-listing":
            self._drip(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a", 0.01)
        elif fault == "informing":
            self._drip(b"", b"HTTP/1.1 102 Processing\r\n\r\n", 0.01)
        elif fault == "leads-in-circles":
            self.send_response(302)
            self.send_header("Location", self.path)
            self._finish(b"")
        elif fault == "no-json":
            self._send(200, b"<html>Please log in to the network</html>", {"Content-Type": "text/html"})
        elif fault == "broken":
            self._error(500, "", "Internal error")
        elif fault == "bad-token":
            self._error(401, "", "Invalid credentials in Authorization header")
        elif (fault == "private" and token != TOKEN) or not _files(self.hub.folder(repo_id)):
            self._error(401, "RepoNotFound", "Invalid username or password.")
        else:
            answer()

    def _drip(self, head: bytes, piece: bytes, pause: float) -> None:
        """Send a head, and then the same again and again until the hub closes."""
        self.close_connection = True
        self.wfile.write(head)
        while not self.hub.closing.wait(pause):
            self.wfile.write(piece)
            self.hub.dripped += len(piece)

    def _discussions(self, repo_id: str, revision: str) -> None:
        listed = [
            {
                "num": each.number,
                "author": {"name": each.author},
                "title": each.title,
                "status": each.status,
                "isPullRequest": each.is_pull_request,
            }
            for each in self.hub.pull_requests.get(repo_id, [])
        ]
        if self.hub.faults.get(repo_id) == "no-discussions":
            return self._error(404, "", "Not found")
        whole = self.hub.discussions.get(repo_id, {"discussions": listed, "count": len(listed), "start": 0})
        return self._send(200, json.dumps(whole).encode(), {"Content-Type": "application/json"})

    def _info(self, repo_id: str, revision: str) -> None:
        folder = self.hub.folder(repo_id, revision)
        sizes = {path.name: path.stat().st_size for path in _files(folder)}
        if self.hub.faults.get(repo_id) == "huge":
            sizes = {name: HUGE if name.endswith(".safetensors") else size for name, size in sizes.items()}
        info = {
            "id": repo_id,
            "modelId": repo_id,
            "sha": "../" * 9 + "out"
            if self.hub.faults.get(repo_id) == "evil-names"
            else self.hub.commit(repo_id, revision),
            "private": self.hub.faults.get(repo_id) == "private",
            "gated": "manual" if self.hub.faults.get(repo_id) == "gated" else False,
            "tags": [],
            "downloads": 0,
            "siblings": [
                {"rfilename": name, "size": size, **_hashes(folder / name)} for name, size in sizes.items()
            ],
        }
        if self.hub.faults.get(repo_id) == "evil-etag":
            for sibling in info["siblings"]:
                sibling.pop("lfs", None), sibling.pop("blobId", None)
        self._send(200, json.dumps(info).encode(), {"Content-Type": "application/json"})

    def _file(self, repo_id: str, revision: str, name: str) -> None:
        fault = self.hub.faults.get(repo_id, "")
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        path = self.hub.folder(repo_id, revision) / name
        commit = self.hub.commit(repo_id, revision)
        if fault == "gated" and token != TOKEN:
            return self._error(401, "GatedRepo", f"Access to model {repo_id} is restricted.")
        if fault == "forbidden":
            return self._error(403, "", "your token may not read this")
        if fault == "silent":
            self.hub.closing.wait()
            self.close_connection = True
            return None
        if not path.is_file():
            return self._error(404, "EntryNotFound", "Entry not found", {"X-Repo-Commit": commit})
        body = path.read_bytes()
        headers = {"ETag": f'"{_etag(path)}"', "X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        if fault == "evil-etag":
            headers["ETag"] = f'"{"../" * 9}{str(self.hub.models)[1:]}/out"'
        if fault == "leads-astray" and name.endswith(".safetensors"):
            self.send_response(302)
            self.send_header("Location", path.as_uri())
            return self._finish(b"")
        if self.command == "GET" and name.endswith(".safetensors"):
            return self._weights(fault, body, headers)
        return self._send(200, body, headers)

    def _weights(self, fault: str, body: bytes, headers: dict[str, str]) -> None:
        if fault == "endless":
            return self._drip(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 65536, 0)
        if fault == "dripping":
            return self._drip(b"HTTP/1.1 200 OK\r\n\r\n", b"a", 0.01)
        if fault == "other-bytes":
            return self._send(200, bytes(len(body)), headers)
        asked = self.headers.get("Range", "")
        if fault == "starts-again":
            asked = ""
        start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        part = body[start:]
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        if fault == "short":
            part = body[: len(body) // 2]
        sent = part
        if fault == "half-sent" and start:
            sent = b""
        elif fault in ("half-sent", "half-sent-once", "starts-again"):
            sent = part[: len(part) // 2]
        if fault == "half-sent-once":
            self.hub.faults.clear()
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(part)))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(sent)
        self.close_connection = len(sent) < len(part)

    def _error(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        more = {"X-Error-Code": code} if code else {}
        body = json.dumps({"error": message}).encode()
        named = {"X-Error-Message": message, "Content-Type": "application/json"}
        self._send(status, body, {**more, **named, **(headers or {})})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self._finish(body)

    def _finish(self, body: bytes) -> None:
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


# -- models to serve ---------------------------------------------------------------------------------------

TALE = (
    "Once upon a time there was a little mouse who kept a shop under the kitchen stair. "
    '"Three, if you please," said the frog, and he laid down a button.\n\n'
)


def make_gpt2(folder: Path, vocabulary: Path | None = None, seed: int = 0) -> Path:
    """A tiny GPT-2 with random weights in `folder`, as transformers saves it.

    `vocabulary` is a folder with GPT-2's real vocab.json and merges.txt; without it a tokenizer is trained.
    """
    import torch
    import transformers

    from storytime_tui.models.tokenizer import load_tokenizer, train_tokenizer

    transformers.logging.disable_progress_bar()
    tokenizer = load_tokenizer(vocabulary) if vocabulary else train_tokenizer([TALE * 3], 320)
    config = transformers.GPT2Config(
        vocab_size=tokenizer.vocabulary_size, n_positions=64, n_embd=16, n_layer=2, n_head=2,
        bos_token_id=tokenizer.end_of_text, eos_token_id=tokenizer.end_of_text,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    if vocabulary:  # as OpenAI's own model is on the Hub: these two files beside tokenizer.json
        for name in ("vocab.json", "merges.txt"):
            shutil.copy(vocabulary / name, folder / name)
    tokenizer.save(folder)
    return folder


def want_remote_code(folder: Path) -> None:
    """Make the model in `folder` ask for code of its own, which leaves a file `code-was-run` there."""
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {
        "AutoConfig": "configuration_own.OwnConfig",
        "AutoModelForCausalLM": "modeling_own.OwnModel",
    }
    (folder / "config.json").write_text(json.dumps(config))
    mark = f"open({str(folder / 'code-was-run')!r}, 'w').close()\n"
    for name in ("configuration_own.py", "modeling_own.py"):
        (folder / name).write_text(mark)


def keep_only_pickle(folder: Path) -> None:
    """Leave the model in `folder` with weights that only pickle can open."""
    for path in folder.glob("model*.safetensors*"):
        path.unlink()
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")


def offer_safetensors(hub: LoopbackHub, repo_id: str, number: int = 4, **said: str) -> PullRequest:
    """Leave a served model with pickles alone, and propose its safetensors as a pull request."""
    folder = hub.models / repo_id
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    proposed = folder.parent / f"{folder.name} with pull request {number}"
    shutil.copytree(folder, proposed)
    keep_only_pickle(folder)
    request = PullRequest(number, proposed, **said)
    hub.pull_requests.setdefault(repo_id, []).append(request)
    return request


def shard(folder: Path) -> list[str]:
    """Cut the weights in `folder` into two files and an index; gives the names of the two."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    place = {name: shards[index * 2 // len(names)] for index, name in enumerate(names)}
    for each in shards:
        part = {name: tensors[name] for name in names if place[name] == each}
        save_file(part, folder / each, metadata={"format": "pt"})
    index = {"metadata": {"total_size": 0}, "weight_map": place}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return shards
