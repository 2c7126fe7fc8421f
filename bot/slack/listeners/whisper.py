"""Answers only the presser sees, and the deadline of everything that is answered at once."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import PermanentError, TransientError
from bot.slack.render.lines import whisper as rendered
from bot.slack.web import call

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 2.4
WHISPER_SECONDS = 0.5
"""Together below the three seconds that trigger ids and acknowledgements live."""
TOO_SLOW = "That took too long, please try again."
NO_LONGER = "This button is no longer in use."
GONE = "I no longer know this case."


async def whisper(
    client: AsyncWebClient, channel_id: str, user_id: str, text: str, thread_ts: str | None = None
) -> None:
    """Tell one person something in a channel; when Slack does not want it, only the log knows."""
    if not channel_id:
        return
    content = rendered(text)
    try:
        async with asyncio.timeout(WHISPER_SECONDS):
            await call(
                client.chat_postEphemeral(
                    channel=channel_id,
                    user=user_id,
                    thread_ts=thread_ts,
                    text=content["text"],
                    blocks=content["blocks"],
                )
            )
    except (TransientError, PermanentError, TimeoutError) as error:
        logger.warning("slack.whisper_lost", extra={"fields": {"error": type(error).__name__, "reason": str(error)}})


@asynccontextmanager
async def in_time(name: str) -> AsyncIterator[None]:
    """Give up on an immediate answer before Slack does; what failed is logged by its class, never by its text.

    Raises TimeoutError for whatever went wrong, so that the caller has one thing to tell the person.
    """
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            yield
    except Exception as error:  # noqa: BLE001 - whatever fails, the person is told to try again
        fields = {"name": name, "error": type(error).__name__}
        logger.warning("slack.no_immediate_answer", extra={"fields": fields})
        raise TimeoutError(name) from None
