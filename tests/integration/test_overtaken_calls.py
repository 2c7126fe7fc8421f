"""Between the press and the call: what the customer says or takes back then still counts; nothing untrue is told."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.desk.changes import Changes
from bot.desk.overtaking import begin, overtake_call
from bot.domain.conversation import Standing
from bot.domain.escalation import Team
from bot.domain.incoming import CallApproved, MessageDeleted, MessageEdited, MessageReceived
from bot.domain.interruption import StopWhy
from bot.ports.clock import sortable_id
from bot.ports.store import Queued
from tests.contract.store_kit import KINDS, NOW, THREAD, message
from tests.fakes.counter import ANA, Counter, open_counter, refund
from tools.base import OutcomeUnknownError, ToolContext, ToolError, ToolOutput
from tools.escalation import EscalationRequest

LARGE = refund(250)
LATER = message(f"{NOW + 9:.6f}", text="No, wait, please do not!")


@pytest.fixture(params=KINDS)
async def counter(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Counter]:
    async with open_counter(tmp_path, request.param) as opened:
        yield opened


async def approved(counter: Counter) -> Queued:
    [result] = await counter.wants(LARGE)
    assert result.is_pending
    return await counter.approves()


async def begun(counter: Counter) -> Queued:
    """A call that was under way when the program was killed; nobody knows how far it came."""
    queued = await approved(counter)
    assert isinstance(queued.incoming, CallApproved)
    async with counter.store.write() as tx:
        await begin(tx, queued.incoming)
    return queued


async def was_not_made(counter: Counter, why: str) -> None:
    assert await counter.refunded() == []
    told = await counter.under_card()
    assert "was approved, but *not carried out*" in told
    assert why in told
    [carry_on] = await counter.carry_ons()
    assert "was NOT carried out" in carry_on.note


async def says(counter: Counter) -> None:
    async with counter.store.write() as tx:
        await tx.inbox.add("i2", LATER, conversation_id=THREAD.id, partition=THREAD.id)


async def test_p6_words_that_wait_when_the_call_is_to_be_made_void_it(counter: Counter) -> None:
    queued = await approved(counter)
    await says(counter)
    await counter.carries_out(queued)
    await was_not_made(counter, "Somebody has written in the conversation")


async def test_p6_words_that_were_read_before_the_call_void_it_too(counter: Counter) -> None:
    queued = await approved(counter)
    await says(counter)
    async with counter.store.write() as tx:  # a turn about them
        await overtake_call(tx, THREAD.id)
        await tx.inbox.mark_handled(["i2"])
    await counter.carries_out(queued)
    await was_not_made(counter, "Somebody has written in the conversation")


@pytest.mark.parametrize("is_edit", [True, False])
async def test_p6_a_question_that_is_changed_after_the_press_voids_the_call(counter: Counter, is_edit: bool) -> None:
    queued = await approved(counter)
    changes = Changes(counter.cases, lambda: NOW, sortable_id)
    async with counter.store.write() as tx:
        await tx.inbox.mark_handled(["i1"])
        asked = await tx.inbox.get("i1")
        assert asked is not None
        assert isinstance(asked.incoming, MessageReceived)
        old, ts = asked.incoming, asked.incoming.ts
        if is_edit:
            edit = MessageEdited(THREAD, ts, old.user_id, "I found it, thanks", "EvEdit", f"{NOW + 9:.6f}")
            assert await changes.edit(tx, asked, old, edit)
        else:
            assert await changes.delete(tx, asked, old, MessageDeleted(THREAD, ts, "EvGone"))
    await counter.carries_out(queued)
    await was_not_made(counter, "or changed what they wrote")


async def test_p6_a_conversation_that_changed_hands_and_came_back_voids_the_call(counter: Counter) -> None:
    queued = await approved(counter)
    async with counter.store.write() as tx:
        await tx.conversations.set_owner(THREAD.id, Standing.HUMAN, "U0SAM")
        await tx.conversations.set_owner(THREAD.id, Standing.BOT, None)
    await counter.carries_out(queued)
    await was_not_made(counter, "has changed hands")


async def test_words_that_come_while_the_call_is_under_way_are_too_late(counter: Counter) -> None:
    queued = await begun(counter)
    await says(counter)
    async with counter.store.write() as tx:
        await overtake_call(tx, THREAD.id)
    await counter.carries_out(queued)
    assert await counter.refunded() == ["250.00"]


async def test_p11_after_a_crash_in_the_middle_nobody_says_that_it_was_not_done(counter: Counter) -> None:
    queued = await begun(counter)
    other = counter.with_policy('[[gate]]\ntool = "issue_refund"\nwhy = "Every refund needs a person now."')
    await other.carries_out(queued)
    told = await counter.under_card()
    assert "it is not certain* whether it was carried out" in told
    assert "not carried out*:" not in told
    [carry_on] = await counter.carry_ons()
    assert "not known whether it was carried out" in carry_on.note


async def test_p11_a_back_end_that_does_not_answer_leaves_it_open_what_was_done(counter: Counter) -> None:
    async def run(call: object, context: ToolContext) -> ToolOutput:
        raise OutcomeUnknownError("The billing system does not answer.")

    queued = await approved(counter)
    counter.forms.run = run  # type: ignore[method-assign]  # the outage
    await counter.carries_out(queued)
    assert "it is not certain* whether it was carried out: The billing system" in await counter.under_card()


async def test_a_run_that_was_stopped_can_ask_for_nothing_any_more(counter: Counter) -> None:
    await counter.wants(refund(30))
    async with counter.store.write() as tx:
        assert await tx.runs.request_stop(THREAD.id, StopWhy.DELETED)
    [_, late] = await counter.wants(refund(30), LARGE)
    assert late.is_error
    assert "taken back" in str(late.content)
    request = EscalationRequest("wants money", "She wants $250 back.", Team.BILLING, "We refund $250.")
    with pytest.raises(ToolError, match="taken back"):
        await counter.cases.escalate(request, ToolContext(ANA, THREAD.id, "run-1", "tu_2", 1))
    assert await counter.cards() == 0
