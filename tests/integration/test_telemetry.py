"""Telemetry as it is set up: to a collector, for Prometheus, and in nobody's way."""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from yarl import URL

from bot.agent.breakers import ModelBreakers
from bot.config import Settings, SettingsError
from bot.observing import Observer, open_telemetry
from bot.ports.keeping import Gauges
from bot.runtime.monitor import Monitor
from bot.telemetry import sdk
from bot.web.application import build_web
from tests.fakes.loopback import served
from tests.fakes.otlp import collecting
from tests.unit.test_telemetry_spans import WHOLE
from tools.base import ToolUnavailableError
from tools.breaker import Rules
from tools.guards import Guards
from tools.resilience import Policy

TOKEN = {"METRICS_TOKEN": "a-token"}
SOCKET = {"SLACK_APP_TOKEN": "xapp-1"}
"""Events come by Socket Mode: nobody reaches this process from elsewhere."""


@asynccontextmanager
async def observing(**values: str) -> AsyncIterator[Observer]:
    settings = Settings.model_validate(values, context=values)
    async with AsyncExitStack() as stack:
        yield open_telemetry(settings, stack, "replica-1")


async def tell(observer: Observer, run_id: str = "") -> None:
    assert observer.heard is not None
    for batch in WHOLE:
        observer.heard([replace(event, run_id=run_id or event.run_id) for event in batch])


async def test_without_a_wish_nobody_listens_and_nothing_is_served() -> None:
    async with observing() as observer:
        assert observer.heard is None
        assert observer.routes(Settings()) == []


async def test_what_env_says_reaches_the_sdk_and_does_not_stay_in_the_environment() -> None:
    async with collecting() as collector:
        wishes = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SERVICE_NAME": "helpdesk"}
        async with observing(**wishes) as observer:
            await tell(observer)
        assert "OTEL_SERVICE_NAME" not in os.environ
    assert collector.resource["service.name"] == "helpdesk"
    assert collector.resource["service.instance.id"] == "replica-1"
    assert len(collector.named("turn")) == 1
    assert collector.value("deskhand.runs") == 1


async def test_a_sampled_trace_is_whole_whoever_writes_its_parts() -> None:
    runs = [f"run-{number}" for number in range(30)]
    async with collecting() as collector:
        wishes = {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{collector.url}/v1/traces",
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "0.5",
        }
        async with observing(**wishes) as one, observing(**wishes) as other:
            assert one.heard is not None
            assert other.heard is not None
            for run_id in runs:
                for number, batch in enumerate(WHOLE):
                    hears = other.heard if number == 6 else one.heard
                    hears([replace(event, run_id=run_id) for event in batch])
    whole = len({span.name for batch in [collector.spans] for span in batch})
    by_trace: dict[str, set[str]] = {}
    for span in collector.spans:
        by_trace.setdefault(span.trace, set()).add(span.name)
    assert 0 < len(by_trace) < len(runs)
    assert {len(found) for found in by_trace.values()} == {whole}
    assert collector.metrics == []


async def test_a_collector_that_hangs_does_not_hold_up_a_stop(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sdk, "CLOSE_SECONDS", 0.05)
    over = asyncio.Event()

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with observing(OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_EXPORTER_OTLP_TIMEOUT="1") as observer:
            await tell(observer)
        over.set()
        for thread in (one for one in threading.enumerate() if one.name == "telemetry end"):
            await asyncio.to_thread(thread.join, 60)  # what it logs is not to be another test's
    assert "telemetry.not_flushed" in [record.message for record in caplog.records]


async def test_a_package_that_is_missing_is_told_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    grpc = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    with pytest.raises(SettingsError, match="pip install opentelemetry-exporter-otlp-proto-grpc"):
        async with observing(METRICS="True", **grpc):
            pass
    async with observing(**grpc) as observer:  # set for every program of the machine, perhaps: the bot starts
        assert observer.heard is None
    assert [record.message for record in caplog.records if record.name == "bot.observing"] == ["telemetry.off"]
    monkeypatch.setitem(sys.modules, "bot.telemetry.sdk", None)
    with pytest.raises(SettingsError, match=r'pip install "deskhand\[otel\]"'):
        async with observing(METRICS="True"):
            pass


async def ready() -> dict[str, bool]:
    return {"database": True}


@asynccontextmanager
async def site(observer: Observer, **values: str) -> AsyncIterator[str]:
    routes = observer.routes(Settings.model_validate({**SOCKET, **values}))
    async with served(build_web(slack_endpoint=None, ready=ready, pages=routes)) as url:
        yield f"{url}/metrics"


async def ask(url: str, **headers: str) -> web.Response:
    """Status, body and type of an answer."""
    async with ClientSession() as session, session.get(url, headers=headers) as answer:
        return web.Response(status=answer.status, text=await answer.text(), content_type=answer.content_type)


async def test_prometheus_reads_the_figures_on_this_machine() -> None:
    async with observing(METRICS="True") as observer:
        await tell(observer)
        async with site(observer) as url:
            answer = await ask(url)
            assert (answer.status, answer.content_type) == (200, "text/plain")
            assert 'deskhand_runs_total{outcome="answered",profile="support"} 1.0' in str(answer.text)
            assert "target_info" in str(answer.text)
            newer = await ask(url, Accept="application/openmetrics-text; version=1.0.0")
            assert newer.content_type == "application/openmetrics-text"
            assert str(newer.text).endswith("# EOF\n")


@pytest.mark.parametrize(
    ("values", "headers", "status"),
    [
        ({}, {}, 200),
        ({}, {"X-Forwarded-For": "203.0.113.9"}, 404),
        ({"HTTP_HOST": "0.0.0.0"}, {}, 404),  # noqa: S104 - to see that nothing is told there
        ({"HTTP_HOST": "desk.example"}, {}, 404),
        ({"SLACK_APP_TOKEN": ""}, {}, 404),  # signed HTTP: there is a proxy, and some do not tell that they are one
        ({"PUBLIC_URL": "https://desk.example"}, {}, 404),
        ({}, {"Host": "rebound.example"}, 404),
        ({"HTTP_HOST": "0.0.0.0", **TOKEN}, {}, 401),  # noqa: S104
        ({"HTTP_HOST": "0.0.0.0", **TOKEN}, {"Authorization": "Bearer a-tokem"}, 401),  # noqa: S104
        ({"HTTP_HOST": "0.0.0.0", **TOKEN}, {"Authorization": "Bearer a-token"}, 200),  # noqa: S104
        (TOKEN, {}, 401),
        (TOKEN, {"X-Forwarded-For": "203.0.113.9", "Authorization": "Bearer a-token"}, 200),
    ],
)
async def test_the_figures_are_for_this_machine_or_for_who_has_the_token(
    values: dict[str, str], headers: dict[str, str], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with observing(METRICS="True") as observer, site(observer, **values) as url:
        answer = await ask(url, **headers)
    assert answer.status == status
    assert ("deskhand" in str(answer.text)) is False or status == 200
    told = [r.message for r in caplog.records if r.levelno >= logging.WARNING and r.name.startswith("bot")]
    assert told == (["metrics.hidden"] if values and "METRICS_TOKEN" not in values else [])


async def test_a_strange_request_is_answered_as_any_other() -> None:
    async with observing(METRICS="True") as observer:
        async with site(observer) as url:
            answer = await ask(url, Accept="application/openmetrics-text; version=abc")
            assert (answer.status, answer.content_type) == (200, "text/plain")
        async with site(observer, **TOKEN) as url:
            address = URL(url)
            reader, writer = await asyncio.open_connection(address.host, address.port)
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\r\nConnection: close\r\n\r\n")
            assert b" 401 " in await reader.readline()
            writer.close()


async def test_a_number_that_is_none_is_told_and_the_bot_works_without(caplog: pytest.LogCaptureFixture) -> None:
    wrong = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_METRIC_EXPORT_INTERVAL": "0"}
    async with observing(**wrong) as observer:
        assert observer.heard is None
    assert "telemetry.off" in [record.message for record in caplog.records]


class Now:
    """What the database has to tell; away when there is nothing."""

    def __init__(self) -> None:
        self.gauges_now: Gauges | None = Gauges(
            causes_waiting=7, oldest_run=12.5, cases_open=3, cases_claimed=1, approvals_waiting=2, articles=41, parked=1
        )

    async def gauges(self, now: float) -> Gauges:
        if self.gauges_now is None:
            raise OSError("away")
        return self.gauges_now


async def test_gauges_tell_the_last_look_at_the_database_and_the_breakers(tmp_path: Path) -> None:
    now, models, guards = Now(), ModelBreakers(), Guards()
    monitor = Monitor(now, lambda: 0.0, monotonic=lambda: 0.0)
    await models.enter("claude-x")
    breaker = guards.of("hubspot", Policy(breaker=Rules(failures=1))).breaker
    async with observing(METRICS="True") as observer:
        observer.watch(monitor, models, guards)
        assert observer.page is not None
        await monitor.look()
        permit = await breaker.enter()
        assert permit is not None
        await breaker.failed(permit, ToolUnavailableError.__name__, rules=Rules(failures=1))
        page = observer.page("")[0].decode()
        for line in (
            "deskhand_queue_waiting 7.0", "deskhand_runs_oldest_seconds 12.5", "deskhand_approvals_waiting 2.0",
            'deskhand_escalations_open{state="open"} 3.0', 'deskhand_escalations_open{state="claimed"} 1.0',
            "deskhand_knowledge_articles 41.0", 'deskhand_stuck{what="causes"} 1.0', "deskhand_database_up 1.0",
            'deskhand_breaker_state{breaker="claude-x"} 0.0', 'deskhand_breaker_state{breaker="hubspot"} 2.0',
            'deskhand_warning{warning="stuck"} 1.0',
        ):  # fmt: skip
            assert line in page, line
        now.gauges_now = None
        await monitor.look()
        page = observer.page("")[0].decode()
        assert "deskhand_database_up 0.0" in page
        assert "deskhand_queue_waiting 7.0" not in page
