"""The guards of all back-ends of this process, one for each.

Whoever asks for the guard of a back-end gets the same one, in every workspace and for every tool: its breaker knows of
all failures, its bulkhead counts all calls.
"""

from collections.abc import Mapping

from tools.breaker import BreakerState
from tools.resilience import STANDARD, SYSTEM, Guard, Instruments, Policy


class Guards:
    """Makes them when first asked for."""

    def __init__(self, instruments: Instruments = SYSTEM) -> None:
        self._instruments = instruments
        self._of: dict[str, Guard] = {}

    def of(self, backend: str, policy: Policy = STANDARD) -> Guard:
        """The guard of the back-end of this name; `policy` is that of whoever asks first."""
        if backend not in self._of:
            self._of[backend] = Guard(backend, self._instruments, policy)
        return self._of[backend]

    @property
    def states(self) -> Mapping[str, BreakerState]:
        """Of the breakers, by back-end, as far as this process knows."""
        return {name: guard.state for name, guard in self._of.items()}
