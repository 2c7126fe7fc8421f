"""A receiver of signed webhooks that keeps tickets, as the Standard Webhooks specification asks of one."""

import base64
import hashlib
import hmac

from aiohttp import web

from tests.fakes.ticket_systems.base import Json, TicketSystem
from tests.fakes.tools import HeldClock

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
_TOLERANCE = 300.0


class WebhookServer(TicketSystem):
    def __init__(self, clock: HeldClock) -> None:
        super().__init__(clock)
        self.tells_ids = True
        self.ids = "HOOK-{}"
        self._bodies: dict[str, bytes] = {}

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/hooks/tickets", self._take), web.get("/tickets/{id}", self._one)]

    def is_create(self, request: web.Request, body: Json) -> bool:
        return request.method == "POST"

    def is_allowed(self, request: web.Request) -> bool:
        """The signature is looked at where the body is."""
        return True

    def solve(self, id_: str) -> None:
        next(one for one in self.tickets if one["id"] == id_)["status"] = "solved"

    async def _take(self, request: web.Request) -> web.Response:
        raw = await request.read()
        if not self._is_signed(request, raw):
            return web.json_response({"error": "bad signature"}, status=401)
        mark, event = request.headers["webhook-id"], await request.json()
        known = next((one for one in self.tickets if one["mark"] == mark), None)
        if self._bodies.setdefault(mark, raw) != raw:
            return web.json_response({"error": "another body under a known id"}, status=409)
        if known is None:
            id_ = self.ids.format(len(self.tickets) + 1)
            known = {"id": id_, "mark": mark, "status": "open", "_at": self.clock(), **event["data"], "event": event}
            known["id"] = id_
            self.tickets.append(known)
        return web.json_response({"id": known["id"]}) if self.tells_ids else web.Response(status=202)

    async def _one(self, request: web.Request) -> web.Response:
        if not self._is_signed(request, b""):
            return web.json_response({"error": "bad signature"}, status=401)
        found = [one for one in self.tickets if one["id"] == request.match_info["id"]]
        return web.json_response({"status": found[0]["status"]}) if found else web.Response(status=404)

    def _is_signed(self, request: web.Request, raw: bytes) -> bool:
        id_, at = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "0")
        digest = hmac.new(KEY, f"{id_}.{at}.".encode() + raw, hashlib.sha256).digest()
        wanted = f"v1,{base64.b64encode(digest).decode()}"
        fresh = abs(self.clock() - float(at)) <= _TOLERANCE
        return fresh and hmac.compare_digest(request.headers.get("webhook-signature", ""), wanted)
