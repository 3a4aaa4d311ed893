"""The walls of the house: import contracts, no circles, what is loaded when, and nothing without a caller."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "storytime_tui"
HEAVY = ("torch", "transformers")
LIGHT = re.compile(
    r"\b(?:knows?|loads?) no torch\b", re.IGNORECASE
)  # said by the docstrings of modules that must not
LIGHT_ROOMS = ("storytime_tui.corpus", "storytime_tui.stories")


def test_the_import_contracts_hold() -> None:
    linter = shutil.which("lint-imports", path=os.path.dirname(sys.executable)) or "lint-imports"
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@cache
def imports() -> grimp.ImportGraph:
    """Every import of the package, those inside functions too."""
    return grimp.build_graph("storytime_tui", include_external_packages=True, cache_dir=None)


def sources() -> dict[str, ast.Module]:
    """Each module of the package, parsed."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            path.read_text(encoding="utf-8")
        )
        for path in PACKAGE.rglob("*.py")
    }


def test_a_module_that_says_so_never_loads_torch() -> None:
    light = [
        name
        for name, module in sources().items()
        if LIGHT.search(ast.get_docstring(module) or "") or name.startswith(LIGHT_ROOMS)
    ]
    assert len(light) > 120
    chains = [
        chain
        for name in light
        for heavy in (*HEAVY, "safetensors")
        if (chain := imports().find_shortest_chain(name, heavy))
    ]
    assert chains == []


def test_no_modules_import_each_other() -> None:
    graph = imports()
    ours = {name for name in graph.modules if name.startswith("storytime_tui")}
    try:
        TopologicalSorter(
            {name: graph.find_modules_directly_imported_by(name) & ours for name in ours}
        ).prepare()
    except CycleError as circle:
        pytest.fail(f"a circle of imports: {' -> '.join(reversed(circle.args[1]))}")


# What only tests and benchmarks call, and why it stays.
WITHOUT_A_CALLER = {
    "unwrap": "likewise, of the wraps alone",
    "divide": "the whole of dividing on one document",
    "biased": "one sampler by itself, held against transformers' own",
    "judge_precision": "the starter's recipe asks about the weights that it ships",
    "named_gradients": "gradients under Hugging Face's names, held against transformers' own",
    "checkpoint_folder": "where a run's newest checkpoint is, for tests that damage it",
    "starting_point": "a model that learns, told at another strength: for writing with a run while it trains",
    "at_strength": "likewise",
    "read_base": "likewise",
}


def test_no_public_function_is_without_a_caller() -> None:
    """Tests don't count: what nothing else calls is wired in, or goes. Methods are left out (textual calls many)."""
    modules = sources()
    used: Counter[str] = Counter()
    for module in modules.values():
        for node in ast.walk(module):
            if isinstance(node, ast.Name):
                used[node.id] += 1
            elif isinstance(node, ast.Attribute):
                used[node.attr] += 1
    idle = [
        f"{name}.{node.name}"
        for name, module in modules.items()
        for node in module.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and not used[node.name]
    ]
    assert {name.rpartition(".")[2] for name in idle} == WITHOUT_A_CALLER.keys()


def test_the_architecture_names_files_that_are_there() -> None:
    text = (PACKAGE / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]+\.py|[\w/]+/)`", text))
    ours = {
        path.relative_to(PACKAGE).as_posix() + ("/" if path.is_dir() else "") for path in PACKAGE.rglob("*")
    }
    assert len(named) > 50
    assert {name for name in named if not any(f"/{each}".endswith(f"/{name}") for each in ours)} == set()


# Where a file of a way is reached without an import.
HANDED_OVER = {
    "jobs.train": "a run reads what an import has kept on the disk",
    "generation.generator": "it is given the backend that was chosen when the model was opened",
}


def test_the_ways_through_the_architecture_have_no_gap_and_as_many_files_as_they_say() -> None:
    text = (PACKAGE / "ARCHITECTURE.md").read_text(encoding="utf-8")
    ways = re.findall(r"^\*\*(From .+?)\*\*, (\d+) files\.(.+?)(?:\n\n|`tui/desk.py`)", text, re.M | re.S)
    assert len(ways) == 3
    graph = imports()
    for way, files, path in ways:
        names = list(dict.fromkeys(re.findall(r"`([\w/]+)\.py`", path)))
        assert len(names) == int(files), way
        modules = [
            next(
                module
                for module in sorted(graph.modules)
                if f".{module}".endswith("." + name.replace("/", "."))
            )
            for name in names
        ]
        for place, module in enumerate(modules[1:], 1):
            linked = any(
                graph.direct_import_exists(importer=one, imported=other)
                for before in modules[:place]
                for one, other in ((before, module), (module, before))
            )
            short = module.removeprefix("storytime_tui.")
            assert linked or short in HANDED_OVER, f"{way}: how does it come to {short}?"


def loaded_after(code: str, home: Path) -> set[str]:
    """Which of the heavy packages (and textual) a fresh interpreter has loaded after running `code`."""
    report = f"\nimport sys\nprint('LOADED', *[m for m in {(*HEAVY, 'textual')!r} if m in sys.modules])"
    environment = {**os.environ, "STORYTIME_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", code + report], capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()[1:])


LIGHT_COMMANDS = (
    "--help", "--version", "corpus list", "corpus list --json", "runs list", "train --help", "tell --help",
    "write --help", "evaluate --help", "explain --help", "runs watch --help", "runs stop --help", "runs report --help",
    "stories list", "stories search owl", "stories restore --json", "stories export --help",
)  # fmt: skip
LIGHT_MODULES = (
    "storytime_tui.cli", "storytime_tui.training.plan", "storytime_tui.training.events", "storytime_tui.training.runs",
    "storytime_tui.models.catalogue", "storytime_tui.models.tokenizer", "storytime_tui.models.hub",
    "storytime_tui.corpus.library.shelf", "storytime_tui.corpus.tokens", "storytime_tui.generation.sampling.settings",
    "storytime_tui.generation.detokenizer", "storytime_tui.generation.context", "storytime_tui.stories.store",
    "storytime_tui.jobs.train", "storytime_tui.jobs.generate", "storytime_tui.jobs.evaluate",
    "storytime_tui.jobs.explain", "storytime_tui.jobs.shelves", "storytime_tui.jobs.steer",
    "storytime_tui.jobs.report.write", "storytime_tui.commands.stories", "storytime_tui.stories.importing",
)  # fmt: skip

# Each in turn in one interpreter: what an earlier one loaded would show in its own line.
ONE_BY_ONE = """
import importlib, sys
from storytime_tui.cli import main

def heavy():
    return sorted({heavy!r} & set(sys.modules))

for words in {commands!r}:
    try:
        code = main(words.split())
    except SystemExit as stop:
        code = stop.code
    assert code == 0 and not heavy(), (words, code, heavy())
for module in {modules!r}:
    importlib.import_module(module)
    assert not heavy(), (module, heavy())
"""


def test_light_commands_and_modules_load_nothing_heavy(home: Path) -> None:
    heavy = {*HEAVY, "textual"}
    code = ONE_BY_ONE.format(heavy=heavy, commands=LIGHT_COMMANDS, modules=LIGHT_MODULES)
    assert loaded_after(code, home) == set()


FIRST_FRAME = """
import asyncio, sys
from pathlib import Path
from storytime_tui.models import catalogue
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.real_services import real_services

catalogue.STARTER_FOLDER = Path({starter!r})

async def leave(pilot):
    app, painted = pilot.app, asyncio.Event()
    app.screen.call_after_refresh(painted.set)
    await painted.wait()
    loaded = set({heavy!r}) & set(sys.modules)  # before the starter is woken, which is what comes next
    assert app.screen.region.size == (80, 24)
    while {waking} and not app.desk.writing.now.device:
        await asyncio.sleep(0.01)
    app.exit(loaded)

assert StorytimeApp(real_services()).run(headless=True, size=(80, 24), auto_pilot=leave) == set()
"""


def test_the_first_painted_frame_loads_neither_torch_nor_transformers(home: Path, tmp_path: Path) -> None:
    code = FIRST_FRAME.format(starter=str(tmp_path / "none"), heavy=HEAVY, waking=False)
    assert not loaded_after(code, home) & set(HEAVY)


def test_the_starter_is_woken_after_the_first_painted_frame(home: Path, starter: Path) -> None:
    code = FIRST_FRAME.format(starter=str(starter), heavy=HEAVY, waking=True)
    assert "torch" in loaded_after(code, home)


@pytest.mark.needs_torch
def test_a_model_is_made_without_torchs_compiler_and_transformers() -> None:
    """They take seconds to load, an HTTP client a tenth of one, and telling with a GPT-2 that is here needs neither."""
    code = (
        "import sys, torch\n"
        "from storytime_tui.models.gpt2 import Shape\n"
        "from storytime_tui.models.gpt2_files import empty_gpt2\n"
        "from storytime_tui.generation.backends import precision\n"
        "from storytime_tui.generation.backends.prepare import make_backend\n"
        "model = empty_gpt2(Shape(300, 32, 16, 1, 2, 64), torch.device('cpu'), torch.float32, padded=False)\n"
        "model.fill(0)\n"
        "reader = make_backend(model.eval(), 'fp32')\n"
        "reader.read([1, 2], reader.new_cache())\n"
        "import storytime_tui.commands.tell\n"
        "sys.exit(bool({'torch._dynamo', 'sympy', 'transformers', 'httpx'} & set(sys.modules)))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0


def test_an_interrupt_before_anything_is_loaded_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from storytime_tui import __main__, cli

    def interrupted() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "main", interrupted)
    assert __main__.start() == 130
