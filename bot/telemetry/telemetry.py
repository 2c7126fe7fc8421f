"""Hears what is written into the record of steps and tells it on; never in anybody's way."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from bot.domain.trace import TraceEvent
from bot.telemetry.counts import Labels, Measured, measured
from bot.telemetry.instruments import Instrument
from bot.telemetry.spans import Span, TurnSpans

logger = logging.getLogger(__name__)

MOST_VALUES = 300
"""Of one label. Tools of other servers are named by these: one that thinks up names must not fill a database."""

Readings = Iterable[tuple[float, Labels]]
"""Values of a gauge at this moment."""


class SpanSink(Protocol):
    """Takes spans that are over, and returns at once."""

    def write(self, span: Span) -> None: ...


class MeasureSink(Protocol):
    """Takes measurements, and returns at once."""

    def record(self, one: Measured) -> None: ...

    def watch(self, gauge: Instrument, read: Callable[[], Readings]) -> None:
        """Ask `read` whenever somebody wants to know; from any thread."""
        ...


class FewValues:
    """Keeps labels from having ever more values: those that come too late are told as `other`."""

    def __init__(self, most: int = MOST_VALUES) -> None:
        self._most = most
        self._known: dict[str, set[str]] = {}

    def of(self, labels: Labels) -> Labels:
        """The labels as they may be told."""
        return {name: value if self._admits(name, value) else "other" for name, value in labels.items()}

    def _admits(self, name: str, value: str) -> bool:
        known = self._known.setdefault(name, set())
        if value not in known and len(known) < self._most:
            known.add(value)
        return value in known


class Telemetry:
    """A listener of the store."""

    def __init__(
        self,
        spans: SpanSink | None = None,
        meters: MeasureSink | None = None,
        *,
        content: bool = False,
        by_workspace: bool = False,
    ) -> None:
        self._spans = spans
        self._meters = meters
        self._made = TurnSpans(content=content)
        self._by_workspace = by_workspace
        self._few = FewValues()

    def heard(self, events: Sequence[TraceEvent]) -> None:
        """Tell of rows that were just committed; a fault of telemetry is nobody else's."""
        try:
            if self._spans is not None:
                for span in self._made.of(events):
                    self._spans.write(span)
            if self._meters is not None:
                for one in measured(events, by_workspace=self._by_workspace):
                    self._meters.record(replace(one, labels=self._few.of(one.labels)))
        except Exception:  # the work of the desk goes on without being told of
            logger.exception("telemetry.failed", extra={"fields": {"rows": len(events)}})

    def watch(self, gauge: Instrument, read: Callable[[], Readings]) -> None:
        """Let a gauge be read from now on."""
        if self._meters is not None:
            self._meters.watch(gauge, read)
