"""The old case does not come back after a hand-back, whatever the model says; the agent is told once what happened."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from bot.agent.calls import ModelCalls, Purse
from bot.agent.human_part import HumanPart
from bot.desk.handed_back import Briefing, turned_down, why_not_again
from bot.domain.answer import Outcome
from bot.domain.budget import Account, Limit, Scope
from bot.domain.conversation import Line, Speaker
from bot.domain.handover import Handback
from bot.ports.store import Run
from bot.store.store import SqlStore
from tests.contract.store_kit import NOW, THREAD, carry_on, conversation, message, open_store
from tests.fakes.agents import always
from tests.fakes.models import FlatPrices, ScriptedModel, says

REASON = "The customer disputes a charge of ten dollars."
LONG = "I have refunded the second charge, it takes five days. " * 20


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with open_store(f"sqlite:///{tmp_path}/desk.db") as opened:
        async with opened.write() as tx:
            await tx.conversations.open(conversation())
            await tx.inbox.add("asked", message(), conversation_id=THREAD.id, partition=THREAD.id)
            await tx.inbox.add("told", carry_on(), conversation_id=THREAD.id, partition=THREAD.id)
            for run_id, cause in (("R-asked", "asked"), ("R-told", "told")):
                await tx.runs.begin(Run(run_id, THREAD.id, (cause,), "U1", 1, None, NOW))
                await tx.runs.finish(run_id, Outcome.ANSWERED)  # so that two may stand side by side
        yield opened


async def hand_back(store: SqlStore) -> None:
    async with store.write() as tx:
        await tx.handbacks.add(Handback(THREAD.id, 1, "U9", "Sam", REASON, NOW - 60, NOW, "Refunded it"))


async def refusal(store: SqlStore, run_id: str, reason: str) -> str | None:
    async with store.write() as tx:
        found = await why_not_again(tx, THREAD.id, run_id, reason)
        if found is not None:
            await turned_down(tx, run_id)
        return found


async def test_without_a_hand_back_a_case_may_be_opened(store: SqlStore) -> None:
    assert await refusal(store, "R-told", REASON) is None


async def test_without_a_new_message_no_reason_opens_a_case_again(store: SqlStore) -> None:
    await hand_back(store)
    for reason in (REASON, REASON, "Something else entirely happened."):
        told = await refusal(store, "R-told", reason)
        assert told is not None
        assert "Refunded it" in told


async def test_with_a_new_message_the_old_reason_is_turned_down_once_and_a_new_one_is_not(store: SqlStore) -> None:
    await hand_back(store)
    assert await refusal(store, "R-asked", "The export of the board fails.") is None
    told = await refusal(store, "R-asked", REASON.upper())
    assert told is not None
    assert "say in `reason` what is new" in told
    assert await refusal(store, "R-asked", REASON) is None, "the customer may insist"


def purse(usd: str) -> Purse:
    limits = always(Limit(Scope.CONVERSATION, THREAD.id, Decimal(usd)))
    return Purse(Account("T1", "C1", "U1", THREAD.id, "R-asked"), limits, 1_000_000)


@pytest.mark.parametrize(
    ("words", "usd", "told"),
    [
        (LONG, "10", "Sam refunded it; it takes five days."),
        (LONG, "0", "it takes five days."),
        ("Refunded!", "10", "colleague Sam: “Refunded!”"),
    ],
    ids=["by the helper", "without money", "few words"],
)
async def test_the_agent_reads_once_what_the_person_did(store: SqlStore, words: str, usd: str, told: str) -> None:
    model = ScriptedModel(summary="Sam refunded it; it takes five days.", script=[says("-")])
    briefing = Briefing(store, HumanPart(ModelCalls(model, FlatPrices(), store, lambda: NOW), "helper"), lambda: NOW)
    async with store.write() as tx:
        await tx.conversations.add_lines(
            THREAD.id,
            Line(Speaker.CUSTOMER, "Ana", "before", NOW - 90),
            Line(Speaker.PERSON, "Sam", words, NOW - 30),
            Line(Speaker.CUSTOMER, "Ana", "thanks", NOW - 20),
        )
    await hand_back(store)
    run = Run("R-asked", THREAD.id, ("asked",), "U1", 1, None, NOW)
    for _ in range(2):
        await briefing.give(run, purse(usd))
    async with store.read() as tx:
        notes = [line.text for line in await tx.conversations.lines(THREAD.id, 9) if line.speaker is Speaker.NOTE]
    assert len(notes) == 1
    assert notes[0].startswith("While Sam was in charge of the conversation: ")
    assert told in notes[0]
    assert "before" not in notes[0]
    assert len(model.asked) == (1 if words is LONG and usd == "10" else 0)
