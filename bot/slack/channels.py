"""What channels are called."""

import logging

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import PermanentError, TransientError
from bot.ports.clock import Clock, system_clock
from bot.slack.cache import TtlCache
from bot.slack.reading import obj, word
from bot.slack.web import call

logger = logging.getLogger(__name__)

NAME_SECONDS = 3600.0
UNKNOWN_SECONDS = 300.0


class SlackChannels:
    """Asks conversations.info, seldom."""

    def __init__(self, client: AsyncWebClient, *, clock: Clock = system_clock) -> None:
        self._client = client
        self._names: TtlCache[str, str] = TtlCache(clock, seconds=NAME_SECONDS, size=2_000)
        self._unknown: TtlCache[str, str] = TtlCache(clock, seconds=UNKNOWN_SECONDS, size=2_000)

    async def name(self, channel_id: str) -> str:
        """Without #; the id when Slack does not tell."""
        known = self._names.get(channel_id) or self._unknown.get(channel_id)
        if known is not None:
            return known
        try:
            answer = await call(self._client.conversations_info(channel=channel_id))
        except (TransientError, PermanentError) as error:
            logger.warning("slack.channel_unknown", extra={"fields": {"channel": channel_id, "error": str(error)}})
            self._unknown.put(channel_id, channel_id)
            return channel_id
        name = word(obj(answer.get("channel")).get("name")) or channel_id
        self._names.put(channel_id, name)
        return name
