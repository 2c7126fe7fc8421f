"""A desk's way of gated calls without Slack and without a model: toolbox, gate, cases and execution on a real store."""

import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa

from bot.agent.gate import Gate
from bot.agent.policy import Policy, load_policy, parse_policy
from bot.agent.profile import Profiles, load_profile
from bot.agent.toolbox import Toolbox
from bot.desk.approved_calls import ApprovedCalls
from bot.desk.cases import Cases
from bot.desk.gated_calls import ConsentRequests
from bot.desk.ownership import By
from bot.desk.people import People, StaffRoom
from bot.domain.effects import Place
from bot.domain.errors import TransientError
from bot.domain.escalation import Decision, Escalation, GatedCall
from bot.domain.exchange import ToolResult, ToolUse
from bot.domain.incoming import CallApproved, CarryOn
from bot.domain.principal import Principal, Role
from bot.ports.clock import sortable_id
from bot.ports.slack import Person
from bot.ports.store import Queued, Run
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, NOW, THREAD, conversation, database, message, open_store
from tests.fakes.tools import FixedKnowledge, MemoryCustomers, MemoryTickets, NotedBudget, NotedEscalations
from tools.base import AnyTool, ToolContext, ToolOutput
from tools.billing.books import SqlBooks
from tools.catalogue import ARGUMENTS, Backing, build_catalogue
from tools.customers.directory import Charge, CustomerRecord
from tools.database import create_tables

ANA = Principal("T1", "U1", Role.CUSTOMER, "Ana Ruiz", "ana@cobalt-studio.example")
SAM = By("U0SAM", "Sam Porter")


@dataclass
class Town:
    """Everybody's profile, as Slack tells it; can be changed or kept back."""

    email: str | None = ANA.email
    staff: set[str] = field(default_factory=lambda: {SAM.user_id})
    is_dumb: bool = False

    async def person(self, user_id: str) -> Person:
        if self.is_dumb:
            raise TransientError("Slack does not answer")
        return Person(user_id, "T1", "Ana Ruiz", self.email, is_bot=False)

    async def is_member(self, channel_id: str, user_id: str) -> bool:
        return user_id in self.staff

    async def in_group(self, group_id: str, user_id: str) -> bool:
        return False

    async def permalink(self, place: Place) -> str:
        return ""


class Counter:
    """Where calls are wanted, approved and carried out; a new one on the same store is the program after a restart."""

    def __init__(
        self, store: SqlStore, books: SqlBooks, town: Town | None = None, policy: Policy | None = None
    ) -> None:
        self.store, self.books, self.town = store, books, town or Town()
        self.neighbour: Counter | None = None
        self.policy = policy or load_policy("", ARGUMENTS)
        room = StaffRoom("C0STAFF", {}, frozenset(), frozenset())
        self.people = People(self.town, room, "T1")
        self.cases = Cases(store, self.people, self.town, room, lambda: NOW)
        self.tools: tuple[AnyTool, ...] = build_catalogue(Backing(
            knowledge=FixedKnowledge(), customers=MemoryCustomers(), tickets=MemoryTickets(), books=books,
            escalations=NotedEscalations(), own_budget=NotedBudget(),
        ))  # fmt: skip
        self.profiles = Profiles({"support": load_profile("support"), "triage": load_profile("triage")})
        self.rebuild()

    @property
    def replicas(self) -> tuple["Counter", ...]:
        """This one and the other process on the same database."""
        return (self, self.neighbour) if self.neighbour else (self,)

    def rebuild(self) -> None:
        """Put together anew what works with the tools and the policy."""
        gate = Gate(self.policy, ConsentRequests(self.store, self.cases))
        self.toolbox = Toolbox(self.tools, self.store, lambda: NOW, gate)
        self.forms = self.toolbox.gated(self.policy)
        self.calls = ApprovedCalls(
            self.store, self.people, self.cases, self.forms, self.profiles, lambda: NOW, sortable_id
        )

    def with_policy(self, text: str) -> "Counter":
        """The same after a restart with another policy."""
        return Counter(self.store, self.books, self.town, parse_policy(text, ARGUMENTS))

    async def open(self) -> None:
        """One conversation with one message."""
        async with self.store.write() as tx:
            await tx.conversations.open(conversation())
            await tx.inbox.add("i1", message(), conversation_id=THREAD.id, partition=THREAD.id)

    async def wants(self, *calls: tuple[str, object], run: str = "run-1", who: Principal = ANA) -> list[ToolResult]:
        """A run in which the model asks for these tools at once."""
        async with self.store.write() as tx:
            now = await tx.conversations.get(THREAD.id)
            assert now is not None
            await tx.runs.begin(Run(run, THREAD.id, ("i1",), who.user_id, now.epoch, None, NOW))
        uses = tuple(
            ToolUse(f"tu_{number}", name, given if isinstance(given, str) else json.dumps(given))
            for number, (name, given) in enumerate(calls)
        )
        context = ToolContext(who, THREAD.id, run, "", now.epoch, profile="support")
        return list(await self.toolbox.run_all(uses, context, 1))

    async def live(self) -> Escalation | None:
        """The case that waits."""
        async with self.store.write() as tx:
            return await tx.escalations.live(THREAD.id)

    async def proposed(self) -> GatedCall:
        """The call that waits."""
        case = await self.live()
        assert case is not None
        assert case.proposal is not None
        assert case.proposal.call is not None
        return case.proposal.call

    async def approves(self, by: By = SAM) -> Queued:
        """A person consents to what waits; the cause that follows."""
        async with self.store.write() as tx:
            case = await tx.escalations.live(THREAD.id)
            assert case is not None
            decided = await tx.escalations.decide(case.id, Decision.APPROVE, by=by.user_id, at=NOW, note="")
            now = await tx.conversations.get(THREAD.id)
            assert decided is not None
            assert now is not None
            await self.calls.queue(tx, decided, now, by)
        return await self.cause()

    async def edits(self, call: GatedCall, **arguments: object) -> GatedCall:
        """The call as a form makes it."""
        who = await self.people.principal("U1", author_team="T1")
        context = ToolContext(who, THREAD.id, "approved-esc", "", 1, profile="support", is_consented=True)
        return await self.forms.edited(call, arguments, context)

    async def cause(self) -> Queued:
        """The last approved call in the inbox."""
        found = [queued for queued in await self._inbox() if isinstance(queued.incoming, CallApproved)]
        return found[-1]

    async def carries_out(self, queued: Queued, **more: bool) -> None:
        """What the dispatcher does with it."""
        assert isinstance(queued.incoming, CallApproved)
        await self.calls.carry_out(await self._again(queued), queued.incoming, **more)

    async def carry_ons(self) -> list[CarryOn]:
        """What the agent is told to go on with."""
        return [queued.incoming for queued in await self._inbox() if isinstance(queued.incoming, CarryOn)]

    async def under_card(self) -> str:
        """Everything the bot said to staff."""
        async with self.store.read() as tx:
            rows = await tx.connection.exec_driver_sql(
                "select payload from outbox where kind = 'staff_reply' order by key"
            )
            return "\n".join(str(row[0]) for row in rows)

    async def cards(self) -> int:
        """Cases there are."""
        async with self.store.read() as tx:
            return int(await tx.connection.scalar(_COUNT) or 0)

    async def refunded(self) -> list[str]:
        """Amounts that were really given back."""
        assert ANA.email is not None
        return [f"{refund.amount:.2f}" for refund in reversed(await self.books.recent(ANA.email))]

    async def _again(self, queued: Queued) -> Queued:
        async with self.store.read() as tx:
            found = await tx.inbox.get(queued.id)
        assert found is not None
        return found

    async def _inbox(self) -> list[Queued]:
        async with self.store.read() as tx:
            ids = [str(row[0]) for row in await tx.connection.exec_driver_sql("select id from inbox order by id")]
            return [queued for one in ids if (queued := await tx.inbox.get(one)) is not None]


_COUNT = sa.text("select count(*) from escalations")


@asynccontextmanager
async def open_counter(folder: Path, kind: str = "sqlite") -> AsyncIterator[Counter]:
    """A counter on a new database; Ana has paid $710.71, Bo $8,000."""
    assert kind in KINDS
    async with database(kind, folder) as url, open_store(url) as store, open_store(url) as other:
        await create_tables(store._engine)
        books = SqlBooks(store._engine, lambda: NOW)
        await books.seed([_who_paid(ANA.email or "", "710.71"), _who_paid("bo@northpine.example", "8000")])
        counter = Counter(store, books)
        counter.neighbour = Counter(other, SqlBooks(other._engine, lambda: NOW))
        await counter.open()
        yield counter


async def dies_in_the_middle(url: str, inbox_id: str) -> None:
    """Carry a call out in this process, and kill it between the tool's work and the record of it."""
    async with open_store(url) as store:
        counter = Counter(store, SqlBooks(store._engine, lambda: NOW))
        real = counter.forms.run

        async def run(call: GatedCall, context: ToolContext) -> ToolOutput:
            await real(call, context)
            os.kill(os.getpid(), signal.SIGKILL)
            raise AssertionError("nobody gets here")

        counter.forms.run = run  # type: ignore[method-assign]  # the crash
        async with store.read() as tx:
            queued = await tx.inbox.get(inbox_id)
        assert queued is not None
        await counter.carries_out(queued)


def _who_paid(email: str, usd: str) -> CustomerRecord:
    charge = Charge("2026-11-18", "monthly", Decimal(usd), "paid", f"INV-{email}")
    return CustomerRecord(email, "", "", "Team", "active", 1, "2024-03-18", None, Decimal(0), "", (charge,))


def refund(amount: object, **changes: object) -> tuple[str, object]:
    """The model's wish for a refund."""
    given = {"customer_email": ANA.email, "amount_usd": amount, "reason": "INV-2026-15477 was charged twice"}
    return "issue_refund", given | changes


def changed(queued: Queued, **changes: object) -> Queued:
    """A cause that somebody tampered with."""
    assert isinstance(queued.incoming, CallApproved)
    return replace(queued, incoming=replace(queued.incoming, **changes))  # type: ignore[arg-type]  # a dict of fields
