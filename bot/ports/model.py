"""A language model and what it costs."""

from decimal import Decimal
from typing import Protocol

from bot.domain.exchange import ModelReply, ModelRequest, Usage


class Model(Protocol):
    """Answers one request; no retries, no money."""

    async def answer(self, request: ModelRequest) -> ModelReply:
        """One attempt. Raises ModelBusyError (may work later) or ModelDownError (will not)."""
        ...

    async def count(self, request: ModelRequest) -> int | None:
        """The vendor's own count of the prompt's tokens, free of charge; None when it does not tell."""
        ...

    async def close(self) -> None: ...


class Prices(Protocol):
    """USD per token, by exact model id."""

    def cost(self, model: str, usage: Usage) -> Decimal:
        """Exact USD of a finished call."""
        ...

    def worst_case(self, model: str, *, prompt_tokens: int, max_tokens: int) -> Decimal:
        """USD that a call of at most this size can cost at most (all of it written to the dearest cache)."""
        ...
