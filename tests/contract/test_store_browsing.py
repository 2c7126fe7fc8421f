"""The dashboard's lists, on both databases: what is found, what is not looked at, and whose it is."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain.answer import Outcome
from bot.domain.browsing import ConversationFilter, Opinion
from bot.domain.budget import EVERY, BudgetChange, Grant, Period, Scope
from bot.domain.conversation import Line, Speaker, Standing, ThreadKey
from bot.domain.escalation import Decision, NewEscalation, Origin, Team
from bot.domain.exchange import Citation, Usage
from bot.domain.gaps import Gap, GapCause
from bot.domain.gate import Mute
from bot.domain.handover import Rating
from bot.domain.reports import TalkState
from bot.domain.trace import Action, TraceEvent
from bot.ports.browsing import Browsing
from bot.ports.keeping import Ages
from bot.ports.store import Run, Transaction
from bot.store.browsing import browsing
from bot.store.browsing import conversations as looking
from bot.store.browsing.knowledge import times_cited
from bot.store.engine import create_engine
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, NOW, account, claim, conversation, database, open_store
from tools.database import create_tables
from tools.knowledge_base.gaps import GapBook
from tools.knowledge_base.tables import articles, gaps, sources

DAY = 86_400.0
ANA = ThreadKey("T1", "C1", "1.000001")
BO = ThreadKey("T1", "C2", "2.000001")
FOREIGN = ThreadKey("T2", "C1", "3.000001")
REFUNDS = "https://help.example/refunds"


@dataclass
class Shelves:
    """A store with its lists."""

    store: SqlStore
    lists: Browsing
    engine: AsyncEngine

    async def found(self, **wanted: object) -> list[ThreadKey]:
        """Threads of the conversations that match."""
        page = await self.lists.conversations.search("T1", ConversationFilter(**wanted))  # type: ignore[arg-type]
        return [row.conversation.key for row in page.rows]


@pytest.fixture(params=KINDS)
async def shelves(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shelves]:
    async with database(request.param, tmp_path) as url, open_store(url) as store:
        engine = create_engine(url)
        await create_tables(engine)
        async with store.write() as tx:
            await ana_is_answered(tx)
            await bo_waits_for_people(tx)
            await tx.conversations.open(conversation(FOREIGN, NOW))
        yield Shelves(store, browsing(engine, home="T1"), engine)
        await engine.dispose()


async def ana_is_answered(tx: Transaction) -> None:
    at = NOW - 2 * DAY
    begun = replace(conversation(ANA, at), opened_by="UANA", profile="support", prompt_version="v1")
    await tx.conversations.open(begun)
    await tx.conversations.keep_prompt("v1", json.dumps({"system": "Be kind.", "tools": []}))
    await tx.conversations.keep_prompt("v0", json.dumps({"system": "Another company's.", "tools": []}))
    said = [(Speaker.CUSTOMER, "Ana", "Where is my Überweisung of 100% <b>?"), (Speaker.BOT, "", "On its way.")]
    await tx.conversations.add_lines(ANA.id, *(Line(who, name, text, at) for who, name, text in said))
    await tx.runs.begin(Run("R1", ANA.id, ("i1",), "UANA", 1, None, at, Outcome.ANSWERED))
    reserved = await tx.ledger.reserve(claim("0.50", payer=account("R1", "UANA", ANA.id)), at=at)
    await tx.ledger.settle(reserved, usd=Decimal("0.25"), usage=Usage(input=10), model="m")
    await tx.traces.add(
        TraceEvent(ANA.id, "R1", 1, Action.LLM_CALL, "m", at, duration_ms=900),
        TraceEvent(ANA.id, "R1", 1, Action.DECISION, "thumbs_up", at),
    )
    cited = Citation(REFUNDS, "Refunds", "…")
    others = [Citation("kb://old%20one", "Old one", "…"), Citation("https://gone.example", "Gone", "…")]
    await tx.citations.add(ANA.id, "R1", [cited, cited, *others], at=at)


async def bo_waits_for_people(tx: Transaction) -> None:
    at = NOW - DAY
    await tx.conversations.open(replace(conversation(BO, at), opened_by="UBO", profile="sales"))
    await tx.conversations.add_lines(BO.id, Line(Speaker.CUSTOMER, "Bo", "Give me my money", at))
    case = NewEscalation("E1", BO.id, Origin.TOOL, "refund", "Bo wants money", Team.BILLING, requested_by="UBO")
    await tx.escalations.open(case, staff_channel="C9", at=at)


async def found_by_what_they_are(shelves: Shelves) -> None:
    async with shelves.store.write() as tx:
        await tx.ratings.rate(Rating("E0", BO.id, "UBO", 2, "meh", NOW, NOW))
    assert await shelves.found() == [BO, ANA]
    only_ana: list[dict[str, object]] = [
        {"words": ("überweisung", "WAY")},
        {"words": ("100% <b>",)},
        {"user": "UANA"},
        {"conversation_id": ANA.id},
        {"state": TalkState.BOT},
        {"outcome": Outcome.ANSWERED},
        {"channel": "C1"},
        {"profile": "support"},
        {"prompt_version": "v1"},
        {"until": NOW - 1.5 * DAY},
        {"cost_over": Decimal("0.2")},
        {"escalated": False},
        {"opinion": Opinion.UP},
    ]
    only_bo: list[dict[str, object]] = [
        {"state": TalkState.WAITING},
        {"since": NOW - 1.5 * DAY},
        {"escalated": True},
        {"opinion": Opinion.LOW},
    ]
    assert [await shelves.found(**wanted) for wanted in only_ana] == [[ANA]] * len(only_ana)
    assert [await shelves.found(**wanted) for wanted in only_bo] == [[BO]] * len(only_bo)
    nobody: list[dict[str, object]] = [
        {"words": ("100_",)},
        {"cost_over": Decimal("0.25")},
        {"owner": "U9"},
        {"opinion": Opinion.DOWN},
        {"conversation_id": FOREIGN.id},
        {"state": TalkState.PERSON},
    ]
    assert [await shelves.found(**wanted) for wanted in nobody] == [[]] * len(nobody)


async def told_in_rows(shelves: Shelves) -> None:
    bo, ana = (await shelves.lists.conversations.search("T1", ConversationFilter())).rows
    assert (ana.customer, ana.beginning) == ("Ana", "Where is my Überweisung of 100% <b>?")
    assert (ana.spend.usd, ana.spend.steps, ana.outcome, ana.liked) == (Decimal("0.25"), 1, Outcome.ANSWERED, 1)
    assert (ana.state, ana.cases, bo.state, bo.cases, bo.outcome) == (TalkState.BOT, 0, TalkState.WAITING, 1, None)


async def test_pages_follow_one_another_and_a_costly_search_says_how_far_it_has_looked(shelves: Shelves) -> None:
    async with shelves.store.write() as tx:
        for number in range(60):
            key = ThreadKey("T1", "C3", f"5.{number:06}")
            await tx.conversations.open(conversation(key, NOW + number // 2))
    async with shelves.engine.connect() as connection:
        everything = ConversationFilter()
        first = await looking.search(connection, "T1", everything, None)
        second = await looking.search(connection, "T1", everything, first.next)
        assert (len(first.rows), len(second.rows), second.next) == (50, 12, None)
        ids = [row.conversation.id for row in (*first.rows, *second.rows)]
        assert len(set(ids)) == 62
        rare = ConversationFilter(words=("überweisung",))
        near = await looking.search(connection, "T1", rare, None, most=40)
        assert (near.rows, near.looked_back_to) == ((), NOW + 9)
        far = await looking.search(connection, "T1", rare, near.next, most=40)
        assert [row.conversation.key for row in far.rows] == [ANA]
        assert far.looked_back_to is None


async def read_as_a_whole(shelves: Shelves) -> None:
    shelf = shelves.lists.conversations
    record = await shelf.record("T1", ANA.id)
    assert record is not None
    assert [line.text for line in record.lines] == ["Where is my Überweisung of 100% <b>?", "On its way."]
    assert [(run.id, run.outcome) for run in record.runs] == [("R1", Outcome.ANSWERED)]
    assert [event.name for event in record.events] == ["m", "thumbs_up"]
    assert not record.is_running
    assert await shelf.record("T2", ANA.id) is None
    before = await shelf.version("T1", ANA.id)
    async with shelves.store.write() as tx:
        await tx.traces.add(TraceEvent(ANA.id, "R2", 1, Action.ERROR, "KeyError", NOW))
    assert before < await shelf.version("T1", ANA.id)
    assert await shelf.version("T2", ANA.id) == 0


async def cases_and_how_long_they_took(
    shelves: Shelves,
) -> None:
    open_cases = await shelves.lists.cases.cases("T1", now=NOW)
    assert [(row.case.id, row.customer) for row in open_cases.live] == [("E1", "Bo")]
    assert await shelves.lists.cases.live("T1") == open_cases.live
    assert await shelves.lists.cases.live("T2") == ()
    async with shelves.store.write() as tx:
        await tx.escalations.decide("E1", Decision.DENY, by="U9", at=NOW - DAY + 90, note="no")
    decided = await shelves.lists.cases.cases("T1", now=NOW)
    assert (decided.live, [row.case.id for row in decided.decided]) == ((), ["E1"])
    [times] = decided.times
    assert (times.team, times.decided, times.median, times.slow) == (Team.BILLING, 1, 90, 90)
    assert (await shelves.lists.cases.cases("T2", now=NOW)).decided == ()


async def insert(engine: AsyncEngine, table: sa.Table, *rows: Mapping[str, object]) -> None:
    async with engine.begin() as connection:
        await connection.execute(sa.insert(table), [dict(row) for row in rows])


def article(slug: str, title: str, updated: str, url: str = "") -> dict[str, object]:
    given = {"slug": slug, "title": title, "updated": updated, "url": url}
    return {"category": "billing", "audience": "public", "body": "", "digest": "", "imported_at": NOW, **given}


async def seen_by_an_author(shelves: Shelves) -> None:
    rows = [
        article("refunds", "Refunds", "2020-01-01", REFUNDS),
        article("old one", "Old one", ""),
        article("unread", "Unread", "2019-01-01"),
        article("fresh", "Fresh", "2026-06-01"),
        article(".T2/own", "Their own", ""),
    ]
    await insert(shelves.engine, articles, *rows)
    told = {"name": "zendesk", "due_at": NOW + 60, "claimed_until": 0.0, "told": "refused: the token"}
    await insert(shelves.engine, sources, told)
    asked = [(ANA, "none", "how to fly"), (BO, "weak", "fly how to"), (FOREIGN, "none", "theirs")]
    for number, (key, band, query) in enumerate(asked):
        gap = {"id": str(number), "conversation_id": key.id, "band": band, "query": query, "at": NOW + number}
        await insert(shelves.engine, gaps, {**gap, "terms": "fly" if key is not FOREIGN else "theirs"})
    view = await shelves.lists.knowledge.knowledge("T1", since=NOW - 30 * DAY, stale_before="2026-01-01")
    causes = {GapCause.NOTHING: 1, GapCause.UNSURE: 1}
    assert view.gaps == (Gap("fly how to", 2, causes, NOW + 1),), "as it was asked last"
    book = GapBook(shelves.engine, lambda: NOW)
    assert await book.since(NOW - 30 * DAY, "T1") == view.gaps, "the command line says the same"
    assert sorted((one.title, one.cited, one.slug) for one in view.cited) == [
        ("Gone", 1, ""), ("Old one", 1, "old one"), ("Refunds", 1, "refunds")
    ]  # fmt: skip
    assert [one.title for one in view.stale] == ["Refunds", "Old one", "Unread"], "most cited first, undated last"
    assert (view.articles, view.stale_count, view.undated_count) == (4, 2, 1)
    assert {one.name: (one.articles, one.told) for one in view.sources} == {
        "folder": (4, ""), "zendesk": (0, "refused: the token")
    }  # fmt: skip
    assert await times_cited(shelves.engine, since=NOW - 30 * DAY) == {"refunds": 1, "old one": 1}
    assert await times_cited(shelves.engine, since=NOW - 30 * DAY, workspace="T2") == {}
    theirs = await shelves.lists.knowledge.knowledge("T2", since=NOW - 30 * DAY, stale_before="2026-01-01")
    assert ([one.slug for one in theirs.stale], len(theirs.gaps), theirs.cited) == (["own"], 1, ())
    assert [one.name for one in theirs.sources] == ["folder"]


async def cited_by_others(shelves: Shelves) -> None:
    """A workspace that searches the common articles, and has one of its own by the name of a common one."""
    async with shelves.store.write() as tx:
        both = [Citation("kb://fresh", "Fresh", "…"), Citation("kb://own", "Own", "…")]
        await tx.citations.add(FOREIGN.id, "R9", both, at=NOW)
    await insert(shelves.engine, articles, article("own", "Common own", "2020-01-01"))
    theirs = await shelves.lists.knowledge.knowledge("T2", since=NOW - 30 * DAY, stale_before="2026-01-01")
    assert [(one.title, one.slug) for one in theirs.cited] == [("Fresh", "fresh"), ("Their own", "own")]
    assert [(one.slug, one.cited) for one in theirs.stale] == [("own", 1)]
    assert await times_cited(shelves.engine, since=NOW - DAY) == {"fresh": 1}, "their own article is another"
    assert await times_cited(shelves.engine, since=NOW - DAY, workspace="T2") == {"own": 1}
    async with shelves.store.write() as tx:
        await tx.connection.execute(sa.text("delete from citations where run_id = 'R9'"))


async def kept_as_long_as_conversations(shelves: Shelves) -> None:
    ages = Ages(events=0, traces=0, conversations=NOW - 3 * DAY, costs=0)
    batch = await shelves.store.archive.clear("citations", ages, None)
    assert batch is not None
    assert batch.deleted == 0
    batch = await shelves.store.archive.clear("citations", replace(ages, conversations=NOW), None)
    assert batch is not None
    assert batch.deleted == 3


async def limits_and_what_is_used(shelves: Shelves) -> None:
    at = NOW - 2 * DAY
    set_limits = [
        (Scope.WORKSPACE, "T1", Period.MONTH, "20"),
        (Scope.USER, EVERY, Period.MONTH, "2"),
        (Scope.CONVERSATION, ANA.id, Period.TOTAL, "1"),
        (Scope.STEP, EVERY, Period.TOTAL, "0.5"),
    ]
    async with shelves.store.write() as tx:
        for scope, subject, period, usd in set_limits:
            await tx.ledger.set_limit(BudgetChange(scope, subject, period, Decimal(usd), "U9", at), team_id="T1")
        given = Grant(Scope.CONVERSATION, ANA.id, Period.TOTAL, Decimal(2), "U9", NOW)
        await tx.ledger.grant(given, team_id="T1")
        await tx.gates.mute(Mute("T1", "C1", "U9", at))
    view = await shelves.lists.budgets.budgets("T1", now=NOW, zone="UTC")
    whole, everyone, ana, step = view.limits
    month_of_both = (whole.used, dict(everyone.most))
    same_month = Period.MONTH.start(NOW) <= at
    spent = Decimal("0.25") if same_month else Decimal(0)
    assert month_of_both == (spent, {"UANA": spent} if same_month else {})
    assert (ana.used, ana.granted, ana.allowed) == (Decimal("0.25"), Decimal(2), Decimal(3))
    assert (step.used, step.most) == (None, {})
    assert [change.scope for change in view.changes] == [scope for scope, *_ in reversed(set_limits)]
    assert ([mute.subject for mute in view.mutes], view.grants) == (["C1"], (given,))
    theirs = await shelves.lists.budgets.budgets("T2", now=NOW, zone="UTC")
    assert (theirs.limits, theirs.changes, theirs.grants, theirs.mutes) == ((), (), (), ())


async def own_prompts(shelves: Shelves) -> None:
    [text] = await shelves.lists.prompts.texts("T1", ["v0", "v1"])
    assert (text.version, text.system) == ("v1", "Be kind.")
    assert await shelves.lists.prompts.texts("T2", ["v1"]) == ()


async def found_by_who_has_them(shelves: Shelves) -> None:
    async with shelves.store.write() as tx:
        await tx.conversations.set_owner(BO.id, Standing.HUMAN, "U9")
    assert await shelves.found(state=TalkState.PERSON, owner="U9") == [BO]


async def test_conversations_of_the_workspace_are_listed_found_and_read(shelves: Shelves) -> None:
    await told_in_rows(shelves)
    await found_by_what_they_are(shelves)
    await read_as_a_whole(shelves)
    await found_by_who_has_them(shelves)


async def test_authors_see_gaps_what_answers_rest_on_and_what_is_old_and_used(shelves: Shelves) -> None:
    await seen_by_an_author(shelves)
    await cited_by_others(shelves)
    await kept_as_long_as_conversations(shelves)


async def test_cases_limits_and_prompts_are_those_of_the_workspace(shelves: Shelves) -> None:
    await limits_and_what_is_used(shelves)
    await own_prompts(shelves)
    await cases_and_how_long_they_took(shelves)
