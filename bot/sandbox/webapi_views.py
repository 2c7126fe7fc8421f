"""Web API methods about modals, Home tabs, files, sockets and validation."""

from bot.sandbox import blockkit, strict
from bot.sandbox.backend import Args, Backend
from bot.sandbox.webapi_chat import thread_root
from bot.sandbox.wire import Json, SlackError

_VALIDATED = ("blocks", "message", "view")


def _view(backend: Backend, args: Args, kind: str) -> Json:
    view = args.data("view")
    if not isinstance(view, dict):
        raise SlackError("invalid_arguments", "[ERROR] missing required field: view")
    if backend.config.strict:
        strict.check_view(view, kind)
    blockkit.fill_ids(view.get("blocks", []), backend.workspace.make_id)
    return view


def _answer(view: Json) -> Json:
    return {"ok": True, "view": {name: value for name, value in view.items() if name != "errors"}}


def views_open(backend: Backend, args: Args) -> Json:
    """views.open."""
    view = _view(backend, args, "modal")
    return _answer(backend.views.open(backend.views.take_trigger(args.need("trigger_id")), view))


def views_push(backend: Backend, args: Args) -> Json:
    """views.push."""
    view = _view(backend, args, "modal")
    return _answer(backend.views.push(backend.views.take_trigger(args.need("trigger_id")), view))


def views_update(backend: Backend, args: Args) -> Json:
    """views.update, by view_id or external_id."""
    view = _view(backend, args, "modal")
    view_id, external_id = args.text("view_id"), args.text("external_id")
    return _answer(backend.views.replace(view_id, external_id, view, args.text("hash")))


def views_publish(backend: Backend, args: Args) -> Json:
    """views.publish."""
    view = _view(backend, args, "home")
    user = backend.workspace.person(args.need("user_id", "user_not_found"))
    return _answer(backend.views.publish(user.id, view, args.text("hash")))


def blocks_validate(_backend: Backend, args: Args) -> Json:
    """blocks.validate: exactly one of blocks, message, view."""
    given = [name for name in _VALIDATED if name in args]
    if len(given) != 1:
        raise SlackError("invalid_arguments", "[ERROR] exactly one of blocks, message, view")
    value = args.data(given[0], "invalid_blocks_format")
    if given[0] == "view":
        problems = strict.view_problems(value)
    else:
        blocks = value.get("blocks") if given[0] == "message" and isinstance(value, dict) else value
        problems = strict.block_problems(blocks)
    if problems:
        raise SlackError("invalid_blocks", *problems)
    return {"ok": True}


def connections_open(backend: Backend, _args: Args) -> Json:
    """apps.connections.open."""
    return {"ok": True, "url": backend.open_socket()}


def files_info(backend: Backend, args: Args) -> Json:
    """files.info."""
    return {"ok": True, "file": backend.files.get(args.need("file", "file_not_found")).meta}


def files_delete(backend: Backend, args: Args) -> Json:
    """files.delete: an app deletes only what it has uploaded; messages keep a tombstone, or go when nothing is left."""
    meta = backend.files.get(args.need("file", "file_not_found")).meta
    if meta["user"] != backend.me:
        raise SlackError("cant_delete_file")
    backend.files.forget(meta["id"])
    return {"ok": True}


def get_upload_url(backend: Backend, args: Args) -> Json:
    """files.getUploadURLExternal."""
    return backend.files.announce_upload(args.need("filename"), args.number("length", 0))


def complete_upload(backend: Backend, args: Args) -> Json:
    """files.completeUploadExternal: the files become real and, with a channel, one message."""
    wanted = args.data("files")
    if not isinstance(wanted, list) or not all(isinstance(f, dict) and f.get("id") for f in wanted):
        raise SlackError("invalid_arguments", "[ERROR] files must be a list of {id, title}")
    channel_ids = [c for c in (args.text("channel_id"), *args.text("channels").split(",")) if c]
    channels = [backend.joined(Args({"channel": channel_id})) for channel_id in channel_ids]
    thread_ts = args.text("thread_ts")
    for channel in channels:
        if thread_ts:
            thread_root(channel, thread_ts)
    metas = [backend.files.complete(f["id"], f.get("title", ""), backend.me) for f in wanted]
    content: Json = {"text": args.text("initial_comment"), "files": metas, "subtype": "file_share"}
    if thread_ts:
        content["thread_ts"] = thread_ts
    for channel in channels:
        backend.workspace.post(channel.id, backend.bot_message(content))
    return {"ok": True, "files": metas}
