"""What people type behind `/agent-budget`, as wishes; whatever cannot be read becomes a sentence that says how to."""

import re
from dataclasses import dataclass
from decimal import Decimal

from bot.domain.bot_pause import EVERYWHERE
from bot.domain.budget import Period, Scope
from bot.domain.conversation import ThreadKey
from bot.domain.money import show_usd

HIGHEST = Decimal(100_000)
"""USD; a larger limit is a typing mistake."""
REASON_CHARS = 300
UNCHANGED = "Nothing was changed."

USAGE = (
    "*How to use it*\n"
    "• `/agent-budget` — money here and by you, the last 14 days, and the dearest open conversations\n"
    "• `/agent-budget <link to a message>` — one conversation, step by step (inside a thread: `@me budget`)\n"
    "• `/agent-budget set conversation|user|channel|workspace <usd> [per day|week|month]` — for admins; "
    "`off` instead of an amount removes the limit; name one user, channel or conversation before the amount\n"
    "• `/agent-budget pause [#channel] [reason]` and `/agent-budget resume [#channel]` — for admins; "
    "without a channel the whole bot"
)
_LINK = re.compile(r"https?://[^\s/<>|]+/archives/(?P<channel>[A-Z0-9]+)/p(?P<ts>\d{16})(?P<query>\?[^\s<>|]*)?")
_THREAD = re.compile(r"thread_ts=(?P<ts>\d+\.\d+)")
_AMOUNT = r"off|none|\$?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_SET = re.compile(
    r"^set\s+(?P<scope>conversation|user|channel|workspace)\s+(?:(?P<subject>\S+)\s+)?"
    rf"(?P<amount>{_AMOUNT})(?:\s+(?:per|a|/)\s*(?P<period>day|week|month))?\s*$",
    re.IGNORECASE,
)
_ONLY_AMOUNT = re.compile(rf"^\s*(?P<amount>{_AMOUNT})\s*$", re.IGNORECASE)
_MENTIONS = {
    Scope.USER: re.compile(r"^(?:<@)?(?P<id>[UW][A-Z0-9]+)(?:\|[^>]*)?>?$"),
    Scope.CHANNEL: re.compile(r"^(?:<#)?(?P<id>[CDG][A-Z0-9]+)(?:\|[^>]*)?>?$"),
}
_SWITCH = re.compile(
    r"^(?P<verb>pause|resume)\b\s*"
    r"(?:(?:in\s+)?(?:<#(?P<channel>[CDG][A-Z0-9]+)(?:\|[^>]*)?>|(?P<here>here\b)|(?P<all>all\b))[\s:,]*)?"
    r"(?P<reason>.*)$",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class SetLimit:
    """An admin's wish for a limit."""

    scope: Scope
    subject: str | None
    """None for the usual one: this channel, this workspace, every conversation, every person."""
    usd: Decimal | None
    """None removes the limit."""
    period: Period


@dataclass(frozen=True, slots=True)
class Switch:
    """An admin's wish that the bot pauses, or goes on."""

    pauses: bool
    channel_id: str
    """EVERYWHERE for the whole bot."""
    reason: str = ""


def parse_link(text: str, team_id: str) -> ThreadKey | None:
    """The thread a permalink points into."""
    match = _LINK.search(text)
    if match is None:
        return None
    root = _THREAD.search(match["query"] or "")
    ts = root["ts"] if root else f"{match['ts'][:10]}.{match['ts'][10:]}"
    return ThreadKey(team_id, match["channel"], ts)


def parse_set(text: str, team_id: str) -> SetLimit | str:
    """The limit somebody wants to set, or the sentence that says how to write it."""
    match = _SET.match(text)
    if match is None:
        return f"I did not understand that. {UNCHANGED}\n{USAGE}"
    scope = Scope(match["scope"].lower())
    period = Period(match["period"].lower()) if match["period"] else Period.TOTAL
    if period is Period.TOTAL and scope is not Scope.CONVERSATION:
        period = Period.MONTH
    subject = _subject(scope, match["subject"], team_id) if match["subject"] else None
    if match["subject"] and subject is None:
        return f"I do not know a {scope} `{match['subject']}`. {UNCHANGED}\n{USAGE}"
    amount = parse_amount(match["amount"])
    if isinstance(amount, str):
        return f"{amount} {UNCHANGED}"
    return SetLimit(scope, subject, amount, period)


def parse_amount(text: str) -> Decimal | str | None:
    """USD, None for `off`, or what is wrong with it in a sentence."""
    match = _ONLY_AMOUNT.match(text)
    if match is None:
        return "Write an amount in dollars like 25 or 0.50, or `off` to remove the limit."
    amount = match["amount"].lower()
    if amount in ("off", "none"):
        return None
    usd = Decimal(amount.removeprefix("$").replace(",", ""))
    if not 0 < usd <= HIGHEST:
        return f"A budget is more than $0 and at most {show_usd(HIGHEST)}."
    return usd


def parse_switch(text: str, channel_id: str) -> Switch | str | None:
    """`pause` or `resume`, of a channel (`here`: `channel_id`) or of the whole bot; None when it is neither.

    A sentence when it might mean one channel: Slack leaves the name of one that it does not know as it was typed.
    """
    match = _SWITCH.match(text)
    if match is None:
        return None
    verb, reason = match["verb"].lower(), " ".join(match["reason"].split())[:REASON_CHARS]
    is_placed = match["channel"] or match["here"] or match["all"]
    if not is_placed and ("#" in reason or (reason and verb == "resume")):
        return f"I do not know where you mean: write `{verb} #channel`, `{verb} here` or `{verb} all`. {UNCHANGED}"
    return Switch(verb == "pause", match["channel"] or (channel_id if match["here"] else EVERYWHERE), reason)


def _subject(scope: Scope, word: str, team_id: str) -> str | None:
    """The id of what a limit is for; None when the word names nothing of this scope, which would limit nothing."""
    if scope is Scope.CONVERSATION:
        thread = parse_link(word, team_id)
        return thread.id if thread else None
    mention = _MENTIONS[scope].match(word) if scope in _MENTIONS else None
    return mention["id"] if mention else None
