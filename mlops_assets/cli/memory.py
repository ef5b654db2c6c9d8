"""How one process that carries out many runs stays small: what a step has freed goes back to the system."""

import ctypes
import gc
from typing import Final

YOUNG: Final = 50_000
"""Objects that are made before the garbage among them is looked for: loading alone makes a million, and no garbage."""
LARGE: Final = 1 << 20
"""Bytes from which memory is taken from the system by itself, and so given back at once when it is freed."""
_MMAP_THRESHOLD: Final = -3
"""As glibc's <malloc.h> numbers it."""


def careful() -> None:
    """Take large pieces of memory by themselves, and look for garbage less often.

    Left to itself, glibc raises its threshold to 32 MB: tables of 20 to 80 MB, read and freed one after another, then
    left 190 MB behind, and 40 MB with it held.
    """
    gc.set_threshold(YOUNG)
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_MMAP_THRESHOLD, LARGE)


def keep_loaded() -> None:
    """Let later collections of garbage pass over what a first round has loaded: half a million objects, for good."""
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()


def give_back() -> None:
    """Hand over what Arrow and the C library keep although it is free."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)
