"""What the database keeps, gives up and tells of itself: dead letters, gauges, and the clearing of what is old."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.answer import Outcome
from bot.domain.conversation import Line, Speaker, Standing, ThreadKey
from bot.domain.effects import Receipt, ShowCard, ShowLive, ShowNotice
from bot.domain.errors import PermanentError
from bot.domain.escalation import Decision, NewEscalation, Origin
from bot.domain.exchange import Usage
from bot.domain.handover import Handback, Rating
from bot.domain.incoming import CarryOn, DecisionMade, MessageReceived
from bot.domain.trace import Action, TraceEvent
from bot.ports.keeping import Ages, StuckKind
from bot.ports.store import Run
from bot.store import archive
from bot.store.store import SqlStore
from bot.store.tables import facts, metadata, replicas
from tests.contract.store_kit import (
    KINDS,
    NOW,
    PLACE,
    THREAD,
    account,
    claim,
    conversation,
    database,
    message,
    notice,
    open_store,
    queued,
)

DAY = 86_400.0
EVERYTHING = Ages(events=NOW + 1, traces=NOW + 1, conversations=NOW + 1, costs=NOW + 1)
SYSTEM = {facts.name, replicas.name, "breakers", "prompts", "sign_ins"}
"""Tables that belong to no workspace."""


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url, open_store(url) as opened:
        yield opened


async def park(store: SqlStore, inbox_id: str = "i1", *, handled: bool = False, **changes: object) -> None:
    async with store.write() as tx:
        await tx.conversations.open(conversation())
        came = message(**changes)  # type: ignore[arg-type]  # as in store_kit
        await tx.inbox.add(inbox_id, came, conversation_id=THREAD.id, partition=THREAD.id)
        for error in ("KeyError", "ValueError"):
            await tx.inbox.count_attempt(inbox_id, error=error)
        if handled:
            await tx.inbox.mark_handled([inbox_id])
        await tx.inbox.park([inbox_id])


async def test_a_parked_cause_says_why_and_holds_nobody_up(store: SqlStore) -> None:
    await park(store)
    [one] = await store.dead.stuck()
    assert (one.id, one.kind, one.what, one.attempts) == ("i1", StuckKind.CAUSE, "message", 2)
    assert (one.first_error, one.last_error, one.ended) == ("KeyError", "ValueError", False)
    assert one.conversation_id == THREAD.id
    async with store.read() as tx:
        assert not await tx.inbox.is_waiting(THREAD.id)
        assert await tx.inbox.waiting(THREAD.id) == []
        assert await tx.inbox.unfinished(before=NOW) == []


async def test_what_was_left_undone_is_tried_again_from_zero(store: SqlStore) -> None:
    await park(store)
    [one] = await store.dead.stuck()
    assert await store.dead.retry(one) == ("i1", THREAD.id)
    assert await store.dead.stuck() == []
    async with store.read() as tx:
        [row] = await tx.inbox.waiting(THREAD.id)
    assert (row.id, row.attempts) == ("i1", 0)


async def test_a_turn_that_was_ended_honestly_is_taken_up_by_a_new_one(store: SqlStore) -> None:
    await park(store, handled=True)
    [one] = await store.dead.stuck()
    assert one.ended
    assert await store.dead.retry(one) is None
    async with store.read() as tx:
        [row] = await tx.inbox.waiting(THREAD.id)
    assert isinstance(row.incoming, CarryOn)
    assert (row.incoming.user_id, row.incoming.thread) == ("U1", THREAD)
    assert await queued(store) == sorted(["i1", row.id])
    assert await store.dead.stuck() == []


async def test_a_retry_that_is_asked_for_twice_happens_once(store: SqlStore) -> None:
    await park(store, handled=True)
    [one] = await store.dead.stuck()
    await asyncio.gather(*(store.dead.retry(one) for _ in range(3)))
    async with store.read() as tx:
        assert len(await tx.inbox.waiting(THREAD.id)) == 1


async def test_what_is_dropped_is_never_tried_again(store: SqlStore) -> None:
    await park(store)
    [one] = await store.dead.stuck()
    await store.dead.drop(one)
    assert await store.dead.stuck() == []
    assert await store.dead.find("i1") is None
    async with store.read() as tx:
        assert await tx.inbox.unfinished(before=NOW) == []


async def test_a_delivery_that_failed_is_listed_and_can_be_tried_again_or_dropped(store: SqlStore) -> None:
    async with store.write() as tx:
        await tx.outbox.add(notice("n1"), notice("n2", lane="C2"))
    for lane in ("C1", "C2"):
        head = await store.queue.head(lane, NOW)
        assert head is not None
        await store.queue.fail(head, at=NOW, error="SlackRefusedError")
    first, second = await store.dead.stuck()
    assert (first.id, first.kind, first.what, first.last_error) == (
        "n1", StuckKind.DELIVERY, "notice", "SlackRefusedError",
    )  # fmt: skip
    assert await store.dead.find("n2") == second
    await store.dead.retry(first)
    await store.dead.drop(second)
    assert await store.queue.due_lanes(NOW, busy=(), limit=9) == ["C1"]
    assert await store.dead.stuck() == []


async def test_a_sign_of_work_that_failed_is_nothing_to_act_on(store: SqlStore) -> None:
    live = replace(notice("live:1"), effect=ShowLive(PLACE, "Looking into it"))
    async with store.write() as tx:
        await tx.outbox.add(live)
    head = await store.queue.head("C1", NOW)
    assert head is not None
    await store.queue.fail(head, at=NOW, error="SlackRefusedError")
    assert await store.dead.stuck() == []
    assert (await store.meter.gauges(NOW)).deliveries_failed == 0
    assert await clear(store, replace(EVERYTHING, conversations=0)) == {"outbox": 1}


async def test_the_gauges_tell_what_waits_and_for_how_long(store: SqlStore) -> None:
    await park(store, "i0", ts="1699999999.000100")
    async with store.write() as tx:
        await tx.inbox.add("i1", message(), conversation_id=THREAD.id, partition=THREAD.id)
        await tx.outbox.add(notice("n1"), notice("n2", lane="C2", not_before=NOW + 50))
        await tx.runs.begin(Run("R1", THREAD.id, ("i1",), "U1", 1, None, NOW - 30))
    now = await store.meter.gauges(NOW + 10)
    assert (now.causes_waiting, now.oldest_cause) == (1, 10)
    assert (now.deliveries_waiting, now.oldest_delivery) == (2, 10)
    assert (now.runs_unfinished, now.oldest_run) == (1, 40)
    assert (now.parked, now.deliveries_failed) == (1, 0)
    assert now.numbers()["oldest_run"] == 40


async def live_through(store: SqlStore, thread: ThreadKey = THREAD, *, finished: bool = True) -> None:
    """One conversation with something in every table that knows conversations."""
    talk = conversation(thread)
    case = NewEscalation(f"esc-{thread.id}", thread.id, Origin.TOOL, "why", "what", requested_by="U1")
    inbox_id = f"i-{thread.id}"
    run = Run(f"run-{inbox_id}", thread.id, (inbox_id,), "U1", 1, None, NOW)
    place = replace(PLACE, team_id=thread.team_id)
    card = replace(notice(f"card:{thread.id}", lane=f"staff:{thread.id}"), effect=ShowCard(place, case.id))
    answer = replace(notice(f"answer:{thread.id}", lane=thread.id), effect=ShowNotice(place, "Hello"))
    async with store.write() as tx:
        await tx.conversations.open(talk)
        came = message(thread.thread_ts, thread=thread)
        await tx.inbox.add(inbox_id, came, conversation_id=thread.id, partition=thread.id)
        await tx.conversations.add_lines(thread.id, Line(Speaker.CUSTOMER, "Ana", "Hello", NOW))
        await tx.runs.begin(run)
        await tx.runs.record(run.id, "m1", "{}")
        await tx.escalations.open(case, staff_channel="C9", at=NOW)
        await tx.outbox.add(*(replace(one, conversation_id=thread.id) for one in (card, answer)))
        payer = replace(account(run.id, conversation_id=thread.id), team_id=thread.team_id)
        spent = await tx.ledger.reserve(claim("0.01", payer=payer), at=NOW)
        await tx.ledger.settle(spent, usd=Decimal("0.001"), usage=Usage(input=10), model="m")
        await tx.traces.add(TraceEvent(thread.id, run.id, 1, Action.LLM_CALL, "m", NOW))
        await tx.handbacks.add(Handback(thread.id, 2, "U9", "Sam", "why", NOW, NOW))
        await tx.ratings.rate(Rating(case.id, thread.id, "U1", 4, "", NOW, NOW))
        later = CarryOn(thread, f"later:{thread.id}", "It is time.")
        await tx.timers.set(f"t:{thread.id}", later, due_at=NOW + DAY, partition="p", conversation_id=thread.id)
    for lane in (f"staff:{thread.id}", thread.id):
        head = await store.queue.head(lane, NOW)
        assert head is not None
        await store.queue.delivered(head.outgoing.key, Receipt("C1", f"1.{lane}"), at=NOW)
    if finished:
        async with store.write() as tx:
            await tx.inbox.mark_handled([inbox_id])
            await tx.runs.finish(run.id, Outcome.ANSWERED)
            await tx.escalations.decide(case.id, Decision.APPROVE, by="U9", at=NOW, note="")


async def clear(store: SqlStore, ages: Ages) -> dict[str, int]:
    """A whole walk through every shelf."""
    deleted: dict[str, int] = {}
    for shelf in store.archive.shelves:
        after = None
        while (batch := await store.archive.clear(shelf, ages, after)) is not None:
            deleted[shelf] = deleted.get(shelf, 0) + batch.deleted
            if batch.after is None:
                break
            after = batch.after
    return {shelf: rows for shelf, rows in deleted.items() if rows}


async def rows_left(store: SqlStore) -> dict[str, int]:
    async with store.read() as tx:
        counts = {
            table.name: await tx.connection.scalar(sa.select(sa.func.count()).select_from(table))
            for table in metadata.sorted_tables
        }
    return {name: count for name, count in counts.items() if count and name not in {*SYSTEM, "uncounted"}}


async def test_what_is_young_stays(store: SqlStore) -> None:
    await live_through(store)
    assert await clear(store, Ages(NOW - 1, NOW - 1, NOW - 1, NOW - 1)) == {}
    assert await clear(store, Ages(0, 0, 0, 0)) == {}


async def test_an_old_and_finished_conversation_goes_from_every_table(store: SqlStore) -> None:
    await live_through(store)
    await clear(store, EVERYTHING)
    await clear(store, EVERYTHING)  # the card goes once its case is gone
    assert await rows_left(store) == {}


async def test_working_papers_go_first_and_the_talk_stays(store: SqlStore) -> None:
    await live_through(store)
    assert await clear(store, Ages(NOW + 1, 0, 0, 0)) == {"inbox": 1, "outbox": 1, "journal": 1}
    left = await rows_left(store)
    assert left == {
        "conversations": 1, "escalations": 1, "ledger": 1, "outbox": 1, "runs": 1, "traces": 3,
        "timers": 1, "transcript_lines": 1, "handbacks": 1, "ratings": 1,
    }  # fmt: skip
    async with store.read() as tx:
        case = await tx.escalations.by_card(Receipt("C1", f"1.staff:{THREAD.id}"))
        assert case is not None, "who answers under the old card is still understood"
        assert (await tx.ledger.spend(THREAD.id)).usd == Decimal("0.001")


@pytest.mark.parametrize("why", ["unanswered", "parked", "case", "person", "spoken"])
async def test_nothing_of_a_live_conversation_is_ever_deleted(store: SqlStore, why: str) -> None:
    await live_through(store, finished=why not in {"unanswered", "case", "parked"})
    async with store.write() as tx:
        if why == "case":
            await tx.inbox.mark_handled([f"i-{THREAD.id}"])
        if why in {"case", "parked"}:
            await tx.runs.finish(f"run-i-{THREAD.id}", Outcome.ESCALATED)
        if why == "person":
            await tx.conversations.set_owner(THREAD.id, Standing.HUMAN, "U9")
        if why == "spoken":
            await tx.conversations.add_lines(THREAD.id, Line(Speaker.CUSTOMER, "Ana", "And now?", NOW + 2 * DAY))
        if why == "parked":
            await tx.escalations.decide(f"esc-{THREAD.id}", Decision.APPROVE, by="U9", at=NOW, note="")
            await tx.inbox.park([f"i-{THREAD.id}"])
    before = await rows_left(store)
    deleted = await clear(store, Ages(NOW + DAY, NOW + DAY, NOW + DAY, NOW + DAY))
    assert deleted.keys() <= {"journal"}, "only papers of runs that have ended"
    assert await rows_left(store) | {"journal": 1} == before


async def test_what_a_waiting_effect_refers_to_stays(store: SqlStore) -> None:
    async with store.write() as tx:
        await tx.outbox.add(notice("live:1", lane="A"), notice("later", lane="B", edits="live:1", not_before=NOW + 9))
    head = await store.queue.head("A", NOW)
    assert head is not None
    await store.queue.delivered("live:1", Receipt("C1", "1.1"), at=NOW)
    assert await clear(store, EVERYTHING) == {}


async def test_events_of_no_conversation_go_by_their_own_age(store: SqlStore) -> None:
    press = DecisionMade("E1", Decision.APPROVE, "T1", "U9", "C9", None, press_id="p1")
    async with store.write() as tx:
        await tx.inbox.add("i1", press, conversation_id=None, partition="press:E1")
    assert await clear(store, EVERYTHING) == {}, "not handled yet"
    async with store.write() as tx:
        await tx.inbox.mark_handled(["i1"])
    assert await clear(store, EVERYTHING) == {"inbox": 1}


async def test_what_was_given_up_and_told_is_listed_as_long_as_its_conversation_is_kept(store: SqlStore) -> None:
    await park(store, handled=True)
    assert "inbox" not in await clear(store, Ages(NOW + 1, NOW + 1, 0, NOW + 1))
    assert (await clear(store, EVERYTHING))["inbox"] == 1


async def test_batches_stay_small_and_the_walk_steps_over_what_must_stay(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "ROWS", 5)
    monkeypatch.setattr(archive, "CONVERSATIONS", 2)
    for number in range(12):
        thread = ThreadKey("T1", "C1", f"17000000{number:02}.000100")
        await live_through(store, thread, finished=number % 4 != 0)
    first = await store.archive.clear("inbox", EVERYTHING, None)
    assert first is not None
    assert first.deleted <= 5
    assert first.after is not None
    await clear(store, EVERYTHING)
    left = await rows_left(store)
    assert (left["conversations"], left["inbox"], left["runs"], left["traces"]) == (3, 3, 3, 9)


async def test_money_of_this_month_still_counts_when_the_talk_is_gone(store: SqlStore) -> None:
    await live_through(store)
    await clear(store, replace(EVERYTHING, costs=NOW - 40 * DAY))
    await clear(store, replace(EVERYTHING, costs=NOW - 40 * DAY))
    assert (await rows_left(store)).keys() == {"ledger"}
    async with store.read() as tx:
        assert await tx.ledger.total("T1", since=NOW - DAY) == Decimal("0.001")


async def test_two_processes_never_clear_at_the_same_time(tmp_path: Path) -> None:
    async with database("postgresql", tmp_path) as url, open_store(url) as store, open_store(url) as other:
        async with other.write() as tx:
            await tx.connection.execute(sa.select(sa.func.pg_advisory_xact_lock(archive._LOCK_ID)))
            assert await store.archive.clear("inbox", EVERYTHING, None) is None
        assert await store.archive.clear("inbox", EVERYTHING, None) is not None


async def test_a_workspace_is_deleted_and_its_neighbour_is_not(store: SqlStore) -> None:
    for team in ("T1", "T2"):
        await live_through(store, ThreadKey(team, "C1", f"170000000{team[1]}.000100"))
        async with store.write() as tx:
            pace = {"key": f"{team}|chat.update", "tat": 1.0, "closed_until": 1.0}
            await tx.connection.execute(sa.insert(metadata.tables["paces"]).values(pace))
    before = await rows_left(store)
    assert await store.archive.delete_workspace("T1") > 8
    after = await rows_left(store)
    assert {name: 2 * count for name, count in after.items()} == before
    async with store.read() as tx:
        assert await tx.conversations.get("T2:C1:1700000002.000100") is not None


_KNOWLEDGE = ("kb_articles", "kb_chunks", "kb_bands", "kb_shelves", "kb_gaps", "kb_vectors")
TOOLS = {"tickets", "ticket_keys", "mcp_calls", *_KNOWLEDGE}
"""Tables of the tools with rows of workspaces."""


def test_every_table_of_a_workspace_is_known_to_the_deletion() -> None:
    """A new table belongs to a workspace, or stands in the list of those that belong to none."""
    covered = {table.name for table, _ in archive._of_workspace("T1")}
    assert covered - TOOLS | SYSTEM == {table.name for table in metadata.sorted_tables}
    assert not covered & SYSTEM


async def test_a_workspace_left_when_its_installation_was_revoked_long_ago(store: SqlStore) -> None:
    async def install(team: str, enterprise: str, revoked_at: float | None) -> None:
        values = {
            "enterprise_id": enterprise, "team_id": team, "name": "", "app_id": "", "bot_user_id": "", "bot_id": "",
            "scopes": "", "installed_by": "", "installed_at": NOW, "bot_token": "", "refresh_token": "", "version": 1,
            "revoked_at": revoked_at,
        }  # fmt: skip
        async with store.write() as tx:
            await tx.connection.execute(sa.insert(metadata.tables["installations"]).values(values))

    async def know(team: str, enterprise: str = "") -> None:
        values = {"team_id": team, "enterprise_id": enterprise, "settings": "{}", "version": 1, "changed_at": NOW}
        async with store.write() as tx:
            await tx.connection.execute(sa.insert(metadata.tables["workspaces"]).values(values))

    await know("T1")
    await install("T1", "", NOW - 40 * DAY)
    await know("T2")
    await install("T2", "", NOW - DAY)
    await know("T3")
    await install("T3", "", None)
    await know("T4", "E1")
    await install("", "E1", NOW - 40 * DAY)
    await know("T5", "E2")
    await install("T5", "E2", NOW - 40 * DAY)
    await install("", "E2", None)
    assert sorted(await store.archive.left(NOW - 30 * DAY)) == ["T1", "T4"]


async def test_nobody_can_park_what_does_not_exist(store: SqlStore) -> None:
    async with store.write() as tx:
        await tx.inbox.park(["nowhere"])
    assert await store.dead.stuck() == []
    with pytest.raises(PermanentError):
        async with store.write() as tx:
            await tx.inbox.count_attempt("nowhere", error="ValueError")


async def test_an_edited_message_can_still_be_told_from_a_new_one_after_it_was_parked(store: SqlStore) -> None:
    await park(store)
    async with store.read() as tx:
        known = await tx.inbox.message(THREAD, "1700000000.000100")
    assert known is not None
    assert isinstance(known.incoming, MessageReceived)
