"""Claude behind the `Model` port."""

import asyncio

from bot.domain.errors import ModelBusyError
from bot.domain.exchange import ModelReply, ModelRequest
from bot.model.reply import MalformedReplyError, from_wire
from bot.model.wire import to_wire, tool_use_ids

COUNT_SECONDS = 5.0
LONG_OUTPUT = 4_096
"""Tokens; a call that may write so many (or more) may take the whole deadline."""
LEAST_SHARE = 0.4
"""Of the deadline for the shortest call: the prompt has to be read all the same."""


class ClaudeModel:
    """Anthropic's Messages API, one client per process, one attempt per call, never longer than its deadlines."""

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str,
        total_deadline: float = 120.0,
        idle_deadline: float | None = None,
        connect_deadline: float = 5.0,
    ) -> None:
        """All in seconds. `idle_deadline`: without a single byte; a reply that is not streamed comes all at once."""
        from bot.model.transport import AnthropicTransport  # noqa: PLC0415 — costs over a second; `--help` must not pay

        self._deadline = total_deadline
        self._transport = AnthropicTransport(
            api_key=api_key, base_url=base_url, connect=connect_deadline, idle=idle_deadline or total_deadline
        )

    async def answer(self, request: ModelRequest) -> ModelReply:
        """One attempt. Raises ModelBusyError (may work later) or ModelDownError (will not)."""
        deadline = self._deadline * share_of_deadline(request)
        try:
            async with asyncio.timeout(deadline):
                body = await self._transport.post(to_wire(request))
        except TimeoutError:
            text = f"no answer within {deadline:g} s"
            raise ModelBusyError(text, kind="timeout", maybe_billed=True) from None
        try:
            return from_wire(
                body.text, requested=request.model, request_id=body.request_id, taken=tool_use_ids(request.messages)
            )
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


def share_of_deadline(request: ModelRequest) -> float:
    """The less there is to write, the sooner the end: a verdict that takes as long as the longest answer hangs."""
    return LEAST_SHARE + (1 - LEAST_SHARE) * min(1.0, request.max_tokens / LONG_OUTPUT)
