"""Models that the tests of this folder share, and a guard: nothing but this machine is ever asked."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import loopback_hub


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def guarded(host: Any, *args: Any, **kwargs: Any) -> Any:
        assert host in ("127.0.0.1", "localhost"), f"a test asked for {host}"
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", guarded)
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def tiny_gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole model folder. Tests that change one change a copy."""
    return loopback_hub.make_gpt2(tmp_path_factory.mktemp("tiny") / "gpt2")


@pytest.fixture
def model(tiny_gpt2: Path, tmp_path: Path) -> Path:
    """A copy of the whole model folder, to be damaged."""
    return Path(shutil.copytree(tiny_gpt2, tmp_path / "a model"))


@pytest.fixture
def hub(
    tiny_gpt2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[loopback_hub.LoopbackHub]:
    """A Hub with one model, `owner/tale`, that this process' environment names."""
    shutil.copytree(tiny_gpt2, tmp_path / "served" / "owner" / "tale")
    with loopback_hub.LoopbackHub(tmp_path / "served") as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        yield served
