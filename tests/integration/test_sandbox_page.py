"""What the sandbox's page is served and told, and who is kept out."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.fakes.sandbox_driver import Json, SandboxDriver, sandbox_running


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxDriver]:
    async with sandbox_running() as driver:
        yield driver


async def api(sandbox: SandboxDriver, method: str, **body: object) -> Json:
    headers = {"Authorization": "Bearer xoxb-sandbox"}
    async with sandbox.http.post(sandbox.server.api_url + method, json=body, headers=headers) as answer:
        result: Json = await answer.json()
        assert result["ok"], result
        return result


async def next_of(page: aiohttp.ClientWebSocketResponse, kind: str) -> Json:
    async with asyncio.timeout(3):
        while True:
            frame: Json = await page.receive_json()
            if frame["type"] == kind:
                return frame


async def test_a_page_gets_a_snapshot_and_then_every_change(sandbox: SandboxDriver) -> None:
    await sandbox.says("U0BO", "earlier")
    async with sandbox.http.ws_connect(f"{sandbox.server.url}/ui/ws?user=U0ANA") as page:
        snapshot = await page.receive_json()
        assert [m["text"] for m in snapshot["messages"]["C0SUPPORT"]] == ["earlier"]
        ts = await sandbox.says("U0BO", "now")
        assert (await next_of(page, "message"))["message"]["text"] == "now"
        await sandbox.call("messages/edit", user="U0BO", channel="C0SUPPORT", ts=ts, text="later")
        assert (await next_of(page, "message"))["message"]["text"] == "later"
        await sandbox.call("messages/delete", user="U0BO", channel="C0SUPPORT", ts=ts)
        assert await next_of(page, "message_deleted") == {"type": "message_deleted", "channel": "C0SUPPORT", "ts": ts}


async def test_nobody_sees_what_is_not_theirs(sandbox: SandboxDriver) -> None:
    async with (
        sandbox.http.ws_connect(f"{sandbox.server.url}/ui/ws?user=U0ANA") as anas,
        sandbox.http.ws_connect(f"{sandbox.server.url}/ui/ws?user=U0SAM") as sams,
    ):
        seen_by_ana = await anas.receive_json()
        assert {channel["id"] for channel in seen_by_ana["channels"]} == {"C0SUPPORT"}
        await sams.receive_json()
        await sandbox.says("U0SAM", "secret", channel="C0STAFF")
        await api(sandbox, "chat.postEphemeral", channel="C0SUPPORT", user="U0SAM", text="only Sam")
        dm = (await sandbox.call("dm", user="U0SAM"))["channel"]
        await sandbox.says("U0SAM", "to the bot", channel=dm)
        assert (await next_of(sams, "message"))["message"]["text"] == "secret"
        assert (await next_of(sams, "ephemeral"))["message"]["text"] == "only Sam"
        await sandbox.says("U0ANA", "public")
        first = await anas.receive_json()
        assert (first["type"], first["message"]["text"]) == ("message", "public")
    outside = await sandbox.call("messages", user="U0ANA", channel="C0STAFF", text="let me in")
    assert outside["error"] == "not_in_channel"


async def test_the_page_is_told_of_sessions_and_prompts(sandbox: SandboxDriver) -> None:
    dm = (await sandbox.call("dm", user="U0ANA"))["channel"]
    root = await sandbox.says("U0ANA", "hello", channel=dm)
    async with sandbox.http.ws_connect(f"{sandbox.server.url}/ui/ws?user=U0ANA") as page:
        await page.receive_json()
        await api(sandbox, "agents.sessions.setStatus", channel_id=dm, thread_ts=root, status="processing")
        session = await next_of(page, "session")
        assert (session["channel"], session["thread_ts"], session["status"]) == (dm, root, "processing")
        prompts = [{"title": "Plans", "message": "Which plans?"}]
        await api(sandbox, "assistant.threads.setSuggestedPrompts", channel_id=dm, prompts=prompts, title="Hi")
        assert (await next_of(page, "prompts"))["prompts"] == prompts


async def test_a_deleted_thread_root_leaves_a_tombstone(sandbox: SandboxDriver) -> None:
    root = await sandbox.says("U0ANA", "hello")
    await sandbox.says("U0BO", "me too", thread_ts=root)
    await sandbox.call("messages/delete", user="U0ANA", channel="C0SUPPORT", ts=root)
    assert await sandbox.texts() == ["This message was deleted.", "me too"]


async def test_the_page_loads_only_from_itself(sandbox: SandboxDriver) -> None:
    async with sandbox.http.get(sandbox.server.url + "/") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
    for name in ("nothing.js", "..%2f__init__.py", "%2e%2e", "page"):
        async with sandbox.http.get(f"{sandbox.server.url}/ui/static/{name}") as answer:
            assert answer.status == 404


async def test_other_sites_are_kept_out(sandbox: SandboxDriver) -> None:
    url = f"{sandbox.server.url}/control/workspace"
    async with sandbox.http.get(url, headers={"Host": "evil.example"}) as answer:
        assert (answer.status, (await answer.json())["error"]) == (403, "foreign_host")
    for origin in ("http://evil.example", "null"):
        async with sandbox.http.get(url, headers={"Origin": origin}) as answer:
            assert (answer.status, (await answer.json())["error"]) == (403, "foreign_origin")
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await sandbox.http.ws_connect(f"{sandbox.server.url}/ui/ws?user=U0ANA", origin="http://evil.example")
    async with sandbox.http.get(url, headers={"Origin": sandbox.server.url}) as answer:
        assert answer.status == 200


async def test_an_attached_page_cannot_run_in_the_workspace(sandbox: SandboxDriver) -> None:
    attached = {"name": "a.html", "mimetype": "text/html", "content_base64": "PGI+"}
    await sandbox.says("U0ANA", "see", files=[attached])
    [message] = await sandbox.messages()
    path = f"{sandbox.server.url}/ui/files/{message['files'][0]['id']}/a.html"
    async with sandbox.http.get(path) as answer:
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["Content-Security-Policy"]


async def test_wrong_wishes_get_a_sentence(sandbox: SandboxDriver) -> None:
    assert (await sandbox.call("messages", user="U0ANA"))["error"] == "missing_field"
    assert (await sandbox.call("messages", user="U0NOBODY", channel="C0SUPPORT", text="x"))["error"] == "user_not_found"
    assert (await sandbox.call("messages", user="U0ANA", channel="C0X", text="x"))["error"] == "channel_not_found"
    assert (await sandbox.call("messages", user="U0ANA", channel="C0SUPPORT", text="  "))["error"] == "no_text"
    lost = await sandbox.call("messages", user="U0ANA", channel="C0SUPPORT", text="x", thread_ts="1.0")
    assert lost["error"] == "thread_not_found"
    assert lost["detail"]
    assert (await sandbox.call("view/submit", user="U0ANA", view_id="V0", values={}))["error"] == "no_such_view"
    assert (await sandbox.call("fault", kind="earthquake"))["error"] == "bad_fault"
    ts = await sandbox.says("U0ANA", "mine")
    stolen = await sandbox.call("messages/edit", user="U0BO", channel="C0SUPPORT", ts=ts, text="x")
    assert stolen["error"] == "not_yours"
    async with sandbox.http.post(f"{sandbox.server.url}/control/messages", data="{") as answer:
        assert (answer.status, (await answer.json())["error"]) == (400, "bad_json")


async def test_the_workspace_starts_from_the_command_line() -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.sandbox", "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    try:
        assert program.stdout is not None
        async with asyncio.timeout(20):
            about = json.loads(await program.stdout.readline())
        async with aiohttp.ClientSession() as http, http.get(about["url"] + "/control/workspace") as answer:
            company = await answer.json()
        assert company["team"]["name"] == "Fernway Support"
        assert about["bot_token"] == "xoxb-sandbox"
    finally:
        program.terminate()
        async with asyncio.timeout(10):
            assert await program.wait() == 0
