"""Profiles, membership, permalinks, files and the doctor's look, asked of a workspace on loopback."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.effects import Place
from bot.domain.errors import MembershipUnknownError, PermanentError, TransientError
from bot.domain.incoming import File
from bot.slack.connect import check
from bot.slack.directory import SlackDirectory
from bot.slack.files import SlackFiles
from tests.fakes.sandbox_driver import FAST, SandboxDriver, sandbox_running
from tests.fakes.shared_company import HARBOR, SHARED, with_neighbours
from tests.fakes.slack_desk import bot_client


@dataclass
class Hand:
    """A clock moved by hand."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxDriver]:
    async with sandbox_running() as driver:
        yield driver


@pytest.fixture
async def client(sandbox: SandboxDriver) -> AsyncIterator[AsyncWebClient]:
    async with bot_client(sandbox) as client:
        yield client


async def test_a_profile_is_asked_once_in_ten_minutes(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    clock = Hand()
    directory = SlackDirectory(client, clock=clock)
    ana = await directory.person("U0ANA")
    assert (ana.name, ana.email, ana.is_bot) == ("Ana Ruiz", "ana@cobalt-studio.example", False)
    assert await directory.person("U0ANA") == ana
    clock.now += 601
    await directory.person("U0ANA")
    assert len(await sandbox.calls("users.info")) == 2


async def test_who_is_in_a_user_group_is_asked_once_a_minute_and_in_doubt_not_known(
    sandbox: SandboxDriver, client: AsyncWebClient
) -> None:
    clock = Hand()
    directory = SlackDirectory(client, clock=clock)
    assert await directory.in_group("S0SUPPORT", "U0LEO")
    assert not await directory.in_group("S0SUPPORT", "U0ANA")
    assert len(await sandbox.calls("usergroups.users.list")) == 1
    with pytest.raises(MembershipUnknownError):
        await directory.in_group("S0NOBODY", "U0LEO")
    clock.now += 61
    await sandbox.call("fault", method="usergroups.users.list", kind="error", error="missing_scope", times=-1)
    with pytest.raises(MembershipUnknownError):
        await directory.in_group("S0SUPPORT", "U0LEO")


async def test_bots_and_strangers_have_no_email(client: AsyncWebClient) -> None:
    directory = SlackDirectory(client)
    assert (await directory.person("U0PAGER")).is_bot
    stranger = await directory.person("B0HOOK")
    assert (stranger.is_bot, stranger.email) == (True, None)


async def test_a_slack_that_does_not_answer_is_no_stranger(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    await sandbox.call("fault", method="users.info", kind="http_500")
    with pytest.raises(TransientError):
        await SlackDirectory(client).person("U0ANA")


async def test_membership_is_remembered_for_a_minute_and_never_stale(
    sandbox: SandboxDriver, client: AsyncWebClient
) -> None:
    clock = Hand()
    directory = SlackDirectory(client, clock=clock)
    assert await directory.is_member("C0STAFF", "U0SAM")
    assert not await directory.is_member("C0STAFF", "U0ANA")
    assert len(await sandbox.calls("conversations.members")) == 1
    clock.now += 61
    await sandbox.call("fault", method="conversations.members", kind="http_500")
    with pytest.raises(MembershipUnknownError):
        await directory.is_member("C0STAFF", "U0SAM")
    assert await directory.is_member("C0STAFF", "U0SAM")


async def test_a_channel_we_may_not_see_has_no_known_members(client: AsyncWebClient) -> None:
    with pytest.raises(MembershipUnknownError):
        await SlackDirectory(client).is_member("C0NOWHERE", "U0SAM")


async def test_permalinks_are_links_or_nothing(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    directory = SlackDirectory(client)
    ts = await sandbox.says("U0ANA", "hi")
    assert (await directory.permalink(Place("T0FERNWAY", "C0SUPPORT", ts))).startswith("http")
    assert await directory.permalink(Place("T0FERNWAY", "C0SUPPORT", "1.000001")) == ""
    assert await directory.permalink(Place("T0FERNWAY", "C0SUPPORT")) == ""


async def attached(sandbox: SandboxDriver, content: bytes) -> File:
    data = base64.b64encode(content).decode()
    await sandbox.says("U0ANA", "see", files=[{"name": "a.png", "mimetype": "image/png", "content_base64": data}])
    [message] = await sandbox.messages()
    [entry] = message["files"]
    return File(entry["id"], entry["name"], entry["mimetype"], entry["size"], entry["url_private"])


async def test_a_file_is_fetched_with_the_bots_token(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    file = await attached(sandbox, b"\x89PNG" + b"x" * 100)
    assert await SlackFiles(client).download(file, limit=1000) == b"\x89PNG" + b"x" * 100
    with pytest.raises(PermanentError):
        await SlackFiles(client).download(file, limit=50)
    with pytest.raises(PermanentError):
        await SlackFiles(client).download(replace(file, size=1), limit=50)


async def test_the_token_never_leaves_for_other_hosts(client: AsyncWebClient) -> None:
    seen: list[str] = []

    async def remember(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization", ""))
        return web.Response(body=b"x")

    application = web.Application()
    application.router.add_get("/{path:.*}", remember)
    async with TestServer(application) as elsewhere:
        urls = [str(elsewhere.make_url("/f")), "http://slack.com/f", "https://slack.com.evil.example/f", "http://[", ""]
        for url in urls:
            with pytest.raises(PermanentError):
                await SlackFiles(client).download(File("F1", "a", "image/png", 1, url), limit=10)
    assert seen == []


async def test_redirects_to_other_hosts_and_login_pages_are_refused() -> None:
    async def answer(request: web.Request) -> web.Response:
        match request.path:
            case "/away":
                raise web.HTTPFound("https://evil.example/f")
            case "/circle":
                raise web.HTTPFound("/circle")
            case "/login":
                return web.Response(text="<html>", content_type="text/html")
            case "/busy":
                return web.Response(status=503)
            case _:
                return web.Response(status=404)

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    async with TestServer(application) as server, aiohttp.ClientSession() as session:
        files = SlackFiles(AsyncWebClient(token="xoxb-1", base_url=str(server.make_url("/api/")), session=session))
        for path in ("away", "circle", "login", "gone"):
            with pytest.raises(PermanentError):
                await files.download(File("F1", "a", "image/png", 1, str(server.make_url(f"/{path}"))), limit=10)
        with pytest.raises(TransientError):
            await files.download(File("F1", "a", "image/png", 1, str(server.make_url("/busy"))), limit=10)


async def test_the_doctor_finds_a_sound_connection_sound(client: AsyncWebClient) -> None:
    findings = await check(client, staff_channels=("C0STAFF", "C0BILLING"), app_token="xapp-sandbox")
    assert [f.name for f in findings if not f.ok] == []
    assert len(findings) == 5


async def test_the_doctor_names_what_is_missing() -> None:
    config = replace(FAST, scopes=FAST.scopes - {"users:read.email"})
    async with sandbox_running(config) as sandbox, bot_client(sandbox) as client:
        findings = await check(client, staff_channels=("C0NOWHERE",), app_token="xapp-wrong")
        wrong = {f.name: f.detail for f in findings if not f.ok}
        assert "users:read.email" in wrong["slack scopes"]
        assert "STAFF_CHANNEL" in wrong["staff channel C0NOWHERE"]
        assert "connections:write" in wrong["slack app token"]
    async with sandbox_running(config) as sandbox, bot_client(sandbox, token="xoxb-wrong") as client:
        [finding] = await check(client, staff_channels=("C0STAFF",))
        assert "SLACK_BOT_TOKEN" in finding.detail
        assert "xoxb-wrong" not in finding.detail


async def test_the_doctor_warns_of_a_staff_channel_that_another_organisation_can_read() -> None:
    async with sandbox_running(with_neighbours()) as sandbox, bot_client(sandbox) as client:
        findings = await check(client, staff_channels=(SHARED,))
    assert "another organisation" in {f.name: f.detail for f in findings if not f.ok}[f"staff channel {SHARED}"]


async def test_a_guest_and_somebody_of_another_workspace_are_known_as_such() -> None:
    async with sandbox_running(with_neighbours()) as sandbox, bot_client(sandbox) as client:
        directory = SlackDirectory(client)
        assert (await directory.person("U0GUS")).is_guest
        assert (await directory.person("U0IRIS")).team_id == HARBOR
        assert not (await directory.person("U0ANA")).is_guest
