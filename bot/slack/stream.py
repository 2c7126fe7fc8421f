"""Streamed messages: in a DM the live line is a stream of step cards, and the stream ends as the answer."""

import logging

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.effects import Place, Progress, Reader, Receipt, Session
from bot.domain.errors import LockedOutError, TransientError
from bot.ports.clock import Clock
from bot.slack.cache import TtlCache
from bot.slack.marks import metadata
from bot.slack.render.blocks import Payload
from bot.slack.render.live import Chunk, first_card, pieces, progress_chunks, text_chunk, weight
from bot.slack.web import SlackRefusalError, call, has_room, is_free

logger = logging.getLogger(__name__)

LIFE_SECONDS = 240.0
"""Slack ends a stream after about five minutes, and refuses what comes then."""
BYTES = 9_000
"""Of a stream, all cards and the text together; Slack refuses somewhere above 10,600."""
CARD_BYTES = 2_700
"""Of them, for cards that show progress; what others have used of a stream is not known, and taken to be this."""
PIECE_BYTES, MOST_PIECES = 2_000, 3
_REFUSED_SECONDS = 600.0
_NOT_HERE = frozenset(
    {
        "access_denied", "channel_type_not_supported", "feature_not_enabled", "method_not_supported_for_channel_type",
        "missing_scope", "no_permission", "not_agent_app", "not_allowed_token_type", "not_authorized", "unknown_method",
    }
)  # fmt: skip
"""Refusals of chat.startStream that every other DM of the workspace would get as well."""


class Streams:
    """The streams of one workspace."""

    def __init__(self, client: AsyncWebClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._used: TtlCache[str, int] = TtlCache(clock, seconds=2 * LIFE_SECONDS, size=5_000)
        self._refused: TtlCache[str, bool] = TtlCache(clock, seconds=_REFUSED_SECONDS, size=1)

    async def start(self, place: Place, text: str, reader: Reader) -> Receipt | None:
        """Begin a stream; None when a plain line has to do. TransientError (ambiguous) when it may have begun."""
        if place.thread_ts is None or self._refused.get("start"):
            return None
        if not await is_free(self._client, "chat.startStream", place.channel_id):
            return self._not_begun("pace")
        chunks = first_card(text)
        waiting = self._client.chat_startStream(
            channel=place.channel_id,
            thread_ts=place.thread_ts,
            recipient_team_id=reader.team_id or None,
            recipient_user_id=reader.user_id or None,
            task_display_mode="plan",
            chunks=chunks,
        )
        try:
            answer = await call(waiting)
        except TransientError as error:
            if error.ambiguous:
                raise
            return self._not_begun(str(error))
        except LockedOutError:
            raise
        except SlackRefusalError as error:
            if error.error in _NOT_HERE:
                self._refused.put("start", True)  # noqa: FBT003 - a mark, not an option
            return self._not_begun(error.error)
        receipt = Receipt(str(answer.get("channel") or place.channel_id), str(answer["ts"]), streamed=True)
        self._used.put(receipt.ts, weight(chunks))
        return receipt

    async def show(self, stream: Receipt, progress: Progress) -> bool | None:
        """Append step cards; False when they were left out, None when the stream takes nothing any more.

        A card that arrives late does no harm: the end of the stream closes it to all that follows.
        """
        if self._is_old(stream):
            return None
        if not progress.cards:
            return True
        chunks = progress_chunks(progress)
        if self._used_by(stream) + weight(chunks) > CARD_BYTES:
            return False
        if not await has_room(self._client, "chat.appendStream", stream.channel_id):
            return False
        try:
            await self._append(stream, chunks)
        except TransientError as error:
            logger.info("slack.progress_dropped", extra={"fields": {"reason": str(error)}})
            return False
        except SlackRefusalError as error:
            logger.info("slack.stream_over", extra={"fields": {"reason": error.error}})
            return None
        return True

    async def finish(
        self, stream: Receipt, key: str, content: Payload, progress: Progress | None, session: Session | None
    ) -> Receipt | None:
        """End a stream as an answer: its text in pieces, then the rest with our mark on it.

        None when the stream cannot hold it or takes nothing any more; part of the text may stand in it then.
        """
        [body, *tail] = content["blocks"]
        text, cards = str(body["text"]), progress_chunks(progress) if progress else []
        if self._is_old(stream) or self._used_by(stream) + weight([*cards, text_chunk(text)]) > BYTES:
            return None
        *early, last = _few(text)
        status = session or Session.ACTIVE
        try:
            for piece in early:
                await self._append(stream, [*cards, text_chunk(piece)])
                cards = []
            await call(
                self._client.chat_stopStream(
                    channel=stream.channel_id,
                    ts=stream.ts,
                    chunks=[*cards, text_chunk(last)],
                    blocks=tail,
                    metadata=metadata(key),
                    session_status=status.value,
                )
            )
        except LockedOutError:
            raise
        except SlackRefusalError as error:
            logger.info("slack.stream_not_finished", extra={"fields": {"key": key, "reason": error.error}})
            return None
        return Receipt(stream.channel_id, stream.ts, session=status)

    async def stop(self, stream: Receipt, session: Session) -> Receipt:
        """End a stream as it stands; no failure when it has ended already."""
        try:
            await call(
                self._client.chat_stopStream(channel=stream.channel_id, ts=stream.ts, session_status=session.value)
            )
        except LockedOutError:
            raise
        except SlackRefusalError as error:
            logger.info("slack.stream_was_over", extra={"fields": {"reason": error.error}})
            return Receipt(stream.channel_id, stream.ts)
        return Receipt(stream.channel_id, stream.ts, session=session)

    async def _append(self, stream: Receipt, chunks: list[Chunk]) -> None:
        self._used.put(stream.ts, self._used_by(stream) + weight(chunks))
        await call(self._client.chat_appendStream(channel=stream.channel_id, ts=stream.ts, chunks=chunks))

    def _used_by(self, stream: Receipt) -> int:
        used = self._used.get(stream.ts)
        return CARD_BYTES if used is None else used

    def _is_old(self, stream: Receipt) -> bool:
        return self._clock() - float(stream.ts) >= LIFE_SECONDS

    @staticmethod
    def _not_begun(reason: str) -> None:
        logger.info("slack.stream_not_begun", extra={"fields": {"reason": reason}})


def _few(text: str) -> list[str]:
    """Pieces of a text: one when it is short, never many."""
    return pieces(text, max(PIECE_BYTES, len(text.encode()) // MOST_PIECES + 1))
