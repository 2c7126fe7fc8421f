"""Time, ids and chance, brought in from outside so that a test can hold them still."""

import secrets
import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Unix seconds."""
NewId = Callable[[], str]
"""A new id that sorts by time."""


def system_clock() -> float:
    """The machine's clock."""
    return time.time()


def sortable_id() -> str:
    """Milliseconds in hex and 40 random bits: ids of later events sort later."""
    return f"{int(time.time() * 1000):012x}{secrets.token_hex(5)}"
