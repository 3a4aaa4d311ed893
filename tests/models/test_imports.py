"""The modules of `models` that the first frame may need load nothing heavy."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["tokenizer", "hub", "catalogue", "folder"])
def test_loads_neither_torch_nor_transformers_nor_textual(module: str) -> None:
    code = (
        f"import sys, storytime_tui.models.{module}; "
        "print(*{'torch', 'transformers', 'textual'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
    assert done.stderr == ""
