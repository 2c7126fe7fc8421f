"""A small cache that forgets: by age and by number."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from bot.ports.clock import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class TtlCache(Generic[K, V]):
    """Keeps at most `size` values, none longer than `seconds`; the oldest goes first."""

    def __init__(self, clock: Clock, *, seconds: float, size: int) -> None:
        self._clock = clock
        self._seconds = seconds
        self._size = size
        self._kept: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value, or None when it is unknown or too old."""
        entry = self._kept.get(key)
        if entry is None or not 0 <= self._clock() - entry[0] < self._seconds:
            self._kept.pop(key, None)
            return None
        return entry[1]

    def put(self, key: K, value: V) -> None:
        """Remember a value from now on."""
        self._kept.pop(key, None)
        self._kept[key] = (self._clock(), value)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)
