"""response_url: a short-lived address through which the app answers one interaction."""

from dataclasses import dataclass

from aiohttp import web

from bot.sandbox import strict
from bot.sandbox.backend import Backend
from bot.sandbox.wire import Json, SlackError

USES = 5
LIFE_SECONDS = 30 * 60.0


@dataclass
class Reply:
    """Whom an answer goes to: the person, the channel, and the message it came from (if any)."""

    channel: str
    user: str
    ts: str = ""
    is_ephemeral: bool = False
    uses: int = USES
    expires_at: float = 0.0


class Responses:
    """Hands out response_urls and takes what the app posts to them."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._open: dict[str, Reply] = {}
        self.base_url = ""

    def url(self, reply: Reply) -> str:
        """A new response_url: five uses in thirty minutes."""
        reply.expires_at = self._backend.workspace.clock() + LIFE_SECONDS
        self._forget_old()
        response_id = self._backend.workspace.make_id("r")
        self._open[response_id] = reply
        return f"{self.base_url}/commands/response/{response_id}"

    def _forget_old(self) -> None:
        now = self._backend.workspace.clock()
        while self._open:
            oldest = next(iter(self._open))
            if self._open[oldest].expires_at > now:
                return
            del self._open[oldest]

    async def handle(self, request: web.Request) -> web.Response:
        """One post of the app to a response_url."""
        reply = self._open.get(request.match_info["id"])
        if reply is None or reply.expires_at < self._backend.workspace.clock():
            return web.json_response({"ok": False, "error": "expired_url"}, status=404)
        if reply.uses <= 0:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        try:
            body = await request.json()
            if not isinstance(body, dict):
                return web.Response(status=400, text="invalid_payload")
            self.apply(reply, body)
        except ValueError:
            return web.Response(status=400, text="invalid_payload")
        except SlackError as refusal:
            return web.json_response(refusal.body(), status=400)
        reply.uses -= 1
        return web.Response(text="ok", content_type="text/plain")

    def apply(self, reply: Reply, body: Json) -> Json | None:
        """Carry out an answer; returns the message that was shown, if one was."""
        if body.get("delete_original"):
            self._delete(reply)
            return None
        content = {name: body[name] for name in ("text", "blocks", "attachments") if body.get(name) is not None}
        content.setdefault("text", "")
        if self._backend.config.strict:
            strict.check_message(content)
        message = self._backend.bot_message(content)
        if body.get("replace_original") and reply.ts:
            return self._replace(reply, message)
        if body.get("thread_ts"):
            message["thread_ts"] = body["thread_ts"]
        workspace = self._backend.workspace
        if body.get("response_type") == "in_channel":
            return workspace.post(reply.channel, message)
        return workspace.post_ephemeral(reply.channel, reply.user, message)

    def _delete(self, reply: Reply) -> None:
        if not reply.ts:
            return
        if reply.is_ephemeral:
            self._backend.workspace.delete_ephemeral(reply.channel, reply.user, reply.ts)
        else:
            self._backend.workspace.delete(reply.channel, reply.ts)

    def _replace(self, reply: Reply, message: Json) -> Json:
        fields = {"blocks": None, "attachments": None, **message}
        workspace = self._backend.workspace
        if reply.is_ephemeral:
            workspace.replace_ephemeral(reply.channel, reply.user, reply.ts, fields)
            return message
        return workspace.edit(reply.channel, reply.ts, fields)
