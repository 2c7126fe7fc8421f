"""A staff channel and those who decide in it, on a real store: what the desk does with presses and forms."""

import itertools
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from pydantic import Field

from bot.agent.approvals import ApprovalRules
from bot.agent.gated import GatedCalls
from bot.agent.policy import Policy, PolicyFile
from bot.agent.profile import Profiles, load_profile
from bot.desk.approved_calls import ApprovedCalls
from bot.desk.authority import Authority
from bot.desk.cases import Cases
from bot.desk.consequences import Consequences
from bot.desk.deadlines import Deadlines, Terms
from bot.desk.decisions import Decisions
from bot.desk.expiry import Expiry
from bot.desk.ownership import Ownership
from bot.desk.people import People, StaffRoom
from bot.desk.questions import Questions
from bot.desk.revisions import Revisions
from bot.domain.audit import AuditEntry
from bot.domain.effects import EFFECT, AnyEffect, Place, ShowInStaffThread, Whisper
from bot.domain.errors import MembershipUnknownError
from bot.domain.escalation import Decision, Escalation, GatedCall, NewEscalation, Origin, Proposal, Team
from bot.domain.hours import Hours, Span
from bot.domain.incoming import DecisionMade, ProposalEdited, QuestionAsked
from bot.ports.clock import sortable_id
from bot.ports.slack import Person
from bot.store.store import SqlStore
from bot.store.tables import outbox
from tests.contract.store_kit import NOW, THREAD, conversation
from tools.base import AnyTool, Arguments, Tool, ToolContext, ToolOutput

OFFICE_HOURS = Hours(ZoneInfo("UTC"), {day: (Span(0, 24 * 60),) for day in range(5)})
"""Monday to Friday, the whole day."""
STAFF = frozenset({"USAM", "UGRACE", "ULEO"})
RULES = ApprovalRules.model_validate(
    {
        "roles": {"finance": {"groups": ["SFINANCE"]}},
        "limit": [{"tool": "refund", "field": "amount", "above": 500, "role": "finance", "why": "over $500: finance"}],
    }
)


@dataclass
class Town:
    """Slack's directory: everybody in STAFF is in the staff channel, Leo alone in the user group."""

    bots: set[str] = field(default_factory=set)
    groups: dict[str, set[str]] = field(default_factory=lambda: {"SFINANCE": {"ULEO"}})
    is_away: bool = False

    async def person(self, user_id: str) -> Person:
        return Person(user_id, "T1", user_id.removeprefix("U").title(), None, is_bot=user_id in self.bots)

    async def is_member(self, channel_id: str, user_id: str) -> bool:
        if self.is_away:
            raise MembershipUnknownError("Slack is away")
        return user_id in STAFF or user_id in self.bots

    async def in_group(self, group_id: str, user_id: str) -> bool:
        if group_id not in self.groups:
            raise MembershipUnknownError("no such group")
        return user_id in self.groups[group_id]

    async def permalink(self, place: Place) -> str:
        return "https://fernway.slack.com/archives/C1/p1"


class RefundArguments(Arguments):
    """What a refund takes."""

    amount: Annotated[Decimal, Field(gt=0, decimal_places=2)]
    reason: Annotated[str, Field(min_length=3)]


async def _refund(arguments: RefundArguments, context: ToolContext) -> ToolOutput:
    return ToolOutput(f"Refunded {arguments.amount}.")


REFUND = Tool("refund", "Refunds.", RefundArguments, _refund, "Refunding")
POLICY = Policy(PolicyFile())


def refund_call(amount: str = "150.00") -> GatedCall:
    """A refund that waits for consent."""
    arguments = f'{{"amount":"{amount}","reason":"charged twice"}}'
    return GatedCall("refund", arguments, "T1:U1", "support", POLICY.version, "Over $100.", "customer")


class Deciders:
    """The desk's rooms around a case, with a clock that moves when told to."""

    def __init__(self, store: SqlStore, rules: ApprovalRules = RULES, town: Town | None = None) -> None:
        self.store = store
        self.now = NOW
        self.town = town or Town()
        room = StaffRoom("C0STAFF", {}, frozenset({"UGRACE"}), frozenset())
        self.people = People(self.town, room, "T1")
        profiles = Profiles({"support": load_profile("support")})
        deadlines = Deadlines(profiles, OFFICE_HOURS, self.clock)
        self.cases = Cases(store, self.people, self.town, room, self.clock, Terms(deadlines, rules))
        self.authority = Authority(self.people, self.town, room, rules)
        self.expiry = Expiry(store, self.cases, self.clock)
        self.tools: dict[str, AnyTool] = {REFUND.name: REFUND}
        gated = GatedCalls(self.tools, POLICY)
        calls = self.calls = ApprovedCalls(store, self.people, self.cases, gated, profiles, self.clock, sortable_id)
        ownership = Ownership(self.clock)
        consequences = Consequences(self.cases, ownership, calls, profiles, self.clock, sortable_id)
        self.decisions = Decisions(store, self.authority, self.cases, self.expiry, consequences, self.clock)
        self.revisions = Revisions(
            store, self.people, self.authority, self.cases, self.decisions, gated, deadlines, self.clock
        )
        self.questions = Questions(store, self.people, self.authority, self.cases, self.clock)
        self._presses = itertools.count(1)

    def clock(self) -> float:
        return self.now

    async def open(self, proposal: Proposal | None, *, case_id: str = "esc", team: Team | None = None) -> Escalation:
        """A case of the one conversation."""
        async with self.store.write() as tx:
            await tx.conversations.open(conversation())
            talk = await tx.conversations.get(THREAD.id)
            assert talk is not None
            new = NewEscalation(case_id, THREAD.id, Origin.GATED, "wants money", "what", team, proposal, "U1", "T1")
            return await self.cases.open(tx, new, talk)

    async def case(self, case_id: str = "esc") -> Escalation:
        async with self.store.read() as tx:
            found = await tx.escalations.get(case_id)
        assert found is not None
        return found

    async def press(
        self, who: str, decision: Decision, *, version: int | None = None, note: str = "", team: str = "T1",
        case_id: str = "esc",
    ) -> str:  # fmt: skip
        """Press a button on the card; what the presser is told, if anything."""
        press_id = f"press-{who}-{next(self._presses)}"
        press = DecisionMade(case_id, decision, "T1", who, "C0STAFF", None, press_id, note, version, user_team=team)
        await self.decisions.decide(f"in-{press_id}", press)
        return await self.whispered(press_id)

    async def edits(self, who: str, version: int, *, text: str = "", approve: bool = False, **fields: str) -> str:
        """Send the form of an edit; what the sender is told, if anything."""
        press_id = f"edit-{next(self._presses)}"
        edit = ProposalEdited(
            "esc", "T1", who, "C0STAFF", None, press_id, version, text, tuple(fields.items()), approve, "T1"
        )
        await self.revisions.handle(f"in-{press_id}", edit)
        return await self.whispered(press_id)

    async def asks(self, who: str, words: str, *, of: str = "") -> str:
        """Send the form of a question; what the sender is told, if anything."""
        press_id = f"ask-{next(self._presses)}"
        asked = QuestionAsked("esc", "T1", who, "C0STAFF", None, press_id, words, of, "T1")
        await self.questions.handle(f"in-{press_id}", asked)
        return await self.whispered(press_id)

    async def passes(self, hours: float) -> None:
        """Let time pass, and let what is due happen."""
        self.now += hours * 3600
        async with self.store.write() as tx:
            due = await tx.timers.take_due(self.now, 10)
        for number, timer in enumerate(due):
            assert timer.cause.kind == "expiry"
            await self.expiry.handle(f"timer-{self.now}-{number}", timer.cause)

    async def effects(self) -> list[tuple[str, AnyEffect]]:
        """(key, effect) of everything that is to be shown, in order."""
        async with self.store.read() as tx:
            rows = await tx.connection.execute(sa.select(outbox.c.key, outbox.c.payload).order_by(outbox.c.seq))
            return [(row.key, EFFECT.validate_json(row.payload)) for row in rows]

    async def under_card(self) -> str:
        """Everything that was said under the card."""
        return "\n".join(e.text for _, e in await self.effects() if isinstance(e, ShowInStaffThread))

    async def whispered(self, press_id: str) -> str:
        """What one person was told about one press."""
        found = [e.text for key, e in await self.effects() if isinstance(e, Whisper) and key.endswith(press_id)]
        return "\n".join(found)

    async def deeds(self) -> list[AuditEntry]:
        """The audit log, oldest first."""
        async with self.store.read() as tx:
            return (await tx.audit.recent(100))[::-1]
