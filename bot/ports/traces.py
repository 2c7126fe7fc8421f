"""What the desk needs of the record of steps."""

from typing import Protocol

from bot.domain.trace import TraceEvent


class Traces(Protocol):
    """The record of steps; `bot.domain.trace` says what a row means."""

    async def add(self, *events: TraceEvent) -> None:
        """Write rows. Whose they are is filled in from conversation and run; both summaries are made fit to be kept."""
        ...

    async def of_conversation(self, conversation_id: str) -> list[TraceEvent]:
        """All events in order."""
        ...

    async def of_run(self, run_id: str) -> list[TraceEvent]:
        """All events of one run in order."""
        ...
