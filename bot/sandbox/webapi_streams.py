"""Web API methods of the agent experience: streams, sessions, suggested prompts."""

from bot.sandbox import strict
from bot.sandbox.backend import Args, Backend
from bot.sandbox.records import Channel
from bot.sandbox.streams import Stream, is_live
from bot.sandbox.webapi_chat import thread_root
from bot.sandbox.wire import Json, SlackError

STATUSES = ("active", "processing", "suspended", "closed")
TITLE_LIMIT = 200
PROMPT_LIMIT = 4
LOADING_LIMIT = 10
_MODES = ("timeline", "plan", "dense")


class StreamMethods:
    """chat.startStream, chat.appendStream, chat.stopStream."""

    def __init__(self) -> None:
        self._streams: dict[tuple[str, str], Stream] = {}

    def start(self, backend: Backend, args: Args) -> Json:
        """Begin a streamed reply; the session of the thread becomes `processing`."""
        channel = backend.joined(args)
        thread_ts = args.need("thread_ts", "invalid_arguments")
        thread_root(channel, thread_ts)
        _check_recipient(backend, channel, args)
        mode = args.text("task_display_mode", "timeline")
        if mode not in _MODES:
            raise SlackError("invalid_arguments", "[ERROR] task_display_mode must be timeline, plan or dense")
        now = backend.workspace.clock()
        stream = Stream(mode, backend.config.stream_bytes, now + backend.config.stream_seconds)
        stream.append(args.text("markdown_text"), args.data("chunks", "invalid_chunks"))
        content = {**stream.content(), "thread_ts": thread_ts, "streaming": True}
        message = backend.workspace.post(channel.id, backend.bot_message(content))
        self._streams[(channel.id, message["ts"])] = stream
        backend.workspace.set_session(channel.id, thread_ts, {"status": "processing"})
        return {"ok": True, "channel": channel.id, "ts": message["ts"]}

    def append(self, backend: Backend, args: Args) -> Json:
        """Add text or chunks to a live stream."""
        channel = backend.joined(args)
        message, stream = self._live(backend, channel, args)
        if message.get("stopped_by_user"):
            raise SlackError("stopped_by_user")
        markdown, chunks = args.text("markdown_text"), args.data("chunks", "invalid_chunks")
        if not markdown and not chunks:
            raise SlackError("no_text")
        stream.append(markdown, chunks)
        message.update(backend.bot_message(stream.content()))
        backend.workspace.refresh(channel.id, message["ts"])
        return {"ok": True, "channel": channel.id, "ts": message["ts"]}

    def stop(self, backend: Backend, args: Args) -> Json:
        """Finish a stream with optional last text, blocks, metadata and the status of the session."""
        channel = backend.joined(args)
        message, stream = self._live(backend, channel, args)
        status = args.text("session_status", "active")
        if status not in STATUSES:
            raise SlackError("invalid_arguments", "[ERROR] unknown session_status")
        blocks = args.data("blocks", "invalid_blocks_format")
        if blocks is not None:
            strict.check_blocks(blocks)
        metadata = args.data("metadata", "invalid_metadata_format")
        if metadata:
            strict.check_metadata(metadata)
        stream.append(args.text("markdown_text"), args.data("chunks", "invalid_chunks"))
        fields = {**backend.bot_message(stream.content(blocks)), "streaming": None, "stopped_by_user": None}
        fields["metadata"] = metadata or None
        done = backend.workspace.edit(channel.id, message["ts"], fields)
        del self._streams[(channel.id, message["ts"])]
        backend.workspace.set_session(channel.id, message["thread_ts"], {"status": status})
        return {"ok": True, "channel": channel.id, "ts": message["ts"], "message": done}

    def _live(self, backend: Backend, channel: Channel, args: Args) -> tuple[Json, Stream]:
        ts = args.need("ts", "message_not_found")
        message = backend.own_message(channel, ts, "message_not_owned_by_app")
        stream = self._streams.get((channel.id, ts))
        if stream is None or not is_live(message):
            raise SlackError("message_not_in_streaming_state")
        if backend.workspace.clock() >= stream.ends_at:
            del self._streams[(channel.id, ts)]
            backend.workspace.edit(channel.id, ts, {"streaming": None})
            backend.workspace.set_session(channel.id, message["thread_ts"], {"status": "active"})
            raise SlackError("message_not_in_streaming_state")
        return message, stream


def _check_recipient(backend: Backend, channel: Channel, args: Args) -> None:
    if channel.kind == "im":
        return
    team, user = args.text("recipient_team_id"), args.text("recipient_user_id")
    if not team:
        raise SlackError("missing_recipient_team_id")
    if not user:
        raise SlackError("missing_recipient_user_id")
    person = backend.workspace.person(user)
    if team != (person.team_id or backend.config.company.team.id):
        raise SlackError("team_not_found")


def _check_agent(backend: Backend) -> None:
    if "assistant:write" not in backend.config.scopes:
        raise SlackError("not_agent_app")


def _session_thread(backend: Backend, args: Args) -> tuple[Channel, str]:
    channel = backend.joined(args, "channel_id")
    thread_ts = args.text("thread_ts")
    if thread_ts and thread_ts not in channel.messages:
        raise SlackError("invalid_thread_ts")
    return channel, thread_ts


def set_session_status(backend: Backend, args: Args) -> Json:
    """agents.sessions.setStatus."""
    _check_agent(backend)
    channel, thread_ts = _session_thread(backend, args)
    status, title = args.need("status"), args.text("title")
    if status not in STATUSES or len(title) > TITLE_LIMIT:
        raise SlackError("invalid_arguments", "[ERROR] unknown status or title longer than 200 characters")
    if "initiator_user_id" in args:
        backend.workspace.person(args.text("initiator_user_id"))
    fields: Json = {"status": status, "text": ""}
    if title:
        fields["title"] = title
    backend.workspace.set_session(channel.id, thread_ts, fields)
    if status == "processing" and "agent_session_stopped" not in backend.config.events:
        warning = "missing_agent_session_stopped_event_subscription"
        return {"ok": True, "warning": warning, "response_metadata": {"warnings": [warning]}}
    return {"ok": True}


def rename_session(backend: Backend, args: Args) -> Json:
    """agents.sessions.rename."""
    _check_agent(backend)
    channel, thread_ts = _session_thread(backend, args)
    title = args.need("title")
    if len(title) > TITLE_LIMIT:
        raise SlackError("invalid_arguments", "[ERROR] title longer than 200 characters")
    if backend.workspace.session(channel.id, thread_ts) is None:
        raise SlackError("not_authorized")
    backend.workspace.set_session(channel.id, thread_ts, {"title": title})
    return {"ok": True}


def set_thread_status(backend: Backend, args: Args) -> Json:
    """assistant.threads.setStatus, bridged to sessions: some text is `processing`, none is `active`."""
    channel = backend.joined(args, "channel_id")
    thread_ts = args.need("thread_ts", "invalid_thread_ts")
    if thread_ts not in channel.messages:
        raise SlackError("invalid_thread_ts")
    loading = args.data("loading_messages") or []
    if len(loading) > LOADING_LIMIT:
        raise SlackError("invalid_arguments", "[ERROR] no more than 10 loading_messages")
    text = args.text("status")
    fields = {"status": "processing" if text else "active", "text": text, "loading_messages": loading}
    backend.workspace.set_session(channel.id, thread_ts, fields)
    return {"ok": True}


def set_thread_title(backend: Backend, args: Args) -> Json:
    """assistant.threads.setTitle."""
    channel = backend.joined(args, "channel_id")
    thread_ts = args.need("thread_ts", "invalid_thread_ts")
    if thread_ts not in channel.messages:
        raise SlackError("invalid_thread_ts")
    backend.workspace.set_session(channel.id, thread_ts, {"title": args.need("title")})
    return {"ok": True}


def set_prompts(backend: Backend, args: Args) -> Json:
    """assistant.threads.setSuggestedPrompts: with a thread_ts an agent app's prompts silently do nothing."""
    channel = backend.joined(args, "channel_id")
    prompts = args.data("prompts")
    ok = isinstance(prompts, list) and all(isinstance(p, dict) and p.get("title") and p.get("message") for p in prompts)
    if not ok or len(prompts) > PROMPT_LIMIT:
        raise SlackError("invalid_arguments", "[ERROR] prompts must be at most 4 objects with title and message")
    if channel.kind != "im":
        raise SlackError("channel_type_not_supported")
    if not args.text("thread_ts"):
        backend.workspace.set_prompts(channel.id, args.text("title"), prompts)
    return {"ok": True}
