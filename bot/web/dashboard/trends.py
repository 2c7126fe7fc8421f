"""The charts of the overview: what of a workspace's figures is drawn, and at which grain.

Many days are drawn as weeks. Shares of conversations are those of the last seven days at each point (once there are
more than fourteen): on a quiet Sunday a single conversation would make a peak of a hundred percent.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bot.domain.insight import Figures, Overview
from bot.web.dashboard import charts, words
from bot.web.dashboard.charts import Chart, Series

BY_WEEK = 92
"""Days from which on a point is a week."""
SMOOTHED = 14
"""Days from which on a share is that of seven days."""
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Spot:
    """A point of the charts: a day, or a week by its first day."""

    label: str
    figures: Figures


def trends(overview: Overview) -> Mapping[str, Chart]:
    """Every chart, by name."""
    spots = spots_of(overview)
    labels = [spot.label for spot in spots]

    def one(name: str, value: Callable[[Figures], float | Decimal | None]) -> Series:
        return Series(name, [_number(value(spot.figures)) for spot in spots])

    costs = [one("per resolved", lambda f: f.cost_each("resolved"))]
    costs.append(one("per escalated", lambda f: f.cost_each("escalated")))
    return {
        "shares": _shares(spots, labels, is_smooth=SMOOTHED < len(overview.days) <= BY_WEEK),
        "sign": charts.lines("To the first sign", labels, _waits(spots, "sign"), words.duration),
        "answer": charts.lines("To the answer", labels, _waits(spots, "answer"), words.duration),
        "costs": charts.lines("Cost of a conversation", labels, costs, words.dollars),
        "steps": charts.lines(
            "Steps of a conversation", labels, [one("steps", lambda f: f.steps_each)], words.number
        ),
        "spent": charts.bars("Spent", labels, one("spent", lambda f: f.spent), words.dollars, color=4),
        "conversations": charts.bars(
            "Conversations", labels, one("conversations", lambda f: f.conversations), words.number
        ),
    }  # fmt: skip


def spots_of(overview: Overview) -> list[Spot]:
    """Days, or weeks when there are many of them."""
    days = overview.days
    if len(days) <= BY_WEEK:
        return [Spot(words.day(day), figures) for day, figures in days]
    weeks = [days[start : start + _WEEK] for start in range(0, len(days), _WEEK)]
    return [Spot(f"week from {words.day(week[0][0])}", added([one for _, one in week])) for week in weeks]


def added(some: Sequence[Figures]) -> Figures:
    """Several days as one."""
    total: Counter[str] = Counter()
    for figures in some:
        total.update(figures.counts)
    return Figures(total)


def _shares(spots: Sequence[Spot], labels: Sequence[str], *, is_smooth: bool) -> Chart:
    recent = [spot.figures for spot in spots]
    if is_smooth:
        recent = [added(recent[max(0, number + 1 - _WEEK) : number + 1]) for number in range(len(recent))]
    named = {"Resolved by the bot": "resolved", "A person involved": "involved", "Escalated": "escalated"}
    drawn = [Series(name, [figures.share(kind) for figures in recent]) for name, kind in named.items()]
    title = "Share of the conversations of seven days" if is_smooth else "Share of the conversations"
    return charts.lines(title, labels, drawn, words.percent, top=1.0)


def _waits(spots: Sequence[Spot], kind: str) -> list[Series]:
    found = [spot.figures.waits(kind) for spot in spots]
    return [
        Series(name, [one.percentile(share) for one in found]) for name, share in (("half within", 0.5), ("95 %", 0.95))
    ]


def _number(value: float | Decimal | None) -> float | None:
    return None if value is None else float(value)
