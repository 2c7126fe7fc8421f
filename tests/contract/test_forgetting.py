"""Whoever is forgotten stands nowhere in the database any more, and everybody else's is as it was."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.audit import AuditEntry
from bot.domain.conversation import Line, Speaker, ThreadKey
from bot.domain.escalation import Decision, NewEscalation, Origin
from bot.domain.exchange import Usage
from bot.domain.gaps import GapCause
from bot.domain.handover import Handback, Rating
from bot.domain.incoming import DecisionMade
from bot.domain.lesson import Choice, Draft, Lesson
from bot.domain.trace import Action, TraceEvent
from bot.ports.store import Run
from bot.store.engine import create_engine
from bot.store.forgetting import CHUNK, digest_of
from bot.store.store import SqlStore
from bot.store.tables import metadata
from tests.contract.store_kit import KINDS, NOW, account, claim, conversation, database, message, notice, open_store
from tools.database import create_tables
from tools.database import metadata as tool_metadata
from tools.knowledge_base.tables import gaps
from tools.tickets.desk import tickets

ANA, BO, SAM = "U0ANA", "U0BO", "U0SAM"
OWN = ThreadKey("T1", "D0ANA", "1700000000.000100")
BOS = ThreadKey("T1", "C1", "1700000001.000100")
MARKS = (ANA, "Ana Lima", "secret diary", "D0ANA")


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url, open_store(url) as opened:
        engine = create_engine(url)
        await create_tables(engine)
        await engine.dispose()
        await talk(opened, OWN, ANA, "Ana Lima", "my secret diary")
        await talk(opened, BOS, BO, "Bo Berg", "my invoice")
        await take_part(opened)
        yield opened


async def talk(store: SqlStore, thread: ThreadKey, user: str, name: str, words: str) -> None:
    """A question of somebody's, with all that comes of it."""
    run_id, case = f"run-{thread.thread_ts}", f"esc-{thread.thread_ts}"
    asked = message(thread.thread_ts, thread=thread, user_id=user, text=words)
    async with store.write() as tx:
        await tx.conversations.open(replace(conversation(thread), opened_by=user))
        await tx.inbox.add(f"i-{thread.thread_ts}", asked, conversation_id=thread.id, partition=thread.id)
        await tx.runs.begin(Run(run_id, thread.id, (f"i-{thread.thread_ts}",), user, 1, None, NOW))
        await tx.runs.record(run_id, "messages", words)
        payer = replace(account(run_id, user, thread.id), channel_id=thread.channel_id)
        held = await tx.ledger.reserve(claim("0.5", payer=payer), at=NOW)
        await tx.ledger.settle(held, usd=Decimal("0.25"), usage=Usage(1), model="claude-test")
        await tx.traces.add(TraceEvent(thread.id, run_id, 1, Action.DECISION, "answered", NOW, given=words))
        await tx.conversations.add_lines(thread.id, Line(Speaker.CUSTOMER, name, words, NOW))
        new = NewEscalation(case, thread.id, Origin.TOOL, "why", words, requested_by=user, requested_team="T1")
        await tx.escalations.open(new, staff_channel="C9", at=NOW)
        await tx.escalations.decide(case, Decision.APPROVE, by=SAM, at=NOW, note="")
        await tx.outbox.add(notice(f"n-{thread.thread_ts}", text=words, conversation_id=thread.id))
        await tx.ratings.rate(Rating(case, thread.id, user, 5, words, NOW, NOW))
        await tx.audit.add(
            AuditEntry(NOW, "T1", SAM, "case.approve", case, "fine", thread.id, "d", "", f"Dear {name}, {words}"),
            AuditEntry(NOW, "T1", "", "limit.set", f"user:{user}:day", f"at most $5 for <@{user}>"),
        )
        for number, choice in enumerate((None, Choice.PUBLIC)):
            draft = Draft("Title", f"Question: {words}?" if choice is None else "Question?", "Answer.")
            lesson = Lesson(
                f"{case}-{number}", "T1", f"{case}-{number}", thread.id, draft, "en", "Sam Porter", NOW
            )  # fmt: skip
            await tx.lessons.suggest(lesson)
            if choice is not None:
                await tx.lessons.choose(lesson.id, choice, by=SAM, at=NOW)
        await tx.runs.record(f"lesson:{case}", "lesson", words)
        ticket = {
            "number": 100 + len(user), "customer_email": f"{user}@example.com", "subject": words, "subject_key": words,
            "body": f"{name}: {words}", "priority": "high", "category": "billing", "status": "open", "created_at": NOW,
            "conversation_id": thread.id, "key": run_id,
        }  # fmt: skip
        await tx.connection.execute(sa.insert(tickets).values(ticket))


async def take_part(store: SqlStore) -> None:
    """Ana writes in Bo's thread, too, presses something, and is told something."""
    asked = message("1700000002.000100", thread=BOS, user_id=ANA, text="and my secret diary")
    async with store.write() as tx:
        await tx.inbox.add("i-part", asked, conversation_id=BOS.id, partition=BOS.id)
        await tx.runs.begin(Run("run-part", BOS.id, ("i-part",), ANA, 1, None, NOW))
        await tx.conversations.add_lines(BOS.id, Line(Speaker.CUSTOMER, "Ana Lima", "and my secret diary", NOW))
        await tx.traces.add(TraceEvent(BOS.id, "run-part", 1, Action.DECISION, "x", NOW, given="secret diary"))
        case = NewEscalation("esc-i-part", BOS.id, Origin.HANDOFF, "Ana Lima: help", "", requested_by=ANA)
        await tx.escalations.open(case, staff_channel="C9", at=NOW)
        await tx.escalations.decide(case.id, Decision.APPROVE, by=SAM, at=NOW, note="")
        asks = TraceEvent(BOS.id, "", 0, Action.ESCALATION, "handoff", NOW, given="Ana Lima: help", ref=case.id)
        approves = TraceEvent(
            BOS.id, "", 0, Action.DECISION, "approve", NOW, given="Sam Porter", ref=f"esc-{BOS.thread_ts}"
        )
        await tx.traces.add(asks, approves)
        press = DecisionMade(f"esc-{BOS.thread_ts}", Decision.APPROVE, "T1", ANA, "C9", None, press_id="p1")
        await tx.inbox.add("i-press", press, conversation_id=None, partition="press")
        await tx.outbox.add(notice("told", text=f"Welcome <@{ANA}>, not <@{ANA}B>", lane="x"))
        await tx.inbox.mark_handled(["i-part", "i-press", f"i-{OWN.thread_ts}", f"i-{BOS.thread_ts}"])
        await tx.audit.add(AuditEntry(NOW, "T1", SAM, "case.edit", case.id, "", BOS.id, "", "", "my secret diary"))
        gap = {"id": "g", "conversation_id": BOS.id, "terms": "x", "query": "secret diary", "band": "none", "at": NOW}
        await tx.connection.execute(sa.insert(gaps).values(gap))
        await tx.gaps.add(BOS.id, "run-part", ["A secret diary?"], GapCause.UNSOURCED, at=NOW)
        ticket = {
            "number": 7, "customer_email": "ana@example.com", "subject": "secret diary", "subject_key": "x", "body": "",
            "priority": "low", "category": "billing", "status": "open", "created_at": NOW, "conversation_id": BOS.id,
            "key": "run-part:t1",
        }  # fmt: skip
        await tx.connection.execute(sa.insert(tickets).values(ticket))
        await tx.handbacks.add(Handback(BOS.id, 1, SAM, "Sam Porter", "why", NOW, NOW))
        await tx.connection.execute(sa.text("update outbox set state = 'delivered'"))


async def everything(store: SqlStore) -> dict[str, list[str]]:
    async with store.read() as tx:
        return {
            table.name: [str(tuple(row)) for row in await tx.connection.execute(sa.select(table))]
            for table in (*metadata.sorted_tables, *tool_metadata.sorted_tables)
        }


def of_bo(rows: list[str]) -> list[str]:
    parts = ("esc-i-part", "run-part")
    return [row for row in rows if ("U0BO" in row or BOS.id in row) and not any(part in row for part in parts)]


async def forget(store: SqlStore, user: str) -> dict[str, int]:
    person = store.forgetting.person("T1", user)
    found = await store.forgetting.find(person)
    done = await store.forgetting.erase(person, found)
    await store.forgetting.record(person, "os:grace", sum(done.values()))
    return done


async def test_a_forgotten_customer_stands_nowhere_and_others_are_as_they_were(store: SqlStore) -> None:
    before = await everything(store)
    person = store.forgetting.person("T1", ANA)
    counted = await store.forgetting.count(person, await store.forgetting.find(person))
    assert await everything(store) == before, "counting changes nothing"
    done = await forget(store, ANA)
    assert counted.keys() == done.keys()
    after = await everything(store)
    for name, rows in after.items():
        assert [row for row in rows if any(mark in row.replace(f"{ANA}B", "") for mark in MARKS)] == [], name
    for name in ("conversations", "tickets", "ratings", "escalations", "ledger", "handbacks"):
        assert of_bo(after[name]) == of_bo(before[name]), name
    assert len(after["transcript_lines"]) == len(after["tickets"]) == 1
    assert len(after["lessons"]) == 3, "what staff accepted stays"
    verdict = await store.audit_chain.verify("T1")
    assert (verdict.broken, verdict.entries) == ("", 6)
    async with store.read() as tx:
        assert await tx.ledger.total("T1", since=NOW - 1) == Decimal("0.50"), "the sums add up"
        (entry,) = await tx.audit.recent(1)
    assert (entry.action, entry.subject) == ("person.forget", digest_of("T1", ANA))
    assert set(await forget(store, ANA)) <= {"uncounted"}, "once is enough"


async def test_somebody_of_staff_is_taken_out_of_what_they_decided(store: SqlStore) -> None:
    async with store.write() as tx:
        await tx.conversations.add_lines(BOS.id, Line(Speaker.PERSON, "Sam Porter", "I am on it", NOW))
        await tx.lessons.choose(f"esc-{OWN.thread_ts}-0", Choice.DISMISS, by=SAM, at=NOW)
        await tx.audit.add(*(AuditEntry(NOW, "T1", SAM, "case.edit", f"E{n}", "fine") for n in range(CHUNK + 1)))
    assert (await forget(store, SAM))["audit"] > CHUNK
    after = await everything(store)
    for name, rows in after.items():
        assert [row for row in rows if SAM in row or "Sam Porter" in row] == [], name
    assert "I am on it" in str(after["transcript_lines"])
    assert (await store.audit_chain.verify("T1")).broken == ""


async def test_the_workspace_is_asked_for_when_several_know_the_id(store: SqlStore) -> None:
    assert await store.forgetting.workspaces(ANA) == ["T1"]
    elsewhere = ThreadKey("T2", "C1", "1700000009.000100")
    async with store.write() as tx:
        await tx.conversations.open(replace(conversation(elsewhere), opened_by=ANA))
    assert await store.forgetting.workspaces(ANA) == ["T1", "T2"]
    await forget(store, ANA)
    assert await store.forgetting.workspaces(ANA) == ["T2"]
