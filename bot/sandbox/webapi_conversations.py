"""Web API methods about conversations: what they are, who is in them, what was written."""

from bot.sandbox.backend import Args, Backend
from bot.sandbox.paging import page
from bot.sandbox.records import Channel
from bot.sandbox.scopes import listing_kinds
from bot.sandbox.wire import Json, SlackError

_KIND_NAMES = {"public_channel": "channel", "private_channel": "group", "im": "im"}


def channel_json(backend: Backend, channel: Channel) -> Json:
    """Slack's channel object."""
    common: Json = {
        "id": channel.id,
        "created": channel.created,
        "is_archived": False,
        "is_im": channel.kind == "im",
        "is_mpim": False,
        "context_team_id": backend.config.company.team.id,
        "updated": channel.created * 1000,
    }
    if channel.kind == "im":
        return {**common, "user": channel.im_user, "is_user_deleted": False, "is_open": True}
    return {
        **common,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.is_private,
        "is_group": channel.is_private,
        "is_private": channel.is_private,
        "is_general": False,
        "is_shared": False,
        "is_ext_shared": channel.is_shared,
        "is_org_shared": False,
        "is_member": backend.me in channel.members,
        "creator": next(iter(sorted(channel.members)), ""),
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "num_members": len(channel.members),
    }


def info(backend: Backend, args: Args) -> Json:
    """conversations.info."""
    channel = channel_json(backend, backend.channel(args))
    if not args.flag("include_num_members"):
        channel.pop("num_members", None)
    return {"ok": True, "channel": channel}


def listing(backend: Backend, args: Args) -> Json:
    """conversations.list: only kinds the token has scopes for."""
    wanted = {name.strip() for name in args.text("types", "public_channel").split(",")}
    if not wanted <= {*_KIND_NAMES, "mpim"}:
        raise SlackError("invalid_types")
    kinds = {_KIND_NAMES[name] for name in wanted if name in _KIND_NAMES} & listing_kinds(backend.config.scopes)
    shown = [c for c in backend.workspace.channels_of(backend.me) if c.kind in kinds]
    channels, cursor = page(shown, args)
    return {
        "ok": True,
        "channels": [channel_json(backend, channel) for channel in channels],
        "response_metadata": {"next_cursor": cursor},
    }


def members(backend: Backend, args: Args) -> Json:
    """conversations.members, in pages."""
    channel = backend.channel(args)
    shown, cursor = page(sorted(channel.members), args)
    return {"ok": True, "members": shown, "response_metadata": {"next_cursor": cursor}}


def join(backend: Backend, args: Args) -> Json:
    """conversations.join, public channels only."""
    channel = backend.channel(args)
    if channel.kind != "channel":
        raise SlackError("method_not_supported_for_channel_type")
    already = backend.me in channel.members
    channel.members.add(backend.me)
    answer: Json = {"ok": True, "channel": channel_json(backend, channel)}
    return {**answer, "warning": "already_in_channel"} if already else answer


def open_im(backend: Backend, args: Args) -> Json:
    """conversations.open, for one person (group messages are not part of this workspace)."""
    if args.text("channel"):
        channel = backend.channel(args)
    else:
        users = [user for user in args.text("users").split(",") if user]
        if len(users) != 1:
            raise SlackError("users_list_not_supplied" if not users else "not_enough_users")
        if backend.workspace.person(users[0]).bot_id:
            raise SlackError("cannot_dm_bot")
        channel = backend.workspace.open_dm(users[0])
    shown = channel_json(backend, channel) if args.flag("return_im") else {"id": channel.id}
    return {"ok": True, "channel": shown}


def history(backend: Backend, args: Args) -> Json:
    """conversations.history: newest first, without thread replies (except broadcast ones)."""
    channel = _readable(backend, args)
    top = [m for m in channel.messages.values() if _is_top(m)]
    shown = [m for m in reversed(top) if _within(m["ts"], args)]
    return _answer(shown, args)


def replies(backend: Backend, args: Args) -> Json:
    """conversations.replies: the root and its replies, oldest first."""
    channel = _readable(backend, args)
    ts = args.need("ts", "thread_not_found")
    message = channel.messages.get(ts)
    if message is None:
        raise SlackError("thread_not_found")
    root_ts = message.get("thread_ts", ts)
    thread = backend.workspace.thread(channel.id, root_ts if root_ts == ts else ts)
    return _answer([m for m in thread if m["ts"] == root_ts or _within(m["ts"], args)], args)


def _readable(backend: Backend, args: Args) -> Channel:
    channel = backend.channel(args)
    if backend.me not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _is_top(message: Json) -> bool:
    root = message.get("thread_ts")
    return root is None or root == message["ts"] or message.get("subtype") == "thread_broadcast"


def _within(ts: str, args: Args) -> bool:
    oldest, latest, inclusive = args.text("oldest"), args.text("latest"), args.flag("inclusive")
    try:
        low = float(oldest) if oldest else 0.0
        high = float(latest) if latest else float("inf")
        at = float(ts)
    except ValueError:
        raise SlackError("invalid_ts_latest" if latest else "invalid_ts_oldest") from None
    return low <= at <= high if inclusive else low < at < high


def _answer(messages: list[Json], args: Args) -> Json:
    shown, cursor = page(messages, args)
    keep = args.flag("include_all_metadata")
    visible = [dict(m) if keep else {k: v for k, v in m.items() if k != "metadata"} for m in shown]
    return {"ok": True, "messages": visible, "has_more": bool(cursor), "response_metadata": {"next_cursor": cursor}}
