"""Keeps an evaluation within its money: estimated before it begins, counted and reserved while it runs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from bot.domain.exchange import ModelReply, ModelRequest, Usage
from bot.domain.money import ZERO
from bot.evals.cases import Case
from bot.ports.model import Model, Prices

_CALLS_PER_TURN = 3
"""Of the agent: a search, now and then a second tool, the answer."""
_AGENT_CALL = Usage(input=900, output=350, cache_read=3_500, cache_write_5m=700)
"""A typical call, as the bot's own traces show them."""
_HELPER_CALL = Usage(input=2_500, output=150)
"""The bot's own judge, or ours."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What a call costs, by who makes it."""

    prices: Prices
    model: str
    helper: str
    judge: str = ""

    def of(self, case: Case) -> Decimal:
        """USD that a case is likely to cost in one epoch."""
        turns = case.simulated.most_turns if case.simulated else len(case.turns)
        agent = self.prices.cost(self.model, _AGENT_CALL) * _CALLS_PER_TURN
        helper = self.prices.cost(self.helper, _HELPER_CALL)
        judging = self.prices.cost(self.judge, _HELPER_CALL) * len(case.expect.judge) if self.judge else ZERO
        player = self.prices.cost(self.helper, _HELPER_CALL) * turns if case.simulated else ZERO
        return (agent + helper) * turns + judging + player


def estimate(rates: Rates | None, cases: Iterable[Case], epochs: int) -> Decimal:
    """USD that all of them are likely to cost; nothing without prices."""
    return sum((rates.of(case) for case in cases), ZERO) * epochs if rates else ZERO


class Metered:
    """A model whose every answer is paid by somebody else than the bot: that which plays a customer."""

    def __init__(self, model: Model, prices: Prices, pay: Callable[[Decimal], None]) -> None:
        self._model, self._prices, self._pay = model, prices, pay

    async def answer(self, request: ModelRequest) -> ModelReply:
        reply = await self._model.answer(request)
        self._pay(self._prices.cost(reply.model, reply.usage))
        return reply

    async def count(self, request: ModelRequest) -> int | None:
        return await self._model.count(request)

    async def close(self) -> None:
        await self._model.close()


class Purse:
    """Lets a case begin only when what is spent and what is likely still to be spent stay below the limit."""

    def __init__(self, limit: Decimal | None) -> None:
        """`limit`: USD; None: no limit."""
        self._limit = limit
        self._reserved: dict[tuple[str, int], Decimal] = {}
        self.spent = ZERO
        self.is_empty = False
        """Whether some case could not begin."""

    def begin(self, case: Case, epoch: int, likely: Decimal) -> bool:
        """Set aside what a case is likely to cost; False when that is too much."""
        if self._limit is not None and self.spent + sum(self._reserved.values(), ZERO) + likely > self._limit:
            self.is_empty = True
            return False
        self._reserved[case.id, epoch] = likely
        return True

    def end(self, case: Case, epoch: int, cost: Decimal) -> None:
        """A case has cost this much."""
        self._reserved.pop((case.id, epoch), None)
        self.spent += cost

    def pay(self, cost: Decimal) -> None:
        """Something besides the cases: the judge."""
        self.spent += cost
