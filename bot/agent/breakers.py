"""A circuit breaker per model: during an outage nobody waits for a model that does not answer anybody.

Which failure opens it, and for how long:

- busy (429, 5xx, 529, cut or hanging calls, pages instead of answers): five in a row open it for half a minute
  (after a 429 with Retry-After, for that long: a burst is no outage);
- busy with the wish to wait longer than any conversation would: at once, for that long;
- the account's spending limit is reached: at once, for a quarter of an hour, and operators are told in words;
- key refused, model unknown: at once, for a minute and five;
- a connection that fails may be this machine's own trouble: it opens the breaker of this process alone;
- a request that was refused as such (400, 413) says that the model is there.
"""

import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from bot.domain.errors import FencedError, ModelBusyError, ModelDownError
from tools.breaker import BreakerState, Rules
from tools.noticeboard import Noticeboard, SharedBreaker

logger = logging.getLogger(__name__)

RULES = Rules(failures=5, window_seconds=120.0, open_seconds=30.0)
LONGEST_CALL = 120.0
TRIAL_MARGIN = 30.0
"""Seconds that a trial may take beyond its call, for its price to be counted, money set aside and the others told. One
that has told nothing by then is dead."""
PATIENCE_SECONDS = 20.0
"""A model that asks for a longer pause gets it from everybody."""
LONGEST_WISH = 600.0
_LASTING = {"spend_cap": 900.0, "auth": 60.0, "not_found": 300.0}
"""Seconds for which failures that do not pass by themselves open the breaker."""
REMEDIES = {
    "spend_cap": "The spending limit or the credit of the Anthropic account is used up: raise it in the Console "
    "under Billing or Limits. Until then customers get quotations from the help centre and a person.",
    "auth": "Anthropic refuses the key: check ANTHROPIC_API_KEY.",
    "not_found": "Anthropic does not know this model: check MODEL and HELPER_MODEL.",
}
"""What operators can do about a failure that does not pass by itself."""


class ModelBreakers:
    """The breakers of all models, made when first needed."""

    def __init__(
        self,
        board: Noticeboard | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        longest_call: float = LONGEST_CALL,
    ) -> None:
        """`longest_call`: seconds after which a model is not waited for any longer."""
        self._board = board or Noticeboard()
        self._clock = clock
        self._trial_seconds = longest_call + TRIAL_MARGIN
        self._of: dict[str, SharedBreaker] = {}

    async def enter(self, model: str) -> int | None:
        """A permit for one call, for `weighing`; None when the model is to be left alone."""
        return await self._breaker(model).enter()

    @asynccontextmanager
    async def weighing(self, model: str, permit: int) -> AsyncIterator[None]:
        """Learn from how the call in the body ends."""
        breaker = self._breaker(model)
        try:
            yield
        except FencedError:  # the model did answer
            await self._succeeded(breaker, permit)
            raise
        except ModelBusyError as error:
            await self._failed(breaker, permit, error.kind, at_once=_long_wish(error), pause=_short_wish(error))
            raise
        except ModelDownError as error:
            if error.kind in _LASTING:
                await self._failed(breaker, permit, error.kind, at_once=_LASTING[error.kind])
            else:
                await self._succeeded(breaker, permit)
            raise
        except BaseException:  # cancelled, no money, a bug: nothing is known about the model
            await breaker.released(permit)
            raise
        await self._succeeded(breaker, permit)

    def left_alone(self) -> dict[str, str]:
        """Class of the failure by model, for those that failed this process of late and have not answered since."""
        return {name: b.reason for name, b in self._of.items() if b.state is not BreakerState.CLOSED}

    @property
    def states(self) -> Mapping[str, BreakerState]:
        """By model, as far as this process knows."""
        return {name: breaker.state for name, breaker in self._of.items()}

    def _breaker(self, model: str) -> SharedBreaker:
        if model not in self._of:
            self._of[model] = SharedBreaker(
                f"model:{model}", self._board, self._clock, rules=RULES, trial_seconds=self._trial_seconds
            )
        return self._of[model]

    async def _succeeded(self, breaker: SharedBreaker, permit: int) -> None:
        if await breaker.succeeded(permit):
            logger.info("model.breaker_closed", extra={"fields": {"breaker": breaker.name}})

    async def _failed(
        self, breaker: SharedBreaker, permit: int, kind: str, *, at_once: float | None, pause: float | None = None
    ) -> None:
        if not await breaker.failed(permit, kind, at_once=at_once, pause=pause, private=kind == "connection"):
            return
        fields: dict[str, object] = {"breaker": breaker.name, "kind": kind, "seconds": round(breaker.seconds_left)}
        if kind in REMEDIES:
            logger.error("model.refuses", extra={"fields": {**fields, "remedy": REMEDIES[kind]}})
        else:
            logger.warning("model.breaker_opened", extra={"fields": fields})


def _short_wish(error: ModelBusyError) -> float | None:
    """Seconds a model that is merely asked too often wants to be left alone: a burst is no outage."""
    if error.kind != "rate_limited" or error.retry_after is None:
        return None
    return min(max(1.0, error.retry_after), RULES.open_seconds)


def _long_wish(error: ModelBusyError) -> float | None:
    """Seconds the model asked for, when nobody would wait so long."""
    if error.retry_after is None or error.retry_after <= PATIENCE_SECONDS:
        return None
    return min(error.retry_after, LONGEST_WISH)
