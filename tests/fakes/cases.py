"""A case before people, ready to be changed."""

import json
from dataclasses import replace
from decimal import Decimal

from bot.domain.escalation import CardView, Escalation, GatedCall, Origin, Proposal, State, Team


def open_case(proposal: str | None = "I have **refunded** the second charge.") -> Escalation:
    """An open case of billing."""
    return Escalation(
        id="esc1",
        conversation_id="T0FERNWAY:C0SUPPORT:1.0",
        origin=Origin.TOOL,
        reason="Refund over the limit",
        summary="Ana was billed twice.",
        team=Team.BILLING,
        proposal=Proposal(proposal) if proposal is not None else None,
        requested_by="",
        requested_team="",
        state=State.OPEN,
        opened_at=1764000000.0,
        staff_channel="C0STAFF",
    )


def view_of(escalation: Escalation, name: str = "Ana Ruiz") -> CardView:
    """What its card shows."""
    link = "https://fernway.slack.com/archives/C0SUPPORT/p1"
    return CardView(escalation, "U0ANA", name, link, Decimal("0.0213"), 4)


def refund_case(amount: str = "150.00", reason: str = "charged twice in November") -> Escalation:
    """An open case about a refund that waits for consent."""
    arguments = {"amount_usd": amount, "customer_email": "ana@cobalt-studio.example", "reason": reason}
    call = GatedCall(
        "issue_refund", json.dumps(arguments, sort_keys=True, ensure_ascii=False), "T0FERNWAY:U0ANA", "support",
        "v1", "Refunds of more than $100 need a person.", "customer",
    )  # fmt: skip
    return replace(open_case(None), origin=Origin.GATED, proposal=Proposal("", (), call))
