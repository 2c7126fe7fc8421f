"""OpenTelemetry's SDK, set up by its own variables; nothing global, and nothing at import beside the extra `otel`."""

import asyncio
import importlib
import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from bot.telemetry.counts import Measured
from bot.telemetry.ids import span_id_of, trace_id_of
from bot.telemetry.instruments import Instrument, Kind
from bot.telemetry.spans import TURN, Span
from bot.telemetry.telemetry import Readings
from bot.telemetry.wishes import TelemetryError, Wishes

logger = logging.getLogger(__name__)

SCOPE = "deskhand"
CLOSE_SECONDS = 3.0
"""For what was not sent yet, at the end; a collector that is away must not hold up a stop."""
_PACKAGES = {
    "http/protobuf": "opentelemetry.exporter.otlp.proto.http",
    "grpc": "opentelemetry.exporter.otlp.proto.grpc",
}


def resource_of(version: str, instance: str) -> Resource:
    """Who speaks; what the operator says of it goes before what we say."""
    own = {"service.name": "deskhand", "service.version": version, "service.instance.id": instance}
    return Resource.create(own).merge(OTELResourceDetector().detect())


class OwnIds(IdGenerator):
    """Hands out the ids that were derived for the span that is being made."""

    def __init__(self) -> None:
        self.trace_id = 0
        self.span_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id


class Spans:
    """Writes spans that are over. A trace is sampled as a whole, by its id: in all processes alike."""

    def __init__(self, resource: Resource, exporter: SpanExporter) -> None:
        self._ids = OwnIds()
        self._provider = TracerProvider(resource=resource, id_generator=self._ids, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(SCOPE)

    def write(self, span: Span) -> None:
        """Implements `telemetry.SpanSink`; sending is a thread's of the SDK."""
        trace_id = trace_id_of(span.run_id)
        self._ids.trace_id, self._ids.span_id = trace_id, span_id_of(span.run_id, span.part)
        made = self._tracer.start_span(
            span.name,
            self._below(span, trace_id),
            SpanKind[span.kind.upper()],
            span.attributes,
            start_time=_nanoseconds(span.start),
        )
        if span.failed:
            made.set_status(Status(StatusCode.ERROR))
        made.end(_nanoseconds(span.end))

    def shut(self) -> None:
        """Send what is left; blocks."""
        self._provider.shutdown()

    def _below(self, span: Span, trace_id: int) -> Context:
        """As the child of its parent, which may have been written by another process or not at all yet."""
        if not span.parent:
            return Context()
        decision = self._provider.sampler.should_sample(Context(), trace_id, TURN).decision
        flags = TraceFlags(TraceFlags.SAMPLED if decision is Decision.RECORD_AND_SAMPLE else TraceFlags.DEFAULT)
        parent = SpanContext(trace_id, span_id_of(span.run_id, span.parent), is_remote=True, trace_flags=flags)
        return set_span_in_context(NonRecordingSpan(parent), Context())


class Meters:
    """Records measurements; each instrument is made when it is first needed."""

    def __init__(self, resource: Resource, readers: Iterable[MetricReader]) -> None:
        self._provider = MeterProvider(metric_readers=tuple(readers), resource=resource, shutdown_on_exit=False)
        self._meter = self._provider.get_meter(SCOPE)
        self._made: dict[Instrument, Counter | Histogram] = {}

    def record(self, one: Measured) -> None:
        """Implements `telemetry.MeasureSink`."""
        made = self._made.get(one.instrument) or self._make(one.instrument)
        if isinstance(made, Counter):
            made.add(one.value, one.labels)
        else:
            made.record(one.value, one.labels)

    def watch(self, gauge: Instrument, read: Callable[[], Readings]) -> None:
        """Implements `telemetry.MeasureSink`."""

        def observe(_: CallbackOptions) -> Iterable[Observation]:
            return [Observation(value, labels) for value, labels in read()]

        self._meter.create_observable_gauge(gauge.name, [observe], gauge.unit, gauge.description)

    def shut(self) -> None:
        """Send what is left; blocks."""
        self._provider.shutdown()

    def _make(self, one: Instrument) -> Counter | Histogram:
        made = self._made[one] = (
            self._meter.create_counter(one.name, one.unit, one.description)
            if one.kind is Kind.COUNTER
            else self._meter.create_histogram(
                one.name, one.unit, one.description, explicit_bucket_boundaries_advisory=one.buckets
            )
        )
        return made


class Channel:
    """What was set up: where spans and measurements go, and its end."""

    def __init__(self, resource: Resource, wishes: Wishes, readers: Iterable[MetricReader] = ()) -> None:
        """`readers`: others than OTLP that want the figures. TelemetryError when a package is missing."""
        of_spans = _exporter(wishes.traces, "trace_exporter", "OTLPSpanExporter") if wishes.traces else None
        of_metrics = _exporter(wishes.metrics, "metric_exporter", "OTLPMetricExporter") if wishes.metrics else None
        # Both packages are there: from here on threads are started.
        all_readers = [*readers, *([PeriodicExportingMetricReader(of_metrics())] if of_metrics else [])]
        self.spans = Spans(resource, of_spans()) if of_spans else None
        self.meters = Meters(resource, all_readers) if all_readers else None

    async def close(self) -> None:
        """Send what is left, for so long as there is time."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def shut() -> None:
            try:
                for one in (self.spans, self.meters):
                    if one is not None:
                        one.shut()
            except Exception:  # the end of a thread: nobody else would tell
                logger.exception("telemetry.not_closed")
            with suppress(RuntimeError):  # nobody waits any more
                loop.call_soon_threadsafe(done.set)

        # A daemon: a thread of a pool would keep the process alive until the collector answers.
        threading.Thread(target=shut, name="telemetry end", daemon=True).start()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await done.wait()
        except TimeoutError:
            logger.warning("telemetry.not_flushed", extra={"fields": {"seconds": CLOSE_SECONDS}})


def _exporter(protocol: str, module: str, name: str) -> Callable[[], Any]:
    """The class of an exporter; it reads its variables itself."""
    package = _PACKAGES[protocol]
    try:
        made: Callable[[], Any] = getattr(importlib.import_module(f"{package}.{module}"), name)
    except ImportError as error:
        remedy = f"pip install opentelemetry-exporter-otlp-proto-{package.rpartition('.')[2]}"
        raise TelemetryError([f"OTEL_EXPORTER_OTLP_PROTOCOL: {protocol} needs another package. {remedy}"]) from error
    return made


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1_000_000) * 1000
