"""Our marks on messages: by them an interrupted delivery finds what it left behind."""

from collections.abc import AsyncIterator
from uuid import NAMESPACE_URL, uuid5

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.effects import Receipt
from bot.slack import names
from bot.slack.reading import Json, items, obj, word
from bot.slack.web import SlackRefusalError, call

_PAGE = 200
_MOST_PAGES = 50
_NO_THREAD = frozenset({"thread_not_found", "message_not_found"})


def part_key(key: str, index: int) -> str:
    """The mark of one message of an effect: the key itself, then `…#2`, `…#3`."""
    return key if index == 0 else f"{key}#{index + 1}"


def metadata(key: str) -> Json:
    """The mark itself; Slack keeps it with the message and shows it to nobody."""
    return {"event_type": names.MARKER, "event_payload": {"key": key}}


def client_msg_id(key: str) -> str:
    """Slack drops a second post with the same id where it honours it; the mark is what we rely on."""
    return str(uuid5(NAMESPACE_URL, f"deskhand:{key}"))


class Marks:
    """Reads the marks in a thread or in a channel."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def find(self, keys: set[str], channel_id: str, thread_ts: str | None, *, since: float) -> dict[str, Receipt]:
        """The messages that carry one of these marks.

        In a thread all are looked at, whatever our clock says; in a channel those since then (unix seconds).
        """
        found: dict[str, Receipt] = {}
        pages = self._replies(channel_id, thread_ts, 0.0) if thread_ts else self._roots(channel_id, since)
        async for message in pages:
            mark = obj(message.get("metadata"))
            key = word(obj(mark.get("event_payload")).get("key"))
            if mark.get("event_type") == names.MARKER and key in keys and key not in found:
                found[key] = Receipt(channel_id, word(message.get("ts")))
            if len(found) == len(keys):
                break
        return found

    async def unmarked(self, channel_id: str, thread_ts: str, *, since: float) -> Receipt | None:
        """The newest message of a bot in a thread of a DM that has no mark: a stream gets it only at its end."""
        found: Receipt | None = None
        async for message in self._replies(channel_id, thread_ts, since):
            is_new = word(message.get("ts")) != thread_ts and float(word(message.get("ts")) or 0) >= since
            if is_new and message.get("bot_id") and obj(message.get("metadata")).get("event_type") != names.MARKER:
                found = Receipt(channel_id, word(message.get("ts")))
        return found

    async def _replies(self, channel_id: str, thread_ts: str, since: float) -> AsyncIterator[Json]:
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            waiting = self._client.conversations_replies(
                channel=channel_id,
                ts=thread_ts,
                oldest=f"{since:.6f}",
                include_all_metadata=True,
                limit=_PAGE,
                cursor=cursor,
            )
            try:
                answer = await call(waiting)
            except SlackRefusalError as error:
                if error.error in _NO_THREAD:
                    return
                raise
            for message in items(answer.get("messages")):
                yield message
            cursor = _next(answer)
            if cursor is None:
                return

    async def _roots(self, channel_id: str, since: float) -> AsyncIterator[Json]:
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            waiting = self._client.conversations_history(
                channel=channel_id, oldest=f"{since:.6f}", include_all_metadata=True, limit=_PAGE, cursor=cursor
            )
            answer = await call(waiting)
            for message in items(answer.get("messages")):
                yield message
            cursor = _next(answer)
            if cursor is None:
                return


def _next(answer: Json) -> str | None:
    return word(obj(answer.get("response_metadata")).get("next_cursor")) or None
