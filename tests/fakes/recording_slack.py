"""Slack's Web API in memory, below our own client: what is asked of it is written down the moment it leaves."""

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.slack.web import PacedClient

Json = dict[str, Any]
_WORDS = ("chat.postMessage", "chat.update", "chat.startStream", "chat.appendStream", "chat.stopStream")
STAFF = "C0STAFF"


@dataclass(frozen=True)
class Call:
    """One request that changed something."""

    method: str
    given: Json
    after: bool
    """Whether the moment of interest had come."""

    @property
    def key(self) -> str:
        """Outbox key of the effect, where it is marked."""
        metadata = self.given.get("metadata") or {}
        metadata = json.loads(metadata) if isinstance(metadata, str) else metadata
        return str(metadata.get("event_payload", {}).get("key", ""))

    @property
    def shows_words(self) -> bool:
        """Whether a customer sees new words by it."""
        if self.method not in _WORDS or self.given.get("channel") == STAFF:
            return False
        return self.method != "chat.stopStream" or bool(self.given.get("chunks") or self.given.get("blocks"))


@dataclass
class Messages:
    """What stands in the workspace."""

    shown: dict[str, Json] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    moment: Callable[[], bool] = lambda: False

    def words_after(self) -> list[Call]:
        """Everything that showed words to a customer after the moment of interest."""
        return [call for call in self.calls if call.after and call.shows_words]


class RecordingSlack(PacedClient):
    """The client of one workspace whose requests go nowhere."""

    def __init__(self, messages: Messages) -> None:
        nowhere: Any = object()
        super().__init__(token="xoxb-fake", session=nowhere)
        self._messages = messages
        self._ts = itertools.count(1)

    async def _request(self, *, http_verb: str, api_url: str, req_args: Json) -> Json:
        method = api_url.rsplit("/", 1)[-1]
        given = {**(req_args.get("params") or {}), **(req_args.get("data") or {}), **(req_args.get("json") or {})}
        if method.startswith(("chat.", "agents.")) and method != "chat.getPermalink":
            self._messages.calls.append(Call(method, given, self._messages.moment()))
        answer = self._answer(method, given)
        await asyncio.sleep(0)  # on its way
        await asyncio.sleep(0)  # and back
        headers = {"x-oauth-scopes": "chat:write,chat:write.customize"}
        return {"data": {"ok": True, **answer}, "headers": headers, "status_code": 200}

    def _answer(self, method: str, given: Json) -> Json:  # noqa: PLR0911 - one per method
        match method:
            case "chat.postMessage" | "chat.startStream":
                ts = f"1800000000.{next(self._ts):06d}"
                self._messages.shown[ts] = given
                return {"channel": given["channel"], "ts": ts}
            case "chat.update":
                self._messages.shown[given["ts"]] = given
                return {"channel": given["channel"], "ts": given["ts"]}
            case "chat.delete":
                self._messages.shown.pop(given["ts"], None)
                return {}
            case "chat.getPermalink":
                return {"permalink": "https://fernway.slack.com/archives/C1/p1"}
            case "users.info":
                return {"user": {"id": given["user"], "team_id": "T1", "profile": {"real_name": given["user"].title()}}}
            case "conversations.members":
                return {"members": ["U0SAM", "U0GRACE", "U0BOT"]}
            case "conversations.replies" | "conversations.history":
                return {"messages": []}
            case _:
                return {}
