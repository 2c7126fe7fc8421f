"""What people are shown when they ask what the agent did and what it cost."""

from dataclasses import dataclass
from decimal import Decimal

from bot.domain.budget import BudgetChange, Limit, Spend
from bot.domain.trace import TraceEvent


@dataclass(frozen=True, slots=True)
class TraceReport:
    """One conversation, step by step."""

    conversation_id: str
    spend: Spend
    limit: Decimal
    """USD the conversation may cost."""
    events: tuple[TraceEvent, ...] = ()
    """In order; the summaries in them are for staff."""
    link: str = ""
    """Permalink of the thread, empty when unknown."""


@dataclass(frozen=True, slots=True)
class BudgetReport:
    """Money of a workspace as one person sees it from one channel; USD, days and months in UTC."""

    today: Decimal
    month: Decimal
    limits: tuple[Limit, ...]
    """Limits that hold here: of the workspace, the channel and the caller."""
    channel_today: Decimal
    channel_month: Decimal
    own_today: Decimal
    own_month: Decimal
    dearest: tuple[tuple[str, str, Spend], ...] = ()
    """(conversation id, permalink or empty, spend) of the dearest open conversations."""
    changes: tuple[BudgetChange, ...] = ()
    """The last changes of limits, newest first."""


@dataclass(frozen=True, slots=True)
class BudgetCommand:
    """`/agent-budget …` as somebody typed it."""

    team_id: str
    channel_id: str
    user_id: str
    text: str
    """What stands behind the command; links bare, other mentions as `<@U…>` and `<#C…>`."""


BudgetReply = BudgetReport | TraceReport | str
"""The whole picture, one conversation, or a sentence."""
