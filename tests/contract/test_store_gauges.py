"""What the database tells of cases and articles, in numbers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.conversation import ThreadKey
from bot.domain.escalation import Decision, NewEscalation, Origin, Proposal
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, NOW, conversation, database, open_store
from tools.database import create_tables
from tools.knowledge_base.tables import articles


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url, open_store(url) as opened:
        yield opened


async def test_cases_are_told_by_state_and_approvals_are_those_with_a_proposal(store: SqlStore) -> None:
    before = await store.meter.gauges(NOW)
    assert (before.cases_open, before.cases_claimed, before.approvals_waiting, before.articles) == (0, 0, 0, 0)
    async with store.write() as tx:
        for number, proposal in enumerate((None, Proposal("You get $81 back."), Proposal("Hello"), Proposal("Done"))):
            thread = ThreadKey("T1", "C1", f"170000000{number}.000100")
            await tx.conversations.open(conversation(thread))
            case = NewEscalation(f"esc-{number}", thread.id, Origin.TOOL, "why", "what", None, proposal, "U1")
            await tx.escalations.open(case, staff_channel="C9", at=NOW)
        await tx.escalations.decide("esc-2", Decision.TAKE_OVER, by="U9", at=NOW, note="")
        await tx.escalations.decide("esc-3", Decision.DENY, by="U9", at=NOW, note="no")
    now = await store.meter.gauges(NOW)
    assert (now.cases_open, now.cases_claimed, now.approvals_waiting) == (2, 1, 1)


async def test_articles_are_counted_once_there_are_any(store: SqlStore) -> None:
    async with store.read() as tx:
        engine = tx.connection.engine
    await create_tables(engine)
    assert (await store.meter.gauges(NOW)).articles == 0
    async with store.write() as tx:
        some = {column.name: "x" if column.type.python_type is str else 0 for column in articles.columns}
        await tx.connection.execute(sa.insert(articles).values(some))
    assert (await store.meter.gauges(NOW)).articles == 1
