"""Two members of staff press at once, each served by a process of its own, on one PostgreSQL: exactly one decides."""

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE, Process

import sqlalchemy as sa

from bot.domain.conversation import ThreadKey
from bot.domain.escalation import Decision, NewEscalation, Origin, Proposal, State
from bot.store.store import SqlStore
from tests.contract.store_kit import NOW, conversation, open_store, queued
from tests.fakes.postgres import postgres_database

CASES = 25


async def open_cases(store: SqlStore) -> None:
    async with store.write() as tx:
        for number in range(CASES):
            thread = ThreadKey("T1", "C1", f"1700000{number:03d}.000100")
            await tx.conversations.open(conversation(thread))
            new = NewEscalation(
                f"esc-{number}", thread.id, Origin.TOOL, "why", "what", None, Proposal(f"Answer {number}."), "U1", "T1"
            )
            await tx.escalations.open(new, staff_channel="C0STAFF", at=NOW)


async def start(url: str, who: str, decision: Decision) -> Process:
    program = ("-m", "tests.fakes.press_process", url, who, decision.value, str(CASES))
    process = await asyncio.create_subprocess_exec(sys.executable, *program, stdin=PIPE, stdout=PIPE)
    assert process.stdout is not None
    assert (await process.stdout.readline()).strip() == b"ready"
    return process


async def test_p6_two_processes_press_at_once_and_each_case_is_decided_by_exactly_one() -> None:
    async with postgres_database() as url, open_store(url) as store:
        await queued(store)
        await open_cases(store)
        pair = [await start(url, "USAM", Decision.APPROVE), await start(url, "UGRACE", Decision.DENY)]
        begin = f"{time.time() + 0.1}\n".encode()
        told = [json.loads(out) for out, _ in await asyncio.gather(*(p.communicate(begin) for p in pair))]
        async with store.read() as tx:
            cases = [await tx.escalations.get(f"esc-{number}") for number in range(CASES)]
            answers = set(await tx.connection.scalars(sa.text("select key from outbox where kind = 'answer'")))
            deeds = await tx.audit.recent(1000)
    winners = []
    for number, case in enumerate(cases):
        assert case is not None
        sam, grace = told[0][number], told[1][number]
        if case.state is State.APPROVED:
            winners.append("USAM")
            assert (sam, case.decided_by) == ("", "USAM")
            assert "Sam was faster: approved it at" in grace
        else:
            winners.append("UGRACE")
            assert (case.state, grace, case.decided_by) == (State.DENIED, "", "UGRACE")
            assert "Grace was faster: denied it at" in sam
    assert len(answers) == winners.count("USAM")
    assert sorted(d.subject for d in deeds) == sorted(f"esc-{number}" for number in range(CASES))
    assert [d.actor for d in sorted(deeds, key=lambda d: int(d.subject[4:]))] == winners
