"""The ticket desk over any ticket system of another company: a ticket is never opened twice.

Before a request goes out it stands in our own book (`tools.tickets.keys`), taken by one process. Whatever happens then,
a lost answer, a deadline, a kill: the next attempt finds it there and knows that it may have worked. It makes the order
again only where the service itself recognises it; otherwise it looks for our mark, and only when no ticket can turn up
any more is the order made once more. Until then the tool says that nobody knows.

What remains: on a service that recognises nothing, a process that is frozen for longer than it may hold a request,
exactly between its last look into the book and its sending, sends late.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from tools.base import OutcomeUnknownError, ToolError, ToolUnavailableError
from tools.http_answer import BackendRefusedError
from tools.ownership import canonical
from tools.tickets.desk import RECENT, NewTicket, Ticket
from tools.tickets.keys import OPENED, OVER, SENT, Entry, TicketKeys
from tools.tickets.vendor import OPEN, SOLVED, Order, Ref, Theirs, TicketVendor, mark_of

logger = logging.getLogger(__name__)

_SEND_SECONDS, _HOLD_SECONDS = 8.0, 10.0
"""One order takes so long at most; a request is taken for a little longer."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.5
_YOUNG_SECONDS = 600.0
"""A ticket that is not shown so soon after it was opened is not gone: the service's index is behind."""
_REFUSED = (
    "The ticket system did not accept this ticket, and it will not when asked again: no ticket was opened. Say so, and "
    "call escalate_to_human so that a person takes care of it."
)


@dataclass(frozen=True, slots=True)
class Around:
    """Time, names and waiting; a test brings its own."""

    clock: Callable[[], float]
    """Seconds since 1970."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    token: Callable[[], str] = field(default=lambda: uuid4().hex)
    """Names one attempt; never the same twice."""


class OutsideTickets:
    """Tickets in another company's system."""

    def __init__(
        self, vendor: TicketVendor, keys: TicketKeys, around: Around, workspaces: frozenset[str] | None = None
    ) -> None:
        """`workspaces`: whose agents' tickets are shown, "" for those that people opened; None: all."""
        self._vendor = vendor
        self._keys = keys
        self._around = around
        self._workspaces = workspaces

    @classmethod
    def on(cls, engine: AsyncEngine, vendor: TicketVendor, around: Around) -> "OutsideTickets":
        """The desk of all workspaces."""
        return cls(vendor, TicketKeys(engine, vendor.name, around.clock, hold_seconds=_HOLD_SECONDS), around)

    def of(self, workspace: str, *, with_unplaced: bool = False) -> "OutsideTickets":
        """The desk of one workspace: tickets of its conversations; `with_unplaced`: and those of none."""
        keys = self._keys.of(workspace, with_unplaced=with_unplaced)
        shown = frozenset({workspace, ""} if with_unplaced else {workspace})
        return OutsideTickets(self._vendor, keys, self._around, shown)

    async def open(self, ticket: NewTicket, key: str) -> Ticket:
        """As the port says, where "open" means not solved; a request that somebody is making just now is waited for."""
        holder, pause, patience = self._around.token(), _FIRST_PAUSE, _SEND_SECONDS
        while patience > 0:
            entry = await self._keys.take(ticket, key, holder)
            if entry.state in (OPENED, OVER):
                known = await self._known(entry, key)
                if known is not None:
                    return known
            elif entry.holder == holder:
                return await self._make(entry)
            else:
                await self._around.sleep(pause)
                patience, pause = patience - pause, min(pause * 2, _LONGEST_PAUSE)
        raise ToolUnavailableError("somebody else is opening this ticket")

    async def find_by_key(self, key: str) -> Ticket | None:
        entry = await self._keys.find(key)
        if entry is None:
            return None
        status = (await self._statuses([entry])).get(entry.vendor_id)
        return None if status is None else _ticket(entry, status)

    async def recent(self, email: str) -> tuple[Ticket, ...]:
        """Those of our book that still exist, and what else the system has of exactly this customer."""
        own, known = await self._keys.recent(email), await self._vendor.of_customer(canonical(email))
        theirs = [one for one in known or () if canonical(one.customer_email) == canonical(email)]
        statuses = {one.id: one.status for one in theirs}
        statuses |= await self._statuses([entry for entry in own if entry.vendor_id not in statuses])
        shown = [_ticket(entry, statuses[entry.vendor_id]) for entry in own if entry.vendor_id in statuses]
        shown += await self._others(theirs, {entry.vendor_id for entry in own})
        return tuple(sorted(shown, key=lambda ticket: -ticket.created_at)[:RECENT])

    async def _known(self, entry: Entry, key: str) -> Ticket | None:
        """The ticket that this request has led to; None when it is done with, so that a new one may be opened."""
        if entry.key == key:
            return _ticket(entry, SOLVED if entry.state == OVER else OPEN)
        status = (await self._statuses([entry])).get(entry.vendor_id, SOLVED)
        if status == SOLVED:
            await self._keys.over(entry)
            return None
        return _ticket(entry, status)

    async def _make(self, entry: Entry) -> Ticket:
        """Make the request that we have taken, or find out what came of it."""
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                vendor_id = await self._looked_up(entry) or await self._sent(entry)
                noted = await self._keys.opened(entry, vendor_id)
        except BaseException:
            with suppress(ToolUnavailableError):  # then it becomes free by itself
                await self._keys.give_back(entry)
            raise
        if noted != vendor_id:
            fields = {"desk": self._vendor.name, "ticket": vendor_id, "first": noted}
            logger.error("tickets.opened_twice", extra={"fields": fields})
        return _ticket(entry, OPEN, noted)

    async def _looked_up(self, entry: Entry) -> str | None:
        """The ticket of a request that went out before; None: it may be made (again) without a second one."""
        if entry.state != SENT:
            return None
        order = self._order(entry)
        found = await self._vendor.find(order)
        if found is not None:
            logger.info("tickets.found_again", extra={"fields": {"desk": self._vendor.name, "ticket": found}})
        if found is not None or order.age < self._vendor.repeatable_seconds:
            return found
        unsettled = self._vendor.settle_seconds - order.quiet
        if unsettled > 0:
            raise ToolUnavailableError("not known yet whether a ticket was opened", retry_after=unsettled)
        return None

    async def _sent(self, entry: Entry) -> str:
        sending = await self._keys.sending(entry)
        order = self._order(sending)
        try:
            return await self._vendor.create(order)
        except OutcomeUnknownError as error:
            found = await self._vendor.find(order)
            if found is None:
                logger.warning("tickets.in_doubt", extra={"fields": {"desk": self._vendor.name, "mark": order.mark}})
                raise ToolUnavailableError("nobody knows whether a ticket was opened") from error
            return found
        except BackendRefusedError as error:
            return await self._refused(entry, order, error)
        except ToolUnavailableError:
            await self._keys.not_sent(entry)
            raise

    async def _refused(self, entry: Entry, order: Order, error: BackendRefusedError) -> str:
        """An order that was made before may be refused because it worked; it stays in doubt until that is known."""
        found = await self._vendor.find(order) if entry.state == SENT else None
        if found is not None:
            return found
        fields = {
            "desk": self._vendor.name, "status": error.status, "lockout": error.is_lockout, "error": str(error),
        }  # fmt: skip
        logger.error("tickets.refused", extra={"fields": fields})
        await self._keys.not_sent(entry)
        if entry.state == SENT:
            raise error
        raise ToolError(_REFUSED) from None

    async def _statuses(self, entries: Sequence[Entry]) -> dict[str, str]:
        """By id, of those that still exist."""
        if not entries:
            return {}
        shown = await self._vendor.standings([Ref(entry.vendor_id, mark_of(entry.key)) for entry in entries])
        young = self._around.clock() - _YOUNG_SECONDS
        unseen = {entry.vendor_id: OPEN for entry in entries if entry.state == OPENED and (entry.sent_at or 0) > young}
        return unseen | {one.id: one.status for one in shown}

    async def _others(self, theirs: Sequence[Theirs], shown: set[str]) -> list[Ticket]:
        """Of the system's tickets those that our book's newest do not show; none of other workspaces."""
        rest = [one for one in theirs if one.id not in shown]
        behind = await self._keys.behind([one.id for one in rest]) if rest else {}
        others: list[Ticket] = []
        for one in rest:
            entry, is_seen = behind.get(one.id, (None, self._workspaces is None or one.workspace in self._workspaces))
            if is_seen and entry is None:
                others.append(_outsider(one))
            elif is_seen and entry and entry.ticket.customer_email == canonical(one.customer_email):
                others.append(_ticket(entry, one.status))
        return others

    def _order(self, entry: Entry) -> Order:
        now = self._around.clock()
        age, quiet = (0.0 if at is None else max(0.0, now - at) for at in (entry.first_sent_at, entry.sent_at))
        workspace = entry.ticket.conversation_id.partition(":")[0]
        return Order(mark_of(entry.key), entry.ticket, workspace, entry.created_at, age, quiet)


def _ticket(entry: Entry, status: str, vendor_id: str = "") -> Ticket:
    asked = entry.ticket
    return Ticket(
        vendor_id or entry.vendor_id, asked.customer_email, asked.subject, asked.body, asked.priority, asked.category,
        status, entry.created_at, asked.conversation_id, entry.key,
    )  # fmt: skip


def _outsider(one: Theirs) -> Ticket:
    return Ticket(
        one.id, canonical(one.customer_email), one.subject, one.body, one.priority, one.category, one.status,
        one.created_at, conversation_id="", key="",
    )  # fmt: skip
