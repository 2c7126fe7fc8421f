"""Conversations, runs, escalations and traces, kept by SqlStore on a real database."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.answer import Outcome
from bot.domain.conversation import Line, Speaker, Standing
from bot.domain.effects import Outgoing, Place, Receipt, Session, SetSession, ShowCard
from bot.domain.errors import FencedError, PermanentError
from bot.domain.escalation import Decision, NewEscalation, Origin, Proposal, State, Team
from bot.domain.exchange import Citation
from bot.ports.outbox import Reference, Referred
from bot.ports.store import Run
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, NOW, THREAD, conversation, database, notice, open_store


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url, open_store(url) as opened:
        yield opened


def run(run_id: str = "R1", **changes: object) -> Run:
    values: dict[str, object] = {
        "id": run_id,
        "conversation_id": THREAD.id,
        "inbox_ids": ("i1", "i2"),
        "user_id": "U1",
        "epoch": 1,
        "live_key": f"live:{run_id}",
        "started_at": NOW,
    }
    return Run(**(values | changes))  # type: ignore[arg-type]  # a dict of mixed fields


def case(escalation_id: str = "E1") -> NewEscalation:
    proposal = Proposal("We refunded $10.", (Citation("kb://refunds", "Refunds", "within 30 days"),))
    return NewEscalation(
        escalation_id, THREAD.id, Origin.TOOL, "refund", "wants $10 back", Team.BILLING, proposal, "U1"
    )


async def test_a_conversation_is_opened_once(store: SqlStore) -> None:
    async with store.write() as tx:
        assert await tx.conversations.open(conversation())
        assert not await tx.conversations.open(conversation())
        assert await tx.conversations.get(THREAD.id) == conversation()
        assert await tx.conversations.get("T1:C1:0") is None


async def test_every_change_of_owner_raises_the_epoch(store: SqlStore) -> None:
    async with store.write() as tx:
        await tx.conversations.open(conversation())
        taken = await tx.conversations.set_owner(THREAD.id, Standing.HUMAN, "U9")
        back = await tx.conversations.set_owner(THREAD.id, Standing.BOT, None)
        await tx.conversations.pin(THREAD.id, "abc")
        await tx.conversations.speak(THREAD.id, "ja")
        pinned = await tx.conversations.get(THREAD.id)
    assert (taken.standing, taken.owner, taken.epoch) == (Standing.HUMAN, "U9", 2)
    assert (back.standing, back.owner, back.epoch) == (Standing.BOT, None, 3)
    assert pinned is not None
    assert pinned.prompt_version == "abc"
    assert pinned.language == "ja"
    with pytest.raises(PermanentError):
        async with store.write() as tx:
            await tx.conversations.set_owner("T1:C1:0", Standing.BOT, None)


async def test_the_transcript_gives_its_last_lines_oldest_first(store: SqlStore) -> None:
    said = [Line(Speaker.CUSTOMER, "Ana", f"line {n}", NOW + n) for n in range(5)]
    async with store.write() as tx:
        for line in said:
            await tx.conversations.add_lines(THREAD.id, line)
        assert await tx.conversations.lines(THREAD.id, 3) == said[2:]
        assert await tx.conversations.lines("other", 3) == []


async def test_a_run_begins_once_and_ends_once(store: SqlStore) -> None:
    async with store.write() as tx:
        assert await tx.runs.begin(run())
        assert not await tx.runs.begin(run(user_id="U2"))
        assert await tx.runs.unfinished(THREAD.id) == run()
        assert await tx.runs.request_stop(THREAD.id)
        stopped = await tx.runs.get("R1")
        assert stopped is not None
        assert stopped.stop_requested
        assert await tx.runs.finish("R1", Outcome.STOPPED)
        assert not await tx.runs.finish("R1", Outcome.ANSWERED)
        assert await tx.runs.unfinished(THREAD.id) is None
        assert not await tx.runs.request_stop(THREAD.id)
        ended = await tx.runs.get("R1")
    assert ended is not None
    assert ended.outcome is Outcome.STOPPED


async def test_a_step_is_recorded_by_one_execution_only(store: SqlStore) -> None:
    async def record(output: str) -> str:
        async with store.write() as tx:
            await tx.runs.record("R1", "m1", output)
        return output

    results = await asyncio.gather(*(record(str(n)) for n in range(5)), return_exceptions=True)
    winners = [result for result in results if isinstance(result, str)]
    assert [type(result) for result in results].count(FencedError) == 4
    async with store.read() as tx:
        assert await tx.runs.recall("R1", "m1") == winners[0]
        assert await tx.runs.recall("R1", "m2") is None


async def test_an_escalation_opens_once_and_reads_back_whole(store: SqlStore) -> None:
    async with store.write() as tx:
        opened = await tx.escalations.open(case(), staff_channel="C9", at=NOW)
        again = await tx.escalations.open(case(), staff_channel="C8", at=NOW + 1)
        assert await tx.escalations.live(THREAD.id) == opened
        assert await tx.escalations.all_live() == [opened]
    assert opened == again
    assert opened.proposal == case().proposal
    assert (opened.team, opened.state, opened.version) == (Team.BILLING, State.OPEN, 1)


async def test_of_two_people_deciding_at_once_one_wins(store: SqlStore) -> None:
    async with store.write() as tx:
        await tx.escalations.open(case(), staff_channel="C9", at=NOW)

    async def decide(decision: Decision, by: str) -> str | None:
        async with store.write() as tx:
            decided = await tx.escalations.decide("E1", decision, by=by, at=NOW, note="")
        return decided.decided_by if decided else None

    outcomes = await asyncio.gather(decide(Decision.APPROVE, "U8"), decide(Decision.TAKE_OVER, "U9"))
    async with store.read() as tx:
        row = await tx.escalations.get("E1")
    assert row is not None
    assert sorted(outcome or "" for outcome in outcomes) == ["", row.decided_by]
    assert row.version == 2


async def test_a_claimed_case_can_be_handed_back_but_not_approved(store: SqlStore) -> None:
    async with store.write() as tx:
        await tx.escalations.open(case(), staff_channel="C9", at=NOW)
        await tx.escalations.decide("E1", Decision.TAKE_OVER, by="U9", at=NOW, note="mine")
        assert await tx.escalations.decide("E1", Decision.APPROVE, by="U8", at=NOW, note="") is None
        back = await tx.escalations.decide("E1", Decision.HAND_BACK, by="U9", at=NOW + 5, note="done")
        assert await tx.escalations.live(THREAD.id) is None
    assert back is not None
    assert (back.state, back.note, back.decided_at, back.version) == (State.HANDED_BACK, "done", NOW + 5, 3)


async def test_a_case_is_found_by_the_message_of_its_card(store: SqlStore) -> None:
    card = Outgoing("card:E1", ShowCard(Place("T1", "C9"), "E1"), "staff:E1")
    async with store.write() as tx:
        opened = await tx.escalations.open(case(), staff_channel="C9", at=NOW)
        await tx.outbox.add(card, notice("other"))
    await store.queue.delivered("card:E1", Receipt("C9", "5.5"), at=NOW)
    await store.queue.delivered("other", Receipt("C9", "6.6"), at=NOW)
    async with store.read() as tx:
        assert await tx.escalations.by_card(Receipt("C9", "5.5")) == opened
        assert await tx.escalations.by_card(Receipt("C9", "6.6")) is None


async def test_effects_are_written_once(store: SqlStore) -> None:
    async with store.write() as tx:
        await tx.outbox.add(notice("card:E_1"), notice("card:E_1:2"), notice("card:EX1"))
        await tx.outbox.add(notice("card:E_1", "changed"))
        assert await tx.outbox.known(["card:E_1", "card:zz"]) == {"card:E_1"}
        assert await tx.outbox.receipt("card:E_1") is None
    await store.queue.delivered("card:E_1", Receipt("C1", "7.7"), at=NOW)
    async with store.read() as tx:
        assert await tx.outbox.receipt("card:E_1") == Receipt("C1", "7.7")


async def test_it_is_remembered_which_message_is_a_stream_and_what_its_end_did_to_the_status(store: SqlStore) -> None:
    stream, ended = Receipt("D1", "7.7", streamed=True), Receipt("D1", "7.7", session=Session.SUSPENDED)
    status = SetSession(Place("T1", "D1", "7.1"), Session.SUSPENDED)
    async with store.write() as tx:
        await tx.outbox.add(notice("live:1", lane="a"), notice("answer:1", lane="b", edits="live:1"))
        await tx.outbox.add(Outgoing("session:1", status, "c", edits="answer:1"))
    await store.queue.delivered("live:1", stream, at=NOW)
    answer = await store.queue.head("b", NOW)
    assert answer is not None
    assert answer.edits == Reference(Referred.DELIVERED, stream)
    await store.queue.delivered("answer:1", ended, at=NOW)
    after = await store.queue.head("c", NOW)
    assert after is not None
    assert after.edits == Reference(Referred.DELIVERED, ended)
