"""How threads of this process take turns at the interpreter."""

import sys

_SECONDS = 0.0005
"""Python's default is ten times as long."""


def take_short_turns() -> None:
    """Let a thread that computes hand over soon when another one waits; call it once, at the start.

    The event loop, whose next step takes microseconds, otherwise waits 5 ms for its turn again and again while a thread
    builds an index (measured: 5.3 ms in the middle, so 0.9). The work in the threads is not slower for it.
    """
    sys.setswitchinterval(_SECONDS)
