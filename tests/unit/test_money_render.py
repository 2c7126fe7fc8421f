"""The money desk on the screen: bars, trend, forms and Home tab, within Slack's limits whatever they are given."""

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.audit import AuditEntry
from bot.domain.bot_pause import BotPause
from bot.domain.budget import BudgetChange, Limit, Period, Scope, Spend
from bot.domain.money import show_share
from bot.domain.reports import BudgetReport, DayCost, Gauge, HomePage, OwnConversation, TalkState
from bot.sandbox.strict import block_problems, view_problems
from bot.slack.render.budget import report_message
from bot.slack.render.home import home_view
from bot.slack.render.money_forms import limit_form, pause_form, told_window

AT = 1764000000.0
FIRST = date(2025, 11, 11)
SPENT = Spend(Decimal("0.42"), steps=3)
GAUGES = (
    Gauge(Scope.WORKSPACE, Period.DAY, Decimal("1.20"), Decimal(5)),
    Gauge(Scope.WORKSPACE, Period.MONTH, Decimal("12.30")),
    Gauge(Scope.USER, Period.DAY, Decimal("0.10"), Decimal("0.10")),
)
TREND = tuple(DayCost(FIRST + timedelta(days=n), Decimal(n) / 10) for n in range(14))
REPORT = BudgetReport(GAUGES, trend=TREND)
ADMINS = replace(REPORT, may_change=True)
MINE = OwnConversation(
    channel_id="C0SUPPORT", is_direct=False, opened_at=AT, state=TalkState.BOT, spend=SPENT, limit=Decimal(2),
    link="https://x.example/p1",
)  # fmt: skip


def shown(view_or_message: object) -> str:
    return json.dumps(view_or_message, ensure_ascii=False)


def buttons(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["text"]["text"]] if value.get("type") == "button" else []
        return own + [label for part in value.values() for label in buttons(part)]
    return [label for part in value for label in buttons(part)] if isinstance(value, list) else []


@pytest.mark.parametrize(
    ("used", "limit", "bar"),
    [
        ("0", "5", "░░░░░░░░░░ 0%"),
        ("0.001", "5", "█░░░░░░░░░ 1%"),
        ("1.70", "5", "███░░░░░░░ 34%"),
        ("4.99", "5", "█████████░ 99%"),
        ("5", "5", "██████████ 100%"),
        ("7.50", "5", "██████████ 150%"),
        ("0", "0", "██████████ 100%"),
    ],
)
def test_a_bar_says_no_more_than_its_number(used: str, limit: str, bar: str) -> None:
    assert show_share(Decimal(used), Decimal(limit)) == bar


def test_each_scope_shows_its_number_and_with_a_limit_its_bar() -> None:
    words = shown(report_message(REPORT))
    assert "*Workspace today*\\n$1.20 of $5.00\\n██░░░░░░░░ 24%" in words
    assert "*Workspace this month*\\n$12.30" in words
    assert "*You today*\\n$0.100 of $0.100\\n██████████ 100%" in words


def test_the_trend_has_a_line_for_each_day_and_names_the_dearest() -> None:
    words = shown(report_message(REPORT))
    assert "Last 14 days: $9.10*, most on Mon 24 Nov ($1.30)" in words
    assert words.count(" Nov  ") == 14
    assert "Mon 24 Nov   $1.30  ████████████████████" in words
    assert "Tue 11 Nov   $0.00\\n" in words
    quiet = tuple(replace(day, usd=Decimal(0)) for day in TREND)
    assert "Last 14 days" not in shown(report_message(replace(REPORT, trend=quiet)))


def test_only_admins_are_given_buttons() -> None:
    pause = BotPause("T1", "", "U0GRACE", AT, "too dear")
    assert buttons(report_message(replace(REPORT, pauses=(pause,)))["blocks"]) == []
    assert buttons(report_message(replace(ADMINS, pauses=(pause,)))["blocks"]) == ["Resume", "Set a limit", "Pause"]


def test_a_pause_says_where_by_whom_and_why() -> None:
    here = BotPause("T1", "C0SUPPORT", "U0GRACE", AT, "a <!channel> storm")
    words = shown(report_message(replace(REPORT, pauses=(here,))))
    assert "*The bot is paused in <#C0SUPPORT>*, by <@U0GRACE>" in words
    assert "<!channel>" not in words
    everywhere = report_message(replace(REPORT, pauses=(replace(here, channel_id=""),)))
    assert everywhere["text"].endswith("It is paused.")


def test_limits_and_pauses_are_told_in_the_order_they_were_made() -> None:
    limit = BudgetChange(Scope.WORKSPACE, "T1", Period.DAY, Decimal(5), "U0GRACE", AT)
    paused = AuditEntry(AT + 1, "T1", "U0GRACE", "bot.pause", "C0SUPPORT", "too dear")
    resumed = replace(paused, at=AT + 2, action="bot.resume")
    words = shown(report_message(replace(REPORT, changes=(limit,), switches=(resumed, paused))))
    order = ["bot resumed in <#C0SUPPORT>", "bot paused in <#C0SUPPORT>", "workspace set to $5.00 per day"]
    assert [words.index(one) for one in order] == sorted(words.index(one) for one in order)


def test_a_home_tab_shows_everybody_their_own_conversations_with_cost_and_state() -> None:
    view = home_view(HomePage((MINE, replace(MINE, is_direct=True, state=TalkState.PERSON, owner="U0SAM"))))
    assert view_problems(view) == []
    words = shown(view)
    assert "In <#C0SUPPORT>" in words
    assert "with the agent · $0.420 of $2.00  ██░░░░░░░░ 21%" in words
    assert "Direct conversation" in words
    assert "with <@U0SAM>" in words
    assert "What the agent costs" not in words
    assert "have not asked me anything yet" in shown(home_view(HomePage()))


def test_a_customers_home_tab_says_that_the_bot_is_paused_without_reason_or_name() -> None:
    words = shown(home_view(HomePage((MINE,), is_paused=True)))
    assert "switched off at the moment" in words
    assert "U0GRACE" not in words


def test_an_admins_home_tab_holds_the_report_and_its_buttons() -> None:
    view = home_view(HomePage((MINE,), ADMINS))
    assert view_problems(view) == []
    assert buttons(view["blocks"]) == ["Set a limit", "Pause"]
    assert buttons(home_view(HomePage((MINE,), REPORT))["blocks"]) == []


def test_the_forms_are_forms_slack_takes() -> None:
    for view in (limit_form(), pause_form(), told_window("Limit", "Set: at most $5.00 per day for this workspace.")):
        assert view_problems(view) == []


@settings(deadline=None)  # the machine may be busy
@given(st.text(max_size=5_000), st.integers(0, 120), st.decimals(0, 100_000, allow_nan=False, places=6))
def test_reports_of_any_size_fit(text: str, count: int, usd: Decimal) -> None:
    report = BudgetReport(
        gauges=tuple(Gauge(scope, period, usd, usd) for scope in _SCOPES for period in list(Period)[1:]),
        limits=tuple(Limit(Scope.USER, "*", usd, Period.DAY) for _ in range(count)),
        trend=tuple(replace(day, usd=usd) for day in TREND),
        pauses=tuple(BotPause("T1", f"C{n}", "U1", AT, text) for n in range(count)),
        dearest=tuple((f"T1:C1:{n}", "https://x.example/p1", SPENT) for n in range(count)),
        switches=tuple(AuditEntry(AT, "T1", "U1", "bot.pause", "C1", text) for _ in range(count)),
        may_change=True,
    )
    assert block_problems(report_message(report)["blocks"]) == []
    assert view_problems(home_view(HomePage((MINE,) * count, report))) == []


_SCOPES = (Scope.WORKSPACE, Scope.CHANNEL, Scope.USER)
