"""Trouble on demand: the next calls of a method fail in a chosen way."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from bot.sandbox.wire import ControlError, Json

FaultKind = Literal[
    "error", "ratelimited", "http_500", "reset_after", "reset_before", "delay", "truncated", "malformed", "html", "hang"
]

SPOILS: frozenset[FaultKind] = frozenset({"reset_after", "truncated", "malformed", "html", "hang"})
"""Faults of the answer: what was asked for takes place, unless the fault says `effect: false`."""


@dataclass
class Fault:
    """One kind of trouble; `times` says for how many more calls (-1: until cleared).

    `retry_after` below 0: a 429 without the header. `seconds`: of a delay, or how long a hanging answer stays open.
    """

    method: str
    kind: FaultKind
    error: str = "internal_error"
    retry_after: int = 1
    seconds: float = 0.0
    times: int = 1
    effect: bool = True


@dataclass
class Faults:
    """The troubles that are waiting for a call."""

    waiting: list[Fault] = field(default_factory=list)

    def add(self, wish: Json) -> None:
        """Add what a test asked for."""
        kind = next((known for known in get_args(FaultKind) if known == wish.get("kind")), None)
        if kind is None:
            raise ControlError("bad_fault", f"kind must be one of {', '.join(get_args(FaultKind))}.")
        given = {
            name: wish[name]
            for name in ("error", "retry_after", "seconds", "times", "effect")
            if wish.get(name) is not None
        }
        self.waiting.append(Fault(str(wish.get("method", "*")), kind, **given))

    def take(self, method: str) -> Fault | None:
        """The trouble this call gets, if any."""
        for fault in self.waiting:
            if fault.method in ("*", method):
                fault.times -= 1 if fault.times > 0 else 0
                if fault.times == 0:
                    self.waiting.remove(fault)
                return fault
        return None
