"""How the tools are used, how they fail, how long they take, and which are left alone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from aiohttp import web

from bot.domain.browsing import BreakerRow
from bot.domain.histogram import Histogram
from bot.domain.insight import Figures, ToolDay
from bot.ports.browsing import BreakerShelf
from bot.ports.clock import Clock
from bot.ports.insight import Insight
from bot.web.dashboard import asked
from bot.web.dashboard.frame import VIEWER, ZONE, render

PATH = "/tools"
DAYS = 30
_MOST_DAYS = 366
_FAILED = "failed."
_MEDIAN, _SLOW = 0.5, 0.95


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One tool over some days."""

    name: str
    total: Figures
    days: tuple[tuple[date, int, int], ...]
    """(day, calls, failures), oldest first."""

    @property
    def calls(self) -> int:
        """All."""
        return self.total.get("calls")

    @property
    def errors(self) -> Mapping[str, int]:
        """By class, the most frequent first."""
        found = {name[len(_FAILED) :]: n for name, n in self.total.counts.items() if name.startswith(_FAILED) and n}
        return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))

    @property
    def failures(self) -> int:
        """All."""
        return sum(self.errors.values())

    @property
    def took(self) -> Histogram:
        """How long calls took."""
        return self.total.waits("took")

    @property
    def median(self) -> float | None:
        """Seconds that half of the calls did not exceed."""
        return self.took.percentile(_MEDIAN)

    @property
    def slow(self) -> float | None:
        """Seconds that 19 of 20 calls did not exceed."""
        return self.took.percentile(_SLOW)

    @property
    def busiest(self) -> int:
        """Calls of the day with most."""
        return max((calls for _, calls, _ in self.days), default=0)


class ToolsPage:
    """Answers `/tools`."""

    def __init__(self, insight: Insight, breakers: BreakerShelf, clock: Clock) -> None:
        self._insight = insight
        self._breakers = breakers
        self._clock = clock

    async def show(self, request: web.Request) -> web.StreamResponse:
        """For the days of its address."""
        now = self._clock()
        days = asked.number(request.query, "days", DAYS, _MOST_DAYS)
        last = datetime.fromtimestamp(now, request[ZONE]).date()
        first = last - timedelta(days=days - 1)
        rows = await self._insight.tools(request[VIEWER].team_id, first, last)
        breakers = await self._breakers.breakers()
        return render(
            request,
            "tools.html",
            tools=by_tool(rows, first, last),
            breakers=sorted(breakers, key=lambda one: (not is_open(one, now), one.name)),
            is_open=is_open,
            days=days,
            first=first,
            now=now,
        )


def by_tool(rows: Sequence[ToolDay], first: date, last: date) -> list[ToolUse]:
    """The most used first, with a number for every day."""
    names = sorted({row.tool for row in rows})
    every_day = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    found = [_use(name, {row.day: row.figures for row in rows if row.tool == name}, every_day) for name in names]
    return sorted(found, key=lambda one: (-one.calls, one.name))


def _use(name: str, by_day: Mapping[date, Figures], every_day: Sequence[date]) -> ToolUse:
    total: Counter[str] = Counter()
    for figures in by_day.values():
        total.update(figures.counts)
    nothing = Figures()
    days = ((day, ToolUse(name, by_day.get(day, nothing), ())) for day in every_day)
    return ToolUse(name, Figures(total), tuple((day, one.calls, one.failures) for day, one in days))


def is_open(breaker: BreakerRow, now: float) -> bool:
    """Whether calls are kept from it."""
    return breaker.until is not None and breaker.until > now


def routes(insight: Insight, breakers: BreakerShelf, clock: Clock) -> list[web.RouteDef]:
    """What this module answers."""
    return [web.get(PATH, ToolsPage(insight, breakers, clock).show)]
