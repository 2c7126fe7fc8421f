"""A run that waits for money, and the desks of the processes that decide about it."""

from datetime import UTC
from decimal import Decimal
from typing import cast

from bot.agent.approvals import ApprovalRules
from bot.agent.profile import Profiles, load_profile
from bot.desk.allowing import Allowing
from bot.desk.authority import Authority
from bot.desk.budget_pauses import BudgetPauses
from bot.desk.cases import Cases
from bot.desk.deadlines import Deadlines
from bot.desk.endings import Ending
from bot.desk.going_on import GoingOn
from bot.desk.money_desk import BudgetDesk
from bot.desk.money_report import MoneyReports
from bot.desk.people import People, StaffRoom
from bot.desk.stopping import Stopping
from bot.domain.answer import Outcome
from bot.domain.budget import Limit, Scope, Shortfall
from bot.domain.effects import Place
from bot.domain.escalation import Decision
from bot.domain.hours import ALWAYS
from bot.domain.incoming import DecisionMade, StopPressed
from bot.domain.principal import Principal, Role
from bot.domain.reports import BudgetCommand
from bot.ports.clock import sortable_id
from bot.ports.slack import Person
from bot.ports.store import Run
from bot.store.store import SqlStore
from tests.contract.store_kit import (
    NOW,
    THREAD,
    conversation,
    message,
)

RUN = Run("run-1", THREAD.id, ("i1",), "U1", epoch=1, live_key="live:i1", started_at=NOW)
LIMIT = Limit(Scope.CONVERSATION, THREAD.id, Decimal("0.50"))
SHORT = Ending(Outcome.BUDGET_EXHAUSTED, shortfall=Shortfall(LIMIT, Decimal("0.48"), Decimal("0.06")))
ASKER = Principal("T1", "U1", Role.CUSTOMER, "Ana", None)
CASE = "esc-run-1-1"
LINK = "https://fernway.slack.com/archives/C1/p1700000000000100"
NO_REPORTS = cast(MoneyReports, None)
"""Nobody here asks for one."""


class Town:
    """Everybody is staff."""

    async def person(self, user_id: str) -> Person:
        return Person(user_id, "T1", f"Sam {user_id}", None, is_bot=False)

    async def is_member(self, channel_id: str, user_id: str) -> bool:
        return True

    async def in_group(self, group_id: str, user_id: str) -> bool:
        return False

    async def permalink(self, place: Place) -> str:
        return ""


class Office:
    """What one process decides and pauses with."""

    def __init__(self, store: SqlStore, *, ceiling: Limit | None = None, going_on: type[GoingOn] = GoingOn) -> None:
        self.store = store
        room = StaffRoom("CSTAFF", {}, frozenset({"U9"}), frozenset())
        profiles = Profiles({"support": load_profile("support")})
        people = self.people = People(Town(), room, "T1")
        cases = Cases(store, people, Town(), room, lambda: NOW)
        authority = Authority(people, Town(), room, ApprovalRules())
        deadlines = Deadlines(profiles, ALWAYS, lambda: NOW)
        going = self.going_on = going_on(cases, profiles, lambda: NOW, sortable_id, UTC)
        self.desk = BudgetDesk(store, people, room, NO_REPORTS, going, lambda: NOW, sortable_id)
        self.pauses = BudgetPauses(store, cases, deadlines, profiles, lambda: NOW, ceiling=ceiling)
        self.allowing = Allowing(store, people, authority, cases, going, profiles, lambda: NOW, new_id=sortable_id)

    async def pause(self, ending: Ending = SHORT) -> bool:
        """A run begins, and lacks money."""
        async with self.store.write() as tx:
            await tx.conversations.open(conversation())
            await tx.inbox.add("i1", message(), conversation_id=THREAD.id, partition=THREAD.id)
            await tx.runs.begin(RUN)
            row = await tx.inbox.get("i1")
        assert row is not None
        return await self.pauses.begin(RUN, ending, [row], ASKER)

    async def types(self, words: str, user: str = "U9") -> str:
        """`/agent-budget` by an admin."""
        told = await self.desk.command(BudgetCommand("T1", "C1", user, words, "T1"))
        assert isinstance(told, str)
        return told


def press(user: str, usd: str | None = "0.50", decision: Decision = Decision.ALLOW) -> DecisionMade:
    return DecisionMade(CASE, decision, "T1", user, "CSTAFF", None, f"press-{user}", usd=Decimal(usd) if usd else None)


async def adds(office: Office, *inbox_ids: str) -> None:
    """What the customer writes while the run waits is put aside."""
    async with office.store.write() as tx:
        rows = []
        for number, inbox_id in enumerate(inbox_ids, 2):
            said = message(f"170000000{number}.000100", text="It is about three guests")
            await tx.inbox.add(inbox_id, said, conversation_id=THREAD.id, partition=THREAD.id)
            row = await tx.inbox.get(inbox_id)
            assert row is not None
            rows.append((row, "Ana"))
    assert await office.pauses.hold_back(RUN, rows)


async def stops(office: Office) -> None:
    stop = StopPressed(THREAD, "U1", "press:stop", "T1")
    async with office.store.write() as tx:
        assert await Stopping(office.store, office.people, lambda: NOW, sortable_id).at_the_door(tx, stop)
