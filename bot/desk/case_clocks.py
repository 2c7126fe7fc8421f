"""The timers of a case, set and taken away as its row changes, and what can be said of them.

While a case is open a timer stands at the next stage of the way it takes. From a take-over on another one watches the
owner: it is only a reason to look, for whether a customer waits is read from the transcript when it goes off.
"""

from collections.abc import Mapping, Sequence

from bot.domain.case_due import CaseDue, Due
from bot.domain.conversation import Line, Speaker
from bot.domain.escalation import Deadline, Escalation, State
from bot.domain.hours import words_of_moment
from bot.domain.service import Service
from bot.ports.clock import Clock
from bot.ports.store import Transaction

_BY_ANSWERING = 60.0
"""Who answers takes over: such words may be written down a little before."""

_PAGER_WAITS = (5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds until a pager that was away is told again; the last one from then on."""


def nobody_key(escalation_id: str) -> str:
    """Outbox key of the message that tells a customer, once, that nobody has answered yet."""
    return f"nobody:{escalation_id}"


def backup_key(escalation_id: str) -> str:
    """Outbox key of what the backup channel is told."""
    return f"backup:{escalation_id}"


class CaseClocks:
    """Keeps timers true to the row, inside the caller's transaction."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self.service = service
        self._clock = clock

    async def follow(self, tx: Transaction, case: Escalation) -> None:
        """A case is new, or its row has changed: set what it waits for now, forget what it waits for no more."""
        if case.state is State.OPEN:
            if await tx.timers.due_at(_key(case, Due.ANSWER)) is None:
                await self.next_stage(tx, case, self.service.reached(case, self._clock()))
            return
        await tx.timers.cancel(_key(case, Due.ANSWER))
        if await tx.outbox.known([backup_key(case.id)]):
            await self._set(tx, case, Due.ALL_CLEAR, self._clock())
        if case.state is State.CLAIMED:
            await self.customer_waits(tx, case)
        else:
            await tx.timers.cancel(_key(case, Due.OWNER))

    async def amended(self, tx: Transaction, older: Escalation, case: Escalation) -> None:
        """What was found since may be more urgent: what is overdue by now happens at once."""
        if self.service.first_answer(older) != self.service.first_answer(case):
            await self._set(tx, case, Due.ANSWER, self._clock())

    async def customer_waits(self, tx: Transaction, case: Escalation) -> None:
        """The owner has something to answer, perhaps."""
        if case.state is State.CLAIMED and await tx.timers.due_at(_key(case, Due.OWNER)) is None:
            await self.look_at_owner(tx, case, self.service.hours.add(self._clock(), self.service.quiet_owner))

    async def next_stage(self, tx: Transaction, case: Escalation, stage: int) -> None:
        """Wait for a stage of the way a case takes while nobody answers; for nothing after the last."""
        due_at = self.service.stage_at(case, stage)
        if due_at is not None:
            await self._set(tx, case, Due.ANSWER, due_at, stage)

    async def look_at_owner(self, tx: Transaction, case: Escalation, at: float) -> None:
        """Look at a moment whether the owner has answered."""
        await self._set(tx, case, Due.OWNER, at)

    async def alert(self, tx: Transaction, case: Escalation) -> None:
        """Let the pager wake somebody, as soon as possible."""
        await self._set(tx, case, Due.ALERT, self._clock())

    async def tell_again(self, tx: Transaction, case: Escalation, due: CaseDue) -> None:
        """The pager is away: tell it later, less and less often. No worker waits for it meanwhile."""
        wait = _PAGER_WAITS[min(due.stage, len(_PAGER_WAITS) - 1)]
        await self._set(tx, case, due.what, self._clock() + wait, due.stage + 1, again=f":{due.stage + 1}")

    def deadline(self, case: Escalation) -> Deadline | None:
        """How a case that waits for a first answer stands; None for others."""
        return self.service.deadline(case, self._clock()) if case.state is State.OPEN else None

    async def outlook(
        self, tx: Transaction, channel: str, sentences: Mapping[str, str], *, since: float | None = None
    ) -> str:
        """What is true now for a customer who is passed on to people: hours and position; empty when there is nothing
        to say. `channel`: where the case is, or will be, put; `since`: when it was opened."""
        now, hours = self._clock(), self.service.hours
        before = now if since is None else since
        said: list[str] = []
        if not hours.is_open(now):
            when = words_of_moment(hours, hours.opens_after(now), now=now, words=sentences)
            said.append(sentences["closed_until"].format(when=when))
        ahead = (
            await tx.escalations.count_open(staff_channel=channel, before=before) if self.service.tells_position else 0
        )
        if ahead:
            said.append(sentences["one_ahead" if ahead == 1 else "some_ahead"].format(count=ahead))
        return " ".join(said)

    async def _set(
        self, tx: Transaction, case: Escalation, what: Due, at: float, stage: int = 0, *, again: str = ""
    ) -> None:
        team = case.conversation_id.split(":")[0]
        lane = "alert" if what in (Due.ALERT, Due.ALL_CLEAR) else "clock"
        await tx.timers.set(
            _key(case, what) + again,
            CaseDue(case.id, team, what, stage),
            due_at=at,
            partition=f"{lane}:{case.id}",
            conversation_id=case.conversation_id,
        )


def waits_since(case: Escalation, lines: Sequence[Line]) -> float | None:
    """Since when a customer waits for the owner: their first line after the last of a person, or the take-over itself
    when nobody has written since. None when it is the customer's turn."""
    taken = case.decided_at or 0.0
    waiting: float | None = taken
    for line in lines:
        if line.speaker is Speaker.PERSON and line.at >= taken - _BY_ANSWERING:
            waiting = None
        elif line.at < taken:
            continue
        elif line.speaker is Speaker.CUSTOMER and waiting is None:
            waiting = line.at
    return waiting


def _key(case: Escalation, what: Due) -> str:
    return f"case:{case.id}:{what}"
