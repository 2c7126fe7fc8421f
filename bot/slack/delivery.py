"""Effects → calls of Slack's Web API. One attempt each; repeating is the outbox's."""

import logging
from contextlib import suppress
from dataclasses import replace
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.effects import (
    AskRating,
    Outgoing,
    Place,
    Progress,
    Receipt,
    Relay,
    RelayFile,
    Remove,
    Session,
    SetSession,
    ShowAnswer,
    ShowCard,
    ShowHome,
    ShowInStaffThread,
    ShowLesson,
    ShowLive,
    ShowNotice,
    SuggestPrompts,
    Whisper,
)
from bot.domain.errors import OvertakenError, PermanentError, TransientError
from bot.ports.clock import Clock, system_clock
from bot.ports.slack import CardSource, HomeSource, LiveState, StillOurs, Target
from bot.slack import silence
from bot.slack.marks import Marks, client_msg_id, metadata, part_key
from bot.slack.relaying import Relaying
from bot.slack.render import lines
from bot.slack.render.answer import answer_messages
from bot.slack.render.blocks import Payload
from bot.slack.render.card import card
from bot.slack.render.home import home_view
from bot.slack.render.lesson import lesson_message
from bot.slack.render.live import live_line
from bot.slack.render.plain import plain_parts
from bot.slack.render.rating import rating_message
from bot.slack.stream import Streams
from bot.slack.web import SlackRefusalError, call, has_room, is_free

logger = logging.getLogger(__name__)

_BAD_BLOCKS = frozenset(("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"))
_VANISHED = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})
"""Answers of chat.update after which the words are posted anew."""
_ALREADY_GONE = frozenset({"message_not_found", "channel_not_found", "thread_not_found"})
_NO_HOME_TAB = "not_enabled"
"""Of views.publish: an app that was installed before it had a Home tab."""
_LOOK_BACK = 120.0
"""Seconds between our clock and Slack's, at most."""
_PROMPTS, _PROMPT_TITLE, _PROMPT_TEXT, _SESSION_TITLE = 4, 75, 1000, 200

Shown = ShowAnswer | ShowNotice | ShowLive | ShowCard | ShowInStaffThread | ShowLesson | Relay | AskRating
"""Effects that end as messages."""


class SlackMessenger:
    """Implements `bot.ports.slack.Messenger`."""

    def __init__(
        self,
        client: AsyncWebClient,
        cards: CardSource,
        *,
        homes: HomeSource | None = None,
        clock: Clock = system_clock,
        streams: bool = True,
    ) -> None:
        self._client = client
        self._cards = cards
        self._homes = homes
        self._marks = Marks(client)
        self._streams = Streams(client, clock)
        self._relaying = Relaying(client, clock)
        self._may_stream = streams

    async def deliver(self, outgoing: Outgoing, target: Target) -> Receipt | None:
        async with silence.only_while(target.still_ours):
            return await self._deliver(outgoing, target)

    async def _deliver(self, outgoing: Outgoing, target: Target) -> Receipt | None:
        match outgoing.effect:
            case Remove():
                await self._remove(target)
            case Whisper() as whisper:
                await self._whisper(whisper)
            case SetSession() as session:
                await self._set_session(session, target)
            case SuggestPrompts() as prompts:
                await self._suggest(prompts)
            case ShowHome() as home:
                await self._publish(home)
            case RelayFile() as file:
                return await self._relaying.send_file(file, _where(file, target))
            case ShowLive() as live:
                return await self._begin(outgoing, live, target)
            case shown:
                return await self._show(outgoing, shown, target)
        return None

    async def find(self, outgoing: Outgoing, target: Target, *, since: float) -> Receipt | None:
        """Only when all messages of the effect are there; a half-posted one is completed by `deliver`."""
        effect = outgoing.effect
        if isinstance(effect, Remove | Whisper | SetSession | SuggestPrompts | ShowHome):
            return None
        if isinstance(effect, RelayFile):
            return await self._relaying.find_file(effect, _where(effect, target), since=max(0.0, since - _LOOK_BACK))
        keys = [part_key(outgoing.key, index) for index in range(len(await self._messages(effect)))]
        place = _where(effect, target)
        found = await self._look(keys, place, since=since)
        if isinstance(effect, ShowLive) and effect.reader is not None and place.thread_ts and not found:
            orphan = await self._marks.unmarked(place.channel_id, place.thread_ts, since=max(0.0, since - _LOOK_BACK))
            return replace(orphan, streamed=True) if orphan else None
        return found[outgoing.key] if len(found) == len(keys) else None

    async def progress(self, receipt: Receipt, progress: Progress, still_ours: StillOurs | None = None) -> LiveState:
        try:
            async with silence.only_while(still_ours):
                return await self._progress(receipt, progress)
        except OvertakenError:
            return LiveState(receipt, is_shown=False)

    async def _progress(self, receipt: Receipt, progress: Progress) -> LiveState:
        shown = await self._streams.show(receipt, progress) if receipt.streamed else None
        if shown is not None:
            return LiveState(receipt, is_shown=shown)
        try:
            if receipt.streamed:
                receipt = await self._streams.stop(receipt, Session.PROCESSING)
            return await self._update_line(receipt, progress)
        except (TransientError, PermanentError) as error:
            logger.info("slack.progress_dropped", extra={"fields": {"reason": str(error)}})
            ambiguous = isinstance(error, TransientError) and error.ambiguous
            return LiveState(receipt, is_shown=False, is_certain=receipt.streamed or not ambiguous)

    async def _update_line(self, receipt: Receipt, progress: Progress) -> LiveState:
        if not await has_room(self._client, "chat.update", receipt.channel_id):
            return LiveState(receipt, is_shown=False)
        content = live_line(progress)
        await call(self._client.chat_update(channel=receipt.channel_id, ts=receipt.ts, **_content(content)))
        return LiveState(receipt)

    async def _begin(self, outgoing: Outgoing, effect: ShowLive, target: Target) -> Receipt | None:
        """The first sign: a stream where there is one reader, else (or if Slack will not) a plain line.

        None when it would come too late: nothing that matters waits for it.
        """
        if effect.reader is None:
            return await self._show(outgoing, effect, target)
        if self._may_stream:
            stream = await self._streams.start(effect.place, effect.text, effect.reader)
            if stream is not None:
                return stream
        if not await is_free(self._client, "chat.postMessage", effect.place.channel_id):
            return None
        receipt = await self._show(outgoing, effect, target)
        if await has_room(self._client, "agents.sessions.setStatus"):
            with suppress(TransientError, PermanentError):
                await self._set_session(SetSession(effect.place, Session.PROCESSING), Target())
        return receipt

    async def _messages(self, effect: Shown) -> list[Payload]:
        match effect:
            case ShowCard():
                return [await self._card(effect)]
            case Relay():
                return await self._relaying.words(effect)
            case _:
                return _drawn(effect)

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
        if target.edit is not None and target.edit.streamed and outgoing.key not in there:
            ended = await self._end_stream(outgoing, effect, messages[0], target.edit, is_repeat=target.is_repeat)
            there[outgoing.key] = ended
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

    async def _end_stream(
        self, outgoing: Outgoing, effect: Shown, content: Payload, stream: Receipt, *, is_repeat: bool
    ) -> Receipt:
        """Let a stream end as this message; in any doubt end it as it is and replace it, so that no word is twice."""
        session = (effect.session if isinstance(effect, ShowAnswer) else None) or Session.ACTIVE
        if isinstance(effect, ShowAnswer) and not is_repeat:
            done = await self._streams.finish(stream, outgoing.key, content, effect.progress, session)
            if done is not None:
                return done
        stopped = await self._streams.stop(stream, session)
        receipt = await self._put(outgoing.key, content, effect.place, stopped)
        return replace(receipt, session=stopped.session)

    async def _put(self, key: str, content: Payload, place: Place, edit: Receipt | None) -> Receipt:
        """Show it; as plain text when Slack does not like our blocks: better a plain answer than none."""
        try:
            return await self._place(key, content, place, edit)
        except SlackRefusalError as error:
            if error.error not in _BAD_BLOCKS:
                raise
            logger.warning("slack.blocks_refused", extra={"fields": {"key": key, "error": error.error}})
            return await self._put_plain(key, content, place, edit)

    async def _put_plain(self, key: str, content: Payload, place: Place, edit: Receipt | None) -> Receipt:
        """Every word without blocks; the last piece carries the mark, so that it is found only when all are there."""
        pieces = plain_parts(content)
        keys = [*(f"{key}~{number}" for number in range(1, len(pieces))), key]
        there = await self._look(keys, place, since=float(place.thread_ts or 0)) if len(pieces) > 1 else {}
        receipts = []
        for index, (mark, piece) in enumerate(zip(keys, pieces, strict=True)):
            words: Payload = {"text": piece, "blocks": []}
            receipts.append(there.get(mark) or await self._place(mark, words, place, None if index else edit))
        return receipts[0]

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
                **_look(content),
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
        if target.edit.is_file:
            await self._relaying.delete_file(target.edit)
            return
        if target.edit.streamed:
            await self._streams.stop(target.edit, Session.ACTIVE)
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

    async def _set_session(self, effect: SetSession, target: Target) -> None:
        if target.edit is not None and target.edit.session is effect.status:
            return
        await call(
            self._client.agents_sessions_setStatus(
                channel_id=effect.place.channel_id,
                thread_ts=effect.place.thread_ts,
                status=effect.status.value,
                title=effect.title[:_SESSION_TITLE] or None,
            )
        )

    async def _publish(self, effect: ShowHome) -> None:
        """What is shown is read now, and later ones follow in the same lane: the newest state wins."""
        if self._homes is None:
            raise PermanentError("there are no Home tabs here")
        view = home_view(await self._homes(effect.user_id))
        try:
            await call(self._client.views_publish(user_id=effect.user_id, view=view))
        except SlackRefusalError as error:
            if error.error != _NO_HOME_TAB:
                raise
            logger.info("slack.no_home_tab")

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


def _drawn(effect: ShowAnswer | ShowNotice | ShowLive | ShowInStaffThread | ShowLesson | AskRating) -> list[Payload]:
    """The messages of what holds all that it shows."""
    match effect:
        case ShowAnswer():
            return answer_messages(effect.answer)
        case ShowNotice():
            return lines.notice(effect.text)
        case ShowLive():
            return [lines.live(effect.text, effect.language)]
        case ShowInStaffThread():
            return lines.staff_reply(effect.text, effect.author_name, effect.calls)
        case ShowLesson():
            return [lesson_message(effect)]
        case AskRating():
            return [rating_message(effect)]


def _where(effect: Shown | RelayFile, target: Target) -> Place:
    """A reply under a card goes under the card wherever the card really is; all else where the effect says."""
    is_file_under = isinstance(effect, RelayFile) and not effect.place.thread_ts
    if not (is_file_under or isinstance(effect, ShowInStaffThread | ShowLesson)):
        return effect.place
    if target.under is None:
        raise PermanentError("there is no card to reply under")
    return Place(effect.place.team_id, target.under.channel_id, target.under.ts)


def _look(content: Payload) -> dict[str, Any]:
    return dict(content.get("look", {}))


def _content(content: Payload) -> dict[str, Any]:
    return {"text": content["text"], "blocks": content["blocks"]}
