"""Effects → calls of Slack's Web API. One attempt each; repeating is the outbox's."""

import logging
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.effects import (
    Outgoing,
    Place,
    Receipt,
    Relay,
    Remove,
    SetSession,
    ShowAnswer,
    ShowCard,
    ShowInStaffThread,
    ShowLive,
    ShowNotice,
    SuggestPrompts,
    Whisper,
)
from bot.domain.errors import PermanentError, TransientError
from bot.ports.slack import CardSource, Target
from bot.slack.marks import Marks, client_msg_id, metadata, part_key
from bot.slack.render import lines
from bot.slack.render.answer import answer_messages
from bot.slack.render.blocks import Payload
from bot.slack.render.card import card
from bot.slack.web import SlackRefusalError, call

logger = logging.getLogger(__name__)

_BAD_BLOCKS = frozenset(("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"))
_VANISHED = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})
"""Answers of chat.update after which the words are posted anew."""
_ALREADY_GONE = frozenset({"message_not_found", "channel_not_found", "thread_not_found"})
_LOOK_BACK = 120.0
"""Seconds between our clock and Slack's, at most."""
_PROMPTS, _PROMPT_TITLE, _PROMPT_TEXT, _SESSION_TITLE = 4, 75, 1000, 200

Shown = ShowAnswer | ShowNotice | ShowLive | ShowCard | ShowInStaffThread | Relay
"""Effects that end as messages."""


class SlackMessenger:
    """Implements `bot.ports.slack.Messenger`."""

    def __init__(self, client: AsyncWebClient, cards: CardSource) -> None:
        self._client = client
        self._cards = cards
        self._marks = Marks(client)

    async def deliver(self, outgoing: Outgoing, target: Target) -> Receipt | None:
        match outgoing.effect:
            case Remove():
                await self._remove(target)
            case Whisper() as whisper:
                await self._whisper(whisper)
            case SetSession() as session:
                await self._set_session(session)
            case SuggestPrompts() as prompts:
                await self._suggest(prompts)
            case shown:
                return await self._show(outgoing, shown, target)
        return None

    async def find(self, outgoing: Outgoing, target: Target, *, since: float) -> Receipt | None:
        """Only when all messages of the effect are there; a half-posted one is completed by `deliver`."""
        effect = outgoing.effect
        if isinstance(effect, Remove | Whisper | SetSession | SuggestPrompts):
            return None
        keys = [part_key(outgoing.key, index) for index in range(len(await self._messages(effect)))]
        found = await self._look(keys, _where(effect, target), since=since)
        return found[outgoing.key] if len(found) == len(keys) else None

    async def progress(self, receipt: Receipt, text: str) -> bool:
        content = lines.live(text)
        try:
            await call(self._client.chat_update(channel=receipt.channel_id, ts=receipt.ts, **_content(content)))
        except (TransientError, PermanentError) as error:
            logger.info("slack.progress_dropped", extra={"fields": {"reason": str(error)}})
            return not (isinstance(error, TransientError) and error.ambiguous)
        return True

    async def _messages(self, effect: Shown) -> list[Payload]:
        match effect:
            case ShowAnswer():
                return answer_messages(effect.answer)
            case ShowNotice():
                return lines.notice(effect.text)
            case ShowLive():
                return [lines.live(effect.text)]
            case ShowCard():
                return [await self._card(effect)]
            case ShowInStaffThread():
                return lines.staff_reply(effect.text, effect.author_name)
            case Relay():
                return lines.relay(effect.text, effect.author_name)

    async def _card(self, effect: ShowCard) -> Payload:
        try:
            return card(await self._cards(effect.escalation_id))
        except KeyError as error:
            raise PermanentError("there is no such case") from error

    async def _show(self, outgoing: Outgoing, effect: Shown, target: Target) -> Receipt:
        """Post the messages of an effect; the first replaces `target.edit`, those already there are left alone."""
        messages = await self._messages(effect)
        place = _where(effect, target)
        there = await self._parts_there(outgoing, len(messages), place)
        receipts = []
        for index, content in enumerate(messages):
            key = part_key(outgoing.key, index)
            edit = target.edit if index == 0 else None
            receipts.append(there.get(key) or await self._put(key, content, place, edit))
        return receipts[0]

    async def _parts_there(self, outgoing: Outgoing, count: int, place: Place) -> dict[str, Receipt]:
        """What an earlier attempt left of an effect of several messages (of a single one, `find` tells)."""
        if count == 1:
            return {}
        since = float(place.thread_ts) if place.thread_ts else 0.0
        return await self._look([part_key(outgoing.key, index) for index in range(count)], place, since=since)

    async def _put(self, key: str, content: Payload, place: Place, edit: Receipt | None) -> Receipt:
        """Show it; as plain text when Slack does not like our blocks: better a plain answer than none."""
        try:
            return await self._place(key, content, place, edit)
        except SlackRefusalError as error:
            if error.error not in _BAD_BLOCKS or not content.get("text"):
                raise
            logger.warning("slack.blocks_refused", extra={"fields": {"key": key, "error": error.error}})
            return await self._place(key, {"text": content["text"], "blocks": []}, place, edit)

    async def _place(self, key: str, content: Payload, place: Place, edit: Receipt | None) -> Receipt:
        if edit is not None:
            try:
                return await self._update(key, content, edit)
            except SlackRefusalError as error:
                if error.error not in _VANISHED:
                    raise
        answer = await call(
            self._client.chat_postMessage(
                channel=place.channel_id,
                thread_ts=place.thread_ts,
                metadata=metadata(key),
                unfurl_links=False,
                unfurl_media=False,
                client_msg_id=client_msg_id(key),
                **_content(content),
            )
        )
        return Receipt(str(answer.get("channel") or place.channel_id), str(answer["ts"]))

    async def _update(self, key: str, content: Payload, edit: Receipt) -> Receipt:
        await call(
            self._client.chat_update(channel=edit.channel_id, ts=edit.ts, metadata=metadata(key), **_content(content))
        )
        return edit

    async def _look(self, keys: list[str], place: Place, *, since: float) -> dict[str, Receipt]:
        start = max(0.0, since - _LOOK_BACK)
        return await self._marks.find(set(keys), place.channel_id, place.thread_ts, since=start)

    async def _remove(self, target: Target) -> None:
        if target.edit is None:
            return
        try:
            await call(self._client.chat_delete(channel=target.edit.channel_id, ts=target.edit.ts))
        except SlackRefusalError as error:
            if error.error not in _ALREADY_GONE:
                raise

    async def _whisper(self, effect: Whisper) -> None:
        place = effect.place
        await call(
            self._client.chat_postEphemeral(
                channel=place.channel_id,
                user=effect.user_id,
                thread_ts=place.thread_ts,
                **_content(lines.whisper(effect.text)),
            )
        )

    async def _set_session(self, effect: SetSession) -> None:
        await call(
            self._client.agents_sessions_setStatus(
                channel_id=effect.place.channel_id,
                thread_ts=effect.place.thread_ts,
                status=effect.status.value,
                title=effect.title[:_SESSION_TITLE] or None,
            )
        )

    async def _suggest(self, effect: SuggestPrompts) -> None:
        """Without thread_ts: in the Messages tab Slack ignores prompts for a thread."""
        prompts = [
            {"title": title[:_PROMPT_TITLE], "message": message[:_PROMPT_TEXT]}
            for title, message in effect.prompts[:_PROMPTS]
        ]
        waiting = self._client.assistant_threads_setSuggestedPrompts(
            channel_id=effect.place.channel_id, title=effect.title or None, prompts=prompts
        )
        await call(waiting)


def _where(effect: Shown, target: Target) -> Place:
    """A reply under a card goes under the card wherever the card really is; all else where the effect says."""
    if not isinstance(effect, ShowInStaffThread):
        return effect.place
    if target.under is None:
        raise PermanentError("there is no card to reply under")
    return Place(effect.place.team_id, target.under.channel_id, target.under.ts)


def _content(content: Payload) -> dict[str, Any]:
    return {"text": content["text"], "blocks": content["blocks"]}
