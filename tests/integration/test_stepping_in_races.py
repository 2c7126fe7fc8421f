"""Two colleagues take over at once, one by answering and one by the button, on two replicas: one of them has it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from bot.desk.cases import Cases
from bot.desk.ownership import Ownership
from bot.desk.people import People, StaffRoom
from bot.desk.stepping_in import SteppingIn
from bot.domain.answer import Outcome
from bot.domain.conversation import Standing
from bot.domain.incoming import ColleagueSpoke
from bot.ports.store import Queued
from tests.contract.store_kit import THREAD, open_store
from tests.fakes.postgres import postgres_database
from tests.integration.test_take_over_races import Office, Town

SPOKE = ColleagueSpoke(THREAD, "1700000000.000900", "U0GRACE", "T1", "spoke:C1:1")


class Staffed(Town):
    """Only colleagues are in the staff channel."""

    async def is_member(self, channel_id: str, user_id: str) -> bool:
        return user_id.startswith("U0")


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with postgres_database() as url, open_store(url) as one, open_store(url) as other:
        async with one.write() as tx:
            await tx.connection.execute(sa.text("create table queued (id text primary key, lane text)"))
        made = Office(one, other)
        await made.furnish()
        yield made


async def answer(office: Office) -> None:
    """Grace answers the customer in the thread."""
    town, room = Staffed(), StaffRoom("C0STAFF", {}, frozenset(), frozenset())
    people = People(town, room, "T1")
    cases = Cases(office.store, people, town, room, office.clock)
    stepping = SteppingIn(office.store, people, cases, Ownership(office.clock), office.clock)
    await stepping.handle(Queued("s1", SPOKE, None, 0, handled=False), SPOKE)


@pytest.mark.parametrize("round_", range(3))
async def test_who_answers_and_who_presses_at_once_do_not_both_take_over(office: Office, round_: int) -> None:
    async with asyncio.TaskGroup() as both:
        both.create_task(answer(office))
        both.create_task(office.take_over())
        both.create_task(office.settle())
    async with office.store.read() as tx:
        conversation = await tx.conversations.get(THREAD.id)
        case = await tx.escalations.get("esc")
        run = await tx.runs.get("run-1")
        taken = await tx.connection.scalar(sa.text("select count(*) from outbox where key like 'taken:%'"))
    assert conversation is not None and case is not None and run is not None  # noqa: PT018 - for the type checker
    assert (conversation.standing, conversation.epoch) == (Standing.HUMAN, 2)
    assert conversation.owner == case.decided_by
    assert taken == 1
    assert run.outcome in (Outcome.STOPPED, Outcome.FAILED)


async def test_answering_without_a_case_opens_one_that_can_be_handed_back(office: Office) -> None:
    async with office.store.write() as tx:
        await tx.connection.execute(sa.text("delete from escalations"))
    await answer(office)
    await answer(office)
    async with office.store.read() as tx:
        [case] = await tx.escalations.all_live()
        notes = [entry.detail for entry in await tx.audit.recent(9, about=case.id)]
    assert (case.decided_by, case.note) == ("U0GRACE", "by answering in the customer's thread")
    assert notes == ["by answering in the customer's thread"]
