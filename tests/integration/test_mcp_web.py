"""MCP servers reached by streamable HTTP: the SDK's own server on loopback."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.mcp_hub import bench
from tests.fakes.mcp_web import TOKEN, WebServer, weather, web_server
from tools.base import ToolError
from tools.mcp.settings import McpServer


def reached(server: WebServer, token: str = TOKEN, **fields: Any) -> McpServer:
    settings = {"name": "w", "url": server.url, "headers_env": {"Authorization": "TOKEN"}, **fields}
    return McpServer.model_validate(settings, context={"TOKEN": token})


async def test_a_tool_is_called_with_the_operators_header_and_its_structured_result_told(tmp_path: Path) -> None:
    async with web_server(weather()) as server, bench(tmp_path, reached(server)) as hub:
        await hub.approve(3)
        told = json.loads(await hub.call("w__today", city="Turin"))
        assert told["structured"]["Turin"] == 22
        with pytest.raises(ToolError, match="'city' is a required property"):
            await hub.call("w__today")
        spec = hub.tools["w__today"].spec
        assert not spec.strict
        assert json.loads(spec.schema)["required"] == ["city"]
        assert {seen["accept-encoding"] for seen in server.seen} == {"identity"}


async def test_the_operators_header_goes_through_no_proxy_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with web_server(weather(), wanted="nothing") as proxy, web_server(weather()) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        async with bench(tmp_path, reached(server)) as hub:
            await hub.approve(3)
        assert proxy.seen == []


async def test_a_server_that_sends_us_elsewhere_is_not_followed(tmp_path: Path) -> None:
    async with web_server(weather()) as inner, web_server(weather(), elsewhere=inner.url) as server:
        async with bench(tmp_path, reached(server)) as hub:

            async def refused_twice() -> bool:
                return len(server.seen) > 1

            await hub.until(refused_twice)
        assert inner.seen == []


async def test_a_change_that_the_server_tells_of_switches_the_tool_off(tmp_path: Path) -> None:
    async with web_server(weather()) as server, bench(tmp_path, reached(server)) as hub:
        await hub.approve(3)
        await hub.call("w__rename")
        await hub.seen(4)
        with pytest.raises(ToolError, match="switched off"):
            await hub.pinned("w__today", city="Turin")
        assert await hub.alerted() == ["w__today"]


async def test_an_answer_that_is_too_large_is_refused_and_the_next_one_is_not(tmp_path: Path) -> None:
    async with web_server(weather()) as server, bench(tmp_path, reached(server, max_message_bytes=100_000)) as hub:
        await hub.approve(3)
        with pytest.raises(ToolError):
            await hub.call("w__much")
        assert await hub.call("w__today", city="Turin")


async def test_a_server_that_was_restarted_is_found_again(tmp_path: Path) -> None:
    async with web_server(weather()) as first:
        settings = reached(first)
    async with bench(tmp_path, settings) as hub:
        for _ in range(2):
            async with web_server(weather(), port=first.port):
                await hub.approve(3)
                assert await hub.answered("w__today", city="Turin")


async def test_a_server_that_does_not_take_our_token_is_not_used_and_the_token_is_told_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tools")
    async with web_server(weather()) as server, bench(tmp_path, reached(server, "Bearer wr0ng")) as hub:

        async def refused_twice() -> bool:
            return len(server.seen) > 1 and any(r.getMessage() == "mcp.lost" for r in caplog.records)

        await hub.until(refused_twice)
        assert not hub.hub.servers["w"].is_connected
    assert "wr0ng" not in " ".join(f"{r.getMessage()} {getattr(r, 'fields', '')} {r.exc_text}" for r in caplog.records)
