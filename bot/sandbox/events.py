"""The Events API: what the app is told about the workspace, and how often until it acknowledges."""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass

from bot.sandbox import text
from bot.sandbox.config import SandboxConfig
from bot.sandbox.delivery import Retry, Transport
from bot.sandbox.records import Change, Channel
from bot.sandbox.wire import Json, TaskOwner
from bot.sandbox.workspace import Workspace

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 60.0
"""How long an event waits for an app that has no socket open before that counts as a failed delivery."""

DELIVERIES_KEPT = 5_000
_INTERNAL = {
    "streaming",
    "stopped_by_user",
    "metadata",
    "hidden",
    "reply_count",
    "reply_users",
    "reply_users_count",
    "latest_reply",
}
_SUBSCRIPTION = {"channel": "message.channels", "group": "message.groups", "im": "message.im"}


@dataclass
class Delivery:
    """One event on its way: how often it was sent, and whether it was acknowledged."""

    event_id: str
    type: str
    attempts: int = 0
    acked: bool = False
    ack_ms: float | None = None
    ts: str = ""
    """Of the message it is about; empty for other events."""

    def json(self) -> Json:
        """For the control API."""
        return dict(vars(self))


class Events:
    """Observes the workspace and delivers the events the app is subscribed to."""

    def __init__(self, config: SandboxConfig, workspace: Workspace, transport: Transport, tasks: TaskOwner) -> None:
        self._config = config
        self._workspace = workspace
        self._transport = transport
        self._tasks = tasks
        self.deliveries: deque[Delivery] = deque(maxlen=DELIVERIES_KEPT)
        workspace.subscribe(self._observe)

    def publish(self, event: Json) -> str:
        """Deliver one event if the app is subscribed to it; returns its event_id, or '' if it is not."""
        if not self._subscribed(event):
            return ""
        envelope = self._envelope({"event_ts": self._workspace.next_ts(), **event})
        delivery = Delivery(envelope["event_id"], event["type"], ts=str(event.get("ts", "")))
        self.deliveries.append(delivery)
        self._tasks.spawn(self._deliver(envelope, delivery), f"event {delivery.event_id}")
        return delivery.event_id

    def _subscribed(self, event: Json) -> bool:
        if event["type"] != "message":
            return event["type"] in self._config.events
        kind = event.get("channel_type", "channel")
        return _SUBSCRIPTION.get(kind, "") in self._config.events

    def _envelope(self, event: Json) -> Json:
        company = self._config.company
        grant = {
            "enterprise_id": None,
            "team_id": company.team.id,
            "user_id": company.app.user_id,
            "is_bot": True,
            "is_enterprise_install": False,
        }
        return {
            "token": "sandbox-verification",
            "team_id": company.team.id,
            "context_team_id": company.team.id,
            "context_enterprise_id": None,
            "api_app_id": company.app.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": self._config.make_id("Ev"),
            "event_time": int(self._config.clock()),
            "authorizations": [grant],
            "is_ext_shared_channel": self._is_shared(event),
            "event_context": self._config.make_id("4-"),
        }

    def _is_shared(self, event: Json) -> bool:
        channel = self._workspace.channels.get(str(event.get("channel", "")))
        return channel is not None and channel.is_shared

    async def _deliver(self, envelope: Json, delivery: Delivery) -> None:
        retry = Retry()
        for attempt in range(len(self._config.retry_delays) + 1):
            if attempt:
                await asyncio.sleep(self._config.retry_delays[attempt - 1])
            await self._transport.wait_until_connected(CONNECT_SECONDS)
            started = self._config.clock()
            delivery.attempts += 1
            ack = await self._transport.send("events_api", envelope, retry)
            if ack.ok:
                delivery.acked = True
                delivery.ack_ms = round((self._config.clock() - started) * 1000, 1)
                return
            if ack.no_retry:
                return
            retry = Retry(attempt + 1, ack.reason)
        logger.warning(
            "sandbox.event_given_up", extra={"fields": {"event_id": delivery.event_id, "type": delivery.type}}
        )

    def _observe(self, change: Change) -> None:
        if change.kind == "uninstalled":
            self.publish({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [self._config.company.app.user_id]}})
            self.publish({"type": "app_uninstalled"})
            return
        channel = self._workspace.channels.get(change.channel)
        if channel is None or self._config.company.app.user_id not in channel.members:
            return
        match change.kind:
            case "posted":
                self._posted(channel, change.data)
            case "edited":
                self._changed(channel, change)
            case "deleted":
                self._deleted(channel, change)
            case _:
                pass

    def _posted(self, channel: Channel, message: Json) -> None:
        event = self._outward(message)
        event.update(channel=channel.id, event_ts=message["ts"])
        self.publish({**event, "channel_type": channel.kind})
        app = self._config.company.app
        own = message.get("bot_id") == app.bot_id
        if channel.kind != "im" and not own and text.mentions(message.get("text", ""), app.user_id):
            mention = {
                name: value for name, value in event.items() if name not in ("subtype", "parent_user_id", "root")
            }
            self.publish({**mention, "type": "app_mention"})

    def _changed(self, channel: Channel, change: Change) -> None:
        before = self._outward(change.before or {})
        self._hidden(channel, "message_changed", message=self._outward(change.data), previous_message=before)

    def _deleted(self, channel: Channel, change: Change) -> None:
        before = self._outward(change.before or {})
        self._hidden(channel, "message_deleted", deleted_ts=change.data["ts"], previous_message=before)

    def _hidden(self, channel: Channel, subtype: str, **fields: object) -> None:
        ts = self._workspace.next_ts()
        base: Json = {
            "type": "message",
            "subtype": subtype,
            "channel": channel.id,
            "hidden": True,
            "ts": ts,
            "event_ts": ts,
        }
        self.publish({**base, **fields, "channel_type": channel.kind})

    def _outward(self, message: Json) -> Json:
        """A message as events show it: with a rich_text block if a person typed it, without what the page needs."""
        event = {name: value for name, value in message.items() if name not in _INTERNAL}
        if event.get("text") and "blocks" not in event and "bot_id" not in event:
            event["blocks"] = [text.rich_text(event["text"], self._config.make_id("b"))]
        return event
