"""One sandbox: builds the parts, listens on one loopback port, and puts everything away again."""

from aiohttp import web

from bot.sandbox.backend import Backend
from bot.sandbox.config import SandboxConfig
from bot.sandbox.control import BehindTheScenes, Control
from bot.sandbox.delivery import Transport
from bot.sandbox.events import Events
from bot.sandbox.faults import Faults
from bot.sandbox.files import Files
from bot.sandbox.grants import Grants
from bot.sandbox.guard import guard
from bot.sandbox.http_mode import HttpMode
from bot.sandbox.interact import Interactions
from bot.sandbox.oauth import Consent
from bot.sandbox.openid import SignIn
from bot.sandbox.page_ws import PageSockets
from bot.sandbox.people_actions import PeopleActions
from bot.sandbox.responses import Responses
from bot.sandbox.signer import Signer
from bot.sandbox.socket_mode import SocketMode
from bot.sandbox.static import Static
from bot.sandbox.views import Views
from bot.sandbox.webapi import WebApi
from bot.sandbox.wire import TaskOwner
from bot.sandbox.workspace import Workspace

LOOPBACK = ("127.0.0.1", "localhost")
_BODY_MOST = 64 * 1024 * 1024
_SHUTDOWN_SECONDS = 1.0


class SandboxServer:
    """A Slack workspace behind one port. `await start()`, then `url`; `await close()` at the end."""

    def __init__(self, config: SandboxConfig | None = None) -> None:
        self.config = config or SandboxConfig()
        if self.config.host not in LOOPBACK:
            raise ValueError(f"The sandbox listens on {' or '.join(LOOPBACK)} only, not on {self.config.host!r}.")
        self.workspace = Workspace(self.config.company, self.config.clock, self.config.make_id)
        self.grants = Grants(self.config)
        """What the app may do here: tokens, and what becomes of them."""
        self.signer = Signer(self.config)
        """Says who has signed in."""
        self._tasks = TaskOwner()
        self._sockets = SocketMode(self.config, self.workspace)
        self._transport: Transport = (
            HttpMode(self.config, self.config.request_url) if self.config.request_url else self._sockets
        )
        self._views = Views(self.workspace)
        self._files = Files(self.workspace)
        self._pages = PageSockets(self.workspace, self._views, self._transport)
        self._runner: web.AppRunner | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """Where the page is, e.g. `http://127.0.0.1:3210`."""
        return self._url

    @property
    def api_url(self) -> str:
        """What the app uses as Slack's API address."""
        return f"{self._url}/api/"

    @property
    def app_connected(self) -> bool:
        """Whether the app has a socket open (always true in HTTP mode)."""
        return self._transport.connected

    async def start(self) -> None:
        """Listen; port 0 takes a free one."""
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        await web.TCPSite(runner, self.config.host, self.config.port).start()
        self._runner = runner
        port = runner.addresses[0][1]
        self._url = f"http://{self.config.host}:{port}"
        self._files.base_url = self._sockets.base_url = self._responses.base_url = self._url
        self.signer.issuer = self._url

    async def close(self) -> None:
        """Stop deliveries, close sockets, free the port. May be called twice."""
        await self._tasks.close()
        await self._pages.close()
        await self._sockets.close()
        await self._transport.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _application(self) -> web.Application:
        backend = Backend(
            self.config, self.workspace, self._views, self._files, self.grants, self._sockets.open_url, self.signer
        )
        self._responses = Responses(backend)
        events = Events(self.config, self.workspace, self._transport, self._tasks)
        faults = Faults()
        api = WebApi(backend, faults)
        control = Control(
            self.workspace,
            PeopleActions(backend, events),
            Interactions(backend, self._transport, self._responses),
            self._pages,
            BehindTheScenes(api, events, faults, self._sockets),
        )
        app = web.Application(middlewares=[guard], client_max_size=_BODY_MOST)
        app.add_routes(
            [
                *control.routes(),
                *Static(self.config, self._files, self.grants).routes(),
                *Consent(backend).routes(),
                *SignIn(backend).routes(),
            ]
        )
        app.router.add_route("*", "/api/{method}", api.handle)
        app.router.add_post("/commands/response/{id}", self._responses.handle)
        app.router.add_get("/socket/{ticket}", self._sockets.handle)
        app.router.add_get("/ui/ws", self._pages.handle)
        return app
