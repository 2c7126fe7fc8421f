"""Sends each request to the model it names."""

from collections.abc import Mapping

from bot.domain.errors import ModelDownError
from bot.domain.exchange import ModelReply, ModelRequest
from bot.ports.model import Model


class ModelRouter:
    """Implements `ports.model.Model` over several: some by their exact id, one for all others."""

    def __init__(self, by_id: Mapping[str, Model], others: Model | None) -> None:
        self._by_id = by_id
        self._others = others

    async def answer(self, request: ModelRequest) -> ModelReply:
        """The named model's answer; ModelDownError when there is none of that name."""
        model = self._by_id.get(request.model, self._others)
        if model is None:
            raise ModelDownError(f"no model {request.model}", kind="not_found")
        return await model.answer(request)

    async def count(self, request: ModelRequest) -> int | None:
        model = self._by_id.get(request.model, self._others)
        return await model.count(request) if model else None

    async def close(self) -> None:
        for model in (*self._by_id.values(), *([self._others] if self._others else [])):
            await model.close()
