"""What people type to the bot that is not a question."""

import pytest

from bot.desk.budgets import SetLimit, parse_link, parse_set
from bot.desk.commands import Handoff, Resume, parse_command
from bot.domain.budget import Period, Scope
from bot.domain.conversation import ThreadKey
from bot.domain.escalation import Team


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("handoff", Handoff(None, "")),
        ("  Handoff billing I was charged twice", Handoff(Team.BILLING, "I was charged twice")),
        ("hand off account management please call", Handoff(None, "account management please call")),
        ("handoff account_management: please call", Handoff(Team.ACCOUNT_MANAGEMENT, "please call")),
        ("hand-off the app is down", Handoff(None, "the app is down")),
        ("resume", Resume()),
        ("Resume.", Resume()),
        ("hand back", Resume()),
        ("resume my subscription", None),
        ("how does a handoff work?", None),
        ("handoffs are great", None),
        ("", None),
    ],
)
def test_only_the_typed_commands_are_commands(text: str, expected: Handoff | Resume | None) -> None:
    assert parse_command(text) == expected


def test_a_permalink_names_its_thread_also_when_it_points_at_a_reply() -> None:
    root = "https://fernway.slack.com/archives/C0SUPPORT/p1763700000000100"
    assert parse_link(root, "T1") == ThreadKey("T1", "C0SUPPORT", "1763700000.000100")
    reply = "<https://fernway.slack.com/archives/C0SUPPORT/p1763700009000200?thread_ts=1763700000.000100&cid=C0SUPPORT>"
    assert parse_link(reply, "T1") == ThreadKey("T1", "C0SUPPORT", "1763700000.000100")
    assert parse_link("https://example.com/archives", "T1") is None


@pytest.mark.parametrize(
    ("text", "scope", "subject", "usd", "period"),
    [
        ("set workspace 100 per month", Scope.WORKSPACE, None, "100", Period.MONTH),
        ("set workspace $1,000 per day", Scope.WORKSPACE, None, "1000", Period.DAY),
        ("set conversation 3", Scope.CONVERSATION, None, "3", Period.TOTAL),
        ("SET user <@U123|ana> 5.50 per week", Scope.USER, "U123", "5.50", Period.WEEK),
        ("set channel <#C9|x> off per day", Scope.CHANNEL, "C9", None, Period.DAY),
        ("set user 2", Scope.USER, None, "2", Period.MONTH),
    ],
)
def test_admins_set_limits_in_plain_words(
    text: str, scope: Scope, subject: str | None, usd: str | None, period: Period
) -> None:
    wish = parse_set(text, "T1")
    assert isinstance(wish, SetLimit)
    assert (wish.scope, wish.subject, str(wish.usd) if wish.usd is not None else None, wish.period) == (
        scope, subject, usd, period,
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "set", "set moon 5", "set workspace", "set workspace -5", "set user 0", "set user 1e9", "set user 999999999",
        "set user 1.2.3",
    ],
)  # fmt: skip
def test_a_limit_that_makes_no_sense_changes_nothing_and_says_so(text: str) -> None:
    answer = parse_set(text, "T1")
    assert isinstance(answer, str)
    assert "Nothing was changed" in answer
