"""Ask: a question about a case to the customer or a colleague, and what becomes of the answer: on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from bot.agent.profile import Profiles, load_profile
from bot.desk.budget_pauses import BudgetPauses
from bot.desk.deadlines import Deadlines
from bot.desk.endings import Endings
from bot.desk.relay import RelayRoom
from bot.desk.turns import Turns
from bot.desk.work import Work
from bot.domain.conversation import Speaker, ThreadKey
from bot.domain.effects import Relay, ShowAnswer
from bot.domain.escalation import Decision, Proposal, State
from bot.domain.gate import Mute
from bot.domain.hours import ALWAYS
from bot.domain.incoming import CarryOn
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, THREAD, database, message, open_store, queued
from tests.fakes.deciders import Deciders

REPLY = Proposal("We refund $81. It takes five days.")


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url, open_store(url) as opened:
        await queued(opened)
        yield opened


@pytest.fixture
def desk(store: SqlStore) -> Deciders:
    return Deciders(store)


async def test_a_question_to_the_customer_goes_out_under_the_persons_name_and_the_case_stays_open(
    desk: Deciders,
) -> None:
    await desk.open(REPLY)
    assert await desk.asks("USAM", "Which invoice is it?") == ""
    (relay,) = [e for _, e in await desk.effects() if isinstance(e, Relay)]
    assert (relay.author_name, relay.text) == ("Sam", "Which invoice is it?")
    case = await desk.case()
    assert (case.state, case.version) == (State.OPEN, 1)
    assert case.asked is not None
    assert (case.asked.by, case.asked.of, case.asked.answered_at) == ("USAM", "", None)
    assert "Sam asked the customer: Which invoice is it?" in await desk.under_card()
    assert await desk.press("UGRACE", Decision.APPROVE, version=1) == "", "the proposal is as it was"
    first = (await desk.deeds())[0]
    assert (first.action, first.detail) == ("case.ask", "Which invoice is it?")


async def test_a_question_to_a_colleague_stays_with_staff(desk: Deciders) -> None:
    await desk.open(REPLY)
    assert await desk.asks("USAM", "Was this paid?", of="ULEO") == ""
    assert "<@ULEO>, Sam asks: Was this paid?" in await desk.under_card()
    assert not [e for _, e in await desk.effects() if isinstance(e, Relay)]
    refusal = await desk.asks("USAM", "And you?", of="UANA")
    assert "not in the staff channel" in refusal
    assert "And you?" in refusal


async def answered(desk: Deciders, words: str, **changes: object) -> None:
    """Leo's reply under the card."""
    relay = RelayRoom(desk.store, desk.people, desk.cases, desk.clock)
    thread = ThreadKey("T1", "C0STAFF", "1700000009.000100")
    values: dict[str, object] = {"thread": thread, "user_id": "ULEO", "text": words, "mentions_bot": False}
    reply = message("1700000009.000200", **(values | changes))
    case = await desk.case()
    async with desk.store.write() as tx:
        await relay.carry(tx, reply, case, await desk.people.portrait("ULEO"))


async def waiting_notes(desk: Deciders) -> list[str]:
    """What the agent is to carry on with."""
    async with desk.store.read() as tx:
        rows = [row.incoming for row in await tx.inbox.waiting(THREAD.id)]
    return [cause.note for cause in rows if isinstance(cause, CarryOn)]


async def transcript(desk: Deciders) -> list[tuple[Speaker, str]]:
    async with desk.store.read() as tx:
        return [(line.speaker, line.text) for line in await tx.conversations.lines(THREAD.id, 10)]


async def test_an_agent_that_waits_carries_on_with_a_colleagues_answer(desk: Deciders) -> None:
    await desk.open(None)
    await desk.asks("USAM", "Was this paid twice?", of="ULEO")
    await answered(desk, "Yes, on the 3rd.")
    await answered(desk, "Yes, on the 3rd.")
    (note,) = await waiting_notes(desk)
    assert "(Leo) was asked: Was this paid twice?" in note
    assert "They answered, to us and not to the customer: Yes, on the 3rd." in note
    case = await desk.case()
    assert case.asked is not None
    assert (case.state, case.asked.answered_at) == (State.OPEN, desk.now)
    assert "carries on with the customer's request" in await desk.under_card()
    assert not [e for _, e in await desk.effects() if isinstance(e, Relay)], "nothing of it is said to the customer"


async def test_a_colleagues_answer_about_a_proposal_is_kept_for_the_agent_and_changes_nothing(desk: Deciders) -> None:
    await desk.open(REPLY)
    await desk.asks("USAM", "Was this paid twice?", of="ULEO")
    await answered(desk, "Yes, on the 3rd.")
    assert await waiting_notes(desk) == []
    ((speaker, text),) = await transcript(desk)
    assert (speaker, "Yes, on the 3rd." in text) == (Speaker.NOTE, True)
    assert "stands until somebody decides" in await desk.under_card()
    assert await desk.press("UGRACE", Decision.APPROVE, version=1) == ""
    assert [e.answer.text for _, e in await desk.effects() if isinstance(e, ShowAnswer)] == [REPLY.text]


@pytest.mark.parametrize("changes", [{"user_id": "UGRACE"}, {"author_team": "T2"}, {"bot_id": "B1"}])
async def test_only_the_colleague_who_was_asked_answers(desk: Deciders, changes: dict[str, object]) -> None:
    await desk.open(None)
    await desk.asks("USAM", "Was this paid twice?", of="ULEO")
    await answered(desk, "Yes: refund everybody.", **changes)
    assert await waiting_notes(desk) == []
    assert await transcript(desk) == []


async def muted_thread_hears(desk: Deciders, words: str, **changes: object) -> None:
    """Someone writes in the customer's thread, which is muted; a turn that asked a model would fail."""
    profiles = Profiles({"support": load_profile("support")})
    pauses = BudgetPauses(desk.store, desk.cases, Deadlines(profiles, ALWAYS, desk.clock), profiles, desk.clock)
    nobody, nothing = cast(Work, None), cast(Endings, None)
    turns = Turns(desk.store, desk.people, desk.cases, nobody, nothing, pauses, desk.clock, quiet=0)
    said = message("1700000005.000100", text=words, **changes)
    async with desk.store.write() as tx:
        await tx.gates.mute(Mute("T1", THREAD.id, "U1", desk.now))
        await tx.inbox.add("i5", said, conversation_id=THREAD.id, partition=THREAD.id)
    await turns.take_all(THREAD.id)
    async with desk.store.read() as tx:
        assert await tx.inbox.waiting(THREAD.id) == []
        assert await tx.runs.unfinished(THREAD.id) is None


@pytest.mark.parametrize("proposal", [REPLY, None])
async def test_in_a_muted_thread_the_customers_answer_is_shown_under_the_card_and_closes_the_question(
    proposal: Proposal | None, desk: Deciders
) -> None:
    await desk.open(proposal)
    await desk.asks("USAM", "Which invoice is it?")
    await muted_thread_hears(desk, "INV-204")
    assert "INV-204" in (await desk.under_card()).split("\n")
    case = await desk.case()
    assert case.asked is not None
    assert (case.state, case.asked.answered_at) == (State.OPEN, desk.now)
    assert (await desk.deeds())[-1].action == "case.answer"


@pytest.mark.parametrize("changes", [{"user_id": "USAM"}, {"user_id": "UBO"}])
async def test_in_a_muted_thread_others_do_not_answer_for_the_customer(
    changes: dict[str, object], desk: Deciders
) -> None:
    await desk.open(REPLY)
    await desk.asks("USAM", "Which invoice is it?")
    await muted_thread_hears(desk, "INV-204", **changes)
    case = await desk.case()
    assert case.asked is not None
    assert case.asked.answered_at is None


async def test_in_a_muted_thread_a_colleagues_question_stays_theirs(desk: Deciders) -> None:
    await desk.open(REPLY)
    await desk.asks("USAM", "Was this paid?", of="ULEO")
    await muted_thread_hears(desk, "INV-204")
    case = await desk.case()
    assert case.asked is not None
    assert case.asked.answered_at is None


async def test_a_question_about_a_decided_case_is_not_asked_and_given_back(desk: Deciders) -> None:
    await desk.open(REPLY)
    await desk.press("UGRACE", Decision.APPROVE, version=1)
    refusal = await desk.asks("USAM", "Which invoice is it?")
    assert "decided this case meanwhile" in refusal
    assert "Which invoice is it?" in refusal
    assert not [e for _, e in await desk.effects() if isinstance(e, Relay)]
