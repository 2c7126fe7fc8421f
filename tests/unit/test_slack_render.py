"""What people see in Slack: always within Slack's limits, never with the power to ping."""

import json
import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.answer import Answer, Footer
from bot.domain.budget import BudgetChange, Limit, Period, Scope, Spend
from bot.domain.escalation import Escalation, Proposal, State
from bot.domain.exchange import Citation, Usage
from bot.domain.reports import BudgetReport, Gauge, TraceReport
from bot.domain.trace import Action, TraceEvent
from bot.sandbox.strict import UPDATE_TEXT_LIMIT, check_message, view_problems
from bot.slack.render import lines
from bot.slack.render.answer import answer_messages
from bot.slack.render.blocks import Payload
from bot.slack.render.budget import budget_reply
from bot.slack.render.card import card, full_text, is_cut
from bot.slack.render.forms import FormContext, deny_form, full_text_modal
from bot.slack.render.hand_back import hand_back_form
from bot.slack.render.trace import cost_modal, trace_modal
from tests.fakes.cases import open_case, view_of

WORDS = st.one_of(
    st.text(max_size=200),
    st.sampled_from(["<!channel> ", "@here ", "<@U0BO>", "&" * 50, "```\ncode\n", "**b** ", "x" * 500, "\n\n"]),
)
LONG = st.builds(lambda piece, times: piece * times, WORDS, st.integers(0, 200))
PING = re.compile(r"<!(?!date)|<@|(?<![\w/])@(?:here|channel|everyone)\b", re.IGNORECASE)


def case(**more: Any) -> Escalation:
    return replace(open_case(), **more)


def check(content: Payload) -> str:
    """Slack would take it, as a post and as an update; the JSON for further looks."""
    check_message({**content}, UPDATE_TEXT_LIMIT)
    assert content["text"].strip()
    return json.dumps(content["blocks"], ensure_ascii=False)


def buttons(content: Payload) -> list[str]:
    return [e["text"]["text"] for block in content["blocks"] if block["type"] == "actions" for e in block["elements"]]


@settings(deadline=None)  # the machine may be busy
@given(LONG)
def test_answers_of_any_length_fit_and_wake_nobody(text: str) -> None:
    for content in answer_messages(Answer(text, (Citation("https://x.example", text, text),), run_id="run1")):
        assert not PING.search(check(content))


def test_an_answer_shows_its_sources_once_and_its_price_last() -> None:
    cited = [Citation("https://kb.example/refunds", "Refunds", f"passage {n}") for n in range(3)]
    cited.append(Citation("kb://plans", "Plans & prices", "other"))
    footer = Footer(3, 25, 8200, Decimal("0.0213"), Decimal("2"))
    [content] = answer_messages(Answer("You get it back in **5 days**.", tuple(cited), footer, "run1"))
    shown, sources, price, thumbs = content["blocks"]
    assert shown == {"type": "markdown", "text": "You get it back in **5 days**."}
    assert sources["elements"][0]["text"] == "Sources: <https://kb.example/refunds|Refunds> · Plans &amp; prices"
    assert price["elements"][0]["text"] == "step 3/25 · 8.2k tokens · $0.021 of $2.00"
    assert thumbs["elements"][0]["negative_button"]["value"] == "bad:run1"
    assert content["text"] == "You get it back in 5 days."


def test_a_long_answer_is_several_messages_and_only_the_last_has_the_thumbs() -> None:
    contents = answer_messages(Answer("A paragraph of some words.\n\n" * 1500, run_id="run1"))
    assert len(contents) > 3
    kinds = [[block["type"] for block in content["blocks"]] for content in contents]
    assert kinds[-1] == ["markdown", "context_actions"]
    assert all(kind == ["markdown"] for kind in kinds[:-1])


def test_many_sources_are_counted() -> None:
    cited = tuple(Citation(f"https://kb.example/{n}", f"Article {n} " + "x" * 100, "") for n in range(40))
    [content] = answer_messages(Answer("ok", cited))
    check(content)
    assert re.search(r" and \d+ more$", content["blocks"][1]["elements"][0]["text"])


@settings(deadline=None)  # the machine may be busy
@given(LONG, LONG, st.sampled_from(list(State)), st.text(max_size=300))
def test_cards_of_any_content_fit(long: str, proposal: str, state: State, name: str) -> None:
    escalation = case(
        reason=long, summary=long, proposal=Proposal(proposal), state=state, note=long, decided_by="U0SAM"
    )
    shown = check(card(view_of(escalation, name)))
    assert not PING.search(shown.replace("<@U0ANA>", "").replace("<@U0SAM>", ""))
    for form in (deny_form, hand_back_form):
        assert not view_problems(form(view_of(escalation, name), FormContext("esc1", "C0STAFF")))
    assert not view_problems(full_text_modal(view_of(escalation, name)))


def test_an_open_case_shows_everything_needed_to_decide() -> None:
    content = card(view_of(case()))
    shown = check(content)
    for expected in ("Needs a person · billing", "<@U0ANA> (Ana Ruiz)", "Open the thread", "Refund over the limit"):
        assert expected in shown
    for expected in ("Ana was billed twice.", "I have **refunded** the second charge.", "$0.021 · 4 steps"):
        assert expected in shown
    assert buttons(content) == ["Approve", "Edit", "Deny", "Ask", "Take over", "View trace"]
    approve = content["blocks"][-2]["elements"][0]
    assert approve["confirm"]["confirm"]["text"] == "Send it"
    assert approve["value"] == "esc1@1"


def test_without_a_proposal_approving_asks_nothing() -> None:
    content = card(view_of(case(proposal=None)))
    assert "Proposed reply" not in check(content)
    assert "confirm" not in content["blocks"][-2]["elements"][0]


def test_a_long_proposal_is_never_silently_cut() -> None:
    long = case(proposal=Proposal("Dear Ana. " * 400))
    content = card(view_of(long))
    assert is_cut(long)
    assert "the beginning" in check(content)
    assert buttons(content) == ["Approve", "Edit", "Deny", "Ask", "Take over", "Full text", "View trace"]
    whole = " ".join(block["text"]["text"] for block in full_text_modal(view_of(long))["blocks"])
    assert whole.count("Dear Ana.") == 400


def test_a_claimed_case_says_who_has_it() -> None:
    content = card(view_of(case(state=State.CLAIMED, decided_by="U0SAM", decided_at=1764000100.0)))
    assert buttons(content) == ["Hand back", "Resolve", "View trace"]
    assert "*Taken over* by <@U0SAM>" in check(content)


@pytest.mark.parametrize("state", [s for s in State if not s.is_live])
def test_a_decided_case_is_one_line_of_history_without_decisions_left(state: State) -> None:
    content = card(
        view_of(case(state=state, decided_by="U0SAM", decided_at=1764000100.0, note="Not <b>our</b> policy"))
    )
    assert "by <@U0SAM>" in check(content)
    assert "Not &lt;b&gt;our&lt;/b&gt; policy" in check(content)
    assert buttons(content) == ["Full text", "View trace"]


def test_the_full_text_of_a_case_is_complete() -> None:
    assert full_text(case()) == (
        "*Reason*\nRefund over the limit\n\n*Summary*\nAna was billed twice.\n\n"
        "*Proposed reply*\nI have *refunded* the second charge."
    )


@settings(deadline=None)  # the machine may be busy
@given(LONG, st.text(max_size=100))
def test_lines_of_any_length_fit(text: str, name: str) -> None:
    single = [lines.live(text), lines.whisper(text)]
    for content in [*single, *lines.notice(text), *lines.staff_reply(text, name), *lines.relay(text, name)]:
        shown = check(content)
        assert not re.search(r"<!(?:channel|here|everyone)", shown)


def test_a_persons_words_come_under_their_name_and_as_written() -> None:
    [content] = lines.relay("See <https://x.example|this> & *do* it <!here>", "Sam Porter")
    assert content["blocks"][0]["text"]["text"] == (
        "*Sam Porter* (support): See &lt;https://x.example|this&gt; &amp; *do* it @\u2060here"
    )


def step(number: int, **more: Any) -> TraceEvent:
    known = TraceEvent("T:C:1", "run1", number, Action.LLM_CALL, "claude-sonnet-5-5", 1764000000.0)
    given = {"given": "secret question", "got": "secret answer", "cost": Decimal("0.002"), "duration_ms": 1200}
    return replace(known, **{**given, **more})


SPEND = Spend(Decimal("0.42"), Decimal("0.01"), Usage(1000, 200, 5000), 3)


@settings(deadline=None)  # the machine may be busy
@given(LONG, st.integers(0, 250))
def test_traces_of_any_size_fit(text: str, count: int) -> None:
    events = tuple(step(n, given=text, got=text, name=text or "x", error=text, ok=False) for n in range(count))
    report = TraceReport("T:C:1", SPEND, Decimal(2), events, "https://x.example")
    assert not view_problems(trace_modal(report))
    assert len(json.dumps(trace_modal(report)).encode()) < 250_000
    assert not view_problems(cost_modal(report))
    check(budget_reply(report))


def test_what_a_conversation_cost_is_shown_without_its_content() -> None:
    report = TraceReport("T:C:1", SPEND, Decimal(2), (step(1), step(2, ok=False, error="TimeoutError", attempt=2)))
    shown = json.dumps(cost_modal(report), ensure_ascii=False)
    assert "$0.420 of $2.00" in shown
    assert "✗ TimeoutError" in shown
    assert "attempt 2" in shown
    assert "secret" not in shown
    assert "secret answer" in json.dumps(trace_modal(report))
    assert "cost nothing" in json.dumps(cost_modal(None))


def test_what_was_tried_at_back_ends_is_for_staff() -> None:
    tried = replace(step(2, ok=False, error="ToolUnavailableError"), action=Action.TOOL_ATTEMPT, name="customers")
    report = TraceReport("T:C:1", SPEND, Decimal(2), (step(1), tried))
    assert "customers ✗ ToolUnavailableError" in json.dumps(trace_modal(report), ensure_ascii=False)
    assert "customers" not in json.dumps(cost_modal(report))


def test_the_budget_report_names_limits_dearest_and_changes() -> None:
    limits = (
        Limit(Scope.WORKSPACE, "T0FERNWAY", Decimal(50), Period.DAY),
        Limit(Scope.USER, "*", Decimal(1), Period.DAY),
    )
    change = BudgetChange(Scope.CHANNEL, "C0SUPPORT", Period.DAY, Decimal(5), "U0GRACE", 1764000000.0)
    report = BudgetReport(
        gauges=(Gauge(Scope.WORKSPACE, Period.DAY, Decimal("0.01"), Decimal(50)),),
        limits=limits,
        dearest=(("T:C:1", "https://x.example/p1", SPEND),),
        changes=(change,),
    )
    shown = check(budget_reply(report))
    for expected in ("$0.010 of $50.00", "user (each): $1.00 per day", "<https://x.example/p1|conversation>: $0.430"):
        assert expected in shown
    assert "channel <#C0SUPPORT> set to $5.00 per day by <@U0GRACE>" in shown
    assert "Only admins" in check(budget_reply("Only admins may set limits."))
