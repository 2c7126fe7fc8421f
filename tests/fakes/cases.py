"""A case before people, ready to be changed."""

from decimal import Decimal

from bot.domain.escalation import CardView, Escalation, Origin, Proposal, State, Team


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
