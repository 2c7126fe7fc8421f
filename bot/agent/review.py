"""What is made of an answer before it is sent: promises first, by patterns; then the judge; one more try for the model.

An answer that claims what the tools did not do goes back to the model once, inside the same run, with a note that says
what is wrong. If the next one is no better, it is not sent either: people get it as a proposal.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.agent.calls import Purse
from bot.agent.claims import Claim, claims_in
from bot.agent.confidence import Case, Judge, Judgement
from bot.agent.inside import objection_to_inside, told_inside
from bot.agent.loop import RunResult
from bot.agent.own_language import is_foreign, objection_to_language
from bot.agent.promises import Deeds, deeds_of, in_words, objection, objection_of_judge
from bot.agent.toolbox import Evidence
from bot.domain.language import SURE
from bot.domain.trace import Action, TraceEvent
from bot.ports.clock import Clock
from bot.ports.store import Store

EARLIER = 200
"""Lines of the transcript that may tell what was done."""
SENT_BACK = "sent_back"
"""In journal and traces: an answer that the model had to write again."""


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Opens reviews; one for all runs of a workspace."""

    judge: Judge
    store: Store
    clock: Clock

    def of(self, case: Case, purse: Purse, threshold: float) -> "Review":
        """The review of one run's answers."""
        return Review(self, case, purse, threshold)


class Review:
    """Weighs the answers of one run, at most two."""

    def __init__(self, reviewer: Reviewer, case: Case, purse: Purse, threshold: float) -> None:
        self._judge, self._store, self._clock = reviewer.judge, reviewer.store, reviewer.clock
        self._case = case
        self._purse = purse
        self._threshold = threshold
        self._sent_back = False
        self._weighed: dict[str, Judgement] = {}
        self._found: dict[str, tuple[Claim, ...]] = {}

    async def objection(self, result: RunResult) -> str:
        """What the model is told about its first answer; empty when that may stand. The same after a crash."""
        run_id = self._purse.account.run_id
        async with self._store.read() as tx:
            journaled = await tx.runs.recall(run_id, SENT_BACK)
        text = journaled if journaled is not None else await self._objection(result)
        if not text:
            return ""
        self._sent_back = True
        self._weighed.clear()
        self._found.clear()
        if journaled is None:
            event = TraceEvent(
                self._purse.account.conversation_id, run_id, result.steps, Action.DECISION, SENT_BACK, self._clock(),
                given=result.text, got=text, ok=False,
            )  # fmt: skip
            async with self._store.write() as tx:
                await tx.runs.record(run_id, SENT_BACK, text)
                await tx.traces.add(event)
        return text

    async def weigh(self, result: RunResult) -> Judgement:
        """Whether an answer may be sent; each text is weighed once."""
        if result.text not in self._weighed:
            self._weighed[result.text] = await self._weigh(result)
        return self._weighed[result.text]

    async def keeps_promises(self, text: str, evidence: Iterable[Evidence]) -> bool:
        """Whether a text claims nothing that was not done, by patterns alone."""
        return not await self._broken(text, evidence)

    async def _objection(self, result: RunResult) -> str:
        claims = await self._broken(result.text, result.evidence)
        if claims:
            return objection(claims)
        if what := told_inside(result.text, self._case):
            return objection_to_inside(what)
        if is_foreign(result.text, self._case):
            return objection_to_language(self._case)
        judgement = await self.weigh(result)
        return "" if judgement.keeps_promises else objection_of_judge(judgement.reason)

    async def _weigh(self, result: RunResult) -> Judgement:
        claims = await self._broken(result.text, result.evidence)
        if claims:
            why = f"It claims what no tool did: {in_words(claims)}."
            return Judgement(passed=False, confidence=None, reason=why, keeps_promises=False)
        if self._sent_back and (what := told_inside(result.text, self._case)):
            return Judgement(passed=False, confidence=None, reason=f"It tells {what}.")
        if self._sent_back and is_foreign(result.text, self._case, SURE):
            return Judgement(passed=False, confidence=None, reason="It is not in the customer's language.")
        name = "judge2" if self._sent_back else "judge"
        judgement = await self._judge.weigh(self._case, result, self._purse, self._threshold, name=name)
        if self._sent_back and judgement.confidence is None:  # sources tell nothing of what was wrong before
            why = f"It had to be written again, and {judgement.reason.partition(';')[0]}."
            return replace(judgement, passed=False, reason=why)
        return judgement

    async def _broken(self, text: str, evidence: Iterable[Evidence]) -> tuple[Claim, ...]:
        """The claims nothing stands behind; what was done before is looked up only when something is claimed.

        Looked for beside the event loop: a long text takes a second.
        """
        if text not in self._found:
            claims = await asyncio.to_thread(claims_in, text)
            deeds = await self._deeds(evidence) if claims else None
            self._found[text] = tuple(claim for claim in claims if deeds is None or not deeds.cover(claim))
        return self._found[text]

    async def _deeds(self, evidence: Iterable[Evidence]) -> Deeds:
        conversation_id = self._purse.account.conversation_id
        async with self._store.read() as tx:
            lines = await tx.conversations.lines(conversation_id, EARLIER)
            case = await tx.escalations.live(conversation_id)
        is_open = case is not None
        return await asyncio.to_thread(deeds_of, evidence, earlier=lines, notes=self._case.notes, case_is_open=is_open)
