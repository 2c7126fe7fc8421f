"""What the dashboard shows beside its figures: conversations, cases, articles, budgets and prompts, row by row.

Lists are read a page at a time from a position (`Position`), never by counting pages, so that the thousandth page costs
no more than the first. A search that would have to look at too much stops, and says how far back it has looked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from bot.domain.answer import Outcome
from bot.domain.audit import AuditEntry
from bot.domain.bot_pause import BotPause
from bot.domain.budget import BudgetChange, Grant, Limit, Spend
from bot.domain.budget_ask import BudgetAsk
from bot.domain.conversation import Conversation, Line
from bot.domain.escalation import Escalation, Team
from bot.domain.gaps import Gap
from bot.domain.gate import Mute
from bot.domain.handover import Rating
from bot.domain.money import ZERO
from bot.domain.reports import TalkState
from bot.domain.trace import TraceEvent


@dataclass(frozen=True, slots=True)
class Position:
    """Behind which row of a list, from the newest, the next page begins."""

    at: float
    id: str = ""


class Opinion(StrEnum):
    """What a customer thought."""

    UP = "up"
    """Thumbs up for an answer."""
    DOWN = "down"
    HIGH = "high"
    """Four or five stars for a case."""
    LOW = "low"
    """One or two."""


@dataclass(frozen=True, slots=True)
class ConversationFilter:
    """Which conversations; what is empty or None does not matter."""

    words: tuple[str, ...] = ()
    """Each in some line of the transcript, however written."""
    conversation_id: str = ""
    user: str = ""
    """Id of the customer."""
    state: TalkState | None = None
    outcome: Outcome | None = None
    """Of its last run."""
    owner: str = ""
    """Id of the person in charge."""
    channel: str = ""
    """`bot.domain.insight.DIRECT` for direct conversations."""
    profile: str = ""
    prompt_version: str = ""
    since: float | None = None
    """Opened at or after."""
    until: float | None = None
    """Opened before."""
    cost_over: Decimal | None = None
    """USD."""
    escalated: bool | None = None
    opinion: Opinion | None = None


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """One conversation in a list."""

    conversation: Conversation
    state: TalkState
    customer: str
    """Name, as the transcript has it; empty when nobody has said anything yet."""
    beginning: str
    """Of the first message."""
    spend: Spend = field(default_factory=Spend)
    outcome: Outcome | None = None
    """Of the last run; None while it goes on, or before the first."""
    cases: int = 0
    stars: int | None = None
    """Of the last rating."""
    liked: int = 0
    disliked: int = 0


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """Some conversations, the newest first."""

    rows: tuple[ConversationRow, ...]
    next: Position | None = None
    """Where there may be more."""
    looked_back_to: float | None = None
    """When the search stopped before the page was full: how far back it has looked."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run of a conversation."""

    id: str
    user_id: str
    started_at: float
    outcome: Outcome | None
    is_paused: bool


@dataclass(frozen=True, slots=True)
class ConversationRecord:
    """Everything of one conversation that is kept, its newest part when that is much."""

    row: ConversationRow
    lines: tuple[Line, ...]
    runs: tuple[RunRow, ...]
    events: tuple[TraceEvent, ...]
    cases: tuple[Escalation, ...]
    """The newest first."""
    audit: tuple[AuditEntry, ...]
    ratings: tuple[Rating, ...]
    lines_left_out: int = 0
    """Earlier ones."""
    is_cut: bool = False
    """Whether there were earlier steps, too."""

    @property
    def is_running(self) -> bool:
        """Whether the agent is at work on it."""
        return any(run.outcome is None and not run.is_paused for run in self.runs)


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case in a list."""

    case: Escalation
    customer: str
    """Name, empty when unknown."""


@dataclass(frozen=True, slots=True)
class TeamTimes:
    """How fast the cases of one team were decided."""

    team: Team | None
    """None: of no team."""
    decided: int
    median: float
    """Seconds from opening to decision, or to the take-over."""
    slow: float
    """Nine of ten were faster."""


@dataclass(frozen=True, slots=True)
class CasesPage:
    """Cases that wait for people, and some that do not any more."""

    live: tuple[CaseRow, ...]
    decided: tuple[CaseRow, ...]
    """The newest first."""
    times: tuple[TeamTimes, ...]
    next: Position | None = None
    """Where there are more decided ones."""


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """One article as an author looks at it."""

    title: str
    url: str
    """Empty when it has no page."""
    slug: str
    """Empty when it is no longer there."""
    updated: str
    """ISO date; empty when unknown."""
    source: str
    cited: int = 0
    """Answers that rested on it in the time looked at."""
    last_cited: float | None = None


@dataclass(frozen=True, slots=True)
class SourceRow:
    """Where articles come from."""

    name: str
    articles: int
    last_change: float | None
    """When one of them came in or changed last."""
    told: str = ""
    """How the last reading by the bot ended; empty when somebody imports by hand."""
    due_at: float | None = None


@dataclass(frozen=True, slots=True)
class KnowledgeView:
    """The state of the help centre."""

    articles: int
    gaps: tuple[Gap, ...]
    cited: tuple[ArticleRow, ...]
    stale: tuple[ArticleRow, ...]
    """Of those not updated for long or without a date, the most cited first."""
    stale_count: int
    """Not updated for long."""
    undated_count: int
    """Without a date."""
    sources: tuple[SourceRow, ...]


@dataclass(frozen=True, slots=True)
class LimitUse:
    """A limit and what is used of it in its running period."""

    limit: Limit
    """As it was set; subject `*` for every subject of its scope."""
    granted: Decimal = ZERO
    """USD that people allowed beyond it in this period."""
    used: Decimal | None = None
    """USD spent or reserved; None for `*`."""
    most: Mapping[str, Decimal] = field(default_factory=dict)
    """For `*`: who has used most, by subject."""

    @property
    def allowed(self) -> Decimal:
        """USD in all."""
        return self.limit.usd + self.granted


@dataclass(frozen=True, slots=True)
class AskRow:
    """A question for more money, and how it ended."""

    ask: BudgetAsk
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class BudgetView:
    """Limits, and who changed what about them; the newest first."""

    limits: tuple[LimitUse, ...]
    changes: tuple[BudgetChange, ...]
    grants: tuple[Grant, ...]
    asks: tuple[AskRow, ...]
    pauses: tuple[BotPause, ...]
    mutes: tuple[Mute, ...]
    switches: tuple[AuditEntry, ...]
    """Who paused, resumed, muted what."""


@dataclass(frozen=True, slots=True)
class PromptText:
    """What the model is told under one version."""

    version: str
    system: str
    tools: tuple[str, ...]
    """One text each: name, description, schema."""


@dataclass(frozen=True, slots=True)
class BreakerRow:
    """A circuit breaker that was open at some time."""

    name: str
    """`model:…` or `tool:…`."""
    until: float | None
    """Open, and tried again then; None: closed."""
    reason: str
    """Class of the failure."""
