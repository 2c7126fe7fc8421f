"""Slack's JSON → the desk's values. Pure, and None for whatever is not for us; never raises on malformed input."""

from bot.domain.conversation import Surface, ThreadKey
from bot.domain.incoming import (
    File,
    HomeOpened,
    Incoming,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    MessagesTabOpened,
    StopPressed,
)
from bot.slack.identity import Identity
from bot.slack.parse_consent import question
from bot.slack.parse_origin import Envelope, author_team, envelope_of, is_guest
from bot.slack.parse_owner import comment, lesson, rating, reaction
from bot.slack.parse_press import press, submission
from bot.slack.reading import TEXT_LIMIT, Json, count, first, items, mentions, obj, plain_text, word

_SPOKEN = (None, "", "file_share", "thread_broadcast")
_BY_BOTS = "bot_message"
_PREVIEWS = (1024, 960, 800, 720, 480, 360)
"""Pixels along the longer edge, of what Slack makes of a picture; best first."""


def parse(body: object, me: Identity) -> Incoming | None:
    """What a request of Slack means for the desk; None when nothing (our own doings, unknown events, views to open)."""
    whole = obj(body)
    match word(whole.get("type")):
        case "event_callback":
            return _event(obj(whole.get("event")), envelope_of(whole, me))
        case "block_actions":
            return rating(whole, me) or lesson(whole, me) or press(whole, me)
        case "view_submission":
            return comment(whole, me) or question(whole, me) or submission(whole, me)
        case _:
            return None


def _event(event: Json, around: Envelope) -> Incoming | None:
    match word(event.get("type")):
        case "app_mention":
            return _message(event, around)
        case "message":
            return _message_event(event, around)
        case "app_home_opened":
            return _tab(event, around)
        case "agent_session_stopped":
            return _stop(event, around)
        case "reaction_added":
            return reaction(event, around.me, around.event_id)
        case _:
            return None


def _message_event(event: Json, around: Envelope) -> Incoming | None:
    match event.get("subtype"):
        case "message_changed":
            return _edited(event, around)
        case "message_deleted":
            return _deleted(event, around)
        case _:
            return _message(event, around)


def _is_ours(message: Json, me: Identity) -> bool:
    bot = first(message.get("bot_id"), obj(message.get("bot_profile")).get("id"))
    return bool((bot and bot == me.bot_id) or (me.user_id and message.get("user") == me.user_id))


def _message(event: Json, around: Envelope) -> MessageReceived | None:
    me, subtype, bot_id = around.me, event.get("subtype"), word(event.get("bot_id")) or None
    spoken = subtype in _SPOKEN or (subtype == _BY_BOTS and bot_id is not None)
    if not spoken or _is_ours(event, me) or event.get("hidden") is True:
        return None
    channel, ts, user = word(event.get("channel")), word(event.get("ts")), first(event.get("user"), bot_id)
    if not (channel and ts and user):
        return None
    root = first(event.get("thread_ts"), ts)
    return MessageReceived(
        thread=ThreadKey(me.team_id, channel, root),
        surface=_surface(event, channel),
        ts=ts,
        user_id=user,
        text=plain_text(event.get("text"), me.user_id),
        mentions_bot=event.get("type") == "app_mention" or mentions(event.get("text"), me.user_id),
        is_root=root == ts,
        author_team=author_team(event, around),
        bot_id=bot_id,
        client_msg_id=word(event.get("client_msg_id")) or None,
        event_id=around.event_id,
        files=tuple(_file(entry) for entry in items(event.get("files")) if word(entry.get("id"))),
        quoted=_quoted(event, me, from_bot=bot_id is not None),
        is_shared=around.is_shared,
        is_guest=is_guest(event),
    )


def _surface(event: Json, channel: str) -> Surface:
    kind = word(event.get("channel_type"))
    return Surface.DM if kind == "im" or (not kind and channel.startswith("D")) else Surface.CHANNEL


def _file(entry: Json) -> File:
    return File(
        id=word(entry.get("id")),
        name=first(entry.get("name"), entry.get("title"), "file")[:255],
        media_type=first(entry.get("mimetype"), "application/octet-stream"),
        size=count(entry.get("size")),
        url=first(entry.get("url_private"), entry.get("url_private_download")),
        preview=first(*(entry.get(f"thumb_{edge}") for edge in _PREVIEWS)),
    )


def _quoted(event: Json, me: Identity, *, from_bot: bool) -> str:
    """Forwarded and quoted messages; of a bot's message every attachment, for there the content is."""
    texts = []
    for entry in items(event.get("attachments")):
        if not (from_bot or entry.get("is_share") is True or entry.get("is_msg_unfurl") is True):
            continue
        text = plain_text(first(entry.get("text"), entry.get("fallback"), entry.get("pretext")), me.user_id)
        author = first(entry.get("author_name"), entry.get("author_subname"), entry.get("title"))
        if text:
            texts.append(f"{author}: {text}" if author else text)
    return "\n\n".join(texts)[:TEXT_LIMIT]


def _edited(event: Json, around: Envelope) -> Incoming | None:
    me = around.me
    message, before = obj(event.get("message")), obj(event.get("previous_message"))
    channel, ts, user = word(event.get("channel")), word(message.get("ts")), word(message.get("user"))
    if not (channel and ts) or _is_ours(message, me) or message.get("bot_id"):
        return None
    thread = ThreadKey(me.team_id, channel, first(message.get("thread_ts"), before.get("thread_ts"), ts))
    if message.get("subtype") == "tombstone":  # what is left of a deleted root that has replies
        is_human = bool(before.get("user")) and not before.get("bot_id") and not _is_ours(before, me)
        return MessageDeleted(thread, ts, around.event_id) if is_human else None
    if not user or message.get("subtype") not in _SPOKEN:
        return None
    text = plain_text(message.get("text"), me.user_id)
    is_direct = channel.startswith("D")  # there every word is for us, with or without our name
    names_us = mentions(message.get("text"), me.user_id) and not mentions(before.get("text"), me.user_id)
    turns_to_us = names_us and not is_direct
    if text == plain_text(before.get("text"), me.user_id) and not turns_to_us:
        return None  # Slack unfurled a link
    where = {"channel": channel, "channel_type": event.get("channel_type")}
    again = _message({**message, **where}, around) if turns_to_us else None
    at = first(obj(message.get("edited")).get("ts"), event.get("event_ts"), event.get("ts"))
    return MessageEdited(thread, ts, user, text, around.event_id, at, again)


def _deleted(event: Json, around: Envelope) -> MessageDeleted | None:
    me = around.me
    before, channel = obj(event.get("previous_message")), word(event.get("channel"))
    ts = first(event.get("deleted_ts"), before.get("ts"))
    if not (channel and ts) or before.get("bot_id") or _is_ours(before, me):
        return None
    root = first(before.get("thread_ts"), event.get("thread_ts"), ts)
    return MessageDeleted(ThreadKey(me.team_id, channel, root), ts, around.event_id)


def _tab(event: Json, around: Envelope) -> MessagesTabOpened | HomeOpened | None:
    channel, user = word(event.get("channel")), word(event.get("user"))
    if event.get("tab") == "home" and user:
        return HomeOpened(around.me.team_id, user, around.event_id)
    if event.get("tab") != "messages" or not (channel and user):
        return None
    return MessagesTabOpened(around.me.team_id, channel, user, around.event_id)


def _stop(event: Json, around: Envelope) -> StopPressed | None:
    channel = first(event.get("channel"), event.get("channel_id"))
    thread, user = word(event.get("thread_ts")), word(event.get("user"))
    if not (channel and thread and user):
        return None
    return StopPressed(ThreadKey(around.me.team_id, channel, thread), user, around.event_id)
