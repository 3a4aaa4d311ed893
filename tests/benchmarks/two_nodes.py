"""A run on two nodes: it learns what one node learns, and a node that is killed costs no more than a resume.

    python -m tests.benchmarks.two_nodes [--steps N] [--kills N] [--json]

Two nodes are two torchrun launchers on this machine that meet by torchrun's rendezvous on a port of loopback and talk
by gloo, with one home folder, as nodes have on a shared disk. A run is trained whole. Other runs of the same plan are
trained, and one of the two nodes, with all its processes, is killed at a random moment after the first checkpoint; the
other node has to end by itself; then both are started again with `--resume`, until the run is finished.
`identical`: how many of the killed runs have the weights of the whole one, byte for byte. `alone_seconds`: how long the
other node went on at most; `said`: how often a program named the reason. `ratio_one_process`: the
seconds of two nodes over those of one process with the same plan.
"""

import argparse
import contextlib
import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LOG = "said.txt"  # what the processes wrote to their standard error
LIMIT = 300.0  # seconds for a run, or for a node that is left alone
PLAN = (
    "--corpus",
    "hedgerow-tales",
    "--base",
    "scratch-tiny",
    "--set",
    "evaluate_every=5",
    "--set",
    "listen=false",
)


def train(home: Path, words: Sequence[str], nodes: int) -> list[subprocess.Popen[bytes]]:
    """Start a run on so many nodes, each a process group of its own; 0 is one process without torchrun."""
    environment = {**os.environ, "STORYTIME_HOME": str(home), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launchers = [
        ["torch.distributed.run", f"--nnodes={nodes}", "--nproc-per-node=1", "--max-restarts=0", "--rdzv-backend=c10d",
         f"--rdzv-endpoint=127.0.0.1:{port}", "--rdzv-id=tales", "--local-addr=127.0.0.1", "-m"]
        for _ in range(nodes)
    ] or [[]]  # fmt: skip
    with (home / LOG).open("ab") as log:
        return [
            subprocess.Popen(
                [sys.executable, "-m", *launcher, "storytime_tui", "train", *words],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
            for launcher in launchers
        ]


def kill(node: "subprocess.Popen[bytes]") -> None:
    """Kill a node with all its processes. torchrun's workers have sessions of their own."""
    children = _below(node.pid)
    for pid in (node.pid, *children):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    node.wait()


def _below(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                    found += [int(entry.name), *_below(int(entry.name))]
    return found


def finished(nodes: Sequence["subprocess.Popen[bytes]"]) -> bool:
    """Wait for all nodes; whether each of them ended well."""
    codes = [node.wait(LIMIT) for node in nodes]
    return not any(codes)


def checkpoints(home: Path, run: str) -> list[str]:
    """The run's checkpoints that are there now."""
    with contextlib.suppress(OSError):
        return [
            entry.name
            for entry in (home / "runs" / run / "checkpoints").iterdir()
            if entry.name.startswith("step-")
        ]
    return []


def weights(home: Path, run: str) -> str:
    """The digest of the last weights."""
    last = max(checkpoints(home, run), key=lambda name: int(name.removeprefix("step-")))
    folder = home / "runs" / run / "checkpoints" / last
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest() + last


def killed_run(home: Path, run: str, steps: int, chance: random.Random) -> float:
    """Train a run with one killed node and a resume; how many seconds the other node went on."""
    nodes = train(home, [*PLAN, "--name", run, "--max-steps", str(steps)], 2)
    end = time.monotonic() + LIMIT
    while not checkpoints(home, run):
        if time.monotonic() > end or any(node.poll() is not None for node in nodes):
            sys.exit(f"{run} made no checkpoint.")
        time.sleep(0.01)
    time.sleep(chance.random() * 2)
    victim = chance.randrange(2)
    kill(nodes[victim])
    began = time.monotonic()
    nodes[1 - victim].wait(LIMIT)
    alone = time.monotonic() - began
    if not finished(train(home, ["--resume", run], 2)):
        sys.exit(f"{run} was not resumed.")
    return alone


def measure(steps: int, kills: int) -> dict[str, Any]:
    """All figures."""
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        seconds = {}
        for run, nodes in (("whole", 2), ("single", 0)):
            began = time.monotonic()
            if not finished(train(home, [*PLAN, "--name", run, "--max-steps", str(steps)], nodes)):
                sys.exit(f"The run {run} failed.")
            seconds[run] = time.monotonic() - began
        alone, identical = 0.0, 0
        for number in range(kills):
            run = f"killed-{number}"
            alone = max(alone, killed_run(home, run, steps, chance))
            identical += weights(home, run) == weights(home, "whole")
        said = (home / LOG).read_text(errors="replace").count("Another process of the run has ended")
    return {
        "steps": steps,
        "kills": kills,
        "identical": identical,
        "said": said,
        "alone_seconds": round(alone, 1),
        "two_nodes_seconds": round(seconds["whole"], 1),
        "ratio_one_process": round(seconds["whole"] / seconds["single"], 2),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    found = measure(args.steps, args.kills)
    print(
        json.dumps(found) if args.json else "\n".join(f"{name:20} {value}" for name, value in found.items())
    )


if __name__ == "__main__":
    main()
