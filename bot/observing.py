"""Sets telemetry up as far as it is asked for, and lets it see what tells how this process is doing."""

import importlib.metadata
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from aiohttp import web

from bot.agent.breakers import ModelBreakers
from bot.config import Settings, SettingsError, lent
from bot.domain.trace import TraceEvent
from bot.runtime.monitor import Monitor
from bot.telemetry import instruments as made
from bot.telemetry.counts import Labels
from bot.telemetry.instruments import Instrument
from bot.telemetry.telemetry import Readings, Telemetry
from bot.telemetry.wishes import PREFIX, TelemetryError, Wishes
from bot.web.metrics import Page, is_loopback, metrics_routes
from tools.breaker import BreakerState
from tools.guards import Guards

logger = logging.getLogger(__name__)

_STATES = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}
_OF_THE_MONITOR: Mapping[str, tuple[Instrument, Labels]] = {
    "causes_waiting": (made.EVENTS_WAITING, {}),
    "oldest_cause": (made.EVENTS_OLDEST, {}),
    "deliveries_waiting": (made.EFFECTS_WAITING, {}),
    "oldest_delivery": (made.EFFECTS_OLDEST, {}),
    "runs_unfinished": (made.RUNS_OPEN, {}),
    "oldest_run": (made.RUNS_OLDEST, {}),
    "parked": (made.STUCK, {"what": "causes"}),
    "deliveries_failed": (made.STUCK, {"what": "deliveries"}),
    "cases_open": (made.ESCALATIONS_OPEN, {"state": "open"}),
    "cases_claimed": (made.ESCALATIONS_OPEN, {"state": "claimed"}),
    "approvals_waiting": (made.APPROVALS_WAITING, {}),
    "articles": (made.ARTICLES, {}),
    "disk_free_bytes": (made.DISK_FREE, {}),
}
"""The monitor's numbers, read from the database every few seconds under a deadline, and their gauges."""


@dataclass(frozen=True, slots=True)
class Observer:
    """What a process tells of itself, and where."""

    telemetry: Telemetry | None = None
    page: Page | None = None
    """For Prometheus."""

    @property
    def heard(self) -> Callable[[Sequence[TraceEvent]], None] | None:
        """Listens to the record of steps; None when nobody wants to know."""
        return self.telemetry.heard if self.telemetry else None

    def watch(self, monitor: Monitor, models: ModelBreakers, guards: Guards) -> None:
        """Let gauges be read whenever somebody asks for them."""
        if self.telemetry is None:
            return
        for gauge in dict.fromkeys(gauge for gauge, _ in _OF_THE_MONITOR.values()):
            self.telemetry.watch(gauge, _reader(monitor, gauge))
        self.telemetry.watch(made.WARNINGS, lambda: [(1, {"warning": name}) for name in monitor.health.warnings])
        self.telemetry.watch(made.DATABASE, lambda: [(int("database_unreachable" not in monitor.health.warnings), {})])
        self.telemetry.watch(made.BREAKERS, lambda: _breakers(models, guards))

    def routes(self, settings: Settings) -> Sequence[web.AbstractRouteDef]:
        """/metrics, when it is asked for."""
        if self.page is None:
            return []
        token = settings.metrics_token.get_secret_value()
        # Slack and browsers reach a loopback address through a proxy only, and not every proxy says that it is one.
        is_local = is_loopback(settings.http_host) and settings.socket_mode and not settings.public_url
        if not token and not is_local:
            remedy = "Set METRICS_TOKEN: others than this machine can reach HTTP_HOST, or do by a proxy (PUBLIC_URL)."
            logger.warning("metrics.hidden", extra={"fields": {"remedy": remedy}})
        return metrics_routes(self.page, token=token, is_local=is_local)


def open_telemetry(settings: Settings, stack: AsyncExitStack, instance: str) -> Observer:
    """Set up what is asked for until `stack` ends; SettingsError when METRICS cannot be had.

    OpenTelemetry's variables are often set for every program of a machine: when only these ask, and cannot be followed,
    that is told in the log, and the bot works without.
    """
    try:
        wishes = Wishes.of(settings.environment, by_workspace=settings.metrics_by_workspace)
        if wishes.disabled or not (wishes.sends or settings.metrics):
            return Observer()
        with lent(settings.environment, PREFIX):
            return _opened(wishes, stack, instance, exposes=settings.metrics)
    except TelemetryError as error:
        if settings.metrics:
            raise SettingsError(error.lines) from error
        logger.error("telemetry.off", extra={"fields": {"remedy": error.lines}})  # noqa: TRY400 - no trace needed
        return Observer()


def _opened(wishes: Wishes, stack: AsyncExitStack, instance: str, *, exposes: bool) -> Observer:
    try:
        # An extra, and a third of a second of a start: only for who asks for it.
        from bot.telemetry.prometheus import Exposition  # noqa: PLC0415
        from bot.telemetry.sdk import Channel, resource_of  # noqa: PLC0415
    except ImportError as error:
        remedy = 'pip install "deskhand[otel]"'
        raise TelemetryError([f"OTEL_EXPORTER_OTLP_ENDPOINT or METRICS needs the extra otel: {remedy}"]) from error
    exposition = Exposition() if exposes else None
    readers = [exposition.reader] if exposition else []
    try:
        channel = Channel(resource_of(_version(), instance), wishes, readers)
    except ValueError as error:  # a number that is none, and the like; the SDK's words name the variable
        raise TelemetryError([f"OpenTelemetry's variables: {error}"]) from error
    stack.push_async_callback(channel.close)
    telemetry = Telemetry(channel.spans, channel.meters, content=wishes.content, by_workspace=wishes.by_workspace)
    fields = {"traces": wishes.traces, "metrics": wishes.metrics, "content": wishes.content, "prometheus": exposes}
    logger.info("telemetry.on", extra={"fields": fields})
    return Observer(telemetry, exposition.page if exposition else None)


def _version() -> str:
    try:
        return importlib.metadata.version("deskhand")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _reader(monitor: Monitor, gauge: Instrument) -> Callable[[], Readings]:
    """Of the last look; nothing while the database does not answer."""
    mine = [(name, labels) for name, (one, labels) in _OF_THE_MONITOR.items() if one is gauge]

    def read() -> Readings:
        numbers = monitor.health.numbers or {}
        return [(numbers[name], labels) for name, labels in mine if name in numbers]

    return read


def _breakers(models: ModelBreakers, guards: Guards) -> Iterator[tuple[float, Labels]]:
    for name, state in [*models.states.items(), *guards.states.items()]:
        yield _STATES[state], {"breaker": name}
