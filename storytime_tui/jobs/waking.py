"""Torch on its way into a program whose other threads have to answer meanwhile. Loads no torch by itself."""

import ctypes
import importlib.util
import os
import sys
from pathlib import Path


def load_torchs_libraries() -> None:
    """Bring torch's libraries into memory, for a thread that will import torch; does nothing where it is there.

    Python loads a module's library with its one lock in hand, which for torch stops every other thread for a quarter
    of a second. A foreign function is called without the lock; the import then finds the libraries loaded. Where this
    fails, the import does all of it, as ever.
    """
    if sys.platform != "linux" or "torch" in sys.modules:
        return
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent / "lib"
    load = ctypes.CDLL(None).dlopen
    load.restype, load.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
    # in torch's own order, and as visible as it makes them
    load(os.fsencode(folder / "libtorch_global_deps.so"), os.RTLD_NOW | os.RTLD_GLOBAL)
    load(os.fsencode(folder / "libtorch_python.so"), os.RTLD_NOW | os.RTLD_LOCAL)
