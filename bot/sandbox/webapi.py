"""The Web API: who may call, what each method does, and what is answered."""

import asyncio
import copy
import json
import logging
import math
from collections import deque
from collections.abc import Callable, Mapping

from aiohttp import web

from bot.sandbox import oauth, openid, scopes
from bot.sandbox import webapi_chat as chat
from bot.sandbox import webapi_conversations as conversations
from bot.sandbox import webapi_info as info
from bot.sandbox import webapi_streams as streams
from bot.sandbox import webapi_views as views
from bot.sandbox.backend import Args, Backend
from bot.sandbox.faults import SPOILS, Fault, Faults
from bot.sandbox.limits import RateLimits
from bot.sandbox.records import ChannelKind
from bot.sandbox.wire import Json, SlackError

logger = logging.getLogger(__name__)

Method = Callable[[Backend, Args], Json]

CALLS_KEPT = 5_000
HANG_SECONDS = 30.0
"""Longer than any caller waits."""
_BEARER = "Bearer "


def methods() -> Mapping[str, Method]:
    """Every method this workspace knows."""
    stream = streams.StreamMethods()
    return {
        "auth.test": info.auth_test,
        "bots.info": info.bots_info,
        "team.info": info.team_info,
        "users.info": info.users_info,
        "users.list": info.users_list,
        "users.lookupByEmail": info.users_lookup_by_email,
        "usergroups.list": info.usergroups_list,
        "usergroups.users.list": info.usergroups_users_list,
        "chat.postMessage": chat.post_message,
        "chat.update": chat.update,
        "chat.delete": chat.delete,
        "chat.postEphemeral": chat.post_ephemeral,
        "chat.getPermalink": chat.get_permalink,
        "reactions.add": chat.reactions_add,
        "reactions.remove": chat.reactions_remove,
        "chat.startStream": stream.start,
        "chat.appendStream": stream.append,
        "chat.stopStream": stream.stop,
        "agents.sessions.setStatus": streams.set_session_status,
        "agents.sessions.rename": streams.rename_session,
        "assistant.threads.setStatus": streams.set_thread_status,
        "assistant.threads.setTitle": streams.set_thread_title,
        "assistant.threads.setSuggestedPrompts": streams.set_prompts,
        "conversations.info": conversations.info,
        "conversations.list": conversations.listing,
        "conversations.members": conversations.members,
        "conversations.join": conversations.join,
        "conversations.open": conversations.open_im,
        "conversations.history": conversations.history,
        "conversations.replies": conversations.replies,
        "views.open": views.views_open,
        "views.push": views.views_push,
        "views.update": views.views_update,
        "views.publish": views.views_publish,
        "blocks.validate": views.blocks_validate,
        "apps.connections.open": views.connections_open,
        "oauth.v2.access": oauth.access,
        "openid.connect.token": openid.token,
        "apps.uninstall": oauth.uninstall,
        "auth.revoke": oauth.revoke,
        "files.delete": views.files_delete,
        "files.info": views.files_info,
        "files.getUploadURLExternal": views.get_upload_url,
        "files.completeUploadExternal": views.complete_upload,
    }


class WebApi:
    """Answers `/api/<method>` and remembers the calls."""

    def __init__(self, backend: Backend, faults: Faults) -> None:
        self._backend = backend
        self._faults = faults
        self._methods = methods()
        self._limits = RateLimits(backend.config.clock)
        self.calls: deque[Json] = deque(maxlen=CALLS_KEPT)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One HTTP request of the app."""
        method = request.match_info["method"]
        try:
            values, token = await _read(request)
        except SlackError as refusal:
            return web.json_response(refusal.body())
        fault = self._faults.take(method)
        if fault is not None and fault.kind not in SPOILS:
            early = await self._early(request, method, values, fault)
            if early is not None:
                return early
        if fault is not None and fault.kind in SPOILS and not fault.effect:
            self._remember(method, values, {"ok": False, "error": fault.kind})
            return await _spoilt(request, fault, {"ok": True})
        status, answer, headers = self._answer(method, values, token)
        self._remember(method, values, answer)
        if fault is not None and fault.kind in SPOILS:
            return await _spoilt(request, fault, answer)
        return web.json_response(answer, status=status, headers=headers)

    async def _early(self, request: web.Request, method: str, values: Json, fault: Fault) -> web.StreamResponse | None:
        """What a fault answers before the method runs; None lets it run."""
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
            return None
        error = {"error": fault.error, "ratelimited": "ratelimited"}.get(fault.kind, fault.kind)
        self._remember(method, values, {"ok": False, "error": error})
        match fault.kind:
            case "ratelimited":
                headers = {"Retry-After": str(fault.retry_after)} if fault.retry_after >= 0 else {}
                return web.json_response({"ok": False, "error": error}, status=429, headers=headers)
            case "http_500":
                return web.Response(status=500, text="<html><body>Server Error</body></html>", content_type="text/html")
            case "reset_before":
                return _cut(request)
            case _:
                return web.json_response({"ok": False, "error": error})

    def _answer(self, method: str, values: Json, token: str) -> tuple[int, Json, dict[str, str]]:
        backend = self._backend
        headers = {"x-oauth-scopes": ",".join(sorted(backend.config.scopes))}
        values = copy.deepcopy(values)
        try:
            self._authorize(method, token)
            args = Args(values)
            scopes.require(method, backend.config.scopes, self._kind(args))
            wait = self._limits.wait(method, args.text("channel")) if backend.config.rate_limits else 0.0
            if wait > 0:
                retry = {"Retry-After": str(max(1, math.ceil(wait)))}
                return 429, {"ok": False, "error": "ratelimited"}, retry
            return 200, self._methods[method](backend, args), headers
        except SlackError as refusal:
            return 200, refusal.body(), headers

    def _authorize(self, method: str, token: str) -> None:
        config = self._backend.config
        if method not in self._methods:
            raise SlackError("unknown_method", req_method=method)
        if method in oauth.WITHOUT_TOKEN | openid.WITHOUT_TOKEN:
            return
        if not token:
            raise SlackError("not_authed")
        if token != config.app_token:
            self._backend.grants.check(token)
        wants_app = method == "apps.connections.open"
        if wants_app != (token == config.app_token):
            raise SlackError("not_allowed_token_type")

    def _kind(self, args: Args) -> ChannelKind | None:
        channel = self._backend.workspace.channels.get(args.text("channel"))
        return channel.kind if channel is not None else None

    def _remember(self, method: str, values: Json, answer: Json) -> None:
        error = "" if answer.get("ok") else answer.get("error", "")
        at = self._backend.config.clock()
        self.calls.append({"method": method, "args": values, "ok": bool(answer.get("ok")), "error": error, "at": at})
        logger.debug("sandbox.call", extra={"fields": {"method": method, "error": error}})


async def _read(request: web.Request) -> tuple[Json, str]:
    """The arguments (query, form or JSON) and the token."""
    values: Json = dict(request.query)
    if request.content_type == "application/json":
        body = await request.text()
        try:
            given = await request.json() if body else {}
        except ValueError:
            raise SlackError("invalid_json") from None
        if not isinstance(given, dict):
            raise SlackError("json_not_object")
        values.update(given)
    elif request.can_read_body:
        values.update({name: value for name, value in (await request.post()).items() if isinstance(value, str)})
    header = request.headers.get("Authorization", "")
    in_body = str(values.pop("token", ""))
    return values, header.removeprefix(_BEARER) if header.startswith(_BEARER) else in_body


async def _spoilt(request: web.Request, fault: Fault, answer: Json) -> web.StreamResponse:
    """An answer that is no use to the caller."""
    body = json.dumps(answer)
    match fault.kind:
        case "truncated":
            response = web.StreamResponse(headers={"Content-Type": "application/json"})
            response.content_length = len(body) + 100
            await response.prepare(request)
            await response.write(body[: len(body) // 2].encode())
            return _cut(request)
        case "malformed":
            return web.Response(text=body[: len(body) // 2], content_type="application/json")
        case "html":
            return web.Response(
                text="<html><body>Please sign in to the network.</body></html>", content_type="text/html"
            )
        case "hang":
            await asyncio.sleep(fault.seconds or HANG_SECONDS)
    return _cut(request)


def _cut(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
