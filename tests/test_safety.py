"""What `.github/docs/safety.md` promises, where no other test shows it: read in the source, and tried."""

import ast
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from storytime_tui import log, paths
from storytime_tui.errors import ModelError
from storytime_tui.jobs.housekeeping.backup import create_backup
from storytime_tui.jobs.housekeeping.restore import restore_backup
from storytime_tui.models.hub import fetch
from storytime_tui.models.hub_client import HubClient, NotTheHub
from tests.jobs.housekeeping.homes import make_home

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "storytime_tui"
SAFETY = ROOT / ".github" / "docs" / "safety.md"

# what runs other programs through a shell, or text as code, or opens files that can run code
FORBIDDEN_MODULES = {
    "pickle",
    "_pickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "joblib",
    "yaml",
    "pty",
    "code",
}
FORBIDDEN_CALLS = {
    *("os.system", "os.popen", "os.startfile", "subprocess.getoutput", "subprocess.getstatusoutput"),
    *(
        f"os.{start}{end}"
        for start in ("exec", "spawn")
        for end in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")
    ),
    *("torch.load", "torch.save", "torch.hub.load", "torch.jit.load", "torch.package.PackageImporter"),
    *("asyncio.create_subprocess_shell", "eval", "exec", "compile", "__import__"),
}
WITHOUT_PICKLE = ("np.load", "np.save", "np.savez", "numpy.load", "numpy.save")


def name_of(node: ast.expr) -> str:
    """`os.system` of the call `os.system(...)`; "" for other expressions."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def faults_in(source: str) -> Iterator[str]:
    """What a module does that none of ours may do."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = (
                [each.name for each in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            )
            yield from (f"imports {name}" for name in names if name.split(".")[0] in FORBIDDEN_MODULES)
        if isinstance(node, ast.ImportFrom) and node.module in ("os", "subprocess", "torch"):
            called = [f"{node.module}.{each.name}" for each in node.names]
            yield from (f"imports {name}" for name in called if name in FORBIDDEN_CALLS)
        if not isinstance(node, ast.Call):
            continue
        name, given = name_of(node.func), {word.arg: word.value for word in node.keywords}
        if name in FORBIDDEN_CALLS:
            yield f"calls {name}"
        if "shell" in given:
            yield f"calls {name} with shell"
        if (
            name.startswith("subprocess.")
            and node.args
            and isinstance(node.args[0], ast.Constant | ast.JoinedStr)
        ):
            yield f"calls {name} with a line of shell"
        if name in WITHOUT_PICKLE and not is_false(given.get("allow_pickle")):
            yield f"calls {name} without allow_pickle=False"
        trust = given.get("trust_remote_code")
        of_transformers = (
            name.split(".")[-1] in ("from_pretrained", "from_config") and name.split(".")[0] != "nn"
        )
        if (trust is not None or of_transformers) and not is_false(trust):
            yield f"calls {name} without trust_remote_code=False"


def is_false(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def test_no_module_uses_a_shell_a_pickle_or_text_as_code() -> None:
    found = {
        path.relative_to(PACKAGE).as_posix(): faults
        for path in PACKAGE.rglob("*.py")
        if (faults := list(faults_in(path.read_text(encoding="utf-8"))))
    }
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        "import pickle", "from marshal import loads", "import os\nos.system('ls')", "from os import popen",
        "import subprocess\nsubprocess.run('ls', shell=True)", "import subprocess\nsubprocess.run('ls -l')",
        "import subprocess\nsubprocess.run(f'ls {x}')", "import torch\ntorch.load('model.bin')",
        "import numpy as np\nnp.load('a.npy')", "import numpy as np\nnp.load('a.npy', allow_pickle=True)",
        "AutoModel.from_pretrained(name)", "AutoModel.from_config(c, trust_remote_code=True)",
        "AutoModel.from_pretrained(name, trust_remote_code=trust)", "eval(text)", "exec(text)", "os.execvp('a', b)",
    ],
)  # fmt: skip
def test_the_reading_of_the_source_sees_each_of_these(line: str) -> None:
    assert list(faults_in(line))


def test_no_redirect_leads_from_https_to_http_or_to_another_scheme() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        place = {
            "/plain": "http://hub.example/x",
            "/file": "file:///etc/passwd",
            "/ftp": "ftp://hub.example/x",
        }
        return httpx.Response(302, headers={"Location": place[request.url.path]})

    client = HubClient("https://hub.example")
    client._client = httpx.Client(transport=httpx.MockTransport(answer))
    for path in ("/plain", "/file", "/ftp"):
        with pytest.raises(NotTheHub, match="not allowed"):
            client.json(path)
    assert asked == ["https://hub.example/plain", "https://hub.example/file", "https://hub.example/ftp"]
    client.close()


@pytest.mark.parametrize("endpoint", ["ftp://hub.example", "file:///tmp", "hub.example"])
def test_a_hub_that_is_not_at_http_or_https_is_a_sentence(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(ModelError, match="check HF_ENDPOINT"):
        fetch("owner/tale")


@pytest.mark.skipif(os.name == "nt", reason="permissions are POSIX's")
def test_whatever_the_umask_only_the_owner_reads_what_is_private(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A home with stories, collections, a trained run, settings, caches and a log; its backup; and that restored."""
    pytest.importorskip("torch")
    from storytime_tui.jobs.train import learn
    from storytime_tui.training.control import Control
    from storytime_tui.tui import shelf_file
    from storytime_tui.tui.shelf_memory import ShelfState
    from tests.jobs.test_train import plan_for

    before = os.umask(0)
    try:
        shutil.rmtree(make_home(tmp_path) / "runs")  # made by the tests, not by the program
        list(learn(plan_for(tmp_path / "tales", max_steps=2, listen=False), Control(), "trained"))
        shelf_file.save(ShelfState())
        log.start()
        log.keep(ValueError("a fault"), "in a test")
        saved = create_backup(str(tmp_path / "saved.zip"), lambda *_: None).path
        monkeypatch.setenv("STORYTIME_HOME", str(tmp_path / "other-home"))
        restore_backup(str(saved), lambda *_: None)
    finally:
        os.umask(before)
    made = [saved, *(path for top in (home, tmp_path / "other-home") for path in (top, *top.rglob("*")))]
    names = {path.name for path in made}
    assert {
        "stories.sqlite3",
        "settings.toml",
        "desk.json",
        "storytime.log",
        "events.jsonl",
        "model.safetensors",
    } <= names
    assert [path for path in made if not path.is_symlink() and path.stat().st_mode & 0o077] == []
    assert paths.data_folder() == tmp_path / "other-home"


def test_each_promise_of_the_page_names_tests_that_are_there() -> None:
    page = SAFETY.read_text(encoding="utf-8")
    rows = [line.split("|")[1:3] for line in page.splitlines() if line.startswith("| ") and "::" in line]
    assert len(rows) >= 12
    for promise, shown_by in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", shown_by)
        assert named, promise
        for file, test in named:
            assert re.search(rf"^(?:async )?def {test}\(", (ROOT / file).read_text(encoding="utf-8"), re.M), (
                test
            )
