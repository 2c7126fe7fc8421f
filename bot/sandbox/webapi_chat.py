"""Web API methods that post, change and remove messages."""

from bot.sandbox import strict
from bot.sandbox.backend import Args, Backend
from bot.sandbox.records import Channel
from bot.sandbox.streams import is_live
from bot.sandbox.wire import Json, SlackError


def _content(backend: Backend, args: Args, limit: int) -> Json:
    """The visible part of a message, validated."""
    values: Json = {
        "text": args.text("text"),
        "markdown_text": args.text("markdown_text"),
        "blocks": args.data("blocks", "invalid_blocks_format"),
        "attachments": args.data("attachments", "invalid_attachments"),
    }
    if backend.config.strict:
        strict.check_message(values, limit)
    markdown = values.pop("markdown_text")
    if markdown:
        values.update(text=markdown, blocks=[{"type": "markdown", "text": markdown}])
    return {name: value for name, value in values.items() if value is not None}


def _metadata(args: Args) -> Json:
    metadata = args.data("metadata", "invalid_metadata_format")
    if metadata is None:
        return {}
    if metadata == {}:
        return {"metadata": None}
    strict.check_metadata(metadata)
    return {"metadata": metadata}


def _target(backend: Backend, args: Args) -> Channel:
    """A channel by id or name, or a person (whose direct conversation is meant)."""
    ref = args.need("channel", "channel_not_found")
    if ref in backend.workspace.people:
        return backend.workspace.open_dm(ref)
    by_name = {c.name: c.id for c in backend.workspace.channels.values() if c.name}
    return backend.joined(Args({"channel": by_name.get(ref.removeprefix("#"), ref)}))


def thread_root(channel: Channel, thread_ts: str) -> Json:
    """The root message of a thread that is to be replied to."""
    root = channel.messages.get(thread_ts)
    if root is None:
        raise SlackError("thread_not_found")
    if root.get("thread_ts", thread_ts) != thread_ts:
        raise SlackError("cannot_reply_to_message", "[ERROR] thread_ts must be the ts of the thread's first message")
    return root


def _look(args: Args) -> Json:
    """chat:write.customize fields, shown as given."""
    return {name: args.text(name) for name in ("username", "icon_emoji", "icon_url") if name in args}


def _check_customize(backend: Backend, look: Json) -> None:
    if look and "chat:write.customize" not in backend.config.scopes:
        provided = ",".join(sorted(backend.config.scopes))
        raise SlackError("missing_scope", needed="chat:write.customize", provided=provided)


def post_message(backend: Backend, args: Args) -> Json:
    """chat.postMessage."""
    channel = _target(backend, args)
    content = _content(backend, args, strict.POST_TEXT_LIMIT)
    look = _look(args)
    _check_customize(backend, look)
    thread_ts = args.text("thread_ts")
    if thread_ts:
        root = thread_root(channel, thread_ts)
        content["thread_ts"] = thread_ts
        if args.flag("reply_broadcast"):
            content.update(subtype="thread_broadcast", root=dict(root))
    content.update({name: value for name, value in _metadata(args).items() if value})
    message = backend.workspace.post(channel.id, backend.bot_message({**content, **look}))
    return {"ok": True, "channel": channel.id, "ts": message["ts"], "message": message}


def update(backend: Backend, args: Args) -> Json:
    """chat.update: text without blocks removes the old blocks; blocks alone keep the old text."""
    channel = backend.joined(args)
    ts = args.need("ts", "message_not_found")
    message = backend.own_message(channel, ts, "cant_update_message")
    if is_live(message):
        raise SlackError("streaming_state_conflict")
    fields = _content(backend, args, strict.UPDATE_TEXT_LIMIT)
    only_text = bool(fields["text"]) and "blocks" not in fields
    if only_text:
        fields["blocks"] = None
    if not fields["text"]:
        del fields["text"]
    if fields.get("blocks") == []:
        fields["blocks"] = None
    fields.update(_metadata(args))
    ready = {name: value for name, value in backend.bot_message(fields).items() if name in fields}
    changed = backend.workspace.edit(channel.id, ts, ready, backend.me if only_text else "")
    return {"ok": True, "channel": channel.id, "ts": ts, "text": changed.get("text", ""), "message": changed}


def delete(backend: Backend, args: Args) -> Json:
    """chat.delete."""
    channel = backend.joined(args)
    ts = args.need("ts", "message_not_found")
    backend.own_message(channel, ts, "cant_delete_message")
    backend.workspace.delete(channel.id, ts)
    return {"ok": True, "channel": channel.id, "ts": ts}


def post_ephemeral(backend: Backend, args: Args) -> Json:
    """chat.postEphemeral: the person must be in the channel."""
    channel = backend.joined(args)
    user = args.need("user")
    content = _content(backend, args, strict.POST_TEXT_LIMIT)
    if user not in backend.workspace.people or user not in channel.members:
        raise SlackError("user_not_in_channel")
    look = _look(args)
    _check_customize(backend, look)
    if args.text("thread_ts"):
        thread_root(channel, args.text("thread_ts"))
        content["thread_ts"] = args.text("thread_ts")
    shown = backend.workspace.post_ephemeral(channel.id, user, backend.bot_message({**content, **look}))
    return {"ok": True, "message_ts": shown["ts"]}


def get_permalink(backend: Backend, args: Args) -> Json:
    """chat.getPermalink."""
    channel = backend.channel(args)
    ts = args.need("message_ts", "message_not_found")
    return {"ok": True, "channel": channel.id, "permalink": backend.workspace.permalink(channel.id, ts)}


def reactions_add(backend: Backend, args: Args) -> Json:
    """reactions.add."""
    message = _reactable(backend, args)
    name = args.need("name", "invalid_name").strip(":")
    reactions: list[Json] = message.setdefault("reactions", [])
    entry = next((r for r in reactions if r["name"] == name), None)
    if entry is None:
        entry = {"name": name, "users": [], "count": 0}
        reactions.append(entry)
    if backend.me in entry["users"]:
        raise SlackError("already_reacted")
    entry["users"].append(backend.me)
    entry["count"] = len(entry["users"])
    backend.workspace.refresh(args.text("channel"), message["ts"])
    return {"ok": True}


def reactions_remove(backend: Backend, args: Args) -> Json:
    """reactions.remove."""
    message = _reactable(backend, args)
    name = args.need("name", "invalid_name").strip(":")
    entry = next((r for r in message.get("reactions", []) if r["name"] == name and backend.me in r["users"]), None)
    if entry is None:
        raise SlackError("no_reaction")
    entry["users"].remove(backend.me)
    entry["count"] = len(entry["users"])
    message["reactions"] = [r for r in message["reactions"] if r["count"]]
    backend.workspace.refresh(args.text("channel"), message["ts"])
    return {"ok": True}


def _reactable(backend: Backend, args: Args) -> Json:
    channel = backend.joined(args)
    return backend.workspace.message(channel.id, args.need("timestamp", "no_item_specified"))
