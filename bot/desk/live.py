"""The live line of a run: step, tool in words and cost, updated at most every few seconds; dropped rather than late."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.domain.money import show_usd
from bot.ports.slack import Messenger
from bot.ports.store import Run, Store

SECONDS_BETWEEN = 3.0
"""Slack's own advice for updates of one message."""


class LiveLine:
    """Shows progress of one run; holds only the newest."""

    def __init__(self, store: Store, messenger: Messenger, run: Run, max_steps: int) -> None:
        self._store = store
        self._messenger = messenger
        self._run = run
        self._max_steps = max_steps
        self._news: tuple[int, str] | None = None
        self._changed = asyncio.Event()

    def progress(self, step: int, words: str) -> None:
        """Remember what is being done now."""
        self._news = (step, words)
        self._changed.set()

    async def show_forever(self) -> None:
        """Show the newest state, then wait a little; ends by cancellation."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._show()
            await asyncio.sleep(SECONDS_BETWEEN)

    async def _show(self) -> None:
        if self._news is None or self._run.live_key is None:
            return
        step, words = self._news
        async with self._store.read() as tx:
            receipt = await tx.outbox.receipt(self._run.live_key)
            conversation = await tx.conversations.get(self._run.conversation_id)
            spend = await tx.ledger.spend(self._run.conversation_id)
        if receipt is None or conversation is None or conversation.epoch != self._run.epoch:
            return
        text = f"_{words}…_  ·  step {step}/{self._max_steps} · {show_usd(spend.usd)}"
        await self._messenger.progress(receipt, text)


@asynccontextmanager
async def live_line(line: LiveLine) -> AsyncIterator[LiveLine]:
    """Show progress while the body runs; nothing is shown after it ends."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(line.show_forever())
        try:
            yield line
        finally:
            task.cancel()
