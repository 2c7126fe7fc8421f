"""The live line of a run: step, tool in words and cost, updated at most every few seconds; dropped rather than late."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from bot.domain.effects import Receipt
from bot.domain.money import show_usd
from bot.ports.slack import Messenger
from bot.ports.store import Run, Store

logger = logging.getLogger(__name__)

FIRST_AFTER = 1.0
"""Seconds; a turn that ends sooner shows no progress at all and spares Slack an update."""
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
        self._over = asyncio.Event()
        self._closing = False
        self.is_certain = True
        """False when nobody knows whether Slack still carries out the last update: the line must not be built on."""

    def progress(self, step: int, words: str) -> None:
        """Remember what is being done now."""
        self._news = (step, words)
        self._changed.set()

    async def show_until_closed(self) -> None:
        """Show the newest state, then wait a little."""
        await self._pause(FIRST_AFTER)
        while not self._closing:
            await self._changed.wait()
            self._changed.clear()
            if not self._closing:
                await self._show()
                await self._pause(SECONDS_BETWEEN)

    def close(self) -> None:
        """Begin no further update."""
        self._closing = True
        self._changed.set()
        self._over.set()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), seconds)

    async def _show(self) -> None:
        """Show the newest state, unless somebody took over; a fault costs an update, never the run."""
        try:
            text, receipt = await self._news_and_place()
            if text and receipt and not self._closing:
                self.is_certain = await self._messenger.progress(receipt, text)
        except Exception:  # whatever the database says: progress is dropped rather than in the way
            logger.exception("live.not_shown", extra={"fields": {"run": self._run.id}})

    async def _news_and_place(self) -> tuple[str, Receipt | None]:
        if self._news is None or self._run.live_key is None:
            return "", None
        step, words = self._news
        async with self._store.read() as tx:
            receipt = await tx.outbox.receipt(self._run.live_key)
            conversation = await tx.conversations.get(self._run.conversation_id)
            spend = await tx.ledger.spend(self._run.conversation_id)
        if conversation is None or conversation.epoch != self._run.epoch:
            return "", None
        return f"_{words}…_  ·  step {step}/{self._max_steps} · {show_usd(spend.usd)}", receipt


@asynccontextmanager
async def live_line(line: LiveLine) -> AsyncIterator[LiveLine]:
    """Show progress while the body runs. An update under way is let finish: a late one would overwrite the answer."""
    task = asyncio.get_running_loop().create_task(line.show_until_closed(), name="live line")
    try:
        yield line
    finally:
        line.close()
        await task
