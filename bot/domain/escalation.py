"""Cases put before people, and what may become of them."""

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from bot.domain.budget_ask import BudgetAsk
from bot.domain.exchange import Citation
from bot.domain.handover import Rating


class Team(StrEnum):
    """Teams a case can be routed to; anything else goes to the default staff channel."""

    BILLING = "billing"
    ENGINEERING = "engineering"
    ACCOUNT_MANAGEMENT = "account_management"


class Origin(StrEnum):
    """How an escalation began."""

    TOOL = "tool"
    LOW_CONFIDENCE = "low_confidence"
    BUDGET = "budget"
    FAILURE = "failure"
    HANDOFF = "handoff"
    """Typed by a person or by another bot."""
    GATED = "gated"
    """A tool call that the policy does not let the agent make alone."""
    ANSWERED = "answered"
    """A colleague answered in the customer's thread."""
    PAUSED = "paused"
    """An admin has paused the bot."""


class State(StrEnum):
    """Life of an escalation; decided by one conditional update."""

    OPEN = "open"
    CLAIMED = "claimed"
    """A person took over."""
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    """Nobody approved the proposal in time."""
    VOIDED = "voided"
    """Overtaken by events, e.g. a new customer message."""
    HANDED_BACK = "handed_back"
    RESOLVED = "resolved"

    @property
    def is_live(self) -> bool:
        """True while people can still act on it."""
        return self in (State.OPEN, State.CLAIMED)


class Decision(StrEnum):
    """What a person can do to an escalation."""

    APPROVE = "approve"
    DENY = "deny"
    TAKE_OVER = "take_over"
    HAND_BACK = "hand_back"
    RESOLVE = "resolve"
    VOID = "void"
    """Made by the desk itself, not by a person."""
    EXPIRE = "expire"
    """As VOID."""
    ALLOW = "allow"
    """More money, for a run that waits for it."""
    STOP = "stop"
    """No more money."""
    RECLAIM = "reclaim"
    """Take over from an owner who went quiet; only while the case is offered."""


MOVES: dict[Decision, tuple[State, State]] = {
    Decision.APPROVE: (State.OPEN, State.APPROVED),
    Decision.DENY: (State.OPEN, State.DENIED),
    Decision.TAKE_OVER: (State.OPEN, State.CLAIMED),
    Decision.HAND_BACK: (State.CLAIMED, State.HANDED_BACK),
    Decision.RESOLVE: (State.CLAIMED, State.RESOLVED),
    Decision.VOID: (State.OPEN, State.VOIDED),
    Decision.EXPIRE: (State.OPEN, State.EXPIRED),
    Decision.ALLOW: (State.OPEN, State.APPROVED),
    Decision.STOP: (State.OPEN, State.DENIED),
    Decision.RECLAIM: (State.CLAIMED, State.CLAIMED),
}
"""From which state a decision is possible and where it leads."""


SHOWN_ON_CARD = 2_500
"""Characters of a summary or proposal that a card shows; the whole of a longer one is posted under it."""


@dataclass(frozen=True, slots=True)
class GatedCall:
    """A tool call that runs only with a person's consent to exactly this."""

    tool: str
    arguments: str
    """Canonical JSON: sorted keys, no blanks."""
    principal: str
    """`team:user` for whom it would run."""
    profile: str
    policy: str
    """Version (hash) of the policy that gated it."""
    why: str
    """The rule, in words for the approver; not part of the digest."""
    role: str = ""
    """Of the principal when the call was wanted; it is not made for somebody who has become less."""
    tool_version: str = ""
    """Of a tool that is not our own: it is not made when the tool has become another. Empty: a tool of our own."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What waits for a person's consent: a reply, or a tool call."""

    text: str
    """The reply; empty with a call."""
    citations: tuple[Citation, ...] = ()
    call: GatedCall | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of what would be sent or done; an approval is bound to it."""
        body: list[object] = [self.text, [(c.source, c.title) for c in self.citations]]
        if self.call is not None:
            call = self.call
            version = [call.tool_version] if call.tool_version else []
            body.append([call.tool, call.arguments, call.principal, call.role, call.profile, call.policy, *version])
        return hashlib.sha256(json.dumps(body, ensure_ascii=False).encode()).hexdigest()

    @property
    def words(self) -> str:
        """All of it as text, for staff and for the record."""
        return self.text if self.call is None else f"{self.call.tool} {self.call.arguments}"


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asked about a case without taking it over."""

    by: str
    of: str
    """User id of a colleague; empty for the customer."""
    text: str
    at: float
    answered_at: float | None = None


@dataclass(frozen=True, slots=True)
class NewEscalation:
    """A case about to be opened."""

    id: str
    conversation_id: str
    origin: Origin
    reason: str
    summary: str
    team: Team | None = None
    proposal: Proposal | None = None
    requested_by: str = ""
    """User whose request it is; what the agent does after a decision, it does for them."""
    requested_team: str = ""
    """Their workspace; differs from ours for Slack Connect."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """A case put before people."""

    id: str
    conversation_id: str
    origin: Origin
    reason: str
    summary: str
    team: Team | None
    proposal: Proposal | None
    requested_by: str
    requested_team: str
    state: State
    opened_at: float
    staff_channel: str
    """Channel the card was routed to."""
    decided_by: str = ""
    decided_at: float | None = None
    note: str = ""
    """The decider's reason or note; while the case is open, why a proposal was withdrawn."""
    version: int = 1
    """Rises with each change; the card shows the newest."""
    expires_at: float | None = None
    """Until then the proposal may be approved; None: as long as the case is open."""
    first_by: str = ""
    """Who approved this very proposal first, where two people must."""
    first_at: float | None = None
    edited_by: str = ""
    """Whose words (or arguments) the proposal holds; empty for the agent's own."""
    asked: Question | None = None
    """The last question."""
    offered_at: float | None = None
    """Since then colleagues may take it over from an owner who does not answer."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """How a case that waits for a first answer stands."""

    due_at: float
    used: float
    """Share of the time for the first answer; 1 and more: it is over."""
    responder: str = ""
    """Whose turn it is: a user's or user group's id; empty when nobody is named."""
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class CardView:
    """Everything a card shows: the row and what stands around it."""

    escalation: Escalation
    customer_id: str
    customer_name: str
    thread_link: str
    """Permalink of the customer's thread, empty when unknown."""
    cost: Decimal
    """USD of the conversation so far."""
    steps: int
    budget_ask: BudgetAsk | None = None
    """What people are asked about money, while the run waits."""
    needs: str = ""
    """Who has to approve, in words; empty when anybody of staff may."""
    deadline: Deadline | None = None
    """While it waits for a first answer."""
    rating: Rating | None = None
    """What the customer thought of it, once it was resolved."""
