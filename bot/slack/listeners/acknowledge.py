"""Listeners that only tell Slack that the request arrived, or that it did not; what it meant was stored before."""

import logging

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.response import BoltResponse

from bot.domain.errors import DeskhandError

logger = logging.getLogger(__name__)


async def acknowledge(ack: AsyncAck) -> None:
    """Everything was done when the request was stored, or there is nothing to do."""
    await ack()


async def ignore_event() -> None:
    """Bolt acknowledges events by itself; without any listener it would answer 404 and Slack would repeat them."""


async def failed(error: Exception, response: BoltResponse | None) -> BoltResponse | None:
    """Our own failures are worth a redelivery (500); Bolt's stumbling over an odd body is not (400).

    The log names the class only: texts of exceptions may hold what a customer wrote.
    """
    ours = isinstance(error, DeskhandError)
    logger.error("slack.request_failed", extra={"fields": {"error": type(error).__name__, "ours": ours}})
    return None if response is None else BoltResponse(status=500 if ours else 400, body="")
