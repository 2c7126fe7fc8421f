"""Steps under way: when the first row of each was made and when the last one ended.

A step is known to be over when the next one begins or the run ends. Only what this process wrote is counted: after a
crash the next process writes the span of the step it resumed, and nobody writes a step twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from bot.domain.trace import TraceEvent

MOST = 10_000
"""Runs whose step is remembered; a run that waits for people for days may lose the end of its step."""
_OWN_CALL = "m"
"""How the agent's own calls are named in the journal, before their number."""


@dataclass(slots=True)
class Step:
    """One model call and the tools it asked for."""

    call: str
    """The call's name in the run's journal."""
    number: int
    start: float
    end: float


class Steps:
    """At most one step of each run."""

    def __init__(self, most: int = MOST) -> None:
        self._open: dict[str, Step] = {}
        self._most = most

    def note(self, run_id: str, call: str, event: TraceEvent) -> str:
        """Add a row to its step, and tell the call that the step is named after.

        `call` is empty for a tool: then it is the call made last, or the one of its number by a process that died.
        """
        step = self._open.get(run_id)
        end = event.at + event.duration_ms / 1000
        if step is not None and (call == step.call or (not call and step.number == event.step)):
            step.start, step.end = min(step.start, event.at), max(step.end, end)
            return step.call
        call = call or f"{_OWN_CALL}{event.step}"
        self._open[run_id] = Step(call, event.step, event.at, end)
        return call

    def over(self, run_id: str, call: str, *, is_end: bool) -> Iterator[tuple[str, Step]]:
        """Forget, with their runs, the step of this run unless it is that of `call`, and those too old to remember."""
        step = self._open.get(run_id)
        if step is not None and (is_end or (call and step.call != call)):
            yield run_id, self._open.pop(run_id)
        while len(self._open) > self._most:
            oldest = next(iter(self._open))
            yield oldest, self._open.pop(oldest)
