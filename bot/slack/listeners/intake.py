"""The way in: what Slack sends is stored before it is acknowledged."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.response import BoltResponse

from bot.domain.errors import TransientError
from bot.slack.desk_port import Desk
from bot.slack.listeners.routing import workspace_of
from bot.slack.parse import parse
from bot.slack.reading import obj, word

logger = logging.getLogger(__name__)

STORE_SECONDS = 2.0
"""Slack waits three seconds; a store slower than this is told apart from a working one by delivering again."""
_TYPES = frozenset(("block_actions", "view_submission", "view_closed", "message_action", "shortcut"))
"""Requests that have a listener, next to events and commands (which have no type)."""


class Intake:
    """Bolt's global middleware; runs before any acknowledgement."""

    async def store(
        self, body: dict[str, Any], context: AsyncBoltContext, next_: Callable[[], Awaitable[Any]]
    ) -> BoltResponse | None:
        """Parse and store; raises when that fails, so that Slack gets no acknowledgement and delivers again."""
        workspace = workspace_of(context)
        incoming = parse(body, workspace.me)
        if incoming is not None:
            await self._accept(workspace.desk, incoming)
        if not _has_listener(body):
            logger.warning("slack.unknown_request", extra={"fields": {"type": word(body.get("type"))[:80]}})
            return BoltResponse(status=200, body="")
        await next_()
        return None

    async def _accept(self, desk: Desk, incoming: Any) -> None:
        try:
            async with asyncio.timeout(STORE_SECONDS):
                new = await desk.accept(incoming)
        except Exception as error:  # noqa: BLE001 - whatever the store's fault: not stored means not acknowledged
            failure = type(error).__name__
            logger.error("slack.not_stored", extra={"fields": {"kind": incoming.kind, "error": failure}})  # noqa: TRY400 - a trace could hold customer text
            raise TransientError(f"a {incoming.kind} could not be stored: {failure}") from None
        logger.info("slack.stored", extra={"fields": {"kind": incoming.kind, "new": new}})


def _has_listener(body: dict[str, Any]) -> bool:
    kind = word(body.get("type"))
    if kind == "event_callback":
        return bool(word(obj(body.get("event")).get("type")))
    return kind in _TYPES or "command" in body
