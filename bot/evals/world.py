"""A world: a Slack workspace on this machine with the real bot in it, on a database of its own.

People act through the sandbox's control API, and what they see is read off the workspace. One process has one world at
a time (the queue behind the bot is one a process); within it many cases are played side by side, each in its thread.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.app import run_bot
from bot.config import load_settings
from bot.domain.aftermath import Aftermath
from bot.domain.conversation import ThreadKey
from bot.doors import BotAddress
from bot.evals.cases import Extras
from bot.evals.sight import Recorder
from bot.ports.model import Model
from bot.sandbox.config import SandboxConfig
from bot.sandbox.records import ChannelSeed, Company, Person
from bot.sandbox.sample import fernway
from bot.sandbox.server import SandboxServer
from bot.sandbox.wire import Json
from bot.store.aftermath import aftermath, is_under_way
from bot.store.engine import create_engine

SUPPORT = "C0SUPPORT"
LONGEST_WAIT = 120.0
"""Seconds in which the bot must have come to an end with a message."""
_LOOK_SECONDS = 0.05
_START_SECONDS = 120.0
_REDELIVERIES = (0.5, 1.0, 2.0, 4.0, 8.0)


class WorldError(Exception):
    """The world does not work as it should; nothing is said about the bot's answers."""


@dataclass
class World:
    """The workspace, the people's way into it, and a look into the bot's database."""

    server: SandboxServer
    http: aiohttp.ClientSession
    engine: AsyncEngine
    slugs: Mapping[str, str]
    """Slug of each article by its address."""
    recorder: Recorder = field(init=False)

    def __post_init__(self) -> None:
        self.recorder = Recorder(self.server.workspace)

    @property
    def team_id(self) -> str:
        return self.server.config.company.team.id

    @property
    def bot_user(self) -> str:
        return self.server.config.company.app.user_id

    def name_of(self, user: str) -> str:
        """Somebody's real name."""
        return self.server.workspace.person(user).real_name

    async def act(self, path: str, **wish: object) -> Json:
        """Something a person does; WorldError when the workspace refuses."""
        async with self.http.post(f"{self.server.url}/control/{path}", json=wish) as answer:
            result: Json = await answer.json()
        if not result.get("ok"):
            raise WorldError(f"{path}: {result.get('error')}: {result.get('detail', '')}")
        return result

    async def settled(
        self, thread: ThreadKey, ts: str = "", *, seconds: float = LONGEST_WAIT, every: float = _LOOK_SECONDS
    ) -> bool:
        """Wait until the bot has come to an end with a thread (and has heard of the message `ts`); False: too long."""
        until, is_heard = time.monotonic() + seconds, False
        while time.monotonic() < until:
            is_heard = is_heard or await self._is_heard(ts)
            if is_heard and not await self._is_under_way(thread):
                return True
            await asyncio.sleep(every)
        return False

    async def views(self, user: str) -> list[Json]:
        """The forms and windows that somebody has open, topmost last."""
        async with self.http.get(f"{self.server.url}/control/state", params={"user": user}) as answer:
            return list((await answer.json()).get("views", []))

    async def aftermath(self, thread: ThreadKey) -> Aftermath:
        """What the bot's database knows of a thread."""
        async with self.engine.connect() as connection:
            return await aftermath(connection, thread.id)

    async def _is_heard(self, ts: str) -> bool:
        if not ts:
            return True
        async with self.http.get(f"{self.server.url}/control/deliveries", params={"ts": ts}) as answer:
            deliveries: list[Json] = (await answer.json())["deliveries"]
        return all(delivery["acked"] for delivery in deliveries)

    async def _is_under_way(self, thread: ThreadKey) -> bool:
        async with self.engine.connect() as connection:
            return await is_under_way(connection, thread.id)


@dataclass(frozen=True, slots=True)
class Brain:
    """What answers in a world: settings of the model, and a model in place of the vendor's if one is given."""

    name: str
    """For results: `offline`, a model id, `hostile`."""
    settings: Mapping[str, str] = field(default_factory=dict)
    model: Model | None = None
    is_real: bool = False
    """Whether a language model answers, of which everything can be expected."""


OFFLINE = Brain("offline", {"ANTHROPIC_API_KEY": ""})


@asynccontextmanager
async def open_world(
    database: Path, extras: Extras, brain: Brain, slugs: Mapping[str, str], settings: Mapping[str, str] | None = None
) -> AsyncIterator[World]:
    """A world on a prepared database, until the block ends. WorldError when the bot does not start, or dies."""
    server = SandboxServer(SandboxConfig(company=_company(extras), retry_delays=_REDELIVERIES))
    await server.start()
    stop, ready = asyncio.Event(), asyncio.Event()
    chosen = load_settings({**_settings(server, database, extras), **brain.settings, **(settings or {})})

    def is_ready(_: BotAddress) -> None:
        ready.set()

    engine = create_engine(f"sqlite:///{database}")
    try:
        async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
            bot = group.create_task(run_bot(chosen, stop=stop, ready=is_ready, model=brain.model), name="bot")
            try:
                await _until_ready(bot, ready, group)
                yield World(server, http, engine, slugs)
            finally:
                stop.set()
    finally:
        await engine.dispose()
        await server.close()


async def _until_ready(bot: "asyncio.Task[None]", ready: asyncio.Event, group: asyncio.TaskGroup) -> None:
    waiting = group.create_task(ready.wait())
    await asyncio.wait({bot, waiting}, timeout=_START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if bot.done():
        raise WorldError("The bot ended at once.") from bot.exception()
    if not ready.is_set():
        raise WorldError(f"The bot did not start within {_START_SECONDS:g} s.")


def _settings(server: SandboxServer, database: Path, extras: Extras) -> dict[str, str]:
    """A member of the workspace, as quick as it can be; what an operator set for prices, policy and model stays.

    Nothing real is within its reach: no service of the operator's is asked, paged or told.
    """
    bots = [person.bot_id for person in extras.person if person.role == "bot"]
    return {
        "SLACK_API_URL": server.api_url,
        "SLACK_BOT_TOKEN": server.config.bot_token,
        "SLACK_APP_TOKEN": server.config.app_token,
        "SLACK_SIGNING_SECRET": server.config.signing_secret,
        "SLACK_CLIENT_ID": "",
        "STAFF_CHANNEL": "C0STAFF",
        "STAFF_CHANNELS": "billing=C0BILLING",
        "ADMIN_USERS": ",".join(["U0GRACE", *(person.id for person in extras.person if person.role == "admin")]),
        "AGENT_BOTS": ",".join(["U0PAGER", "B0PAGER", *(bot for bot in bots if bot)]),
        "KNOWLEDGE_DIR": "",
        "CONNECTORS_FILE": "",
        "PAGER": "",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": "0",
        "DATABASE_URL": f"sqlite:///{database}",
        "QUIET_SECONDS": "0.05",
        "SLACK_PACE": "0",
        **extras.settings,
    }


def _company(extras: Extras) -> Company:
    """The sample company with the family's people in its channels."""
    company = fernway()
    if not extras.person:
        return company
    people = tuple(
        Person(
            one.id, one.name, one.real_name, one.email, one.role, bot_id=one.bot_id,
            app_id=f"A{one.bot_id[1:]}" if one.bot_id else "", is_guest=one.is_guest, locale=one.locale,
        )
        for one in extras.person
    )  # fmt: skip
    staff = [person.id for person in people if person.role in ("staff", "admin")]
    everybody = [person.id for person in people]
    return replace(
        company,
        people=(*company.people, *people),
        channels=tuple(_with(channel, everybody if channel.id == SUPPORT else staff) for channel in company.channels),
    )


def _with(channel: ChannelSeed, more: Sequence[str]) -> ChannelSeed:
    return replace(channel, members=(*channel.members, *more))
