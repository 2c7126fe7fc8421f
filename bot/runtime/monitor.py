"""Watches the work from outside: what waits too long, what is stuck, whether the clock jumps or the disk is full.

A warning is one log event when it begins, again every ten minutes while it lasts, and one when it is over. Before the
disk is full the bot takes no more events: Slack delivers them again, to this process once there is room, or to another.
"""

import asyncio
import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from bot.domain.errors import TransientError
from bot.ports.clock import Clock
from bot.ports.keeping import Gauges, Meter
from bot.runtime.background import Background

logger = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
REPEAT_SECONDS = 600.0
DATABASE_SECONDS = 4.0
_MB: Final = 1_000_000
Fields = dict[str, float | str]


class DiskUsage(Protocol):
    """What `shutil.disk_usage` tells, in bytes."""

    @property
    def total(self) -> int: ...
    @property
    def free(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on something is worth a warning."""

    cause_seconds: float = 120.0
    """An event waits for its turn. A long conversation may keep its next message waiting for some of it."""
    delivery_seconds: float = 120.0
    """An effect whose time has come is not in Slack."""
    run_seconds: float = 900.0
    """A run is not finished; turns end after ten minutes by themselves."""
    jump_seconds: float = 2.0
    """The wall clock and the time that really passed differ."""
    low_share: float = 0.02
    """Of the disk is free: a warning."""
    full_bytes: int = 200 * _MB
    """Free: no more events are taken."""
    again_bytes: int = 250 * _MB
    """Free: events are taken again."""


@dataclass(frozen=True, slots=True)
class Health:
    """What there is to tell about this process."""

    warnings: tuple[str, ...] = ()
    numbers: dict[str, float] | None = None


class Monitor:
    """Looks every few seconds. Clocks and disk come in from outside."""

    def __init__(
        self,
        meter: Meter,
        clock: Clock,
        *,
        disk: Path | None = None,
        disk_usage: Callable[[Path], DiskUsage] = shutil.disk_usage,
        monotonic: Clock = time.monotonic,
        thresholds: Thresholds | None = None,
    ) -> None:
        """`disk`: a folder on the disk that holds the database; None when that is another machine's."""
        self._meter = meter
        self._clock = clock
        self._disk = disk
        self._disk_usage = disk_usage
        self._monotonic = monotonic
        self._limits = thresholds or Thresholds()
        self._task = Background("monitor")
        self._told: dict[str, float] = {}
        self._times = (clock(), monotonic())
        self._is_full = False
        self._jumps = 0
        self._free = 0
        self.health = Health()

    def details(self) -> dict[str, object]:
        """For /readyz: what there was to tell at the last look."""
        return {"warnings": list(self.health.warnings), "numbers": self.health.numbers or {}}

    @property
    def is_accepting(self) -> bool:
        """Whether events may be taken."""
        return not self._is_full

    def check(self) -> None:
        """TransientError while no event may be taken: Slack then delivers it again."""
        if self._is_full:
            raise TransientError("the disk with the database is nearly full")

    async def start(self) -> None:
        """Look once, then go on."""
        await self._look_anyway()
        self._task.start(self._go_on())

    async def close(self) -> None:
        """Look no more."""
        await self._task.close()

    async def look(self) -> Health:
        """Take stock, and tell what is new about it."""
        warnings = {**self._clock_warning(), **self._disk_warnings()}
        numbers: dict[str, float] = {"clock_jumps": self._jumps, "disk_free_bytes": self._free}
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                gauges = await self._meter.gauges(self._clock())
        except Exception as error:  # noqa: BLE001 - whatever the database suffers from is what we are here to tell
            warnings["database_unreachable"] = {"error": type(error).__name__}
        else:
            warnings |= self._work_warnings(gauges)
            numbers |= gauges.numbers()
        self._tell(warnings)
        self.health = Health(tuple(sorted(warnings)), numbers)
        return self.health

    def _work_warnings(self, now: Gauges) -> dict[str, Fields]:
        limits, found = self._limits, dict[str, Fields]()
        if now.oldest_cause > limits.cause_seconds:
            found["queue_is_slow"] = {"oldest_seconds": round(now.oldest_cause), "waiting": now.causes_waiting}
        if now.oldest_delivery > limits.delivery_seconds:
            found["delivery_is_slow"] = {
                "oldest_seconds": round(now.oldest_delivery),
                "waiting": now.deliveries_waiting,
            }
        if now.oldest_run > limits.run_seconds:
            found["run_is_slow"] = {"oldest_seconds": round(now.oldest_run), "unfinished": now.runs_unfinished}
        if now.parked or now.deliveries_failed:
            remedy = "deskhand stuck list"
            found["stuck"] = {"causes": now.parked, "deliveries": now.deliveries_failed, "remedy": remedy}
        return found

    def _clock_warning(self) -> dict[str, Fields]:
        before, self._times = self._times, (self._clock(), self._monotonic())
        jump = (self._times[0] - before[0]) - (self._times[1] - before[1])
        if abs(jump) <= self._limits.jump_seconds:
            return {}
        self._jumps += 1
        return {"clock_jumped": {"seconds": round(jump, 1)}}

    def _disk_warnings(self) -> dict[str, Fields]:
        if self._disk is None:
            return {}
        usage, limits = self._disk_usage(self._disk), self._limits
        self._free = usage.free
        self._is_full = usage.free < (limits.again_bytes if self._is_full else limits.full_bytes)
        fields: Fields = {"free_mb": usage.free // _MB}
        if self._is_full:
            return {"disk_is_full": {**fields, "remedy": "free some space; no event is taken until then"}}
        return {"disk_is_low": fields} if usage.free < usage.total * limits.low_share else {}

    def _tell(self, warnings: dict[str, Fields]) -> None:
        now = self._monotonic()
        for name, fields in warnings.items():
            if now - self._told.get(name, -REPEAT_SECONDS) >= REPEAT_SECONDS:
                self._told[name] = now
                logger.warning(f"monitor.{name}", extra={"fields": fields})  # noqa: G004 - the names are ours, above
        for name in self._told.keys() - warnings.keys():
            del self._told[name]
            logger.info("monitor.over", extra={"fields": {"warning": name}})

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self._look_anyway()

    async def _look_anyway(self) -> None:
        try:
            await self.look()
        except Exception:  # a disk that cannot be asked, for instance; the watch goes on
            logger.exception("monitor.failed", extra={"fields": {}})
