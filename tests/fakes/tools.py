"""Back-ends of the tools that work in memory, and the things a test of a tool needs around it."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TypeVar

from bot.domain.exchange import SearchResult
from bot.domain.principal import Principal, Role
from tools.attempts import Attempt
from tools.base import ConsentNeededError, Tool, ToolContext, ToolUnavailableError
from tools.billing.books import Books, NewRefund, Refund, RefundRefusedError, Terms
from tools.customers.directory import CustomerDirectory, CustomerRecord
from tools.customers.tool import LookupArguments, LookupCustomer
from tools.escalation import EscalationRequest
from tools.knowledge_base.band import Band
from tools.knowledge_base.tool import Findings, Question
from tools.ownership import canonical
from tools.remembered import Remembered
from tools.resilience import Guard, Instruments
from tools.tickets.desk import RECENT, NewTicket, Ticket, normalised

T = TypeVar("T")


class HeldClock:
    """Time that moves only when told to, or when somebody sleeps."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.slept: list[float] = []
        self.attempts: list[Attempt] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    def observe(self, attempt: Attempt, context: ToolContext) -> None:
        self.attempts.append(attempt)

    @property
    def instruments(self) -> Instruments:
        """Instruments that run on this clock and remember every attempt."""
        return Instruments(clock=self, sleep=self.sleep, random=lambda: 1.0, observe=self.observe)


class Moody:
    """A back-end's work that fails as often as told, then does what it should."""

    def __init__(self, *moods: BaseException | None) -> None:
        self.moods = list(moods)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        mood = self.moods.pop(0) if self.moods else None
        if mood is not None:
            raise mood
        return "done"

    async def before(self, work: Callable[[], Awaitable[T]]) -> T:
        """Real work, after the mood has had its say."""
        await self()
        return await work()


def asked_by(
    email: str | None, role: Role = Role.CUSTOMER, *, use: str = "toolu_1", conversation: str = "T1:C1:1.0"
) -> ToolContext:
    """The context of a tool use of somebody with this verified address."""
    return ToolContext(Principal("T1", "U1", role, "Somebody", email), conversation, "run_1", use, 0)


class MemoryTickets:
    """A ticket desk in a list."""

    def __init__(self) -> None:
        self.all: list[Ticket] = []
        self.mood = Moody()
        self.after = Moody()
        """Fails after the work was done, as a lost answer does."""

    async def open(self, ticket: NewTicket, key: str) -> Ticket:
        await self.mood()
        opened = self._known(ticket, key) or self._add(ticket, key)
        await self.after()
        return opened

    async def find_by_key(self, key: str) -> Ticket | None:
        return next((t for t in self.all if t.key == key), None)

    async def recent(self, email: str) -> tuple[Ticket, ...]:
        await self.mood()
        own = [t for t in reversed(self.all) if t.customer_email == canonical(email)]
        return tuple(own[:RECENT])

    def _known(self, ticket: NewTicket, key: str) -> Ticket | None:
        same_key = [t for t in self.all if t.key == key]
        same_request = [
            t
            for t in self.all
            if t.status == "open"
            and t.conversation_id == ticket.conversation_id
            and t.customer_email == canonical(ticket.customer_email)
            and normalised(t.subject) == normalised(ticket.subject)
        ]
        return next(iter(same_key + same_request), None)

    def _add(self, ticket: NewTicket, key: str) -> Ticket:
        number = 1001 + len(self.all)
        self.all.append(
            Ticket(
                f"FW-{number}", canonical(ticket.customer_email), ticket.subject, ticket.body, ticket.priority,
                ticket.category, "open", float(number), ticket.conversation_id, key,
            )
        )  # fmt: skip
        return self.all[-1]


class MemoryBooks:
    """Books in a list: everybody has paid the same."""

    def __init__(self, paid: str = "500.00") -> None:
        self.all: list[Refund] = []
        self.paid = Decimal(paid)
        self.mood = Moody()
        self.after = Moody()
        """Fails after the work was done, as a lost answer does."""

    async def refund(self, refund: NewRefund, key: str, terms: Terms) -> Refund:
        await self.mood()
        known = next((r for r in self.all if r.key == key), None)
        made = known or await self._make(refund, key, terms)
        await self.after()
        return made

    async def look(self, refund: NewRefund) -> tuple[Decimal, Refund | None]:
        await self.mood()
        given = [r for r in self.all if r.customer_email == canonical(refund.customer_email)]
        same = [r for r in given if (r.amount, r.conversation_id) == (refund.amount, refund.conversation_id)]
        return self.paid - sum((r.amount for r in given), Decimal(0)), next(iter(same), None)

    async def recent(self, email: str) -> tuple[Refund, ...]:
        await self.mood()
        return tuple(r for r in reversed(self.all) if r.customer_email == canonical(email))

    async def _make(self, refund: NewRefund, key: str, terms: Terms) -> Refund:
        email = canonical(refund.customer_email)
        given = [r for r in self.all if r.customer_email == email]
        same = [r for r in given if (r.amount, r.conversation_id) == (refund.amount, refund.conversation_id)]
        if same and not terms.again:
            return same[0]
        total = sum((r.amount for r in given), refund.amount)
        if total > self.paid:
            raise RefundRefusedError(f"At most ${self.paid - total + refund.amount} can be refunded.")
        if terms.allowance is not None and total > terms.allowance:
            raise ConsentNeededError("more than may be given back by itself")
        number = f"RF-{1001 + len(self.all)}"
        made = Refund(number, email, refund.amount, refund.reason, 0.0, refund.conversation_id, key, self.paid - total)
        self.all.append(made)
        return made


class MemoryCustomers:
    """A customer directory in a dict."""

    def __init__(self, *records: CustomerRecord) -> None:
        self._records = {canonical(record.email): record for record in records}
        self.asked: list[str] = []
        self.mood = Moody()

    async def find(self, email: str) -> CustomerRecord | None:
        await self.mood()
        self.asked.append(email)
        return self._records.get(canonical(email))


def lookup_of(
    directory: CustomerDirectory,
    guard: Callable[[str], Guard],
    *,
    books: Books | None = None,
    memory: Remembered[CustomerRecord] | None = None,
) -> Tool[LookupArguments]:
    """lookup_customer over this directory, beside a desk without tickets; `guard`: of the back-end of this name."""
    return LookupCustomer(
        directory, MemoryTickets(), books or MemoryBooks(), directory_guard=guard("customers"),
        tickets_guard=guard("tickets"), books_guard=guard("billing"), memory=memory,
    ).tool()  # fmt: skip


class FixedKnowledge:
    """A knowledge base that always finds the same."""

    def __init__(self, *results: SearchResult) -> None:
        self.results = results
        self.asked: list[Question] = []
        self.mood = Moody()
        self.remembers = True

    async def search(self, question: Question) -> Findings:
        await self.mood()
        self.asked.append(question)
        return self._findings

    async def recall(self, question: Question) -> Findings:
        if not self.remembers:
            raise ToolUnavailableError("nothing held")
        return self._findings

    @property
    def _findings(self) -> Findings:
        return Findings(Band.STRONG if self.results else Band.NONE, self.results)


class NotedEscalations:
    """An escalation desk that writes down what it is asked, once per key."""

    def __init__(self, text: str = "A colleague in #support-staff was asked.") -> None:
        self.text = text
        self.cases: dict[str, EscalationRequest] = {}
        self.mood = Moody()

    async def escalate(self, request: EscalationRequest, context: ToolContext) -> str:
        self.cases.setdefault(context.key, request)
        await self.mood()
        return self.text


class NotedBudget:
    """Implements tools.budget.RunBudget: remembers what the agent set itself."""

    def __init__(self) -> None:
        self.set: list[Decimal] = []

    async def tighten(self, usd: Decimal, context: ToolContext) -> str:
        self.set.append(usd)
        return "done"
