"""What telemetry costs the event loop: per turn, and per page that Prometheus reads. Off, nobody listens at all."""

import time
from contextlib import AsyncExitStack
from dataclasses import replace

from bot.config import Settings
from bot.observing import open_telemetry
from tests.bench.kit import Row, percentile, row, show
from tests.fakes.otlp import collecting
from tests.unit.test_telemetry_spans import WHOLE


async def measure(*, quick: bool) -> list[Row]:
    turns = 200 if quick else 2_000
    async with collecting() as collector, AsyncExitStack() as stack:
        off = open_telemetry(Settings(), stack, "off")
        wishes = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_MAX_QUEUE_SIZE": "100000",
            "METRICS": "True",
        }
        on = open_telemetry(Settings.model_validate(wishes, context=wishes), stack, "on")
        assert on.heard is not None
        assert on.page is not None
        took = []
        for number in range(turns):
            batches = [[replace(event, run_id=f"run-{number:022x}") for event in batch] for batch in WHOLE]
            began = time.perf_counter()
            for batch in batches:
                on.heard(batch)
            took.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        page, _ = on.page("")
        page_ms = (time.perf_counter() - began) * 1000
    rows_of_turn, spans_of_turn = sum(len(batch) for batch in WHOLE), 10
    return [
        Row(
            "listeners of the record of steps when it is off",
            "none" if off.heard is None else "some",
            "none",
            off.heard is None,
        ),
        row(
            "spans and figures of a turn", percentile(took, 0.5), 5, "ms", f"{rows_of_turn} rows, {spans_of_turn} spans"
        ),
        Row("  the slowest of a hundred", f"{show(percentile(took, 0.99))} ms"),
        row("/metrics", page_ms, 50, "ms", f"{len(page.splitlines())} lines"),
    ]
