"""The live line of a run: step, tool in words and cost, updated now and then; dropped rather than late."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import prompts
from bot.domain.effects import Progress, Receipt, StepCard, StepState
from bot.domain.money import show_usd
from bot.ports.slack import Messenger
from bot.ports.store import Run, Store

logger = logging.getLogger(__name__)

FIRST_AFTER = 1.0
"""Seconds; a turn that ends sooner shows no progress at all and spares Slack an update."""
SECONDS_BETWEEN = 3.0
"""Slack's own advice for updates of one message."""
STREAM_SECONDS, STREAM_SECONDS_MORE, STREAM_SECONDS_MOST = 1.0, 0.5, 10.0
"""Between what is appended to a stream: the first time, longer each time, at most."""
STILL_SECONDS = 30.0
"""Without news the line is looked after so often: a stream must be ended before Slack does."""
WRITING = "Writing the answer"


class Steps:
    """The steps of a run as cards, and which of them are not shown yet."""

    def __init__(self) -> None:
        self._cards: dict[str, StepCard] = {}
        self._shown: dict[str, StepCard] = {}

    def now(self, step: int, words: str) -> None:
        """This is being done now, so whatever came before is done. What precedes step 1 is shown as its beginning."""
        self._end(StepState.COMPLETE)
        card = StepCard(f"step-{max(step, 1)}", words, StepState.IN_PROGRESS)
        self._cards[card.id] = card

    def failed(self) -> None:
        """What is being done came to nothing."""
        self._end(StepState.ERROR)

    def finish(self, writing: str) -> None:
        """Nothing is being done any more; `writing`: what the last step is called, empty when there is no answer."""
        last = next(reversed(self._cards.values()), None)
        if writing and last is not None:
            self._cards[last.id] = StepCard(last.id, writing, StepState.IN_PROGRESS)
        self._end(StepState.COMPLETE if writing else StepState.ERROR)

    def news(self) -> tuple[StepCard, ...]:
        """The cards that are new or changed."""
        return tuple(card for card in self._cards.values() if self._shown.get(card.id) != card)

    def are_shown(self, cards: tuple[StepCard, ...]) -> None:
        """These need not be shown again."""
        self._shown |= {card.id: card for card in cards}

    def _end(self, state: StepState) -> None:
        for card in self._cards.values():
            if card.state is StepState.IN_PROGRESS:
                self._cards[card.id] = StepCard(card.id, card.words, state)


class LiveLine:
    """Shows progress of one run; holds only the newest."""

    def __init__(self, store: Store, messenger: Messenger, run: Run, max_steps: int, language: str = "") -> None:
        """`language`: of its reader, ISO 639-1."""
        self._language = language
        self._words = prompts.sentences(language)
        self._store = store
        self._messenger = messenger
        self._run = run
        self._max_steps = max_steps
        self._news: tuple[int, str] | None = None
        self._steps = Steps()
        self._place: Receipt | None = None
        self._streamed = 0
        self._changed = asyncio.Event()
        self._over = asyncio.Event()
        self._closing = False
        self.is_certain = True
        """False when nobody knows whether Slack still carries out the last update: the line must not be built on."""

    def progress(self, step: int, words: str) -> None:
        """Remember what is being done now."""
        words = prompts.live_words(self._language, words)
        self._news = (step, words)
        self._steps.now(step, words)
        self._changed.set()

    def stumbled(self) -> None:
        """Show that what is being done came to nothing; the run goes on."""
        self._steps.failed()

    def last(self, *, answered: bool) -> Progress | None:
        """What a stream shows of the steps when it ends; asked for after the line was closed."""
        self._steps.finish(prompts.live_words(self._language, WRITING) if answered else "")
        cards = self._steps.news()
        done = max(self._news[0], 1) if self._news else 0
        title = self._words["one_step" if done == 1 else "some_steps"].format(count=done)
        return Progress("", title, cards, self._language) if cards else None

    async def show_until_closed(self) -> None:
        """Show the newest state, then wait a little."""
        await self._pause(FIRST_AFTER)
        while not self._closing:
            if await self._news_or_stream() and not self._closing:
                await self._show()
                await self._pause(self._rhythm())

    def close(self) -> None:
        """Begin no further update."""
        self._closing = True
        self._changed.set()
        self._over.set()

    async def _news_or_stream(self) -> bool:
        """Wait for news, at most a while; True when there is something to look after."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), STILL_SECONDS)
        is_new = self._changed.is_set()
        self._changed.clear()
        return is_new or (self._place is not None and self._place.streamed)

    def _rhythm(self) -> float:
        if self._place is None or not self._place.streamed:
            return SECONDS_BETWEEN
        self._streamed += 1
        return min(STREAM_SECONDS + STREAM_SECONDS_MORE * (self._streamed - 1), STREAM_SECONDS_MOST)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), seconds)

    async def _show(self) -> None:
        """Show the newest state, unless somebody took over; a fault costs an update, never the run."""
        try:
            progress = await self._state()
            if progress is None or self._place is None or self._closing:
                return
            state = await self._messenger.progress(self._place, progress, self._is_ours)
            self._place, self.is_certain = state.receipt, state.is_certain
            if state.is_shown:
                self._steps.are_shown(progress.cards)
        except Exception:  # whatever the database says: progress is dropped rather than in the way
            logger.exception("live.not_shown", extra={"fields": {"run": self._run.id}})

    async def _is_ours(self) -> bool:
        return await self._store.is_epoch(self._run.conversation_id, self._run.epoch) and not self._closing

    async def _state(self) -> Progress | None:
        """How far the run is; None when there is no line yet, or no right to it any more."""
        if self._news is None or self._run.live_key is None:
            return None
        async with self._store.read() as tx:
            self._place = self._place or await tx.outbox.receipt(self._run.live_key)
            conversation = await tx.conversations.get(self._run.conversation_id)
            spend = await tx.ledger.spend(self._run.conversation_id)
        if conversation is None or conversation.epoch != self._run.epoch:
            return None
        step, words = self._news
        title = self._words["progress"].format(step=step, most=self._max_steps, cost=show_usd(spend.usd))
        return Progress(words, title, self._steps.news(), self._language)


@asynccontextmanager
async def live_line(line: LiveLine) -> AsyncIterator[LiveLine]:
    """Show progress while the body runs. An update under way is let finish: a late one would overwrite the answer."""
    task = asyncio.get_running_loop().create_task(line.show_until_closed(), name="live line")
    try:
        yield line
    finally:
        line.close()
        await task
