"""The rooms of a desk that have to do with waiting, over a real store, with a clock that is moved by hand."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bot.desk.case_clocks import CaseClocks
from bot.desk.cases import Cases
from bot.desk.people import People, StaffRoom
from bot.desk.waiting import Waiting
from bot.domain.case_due import CaseDue
from bot.domain.conversation import Line, Speaker, Standing, ThreadKey
from bot.domain.effects import EFFECT, AnyEffect, Outgoing, Place, ShowInStaffThread, ShowNotice
from bot.domain.errors import TransientError
from bot.domain.escalation import Decision, Escalation, NewEscalation, Origin, State, Team
from bot.domain.hours import Hours, Span
from bot.domain.service import Desks, Priority, Service
from bot.ports.clock import sortable_id
from bot.ports.pager import Alert
from bot.ports.slack import Person
from bot.runtime.timers import TimerWorker
from bot.store.store import SqlStore
from bot.store.tables import inbox, outbox
from tests.contract.store_kit import conversation, message
from tests.fakes.tools import HeldClock

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Hours(BERLIN, dict.fromkeys(range(5), (Span(9 * 60, 17 * 60),)), frozenset({date(2026, 11, 25)}))
HOUR, MINUTE = 3600.0, 60.0
SERVICE = Service(
    hours=OFFICE,
    default=Desks({Priority.NORMAL: HOUR, Priority.URGENT: 10 * MINUTE}, ("U0SAM", "U0LEO")),
    teams={Team.BILLING: Desks({Priority.NORMAL: 4 * HOUR, Priority.URGENT: HOUR})},
    urgent_words=frozenset({"outage"}),
    backup_channel="C0BACKUP",
    quiet_owner=30 * MINUTE,
)


def berlin(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


MONDAY = berlin("2026-11-23 10:00")


class Town:
    """Everybody is staff."""

    async def person(self, user_id: str) -> Person:
        return Person(user_id, "T1", "Sam", None, is_bot=False)

    async def is_member(self, channel_id: str, user_id: str) -> bool:
        return True

    async def in_group(self, group_id: str, user_id: str) -> bool:
        return False

    async def permalink(self, place: Place) -> str:
        return f"https://slack.example/{place.channel_id}/{place.thread_ts}"


class NotingPager:
    """Remembers whom it woke; fails as told."""

    def __init__(self) -> None:
        self.opened: list[Alert] = []
        self.closed: list[str] = []
        self.trouble: list[Exception] = []

    async def trigger(self, alert: Alert) -> None:
        if self.trouble:
            raise self.trouble.pop(0)
        self.opened.append(alert)

    async def resolve(self, key: str) -> None:
        if self.trouble:
            raise self.trouble.pop(0)
        self.closed.append(key)


class WaitingOffice:
    """Cases, their clocks and what becomes of them."""

    def __init__(self, store: SqlStore, service: Service = SERVICE) -> None:
        self.whole, self.store = store, store.of("T1")
        self.clock = HeldClock(MONDAY)
        self.pager = NotingPager()
        town, room = Town(), StaffRoom("C0STAFF", {"billing": "C0BILLING"}, frozenset(), frozenset())
        self.clocks = CaseClocks(service, self.clock)
        people = People(town, room, "T1")
        self.cases = Cases(self.store, people, town, room, self.clock, clocks=self.clocks)
        self.waiting = Waiting(self.store, self.cases, self.clocks, town, self.clock, self.pager)
        self.timers = TimerWorker(store, self.clock, sortable_id)

    async def opens(self, number: int = 1, reason: str = "wants a refund", team: Team | None = None) -> str:
        """A new case, of a conversation of its own; its id."""
        thread = ThreadKey("T1", "C1", f"170000000{number}.000100")
        talk = conversation(thread)
        new = NewEscalation(f"esc-{number}", talk.id, Origin.TOOL, reason, "What it is about", team)
        async with self.store.write() as tx:
            await tx.conversations.open(talk)
            await self.cases.open(tx, new, talk)
        return new.id

    async def finds_out(self, reason: str) -> None:
        """A later turn puts the same conversation before people again."""
        case = await self.case()
        async with self.store.write() as tx:
            talk = await tx.conversations.get(case.conversation_id)
            assert talk is not None
            newer = NewEscalation("esc-newer", talk.id, Origin.TOOL, reason, "What it is about")
            await self.cases.open(tx, newer, talk)

    async def case(self, case_id: str = "esc-1") -> Escalation:
        async with self.store.read() as tx:
            case = await tx.escalations.get(case_id)
        assert case is not None
        return case

    async def decides(self, decision: Decision, by: str, case_id: str = "esc-1") -> Escalation | None:
        """The decision and what follows for card, owner and timers."""
        async with self.store.write() as tx:
            case = await tx.escalations.decide(case_id, decision, by=by, at=self.clock(), note="")
            if case is not None:
                if case.state is State.CLAIMED:
                    await tx.conversations.set_owner(case.conversation_id, Standing.HUMAN, by)
                await self.cases.redraw(tx, case)
        return case

    async def customer_writes(self, text: str = "Hello?") -> None:
        await self._says(Speaker.CUSTOMER, "U1", text)

    async def owner_answers(self, text: str = "I am on it.") -> None:
        case = await self.case()
        await self._says(Speaker.PERSON, case.decided_by, text)

    async def _says(self, speaker: Speaker, user_id: str, text: str) -> None:
        case = await self.case()
        async with self.store.write() as tx:
            talk = await tx.conversations.get(case.conversation_id)
            assert talk is not None
            said = message(f"{self.clock():.6f}", user_id=user_id, text=text)
            await tx.conversations.add_lines(talk.id, Line(speaker, "", text, self.clock()))
            await self.cases.mirror(tx, talk, [said], "")

    async def time_is(self, now: float) -> None:
        """Move the clock, and let everything happen that is due by then."""
        self.clock.now = now
        while await self.timers.look() or await self._handle():
            pass

    async def _handle(self) -> bool:
        async with self.whole.read() as tx:
            query = sa.select(inbox.c.id).where(inbox.c.kind == "case_due", inbox.c.handled_at.is_(None))
            ids = list(await tx.connection.scalars(query))
            rows = [row for one in ids if (row := await tx.inbox.get(one)) is not None]
        for row in rows:
            assert isinstance(row.incoming, CaseDue)
            try:
                await self.waiting.handle(row, row.incoming)
            except TransientError:
                return False  # the dispatcher repeats it later
        return bool(rows)

    async def unhandled(self) -> int:
        """Causes that wait for a worker, or keep one busy."""
        async with self.whole.read() as tx:
            waiting = sa.select(sa.func.count()).select_from(inbox).where(inbox.c.handled_at.is_(None))
            return int(await tx.connection.scalar(waiting) or 0)

    async def effects(self) -> list[tuple[str, AnyEffect]]:
        async with self.whole.read() as tx:
            rows = await tx.connection.execute(sa.select(outbox.c.key, outbox.c.payload).order_by(outbox.c.seq))
            return [(row.key, EFFECT.validate_json(row.payload)) for row in rows]

    async def outgoing(self, key: str) -> Outgoing:
        """An effect as the outbox holds it."""
        async with self.whole.read() as tx:
            row = (await tx.connection.execute(sa.select(outbox).where(outbox.c.key == key))).one()
        return Outgoing(row.key, EFFECT.validate_json(row.payload), row.lane, row.conversation_id, row.epoch)

    async def under_card(self) -> list[tuple[tuple[str, ...], str]]:
        """(who is pinged, words) of the bot's notes under cards."""
        shown = [effect for _, effect in await self.effects() if isinstance(effect, ShowInStaffThread)]
        return [(effect.calls, effect.text) for effect in shown if not effect.author_id]

    async def notices(self, channel: str) -> list[str]:
        shown = [effect for _, effect in await self.effects() if isinstance(effect, ShowNotice)]
        return [effect.text for effect in shown if effect.place.channel_id == channel]
