"""The help centre as its authors look at it: what to write next, what to look after."""

from datetime import datetime, timedelta

from aiohttp import web

from bot.ports.browsing import KnowledgeShelf
from bot.ports.clock import Clock
from bot.web.dashboard import asked
from bot.web.dashboard.frame import VIEWER, ZONE, render

PATH = "/knowledge"
DAYS = 30
STALE_DAYS = 180
_MOST_DAYS = 3650
_DAY = 86_400.0


class KnowledgePage:
    """Answers `/knowledge`."""

    def __init__(self, shelf: KnowledgeShelf, clock: Clock) -> None:
        self._shelf = shelf
        self._clock = clock

    async def show(self, request: web.Request) -> web.StreamResponse:
        """For the days of its address."""
        days = asked.number(request.query, "days", DAYS, _MOST_DAYS)
        stale_days = asked.number(request.query, "stale", STALE_DAYS, _MOST_DAYS)
        now = self._clock()
        stale_before = datetime.fromtimestamp(now, request[ZONE]).date() - timedelta(days=stale_days)
        view = await self._shelf.knowledge(
            request[VIEWER].team_id, since=now - days * _DAY, stale_before=stale_before.isoformat()
        )
        return render(request, "knowledge.html", view=view, days=days, stale_days=stale_days, now=now)


def routes(shelf: KnowledgeShelf, clock: Clock) -> list[web.RouteDef]:
    """What this module answers."""
    return [web.get(PATH, KnowledgePage(shelf, clock).show)]
