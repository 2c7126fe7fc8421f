"""What the offline model says: quotes and plain sentences made of tool results, never a claim of its own."""

import json
import re
from typing import Any

from bot.domain.exchange import Citation, SearchResult, Text, ToolResult
from bot.model.offline_turn import Turn
from bot.model.offline_words import Quote, best_quotes

SIGN = "_Offline mode: quoted from the help centre without a language model._"
_SHOWN_CHARGES = 3
_SHOWN_TICKETS = 3
_BILLING = re.compile(r"invoice|bill|charge|paid|pay|refund|cost|price", re.I)
_TICKETS = re.compile(r"\bticket|\bcase", re.I)
_WAS_DENIED = re.compile(r"^A colleague \([^()]*\) decided against it\b")
_WAS_APPROVED = re.compile(r"approved issue_refund|issue_refund was NOT carried out")
_THANKS = re.compile(
    r"\b(thank\w*|thx|ty|cheers|merci|danke|gracias|grazie|great|perfect|awesome|solved|works)\b", re.I
)
_FACTS = {
    "company": "company",
    "plan": "plan",
    "status": "status",
    "seats": "seats",
    "renews_on": "renews on",
    "monthly_usd": "monthly price in USD",
    "monthly": "monthly price",
    "customer_since": "customer since",
}


def greeting(turn: Turn) -> str:
    """An answer to a greeting, thanks, an emoji, or to nothing at all."""
    if turn.has_files and not turn.question:
        return "I cannot look into files in offline mode. Please describe in words what you need."
    if _THANKS.search(turn.question):
        return f"You are welcome{_comma(turn)}! Write again whenever you need something."
    if turn.note and not turn.question:
        return approved(turn) or denied(turn) or f"Thank you for waiting{_comma(turn)}. What else can I help you with?"
    return f"Hello{_comma(turn)}! What can I help you with? Ask me about the product, your account or a bill."


def own_account_only() -> str:
    """To somebody who asks about another's account."""
    return "I can only talk about your own account. Is there something about yours that I can look up?"


def cannot_hand_over() -> str:
    """When nobody could be told."""
    return (
        "I could not find an answer, and handing over to a colleague did not work just now."
        " Write `handoff` to ask for a person directly."
    )


def handed_over(turn: Turn) -> str:
    """After an escalation that worked."""
    return f"I have asked a human colleague to look at this{_comma(turn)}. They will see what we wrote here."


def proposal(turn: Turn) -> str:
    """A reply for staff to approve about a disputed charge; decides nothing."""
    hello = f"Hello {turn.name}, thank you" if turn.name else "Thank you"
    return (
        f"{hello} for telling us. Our billing team is looking at this charge; a person decides about the refund."
        " If you have the invoice number at hand, please reply with it here."
    )


def refunded(result: ToolResult) -> str:
    """What became of a refund, as the tool told it."""
    return _refund_told(_plain(result)) or (
        "That refund needs a colleague's approval, so I have asked one. Nothing has been refunded yet."
    )


def denied(turn: Turn) -> str:
    """That a colleague said no; the reason is a colleague's to tell. Empty when the note is about something else."""
    if not _WAS_DENIED.search(turn.note):
        return ""
    return (
        f"A colleague has looked at this{_comma(turn)} and decided against it, so nothing was done."
        " Write `handoff` to talk to a person about it."
    )


def approved(turn: Turn) -> str:
    """What a colleague's approval of a refund led to; empty when the note is about something else."""
    if not _WAS_APPROVED.search(turn.note):
        return ""
    if "not known whether it was carried out" in turn.note:
        return "It is not certain whether the refund was made. Write `handoff` to talk to a person about it."
    failed = "A colleague approved the refund, but it could not be made. Write `handoff` to talk to a person about it."
    return failed if "NOT carried out" in turn.note else _refund_told(turn.note)


def _refund_told(text: str) -> str:
    made = re.search(r"Refund (RF-\d+) of (\$[\d.]+)", text)
    if made is None:
        return ""
    again = " before, so I did not make a second one" if "issued already" in text else ""
    return f"I have refunded {made[2]} to you{again}. Its number is {made[1]}."


def ticket_opened(result: ToolResult) -> str:
    """The ticket's number as the tool told it."""
    told = _plain(result)
    number = re.search(r"\b[A-Z]{1,8}-\d+\b|#\d+", told)
    name = f"ticket {number[0]}" if number else "a ticket"
    if "already open" in told:
        return f"There is {name} open for this already, so I did not open a second one."
    return f"I have opened {name} for you. Nobody has looked at it yet."


def account(turn: Turn, result: ToolResult) -> str:
    """The looked-up account, the part the question is about first."""
    shown = _parsed(_plain(result))
    if shown is None:
        return "This is what I can see in your account:\n" + "\n".join(_plain(result).splitlines()[:10])
    parts = [_facts(shown)]
    if _BILLING.search(turn.question):
        parts.insert(0, _charges(shown))
    if _TICKETS.search(turn.question):
        parts.insert(0, _tickets(shown))
    whose = f"the account of {shown.get('email')}" if turn.is_staff else "your account"
    return f"This is what I can see in {whose}:\n\n" + "\n\n".join(part for part in parts if part)


def quoted(question: str, result: ToolResult) -> tuple[Text, ...]:
    """The passages that fit best, each with its source; empty when none fits."""
    if not isinstance(result.content, tuple):
        return ()
    return tuple(_quotation(quote) for quote in best_quotes(question, result.content))


def _quotation(quote: Quote) -> Text:
    citation = Citation(quote.source, quote.title, quote.text)
    return Text(f"From “{quote.title}”:\n\n{quote.text}\n\n", (citation,))


def _plain(result: ToolResult) -> str:
    if isinstance(result.content, str):
        return result.content
    return "\n".join(passage for found in result.content for passage in _passages(found))


def _passages(found: SearchResult) -> tuple[str, ...]:
    return found.passages


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _facts(shown: dict[str, Any]) -> str:
    return "\n".join(f"- {label}: {shown[key]}" for key, label in _FACTS.items() if shown.get(key) not in (None, ""))


def _charges(shown: dict[str, Any]) -> str:
    rows = _rows(shown, "billing_history")[:_SHOWN_CHARGES]
    return "\n".join(
        f"- {r.get('date')}: {r.get('description')}, {_money(r)}, {r.get('status')} ({r.get('invoice')})" for r in rows
    )


def _money(row: dict[str, Any]) -> str:
    return f"${row['amount_usd']}" if "amount_usd" in row else str(row.get("amount", ""))


def _tickets(shown: dict[str, Any]) -> str:
    rows = _rows(shown, "recent_tickets")[:_SHOWN_TICKETS]
    return "\n".join(f"- {r.get('id')}: {r.get('subject')}, {r.get('status')}" for r in rows) or "- no recent tickets"


def _rows(shown: dict[str, Any], key: str) -> list[dict[str, Any]]:
    rows = shown.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _comma(turn: Turn) -> str:
    return f", {turn.name}" if turn.name else ""
