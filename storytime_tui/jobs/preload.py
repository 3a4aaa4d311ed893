"""Loads torch and what needs it with little harm to the other threads of the program. Imports no torch itself."""

import ctypes
import importlib.util
import os
import sys
from pathlib import Path

from storytime_tui.garbage import nothing_collected


def import_for_telling() -> None:
    """Import what opens models and tells with them, in this thread; does nothing the second time."""
    preload_torch()
    if "storytime_tui.generation.generator" in sys.modules:
        return
    with nothing_collected():
        from storytime_tui.generation import generator  # noqa: F401
        from storytime_tui.models import loading  # noqa: F401


def import_for_training() -> None:
    """Import what trains, in this thread; does nothing the second time."""
    preload_torch()
    if "torch._dynamo" in sys.modules:
        return
    with nothing_collected():
        import torch._dynamo  # noqa: F401  # torch's optimisers import it

        from storytime_tui.training import trainer  # noqa: F401


def preload_torch() -> None:
    """Load torch's libraries, in a thread that will import torch next. Does nothing if torch is imported.

    Python loads a module's library while holding the GIL. For torch this stops every other thread for a quarter of a
    second. A call through ctypes releases the GIL, and the import then finds the libraries loaded. If the preload
    fails, the import loads everything itself.
    """
    if sys.platform != "linux" or "torch" in sys.modules:
        return
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent / "lib"
    load = ctypes.CDLL(None).dlopen
    load.restype, load.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
    # the order and the visibility are those of torch/__init__.py
    load(os.fsencode(folder / "libtorch_global_deps.so"), os.RTLD_NOW | os.RTLD_GLOBAL)
    load(os.fsencode(folder / "libtorch_python.so"), os.RTLD_NOW | os.RTLD_LOCAL)
