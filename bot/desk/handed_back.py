"""What the agent makes of a conversation that came back: it knows what the person did, and lets the old case rest.

A hand-back begins an owner epoch. In it, a run that no new customer message brought about may not ask for a person
again, whatever the model gives as its reason; in any other, the old reason is turned down once, with what was done
about it. Nothing else could end the round of handing over and back with a model that always hands over.
"""

import re

from bot.agent.calls import Purse
from bot.agent.human_part import HumanPart, Words
from bot.domain.conversation import RETOLD, Line, Speaker
from bot.domain.handover import Handback
from bot.domain.incoming import MessageReceived
from bot.ports.clock import Clock
from bot.ports.store import Run, Store, Transaction

PART_LINES = 200
"""Of the transcript, among which the human part is."""
_TURNED_DOWN = "handed_back_case"
"""Journal name under which a run remembers that it wished for the old case again."""
_SAME = 0.6
"""Of the words of two reasons; from there on they count as one."""
_WORD = re.compile(r"\w{3,}")


def note_of(back: Handback) -> str:
    """What the transcript says about a hand-back; for the model's eyes."""
    did = f" What was done: {back.done}" if back.done else ""
    asked = f" What you are asked to do next: {back.next_step}" if back.next_step else ""
    case = f" The case it was handed over for is settled ({back.reason})" if back.reason else " The case is settled"
    return f"{back.name} handed the conversation back.{did}{asked}{case}: do not hand over again for it."


async def why_not_again(tx: Transaction, conversation_id: str, run_id: str, reason: str) -> str | None:
    """None when a run may put a case before people; else what the model is told instead."""
    run = await tx.runs.get(run_id)
    back = await tx.handbacks.of_epoch(conversation_id, run.epoch) if run else None
    if run is None or back is None:
        return None
    did = f" What was done: {back.done}" if back.done else ""
    rest = f"{back.name} has dealt with this and handed the conversation back to you.{did}"
    if not await _is_asked_anew(tx, run):
        return (
            f"{rest} Do not hand over again: do now what you can. If something remains that only a person can do, tell "
            "the customer honestly what it is, and that they can ask for a person at any time."
        )
    if await tx.runs.recall(run_id, _TURNED_DOWN) or not is_same(reason, back.reason):
        return None
    return (
        f"{rest} If the customer's new message needs a person all the same, call again and say in `reason` what is new."
    )


async def turned_down(tx: Transaction, run_id: str) -> None:
    """Remember that a run wished for the old case again."""
    if await tx.runs.recall(run_id, _TURNED_DOWN) is None:
        await tx.runs.record(run_id, _TURNED_DOWN, "1")


def is_same(reason: str, old: str) -> bool:
    """Whether two reasons for a case are about the same, as far as their words tell."""
    one, other = set(_WORD.findall(reason.lower())), set(_WORD.findall(old.lower()))
    if not one or not other:
        return reason.strip().lower() == old.strip().lower()
    return len(one & other) >= _SAME * min(len(one), len(other))


async def _is_asked_anew(tx: Transaction, run: Run) -> bool:
    rows = [await tx.inbox.get(inbox_id) for inbox_id in run.inbox_ids]
    return any(row is not None and isinstance(row.incoming, MessageReceived) for row in rows)


class Briefing:
    """Tells the agent, once per hand-back, what happened while a person was in charge."""

    def __init__(self, store: Store, human_part: HumanPart, clock: Clock) -> None:
        self._store = store
        self._human_part = human_part
        self._clock = clock

    async def give(self, run: Run, purse: Purse) -> None:
        """Write it into the transcript before the run reads that; nothing when it stands there already."""
        async with self._store.read() as tx:
            back = await tx.handbacks.of_epoch(run.conversation_id, run.epoch)
            lines = await tx.conversations.lines(run.conversation_id, PART_LINES) if back else []
        if back is None:
            return
        part = [line for line in lines if back.began_at <= line.at <= back.at]
        words = tuple(Words(line.name, line.text, is_customer=_is_customer(line)) for line in part if _is_said(line))
        if not any(not one.is_customer for one in words):
            return
        summary = await self._human_part.sum_up(words, purse)
        text = f"While {back.name} was in charge of the conversation: {summary}"
        async with self._store.write() as tx:
            if await tx.handbacks.claim_briefing(run.conversation_id, run.epoch):
                note = Line(Speaker.NOTE, RETOLD, text, self._clock())
                await tx.conversations.add_lines(run.conversation_id, note)


def _is_customer(line: Line) -> bool:
    return line.speaker is Speaker.CUSTOMER


def _is_said(line: Line) -> bool:
    return line.speaker in (Speaker.CUSTOMER, Speaker.PERSON)
