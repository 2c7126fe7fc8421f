"""Business hours: weekends, holidays, changes of clocks, and what must hold for any hours."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import prompts
from bot.domain.hours import ALWAYS, Hours, Span, words_of_moment

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
OFFICE = Span(9 * 60, 17 * 60)
HOUR = 3600.0


def office(zone: ZoneInfo = BERLIN, *holidays: date) -> Hours:
    return Hours(zone, dict.fromkeys(range(5), (OFFICE,)), frozenset(holidays))


def at(text: str, zone: ZoneInfo = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def shown(hours: Hours, moment: float) -> str:
    return hours.local(moment).strftime("%a %Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("since", "hours", "then"),
    [
        ("2026-11-18 10:00", 1, "Wed 2026-11-18 11:00"),
        ("2026-11-18 10:00", 7, "Wed 2026-11-18 17:00"),
        ("2026-11-18 16:30", 1, "Thu 2026-11-19 09:30"),
        ("2026-11-20 16:30", 1, "Mon 2026-11-23 09:30"),
        ("2026-11-21 12:00", 1, "Mon 2026-11-23 10:00"),
        ("2026-11-21 12:00", 0, "Mon 2026-11-23 09:00"),
        ("2026-11-18 03:00", 8, "Wed 2026-11-18 17:00"),
        ("2026-12-24 16:00", 2, "Mon 2026-12-28 10:00"),
    ],
)
def test_business_time_stands_still_at_night_at_weekends_and_on_holidays(since: str, hours: int, then: str) -> None:
    week = office(BERLIN, date(2026, 12, 25))
    assert shown(week, week.add(at(since), hours * HOUR)) == then


def test_a_night_shift_over_a_change_of_clocks_is_as_long_as_it_really_is() -> None:
    round_the_clock = Hours(BERLIN, dict.fromkeys(range(7), (Span(0, 24 * 60),)))
    spring, autumn = at("2026-03-29 00:00"), at("2026-10-25 00:00")
    assert shown(round_the_clock, round_the_clock.add(spring, 4 * HOUR)) == "Sun 2026-03-29 05:00"
    assert shown(round_the_clock, round_the_clock.add(autumn, 4 * HOUR)) == "Sun 2026-10-25 03:00"
    assert round_the_clock.between(spring, at("2026-03-30 00:00")) == 23 * HOUR
    assert round_the_clock.between(autumn, at("2026-10-26 00:00")) == 25 * HOUR


def test_office_hours_keep_their_local_time_over_a_change_of_clocks() -> None:
    week = office(NEW_YORK)
    friday = at("2026-10-30 16:00", NEW_YORK)
    assert shown(week, week.add(friday, 2 * HOUR)) == "Mon 2026-11-02 10:00"
    assert week.add(friday, 2 * HOUR) - friday == 67 * HOUR


def test_an_opening_in_the_hour_that_is_left_out_is_the_moment_after_it() -> None:
    early = Hours(BERLIN, {6: (Span(2 * 60 + 30, 6 * 60),)})
    assert shown(early, early.opens_after(at("2026-03-28 12:00"))) == "Sun 2026-03-29 03:30"


def test_a_lunch_break_is_no_business_time() -> None:
    week = Hours(BERLIN, {2: (Span(9 * 60, 12 * 60), Span(13 * 60, 17 * 60))})
    noon = at("2026-11-18 12:30")
    assert not week.is_open(noon)
    assert week.between(at("2026-11-18 08:00"), at("2026-11-18 18:00")) == 7 * HOUR
    assert shown(week, week.add(at("2026-11-18 11:00"), 2 * HOUR)) == "Wed 2026-11-18 14:00"


def test_without_any_hours_somebody_is_always_there() -> None:
    assert ALWAYS.is_open(0.0)
    assert ALWAYS.add(5.0, 10.0) == 15.0
    assert ALWAYS.between(5.0, 3.0) == 0.0


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ("2026-11-18 07:00", "today at 09:00 (Berlin time)"),
        ("2026-11-18 19:00", "tomorrow at 09:00 (Berlin time)"),
        ("2026-11-20 19:00", "Monday at 09:00 (Berlin time)"),
        ("2026-12-23 19:00", "Monday, 4 January at 09:00 (Berlin time)"),
    ],
)
def test_an_opening_is_told_in_words(now: str, words: str) -> None:
    closed = [date(2026, 12, day) for day in range(24, 32)] + [date(2027, 1, 1)]
    week = office(BERLIN, *closed)
    assert words_of_moment(week, week.opens_after(at(now)), now=at(now), words=prompts.sentences()) == words


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="begins before it ends"):
        Span(17 * 60, 9 * 60)


SPANS = st.lists(st.integers(0, 1440), min_size=2, max_size=6, unique=True).map(
    lambda ends: tuple(Span(a, b) for a, b in zip(sorted(ends)[::2], sorted(ends)[1::2], strict=False))
)
ANY_HOURS = st.builds(
    Hours,
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]).map(ZoneInfo),
    st.dictionaries(st.integers(0, 6), SPANS, min_size=1),
    st.frozensets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=20),
)
MOMENTS = st.floats(at("2026-01-01"), at("2026-12-31")).map(round)
SECONDS = st.integers(0, 40 * 3600)


@given(ANY_HOURS, MOMENTS, SECONDS, SECONDS)
def test_waiting_in_two_parts_takes_as_long_as_in_one(hours: Hours, now: float, one: int, other: int) -> None:
    assert hours.add(hours.add(now, one), other) == pytest.approx(hours.add(now, one + other))


@given(ANY_HOURS, MOMENTS, SECONDS)
def test_what_was_waited_is_what_was_to_be_waited(hours: Hours, now: float, seconds: int) -> None:
    then = hours.add(now, seconds)
    assert then >= now
    assert hours.between(now, then) == pytest.approx(seconds)
    assert seconds == 0 or not hours.between(now, then - 1) >= seconds


@given(ANY_HOURS, MOMENTS)
def test_it_opens_at_the_first_moment_somebody_is_there(hours: Hours, now: float) -> None:
    opens = hours.opens_after(now)
    assert hours.is_open(opens)
    assert hours.between(now, opens) == 0
    assert hours.is_open(now) == (opens == now)
