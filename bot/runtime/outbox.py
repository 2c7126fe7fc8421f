"""Delivers the outbox: each effect visible once, in order per lane, many lanes side by side."""

import asyncio
import heapq
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.domain.effects import Outgoing, Receipt, Remove
from bot.domain.errors import (
    DeskhandError,
    LockedOutError,
    OvertakenError,
    PermanentError,
    TransientError,
    WorkspaceLeftError,
)
from bot.ports.clock import Clock
from bot.ports.outbox import Delivery, Intent, OutboxQueue, Reference, Referred
from bot.ports.slack import Messenger, Target
from bot.runtime import patience
from bot.runtime.background import Background
from bot.runtime.pace import Pace

logger = logging.getLogger(__name__)

_SETTLE_SECONDS = 10.0
"""A request cut off on our side may still take effect on Slack's for about so long; only then it is looked for."""
_CLOCK_SKEW_SECONDS = 5.0
"""How far Slack's clock may be behind ours when an interrupted message is looked for."""
_REFERENCE_SECONDS = 0.5
"""How soon a row is looked at again whose `edits` or `under` is still on its way in another lane."""
_MOMENT = 0.05
"""Rows that come due so close together are looked for at once."""
_TELL_SECONDS = 60.0
"""Between two warnings of the same kind."""
_REFERENCE_PATIENCE = 3600.0
"""After so long the row goes without the message it refers to."""


Unsent = Callable[[Outgoing, str], Awaitable[None]]
"""Told what will never be sent, and why; an empty reason means that the conversation changed hands."""


class OutboxWorker:
    """Takes rows that are due and hands them to the messenger.

    Before each call the intent is committed, after it the receipt. A row found with an intent and no receipt (a crash,
    a timeout) may have been delivered: it is looked for in Slack first and sent again only when it is not there.
    """

    def __init__(  # noqa: PLR0913 - whom it works with, and the few numbers tests change
        self,
        queue: OutboxQueue,
        messenger: Messenger,
        clock: Clock,
        *,
        parallel: int = 16,
        poll_seconds: float = 1.0,
        settle_seconds: float = _SETTLE_SECONDS,
        unsent: Unsent | None = None,
        pace: Pace | None = None,
        may_act: Callable[[], bool] = lambda: True,
    ) -> None:
        """`may_act` is False while other replicas may believe this one dead: nothing is sent then."""
        self._queue = queue
        self._messenger = messenger
        self._clock = clock
        self._parallel = parallel
        self._poll_seconds = poll_seconds
        self._settle_seconds = settle_seconds
        self._unsent = unsent
        self._pace = pace
        self._may_act = may_act
        self._task = Background("outbox")
        self._busy: set[str] = set()
        self._news = asyncio.Event()
        self._freed = asyncio.Event()
        self._wakes = 0
        self._alarms: list[float] = []
        """When postponed rows come due, so that they need not wait for the next poll."""
        self._told_locked_out = 0.0
        self._closing = False
        self.ambiguous = 0
        """Effects of which it could not be found out whether they are visible, since this process began."""

    def wake(self) -> None:
        """Rows were added: look at once instead of at the next poll."""
        self._wakes += 1
        self._news.set()

    async def start(self) -> None:
        """Begin to deliver, first what an earlier process left."""
        self._closing = False
        self._task.start(self._run())

    async def flush(self, seconds: float) -> bool:
        """Wait until nothing is due any more, at most so long; whether it came to that."""
        try:
            async with asyncio.timeout(seconds):
                self._freed.clear()
                while self._busy or await self._queue.due_lanes(self._clock(), busy=(), limit=1):
                    self.wake()
                    await self._freed.wait()
                    self._freed.clear()
        except TimeoutError:
            return False
        except Exception:  # the database may be away; what is due then is for the next start
            logger.exception("outbox.not_flushed")
            return False
        return True

    async def close(self, *, grace: float = 2.0) -> None:
        """Take nothing more and let calls under way end, at most `grace` seconds; the rest is for the next start."""
        self._closing = True
        self._news.set()
        await self._task.close(grace=grace)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as lanes:
            while not self._closing:
                self._news.clear()
                await self._take(lanes)
                await self._rest()

    async def _take(self, lanes: asyncio.TaskGroup) -> None:
        room = self._parallel - len(self._busy)
        if room <= 0 or not self._may_act():
            return
        try:
            due = await self._queue.due_lanes(self._clock(), busy=tuple(self._busy), limit=room)
        except Exception:  # whatever the database suffers from, the worker must outlive it
            logger.exception("outbox.unreadable", extra={"fields": {}})
            return
        for lane in due:
            self._busy.add(lane)
            lanes.create_task(self._work(lane), name=f"outbox {lane}")

    async def _rest(self) -> None:
        now, seconds = self._clock(), self._poll_seconds
        while self._alarms and self._alarms[0] <= now:
            heapq.heappop(self._alarms)
        if self._alarms:
            seconds = min(seconds, max(self._alarms[0] - now, _MOMENT))
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            pass

    async def _work(self, lane: str) -> None:
        """Deliver a lane's rows one after another until none is due."""
        try:
            while not self._closing:
                wakes = self._wakes
                delivery = await self._queue.head(lane, self._clock())
                if delivery is not None:
                    await self._attempt(delivery)
                elif wakes == self._wakes:
                    return
        except Exception:  # one lane's trouble must not stop the others; the row is found again at the next poll
            logger.exception("outbox.lane_failed", extra={"fields": {"lane": lane}})
        finally:
            if len(self._busy) >= self._parallel:
                self._news.set()
            self._busy.discard(lane)
            self._freed.set()

    async def _attempt(self, delivery: Delivery) -> None:
        target = Target(_receipt(delivery.edits), _receipt(delivery.under), is_repeat=delivery.attempts > 0)
        if self._must_wait(delivery):
            await self._postpone(delivery, _REFERENCE_SECONDS, unknown=delivery.intent_at is not None)
        elif isinstance(delivery.outgoing.effect, Remove) and target.edit is None:
            await self._queue.drop(delivery, at=self._clock(), error="NothingToRemove")
        elif delivery.intent_at is None or not patience.is_searchable(delivery.outgoing.effect):
            await self._send(delivery, target)
        elif 0 < (wait := delivery.intent_at + self._settle_seconds - self._clock()) <= self._settle_seconds:
            await self._postpone(delivery, wait, unknown=True)
        elif not await self._adopt(delivery, target, delivery.intent_at):
            await self._send(delivery, target)

    def _must_wait(self, delivery: Delivery) -> bool:
        pending = any(one and one.state is Referred.PENDING for one in (delivery.edits, delivery.under))
        return pending and self._clock() - delivery.created_at < _REFERENCE_PATIENCE

    async def _adopt(self, delivery: Delivery, target: Target, intent_at: float) -> bool:
        """Look for what an interrupted attempt left behind; True when the row is settled for now."""
        since = min(intent_at, delivery.created_at, self._clock()) - _CLOCK_SKEW_SECONDS
        try:
            receipt = await self._messenger.find(delivery.outgoing, target, since=since)
        except (TransientError, LockedOutError) as error:
            await self._search_again(delivery, error, intent_at)
            return True
        except PermanentError as error:
            self._doubt(delivery, error)
            return False
        if receipt is None:
            return False
        logger.info("outbox.adopted", extra={"fields": _fields(delivery)})
        await self._queue.delivered(delivery.outgoing.key, receipt, at=self._clock())
        return True

    async def _search_again(self, delivery: Delivery, error: Exception, intent_at: float) -> None:
        """Nothing may be sent before it is known what became of the last attempt."""
        now = self._clock()
        if patience.is_over(delivery, error, delivery.attempts, now):
            self._doubt(delivery, error)
            await self._give_up(delivery, error)
            return
        seconds = max(patience.search_pause(now - intent_at, error), self._settle_seconds)
        logger.info("outbox.search_again", extra={"fields": {**_fields(delivery, error), "seconds": seconds}})
        await self._postpone(delivery, seconds, unknown=True, error=type(error).__name__)

    def _doubt(self, delivery: Delivery, error: Exception) -> None:
        """Nobody will ever know whether the last attempt is visible: counted, and told to operators."""
        self.ambiguous += 1
        logger.error("outbox.ambiguous", extra={"fields": {**_fields(delivery, error), "total": self.ambiguous}})

    async def _send(self, delivery: Delivery, target: Target) -> None:
        outgoing, now = delivery.outgoing, self._clock()
        tolls = self._pace.opening(outgoing, target) if self._pace else ()
        most, droppable = patience.most_wait(outgoing.effect)
        intent = await self._queue.intend(delivery, at=now, tolls=tolls, most_wait=most, droppable=droppable)
        if intent is Intent.WAITS:
            self._alarm(await self._queue.due_at(outgoing.lane))
        elif intent is not Intent.GRANTED:
            logger.info("outbox.not_sent", extra={"fields": {**_fields(delivery), "intent": intent.value}})
            if intent is Intent.VOIDED:
                await self._tell(delivery, "")
        else:
            begun = replace(delivery, attempts=delivery.attempts + 1, intent_at=now)
            if not await self._queue.is_current(outgoing):  # taken over while the intent was being committed
                await self._queue.drop(begun, at=self._clock(), error="TakenOver")
                await self._tell(begun, "")
            elif self._may_act():  # otherwise another replica finds the intent, looks and sends
                if self._pace:
                    self._pace.paid(tolls)
                await self._deliver(begun, target)

    async def _deliver(self, delivery: Delivery, target: Target) -> None:
        outgoing = delivery.outgoing
        if outgoing.epoch is not None:
            target = replace(target, still_ours=lambda: self._queue.is_current(outgoing))
        try:
            receipt = await self._messenger.deliver(outgoing, target)
        except OvertakenError:  # between two calls of one effect
            logger.info("outbox.not_sent", extra={"fields": {**_fields(delivery), "intent": "overtaken"}})
            await self._queue.drop(delivery, at=self._clock(), error="TakenOver")
            await self._tell(delivery, "")
        except TransientError as error:
            await self._again(delivery, error, unknown=error.ambiguous)
        except LockedOutError as error:
            self._locked_out(error)
            await self._again(delivery, error, unknown=False)
        except PermanentError as error:
            await self._give_up(delivery, error)
        except Exception as error:  # a fault of ours: the effect may be out, and must not stop the lane
            logger.exception("outbox.fault", extra={"fields": _fields(delivery, error)})
            await self._again(delivery, error, unknown=True)
        else:
            await self._queue.delivered(delivery.outgoing.key, receipt, at=self._clock())

    def _locked_out(self, error: LockedOutError) -> None:
        """Told once a minute, however many rows wait for a new token."""
        if not 0 <= self._clock() - self._told_locked_out < _TELL_SECONDS:
            self._told_locked_out = self._clock()
            logger.critical("outbox.locked_out", extra={"fields": {"error": str(error)}})

    async def _again(self, delivery: Delivery, error: Exception, *, unknown: bool) -> None:
        if patience.is_over(delivery, error, delivery.attempts, self._clock()):
            if unknown:
                self._doubt(delivery, error)
            await self._give_up(delivery, error)
            return
        seconds = patience.pause(delivery.attempts, error)
        if unknown:
            seconds = max(seconds, self._settle_seconds)
        logger.info("outbox.retry", extra={"fields": {**_fields(delivery, error), "seconds": seconds}})
        await self._postpone(delivery, seconds, unknown=unknown, error=type(error).__name__)

    async def _give_up(self, delivery: Delivery, error: Exception) -> None:
        level = logging.INFO if isinstance(error, WorkspaceLeftError) else logging.ERROR
        logger.log(level, "outbox.failed", extra={"fields": _fields(delivery, error)})
        await self._queue.fail(delivery, at=self._clock(), error=type(error).__name__)
        await self._tell(delivery, str(error) if isinstance(error, DeskhandError) else type(error).__name__)

    async def _tell(self, delivery: Delivery, why: str) -> None:
        """Let the desk deal with what was not sent; its failure must not stop the lane."""
        if self._unsent is None:
            return
        try:
            await self._unsent(delivery.outgoing, why)
        except Exception:  # the row is closed already; nothing can be repeated here
            logger.exception("outbox.unsent_not_handled", extra={"fields": _fields(delivery)})

    async def _postpone(self, delivery: Delivery, seconds: float, *, unknown: bool, error: str = "") -> None:
        until = self._clock() + seconds
        await self._queue.postpone(delivery, until=until, unknown=unknown, error=error)
        self._alarm(until)

    def _alarm(self, at: float | None) -> None:
        if at is not None:
            heapq.heappush(self._alarms, at)


def _receipt(reference: Reference | None) -> Receipt | None:
    return reference.receipt if reference else None


def _fields(delivery: Delivery, error: Exception | None = None) -> dict[str, object]:
    fields: dict[str, object] = {"key": delivery.outgoing.key, "kind": delivery.outgoing.effect.kind}
    return {**fields, "error": type(error).__name__, "attempts": delivery.attempts} if error else fields
