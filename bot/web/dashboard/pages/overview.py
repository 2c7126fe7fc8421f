"""The first page: how well the bot does, how fast, and what it costs."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from aiohttp import web

from bot.domain.insight import DIRECT, MEANINGS, Overview, Selection
from bot.ports.browsing import Around, CaseShelf
from bot.ports.clock import Clock
from bot.ports.insight import Insight
from bot.web.dashboard import asked, words
from bot.web.dashboard.frame import VIEWER, ZONE, link, render
from bot.web.dashboard.lists import outcome
from bot.web.dashboard.pages.escalations import waiting
from bot.web.dashboard.trends import trends

DAYS = 30
"""Shown when nothing was chosen."""
MOST_DAYS = 400
PRESETS = ((7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "a year"))


class OverviewPage:
    """Answers `/`."""

    def __init__(self, insight: Insight, cases: CaseShelf, around: Around, clock: Clock) -> None:
        self._insight = insight
        self._cases = cases
        self._around = around
        self._clock = clock

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The page, for the days (and channel, profile, prompt) of its address."""
        now, team_id = self._clock(), request[VIEWER].team_id
        today = datetime.fromtimestamp(now, request[ZONE]).date()
        selection = chosen(request.query, today)
        overview = await self._insight.overview(team_id, selection)
        named = {*overview.choices.channels, selection.channel_id} - {DIRECT, ""}
        names = await self._around.channels(team_id, named)
        live = waiting(await self._cases.live(team_id), await self._around.service(team_id), now)
        return render(
            request,
            "overview.html",
            overview=overview,
            unanswered=[one for one in live if one.deadline is not None],
            taken_over=sum(1 for one in live if one.deadline is None),
            now=now,
            today=today,
            query=request.query,
            presets=_presets(request.query, selection, today),
            is_narrowed=bool(selection.channel_id or selection.profile or selection.prompt_version),
            options=_options(overview, names),
            charts_of=trends(overview),
            outcomes=[(outcome(one), count) for one, count in overview.total.runs.items()],
            change=change,
            meanings=MEANINGS,
            names=names,
        )


def chosen(query: Mapping[str, str], today: date) -> Selection:
    """Days and filters of an address; nonsense in it counts as nothing."""
    last = min(asked.day(query, "to") or today, today)
    first = asked.day(query, "from") or last - timedelta(days=DAYS - 1)
    first = max(min(first, last), last - timedelta(days=MOST_DAYS - 1))
    return Selection(
        first, last, asked.text(query, "channel"), asked.text(query, "profile"), asked.text(query, "version")
    )


def change(now: float | None, before: float | None) -> str:
    """How a share differs from that of the days before; empty when one of them is missing."""
    if now is None or before is None:
        return ""
    points = round(now * 100) - round(before * 100)
    if not points:
        return "as before"
    return f"{abs(points)} {'point' if abs(points) == 1 else 'points'} {'up' if points > 0 else 'down'}"


def _presets(query: Mapping[str, str], selection: Selection, today: date) -> list[tuple[str, str, bool]]:
    """(words, address, whether it is the one shown)."""
    return [
        (
            name,
            asked.address(link("/"), query, **{"from": (today - timedelta(days=days - 1)).isoformat(), "to": ""}),
            replace(selection, first=today - timedelta(days=days - 1), last=today) == selection,
        )
        for days, name in PRESETS
    ]


def _options(overview: Overview, names: Mapping[str, str]) -> Mapping[str, list[tuple[str, str]]]:
    choices = overview.choices
    return {
        "channel": [(one, words.channel(one, names)) for one in choices.channels],
        "profile": [(one, one) for one in choices.profiles],
        "version": [(one, words.version(one)) for one in choices.prompt_versions],
    }


def routes(insight: Insight, cases: CaseShelf, around: Around, clock: Clock) -> list[web.RouteDef]:
    """What this module answers."""
    return [web.get("/", OverviewPage(insight, cases, around, clock).show)]
