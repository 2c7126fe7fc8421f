"""No query crosses workspaces: every method of the store is tried with what belongs to another one.

A method of a port without a case here makes the test fail: whoever adds one says what it does with a foreign id.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.domain.answer import Outcome
from bot.domain.audit import AuditEntry
from bot.domain.budget import Account, BudgetChange, Grant, Limit, Period, Scope, Shortfall, Spend
from bot.domain.budget_ask import AskEnd, BudgetAsk
from bot.domain.conversation import Line, Speaker, Standing, ThreadKey
from bot.domain.effects import Outgoing, Place, Receipt, ShowCard, ShowNotice
from bot.domain.errors import ForeignWorkspaceError, PermanentError
from bot.domain.escalation import Decision, NewEscalation, Origin, Proposal, Question
from bot.domain.exchange import Usage
from bot.domain.gate import Mute, SharedChannel
from bot.domain.handover import Handback, Rating
from bot.domain.incoming import CallApproved, CarryOn
from bot.domain.recap import Recap
from bot.ports import store as ports
from bot.ports.citations import Citations
from bot.ports.evaluations import Evaluations
from bot.ports.gaps import Gaps
from bot.ports.lessons import Lessons
from bot.ports.outbox import Delivery
from bot.ports.store import Run
from bot.store.leaving import close_workspace
from bot.store.store import SqlStore, SqlTransaction
from bot.store.tables import metadata
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
)
from tests.contract.tries_money import MONEY_TRIES, PAUSE
from tests.contract.tries_records import RECORD_TRIES, fill_records
from tests.contract.tries_traces import EVENT, TRACE_TRIES
from tools.knowledge_base.tables import gaps

OWN = ThreadKey("T2", THREAD.channel_id, THREAD.thread_ts)
"""A thread of the workspace that must not see T1: the same channel and timestamp."""
CARD = Receipt("C9", "1700000000.000900")
Try = Callable[[SqlTransaction, str], Awaitable[object]]
"""Does something with rows of T1; given the reservation's id."""

RUN = Run("R1", THREAD.id, ("i1",), "U1", 0, None, NOW)
CASE = NewEscalation("E1", THREAD.id, Origin.TOOL, "refund", "wants $10 back")
CHANGE = BudgetChange(Scope.WORKSPACE, "T1", Period.DAY, Decimal(5), "U1", NOW)
CAUSE, APPROVED = CarryOn(THREAD, "later", "It is time."), CallApproved(THREAD, "E1", "digest", "U9", "Sam")
DEED = AuditEntry(NOW, "T1", "U1", "case.approve", "E1", "fine", THREAD.id)
GRANT = Grant(Scope.WORKSPACE, "T1", Period.DAY, Decimal(2), "U1", NOW)
BUDGET_ASK = BudgetAsk(
    "E1", "R1", THREAD.id, Shortfall(Limit(Scope.WORKSPACE, "T1", Decimal(5)), Decimal(4), Decimal(2)), NOW, ("i1",)
)
LINE, RECAP = Line(Speaker.CUSTOMER, "Ana", "secret", NOW), Recap("Ana was charged twice.", "Sam took over.", 1)
MUTE, CONNECT = Mute("T1", "C1", "U1", NOW), SharedChannel("T1", "C1", is_allowed=False)
HANDBACK = Handback(THREAD.id, 7, "U9", "Sam", "refund", NOW, NOW, "called her")
RATING = Rating("E1", THREAD.id, "U1", 5, "quick", NOW, NOW)


async def _is_current(tx: SqlTransaction, _: str) -> object:
    """A run that one may not see counts as overtaken."""
    return {"R1"} - await tx.runs.overtaken(["R1"])


async def _paused(tx: SqlTransaction, _: str) -> object:
    await tx.runs.pause("R1", at=NOW)
    return await tx.runs.paused(THREAD.id)


async def _resumed(tx: SqlTransaction, _: str) -> object:
    await tx.runs.pause("R1", at=NOW)
    return await tx.runs.resume("R1", live_key="live:1")


async def _reopened(tx: SqlTransaction, _: str) -> object:
    await tx.inbox.mark_handled(["i1"])
    await tx.inbox.reopen(["i1"])
    return await tx.inbox.waiting(THREAD.id)


async def _recapped(tx: SqlTransaction) -> object:
    """What is stored, as far as one may see."""
    return (await tx.recaps.get(THREAD.id)).text or None


TRIES: dict[str, list[Try]] = {
    "Inbox.add": [
        lambda tx, _: tx.inbox.add("i9", message("9.0"), conversation_id=None, partition="p"),
        lambda tx, _: tx.inbox.add("i9", message("9.0", thread=OWN), conversation_id=THREAD.id, partition=THREAD.id),
    ],
    "Inbox.get": [lambda tx, _: tx.inbox.get("i1")],
    "Inbox.waiting": [lambda tx, _: tx.inbox.waiting(THREAD.id)],
    "Inbox.is_waiting": [lambda tx, _: tx.inbox.is_waiting(THREAD.id)],
    "Inbox.pending_call": [lambda tx, _: tx.inbox.pending_call(THREAD.id)],
    "Inbox.mark_handled": [lambda tx, _: tx.inbox.mark_handled(["i1"])],
    "Inbox.reopen": [_reopened],
    "Inbox.count_attempt": [lambda tx, _: tx.inbox.count_attempt("i1", error="Oops")],
    "Inbox.park": [lambda tx, _: tx.inbox.park(["i1"])],
    "Inbox.unfinished": [lambda tx, _: tx.inbox.unfinished(before=NOW + 1)],
    "Inbox.message": [lambda tx, _: tx.inbox.message(THREAD, "1.0")],
    "Inbox.replace": [
        lambda tx, _: tx.inbox.replace("i1", message("1.0", text="changed")),
        lambda tx, _: tx.inbox.replace("i1", message("1.0", text="changed", thread=OWN)),
    ],
    "Conversations.get": [lambda tx, _: tx.conversations.get(THREAD.id)],
    "Conversations.open": [lambda tx, _: tx.conversations.open(conversation(ThreadKey("T1", "C2", "2.0")))],
    "Conversations.set_owner": [lambda tx, _: tx.conversations.set_owner(THREAD.id, Standing.HUMAN, "U9")],
    "Conversations.speak": [lambda tx, _: tx.conversations.speak(THREAD.id, "de")],
    "Conversations.pin": [lambda tx, _: tx.conversations.pin(THREAD.id, "v2")],
    "Conversations.add_lines": [lambda tx, _: tx.conversations.add_lines(THREAD.id, LINE)],
    "Conversations.amend_line": [lambda tx, _: tx.conversations.amend_line(THREAD.id, "secret", "other")],
    "Conversations.lines": [lambda tx, _: tx.conversations.lines(THREAD.id, 10)],
    "Recaps.get": [lambda tx, _: _recapped(tx)],
    "Recaps.keep": [lambda tx, _: tx.recaps.keep(THREAD.id, replace(RECAP, upto=99))],
    "Recaps.lines_after": [lambda tx, _: tx.recaps.lines_after(THREAD.id, 0, 10)],
    "Runs.begin": [lambda tx, _: tx.runs.begin(replace(RUN, id="R2"))],
    "Runs.get": [lambda tx, _: tx.runs.get("R1")],
    "Runs.unfinished": [lambda tx, _: tx.runs.unfinished(THREAD.id)],
    "Runs.paused": [_paused],
    "Runs.pause": [lambda tx, _: tx.runs.pause("R1", at=NOW)],
    "Runs.resume": [_resumed],
    "Runs.hold": [lambda tx, _: tx.runs.hold("R1")],
    "Runs.finish": [lambda tx, _: tx.runs.finish("R1", Outcome.ANSWERED)],
    "Runs.overtaken": [_is_current],
    "Runs.request_stop": [lambda tx, _: tx.runs.request_stop(THREAD.id)],
    "Runs.record": [lambda tx, _: tx.runs.record("R1", "m2", "output")],
    "Escalations.open": [
        lambda tx, _: tx.escalations.open(replace(CASE, id="E2"), staff_channel="C9", at=NOW),
        lambda tx, _: tx.escalations.open(CASE, staff_channel="C9", at=NOW),
        lambda tx, _: tx.escalations.open(replace(CASE, conversation_id=OWN.id), staff_channel="C9", at=NOW),
    ],
    "Escalations.get": [lambda tx, _: tx.escalations.get("E1")],
    "Escalations.live": [lambda tx, _: tx.escalations.live(THREAD.id)],
    "Escalations.all_live": [lambda tx, _: tx.escalations.all_live()],
    "Escalations.decide": [lambda tx, _: tx.escalations.decide("E1", Decision.APPROVE, by="U9", at=NOW, note="")],
    "Escalations.amend": [
        lambda tx, _: tx.escalations.amend("E1", replace(CASE, reason="other")),
        lambda tx, _: tx.escalations.amend("E1", replace(CASE, reason="other", conversation_id=OWN.id)),
    ],
    "Escalations.revise": [
        lambda tx, _: tx.escalations.revise("E1", Proposal("Other."), by="U9", version=1, expires_at=None)
    ],
    "Escalations.agree_first": [lambda tx, _: tx.escalations.agree_first("E1", by="U9", at=NOW, version=1)],
    "Escalations.ask": [lambda tx, _: tx.escalations.ask("E1", Question("U9", "", "Which invoice?", NOW))],
    "Escalations.offer": [lambda tx, _: tx.escalations.offer("E0", NOW)],
    "Escalations.count_open": [lambda tx, _: tx.escalations.count_open(staff_channel="C9", before=NOW + 1)],
    "Escalations.by_card": [lambda tx, _: tx.escalations.by_card(CARD)],
    "Outbox.add": [
        lambda tx, _: tx.outbox.add(notice("k9")),
        lambda tx, _: tx.outbox.add(replace(notice("k9"), conversation_id=THREAD.id)),
    ],
    "Outbox.receipt": [lambda tx, _: tx.outbox.receipt("card:E1")],
    "Outbox.known": [lambda tx, _: tx.outbox.known(["card:E1"])],
    "Ledger.reserve": [
        lambda tx, _: tx.ledger.reserve(claim("1", name="m9"), at=NOW),
        lambda tx, _: tx.ledger.reserve(claim("1", name="m9", payer=replace(account(), team_id="T2")), at=NOW),
    ],
    "Ledger.settle": [
        lambda tx, reserved: tx.ledger.settle(reserved, usd=Decimal(0), usage=Usage(), model="claude-test")
    ],
    "Ledger.charge_worst": [lambda tx, reserved: tx.ledger.charge_worst(reserved)],
    "Ledger.charge_left_behind": [lambda tx, _: tx.ledger.charge_left_behind("R1")],
    "Ledger.release": [lambda tx, reserved: tx.ledger.release(reserved)],
    "Ledger.spend": [lambda tx, _: tx.ledger.spend(THREAD.id)],
    "Ledger.total": [lambda tx, _: tx.ledger.total("T1", since=0)],
    "Ledger.dearest": [lambda tx, _: tx.ledger.dearest("T1", 5)],
    "Ledger.limits": [lambda tx, _: tx.ledger.limits("T1", Scope.WORKSPACE, "T1")],
    "Ledger.limits_of": [lambda tx, _: tx.ledger.limits_of("T1", {Scope.WORKSPACE: "T1"})],
    "Ledger.set_limit": [lambda tx, _: tx.ledger.set_limit(replace(CHANGE, usd=Decimal(9)), team_id="T1")],
    "Ledger.changes": [lambda tx, _: tx.ledger.changes("T1", 5)],
    "Ledger.left": [
        lambda tx, _: tx.ledger.left(account(), Limit(Scope.USER, "U1", Decimal(9)), at=NOW, zone=UTC),
    ],
    "Ledger.charge_lost": [lambda tx, _: tx.ledger.charge_lost(before=NOW + 1)],
    "Ledger.note_change": [lambda tx, _: tx.ledger.note_change(CHANGE, team_id="T1")],
    "Ledger.grant": [lambda tx, _: tx.ledger.grant(GRANT, team_id="T1")],
    "Ledger.grants_of": [lambda tx, _: tx.ledger.grants_of("T1", {Scope.WORKSPACE: "T1"})],
    "BudgetAsks.open": [lambda tx, _: tx.budget_asks.open(replace(BUDGET_ASK, case_id="E9"))],
    "BudgetAsks.of_case": [lambda tx, _: tx.budget_asks.of_case("E1")],
    "BudgetAsks.of_run": [lambda tx, _: tx.budget_asks.of_run("R1")],
    "BudgetAsks.hold": [lambda tx, _: tx.budget_asks.hold("E1", ["i1"])],
    "BudgetAsks.end": [lambda tx, _: tx.budget_asks.end("E1", AskEnd.ALLOWED, at=NOW)],
    "Ledger.limit_for": [lambda tx, _: tx.ledger.limit_for("T1", Scope.WORKSPACE, "T1", Period.DAY)],
    "Timers.set": [
        lambda tx, _: tx.timers.set("t1", CAUSE, due_at=NOW, partition="p"),
        lambda tx, _: tx.timers.set(
            "t1", replace(CAUSE, thread=OWN), due_at=NOW, partition="p", conversation_id=THREAD.id
        ),
    ],
    "Timers.cancel": [lambda tx, _: tx.timers.cancel("t0")],
    "Timers.due_at": [lambda tx, _: tx.timers.due_at("t0")],
    "Timers.next_due": [lambda tx, _: tx.timers.next_due()],
    "Timers.take_due": [lambda tx, _: tx.timers.take_due(NOW, 10)],
    **MONEY_TRIES,
    **TRACE_TRIES,
    **RECORD_TRIES,
    "Audit.add": [lambda tx, _: _recorded(tx)],
    "Audit.recent": [
        lambda tx, _: tx.audit.recent(5),
        lambda tx, _: tx.audit.recent(5, about="E1"),
        lambda tx, _: tx.audit.recent(5, about=THREAD.id),
    ],
    "Handbacks.add": [lambda tx, _: tx.handbacks.add(replace(HANDBACK, epoch=8))],
    "Handbacks.of_epoch": [lambda tx, _: tx.handbacks.of_epoch(THREAD.id, 7)],
    "Handbacks.claim_briefing": [lambda tx, _: tx.handbacks.claim_briefing(THREAD.id, 7)],
    "Ratings.rate": [
        lambda tx, _: tx.ratings.rate(replace(RATING, stars=1)),
        lambda tx, _: tx.ratings.rate(replace(RATING, stars=1, conversation_id=OWN.id)),
    ],
    "Ratings.of_case": [lambda tx, _: tx.ratings.of_case("E1")],
    "Ratings.since": [lambda tx, _: tx.ratings.since(0.0)],
    "Gates.mute": [lambda tx, _: tx.gates.mute(replace(MUTE, until=1.0))],
    "Gates.unmute": [lambda tx, _: tx.gates.unmute("T1", "C1")],
    "Gates.muted": [lambda tx, _: tx.gates.muted(THREAD.id, NOW)],
    "Gates.shared_channel": [lambda tx, _: tx.gates.shared_channel("T1", "C1")],
    "Gates.ask_about": [lambda tx, _: tx.gates.ask_about(replace(CONNECT, channel_id="C2"))],
    "Gates.allow": [lambda tx, _: tx.gates.allow(replace(CONNECT, is_allowed=True))],
    "Gates.count_bot": [lambda tx, _: tx.gates.count_bot(THREAD.id, "B1", NOW)],
}
SHARED = {
    "Ledger.hold": "waits for its turn and tells nothing",
    "Conversations.keep_prompt": "a prompt is known by the hash of its text and holds nothing of a workspace",
    "Conversations.prompt": "as above",
}
NOTHING: tuple[object, ...] = (None, False, [], set(), frozenset(), Spend(), Decimal(0))
REPOSITORIES = (
    ports.Inbox, ports.Conversations, ports.Recaps, ports.Runs, ports.Escalations, ports.Outbox, ports.Ledger,
    ports.BudgetAsks, ports.Spending, ports.BotPauses, ports.Traces, ports.Gates, ports.Timers, ports.Handbacks,
    ports.Ratings, ports.Audit, Citations, Gaps, Lessons, Evaluations,
)  # fmt: skip


def methods() -> set[str]:
    return {f"{port.__name__}.{name}" for port in REPOSITORIES for name in vars(port) if not name.startswith("_")}


def test_every_method_of_the_store_is_tried_or_says_why_not() -> None:
    assert methods() == TRIES.keys() | SHARED.keys()


def test_no_repository_is_forgotten() -> None:
    names = [name for name in vars(ports.Transaction) if not name.startswith("_")]
    assert len(names) == len(REPOSITORIES)


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url, open_store(url) as opened:
        await fill(opened)
        yield opened


async def fill(store: SqlStore) -> None:
    """T1 with one row of everything, T2 with a conversation of its own."""
    async with store.write() as tx:
        for thread in (THREAD, OWN):
            await tx.conversations.open(conversation(thread))
        for inbox_id, cause in (("i1", message("1.0")), ("i2", APPROVED)):
            await tx.inbox.add(inbox_id, cause, conversation_id=THREAD.id, partition=THREAD.id)
        await tx.conversations.add_lines(THREAD.id, LINE)
        await tx.recaps.keep(THREAD.id, RECAP)
        await tx.runs.begin(replace(RUN, epoch=1))
        await tx.runs.record("R1", "m1", "output")
        await tx.escalations.open(replace(CASE, id="E0"), staff_channel="C9", at=NOW - 1)
        await tx.escalations.decide("E0", Decision.TAKE_OVER, by="U9", at=NOW, note="")
        await tx.escalations.open(CASE, staff_channel="C9", at=NOW)
        await tx.outbox.add(Outgoing("card:E1", ShowCard(Place("T1", "C9"), "E1"), "staff:E1", THREAD.id))
        await tx.ledger.reserve(claim("0.5"), at=NOW)
        await tx.ledger.settle(
            await tx.ledger.reserve(claim("0.25", name="m0"), at=NOW),
            usd=Decimal("0.25"), usage=Usage(10, 10), model="claude-test",
        )  # fmt: skip
        await tx.ledger.set_limit(CHANGE, team_id="T1")
        await tx.ledger.grant(GRANT, team_id="T1")
        await tx.budget_asks.open(BUDGET_ASK)
        await tx.bot_pauses.begin(PAUSE)
        await tx.gates.mute(MUTE)
        await tx.gates.ask_about(CONNECT)
        await tx.handbacks.add(HANDBACK)
        await tx.ratings.rate(RATING)
        await tx.traces.add(EVENT)
        await fill_records(tx)
        await tx.audit.add(DEED)
        await tx.timers.set("t0", CAUSE, due_at=NOW, partition=THREAD.id, conversation_id=THREAD.id)
    delivery = await store.queue.head("staff:E1", NOW)
    assert isinstance(delivery, Delivery)
    await store.queue.delivered("card:E1", CARD, at=NOW)


async def everything(tx: SqlTransaction) -> dict[str, list[Any]]:
    return {
        table.name: sorted(map(str, (await tx.connection.execute(sa.select(table))).all()))
        for table in (*metadata.sorted_tables, gaps)
    }


class Undo(Exception):  # noqa: N818 - it is no error
    """Rolls a trial back."""


async def try_as(store: SqlStore, team: str, attempt: Try) -> tuple[object, bool]:
    """What a method gave, and whether it changed anything; nothing of it stays."""
    outcome: list[tuple[object, bool]] = []
    try:
        async with store.of(team).write() as tx:
            before = await everything(tx)
            reserved = str(await tx.connection.scalar(sa.text("select id from ledger where state = 'reserved'")))
            try:
                given: object = await attempt(tx, reserved)
            except (ForeignWorkspaceError, PermanentError) as error:
                given = type(error)
            outcome.append((given, await everything(tx) != before))
            raise Undo  # noqa: TRY301 - the way to roll back
    except Undo:
        pass
    return outcome[0]


async def test_a_foreign_id_finds_nothing_and_changes_nothing(store: SqlStore) -> None:
    for name, attempts in TRIES.items():
        for number, attempt in enumerate(attempts):
            given, changed = await try_as(store, "T2", attempt)
            assert not changed, f"{name} #{number} wrote into another workspace"
            assert given in (*NOTHING, ForeignWorkspaceError, PermanentError), f"{name} #{number} told {given!r}"


async def _recorded(tx: SqlTransaction) -> None:
    await tx.audit.add(DEED)
    await tx.audit.write_down()  # as the end of the transaction does


async def test_the_workspace_itself_is_not_hindered(store: SqlStore) -> None:
    """Otherwise the trial above would prove nothing."""
    for name, attempts in TRIES.items():
        given, changed = await try_as(store, "T1", attempts[0])
        assert changed or given not in (*NOTHING, ForeignWorkspaceError, PermanentError), name


async def test_a_run_of_the_same_id_elsewhere_is_not_charged(store: SqlStore) -> None:
    async with store.of("T2").write() as tx:
        await tx.ledger.reserve(claim("1", payer=Account("T2", "C1", "U1", OWN.id, "R1")), at=NOW)
        query = sa.text("select state from ledger where team_id = 'T1' and name = 'm1'")
        assert await tx.connection.scalar(query) == "reserved"


async def test_the_same_message_is_stored_once_for_each_workspace_of_a_shared_channel(store: SqlStore) -> None:
    """Slack delivers it to each of them; the bots are two, with different people behind them."""
    came = message("1.0", thread=OWN, event_id="Ev1")
    async with store.of("T2").write() as tx:
        added = [await tx.inbox.add(f"o{n}", came, conversation_id=OWN.id, partition=OWN.id) for n in range(2)]
        assert added == [True, False]
        found = await tx.inbox.message(OWN, "1.0")
        assert found is not None
        assert found.id == "o0"


async def test_an_effect_does_not_refer_to_a_message_of_another_workspace(store: SqlStore) -> None:
    async with store.of("T2").write() as tx:
        effect = ShowNotice(replace(PLACE, team_id="T2"), "hello")
        await tx.outbox.add(Outgoing("k2", effect, "lane2", edits="card:E1"))
    delivery = await store.queue.head("lane2", NOW)
    assert delivery is not None and delivery.edits is not None  # noqa: PT018 - both for the type checker
    assert delivery.edits.receipt is None


async def test_a_workspace_that_left_has_nothing_open_and_its_data_can_be_deleted(store: SqlStore) -> None:
    async with store.write() as tx:
        await close_workspace(tx.connection, "T1", at=NOW)
    async with store.read() as tx:
        assert await tx.inbox.unfinished(before=NOW + 1) == []
        assert await tx.runs.overtaken(["R1"]) == {"R1"}
        own = await tx.conversations.get(OWN.id)
    assert await store.delete_workspace("T1") > 8
    async with store.read() as tx:
        kept = [row for rows in (await everything(tx)).values() for row in rows]
        assert await tx.conversations.get(OWN.id) == own
    assert not [row for row in kept if "T1" in row or "R1" in row]
