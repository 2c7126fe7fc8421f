"""Alert services, over real HTTP on loopback."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.domain.errors import PermanentError, TransientError
from bot.paging.webhook import PagerKind, WebhookPager
from bot.ports.pager import Alert

KEY = "R0UTINGKEY-very-secret"
ALERT = Alert("deskhand-T1-esc-1", "A customer's case has waited 1 hour.", "https://slack.example/p1", is_urgent=True)


@dataclass
class Service:
    """What an alert service was asked, and the statuses it answers with; 202 after those."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    asked: list[tuple[str, Any, str]] = field(default_factory=list)
    """(path and query, body, Authorization)."""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.path_qs, await request.json(), request.headers.get("Authorization", "")))
        status = self.statuses.pop(0) if self.statuses else 202
        headers = {"Location": "http://127.0.0.1:1/elsewhere"} if status == 302 else {}
        return web.json_response({"status": "?"}, status=status, headers=headers)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    one = Service()
    app = web.Application()
    app.router.add_post("/{tail:.*}", one.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v2/alerts"
    yield one
    await runner.cleanup()


@asynccontextmanager
async def pager(kind: PagerKind, url: str) -> AsyncIterator[WebhookPager]:
    async with aiohttp.ClientSession() as session:
        yield WebhookPager(kind, KEY, url, session)


async def test_pagerduty_is_told_in_its_own_words(service: Service) -> None:
    async with pager(PagerKind.PAGERDUTY, service.url) as one:
        await one.trigger(ALERT)
        await one.resolve(ALERT.key)
    (_, opened, _), (_, closed, _) = service.asked
    assert opened == {
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": ALERT.key,
        "payload": {"summary": ALERT.summary, "source": "deskhand", "severity": "critical"},
        "links": [{"href": ALERT.link, "text": "Open in Slack"}],
    }
    assert closed == {"routing_key": KEY, "event_action": "resolve", "dedup_key": ALERT.key}


async def test_opsgenie_is_told_in_its_own_words(service: Service) -> None:
    async with pager(PagerKind.OPSGENIE, service.url) as one:
        await one.trigger(ALERT)
        await one.resolve(ALERT.key)
    (path, opened, authorization), (closing, _, _) = service.asked
    assert (path, authorization) == ("/v2/alerts", f"GenieKey {KEY}")
    assert opened == {
        "message": ALERT.summary,
        "alias": ALERT.key,
        "description": f"{ALERT.summary}\n{ALERT.link}",
        "source": "deskhand",
        "priority": "P1",
    }
    assert closing == "/v2/alerts/deskhand-T1-esc-1/close?identifierType=alias"


@pytest.mark.parametrize("kind", PagerKind)
@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_what_may_work_later_is_for_the_worker_to_repeat(kind: PagerKind, status: int, service: Service) -> None:
    service.statuses = [status]
    async with pager(kind, service.url) as one:
        with pytest.raises(TransientError, match=str(status)):
            await one.trigger(ALERT)


@pytest.mark.parametrize("status", [302, 400, 401, 403])
async def test_what_never_works_is_for_people_to_see(status: int, service: Service) -> None:
    service.statuses = [status]
    async with pager(PagerKind.PAGERDUTY, service.url) as one:
        with pytest.raises(PermanentError, match=f"refused with {status}"):
            await one.trigger(ALERT)
    assert len(service.asked) == 1, "the key goes nowhere else"


async def test_an_alert_that_is_gone_counts_as_closed(service: Service) -> None:
    service.statuses = [404]
    async with pager(PagerKind.OPSGENIE, service.url) as one:
        await one.resolve(ALERT.key)


async def test_nobody_at_home_is_no_secret_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with pager(PagerKind.OPSGENIE, "http://127.0.0.1:9/v2/alerts") as one:
        with pytest.raises(TransientError) as failed:
            await one.trigger(ALERT)
    assert failed.value.__cause__ is None
    assert KEY not in f"{failed.value} {caplog.text}"
