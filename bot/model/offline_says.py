"""What the offline model says: quotes and plain sentences made of tool results, never a claim of its own.

The sentences are those of `prompts/sentences`, in the language of the conversation.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from bot.domain.exchange import Citation, SearchResult, Text, ToolResult
from bot.model.offline_turn import Turn
from bot.model.offline_words import Quote, best_quotes
from prompts import sentences

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
    "company": "offline_company",
    "plan": "offline_plan",
    "status": "offline_status",
    "seats": "offline_seats",
    "renews_on": "offline_renews_on",
    "monthly_usd": "offline_monthly_usd",
    "monthly": "offline_monthly",
    "customer_since": "offline_customer_since",
}
"""Fields of an account that are shown, and what they are called."""


def sign(language: str) -> str:
    """Stands under everything that is said."""
    return sentences(language)["offline_sign"]


def greeting(turn: Turn) -> str:
    """An answer to a greeting, thanks, an emoji, or to nothing at all."""
    words = sentences(turn.language)
    if turn.has_files and not turn.question:
        return words["offline_no_files"]
    if _THANKS.search(turn.question):
        return words["offline_welcome"].format(to_name=_to_name(turn))
    if turn.note and not turn.question:
        return approved(turn) or denied(turn) or words["offline_waited"].format(to_name=_to_name(turn))
    return words["offline_hello"].format(to_name=_to_name(turn))


def own_account_only(turn: Turn) -> str:
    """To somebody who asks about another's account."""
    return sentences(turn.language)["offline_own_account_only"]


def cannot_hand_over(turn: Turn) -> str:
    """When nobody could be told."""
    return sentences(turn.language)["offline_cannot_hand_over"]


def handed_over(turn: Turn) -> str:
    """After an escalation that worked."""
    return sentences(turn.language)["offline_handed_over"].format(to_name=_to_name(turn))


def proposal(turn: Turn) -> str:
    """A reply for staff to approve about a disputed charge; decides nothing."""
    words = sentences(turn.language)
    thanks = words["offline_thanks_name"].format(name=turn.name) if turn.name else words["offline_thanks"]
    return words["offline_proposal"].format(thanks=thanks)


def refunded(turn: Turn, result: ToolResult) -> str:
    """What became of a refund, as the tool told it."""
    return _refund_told(turn, _plain(result)) or sentences(turn.language)["offline_refund_asked"]


def denied(turn: Turn) -> str:
    """That a colleague said no; the reason is a colleague's to tell. Empty when the note is about something else."""
    if not _WAS_DENIED.search(turn.note):
        return ""
    return sentences(turn.language)["offline_denied"].format(to_name=_to_name(turn))


def approved(turn: Turn) -> str:
    """What a colleague's approval of a refund led to; empty when the note is about something else."""
    if not _WAS_APPROVED.search(turn.note):
        return ""
    words = sentences(turn.language)
    if "not known whether it was carried out" in turn.note:
        return words["offline_refund_uncertain"]
    return words["offline_refund_failed"] if "NOT carried out" in turn.note else _refund_told(turn, turn.note)


def _refund_told(turn: Turn, text: str) -> str:
    made = re.search(r"Refund (RF-\d+) of (\$[\d.]+)", text)
    if made is None:
        return ""
    words = sentences(turn.language)
    told = words["offline_refunded_before"] if "issued already" in text else words["offline_refunded"]
    return told.format(amount=made[2], number=made[1])


def ticket_opened(turn: Turn, result: ToolResult) -> str:
    """The ticket's number as the tool told it."""
    words, told = sentences(turn.language), _plain(result)
    number = re.search(r"\b[A-Z]{1,8}-\d+\b|#\d+", told)
    ticket = words["offline_ticket"].format(number=number[0]) if number else words["offline_a_ticket"]
    said = words["offline_ticket_there"] if "already open" in told else words["offline_ticket_opened"]
    return said.format(ticket=ticket)


def account(turn: Turn, result: ToolResult) -> str:
    """The looked-up account, the part the question is about first."""
    words, shown = sentences(turn.language), _parsed(_plain(result))
    if shown is None:
        return words["offline_account"] + "\n" + "\n".join(_plain(result).splitlines()[:10])
    parts = [_facts(shown, words)]
    if _BILLING.search(turn.question):
        parts.insert(0, _charges(shown))
    if _TICKETS.search(turn.question):
        parts.insert(0, _tickets(shown) or f"- {words['offline_no_tickets']}")
    whose = words["offline_account_of"].format(email=shown.get("email")) if turn.is_staff else words["offline_account"]
    return f"{whose}\n\n" + "\n\n".join(part for part in parts if part)


def quoted(turn: Turn, result: ToolResult) -> tuple[Text, ...]:
    """The passages that fit best, each with its source; empty when none fits."""
    if not isinstance(result.content, tuple):
        return ()
    return tuple(_quotation(quote, turn.language) for quote in best_quotes(turn.question, result.content))


def _quotation(quote: Quote, language: str) -> Text:
    citation = Citation(quote.source, quote.title, quote.text)
    whence = sentences(language)["offline_from"].format(title=quote.title)
    return Text(f"{whence}\n\n{quote.text}\n\n", (citation,))


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


def _facts(shown: dict[str, Any], words: Mapping[str, str]) -> str:
    told = ((words[name], shown.get(key)) for key, name in _FACTS.items())
    return "\n".join(f"- {label}: {value}" for label, value in told if value not in (None, ""))


def _charges(shown: dict[str, Any]) -> str:
    rows = _rows(shown, "billing_history")[:_SHOWN_CHARGES]
    return "\n".join(
        f"- {r.get('date')}: {r.get('description')}, {_money(r)}, {r.get('status')} ({r.get('invoice')})" for r in rows
    )


def _money(row: dict[str, Any]) -> str:
    return f"${row['amount_usd']}" if "amount_usd" in row else str(row.get("amount", ""))


def _tickets(shown: dict[str, Any]) -> str:
    rows = _rows(shown, "recent_tickets")[:_SHOWN_TICKETS]
    return "\n".join(f"- {r.get('id')}: {r.get('subject')}, {r.get('status')}" for r in rows)


def _rows(shown: dict[str, Any], key: str) -> list[dict[str, Any]]:
    rows = shown.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _to_name(turn: Turn) -> str:
    """What is put behind a greeting for whom it is meant."""
    return sentences(turn.language)["offline_to_name"].format(name=turn.name) if turn.name else ""
