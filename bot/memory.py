"""How a long-running process treats its memory."""

import ctypes
import gc
import sys

_YOUNG = 20_000
"""Objects made before the youngest are looked through; Python's default of 700 is for programs with little memory."""


_MMAP_THRESHOLD, _ARENA_MAX = -3, -8
"""glibc's names for what may be set (malloc.h)."""


def keep_lean() -> None:
    """Have what is big come straight from the system and go straight back; call it once, before anything big is made.

    glibc would move its line to 32 MB as soon as something big was freed, and give each of a few threads a heap of its
    own: more than 10 MB of holes after a few hundred searches of ten thousand articles. Elsewhere it does nothing.
    """
    if sys.platform == "linux":
        tune = getattr(ctypes.CDLL(None), "mallopt", None)
        if tune is not None:
            tune(_MMAP_THRESHOLD, 256 * 1024)
            tune(_ARENA_MAX, 2)


def settle() -> None:
    """Take what is loaded by now (modules, schemas, statements) out of the garbage collector's rounds; call it once.

    It stays for the life of the process. Looking through it again and again stopped everything for 250 to 450 ms every
    few seconds under load (measured with `gc.callbacks`), and events waited for their acknowledgement.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 20)


def give_back() -> None:
    """Hand memory that was freed to the system; call it after something big was made and most of it thrown away.

    Otherwise glibc keeps it for later: 100 MB after an index of ten thousand articles. Elsewhere it does nothing.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
