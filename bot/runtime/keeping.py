"""Housekeeping: every night, what is older than it is to be kept is deleted, a little at a time.

A process that slept through the hour, or starts after it, does it then. Of several processes one does it.
"""

import asyncio
import logging
from dataclasses import dataclass

from bot.ports.clock import Clock
from bot.ports.keeping import Ages, Archive
from bot.runtime.background import Background
from bot.runtime.nights import Night

logger = logging.getLogger(__name__)

DAY = 86_400.0
EVERY_SECONDS = 600.0
"""Between two looks at the clock."""
FIRST_SECONDS = 60.0
"""After a start others have more urgent things to do."""
SETTLED_SECONDS = 3600.0
"""After so long no older process commits an audit entry in front of one that is there."""
PAUSE_SECONDS = 0.1
"""Between two transactions, for everybody else."""


@dataclass(frozen=True, slots=True)
class KeepDays:
    """Days for which things are kept after the last sign of life; 0 keeps them for ever."""

    events: int = 14
    traces: int = 90
    conversations: int = 365
    costs: int = 400
    left: int = 30
    """Everything of a workspace that removed the app."""

    def ages(self, now: float) -> Ages:
        """The moments before which things are old."""
        return Ages(*(_before(days, now) for days in (self.events, self.traces, self.conversations, self.costs)))


class Keeper:
    """Clears the archive."""

    def __init__(
        self,
        archive: Archive,
        clock: Clock,
        keep: KeepDays,
        *,
        night: Night | None = None,
        home: str = "",
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        """`home`: the workspace of SLACK_BOT_TOKEN, which never counts as having left."""
        self._archive = archive
        self._clock = clock
        self._keep = keep
        self._night = night or Night()
        self._home = home
        self._pause_seconds = pause_seconds
        self._task = Background("housekeeping")

    def start(self) -> None:
        """Begin a minute from now, if last night was missed."""
        self._task.start(self._go_on())

    async def close(self) -> None:
        """Stop after the transaction under way."""
        await self._task.close()

    async def tidy(self) -> dict[str, int]:
        """Delete everything that is old; how many rows of which kind."""
        now = self._clock()
        deleted = {shelf: await self._clear(shelf, self._keep.ages(now)) for shelf in self._archive.shelves}
        for team_id in await self._archive.left(_before(self._keep.left, now)):
            if team_id != self._home:
                rows = await self._archive.delete_workspace(team_id)
                logger.info("keeping.workspace_deleted", extra={"fields": {"team": team_id, "rows": rows}})
        await self._archive.anchor(now - SETTLED_SECONDS)
        cleared = {shelf: rows for shelf, rows in deleted.items() if rows}
        if cleared:
            logger.info("keeping.cleared", extra={"fields": cleared})
        return cleared

    async def tidy_if_due(self) -> bool:
        """Do it, unless it was done (or begun by another process) since the hour came."""
        now = self._clock()
        if not await self._archive.begin_night(now, since=self._night.last(now)):
            return False
        try:
            await self.tidy()
        except BaseException:
            await self._archive.forget_night()
            raise
        return True

    async def _clear(self, shelf: str, ages: Ages) -> int:
        deleted, after = 0, None
        while True:
            batch = await self._archive.clear(shelf, ages, after)
            if batch is None:  # another process is at it
                return deleted
            deleted += batch.deleted
            if batch.after is None:
                return deleted
            after = batch.after
            await asyncio.sleep(self._pause_seconds)

    async def _go_on(self) -> None:
        await asyncio.sleep(FIRST_SECONDS)
        while True:
            try:
                await self.tidy_if_due()
            except Exception:  # the database may be away for a while; what is old waits
                logger.exception("keeping.failed", extra={"fields": {}})
            await asyncio.sleep(EVERY_SECONDS)


def _before(days: int, now: float) -> float:
    return now - days * DAY if days else 0.0
