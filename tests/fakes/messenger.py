"""A Messenger that works in memory: what was delivered is there to be read, and it can be told to fail."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.effects import Outgoing, Progress, Receipt, Remove, SetSession, SuggestPrompts, Whisper
from bot.domain.errors import TransientError
from bot.ports.clock import Clock, system_clock
from bot.ports.slack import LiveState, StillOurs, Target


@dataclass(frozen=True, slots=True)
class Posted:
    """One message as it stands in the fake Slack."""

    key: str
    outgoing: Outgoing
    receipt: Receipt
    at: float
    under: Receipt | None


class FakeMessenger:
    """ports.slack.Messenger without Slack."""

    def __init__(self, clock: Clock = system_clock) -> None:
        self._clock = clock
        self._script: dict[str, list[Exception]] = defaultdict(list)
        self._landing: set[str] = set()
        self._gates: dict[str, asyncio.Event] = {}
        self._posts = 0
        self._news = asyncio.Event()
        self.messages: dict[str, Posted] = {}
        """Messages that stand, by the receipt's ts."""
        self.delivered: list[str] = []
        """Keys of effects that took place, in order; an effect that took place twice is here twice."""
        self.attempted: list[str] = []
        self.searched: list[str] = []
        self.progressed: list[tuple[Receipt, Progress]] = []
        self.running = 0
        self.most_running = 0

    def fail(self, key: str, *errors: Exception) -> None:
        """The next attempts for this key fail so, without an effect."""
        self._script[key] += errors

    def lose_answer(self, key: str) -> None:
        """The next attempt takes place, but its answer is lost."""
        self._landing.add(key)
        self._script[key].append(TransientError("cut off", ambiguous=True))

    def hold(self, key: str) -> asyncio.Event:
        """Attempts for this key wait until the returned event is set."""
        return self._gates.setdefault(key, asyncio.Event())

    def release(self, key: str) -> None:
        """Attempts for this key wait no more."""
        self._gates.pop(key).set()

    async def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Wait for something to become true of what was attempted or delivered."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def deliver(self, outgoing: Outgoing, target: Target) -> Receipt | None:
        key = outgoing.key
        self.attempted.append(key)
        self._news.set()
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            if key in self._gates:
                await self._gates[key].wait()
            if not self._script[key]:
                return self._apply(outgoing, target)
            error = self._script[key].pop(0)
            if key in self._landing:
                self._landing.discard(key)
                self._apply(outgoing, target)
            raise error
        finally:
            self.running -= 1

    async def find(self, outgoing: Outgoing, target: Target, *, since: float) -> Receipt | None:
        self.searched.append(outgoing.key)
        return next((m.receipt for m in self.messages.values() if m.key == outgoing.key and m.at >= since), None)

    async def progress(self, receipt: Receipt, progress: Progress, still_ours: StillOurs | None = None) -> LiveState:
        self.progressed.append((receipt, progress))
        return LiveState(receipt)

    def texts(self, channel_id: str) -> list[str]:
        """What a person reads in a channel, oldest first."""
        shown = [m for m in self.messages.values() if m.receipt.channel_id == channel_id]
        return [_text(m.outgoing) for m in shown]

    def _apply(self, outgoing: Outgoing, target: Target) -> Receipt | None:
        self.delivered.append(outgoing.key)
        self._news.set()
        if isinstance(outgoing.effect, Remove):
            if target.edit:
                self.messages.pop(target.edit.ts, None)
            return None
        if isinstance(outgoing.effect, Whisper | SetSession | SuggestPrompts):
            return None
        receipt = target.edit or self._new_receipt(outgoing)
        self.messages[receipt.ts] = Posted(outgoing.key, outgoing, receipt, self._clock(), target.under)
        return receipt

    def _new_receipt(self, outgoing: Outgoing) -> Receipt:
        self._posts += 1
        return Receipt(outgoing.effect.place.channel_id, f"1800000000.{self._posts:06d}")


def _text(outgoing: Outgoing) -> str:
    answer = getattr(outgoing.effect, "answer", None)
    return str(answer.text) if answer else str(getattr(outgoing.effect, "text", ""))
