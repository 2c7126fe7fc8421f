"""What is drawn on the overview says the same in numbers."""

import re
from datetime import date, timedelta

import pytest

from bot.domain.insight import Figures, Overview, Selection
from bot.web.dashboard import charts, words
from bot.web.dashboard.charts import Series
from bot.web.dashboard.pages.overview import chosen
from bot.web.dashboard.trends import spots_of, trends

TODAY = date(2026, 11, 21)
HALF, TENTH = "50\N{NARROW NO-BREAK SPACE}%", "10\N{NARROW NO-BREAK SPACE}%"


def overview(days: int) -> Overview:
    """Ever more conversations, of which ever more are resolved."""
    figures = [
        (TODAY - timedelta(days=days - 1 - n), Figures({"conversations": 10, "resolved": min(10, n), "sign.3": 10}))
        for n in range(days)
    ]
    return Overview(Selection(figures[0][0], TODAY), figures[-1][1], Figures(), tuple(figures))


def test_a_chart_tells_who_cannot_see_it_what_it_shows() -> None:
    drawn = charts.lines(
        "Shares & <b>", ["1 Nov", "2 Nov", "3 Nov"], [Series("up", [0.1, None, 0.5])], words.percent, top=1
    )
    assert 'role="img"' in drawn.svg
    assert "Shares &amp; &lt;b&gt;. up: between 10" in drawn.svg
    assert "last 50" in drawn.svg
    assert "style" not in drawn.svg
    assert drawn.as_table == [("3 Nov", [HALF]), ("2 Nov", ["—"]), ("1 Nov", [TENTH])]


def test_a_day_without_a_number_leaves_a_gap() -> None:
    drawn = charts.lines("x", ["a", "b", "c", "d"], [Series("y", [1.0, 2.0, None, 2.0])], words.number)
    [path] = re.findall(r' d="([^"]+)"', drawn.svg)
    assert path.count("M") == 2


@pytest.mark.parametrize(("days", "points"), [(1, 1), (14, 14), (92, 92), (365, 53)])
def test_many_days_are_drawn_as_weeks_and_lose_nothing(days: int, points: int) -> None:
    spots = spots_of(overview(days))
    assert len(spots) == points
    assert sum(spot.figures.conversations for spot in spots) == 10 * days
    assert {len(chart.labels) for chart in trends(overview(days)).values()} == {points}


def test_a_limit_that_is_exceeded_is_drawn_inside() -> None:
    svg = charts.meter("Today", "$6 of $5", 6.0, 5.0)
    assert 'class="over"' in svg
    assert float(re.findall(r'class="limit" x="([\d.]+)"', svg)[0]) < 1000


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ({}, date(2026, 10, 23), TODAY),
        ({"from": "2026-11-01"}, date(2026, 11, 1), TODAY),
        ({"from": "2026-11-10", "to": "2026-11-01"}, date(2026, 11, 1), date(2026, 11, 1)),
        ({"from": "nonsense", "to": "2999-01-01"}, date(2026, 10, 23), TODAY),
        ({"from": "2000-01-01"}, TODAY - timedelta(days=399), TODAY),
    ],
    ids=str,
)
def test_whatever_an_address_says_there_is_a_range_of_days(query: dict[str, str], first: date, last: date) -> None:
    assert (chosen(query, TODAY).first, chosen(query, TODAY).last) == (first, last)


def test_numbers_are_written_for_people() -> None:
    told = [words.duration(seconds) for seconds in (None, 0.154, 4.25, 60, 200, 7500, 90_000)]
    assert told == ["—", "154 ms", "4.2 s", "1 min", "3 min 20 s", "2 h 5 min", "1 d 1 h"]
    assert [words.within(seconds) for seconds in (None, 0.1, 0.3)] == ["—", "under 100 ms", "300 ms"]
    assert [words.dollars(value) for value in (0, 0.5, 2.5, 0.025)] == ["$0", "$0.50", "$2.50", "$0.025"]
    assert words.channel("C1", {"C1": "sup\u202eport"}) == "#support"
    assert words.number(1234.0) == "1,234"
    assert words.number(3.46) == "3.5"
