"""Claude behind the `Model` port."""

import asyncio

from bot.domain.errors import ModelBusyError
from bot.domain.exchange import ModelReply, ModelRequest
from bot.model.reply import MalformedReplyError, from_wire
from bot.model.wire import to_wire

COUNT_SECONDS = 5.0


class ClaudeModel:
    """Anthropic's Messages API, one client per process, one attempt per call, never longer than its deadlines."""

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str,
        total_deadline: float = 120.0,
        idle_deadline: float = 60.0,
        connect_deadline: float = 5.0,
    ) -> None:
        from bot.model.transport import AnthropicTransport  # noqa: PLC0415 — costs over a second; `--help` must not pay

        self._deadline = total_deadline
        self._transport = AnthropicTransport(
            api_key=api_key, base_url=base_url, connect=connect_deadline, idle=idle_deadline
        )

    async def answer(self, request: ModelRequest) -> ModelReply:
        """One attempt. Raises ModelBusyError (may work later) or ModelDownError (will not)."""
        try:
            async with asyncio.timeout(self._deadline):
                body = await self._transport.post(to_wire(request))
        except TimeoutError:
            text = f"no answer within {self._deadline:g} s"
            raise ModelBusyError(text, kind="timeout", maybe_billed=True) from None
        try:
            return from_wire(body.text, requested=request.model, request_id=body.request_id)
        except MalformedReplyError as error:
            raise ModelBusyError(f"malformed: {error}", kind="malformed", maybe_billed=True) from None

    async def count(self, request: ModelRequest) -> int | None:
        """The vendor's count; None when it cannot be had quickly."""
        try:
            async with asyncio.timeout(COUNT_SECONDS):
                return await self._transport.count(to_wire(request))
        except TimeoutError:
            return None

    async def close(self) -> None:
        """Give the connections back; call once, at shutdown."""
        await self._transport.close()
