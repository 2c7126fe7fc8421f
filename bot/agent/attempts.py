"""What a tool call tried at its back-ends, as rows of the trace.

A call that did its work at the first and only try has no rows of this kind: its own row says it all.
"""

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

    def events(self, conversation_id: str, run_id: str, step: int) -> tuple[TraceEvent, ...]:
        """One row for each attempt, in order."""
        if len(self._noted) == 1 and self._noted[0][1].ok:
            return ()
        return tuple(
            TraceEvent(
                conversation_id, run_id, step, Action.TOOL_ATTEMPT, attempt.name, began, attempt=attempt.number,
                got="" if attempt.asked else "not asked", ok=attempt.ok, error=attempt.error, duration_ms=attempt.ms,
            )
            for began, attempt in self._noted
        )  # fmt: skip
