"""A person's words and files in another thread: under their own name and picture where the app may, files as uploads.

Slack's upload takes three steps; only the last one shows anything, so it alone can be repeated by mistake. What it has
shown is known by the file's name and size: uploads carry no metadata.
"""

import logging
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.effects import Place, Receipt, Relay, RelayFile
from bot.domain.errors import LockedOutError, PermanentError, TransientError
from bot.domain.hidden import one_line
from bot.domain.incoming import File
from bot.ports.clock import Clock
from bot.slack.cache import TtlCache
from bot.slack.files import SlackFiles
from bot.slack.reading import items, word
from bot.slack.render import lines
from bot.slack.render.blocks import Payload
from bot.slack.web import SlackRefusalError, call, refusal_of

logger = logging.getLogger(__name__)

MOST_BYTES = 25_000_000
_SCOPE = "chat:write.customize"
_SCOPES_SECONDS = 600.0
_NAME_CHARS = 80
_PAGE = 200
_GONE = frozenset({"file_deleted", "file_not_found"})


class Relaying:
    """Shows what people say and attach on the other side."""

    def __init__(self, client: AsyncWebClient, clock: Clock) -> None:
        self._client = client
        self._files = SlackFiles(client) if client.session is not None else None
        self._scopes: TtlCache[str, bool] = TtlCache(clock, seconds=_SCOPES_SECONDS, size=1)

    async def words(self, effect: Relay) -> list[Payload]:
        """The messages: looking like the person's own, or with the name in front."""
        if not await self._may_customize():
            return lines.relay(effect.text, effect.author_name, effect.language)
        look = {"username": effect.author_name[:_NAME_CHARS]}
        if effect.picture.startswith("https://"):
            look["icon_url"] = effect.picture
        return [{**content, "look": look} for content in lines.own_words(effect.text)]

    async def send_file(self, effect: RelayFile, place: Place) -> Receipt:
        """Download with the bot's token, upload, show it in the thread. The receipt names the file."""
        if self._files is None:
            raise PermanentError("files cannot be carried without a session")
        content = await self._files.download(effect.file, limit=MOST_BYTES)
        asked = self._client.files_getUploadURLExternal(filename=_name(effect.file), length=len(content))
        slot = await call(asked)
        file_id, url = word(slot.get("file_id")), word(slot.get("upload_url"))
        await self._put(url, content)
        showing = self._client.files_completeUploadExternal(
            files=[{"id": file_id, "title": _name(effect.file)}],
            channel_id=place.channel_id,
            thread_ts=place.thread_ts,
            initial_comment=lines.sent_a_file(effect.author_name, effect.language),
        )
        await call(showing)
        return Receipt(place.channel_id, file_id)

    async def find_file(self, effect: RelayFile, place: Place, *, since: float) -> Receipt | None:
        """The upload an interrupted attempt has left in the thread."""
        if place.thread_ts is None:
            return None
        waiting = self._client.conversations_replies(
            channel=place.channel_id, ts=place.thread_ts, oldest=f"{since:.6f}", limit=_PAGE
        )
        for message in items((await call(waiting)).get("messages")):
            if not message.get("bot_id") or float(word(message.get("ts")) or 0) < since:
                continue
            for file in items(message.get("files")):
                if (file.get("name"), file.get("size")) == (_name(effect.file), effect.file.size):
                    return Receipt(place.channel_id, word(file.get("id")))
        return None

    async def delete_file(self, file: Receipt) -> None:
        """Take an upload of ours away, wherever it is shown."""
        try:
            await call(self._client.files_delete(file=file.ts))
        except SlackRefusalError as error:
            if error.error not in _GONE:
                raise

    async def _put(self, url: str, content: bytes) -> None:
        if self._files is None or self._client.session is None or not self._files.is_slack(url):
            raise PermanentError("the upload would not go to Slack's servers")
        try:
            asking = self._client.session.post(url, data=content, proxy=self._client.proxy)
            async with asking as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise TransientError(f"the upload broke off: {type(error).__name__}") from error
        if (refusal := refusal_of(status)) is not None:
            raise refusal

    async def _may_customize(self) -> bool:
        """Whether our token has the scope; every answer of Slack's names those it has."""
        known = self._scopes.get(_SCOPE)
        if known is None:
            try:
                headers: Any = (await self._client.auth_test()).headers
            except LockedOutError:
                raise
            except Exception as error:  # noqa: BLE001 - then the name stands in front of the words
                logger.info("slack.scopes_unknown", extra={"fields": {"error": type(error).__name__}})
                return False
            told = {name.lower(): value for name, value in dict(headers).items()}.get("x-oauth-scopes", "")
            known = _SCOPE in {scope.strip() for scope in str(told).split(",")}
            self._scopes.put(_SCOPE, known)
        return known


def _name(file: File) -> str:
    return one_line(file.name, 200) or "file"
