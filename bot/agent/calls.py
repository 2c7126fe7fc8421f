"""One model call: affordable, made, paid for and journaled; repeated when that can help; then the second model.

Money first: the worst case of each attempt is reserved in every scope before it is made. An attempt that failed but may
have been billed is charged at its worst case, one that surely was not gives its reservation back. A model that failed
too often of late is left alone by all conversations (`bot.agent.breakers`); then the second one is asked at once.
"""

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from decimal import Decimal

from pydantic import TypeAdapter

from bot.agent.breakers import ModelBreakers
from bot.agent.discretion import Discretion
from bot.agent.estimate import holds_document, prompt_upper_bound, tightened
from bot.domain.budget import Account, Claim, Limit, Scope, Shortfall
from bot.domain.errors import (
    BudgetExceededError,
    FencedError,
    ModelBusyError,
    ModelDownError,
    PermanentError,
    TokensExceededError,
)
from bot.domain.exchange import ModelReply, ModelRequest, Purpose
from bot.domain.money import ZERO
from bot.domain.trace import Action, TraceEvent
from bot.ports.clock import Clock
from bot.ports.ledger import Ledger
from bot.ports.model import Model, Prices
from bot.ports.store import Store, Transaction

logger = logging.getLogger(__name__)

ATTEMPTS = 3
"""Per model."""
COUNT_MARGIN = 1.05
"""The vendor calls its count an estimate."""
LONGEST_WAIT = 20.0
"""Seconds; a model that asks for more is left for the second one."""
BREAKER_OPEN = "breaker_open"
"""In traces: the call was not made because the model failed too often of late."""
CANCELLED = "cancelled"
"""In traces: the call was broken off, because somebody took over or pressed Stop, or by a fault of ours."""
Sleep = Callable[[float], Awaitable[None]]
LimitSource = Callable[[Ledger, float], Awaitable[tuple[Limit, ...]]]
"""The limits that hold at a moment."""
_REPLY: TypeAdapter[ModelReply] = TypeAdapter(ModelReply)


class ModelsExhaustedError(Exception):
    """No configured model answered."""


@dataclass(frozen=True, slots=True)
class Purse:
    """Who pays and how much there is."""

    account: Account
    limits: LimitSource
    """Asked before each call, so that a limit set meanwhile holds at once."""
    token_limit: int
    """Counted tokens of the conversation."""
    kept_usd: Decimal = ZERO
    """Kept back from the conversation's money for summing up; only summaries may touch it."""
    kept_tokens: int = 0
    """Kept back from the conversation's tokens likewise."""
    zone: tzinfo = UTC
    """Whose days, weeks and months count."""

    async def limits_for(self, purpose: Purpose, ledger: Ledger, at: float) -> tuple[Limit, ...]:
        """The limits that hold for a call of this purpose."""
        limits = await self.limits(ledger, at)
        if purpose is Purpose.SUMMARY:
            return limits
        return tuple(
            replace(limit, usd=max(ZERO, limit.usd - self.kept_usd)) if limit.scope is Scope.CONVERSATION else limit
            for limit in limits
        )

    def shortfall(self, error: BudgetExceededError) -> Shortfall:
        """What the agent's next call would have needed, with the limit as people know it."""
        kept = self.kept_usd if error.limit.scope is Scope.CONVERSATION else ZERO
        return Shortfall(replace(error.limit, usd=error.limit.usd + kept), error.used, error.wanted, kept)

    def tokens_for(self, purpose: Purpose) -> int:
        """The token limit that holds for a call of this purpose."""
        return self.token_limit if purpose is Purpose.SUMMARY else max(0, self.token_limit - self.kept_tokens)


@dataclass(frozen=True, slots=True)
class Known:
    """What the vendor counted for the beginning of a prompt; holds for this model's tokenizer alone."""

    model: str
    tokens: int
    messages: int

    def bound(self, request: ModelRequest) -> int:
        """Upper bound of the prompt of a request that begins with the counted messages."""
        if request.model != self.model:
            return prompt_upper_bound(request)
        return tightened(request, self.tokens, self.messages)


@dataclass(frozen=True, slots=True)
class _Held:
    """A reservation."""

    id: str
    usd: Decimal
    """The worst case."""


class ModelCalls:
    """Makes model calls on a purse."""

    def __init__(  # noqa: PLR0913 - the composition root names them
        self,
        model: Model,
        prices: Prices,
        store: Store,
        clock: Clock,
        *,
        breakers: ModelBreakers | None = None,
        discretion: Discretion | None = None,
        sleep: Sleep = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._model = model
        self._prices = prices
        self._store = store
        self._clock = clock
        self._breakers = breakers or ModelBreakers()
        self._discretion = discretion or Discretion()
        self._sleep = sleep
        self._chance = chance

    async def answer(
        self, name: str, request: ModelRequest, purse: Purse, *, models: tuple[str, ...], known: Known | None = None
    ) -> ModelReply:
        """What the run's journal holds under `name`, else the reply of the first model that gives one.

        `known` makes the reservation smaller. Raises BudgetExceededError, TokensExceededError (nothing was spent on the
        refused attempt), ModelsExhaustedError, or FencedError when another execution journaled this call meanwhile.
        """
        async with self._store.read() as tx:
            journaled = await tx.runs.recall(purse.account.run_id, name)
        if journaled is not None:
            return _REPLY.validate_json(journaled)
        request = self._discretion.fit(request)
        for number, model in enumerate(models, 1):
            asked = replace(request, model=model)
            reply = await self._persist(name, asked, purse, known, is_last=number == len(models))
            if reply is not None:
                return reply
        raise ModelsExhaustedError(f"no answer from {', '.join(models)}")

    async def _persist(
        self, name: str, request: ModelRequest, purse: Purse, known: Known | None, *, is_last: bool
    ) -> ModelReply | None:
        """The model's reply after some attempts; None when another model should be asked."""
        for attempt in range(1, ATTEMPTS + 1):
            permit = await self._breakers.enter(request.model)
            if permit is None:
                now = self._clock()
                left_alone = _failure(_event(purse, name, request, attempt, now, now), BREAKER_OPEN)
                _warn(left_alone)
                async with self._store.write() as tx:
                    await tx.traces.add(left_alone)
                return None
            try:
                async with self._breakers.weighing(request.model, permit):
                    return await self._attempt(name, request, purse, known, attempt)
            except ModelDownError:
                return None
            except ModelBusyError as error:
                wait = self._backoff(attempt, error.retry_after)
                enough = attempt >= _attempts(error, request, is_last=is_last)
                if enough or wait > LONGEST_WAIT or request.model in self._breakers.left_alone():
                    return None
                await self._sleep(wait)
        return None

    def _backoff(self, attempt: int, retry_after: float | None) -> float:
        if retry_after is not None:
            return retry_after
        return min(8.0, 0.5 * 2.0**attempt) * (0.75 + 0.5 * self._chance())

    async def _attempt(
        self, name: str, request: ModelRequest, purse: Purse, known: Known | None, attempt: int
    ) -> ModelReply:
        began = self._clock()
        held = await self._reserve(name, request, purse, known)

        def failure(kind: str) -> TraceEvent:
            return _failure(_event(purse, name, request, attempt, began, self._clock()), kind)

        try:
            reply = await self._model.answer(request)
        except ModelBusyError as error:
            await self._give_up(held, failure(error.kind), maybe_billed=error.maybe_billed)
            raise
        except ModelDownError as error:
            await self._give_up(held, failure(error.kind), maybe_billed=False)
            raise
        except BaseException as error:  # cancelled or unforeseen: nobody can tell whether it was billed
            kind = CANCELLED if isinstance(error, asyncio.CancelledError) else type(error).__name__
            await asyncio.shield(self._give_up(held, failure(kind), maybe_billed=True))
            raise
        event = _event(purse, name, request, attempt, began, self._clock())
        await self._settle(held, name, reply, replace(event, name=reply.model))
        return reply

    async def _settle(self, held: _Held, name: str, reply: ModelReply, event: TraceEvent) -> None:
        """Pay and journal in one transaction; a reply that may not be journaled any more is paid all the same."""
        try:
            async with self._store.write() as tx:
                await self._pay(tx, held, reply, event)
                await tx.runs.record(event.run_id, name, _REPLY.dump_json(reply).decode())
        except FencedError:
            async with self._store.write() as tx:
                await self._pay(tx, held, reply, event)
            raise

    async def _pay(self, tx: Transaction, held: _Held, reply: ModelReply, event: TraceEvent) -> None:
        """The exact price; the worst case when another model answered than any we have a price for."""
        try:
            cost = self._prices.cost(reply.model, reply.usage)
        except PermanentError:
            logger.error("price.unknown", extra={"fields": {"model": reply.model}})  # noqa: TRY400 — no trace needed
            await tx.ledger.charge_worst(held.id)
            done = replace(event, usage=reply.usage, cost=held.usd, got=_got(reply), error="unknown_price")
            await tx.traces.add(done)
            return
        await tx.ledger.settle(held.id, usd=cost, usage=reply.usage, model=reply.model)
        await tx.traces.add(replace(event, usage=reply.usage, cost=cost, got=_got(reply)))

    async def _reserve(self, name: str, request: ModelRequest, purse: Purse, known: Known | None) -> _Held:
        """Set the worst case aside; when the bound by bytes does not fit, the vendor's own count is asked for."""
        bound = await self._bound(request, known)
        try:
            return await self._claim(name, request, purse, bound)
        except (BudgetExceededError, TokensExceededError):
            counted = await self._model.count(request)
            if counted is None or counted * COUNT_MARGIN >= bound:
                raise
            return await self._claim(name, request, purse, math.ceil(counted * COUNT_MARGIN))

    async def _bound(self, request: ModelRequest, known: Known | None) -> int:
        """Tokens of the prompt at most; what text a PDF holds only the vendor can tell, so it is asked beforehand."""
        if known is not None and known.model == request.model:
            return known.bound(request)
        bound = prompt_upper_bound(request)
        if not holds_document(request.messages):
            return bound
        return max(bound, math.ceil((await self._model.count(request) or 0) * COUNT_MARGIN))

    async def _claim(self, name: str, request: ModelRequest, purse: Purse, prompt_tokens: int) -> _Held:
        usd = self._prices.worst_case(request.model, prompt_tokens=prompt_tokens, max_tokens=request.max_tokens)
        async with self._store.write() as tx:
            await tx.ledger.hold(purse.account.team_id)  # a limit that is set right now holds for this call or the next
            at = self._clock()
            claim = Claim(
                account=purse.account,
                name=name,
                model=request.model,
                usd=usd,
                tokens=prompt_tokens + request.max_tokens,
                limits=await purse.limits_for(request.purpose, tx.ledger, at),
                token_limit=purse.tokens_for(request.purpose),
                zone=purse.zone,
            )
            return _Held(await tx.ledger.reserve(claim, at=at), usd)

    async def _give_up(self, held: _Held, failure: TraceEvent, *, maybe_billed: bool) -> None:
        """Settle an attempt that failed, and put it on record with what it is taken to have cost."""
        _warn(failure)
        async with self._store.write() as tx:
            if maybe_billed:
                await tx.ledger.charge_worst(held.id)
                failure = replace(failure, cost=held.usd)
            else:
                await tx.ledger.release(held.id)
            await tx.traces.add(failure)


def _attempts(error: ModelBusyError, request: ModelRequest, *, is_last: bool) -> int:
    """How often to try after this error. A call that hung has cost a minute or two: then rather the next model."""
    if error.kind != "timeout":
        return ATTEMPTS
    return 2 if is_last and request.purpose is Purpose.AGENT else 1


def _event(purse: Purse, name: str, request: ModelRequest, attempt: int, began: float, now: float) -> TraceEvent:
    return TraceEvent(
        conversation_id=purse.account.conversation_id,
        run_id=purse.account.run_id,
        step=int(name[1:]) if name[1:].isdigit() else 0,
        action=Action.LLM_CALL,
        name=request.model,
        at=began,
        attempt=attempt,
        duration_ms=int((now - began) * 1000),
        given=_given(request),
        ref=name,
    )


def _failure(event: TraceEvent, kind: str) -> TraceEvent:
    return replace(event, ok=False, error=kind)


def _warn(failure: TraceEvent) -> None:
    if failure.error != CANCELLED:
        fields = {"model": failure.name, "kind": failure.error, "attempt": failure.attempt}
        logger.warning("model.failed", extra={"fields": fields})


def _given(request: ModelRequest) -> str:
    """What the call was for, and how much it was given."""
    effort = f", effort {request.effort}" if request.effort else ""
    return f"{request.purpose}: {len(request.messages)} messages, {len(request.tools)} tools{effort}"


def _got(reply: ModelReply) -> str:
    tools = ", ".join(use.name for use in reply.tool_uses)
    notes = f" ({'; '.join(reply.notes)})" if reply.notes else ""
    return f"{reply.stop_reason}{f': {tools}' if tools else ''}{notes}"
