"""How often somebody may try to sign in: so many times a minute from one address, and so many in all."""

from collections import OrderedDict, deque

from bot.ports.clock import Clock

WINDOW_SECONDS = 60.0
EACH, ALL = 20, 200
_ADDRESSES = 2_000
_EVERYBODY = ""


class Throttle:
    """Counts attempts of the last minute, in this process."""

    def __init__(self, clock: Clock, *, each: int = EACH, everybody: int = ALL) -> None:
        self._clock = clock
        self._each = each
        self._everybody = everybody
        self._tried: OrderedDict[str, deque[float]] = OrderedDict()

    def admits(self, address: str) -> bool:
        """Whether one more attempt from an address may be made; it counts if so."""
        own, all_of_them = self._recent(address or "unknown"), self._recent(_EVERYBODY)
        if len(own) >= self._each or len(all_of_them) >= self._everybody:
            return False
        own.append(self._clock())
        all_of_them.append(self._clock())
        return True

    def _recent(self, address: str) -> deque[float]:
        tried = self._tried.setdefault(address, deque())
        self._tried.move_to_end(address)
        while tried and not 0 <= self._clock() - tried[0] < WINDOW_SECONDS:
            tried.popleft()
        while len(self._tried) > _ADDRESSES:
            self._tried.popitem(last=False)
        return tried
