"""The composition root: the only module that knows every class. Builds the bot, starts it, stops it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from aiohttp import ClientSession
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.config import Settings, SettingsError
from bot.dashboard import Dashboard, address_of, invitations
from bot.desk.workshop import Workshop
from bot.domain.effects import Place
from bot.domain.errors import DeskhandError, PermanentError, TransientError
from bot.domain.zones import zone_of
from bot.doors import BotAddress, GiveUp, Vitals, WaysIn, app_token_error, open_doors
from bot.library import import_own_folder, own_embedder, own_reranker, own_scale, start_library
from bot.observing import Observer, open_telemetry
from bot.paging.webhook import PagerKind, WebhookPager
from bot.ports.clock import REAL_TIME, DeskTime, sortable_id, system_clock
from bot.ports.model import Model
from bot.runtime.cause_queue import CauseQueue
from bot.runtime.dbos_dispatcher import DbosDispatcher
from bot.runtime.keeping import KeepDays, Keeper
from bot.runtime.monitor import Monitor
from bot.runtime.nights import Night
from bot.runtime.outbox import OutboxWorker
from bot.runtime.pace import Pace
from bot.runtime.replicas import Lease, lease_on
from bot.runtime.step_log import log_steps
from bot.runtime.sweep import Sweep
from bot.runtime.timers import TimerWorker
from bot.slack.clients import FixedToken
from bot.slack.connect import missing_channel
from bot.slack.identity import Identity, OwnIdentity
from bot.slack.rates import Rates
from bot.slack.web import Manners, slack_client, slack_session
from bot.store.engine import create_engine, database_folder
from bot.store.migrate import WrongSchemaError, migrate
from bot.store.store import SqlStore
from bot.workspaces.office import Offices
from bot.workspaces.outside_tools import OutsideTools, StaffAlert
from bot.workspaces.plan import Plan
from bot.workspaces.registry import Registry
from bot.workspaces.routing import CauseRouter, EffectRouter
from bot.workspaces.tenancy import Lines, Tenancy
from tools.backends import Backends, open_backends
from tools.connector_settings import Wires
from tools.connectors import Connectors, ConnectorsError, load_connectors
from tools.http import http_session

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 12.0
"""For runs under way at a stop; what is not done by then is resumed by the next start."""
FLUSH_SECONDS = 2.0
"""For messages still to be delivered at a stop."""
LONGEST_RETRY = 30.0
"""Seconds between attempts to reach Slack at a start."""


async def run_bot(
    settings: Settings,
    *,
    stop: asyncio.Event | None = None,
    ready: Callable[[BotAddress], None] | None = None,
    time: DeskTime = REAL_TIME,
    model: Model | None = None,
    open_dashboard: bool = False,
) -> None:
    """Run until `stop` is set; SettingsError when something cannot work as it is set.

    `model` answers in place of the vendor's (when there is a key) and is closed at the end; for evaluations.
    `open_dashboard`: nobody needs to sign in; only the sandbox may be so open, and only to this machine.
    ConnectionLostError, after an orderly stop, when Slack stayed away for too long.
    """
    stop = stop or asyncio.Event()
    faults: list[DeskhandError] = []

    def give_up(error: DeskhandError) -> None:
        faults.append(error)
        stop.set()

    async with AsyncExitStack() as stack:
        address = await _start(settings, stack, _Occasion(stop, give_up, time, model, open_dashboard))
        if address is None:
            return
        logger.info("bot.ready", extra={"fields": {"socket_mode": address.socket_mode, "offline": settings.offline}})
        if ready is not None:
            ready(address)
        await stop.wait()
        logger.info("bot.stopping")
    logger.info("bot.stopped")
    if faults:
        raise app_token_error(faults[0]) if isinstance(faults[0], PermanentError) else faults[0]


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[SqlStore]:
    """The store alone, migrated, for commands that look into it; nothing is dispatched."""
    engine = create_engine(settings.database_url)
    try:
        await _migrate(engine)
        yield SqlStore(engine, _no_queue, system_clock)
    finally:
        await engine.dispose()


@dataclass(frozen=True, slots=True)
class _Occasion:
    """How the bot is run this time; see `run_bot`."""

    stop: asyncio.Event
    give_up: GiveUp
    time: DeskTime
    model: Model | None
    open_dashboard: bool


async def _start(settings: Settings, stack: AsyncExitStack, occasion: _Occasion) -> BotAddress | None:
    """Start everything, inner rooms first; `stack` stops it in reverse order. None when asked to stop meanwhile."""
    connectors = _connectors(settings)
    engine = _engine(settings)
    outside = OutsideTools(connectors.mcp, engine, system_clock)
    plan = Plan.check(settings).with_consents(outside.consents)
    lease = await _moved_in(settings, engine, stack)
    queue = CauseQueue(settings.database_url)
    store = _store(settings, engine, queue, lease)
    observer = _observed(settings, store, lease, stack)
    await store.breakers.make_due()
    lines = Lines(settings.slack_api_url, await stack.enter_async_context(slack_session()))
    tenancy = await _tenancy(settings, store, lines, stack)
    client = lines.client(FixedToken(settings.slack_bot_token.get_secret_value()))
    me = await _introduce(client, settings, occasion.stop)
    if occasion.stop.is_set():
        return None
    await _check_backup(client, plan.service.backup_channel if me else "")
    model = _model(plan, settings, occasion.model, stack)
    backends = await _backends(settings, engine, connectors, stack)
    monitor = Monitor(store.meter, system_clock, disk=database_folder(settings.database_url))
    links = invitations(store, occasion.time.clock)
    offices = Offices(
        store, plan, model, backends, Workshop(), settings, _manners(settings, store, lease), guard=monitor.check,
        clock=occasion.time.clock, pager=_pager(settings, lines.session), coming=outside.tools, links=links,
    )  # fmt: skip
    await _start_servers(stack, outside, offices, me)
    home = offices.open_home(me, client, settings.workspace) if me else None
    registry = Registry(offices, clock=system_clock, home=home, tenancy=tenancy)
    dispatcher = DbosDispatcher(queue, store, lease, at_once=settings.runs_at_once)
    await _start_work(stack, queue, store, registry, offices.manners, dispatcher)
    await _start_timers(stack, store, occasion.time)
    await _start_upkeep(stack, monitor, _keeper(settings, store, plan, me))
    dashboard = Dashboard(
        settings, store, registry, lines, plan.service, occasion.time.clock, me, is_open=occasion.open_dashboard
    )
    observer.watch(monitor, offices.breakers, offices.guards)
    ways_in = WaysIn.of(settings, registry, tenancy, slack_client("", lines.api_url, lines.session))
    ways_in = ways_in.also(observer.routes(settings), dashboard.start(stack))
    address = await open_doors(
        settings, stack, ways_in, Vitals(store, monitor, offices.breakers), occasion.stop, occasion.give_up
    )
    links.base = address_of(settings, address.url)
    return address


async def _tenancy(settings: Settings, store: SqlStore, lines: Lines, stack: AsyncExitStack) -> Tenancy | None:
    tenancy = await Tenancy.open(settings, store, lines)
    if tenancy is not None:
        stack.push_async_callback(tenancy.close)
    return tenancy


def _model(plan: Plan, settings: Settings, vendor: Model | None, stack: AsyncExitStack) -> Model:
    model = plan.model(settings, vendor)
    stack.push_async_callback(model.close)
    return model


def _store(settings: Settings, engine: AsyncEngine, queue: CauseQueue, lease: Lease) -> SqlStore:
    hide = settings.redactor.redact_json
    return SqlStore(engine, queue.enqueue, system_clock, replica_id=lease.replica_id, redact=hide)


def _manners(settings: Settings, store: SqlStore, lease: Lease) -> Manners:
    rates = Rates(settings.slack_pace)
    return Manners(Pace(store.paces, system_clock, rates.opening), rates, lease.is_fresh)


async def _start_work(
    stack: AsyncExitStack,
    queue: CauseQueue,
    store: SqlStore,
    registry: Registry,
    manners: Manners,
    dispatcher: DbosDispatcher,
) -> None:
    """Start delivery and dispatch, first of what an earlier process left."""
    effects = EffectRouter(registry)
    outbox = OutboxWorker(
        store.queue, effects, system_clock, unsent=effects.unsent, pace=manners.pace, may_act=manners.may_act
    )
    store.listen(events=queue.wake, effects=outbox.wake)
    await outbox.start()
    stack.push_async_callback(outbox.close)
    causes = CauseRouter(store, registry)
    await dispatcher.start(causes.handle, last_words=causes.last_words)
    stack.push_async_callback(_wind_down, dispatcher, outbox)
    sweep = Sweep(store, dispatcher, system_clock)
    await sweep.start()
    stack.push_async_callback(sweep.close)
    await causes.redraw_cards()


async def _start_servers(stack: AsyncExitStack, outside: OutsideTools, offices: Offices, me: Identity | None) -> None:
    """Begin to connect MCP servers; staff of home hear when a tool of theirs has changed."""
    place = Place(me.team_id, offices.settings.staff_channel) if me else None
    await outside.start(offices.guards, StaffAlert(offices.store.of(place.team_id), place) if place else None)
    stack.push_async_callback(outside.close)


async def _start_timers(stack: AsyncExitStack, store: SqlStore, time: DeskTime) -> None:
    """Let what is due arrive, first what became due meanwhile."""
    timers = TimerWorker(store, time.clock, sortable_id, every=time.tick)
    await timers.start()
    stack.push_async_callback(timers.close)


def _pager(settings: Settings, session: ClientSession) -> WebhookPager | None:
    if not settings.pager:
        return None
    return WebhookPager(PagerKind(settings.pager), settings.pager_key.get_secret_value(), settings.pager_url, session)


def _keeper(settings: Settings, store: SqlStore, plan: Plan, me: Identity | None) -> Keeper:
    keep = KeepDays(
        events=settings.keep_events_days,
        traces=settings.keep_traces_days,
        conversations=settings.keep_conversations_days,
        costs=settings.keep_costs_days,
        left=settings.keep_left_days,
    )
    night = Night(settings.purge_hour, zone_of(settings.timezone or plan.service.hours.zone.key))
    return Keeper(store.archive, system_clock, keep, night=night, home=me.team_id if me else "")


async def _start_upkeep(stack: AsyncExitStack, monitor: Monitor, keeper: Keeper) -> None:
    """Begin to watch the work, and to delete what is old."""
    await monitor.start()
    stack.push_async_callback(monitor.close)
    keeper.start()
    stack.push_async_callback(keeper.close)


def _connectors(settings: Settings) -> Connectors:
    """Which services hold customers, tickets and the rest."""
    try:
        return load_connectors(settings.connectors_file, settings.environment)
    except ConnectorsError as error:
        raise SettingsError([f"CONNECTORS_FILE: {line}" for line in error.lines]) from error


async def _wires(stack: AsyncExitStack) -> Wires:
    """What connectors are built with: one HTTP session for all of them, closed when the work has ended."""
    return Wires(await stack.enter_async_context(http_session()), stack, system_clock)


async def _backends(settings: Settings, engine: AsyncEngine, connectors: Connectors, stack: AsyncExitStack) -> Backends:
    """The tools' back-ends; without a help centre of one's own, those of the sample company."""
    wires = await _wires(stack)
    backends = await open_backends(
        engine,
        seed_sample=not (settings.knowledge_dir or connectors.knowledge),
        embedder=await own_embedder(settings),
        connectors=connectors,
        wires=wires,
        scale=own_scale(settings),
        reranked=await own_reranker(settings),
    )
    await import_own_folder(settings, backends)
    await start_library(stack, backends, connectors, wires)
    return backends


async def _wind_down(dispatcher: DbosDispatcher, outbox: OutboxWorker) -> None:
    """Take no more work, let runs end or be parked, deliver what they wrote."""
    await dispatcher.drain(DRAIN_SECONDS)
    await dispatcher.close()
    await outbox.flush(FLUSH_SECONDS)


async def _introduce(client: AsyncWebClient, settings: Settings, stop: asyncio.Event) -> Identity | None:
    """Ask Slack who we are, for as long as it takes; None without SLACK_BOT_TOKEN, or when asked to stop meanwhile."""
    identity, wait = OwnIdentity(client), 1.0
    while settings.slack_bot_token.get_secret_value() and not stop.is_set():
        try:
            me = await identity.get()
        except TransientError as error:
            logger.warning("slack.unreachable", extra={"fields": {"error": str(error), "again_in_seconds": wait}})
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timeout=wait)
            wait = min(wait * 2, LONGEST_RETRY)
        except PermanentError as error:
            remedy = "Copy the Bot User OAuth Token anew from OAuth & Permissions."
            raise SettingsError([f"SLACK_BOT_TOKEN: {error}. {remedy}"]) from error
        else:
            await _check_channels(client, settings)
            return me
    return None


async def _check_channels(client: AsyncWebClient, settings: Settings) -> None:
    unknown = await missing_channel(client, {settings.staff_channel, *settings.channels_by_team.values()})
    if unknown is not None:
        raise SettingsError(
            [f"STAFF_CHANNEL(S): Slack knows no channel {unknown}. Use its id (C…) and invite the bot."]
        )


async def _check_backup(client: AsyncWebClient, channel: str) -> None:
    if channel and await missing_channel(client, {channel}) is not None:
        remedy = "Use its id (C…) and invite the bot."
        raise SettingsError([f"SERVICE_FILE: backup_channel: Slack knows no channel {channel}. {remedy}"])


def _observed(settings: Settings, store: SqlStore, lease: Lease, stack: AsyncExitStack) -> Observer:
    """Let the record of steps be told to the log, and to whom telemetry is sent."""
    observer = open_telemetry(settings, stack, lease.replica_id)
    store.listen(traces=log_steps)
    store.listen(traces=observer.heard)
    return observer


async def _moved_in(settings: Settings, engine: AsyncEngine, stack: AsyncExitStack) -> Lease:
    """Claim the database and bring its tables up to date."""
    lease = await _claim(settings, stack)
    stack.push_async_callback(engine.dispose)
    await _migrate(engine)
    await asyncio.to_thread(lease.start)
    return lease


async def _claim(settings: Settings, stack: AsyncExitStack) -> Lease:
    """The right to work on the database, given back when everything else has ended."""
    lease = lease_on(settings.database_url, sortable_id())
    try:
        lease.claim()
    except PermanentError as error:
        raise SettingsError([f"DATABASE_URL: {error}"]) from error
    stack.push_async_callback(asyncio.to_thread, lease.close)
    return lease


async def _migrate(engine: AsyncEngine) -> None:
    try:
        await migrate(engine)
    except WrongSchemaError as error:
        raise SettingsError([f"DATABASE_URL: {error}"]) from error


def _engine(settings: Settings) -> AsyncEngine:
    try:
        return create_engine(settings.database_url)
    except (ValueError, OSError) as error:
        raise SettingsError([f"DATABASE_URL: {error}"]) from error


def _no_queue(*_: object) -> None:
    raise RuntimeError("this store was opened to be looked at; it takes no events")
