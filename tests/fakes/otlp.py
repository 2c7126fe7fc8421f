"""A collector: receives spans and figures by OTLP over HTTP and decodes them with the official schemas."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from google.protobuf.text_format import MessageToString
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.fakes.loopback import served


@dataclass(frozen=True)
class Received:
    """One span as it arrived."""

    trace: str
    id: str
    parent: str
    name: str
    kind: int
    start: float
    end: float
    attributes: dict[str, Any]
    failed: bool

    def __getitem__(self, name: str) -> Any:
        return self.attributes[name]


@dataclass
class Collector:
    """Keeps what it was sent."""

    url: str = ""
    traces: list[ExportTraceServiceRequest] = field(default_factory=list)
    metrics: list[ExportMetricsServiceRequest] = field(default_factory=list)

    @property
    def spans(self) -> list[Received]:
        """In the order of their arrival."""
        return [
            Received(
                span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.name, span.kind,
                span.start_time_unix_nano / 1e9, span.end_time_unix_nano / 1e9, _plain(span.attributes),
                span.status.code == 2,
            )
            for request in self.traces
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]  # fmt: skip

    def named(self, name: str) -> list[Received]:
        """Spans of a name."""
        return [span for span in self.spans if span.name == name]

    def children(self, of: Received) -> list[str]:
        """Names of the spans right below one, by their beginning."""
        below = [span for span in self.spans if (span.trace, span.parent) == (of.trace, of.id)]
        return [span.name for span in sorted(below, key=lambda span: span.start)]

    @property
    def resource(self) -> dict[str, Any]:
        """Who sent them."""
        return _plain(self.traces[0].resource_spans[0].resource.attributes)

    def points(self, name: str) -> list[Any]:
        """Data points of a metric, as they were sent last."""
        found: list[Any] = []
        for metric in self._metrics():
            if metric.name == name:
                found = list(getattr(metric, metric.WhichOneof("data")).data_points)
        return found

    def value(self, name: str, **labels: str) -> float:
        """Sum (or number of observations) of a metric's points with these labels."""
        points = [point for point in self.points(name) if labels.items() <= _plain(point.attributes).items()]
        return sum(point.count if hasattr(point, "count") else point.as_double or point.as_int for point in points)

    def metric_names(self) -> set[str]:
        """Of all that was sent."""
        return {metric.name for metric in self._metrics()}

    def everything(self) -> str:
        """All that ever arrived, as text."""
        return "\n".join(MessageToString(request, as_utf8=True) for request in (*self.traces, *self.metrics))

    def _metrics(self) -> Iterator[Any]:
        for request in self.metrics:
            for resource in request.resource_metrics:
                for scope in resource.scope_metrics:
                    yield from scope.metrics


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """A collector on loopback."""
    collector = Collector()

    async def traces(request: web.Request) -> web.Response:
        collector.traces.append(ExportTraceServiceRequest.FromString(await request.read()))
        return _protobuf(ExportTraceServiceResponse())

    async def metrics(request: web.Request) -> web.Response:
        collector.metrics.append(ExportMetricsServiceRequest.FromString(await request.read()))
        return _protobuf(ExportMetricsServiceResponse())

    app = web.Application(client_max_size=32_000_000)
    app.router.add_post("/v1/traces", traces)
    app.router.add_post("/v1/metrics", metrics)
    async with served(app) as url:
        collector.url = url
        yield collector


def _protobuf(message: Any) -> web.Response:
    return web.Response(body=message.SerializeToString(), content_type="application/x-protobuf")


def _plain(attributes: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in attributes}


def _value(value: Any) -> Any:
    which = value.WhichOneof("value")
    if which == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, which) if which else None
