"""What people type to the bot that is not a question."""

import pytest

from bot.desk.budget_words import SetLimit, Switch, parse_amount, parse_link, parse_set, parse_switch
from bot.desk.commands import MOST_MUTED, AllowChannel, Budget, Command, Handoff, Quiet, Resume, parse_command
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mute", Quiet(is_on=True)),
        ("Mute 1h", Quiet(is_on=True, seconds=3600)),
        ("mute for 30 minutes.", Quiet(is_on=True, seconds=1800)),
        ("mute channel 2 days", Quiet(is_on=True, channel=True, seconds=172_800)),
        ("mute this channel", Quiet(is_on=True, channel=True)),
        ("mute 9999d", Quiet(is_on=True, seconds=MOST_MUTED)),
        ("unmute", Quiet(is_on=False)),
        ("unmute channel", Quiet(is_on=False, channel=True)),
        ("allow channel", AllowChannel(is_on=True)),
        ("disallow this channel", AllowChannel(is_on=False)),
        ("mute notifications, how?", None),
        ("how do I mute a channel?", None),
        ("allow channels to be shared", None),
    ],
)
def test_the_bot_is_told_to_be_quiet_in_plain_words(text: str, expected: Command | None) -> None:
    assert parse_command(text) == expected


def test_in_a_direct_message_a_shared_channel_cannot_be_meant() -> None:
    assert parse_command("allow channel", addressed=False) is None
    assert parse_command("mute", addressed=False) == Quiet(is_on=True)


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
        "set user 1.2.3", "set user <#C9|support> 5", "set channel <@U123> 5", "set channel S123 5",
        "set conversation <#C9> 5", "set conversation U123 5",
        "set user https://fernway.slack.com/archives/C0SUPPORT/p1763700000000100 5",
    ],
)  # fmt: skip
def test_a_limit_that_makes_no_sense_changes_nothing_and_says_so(text: str) -> None:
    answer = parse_set(text, "T1")
    assert isinstance(answer, str)
    assert "Nothing was changed" in answer


@pytest.mark.parametrize("text", ["budget", "Budget.", " /budget", "budget?"])
def test_the_budget_of_a_thread_is_asked_for_with_one_word(text: str) -> None:
    assert parse_command(text) == Budget()
    assert parse_command(text, addressed=False) == Budget()


@pytest.mark.parametrize("text", ["what is our budget?", "budget for guests", "budgets"])
def test_a_question_about_budgets_is_a_question(text: str) -> None:
    assert parse_command(text) is None


@pytest.mark.parametrize(
    ("text", "verb", "channel", "reason"),
    [
        ("pause", "pause", "", ""),
        ("Pause model misbehaves", "pause", "", "model misbehaves"),
        ("pause all  too\n dear", "pause", "", "too dear"),
        ("pause <#C9|support> too dear", "pause", "C9", "too dear"),
        ("pause here", "pause", "C1", ""),
        ("pause hereafter", "pause", "", "hereafter"),
        ("pause in <#C9|support>: too dear", "pause", "C9", "too dear"),
        ("pause all since <#C9> is on fire", "pause", "", "since <#C9> is on fire"),
        ("resume", "resume", "", ""),
        ("resume all", "resume", "", ""),
        ("resume <#C9>", "resume", "C9", ""),
        ("resume in <#C9>", "resume", "C9", ""),
    ],
)
def test_admins_pause_and_resume_in_plain_words(text: str, verb: str, channel: str, reason: str) -> None:
    assert parse_switch(text, "C1") == Switch(pauses=verb == "pause", channel_id=channel, reason=reason)


@pytest.mark.parametrize(
    "text", ["pause #support", "pause #support it is on fire", "pause the bot in <#C9>", "resume #support", "resume C9"]
)
def test_who_means_one_channel_never_switches_the_whole_bot(text: str) -> None:
    """Slack leaves the name of a channel that it does not know as it was typed."""
    told = parse_switch(text, "C1")
    assert isinstance(told, str)
    assert "Nothing was changed" in told


@pytest.mark.parametrize("text", ["paused", "what is paused?", "resumed"])
def test_other_words_neither_pause_nor_resume(text: str) -> None:
    assert parse_switch(text, "C1") is None


@pytest.mark.parametrize(
    ("text", "usd"), [("25", "25"), ("$0.50", "0.50"), (" 1,000 ", "1000"), ("off", None), ("None", None)]
)
def test_an_amount_is_dollars_or_off(text: str, usd: str | None) -> None:
    amount = parse_amount(text)
    assert (None if amount is None else str(amount)) == usd


@pytest.mark.parametrize("text", ["", "much", "-3", "0", "1e9", "1,00", "999999999"])
def test_what_is_no_amount_is_told_in_a_sentence(text: str) -> None:
    assert str(parse_amount(text)).endswith(".")
