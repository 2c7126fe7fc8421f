"""Time, ids and chance, brought in from outside so that a test can hold them still."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]
"""Unix seconds."""
NewId = Callable[[], str]
"""A new id that sorts by time."""


def system_clock() -> float:
    """The machine's clock."""
    return time.time()


@dataclass(frozen=True, slots=True)
class DeskTime:
    """The time by which people are waited for: hours, deadlines, budgets' days. Slack, leases and retries have their
    own, which nobody moves."""

    clock: Clock = system_clock
    tick: float = 1.0
    """Seconds between two looks at what is due."""


REAL_TIME = DeskTime()


def sortable_id() -> str:
    """Milliseconds in hex and 40 random bits: ids of later events sort later."""
    return f"{int(time.time() * 1000):012x}{secrets.token_hex(5)}"
