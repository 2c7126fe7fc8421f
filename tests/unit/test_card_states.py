"""A card in each state of consent: what is to be agreed to is whole, and what happened to it can be read."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.escalation import CardView, Escalation, Proposal, Question, State
from bot.sandbox.strict import UPDATE_TEXT_LIMIT, check_message, view_problems
from bot.slack.identity import Identity
from bot.slack.parse_press import press as read
from bot.slack.render.card import card, full_text, is_cut
from bot.slack.render.forms import full_text_modal
from tests.fakes.cases import open_case, refund_case, view_of

AT = 1764000100.0
ME = Identity("T0FERNWAY", "B0DESKHAND", "U0DESKHAND")


def shown(escalation: Escalation, **around: Any) -> str:
    """The card's JSON, once it was found to be within Slack's limits for posts and updates."""
    content = card(replace(view_of(escalation), **around))
    check_message({**content}, UPDATE_TEXT_LIMIT)
    return json.dumps(content["blocks"], ensure_ascii=False)


def labels(view: CardView) -> list[str]:
    blocks = card(view)["blocks"]
    return [e["text"]["text"] for block in blocks if block["type"] == "actions" for e in block["elements"]]


def test_a_gated_call_shows_every_argument_and_the_rule() -> None:
    text = shown(refund_case())
    for words in (
        "`issue_refund` (Approve does exactly this, once)", "• *amount_usd*: 150.00",
        "• *customer_email*: ana@cobalt-studio.example", "• *reason*: charged twice in November",
        "Refunds of more than $100 need a person.", "Exactly the call on this card is made, once.",
    ):  # fmt: skip
        assert words in text
    assert labels(view_of(refund_case())) == ["Approve", "Edit", "Deny", "Ask", "Take over", "View trace"]
    assert "amount_usd" in full_text(refund_case())


@settings(deadline=None)
@given(st.builds(lambda piece, n: piece * n, st.text(min_size=1, max_size=40), st.integers(0, 400)))
def test_a_call_of_any_size_fits_and_is_whole_on_the_card_or_behind_a_button(reason: str) -> None:
    case = refund_case(reason=reason)
    text = shown(case)
    assert "<!channel" not in text
    assert is_cut(case) == ("Full text" in labels(view_of(case)))
    assert is_cut(case) or "The rest:" not in text
    assert not view_problems(full_text_modal(view_of(case)))


@pytest.mark.parametrize("words", ["@channel ", "a & b ", "<@U0ANA> "])
@pytest.mark.parametrize("length", [2_300, 2_495, 2_600])
def test_a_reply_of_any_size_is_whole_on_the_card_or_behind_a_button(words: str, length: int) -> None:
    case = open_case((words * length)[:length].strip())
    is_begun = "(the beginning;" in shown(case)
    assert is_begun == is_cut(case) == ("Full text" in labels(view_of(case)))


def test_what_happened_to_a_proposal_stands_under_it() -> None:
    case = replace(
        refund_case(), expires_at=AT + 3600, first_by="U0SAM", first_at=AT, edited_by="U0LEO",
        asked=Question("U0GRACE", "", "Which <!here> invoice?", AT),
    )  # fmt: skip
    text = shown(case, needs="two people of finance")
    for words in (
        "✏️ Changed by <@U0LEO>", "🔐 Approval takes two people of finance", "☑️ Approved by <@U0SAM>",
        "a second person has to approve", "⏳ Can be approved until <!date^1764003700^",
        "❓ <@U0GRACE> asked the customer", "(no answer yet)",
    ):  # fmt: skip
        assert words in text
    assert "<!here>" not in text
    answered = replace(case, asked=Question("U0GRACE", "U0LEO", "Paid?", AT, AT + 60))
    assert "asked <@U0LEO>" in shown(answered)
    assert "(answered <!date^" in shown(answered)


def test_a_withdrawn_proposal_leaves_a_line_and_no_edit() -> None:
    case = replace(open_case(None), note="The customer wrote again, so the proposed reply no longer holds.", version=2)
    assert "🚫 Withdrawn: The customer wrote again" in shown(case)
    assert labels(view_of(case)) == ["Let the agent carry on", "Deny", "Ask", "Take over", "View trace"]


def test_a_claimed_case_offers_no_consent_any_more() -> None:
    case = replace(refund_case(), state=State.CLAIMED, decided_by="U0SAM", decided_at=AT, expires_at=AT)
    assert labels(view_of(case)) == ["Hand back", "Resolve", "View trace"]
    assert "Can be approved until" not in shown(case, needs="two people")
    assert "(not done)" in shown(case)


@pytest.mark.parametrize("state", [state for state in State if not state.is_live])
def test_a_decided_card_is_one_line_with_the_way_to_everything(state: State) -> None:
    case = replace(refund_case(), state=state, decided_by="U0SAM", decided_at=AT, note="fine\nby me")
    blocks = card(view_of(case))["blocks"]
    assert [block["type"] for block in blocks] == ["section", "actions"]
    line = blocks[0]["text"]["text"]
    assert "\n" not in line
    for words in ("by <@U0SAM>", "<!date^1764000100^", "fine by me", "<@U0ANA> (Ana Ruiz)", "issue_refund", "|thread>"):
        assert words in line
    assert labels(view_of(case)) == ["Full text", "View trace"]


def test_an_approval_tells_of_both_people_and_of_an_edit() -> None:
    case = replace(
        refund_case(), state=State.APPROVED, first_by="U0SAM", decided_by="U0LEO", decided_at=AT, edited_by="U0SAM"
    )
    assert "*Approved* by <@U0SAM> and <@U0LEO> (changed by <@U0SAM>)" in shown(case)


def test_nobody_decided_an_expired_card() -> None:
    text = shown(replace(refund_case(), state=State.EXPIRED, decided_at=AT))
    assert "⌛ *Expired, nothing was sent or done*, <!date^" in text
    assert " by <@" not in text.partition(" · ")[0]


@pytest.mark.parametrize(
    ("action", "value", "version"),
    [
        ("esc_approve", "esc1@3", 3),
        ("esc_approve", "esc1", None),
        ("esc_take_over", "esc1", None),
        ("esc_resolve", "esc1", None),
    ],
)
def test_the_buttons_of_every_layout_there_ever_was_still_mean_what_they_said(
    action: str, value: str, version: int | None
) -> None:
    """Cards drawn before a deploy stay in Slack until they are drawn anew: these ids are for ever."""
    body = {
        "type": "block_actions", "user": {"id": "U0SAM", "team_id": "T0FERNWAY"}, "trigger_id": "1.2",
        "channel": {"id": "C0STAFF"}, "actions": [{"action_id": action, "value": value}],
    }  # fmt: skip
    press = read(body, ME)
    assert press is not None
    assert press.kind == "decision"
    assert (press.escalation_id, press.version) == ("esc1", version)


def test_the_whole_of_a_long_call_is_in_the_window() -> None:
    case = refund_case(reason="word " * 1000)
    assert is_cut(case)
    whole = " ".join(block["text"]["text"] for block in full_text_modal(view_of(case))["blocks"] if "text" in block)
    assert whole.count("word") == 1000
    assert Proposal("x").call is None
    assert not is_cut(open_case())
