"""Signed HTTP: payloads are posted to the app's request URL with Slack's signature."""

import asyncio
import hashlib
import hmac
import json
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.config import SandboxConfig
from bot.sandbox.delivery import FIRST, Ack, PayloadKind, Retry
from bot.sandbox.wire import Json

_OK = 200


def sign(secret: str, timestamp: int, body: str) -> str:
    """Slack's v0 signature of a request body."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()


class HttpMode:
    """The transport for an app with a request URL."""

    def __init__(self, config: SandboxConfig, request_url: str) -> None:
        self._config = config
        self._url = request_url
        self._session: aiohttp.ClientSession | None = None

    @property
    def connected(self) -> bool:
        """A request URL counts as reachable until it is called."""
        return True

    async def wait_until_connected(self, seconds: float) -> bool:  # noqa: ARG002 - part of the Transport
        """Nothing to wait for."""
        return True

    async def send(self, kind: PayloadKind, payload: Json, retry: Retry = FIRST) -> Ack:
        """Post once; anything but 200 within the acknowledgement time is a failure."""
        body, content_type = _encode(kind, payload)
        timestamp = int(self._config.clock())
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": str(timestamp),
            "X-Slack-Signature": sign(self._config.signing_secret, timestamp, body),
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        }
        if retry.attempt:
            headers.update({"X-Slack-Retry-Num": str(retry.attempt), "X-Slack-Retry-Reason": retry.reason})
        try:
            async with asyncio.timeout(self._config.ack_seconds):
                return await self._post(body, headers)
        except TimeoutError:
            return Ack(ok=False, reason="http_timeout")
        except aiohttp.ClientError:
            return Ack(ok=False, reason="connection_failed")

    async def close(self) -> None:
        """Close the client session."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, body: str, headers: dict[str, str]) -> Ack:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        async with self._session.post(self._url, data=body.encode(), headers=headers, allow_redirects=False) as answer:
            no_retry = answer.headers.get("x-slack-no-retry") == "1"
            text = await answer.text()
            if answer.status != _OK:
                return Ack(ok=False, reason="http_error", no_retry=no_retry)
            return Ack(ok=True, payload=_decode(text, answer.content_type), no_retry=no_retry)


def _encode(kind: PayloadKind, payload: Json) -> tuple[str, str]:
    if kind == "events_api":
        return json.dumps(payload), "application/json"
    form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(form), "application/x-www-form-urlencoded"


def _decode(text: str, content_type: str) -> Json:
    if not text.strip():
        return {}
    if content_type != "application/json":
        return {"text": text}
    try:
        answer = json.loads(text)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
