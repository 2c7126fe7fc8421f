"""A take-over that crosses with the end of a run or with a delivery: from its commit on the bot is silent (P5)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.agent.approvals import ApprovalRules
from bot.agent.gated import GatedCalls
from bot.agent.policy import Policy, PolicyFile
from bot.agent.profile import Profiles, load_profile
from bot.desk.alerts import Alerts
from bot.desk.approved_calls import ApprovedCalls
from bot.desk.authority import Authority
from bot.desk.cases import Cases
from bot.desk.consequences import Consequences
from bot.desk.decisions import Decisions
from bot.desk.endings import Ending, Endings
from bot.desk.expiry import Expiry
from bot.desk.ownership import Ownership
from bot.desk.people import People, StaffRoom
from bot.domain.answer import Outcome
from bot.domain.conversation import Speaker, Standing
from bot.domain.effects import Outgoing, Place
from bot.domain.escalation import Decision, NewEscalation, Origin
from bot.domain.incoming import DecisionMade
from bot.ports.clock import sortable_id
from bot.ports.outbox import Delivery, Intent
from bot.ports.slack import Person
from bot.ports.store import Run
from bot.runtime.outbox import OutboxWorker
from bot.store.engine import create_engine, writing
from bot.store.migrate import migrate
from bot.store.outbox import SqlOutboxQueue
from bot.store.runs import SqlRuns
from bot.store.store import SqlStore
from bot.store.tables import outbox
from tests.contract.store_kit import KINDS, NOW, THREAD, conversation, database, enqueue, message, notice, open_store
from tests.fakes.messenger import FakeMessenger
from tests.fakes.postgres import postgres_database

MOMENT = 0.15
"""Long enough for whoever does not wait for a lock to be done."""
NO_GATES = Policy(PolicyFile())
RUN = Run("run-1", THREAD.id, ("i1",), "U1", epoch=1, live_key="live:i1", started_at=NOW)


class Town:
    """Everybody is staff."""

    async def person(self, user_id: str) -> Person:
        return Person(user_id, "T1", "Sam", None, is_bot=False)

    async def is_member(self, channel_id: str, user_id: str) -> bool:
        return True

    async def in_group(self, group_id: str, user_id: str) -> bool:
        return False

    async def permalink(self, place: Place) -> str:
        return ""


class Office:
    """A conversation with a run under way, and an open case of it, on the stores of two replicas."""

    def __init__(self, one: SqlStore, other: SqlStore) -> None:
        self.store = one
        town, room = Town(), StaffRoom("C0STAFF", {}, frozenset(), frozenset())
        people, profiles = People(town, room, "T1"), Profiles({"support": load_profile("support")})
        alerts = Alerts(one, town, room, profiles, self.clock)
        self.endings = Endings(one, Cases(one, people, town, room, self.clock), alerts, profiles, self.clock)
        cases = Cases(other, people, town, room, self.clock)
        authority = Authority(people, town, room, ApprovalRules())
        expiry, ownership = Expiry(other, cases, self.clock), Ownership(self.clock)
        calls = ApprovedCalls(other, people, cases, GatedCalls({}, NO_GATES), profiles, self.clock, sortable_id)
        consequences = Consequences(cases, ownership, calls, profiles, self.clock, sortable_id)
        self._decisions = Decisions(other, authority, cases, expiry, consequences, self.clock)

    def clock(self) -> float:
        return NOW

    async def furnish(self) -> None:
        async with self.store.write() as tx:
            await tx.conversations.open(conversation())
            await tx.inbox.add("i1", message(), conversation_id=THREAD.id, partition=THREAD.id)
            await tx.runs.begin(RUN)
            await tx.outbox.add(notice("live:i1", lane=THREAD.id, conversation_id=THREAD.id, epoch=1))
            new = NewEscalation("esc", THREAD.id, Origin.TOOL, "why", "what", None, None, "U1", "T1")
            await tx.escalations.open(new, staff_channel="C0STAFF", at=NOW)

    async def take_over(self) -> None:
        press = DecisionMade("esc", Decision.TAKE_OVER, "T1", "U0SAM", "C0STAFF", None, "press-1")
        await self._decisions.decide("p1", press)

    async def settle(self) -> None:
        async with self.store.read() as tx:
            [row] = await tx.inbox.waiting(THREAD.id)
        await self.endings.settle(RUN, Ending(Outcome.FAILED), [row])

    async def effects(self) -> dict[str, str | None]:
        """What is to be shown: keys, and what each replaces or takes away."""
        async with self.store.read() as tx:
            rows = await tx.connection.execute(sa.select(outbox.c.key, outbox.c.edits, outbox.c.epoch))
            return {row.key: row.edits for row in rows if row.epoch in {None, 2} or not row.key.startswith("live")}

    async def bot_said(self) -> list[str]:
        async with self.store.read() as tx:
            return [line.text for line in await tx.conversations.lines(THREAD.id, 50) if line.speaker is Speaker.BOT]


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with postgres_database() as url, open_store(url) as one, open_store(url) as other:
        async with one.write() as tx:
            await tx.connection.execute(sa.text("create table queued (id text primary key, lane text)"))
        made = Office(one, other)
        await made.furnish()
        yield made


@asynccontextmanager
async def pausing(monkeypatch: pytest.MonkeyPatch, name: str, *, before: bool) -> AsyncIterator[asyncio.Event]:
    """The method of the runs' repository gives others a moment, before or after its statement, when first called."""
    there, real = asyncio.Event(), getattr(SqlRuns, name)

    async def paused(self: SqlRuns, *given: Any) -> Any:
        if there.is_set():
            return await real(self, *given)
        if before:
            there.set()
            await asyncio.sleep(MOMENT)
            return await real(self, *given)
        result = await real(self, *given)
        there.set()
        await asyncio.sleep(MOMENT)
        return result

    with monkeypatch.context() as patched:
        patched.setattr(SqlRuns, name, paused)
        yield there


@pytest.mark.parametrize("before", [True, False])
async def test_an_answer_that_is_being_settled_goes_first_and_is_not_taken_away(
    office: Office, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    async with pausing(monkeypatch, "finish", before=before) as settling, asyncio.TaskGroup() as both:
        both.create_task(office.settle())
        await settling.wait()
        await office.take_over()
    shown = await office.effects()
    assert shown["answer:run-1"] == "live:i1"
    assert "remove:live:i1" not in shown, "the live line is the answer by then"
    assert len(await office.bot_said()) == 1


async def test_a_run_that_was_taken_over_first_says_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async with pausing(monkeypatch, "hold", before=True) as settling, asyncio.TaskGroup() as both:
        both.create_task(office.settle())
        await settling.wait()
        await office.take_over()
    shown = await office.effects()
    assert shown["remove:live:i1"] == "live:i1"
    assert "answer:run-1" not in shown
    assert await office.bot_said() == [], "and nobody believes it did"
    async with office.store.read() as tx:
        run = await tx.runs.get("run-1")
    assert run is not None
    assert run.outcome is Outcome.STOPPED


class Crossing(SqlOutboxQueue):
    """Somebody takes over at the moment an intent is granted."""

    store: SqlStore

    async def intend(self, delivery: Delivery, **rest: Any) -> Intent:
        intent = await super().intend(delivery, **rest)
        if delivery.outgoing.key == "late":
            assert intent is Intent.GRANTED
            async with self.store.write() as tx:
                await tx.conversations.set_owner(THREAD.id, Standing.HUMAN, "U0SAM")
        return intent


@pytest.mark.parametrize("kind", KINDS)
async def test_a_take_over_between_the_intent_and_the_call_silences_the_bot(kind: str, tmp_path: Path) -> None:
    async with database(kind, tmp_path) as url:
        engine = create_engine(url)
        await migrate(engine)
        queue = Crossing(engine, lambda: writing(engine))
        queue.store = store = SqlStore(engine, enqueue, lambda: NOW)
        async with store.write() as tx:
            await tx.conversations.open(conversation())
            await tx.outbox.add(notice("late", conversation_id=THREAD.id, epoch=1), notice("next"))
        slack, told = FakeMessenger(lambda: NOW), list[tuple[str, str]]()

        async def unsent(outgoing: Outgoing, why: str) -> None:
            told.append((outgoing.key, why))

        worker = OutboxWorker(queue, slack, lambda: NOW, unsent=unsent)
        await worker.start()
        assert await worker.flush(5)
        await worker.close()
        await engine.dispose()
        assert slack.attempted == ["next"]
        assert told == [("late", "")]
