"""One WebSocket of Socket Mode, from Slack's hello to its end.

Own code on aiohttp's WebSocket, because the SDK's client hides what a watchdog must see: it reconnects inside its own
tasks, for ever and without a growing pause, tries a used address again, and hangs up before it has a new connection.
Bolt still does everything with what arrives.
"""

import asyncio
import json
import logging
from contextlib import suppress
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.domain.errors import TransientError
from bot.slack.reading import obj, word

logger = logging.getLogger(__name__)

OPEN_SECONDS = 10.0
"""For the handshake and Slack's hello."""
CLOSE_SECONDS = 2.5
"""For what is being stored when we hang up; a little longer than storing may take."""
LARGEST_FRAME = 16 * 1024 * 1024
_OK = 200
_TEXT = aiohttp.WSMsgType.TEXT
_LEAST_AGE, _MORE_AGE = 60.0, 60.0


class SocketLink:
    """Takes envelopes, hands each to Bolt, acknowledges it. Opened by `open_link`."""

    def __init__(self, app: AsyncApp, socket: aiohttp.ClientWebSocketResponse, hello: dict[str, Any]) -> None:
        self._app = app
        self._socket = socket
        told = obj(hello.get("debug_info")).get("approximate_connection_time")
        self.lifetime = max(_LEAST_AGE, float(told)) + _MORE_AGE if isinstance(told, int | float) else None
        """Seconds after which Slack should have replaced this connection; None when it did not tell."""
        self.leaving = asyncio.Event()
        """Set when a new connection is needed: this one ended, or Slack says that it will."""
        self.reason = ""
        """Why it is leaving: Slack's own word, or `lost`."""
        self._closing = False
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def is_open(self) -> bool:
        """Whether events can arrive here."""
        return not (self._socket.closed or self._closing)

    async def serve(self) -> None:
        """Take frames until the connection ends; raises nothing."""
        async with asyncio.TaskGroup() as group:
            try:
                async for frame in self._socket:
                    if frame.type is _TEXT and not self._closing:
                        self._take(frame.data, group)
            except (aiohttp.ClientError, OSError) as error:
                logger.info("slack.socket_broke", extra={"fields": {"error": type(error).__name__}})
            self.leave("lost")

    def leave(self, reason: str) -> None:
        """Ask for a new connection; the first reason counts."""
        if not self.leaving.is_set():
            self.reason = reason
            self.leaving.set()

    async def close(self) -> None:
        """Finish what is under way, take nothing new, hang up. Never raises."""
        self._closing = True
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), CLOSE_SECONDS)
        try:
            await self._socket.close()
        except (aiohttp.ClientError, OSError) as error:  # closed enough
            logger.info("slack.socket_close_failed", extra={"fields": {"error": type(error).__name__}})

    def _take(self, text: str, group: asyncio.TaskGroup) -> None:
        message = read_frame(text)
        match word(message.get("type")):
            case "disconnect":
                self.leave(word(message.get("reason")) or "disconnect")
            case "hello":
                pass
            case _:
                request = _request(message)
                if request is None:
                    logger.warning("slack.socket_odd_frame", extra={"fields": {"length": len(text)}})
                    return
                self._under_way += 1
                self._idle.clear()
                group.create_task(self._handle(request))

    async def _handle(self, request: SocketModeRequest) -> None:
        """Acknowledge what Bolt took; what it did not take Slack delivers again."""
        try:
            response = await run_async_bolt_app(self._app, request)
            if response.status == _OK:
                await self._socket.send_str(json.dumps(_acknowledgement(request.envelope_id, response)))
        except (aiohttp.ClientError, OSError) as error:  # stored all the same; the next delivery is a twin
            logger.info("slack.not_acknowledged", extra={"fields": {"error": type(error).__name__}})
        except Exception as error:  # noqa: BLE001 - Bolt stumbled over an odd body; its text could hold customers' words
            logger.error("slack.request_failed", extra={"fields": {"error": type(error).__name__, "ours": False}})  # noqa: TRY400 - likewise
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()


async def open_link(
    app: AsyncApp, session: aiohttp.ClientSession, url: str, *, heartbeat: float, proxy: str | None, ssl: Any
) -> SocketLink:
    """Connect and wait for Slack's hello; TransientError, with Slack's own word for the reason if it gave one.

    `heartbeat`: seconds without a sign after which we ping; a silence of half as many more is the end.
    """
    timeout = aiohttp.ClientWSTimeout(ws_close=1.0)
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            socket = await session.ws_connect(
                url, heartbeat=heartbeat, proxy=proxy, ssl=ssl, timeout=timeout, max_msg_size=LARGEST_FRAME
            )
            try:
                return SocketLink(app, socket, await _hello(socket))
            except BaseException:
                await socket.close()
                raise
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        raise TransientError(f"the socket did not open: {type(error).__name__}") from error


async def _hello(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    async for frame in socket:
        message = read_frame(frame.data) if frame.type is _TEXT else {}
        if message.get("type") == "hello":
            return message
        if message.get("type") == "disconnect":
            raise TransientError(word(message.get("reason")) or "disconnect")
    raise TransientError("the socket closed before its hello")


def read_frame(text: str) -> dict[str, Any]:
    """The frame's object; empty when it is none."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def _request(message: dict[str, Any]) -> SocketModeRequest | None:
    """The envelope in a frame; None when it is none that Bolt could read."""
    if not (word(message.get("type")) and word(message.get("envelope_id")) and obj(message.get("payload"))):
        return None
    return SocketModeRequest.from_dict(message)


def _acknowledgement(envelope_id: str, response: BoltResponse) -> dict[str, Any]:
    """The envelope's id, and what the request wants for an answer (a command's text, a form's errors)."""
    if not response.body:
        return {"envelope_id": envelope_id}
    is_json = response.first_headers().get("content-type", "").startswith("application/json")
    payload = json.loads(response.body) if is_json else {"text": response.body}
    return {"envelope_id": envelope_id, "payload": payload}
