"""A tool call as rows of the record: the call, what it tried at its back-ends, and its result.

A call that did its work at the first and only try has no row for that: its own says it all.
"""

from dataclasses import replace

from bot.domain.trace import Action, TraceEvent
from bot.ports.clock import Clock
from tools.attempts import Attempt


class AttemptRecord:
    """Collects the attempts of one tool call."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._noted: list[tuple[float, Attempt]] = []

    def note(self, attempt: Attempt) -> None:
        """Implements `ToolContext.note_attempt`."""
        self._noted.append((self._clock() - attempt.ms / 1000, attempt))

    def around(self, call: TraceEvent, got: str, *, ended: float) -> tuple[TraceEvent, ...]:
        """All rows of a call that is over, in order; `call` as it began."""
        result = replace(call, action=Action.TOOL_RESULT, at=ended, given="", got=got)
        return *self.without_result(call, ended=ended), result

    def without_result(self, call: TraceEvent, *, ended: float) -> tuple[TraceEvent, ...]:
        """The rows of a call that was broken off."""
        return replace(call, duration_ms=int((ended - call.at) * 1000)), *self._attempts(call)

    def _attempts(self, call: TraceEvent) -> tuple[TraceEvent, ...]:
        if len(self._noted) == 1 and self._noted[0][1].ok:
            return ()
        return tuple(
            TraceEvent(
                call.conversation_id, call.run_id, call.step, Action.TOOL_ATTEMPT, attempt.name, began,
                attempt=attempt.number, got="" if attempt.asked else "not asked", ok=attempt.ok, error=attempt.error,
                duration_ms=attempt.ms, ref=call.ref,
            )
            for began, attempt in self._noted
        )  # fmt: skip
