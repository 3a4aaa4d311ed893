"""A base from the Hub by the command line, as a stranger fetches one: the Hub is ours, on loopback."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loopback_hub import LoopbackHub, make_gpt2, want_remote_code
from tests.tiny import write_collection


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LoopbackHub]:
    """Serves `distilgpt2`, with GPT-2's real vocabulary and merges where they are on this machine."""
    real = Path(__file__).resolve().parents[2] / "shared" / "gpt2_tokenizer"
    make_gpt2(tmp_path / "served" / "distilgpt2", real if real.is_dir() else None)
    with LoopbackHub(tmp_path / "served") as served:
        yield served


def storytime(hub: LoopbackHub, *words: str, **extra: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HF_ENDPOINT": hub.url, **extra}
    environment.pop("HF_TOKEN", None)
    return subprocess.run(
        [sys.executable, "-m", "storytime_tui", *words],
        capture_output=True,
        text=True,
        env=environment,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )


def test_a_base_is_fetched_taught_and_told_with_and_then_needs_no_network(
    hub: LoopbackHub, tmp_path: Path
) -> None:
    tales = str(write_collection(tmp_path / "tales"))
    knobs = [
        "--set",
        "block_size=16",
        "--set",
        "sample_tokens=5",
        "--set",
        "listen=false",
        "--max-steps",
        "4",
    ]
    trained = storytime(
        hub, "train", "--corpus", tales, "--base", "distilgpt2", "--run", "r", "--json", *knobs
    )
    assert trained.returncode == 0, trained.stderr
    started = json.loads(trained.stdout.splitlines()[0])
    assert started["base"] == "distilgpt2"
    said = r"distilgpt2 is not on this machine: [\d,.]+ .B to download from http://127.0.0.1:\d+\. It stays in .*\n"
    assert re.fullmatch(said, trained.stderr)
    assert "model.safetensors" in hub.downloads()
    told = storytime(hub, "tell", "--model", "r", "--prompt", "The mouse", "--max-tokens", "8", "--seed", "1")
    assert told.returncode == 0
    assert told.stdout.startswith("The mouse")
    base = storytime(
        hub,
        "tell",
        "--model",
        "distilgpt2",
        "--prompt",
        "The",
        "--max-tokens",
        "3",
        "--seed",
        "1",
        HF_HUB_OFFLINE="1",
    )
    assert base.returncode == 0, base.stderr


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        ("gated", "hf auth login"),
        ("half-sent", "distilgpt2"),
        ("huge", "free"),
        ("remote code", "code"),
        ("wrong id", "distilgpt3"),
        ("no network", "scratch-small"),
    ],
)
def test_what_stands_in_the_way_is_one_clear_line(
    hub: LoopbackHub, tmp_path: Path, trouble: str, says: str
) -> None:
    tales = str(write_collection(tmp_path / "tales"))
    base, extra = "distilgpt2", {}
    if trouble == "remote code":
        want_remote_code(tmp_path / "served" / "distilgpt2")
    elif trouble == "wrong id":
        base = "distilgpt3"
    elif trouble == "no network":
        extra = {"HF_ENDPOINT": "http://127.0.0.1:9"}
    else:
        hub.faults["distilgpt2"] = trouble
    done = storytime(hub, "train", "--corpus", tales, "--base", base, **extra)
    assert done.returncode == 1
    lines = [
        line for line in done.stderr.splitlines() if not line.startswith("distilgpt2 is not on this machine")
    ]
    assert len(lines) == 1, done.stderr
    assert says in lines[0]
    assert "Traceback" not in done.stderr
    assert not (Path(os.environ["STORYTIME_HOME"]) / "runs").exists()
