"""The days budgets count by, what is granted beyond a limit, and how a run that waits for money is put to people."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.domain.budget import Grant, Limit, Period, Scope, Shortfall, with_grants
from bot.domain.budget_ask import BudgetAsk
from bot.domain.escalation import Origin
from bot.domain.workspace import SETTINGS
from bot.slack.render.card import card
from tests.fakes.cases import open_case, view_of

BERLIN, HAVANA, APIA = ZoneInfo("Europe/Berlin"), ZoneInfo("America/Havana"), ZoneInfo("Pacific/Apia")
LIMIT = Limit(Scope.CONVERSATION, "T1:C1:1.0", Decimal("2"))


def at(zone: ZoneInfo, *when: int, fold: int = 0) -> float:
    return datetime(*when, tzinfo=zone, fold=fold).timestamp()  # type: ignore[misc,arg-type]  # year, month, day, hour


def ask(missing: str = "0.1", limit: Limit = LIMIT) -> BudgetAsk:
    shortfall = Shortfall(limit, limit.usd, Decimal(missing))
    return BudgetAsk("esc1", "run-1", "T1:C1:1.0", shortfall, 0.0)


def test_a_day_begins_at_midnight_of_the_workspace() -> None:
    evening = at(BERLIN, 2026, 11, 21, 23, 30)
    assert Period.DAY.start(evening, BERLIN) == at(BERLIN, 2026, 11, 21)
    assert Period.WEEK.start(evening, BERLIN) == at(BERLIN, 2026, 11, 16)
    assert Period.MONTH.start(evening, BERLIN) == at(BERLIN, 2026, 11, 1)
    assert Period.DAY.start(evening) == at(ZoneInfo("UTC"), 2026, 11, 21)


def test_p4_a_midnight_that_comes_twice_begins_the_day_once() -> None:
    """In Havana the clocks go back from one o'clock to midnight: otherwise that day would have two budgets."""
    first, second = at(HAVANA, 2026, 11, 1, 0, 30), at(HAVANA, 2026, 11, 1, 0, 30, fold=1)
    assert second - first == 3600
    assert Period.DAY.start(second, HAVANA) == Period.DAY.start(first, HAVANA) == at(HAVANA, 2026, 11, 1)


@given(
    now=st.floats(1_700_000_000, 1_900_000_000),
    later=st.floats(0, 40 * 86_400),
    zone=st.sampled_from((BERLIN, HAVANA, APIA)),
    period=st.sampled_from(list(Period)),
)
def test_p4_periods_begin_one_after_another(now: float, later: float, zone: ZoneInfo, period: Period) -> None:
    start = period.start(now, zone)
    assert start <= now
    assert period.start(start, zone) == start
    assert period.start(now + later, zone) >= start


def test_a_grant_raises_its_own_limit_in_its_own_period() -> None:
    today = at(BERLIN, 2026, 11, 21, 12)
    day = Limit(Scope.USER, "U1", Decimal(1), Period.DAY)
    grants = [Grant(Scope.USER, "U1", Period.DAY, Decimal("0.5"), "U9", today)]
    limits = (day, replace(day, subject="U2"), replace(day, period=Period.MONTH), LIMIT)
    raised = with_grants(limits, grants, today, BERLIN)
    assert [limit.usd for limit in raised] == [Decimal("1.5"), Decimal(1), Decimal(1), Decimal(2)]
    assert with_grants(limits, grants, today + 86_400, BERLIN) == limits


@pytest.mark.parametrize(
    ("missing", "offers"), [("0.1", ["0.50", "2.00"]), ("0.6", ["2.00"]), ("2.3", ["2.50"]), ("2.5", ["2.50"])]
)
def test_what_would_not_pay_for_the_next_step_is_not_offered(missing: str, offers: list[str]) -> None:
    assert [str(usd) for usd in ask(missing).offers] == offers


def test_more_for_many_is_for_admins() -> None:
    assert not ask().is_for_admins
    assert not ask(limit=Limit(Scope.USER, "U1", Decimal(1), Period.DAY)).is_for_admins
    assert ask(limit=Limit(Scope.USER, "U1", Decimal(1), Period.MONTH)).is_for_admins
    assert ask(limit=Limit(Scope.WORKSPACE, "T1", Decimal(1), Period.DAY)).is_for_admins


def test_the_card_offers_what_can_be_done_about_the_money_and_nothing_else() -> None:
    case = replace(open_case(None), origin=Origin.BUDGET)
    shown = card(replace(view_of(case), budget_ask=ask("0.6")))
    buttons = [e for block in shown["blocks"] if block["type"] == "actions" for e in block["elements"]]
    assert [b["text"]["text"] for b in buttons] == ["Allow +$2.00", "Take over", "Stop", "View trace"]
    assert [b["action_id"] for b in buttons[:3]] == ["money_allow_more", "esc_take_over", "money_stop"]
    assert buttons[0]["value"] == "esc1@2.00"


def test_a_time_zone_nobody_knows_is_refused() -> None:
    assert SETTINGS.validate_python({"timezone": "Europe/Berlin"}).timezone == "Europe/Berlin"
    with pytest.raises(ValidationError, match="there is no time zone"):
        SETTINGS.validate_python({"timezone": "Mars/Base"})
