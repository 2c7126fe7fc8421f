"""`POST /slack/events`: Slack's signed requests on our own aiohttp application."""

import json
import logging
from urllib.parse import parse_qs

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

logger = logging.getLogger(__name__)

BODY_LIMIT = 1_048_576
"""Bytes; Slack's own requests are far smaller."""
_TIMESTAMP_DIGITS = 12
"""Seconds until far beyond the year 30000; with more of them the arithmetic of the check fails."""


class SlackEndpoint:
    """Looks at a request before Bolt does, because Bolt answers 500 to some nonsense (odd timestamps, odd JSON)."""

    def __init__(self, app: AsyncApp, signing_secret: str) -> None:
        self._app = app
        self._verifier = SignatureVerifier(signing_secret)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """413 too large, 401 not signed by Slack, 400 not readable; else what Bolt answers (5xx: Slack sends again)."""
        body = await _read(request)
        if body is None:
            return _refused(413, "too large")
        if not self._is_signed(body, request):
            return _refused(401, "bad signature")
        bolt_request = _bolt_request(body, request)
        if bolt_request is None:
            return _refused(400, "malformed")
        try:
            answer = await self._app.async_dispatch(bolt_request)
        except Exception as error:  # noqa: BLE001 - Bolt stumbled over a signed but odd body, before anything was stored
            return _refused(400, type(error).__name__)
        return await to_aiohttp_response(answer)

    def _is_signed(self, body: bytes, request: web.Request) -> bool:
        timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
        signature = request.headers.get("X-Slack-Signature", "")
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _TIMESTAMP_DIGITS):
            return False
        try:
            return self._verifier.is_valid(body, timestamp, signature)
        except (TypeError, ValueError):  # not text, not a number: not Slack
            return False


async def _read(request: web.Request) -> bytes | None:
    """The body, or None when it is over the limit; no more than the limit is ever held."""
    if (request.content_length or 0) > BODY_LIMIT:
        return None
    body = bytearray()
    async for chunk in request.content.iter_chunked(65_536):
        body += chunk
        if len(body) > BODY_LIMIT:
            return None
    return bytes(body)


def _bolt_request(body: bytes, request: web.Request) -> AsyncBoltRequest | None:
    """Bolt's view of the request; None when Bolt would stumble over it."""
    try:
        text = body.decode()
        if not _is_well_shaped(_decoded(text, request.content_type)):
            return None
        headers = {name: request.headers.getall(name) for name in request.headers}
        return AsyncBoltRequest(body=text, query=request.query_string, headers=headers)  # type: ignore[arg-type] # lists are what it wants
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None


def _decoded(text: str, content_type: str) -> object:
    """The JSON of an event or of a form's `payload`; a command's own fields."""
    if content_type == "application/json" or text.startswith("{"):
        return json.loads(text)
    form = {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}
    return json.loads(form["payload"]) if "payload" in form else form


def _is_well_shaped(body: object) -> bool:
    """What Bolt relies on without looking: an object, and an event that is an object with a type."""
    if not isinstance(body, dict) or not body:
        return False
    if "event" in body:
        return isinstance(body["event"], dict) and isinstance(body["event"].get("type"), str)
    return True


def _refused(status: int, reason: str) -> web.Response:
    logger.warning("slack.http_refused", extra={"fields": {"status": status, "reason": reason}})
    return web.json_response({"error": reason}, status=status)
