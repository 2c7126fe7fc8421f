"""The composition root: the only module that knows every class. Builds the bot, starts it, stops it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.ext.asyncio import AsyncEngine

import prompts
from bot.agent.calls import ModelCalls
from bot.agent.confidence import Judge
from bot.agent.loop import Agent
from bot.agent.profile import Profile, Profiles, UnknownProfileError, load_profile
from bot.agent.summing_up import Summarist
from bot.agent.toolbox import Toolbox
from bot.config import Settings, SettingsError
from bot.desk.attachments import Attachments
from bot.desk.budgets import BudgetDesk
from bot.desk.cases import Cases
from bot.desk.decisions import Decisions
from bot.desk.desk import Desk
from bot.desk.endings import Endings
from bot.desk.intake import Intake
from bot.desk.people import People, StaffRoom
from bot.desk.staffroom import StaffRoomTalk
from bot.desk.turns import Turns
from bot.desk.unsent import UnsentWords
from bot.desk.work import Crew, Models, Work
from bot.domain.errors import PermanentError, TransientError
from bot.model.claude import ClaudeModel
from bot.model.offline import OfflineModel
from bot.model.pricing import PricesError, PriceTable, load_prices
from bot.model.router import ModelRouter
from bot.ports.clock import sortable_id, system_clock
from bot.ports.model import Model
from bot.ports.slack import Directory, Files, Messenger
from bot.runtime.cause_queue import CauseQueue
from bot.runtime.dbos_dispatcher import DbosDispatcher
from bot.runtime.outbox import OutboxWorker
from bot.runtime.sweep import Sweep
from bot.slack.connect import missing_channel
from bot.slack.delivery import SlackMessenger
from bot.slack.directory import SlackDirectory
from bot.slack.files import SlackFiles
from bot.slack.http import SlackEndpoint
from bot.slack.identity import Identity, OwnIdentity
from bot.slack.listeners.app import build_app
from bot.slack.socket import SocketRunner
from bot.slack.web import slack_client, slack_session
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from bot.store.store import SqlStore
from bot.web.application import build_web
from bot.web.server import WebServer
from tools.backends import Backends, open_backends
from tools.catalogue import build_catalogue
from tools.knowledge_base.importer import KnowledgeFolderError

logger = logging.getLogger(__name__)

OFFLINE = "offline"
"""Id of the offline model."""
DRAIN_SECONDS = 12.0
"""For runs under way at a stop; what is not done by then is resumed by the next start."""
FLUSH_SECONDS = 2.0
"""For messages still to be delivered at a stop."""
LONGEST_RETRY = 30.0
"""Seconds between attempts to reach Slack at a start."""


@dataclass(frozen=True, slots=True)
class BotAddress:
    """Where a running bot is reached."""

    url: str
    """Of its own HTTP server."""
    socket_mode: bool


async def run_bot(
    settings: Settings, *, stop: asyncio.Event | None = None, ready: Callable[[BotAddress], None] | None = None
) -> None:
    """Run until `stop` is set; SettingsError when something cannot work as it is set."""
    stop = stop or asyncio.Event()
    async with AsyncExitStack() as stack:
        address = await _start(settings, stack, stop)
        if address is None:
            return
        logger.info("bot.ready", extra={"fields": {"socket_mode": address.socket_mode, "offline": settings.offline}})
        if ready is not None:
            ready(address)
        await stop.wait()
        logger.info("bot.stopping")
    logger.info("bot.stopped")


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[SqlStore]:
    """The store alone, migrated, for commands that look into it; nothing is dispatched."""
    engine = create_engine(settings.database_url)
    try:
        await migrate(engine)
        yield SqlStore(engine, _no_queue, system_clock)
    finally:
        await engine.dispose()


async def _start(settings: Settings, stack: AsyncExitStack, stop: asyncio.Event) -> BotAddress | None:
    """Start everything, inner rooms first; `stack` stops it in reverse order. None when asked to stop meanwhile."""
    plan = _Plan.check(settings)
    engine = _engine(settings)
    stack.push_async_callback(engine.dispose)
    await migrate(engine)
    queue = CauseQueue(settings.database_url)
    store = SqlStore(engine, queue.enqueue, system_clock)
    session = await stack.enter_async_context(slack_session())
    client = slack_client(settings.slack_bot_token.get_secret_value(), settings.slack_api_url, session)
    identity = OwnIdentity(client)
    me = await _introduce(identity, stop)
    if me is None:
        return None
    if (
        unknown := await missing_channel(client, {settings.staff_channel, *settings.channels_by_team.values()})
    ) is not None:
        raise SettingsError(
            [f"STAFF_CHANNEL(S): Slack knows no channel {unknown}. Use its id (C…) and invite the bot."]
        )
    model = plan.model(settings)
    stack.push_async_callback(model.close)
    backends = await _backends(settings, engine)
    rooms = _Rooms(settings, store, SlackDirectory(client), me.team_id)
    messenger = SlackMessenger(client, rooms.cases.view)
    desk = rooms.desk(plan.crew(store, model, SlackFiles(client), backends, rooms.cases), messenger)
    await _start_work(stack, queue, store, messenger, desk)
    app = build_app(
        signing_secret=settings.slack_signing_secret.get_secret_value(), client=client, desk=desk, identity=identity
    )
    return await _open_doors(settings, stack, app, client, _database_answers(store), stop)


async def _start_work(
    stack: AsyncExitStack, queue: CauseQueue, store: SqlStore, messenger: Messenger, desk: Desk
) -> None:
    """Start delivery and dispatch, first of what an earlier process left."""
    outbox = OutboxWorker(store.queue, messenger, system_clock, unsent=desk.unsent)
    store.listen(events=queue.wake, effects=outbox.wake)
    await outbox.start()
    stack.push_async_callback(outbox.close)
    dispatcher = DbosDispatcher(queue, store)
    await dispatcher.start(desk.handle)
    stack.push_async_callback(_wind_down, dispatcher, outbox)
    sweep = Sweep(store, dispatcher, system_clock)
    await sweep.start()
    stack.push_async_callback(sweep.close)
    await desk.redraw_cards()


async def _open_doors(
    settings: Settings,
    stack: AsyncExitStack,
    app: AsyncApp,
    client: AsyncWebClient,
    database: Callable[[], Awaitable[bool]],
    stop: asyncio.Event,
) -> BotAddress:
    """Let events in: by Socket Mode, or at our own HTTP endpoint."""
    secret, app_token = settings.slack_signing_secret.get_secret_value(), settings.slack_app_token.get_secret_value()
    socket = SocketRunner(app, client, app_token) if settings.socket_mode else None
    endpoint = None if socket else SlackEndpoint(app, secret).handle

    async def checks() -> Mapping[str, bool]:
        connected = socket is None or await socket.is_connected()
        return {"database": await database(), "slack": connected, "accepting": not stop.is_set()}

    web = WebServer(build_web(slack_endpoint=endpoint, ready=checks), host=settings.http_host, port=settings.http_port)
    await web.start()
    stack.push_async_callback(web.close)
    if socket is not None:
        stack.push_async_callback(socket.close)
        try:
            await socket.start()
        except PermanentError as error:
            raise SettingsError([f"SLACK_APP_TOKEN: {error}. Create one with the scope connections:write."]) from error
    return BotAddress(web.url, settings.socket_mode)


async def _backends(settings: Settings, engine: AsyncEngine) -> Backends:
    """The tools' back-ends; without a help centre of one's own, those of the sample company."""
    backends = await open_backends(engine, seed_sample=not settings.knowledge_dir)
    if settings.knowledge_dir:
        try:
            await backends.importer.import_folder(Path(settings.knowledge_dir))
        except KnowledgeFolderError as error:
            raise SettingsError([f"KNOWLEDGE_DIR: {error}"]) from error
        await backends.knowledge.refresh()
    return backends


async def _wind_down(dispatcher: DbosDispatcher, outbox: OutboxWorker) -> None:
    """Take no more work, let runs end or be parked, deliver what they wrote."""
    await dispatcher.drain(DRAIN_SECONDS)
    await dispatcher.close()
    await outbox.flush(FLUSH_SECONDS)


async def _introduce(identity: OwnIdentity, stop: asyncio.Event) -> Identity | None:
    """Ask Slack who we are, for as long as it takes; None when asked to stop meanwhile."""
    wait = 1.0
    while not stop.is_set():
        try:
            return await identity.get()
        except TransientError as error:
            logger.warning("slack.unreachable", extra={"fields": {"error": str(error), "again_in_seconds": wait}})
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timeout=wait)
            wait = min(wait * 2, LONGEST_RETRY)
        except PermanentError as error:
            remedy = "Copy the Bot User OAuth Token anew from OAuth & Permissions."
            raise SettingsError([f"SLACK_BOT_TOKEN: {error}. {remedy}"]) from error
    return None


def _database_answers(store: SqlStore) -> Callable[[], Awaitable[bool]]:
    async def answers() -> bool:
        async with store.read() as tx:
            await tx.traces.recent(1)
        return True

    return answers


def _engine(settings: Settings) -> AsyncEngine:
    try:
        return create_engine(settings.database_url)
    except (ValueError, OSError) as error:
        raise SettingsError([f"DATABASE_URL: {error}"]) from error


def _no_queue(*_: object) -> None:
    raise RuntimeError("this store was opened to be looked at; it takes no events")


@dataclass(frozen=True)
class _Plan:
    """Profiles, models and prices, checked before anything starts."""

    profiles: dict[str, Profile]
    models: Models
    prices: PriceTable

    @classmethod
    def check(cls, settings: Settings) -> "_Plan":
        """SettingsError when a profile, model or price is missing."""
        main, helper = (OFFLINE, OFFLINE) if settings.offline else (settings.model, settings.helper_model)
        second = (helper,) if helper != main else ()
        try:
            profiles = {
                name: load_profile(name) for name in {*prompts.agent_names(), *settings.profiles_by_channel.values()}
            }
            prices = load_prices(settings.model_prices or None)
            prices.check_prices({main, helper, OFFLINE})
        except UnknownProfileError as error:
            raise SettingsError([f"AGENT_PROFILES: {error}"]) from error
        except PricesError as error:
            raise SettingsError([f"MODEL: {error}"]) from error
        return cls(profiles, Models((main, *second), (helper,), OFFLINE), prices)

    def model(self, settings: Settings) -> Model:
        """Claude when there is a key; the offline model always, as stand-in and as degraded mode."""
        claude = None
        if not settings.offline:
            key = settings.anthropic_api_key.get_secret_value()
            claude = ClaudeModel(api_key=key, base_url=settings.anthropic_base_url)
        return ModelRouter({OFFLINE: OfflineModel()}, claude)

    def crew(self, store: SqlStore, model: Model, files: Files, backends: Backends, cases: Cases) -> Crew:
        """Everything that works on a turn."""
        calls = ModelCalls(model, self.prices, store, system_clock)
        tools = build_catalogue(
            knowledge=backends.knowledge, customers=backends.customers, tickets=backends.tickets, escalations=cases
        )
        return Crew(
            agent=Agent(calls),
            judge=Judge(calls, self.models.helper),
            summarist=Summarist(calls, self.models.helper[0]),
            toolbox=Toolbox(tools, store, system_clock),
            attachments=Attachments(files),
            profiles=Profiles(self.profiles),
            models=self.models,
            prices=self.prices,
        )


class _Rooms:
    """People and cases first: the messenger draws cards from cases, the desk needs the messenger."""

    def __init__(self, settings: Settings, store: SqlStore, directory: Directory, team_id: str) -> None:
        self._settings = settings
        self._store = store
        self._directory = directory
        self._room = StaffRoom(
            settings.staff_channel, dict(settings.channels_by_team), settings.admins, settings.allowed_bots
        )
        self._people = People(directory, self._room, team_id)
        self.cases = Cases(store, self._people, directory, self._room, system_clock)

    def desk(self, crew: Crew, messenger: Messenger) -> Desk:
        """The desk, put together."""
        store, people, cases, settings = self._store, self._people, self.cases, self._settings
        decisions = Decisions(store, people, cases, crew.profiles, system_clock, sortable_id)
        endings = Endings(store, cases, self._directory, self._room, crew.profiles, system_clock)
        work = Work(store, crew, self._room, messenger)
        return Desk(
            store=store,
            people=people,
            intake=Intake(
                store,
                people,
                system_clock,
                sortable_id,
                profile_for=dict(settings.profiles_by_channel),
                first_sign=prompts.sentences()["live_first"],
            ),
            turns=Turns(store, people, cases, work, endings, system_clock, quiet=settings.quiet_seconds),
            cases=cases,
            decisions=decisions,
            talk=StaffRoomTalk(store, people, cases, decisions, system_clock),
            words=UnsentWords(store, cases, self._room, system_clock),
            budgets=BudgetDesk(store, people, self._directory, crew.profiles, system_clock),
            clock=system_clock,
        )
