"""Two workspaces on one bot: two sandboxes behind one address, and the app installed into each by OAuth."""

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.sandbox.config import SandboxConfig
from bot.sandbox.records import Team
from bot.sandbox.sample import fernway
from bot.store.vault import new_key
from tests.fakes.desk import MODELS, QUIET_SECONDS, Bot, Desk, captured_logs
from tests.fakes.desk_claude import Claude
from tests.fakes.desk_people import Timeline
from tests.fakes.sandbox_driver import FAST, SandboxDriver, eventually, sandbox_running

SECOND = Team("T0KUMO", "Kumo Games", "kumo")
"""The other workspace: its people and channels have the same ids as Fernway's."""


class Front:
    """Slack's one address: each call goes to the workspace whose token, code or refresh token it carries."""

    def __init__(self, drivers: list[SandboxDriver], http: aiohttp.ClientSession) -> None:
        self._drivers = drivers
        self._http = http

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._pass_on)
        return app

    async def _pass_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        driver = self._owner(request, body)
        headers = {k: v for k, v in request.headers.items() if k in ("Authorization", "Content-Type")}
        url = f"{driver.server.url}{request.path_qs}"
        async with self._http.request(request.method, url, data=body, headers=headers) as answer:
            kept = {k: v for k, v in answer.headers.items() if k.lower() in ("retry-after", "x-oauth-scopes")}
            return web.Response(
                body=await answer.read(), status=answer.status, headers=kept, content_type=answer.content_type
            )

    def _owner(self, request: web.Request, body: bytes) -> SandboxDriver:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        form = parse_qs(body.decode(errors="replace"))
        secrets = [token, *(form.get(name, [""])[0] for name in ("token", "code", "refresh_token"))]
        known = (d for d in self._drivers if any(d.server.grants.knows(s) for s in secrets if s))
        return next(known, self._drivers[0])


@dataclass
class TwoWorkspaces:
    """One bot, two workspaces, each with a desk to look at; both know the same database."""

    first: Desk
    second: Desk
    bot: Bot
    http: aiohttp.ClientSession

    @property
    def url(self) -> str:
        """Of the bot."""
        assert self.bot.address is not None
        return self.bot.address.url

    async def begin_install(self) -> str:
        """Press the button; the address at Slack the browser is sent to."""
        async with self.http.post(f"{self.url}/slack/install", allow_redirects=False) as answer:
            assert answer.status == 303
            return answer.headers["Location"]

    async def consent(self, desk: Desk, address: str, *, allow: bool = True) -> str:
        """A person of that workspace allows it; the address of ours the browser is sent back to."""
        query = address.partition("?")[2] + ("&allow=1" if allow else "")
        url = f"{desk.driver.server.url}/oauth/v2/answer?{query}"
        async with self.http.get(url, allow_redirects=False) as answer:
            assert answer.status == 302
            return answer.headers["Location"]

    async def install(self, desk: Desk) -> str:
        """The whole way; the page at its end."""
        back = await self.consent(desk, await self.begin_install())
        async with self.http.get(back) as answer:
            page = await answer.text()
            assert answer.status == 200, page
            return page

    async def set_up(self, desk: Desk) -> None:
        """Install, and let cases go to #support-staff."""
        await self.install(desk)
        await desk.staff("U0GRACE").says("@deskhand staff here")
        await eventually(lambda: _says(desk, "From now on cases go to this channel"))

    async def uninstall(self, desk: Desk) -> None:
        """As an admin does in Slack's settings."""
        async with self.http.post(
            f"{desk.driver.server.url}/api/apps.uninstall", data={"token": desk.driver.server.config.bot_token}
        ) as answer:
            assert (await answer.json())["ok"]


async def _says(desk: Desk, words: str) -> bool:
    return any(words in text for text in await desk.driver.texts("C0STAFF"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def two_workspaces(
    folder: Path, *, claude: Claude | None = None, token_seconds: float | None = None, **more: str
) -> AsyncIterator[TwoWorkspaces]:
    """The app runs and is installed nowhere yet; `install` or `set_up` do that."""
    port, database = free_port(), folder / "desk.db"
    config = replace(FAST, request_url=f"http://127.0.0.1:{port}/slack/events", token_seconds=token_seconds)
    other = replace(config, company=replace(fernway(), team=SECOND), bot_token="xoxb-kumo")
    async with AsyncExitStack() as stack:
        logs = stack.enter_context(captured_logs())
        drivers = [await stack.enter_async_context(sandbox_running(one)) for one in (config, other)]
        http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)))
        front = TestServer(Front(drivers, http).application())
        await stack.enter_async_context(front)
        bot = Bot(_settings(config, f"{front.make_url('/')}api/", port, database, claude) | more)
        await bot.start()
        stack.push_async_callback(bot.stop)
        if claude is not None:
            stack.callback(claude.let_go)
        desks = [Desk(d, bot, database, Timeline(d.server.workspace), logs, claude) for d in drivers]
        yield TwoWorkspaces(desks[0], desks[1], bot, http)


def _settings(config: SandboxConfig, api_url: str, port: int, database: Path, claude: Claude | None) -> dict[str, str]:
    values = {
        "SLACK_API_URL": api_url,
        "SLACK_SIGNING_SECRET": config.signing_secret,
        "SLACK_CLIENT_ID": config.client_id,
        "SLACK_CLIENT_SECRET": config.client_secret,
        "TOKEN_KEYS": new_key(),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "HTTP_PORT": str(port),
        "DATABASE_URL": f"sqlite:///{database}",
        "QUIET_SECONDS": str(QUIET_SECONDS),
        **MODELS,
    }
    if claude is not None:
        values |= {"ANTHROPIC_API_KEY": claude.key, "ANTHROPIC_BASE_URL": claude.url}
    return values
