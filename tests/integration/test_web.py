"""The HTTP side of the bot, over real loopback HTTP."""

import asyncio
import io
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from bot.config import SettingsError
from bot.web import application
from bot.web.application import Handler, build_web
from bot.web.server import WebServer

Serve = Callable[..., AbstractAsyncContextManager[str]]
CHECKS = {"database": True, "slack": True, "model": True, "accepting": True}


async def all_well() -> Mapping[str, bool]:
    return CHECKS


@asynccontextmanager
async def serving(
    slack: Handler | None = None, ready: Callable[[], Awaitable[Mapping[str, bool]]] = all_well
) -> AsyncIterator[str]:
    server = WebServer(build_web(slack_endpoint=slack, ready=ready), host="127.0.0.1", port=0)
    await server.start()
    try:
        yield server.url
    finally:
        await server.close()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def echo(request: web.Request) -> web.StreamResponse:
    return web.Response(body=await request.read())


async def test_a_living_process_says_ok(http: aiohttp.ClientSession) -> None:
    async with serving() as url, http.get(f"{url}/healthz") as answer:
        assert answer.status == 200
        assert await answer.json() == {"status": "ok"}


async def test_ready_names_every_check(http: aiohttp.ClientSession) -> None:
    async with serving() as url, http.get(f"{url}/readyz") as answer:
        assert answer.status == 200
        assert await answer.json() == {"status": "ready", "checks": CHECKS}


async def test_ready_tells_what_the_monitor_saw(http: aiohttp.ClientSession) -> None:
    seen: dict[str, object] = {"warnings": ["disk_is_low"], "numbers": {"parked": 2}}
    site = build_web(slack_endpoint=None, ready=all_well, details=lambda: seen)
    server = WebServer(site, host="127.0.0.1", port=0)
    await server.start()
    async with http.get(f"{server.url}/readyz") as answer:
        assert await answer.json() == {"status": "ready", "checks": CHECKS, **seen}
    await server.close()


async def test_one_failed_check_is_not_ready(http: aiohttp.ClientSession) -> None:
    async def draining() -> Mapping[str, bool]:
        return {**CHECKS, "accepting": False}

    async with serving(ready=draining) as url, http.get(f"{url}/readyz") as answer:
        assert answer.status == 503
        assert (await answer.json())["checks"]["accepting"] is False


async def test_a_check_that_breaks_is_not_ready_and_tells_no_details(http: aiohttp.ClientSession) -> None:
    async def broken() -> Mapping[str, bool]:
        raise RuntimeError("password of the database")

    async with serving(ready=broken) as url, http.get(f"{url}/readyz") as answer:
        assert answer.status == 503
        assert "password" not in await answer.text()


async def test_a_check_that_hangs_is_not_ready(http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hanging() -> Mapping[str, bool]:
        await asyncio.Event().wait()
        return CHECKS

    monkeypatch.setattr(application, "READY_SECONDS", 0.05)
    async with serving(ready=hanging) as url, http.get(f"{url}/readyz") as answer:
        assert answer.status == 503


async def test_slack_reaches_its_endpoint(http: aiohttp.ClientSession) -> None:
    async with serving(echo) as url, http.post(f"{url}/slack/events", data=b"hello") as answer:
        assert (answer.status, await answer.read()) == (200, b"hello")


async def test_in_socket_mode_the_endpoint_says_so(http: aiohttp.ClientSession) -> None:
    async with serving() as url, http.post(f"{url}/slack/events", data=b"{}") as answer:
        assert answer.status == 404
        assert "Socket Mode" in (await answer.json())["error"]


async def test_a_body_over_a_megabyte_is_refused(http: aiohttp.ClientSession) -> None:
    async with serving(echo) as url, http.post(f"{url}/slack/events", data=io.BytesIO(b"x" * 1_048_577)) as answer:
        assert answer.status == 413


async def test_a_crash_shows_one_sentence_and_no_trace(http: aiohttp.ClientSession) -> None:
    async def crash(_: web.Request) -> web.StreamResponse:
        raise RuntimeError("deep inside")

    async with serving(crash) as url, http.post(f"{url}/slack/events", data=b"{}") as answer:
        assert answer.status == 500
        text = await answer.text()
        assert "deep inside" not in text
        assert "Traceback" not in text


async def test_an_endpoint_that_hangs_asks_slack_to_send_again(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    monkeypatch.setattr(application, "SLACK_SECONDS", 0.05)
    async with serving(hang) as url, http.post(f"{url}/slack/events", data=b"{}") as answer:
        assert answer.status == 503


@pytest.mark.parametrize("path", ["/", "/healthz", "/nowhere", "/slack/events"])
async def test_every_answer_carries_the_security_headers(http: aiohttp.ClientSession, path: str) -> None:
    async with serving() as url, http.get(url + path) as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Server"] == "deskhand"


async def test_a_wrong_method_names_the_right_one(http: aiohttp.ClientSession) -> None:
    async with serving(echo) as url, http.get(f"{url}/slack/events") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")


async def test_a_taken_port_is_told_in_a_sentence_that_names_the_setting() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        server = WebServer(web.Application(), host="127.0.0.1", port=other.getsockname()[1])
        with pytest.raises(SettingsError, match=r"HTTP_PORT: .* is taken"):
            await server.start()


async def test_closing_twice_is_harmless() -> None:
    server = WebServer(web.Application(), host="127.0.0.1", port=0)
    await server.start()
    await server.close()
    await server.close()
