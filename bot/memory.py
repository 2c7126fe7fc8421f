"""How a long-running process treats its memory."""

import gc

_YOUNG = 20_000
"""Objects made before the youngest are looked through; Python's default of 700 is for programs with little memory."""


def settle() -> None:
    """Take what is loaded by now (modules, schemas, statements) out of the garbage collector's rounds; call it once.

    It stays for the life of the process. Looking through it again and again stopped everything for 250 to 450 ms every
    few seconds under load (measured with `gc.callbacks`), and events waited for their acknowledgement.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 20)
