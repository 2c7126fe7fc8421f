"""What people are shown when they ask what the agent did and what it cost, and what they may fill in there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from bot.domain.audit import AuditEntry
from bot.domain.bot_pause import BotPause
from bot.domain.budget import BudgetChange, Limit, Period, Scope, Spend
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
class Gauge:
    """What one scope has used in the running period."""

    scope: Scope
    period: Period
    spent: Decimal
    """USD, with what is set aside for calls under way."""
    limit: Decimal | None = None
    """USD; None where nobody set one."""


@dataclass(frozen=True, slots=True)
class DayCost:
    """One day of the trend."""

    day: date
    usd: Decimal


@dataclass(frozen=True, slots=True)
class BudgetReport:
    """Money of a workspace as one person sees it, from one channel or from the Home tab."""

    gauges: tuple[Gauge, ...]
    limits: tuple[Limit, ...] = ()
    """Limits that hold here: of the workspace, the channel and the caller."""
    trend: tuple[DayCost, ...] = ()
    """The workspace's last days, oldest first, today last."""
    pauses: tuple[BotPause, ...] = ()
    """For customers only what holds where they ask, without name and reason."""
    dearest: tuple[tuple[str, str, Spend], ...] = ()
    """(conversation id, permalink or empty, spend) of the dearest open conversations."""
    changes: tuple[BudgetChange, ...] = ()
    """The last changes of limits, newest first; for staff."""
    switches: tuple[AuditEntry, ...] = ()
    """Who paused or resumed the bot, newest first; for staff."""
    may_change: bool = False
    """Whether this person may set limits and pause the bot."""
    channel_id: str = ""
    """Where it was asked for; empty in the Home tab."""
    zone: str = "UTC"
    """Whose days and months these are."""
    dashboard: str = ""
    """Link that lets this person in, once; empty when they may not look, or there is nowhere to lead to."""


class TalkState(StrEnum):
    """Where a conversation stands, for the one who began it."""

    BOT = "bot"
    WAITING = "waiting"
    """For a colleague."""
    PERSON = "person"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class OwnConversation:
    """A conversation in the Home tab of the one who began it."""

    channel_id: str
    is_direct: bool
    opened_at: float
    state: TalkState
    spend: Spend
    limit: Decimal
    link: str = ""
    owner: str = ""
    """User id of the person in charge."""


@dataclass(frozen=True, slots=True)
class HomePage:
    """The Home tab of one person."""

    own: tuple[OwnConversation, ...] = ()
    report: BudgetReport | None = None
    """For staff; with forms and buttons for admins."""
    is_paused: bool = False
    """Whether the whole bot is paused."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody who wants to see or change something: a person of this workspace, or of another one."""

    team_id: str
    """Their own workspace."""
    user_id: str


@dataclass(frozen=True, slots=True)
class BudgetCommand:
    """`/agent-budget …` as somebody typed it."""

    team_id: str
    channel_id: str
    user_id: str
    text: str
    """What stands behind the command; links bare, other mentions as `<@U…>` and `<#C…>`."""
    user_team: str = ""
    """The person's own workspace, when it is not this one (Slack Connect)."""

    @property
    def asker(self) -> "Asker":
        """Who asks."""
        return Asker(self.user_team or self.team_id, self.user_id)


BudgetReply = BudgetReport | TraceReport | str
"""The whole picture, one conversation, or a sentence."""


class Field(StrEnum):
    """Fields of the money desk's forms."""

    SCOPE = "scope"
    PERSON = "person"
    CHANNEL = "channel"
    CONVERSATION = "conversation"
    AMOUNT = "amount"
    PERIOD = "period"
    REASON = "reason"


@dataclass(frozen=True, slots=True)
class FilledIn:
    """A form of the money desk as somebody sent it."""

    team_id: str
    """The workspace whose limits these are."""
    asker: Asker
    values: Mapping[Field, str] = field(default_factory=dict)
    """As typed or chosen; fields left empty are missing."""

    def get(self, name: Field) -> str:
        """A field's value, empty when nothing was filled in."""
        return self.values.get(name, "")


@dataclass(frozen=True, slots=True)
class FormAnswer:
    """What became of a form."""

    told: str = ""
    """A sentence, when it was taken."""
    problems: Mapping[Field, str] = field(default_factory=dict)
    """What is wrong, beside the field."""
