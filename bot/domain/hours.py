"""Business hours: when somebody is there, and which moment comes so many business seconds later.

A week is spans of local time per weekday; holidays have none. Days are turned into moments one by one in their time
zone, so a day with a change of clocks is as long as it really is. Moments are unix seconds.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY_MINUTES = 24 * 60
_WEEK = 7
_NEAR = ("moment_today", "moment_tomorrow")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Part of a day, in minutes since midnight; ends at 24:00 at the latest."""

    opens: int
    closes: int

    def __post_init__(self) -> None:
        if not 0 <= self.opens < self.closes <= DAY_MINUTES:
            raise ValueError("a span begins before it ends, between 00:00 and 24:00")


@dataclass(frozen=True)
class Hours:
    """When somebody is there. A week without any span counts as always open: nothing would ever be due."""

    zone: ZoneInfo
    week: Mapping[int, Sequence[Span]] = field(default_factory=dict)
    """Spans by weekday (Monday 0), in order and without overlap; a day that is missing is closed."""
    holidays: frozenset[date] = frozenset()

    @property
    def is_always(self) -> bool:
        """Whether there is no moment at which nobody is there."""
        return not any(self.week.values())

    def is_open(self, at: float) -> bool:
        """Whether somebody is there."""
        return self.is_always or self.opens_after(at) <= at

    def opens_after(self, at: float) -> float:
        """The moment itself when somebody is there, else the next at which somebody is."""
        if self.is_always:
            return at
        return max(at, next(self._open_from(at))[0])

    def add(self, at: float, seconds: float) -> float:
        """The moment after so many business seconds; with none, the next moment at which somebody is there."""
        if self.is_always:
            return at + seconds
        for begins, ends in self._open_from(at):
            begin = max(begins, at)
            if seconds <= ends - begin:
                return begin + seconds
            seconds -= ends - begin
        raise AssertionError("the days to come have no end")

    def between(self, since: float, until: float) -> float:
        """Business seconds between two moments; 0 when the second is not later."""
        if self.is_always or until <= since:
            return max(0.0, until - since)
        total = 0.0
        for begins, ends in self._open_from(since):
            if begins >= until:
                break
            total += min(ends, until) - max(begins, since)
        return total

    def local(self, at: float) -> datetime:
        """The moment as clocks show it there."""
        return datetime.fromtimestamp(at, self.zone)

    def _open_from(self, at: float) -> Iterator[tuple[float, float]]:
        """Spans as moments, from the first that ends after `at`."""
        today, free_from = self.local(at).date(), float("-inf")
        for days in itertools.count(-1):  # a span of the day before may end at its midnight, which is today's
            day = today + timedelta(days=days)
            if day in self.holidays:
                continue
            for span in self.week.get(day.weekday(), ()):
                begins, ends = self._moment(day, span.opens), self._moment(day, span.closes)
                begins = max(begins, free_from)  # times in an hour that is left out are taken for later ones
                if ends > max(at, begins):
                    free_from = ends
                    yield begins, ends

    def _moment(self, day: date, minutes: int) -> float:
        extra, minutes = divmod(minutes, DAY_MINUTES)
        at = time(minutes // 60, minutes % 60)
        return datetime.combine(day + timedelta(days=extra), at, self.zone).timestamp()


ALWAYS = Hours(ZoneInfo("UTC"))


def words_of_moment(hours: Hours, at: float, *, now: float, words: Mapping[str, str]) -> str:
    """A moment for people: `today at 14:30`, `Monday at 09:00`, `Monday, 4 January at 09:00`, with the zone's place.

    `words`: templates and names in the reader's language, by the names they have in `prompts/sentences`.
    """
    then, today = hours.local(at), hours.local(now).date()
    days = (then.date() - today).days
    if days < len(_NEAR):
        template = words[_NEAR[max(days, 0)]]
    else:
        template = words["moment_weekday" if days < _WEEK else "moment_date"]
    return template.format(
        weekday=words["weekdays"].split(", ")[then.weekday()],
        day=then.day,
        month=words["months"].split(", ")[then.month - 1],
        time=f"{then:%H:%M}",
        place=_place(hours.zone, words),
    )


def _place(zone: ZoneInfo, words: Mapping[str, str]) -> str:
    if "/" not in zone.key:
        return zone.key
    return words["place_time"].format(city=zone.key.rpartition("/")[2].replace("_", " "))
