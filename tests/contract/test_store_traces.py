"""The record of steps, kept by SqlStore on a real database."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import TypeAdapter

from bot.agent.pinning import Pinned
from bot.agent.record import read_record, write_beginning
from bot.domain.answer import Outcome
from bot.domain.conversation import Standing
from bot.domain.effects import Outgoing, Receipt, ShowLive
from bot.domain.errors import ForeignWorkspaceError
from bot.domain.exchange import ModelReply, StopReason, Text, ToolResult, ToolUse, Usage, UserMessage
from bot.domain.trace import SUMMARY_CHARS, Action, TraceEvent
from bot.ports.store import Run, Store
from bot.store.bounds import Bounds
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from bot.store.run_list import RunFilter, SqlRunList
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, NOW, PLACE, THREAD, conversation, database, enqueue, notice

CALL = TraceEvent(
    THREAD.id, "R1", 1, Action.LLM_CALL, "claude-test", NOW, usage=Usage(10, 5, 3, 2, 1), cost=Decimal("0.000001")
)
TAKE_OVER = TraceEvent(THREAD.id, "", 0, Action.DECISION, "take_over", NOW)


def without_spam(text: str) -> str:
    return text.replace("4242424242424242", "[card number]")


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url:
        engine = create_engine(url)
        await migrate(engine)
        opened = SqlStore(engine, enqueue, lambda: NOW, redact=without_spam)
        async with opened.write() as tx:
            await tx.conversations.open(replace(conversation(), epoch=3, prompt_version="p-1"))
            await tx.runs.begin(Run("R1", THREAD.id, ("i1",), "U1", 3, "live:i1", NOW))
        yield opened
        await engine.dispose()


async def rows(store: SqlStore) -> list[TraceEvent]:
    async with store.read() as tx:
        return await tx.traces.of_conversation(THREAD.id)


async def half_a_write(store: Store) -> None:
    async with store.write() as tx:
        await tx.traces.add(CALL)
        await tx.traces.add(replace(CALL, conversation_id="T2:C1:1.0"))


async def test_a_row_says_whose_step_it_is_and_a_run_keeps_the_epoch_it_began_in(store: SqlStore) -> None:
    async with store.write() as tx:
        await tx.traces.add(CALL)
        await tx.conversations.set_owner(THREAD.id, Standing.HUMAN, "U9")
        await tx.traces.add(replace(CALL, step=2, cost=Decimal("1.234567")), TAKE_OVER)
        await tx.traces.add()
    first, second, third = await rows(store)
    assert first == replace(
        CALL, epoch=3, seq=first.seq, team_id="T1", channel_id="C1", profile="support", prompt_version="p-1"
    )
    assert (second.epoch, second.cost, third.epoch) == (3, Decimal("1.234567"), 4)
    assert first.seq < second.seq < third.seq
    async with store.read() as tx:
        assert await tx.traces.of_run("R1") == [first, second]
        assert await tx.traces.of_run("unknown") == []


async def test_a_row_of_an_older_process_is_read_with_the_workspace_of_its_conversation(store: SqlStore) -> None:
    async with store.write() as tx:
        await tx.traces.add(CALL)
        await tx.connection.execute(sa.text("UPDATE traces SET team_id = '', channel_id = '', epoch = NULL"))
    (event,) = await rows(store)
    assert (event.team_id, event.channel_id, event.epoch) == ("T1", "C1", None)


async def test_another_workspace_neither_reads_nor_writes_them(store: SqlStore) -> None:
    async with store.write() as tx:
        await tx.traces.add(CALL)
    other = store.of("T2")
    async with other.read() as tx:
        assert (await tx.traces.of_run("R1"), await tx.traces.of_conversation(THREAD.id)) == ([], [])
    with pytest.raises(ForeignWorkspaceError):
        async with other.write() as tx:
            await tx.traces.add(CALL)


async def test_summaries_are_short_and_without_what_must_not_be_kept(store: SqlStore) -> None:
    given = "x" * (SUMMARY_CHARS - 8) + "4242424242424242" + "y" * 9_000
    async with store.write() as tx:
        await tx.traces.add(replace(CALL, given=given, got="my card is 4242424242424242"))
    (event,) = await rows(store)
    assert "4242" not in event.given
    assert len(event.given) < SUMMARY_CHARS + 40
    assert event.given.endswith(" characters)")
    assert event.got == "my card is [card number]"


async def test_listeners_hear_of_rows_when_they_are_committed_and_of_none_that_were_undone(store: SqlStore) -> None:
    heard: list[TraceEvent] = []
    store.listen(traces=heard.extend)
    with pytest.raises(ForeignWorkspaceError):
        await half_a_write(store.of("T1"))
    async with store.write() as tx:
        await tx.traces.add(TAKE_OVER)
        assert heard == []
    assert [(event.name, event.epoch, event.team_id) for event in heard] == [("take_over", 3, "T1")]


async def test_what_became_of_visible_effects_is_on_record_with_its_run_and_epoch(store: SqlStore) -> None:
    heard: list[TraceEvent] = []
    store.listen(traces=heard.extend)
    live = Outgoing("live:i1", ShowLive(PLACE, "Reading"), "a", THREAD.id, 3)
    answer, late = (replace(notice(key, lane=key), conversation_id=THREAD.id, epoch=3) for key in ("answer:R1", "late"))
    alert = notice("alert:1", lane="alert")
    async with store.write() as tx:
        await tx.outbox.add(live, answer, late, alert)
    for key in ("live:i1", "live:i1", "alert:1"):
        await store.queue.delivered(key, Receipt("C1", "7.7"), at=NOW + 1.5)
    refused = await store.queue.head("answer:R1", NOW)
    assert refused is not None
    await store.queue.fail(refused, at=NOW + 2, error="PermanentError")
    async with store.write() as tx:
        await tx.conversations.set_owner(THREAD.id, Standing.HUMAN, "U9")
    overtaken = await store.queue.head("late", NOW)
    assert overtaken is not None
    await store.queue.intend(overtaken, at=NOW + 3)
    events = await rows(store)
    assert [(e.name, e.run_id, e.ref, e.ok, e.error, e.epoch, e.duration_ms) for e in events] == [
        ("live", "R1", "live:i1", True, "", 3, 1500),
        ("notice", "R1", "answer:R1", False, "PermanentError", 3, 2000),
        ("notice", "", "late", False, "voided", 3, 3000),
    ]
    assert [replace(event, seq=0) for event in events] == heard
    async with store.write() as tx:
        await tx.runs.begin(Run("R2", THREAD.id, ("i2",), "U1", 4, "late", NOW))
        assert [e.ref for e in await tx.traces.of_run("R2")] == ["late"], "the first sign was shown before the run was"


async def test_runs_are_found_by_time_outcome_tool_and_failure_with_what_they_cost(store: SqlStore) -> None:
    used = replace(CALL, action=Action.TOOL_CALL, name="create_ticket", usage=Usage(), cost=Decimal(0))
    broken = replace(used, run_id="R2", ok=False, error="tool_error")
    async with store.write() as tx:
        await tx.runs.begin(Run("R2", THREAD.id, ("i2",), "U1", 3, None, NOW + 60))
        await tx.runs.finish("R1", Outcome.ANSWERED)
        await tx.traces.add(CALL, replace(CALL, cost=Decimal("0.25")), used, used)
        await tx.traces.add(broken, replace(broken, action=Action.TOOL_RESULT))

        async def found(team_id: str | None = None, count: int = 9, **wanted: object) -> list[str]:
            runs = SqlRunList(tx.connection, Bounds(team_id))
            return [line.run.id for line in await runs.find(RunFilter(**wanted), count)]  # type: ignore[arg-type]

        assert await found() == ["R2", "R1"]
        assert await found(count=1) == ["R2"]
        assert await found(since=NOW + 1) == await found(outcome="unfinished") == await found(failed=True) == ["R2"]
        assert await found(outcome="answered", tool="create_ticket", team_id="T1") == ["R1"]
        assert await found(tool="lookup_customer") == await found(team_id="T2") == []
        newer, older = await SqlRunList(tx.connection).find(RunFilter(), 9)
        assert (older.usd, older.tokens, older.model_calls, older.tools) == (Decimal("0.250001"), 42, 2, {used.name: 2})
        assert (newer.failures, newer.tools) == (1, {used.name: 1})
        assert await SqlRunList(tx.connection).newest_of(THREAD.id) == "R2"
        assert set(await tx.runs.journal("R1")) == set()


async def test_a_run_that_ended_without_a_model_is_read_with_what_the_offline_one_said(store: SqlStore) -> None:
    def reply(reason: StopReason, *texts: Text, uses: tuple[ToolUse, ...] = ()) -> str:
        return TypeAdapter(ModelReply).dump_json(ModelReply("offline", reason, Usage(), texts, uses)).decode()

    use = ToolUse("tu1", "search_knowledge_base", "{}")
    found = TypeAdapter(ToolResult).dump_json(ToolResult("tu1", "an article")).decode()
    async with store.write() as tx:
        await tx.conversations.keep_prompt("p-1", Pinned(system="Help.", tools=()).model_dump_json())
        await write_beginning(tx, "R1", (UserMessage((Text("Hello?"),)),))
        for name, body in (
            ("judge", reply(StopReason.END_TURN, Text("no"))),
            ("d1", reply(StopReason.TOOL_USE, uses=(use,))), ("t:1:tu1", found),
            ("d2", reply(StopReason.END_TURN, Text("Quoted."))),
        ):  # fmt: skip
            await tx.runs.record("R1", name, body)
    record = await read_record(store, "R1")
    assert (record.answer, len(record.replies)) == ("Quoted.", 2)
    assert [call.result.content for call in record.calls if call.result] == ["an article"]
