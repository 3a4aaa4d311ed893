"""Every module can be imported on this Python; of one that needs torch, where that is missing, all that it names."""

import ast
import importlib
import importlib.util
import warnings
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "storytime_tui"
# What an environment without torch lacks (see .ci/other-pythons), and what only some machines have.
MAY_BE_MISSING = {"torch", "transformers", "peft", "tensorboard", "pynvml", "storytime_tui"}


def not_there(source: str) -> list[str]:
    """What this source imports and this Python does not have; a newer one may have lost a module or a name in it."""
    wanted = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            wanted += [(name.name, "") for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            wanted += [(node.module or "", name.name) for name in node.names]
    return [
        f"{module} {name}".rstrip()
        for module, name in wanted
        if module.partition(".")[0] not in MAY_BE_MISSING and not is_there(module, name)
    ]


def is_there(module: str, name: str) -> bool:
    """Whether `from module import name`, or `import module` where there is no name, would work."""
    try:
        if not name:
            return importlib.util.find_spec(module) is not None
        return (
            hasattr(importlib.import_module(module), name)
            or importlib.util.find_spec(f"{module}.{name}") is not None
        )
    except ImportError:
        return False


def test_what_a_python_lacks_is_found() -> None:
    assert not_there(
        "import os, no_such_module\nfrom json import loads, no_such_name\nfrom os import path"
    ) == [
        "no_such_module",
        "json no_such_name",
    ]


def test_every_module_is_imported_on_this_python() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 300
    missing = {}
    for file in files:
        source = file.read_text(encoding="utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            compile(source, str(file), "exec")
        name = ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        try:
            importlib.import_module(name)
        except pytest.skip.Exception:  # torch is not here (see conftest.py)
            missing[name] = not_there(source)
    assert {name: lacks for name, lacks in missing.items() if lacks} == {}
