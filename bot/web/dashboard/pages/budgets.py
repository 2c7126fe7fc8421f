"""Limits and what is used of them; who changed what, and who asked for more."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from aiohttp import web

from bot.domain.browsing import BudgetView
from bot.domain.budget import EVERY, Scope
from bot.ports.browsing import Around, BudgetShelf
from bot.ports.clock import Clock
from bot.web.dashboard.frame import VIEWER, ZONE, render

PATH = "/budgets"


class BudgetsPage:
    """Answers `/budgets`."""

    def __init__(self, shelf: BudgetShelf, around: Around, clock: Clock) -> None:
        self._shelf = shelf
        self._around = around
        self._clock = clock

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Everything about money but the figures, which stand on the first page."""
        team_id, zone = request[VIEWER].team_id, request[ZONE]
        key = zone.key if isinstance(zone, ZoneInfo) else "UTC"
        view = await self._shelf.budgets(team_id, now=self._clock(), zone=key)
        names = await self._around.people(team_id, set(_people(view)))
        channels = await self._around.channels(team_id, set(_channels(view)))
        return render(request, "budgets.html", view=view, names=names, channel_names=channels)


def _people(view: BudgetView) -> Iterator[str]:
    """Ids of everybody who is named."""
    for rows in (view.changes, view.grants, view.pauses, view.mutes):
        yield from (row.by for row in rows if row.by)
    yield from (entry.actor for entry in view.switches if entry.actor)
    for use in view.limits:
        if use.limit.scope is Scope.USER:
            yield from (use.most if use.limit.subject == EVERY else (use.limit.subject,))


def _channels(view: BudgetView) -> Iterator[str]:
    """Ids of all channels that are named."""
    for use in view.limits:
        if use.limit.scope is Scope.CHANNEL:
            yield from (use.most if use.limit.subject == EVERY else (use.limit.subject,))
    yield from (pause.channel_id for pause in view.pauses if pause.channel_id)
    yield from (mute.subject for mute in view.mutes if mute.is_of_channel)


def routes(shelf: BudgetShelf, around: Around, clock: Clock) -> list[web.RouteDef]:
    """What this module answers."""
    return [web.get(PATH, BudgetsPage(shelf, around, clock).show)]
