"""What admins fill into the form for a limit, what is told when it makes no sense; and the days of the trend."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from bot.desk.budget_words import SetLimit
from bot.desk.money_desk import read_limit
from bot.desk.money_report import days_back
from bot.domain.budget import Period, Scope
from bot.domain.reports import Asker, Field, FilledIn

BERLIN = ZoneInfo("Europe/Berlin")
LINK = "https://fernway.slack.com/archives/C0SUPPORT/p1763700000000100"


def form(**values: str) -> FilledIn:
    filled = {"scope": "workspace", "amount": "5", "period": "month"} | values
    return FilledIn("T1", Asker("T1", "U1"), {Field(name): value for name, value in filled.items()})


@pytest.mark.parametrize(
    ("filled", "scope", "subject", "period"),
    [
        (form(), Scope.WORKSPACE, None, Period.MONTH),
        (form(scope="user", period="day"), Scope.USER, None, Period.DAY),
        (form(scope="user", person="U9"), Scope.USER, "U9", Period.MONTH),
        (form(scope="channel", channel="C9", period="week"), Scope.CHANNEL, "C9", Period.WEEK),
        (form(scope="conversation", period="total"), Scope.CONVERSATION, None, Period.TOTAL),
        (
            form(scope="conversation", conversation=LINK, period="total"),
            Scope.CONVERSATION,
            "T1:C0SUPPORT:1763700000.000100",
            Period.TOTAL,
        ),
    ],
)
def test_what_stays_empty_means_every_one(filled: FilledIn, scope: Scope, subject: str | None, period: Period) -> None:
    assert read_limit(filled) == SetLimit(scope, subject, Decimal(5), period)


def test_off_removes_a_limit() -> None:
    assert read_limit(form(amount="off")) == SetLimit(Scope.WORKSPACE, None, None, Period.MONTH)


@pytest.mark.parametrize(
    ("filled", "wrong"),
    [
        (form(amount="much"), {Field.AMOUNT}),
        (form(amount="0"), {Field.AMOUNT}),
        (form(period="total"), {Field.PERIOD}),
        (form(person="U9"), {Field.PERSON}),
        (form(scope="user", person="U9", channel="C9"), {Field.CHANNEL}),
        (form(scope="conversation", conversation="the one of yesterday"), {Field.CONVERSATION}),
        (form(scope="channel", person="U9", period="total", amount="-1"), {Field.PERSON, Field.PERIOD, Field.AMOUNT}),
    ],
)
def test_every_mistake_is_told_at_once_and_beside_its_field(filled: FilledIn, wrong: set[Field]) -> None:
    told = read_limit(filled)
    assert isinstance(told, dict)
    assert set(told) == wrong
    assert all(sentence.endswith(".") and "`" not in sentence for sentence in told.values())


@pytest.mark.parametrize("today", [datetime(2025, 10, 30, 12, tzinfo=BERLIN), datetime(2026, 4, 2, 1, tzinfo=BERLIN)])
def test_the_trends_days_begin_at_midnight_there_also_when_the_clocks_change(today: datetime) -> None:
    days = [datetime.fromtimestamp(at, BERLIN) for at in days_back(today.timestamp(), 14, BERLIN)]
    assert {(day.hour, day.minute) for day in days} == {(0, 0)}
    assert [(today.date() - day.date()).days for day in days] == list(range(14))
