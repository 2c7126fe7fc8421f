"""What a back-end said last, for the time it does not answer.

Held in this process alone, for one workspace, under a key that names whose it is; the newest are kept, none for long.
Whoever shows it says of when it is.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from tools.base import ToolUnavailableError

T = TypeVar("T")

MOST = 1000
LONGEST_SECONDS = 12 * 3600.0


@dataclass(frozen=True, slots=True)
class Held(Generic[T]):
    """An answer and when it was given."""

    value: T
    at: float
    """Unix seconds."""


class Remembered(Generic[T]):
    """The last answers of one back-end."""

    def __init__(
        self, clock: Callable[[], float] = time.time, *, most: int = MOST, seconds: float = LONGEST_SECONDS
    ) -> None:
        self._clock = clock
        self._most = most
        self._seconds = seconds
        self._held: OrderedDict[tuple[str, ...], Held[T]] = OrderedDict()

    def keep(self, key: tuple[str, ...], value: T | None) -> None:
        """Hold a fresh answer; None says that there is nothing (any more) under this key."""
        self._held.pop(key, None)
        self._drop_old()
        if value is not None:
            self._held[key] = Held(value, self._clock())
        while len(self._held) > self._most:
            self._held.popitem(last=False)

    def recall(self, key: tuple[str, ...]) -> Held[T]:
        """What was held under exactly this key; ToolUnavailableError when that is nothing, or too old."""
        self._drop_old()
        if key not in self._held:
            raise ToolUnavailableError("nothing held")
        return self._held[key]

    def _drop_old(self) -> None:
        oldest = self._clock() - self._seconds
        while self._held and next(iter(self._held.values())).at < oldest:
            self._held.popitem(last=False)
