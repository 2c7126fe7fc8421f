"""A Slack that delivers twice, loses acknowledgements and fails, and a witness who remembers what everybody saw."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from bot.sandbox.config import SandboxConfig
from bot.sandbox.delivery import FIRST, Ack, PayloadKind, Retry, Transport
from bot.sandbox.records import Change, ChannelSeed, Company, Person
from bot.sandbox.sample import fernway
from bot.sandbox.server import SandboxServer
from bot.sandbox.wire import TaskOwner
from bot.sandbox.workspace import Workspace
from tests.fakes.desk_people import BOT, Shown
from tests.fakes.sandbox_driver import SandboxDriver

Json = dict[str, Any]
ROOMS = 8
STAFF = 12
CUSTOMERS = ("U0ANA", "U0BO", "U0CHIDI", "U0DARIA", "U0EMI")
_FAULTY_METHODS = (
    "*", "chat.postMessage", "chat.update", "chat.delete", "chat.postEphemeral", "conversations.replies",
    "conversations.history", "conversations.members", "users.info", "agents.sessions.setStatus", "chat.startStream",
    "chat.appendStream", "chat.stopStream", "apps.connections.open", "auth.test",
)  # fmt: skip
_FAULTS = ("ratelimited", "http_500", "reset_after", "reset_after", "reset_before", "delay", "delay")


def crowded() -> Company:
    """The sample company with more rooms and more colleagues, so that conversations do not wait for one another."""
    company = fernway()
    everybody = company.channels[0].members
    staff = tuple(
        Person(f"U0STAFF{n}", f"staff{n}", f"Staff {n}", f"staff{n}@fernway.example", "staff") for n in range(STAFF)
    )
    ids = tuple(person.id for person in staff)
    channels = tuple(
        replace(seed, members=(*seed.members, *ids)) if seed.id != "C0SUPPORT" else seed for seed in company.channels
    )
    rooms = tuple(ChannelSeed(f"C0ROOM{n}", f"room-{n}", everybody, "Questions") for n in range(ROOMS))
    return replace(company, people=(*company.people, *staff), channels=(*channels, *rooms))


@dataclass
class Weather:
    """How Slack behaves; may be changed while it runs."""

    double_deliveries: float = 0.1
    lost_acknowledgements: float = 0.05
    double_presses: float = 0.1
    calls_between_faults: float = 1.0
    """Seconds between two faults of the Web API, on average; 0 for none. One that no call meets is replaced."""


class PostOffice:
    """Carries payloads; delivers some of them twice, and forgets some acknowledgements."""

    def __init__(self, inner: Transport, weather: Weather, chance: Random) -> None:
        self._inner = inner
        self._weather = weather
        self._chance = chance
        self._tasks = TaskOwner()
        self.doubled = 0
        self.forgotten = 0
        self.undelivered: set[str] = set()
        """Ids of events that were sent and not yet acknowledged."""

    @property
    def connected(self) -> bool:
        return self._inner.connected

    async def wait_until_connected(self, seconds: float) -> bool:
        return await self._inner.wait_until_connected(seconds)

    async def close(self) -> None:
        await self._tasks.close()
        await self._inner.close()

    async def send(self, kind: PayloadKind, payload: Json, retry: Retry = FIRST) -> Ack:
        is_event = kind == "events_api"
        if is_event:
            self.undelivered.add(payload["event_id"])
        if self._chance.random() < (self._weather.double_deliveries if is_event else self._weather.double_presses):
            self.doubled += 1
            self._tasks.spawn(self._once_more(kind, payload), "a second delivery")
        ack = await self._inner.send(kind, payload, retry)
        if is_event and ack.ok and self._chance.random() < self._weather.lost_acknowledgements:
            self.forgotten += 1
            return Ack(ok=False, reason="timeout")
        if is_event and ack.ok:
            self.undelivered.discard(payload["event_id"])
        return ack

    async def _once_more(self, kind: PayloadKind, payload: Json) -> None:
        await asyncio.sleep(self._chance.choice((0.0, 0.05, 0.5, 2.0)))
        await self._inner.send(kind, payload)


class TorturedSlack(SandboxServer):
    """The sandbox in bad weather."""

    def __init__(self, config: SandboxConfig, weather: Weather, chance: Random) -> None:
        super().__init__(config)
        self.weather = weather
        self._chance = chance
        self._transport = self.post_office = PostOffice(self._transport, weather, chance)
        self.faults = 0

    async def misbehave(self, driver: SandboxDriver) -> None:
        """Let calls of the Web API fail now and then, until cancelled."""
        while self.weather.calls_between_faults:
            await asyncio.sleep(self._chance.expovariate(1 / self.weather.calls_between_faults))
            fault = {"method": self._chance.choice(_FAULTY_METHODS), "kind": self._chance.choice(_FAULTS)}
            seconds = self._chance.choice((0.2, 1.0, 3.0)) if fault["kind"] == "delay" else 0.0
            await driver.call("faults/clear")  # one that no call has met would wait, and soon there would be many
            await driver.call("fault", **fault, seconds=seconds, retry_after=1)
            self.faults += 1


@dataclass(frozen=True)
class Sight:
    """Something of the bot's that was shown, changed or taken away."""

    at: float
    what: str
    ts: str
    key: str
    text: str

    @property
    def kind(self) -> str:
        return self.key.split(":", maxsplit=1)[0]


@dataclass
class Room:
    """One thread: what stands in it of the bot's, and all that ever did."""

    messages: dict[str, Json] = field(default_factory=dict)
    """Slack's own objects by ts: always as they are now."""
    sights: list[Sight] = field(default_factory=list)

    def shown(self) -> list[Shown]:
        """The bot's messages as they stand."""
        return [Shown(message) for message in self.messages.values()]

    def spoken(self) -> Iterator[Sight]:
        """What brought words that did not stand there before; the end of a stream, by itself, brings none."""
        stood: dict[str, str] = {}
        for sight in self.sights:
            if sight.what != "deleted" and sight.text != stood.get(sight.ts):
                yield sight
            stood[sight.ts] = sight.text


@dataclass(frozen=True)
class CardSight:
    """A card in a staff channel; the message is Slack's own object, always as it is now."""

    channel: str
    message: Json

    def shown(self) -> Shown:
        return Shown(self.message)


class Witness:
    """Remembers what the bot showed, by thread, without ever looking through a whole channel."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.threads: dict[tuple[str, str], Room] = {}
        self.cards: dict[str, list[CardSight]] = {}
        """Root messages in staff channels by the outbox key on them."""
        workspace.subscribe(self._see)

    def thread(self, channel: str, ts: str) -> Room:
        return self.threads.setdefault((channel, ts), Room())

    def card_of(self, story: int) -> CardSight | None:
        """The newest card about a story, as long as it names it."""
        named = re.compile(rf"(?:case |#){story}\.\d")
        cards = [card for several in self.cards.values() for card in several]
        return next((card for card in reversed(cards) if named.search(card.shown().text)), None)

    def card_in(self, channel: str, ts: str) -> CardSight | None:
        """The newest card that links to a thread."""
        link = f"/{channel}/p{ts.replace('.', '')}"
        cards = [card for several in self.cards.values() for card in several]
        return next((card for card in reversed(cards) if link in json.dumps(card.message)), None)

    def rooms(self) -> Iterator[tuple[tuple[str, str], Room]]:
        return iter(self.threads.items())

    def _see(self, change: Change) -> None:
        if change.kind not in ("posted", "edited", "deleted"):
            return
        message = change.data if change.kind != "deleted" else change.before or {}
        if message.get("user") != BOT:
            return
        ts, root = str(message["ts"]), str(message.get("thread_ts") or message["ts"])
        room = self.thread(change.channel, root)
        if change.kind == "deleted":
            room.messages.pop(ts, None)
        else:
            room.messages[ts] = message
        key = key_of(message)
        if root == ts and key.startswith("card:"):
            cards = self.cards.setdefault(key.removesuffix(":default"), [])
            if all(card.message is not message for card in cards):
                cards.append(CardSight(change.channel, message))
        at = asyncio.get_running_loop().time()
        room.sights.append(Sight(at, change.kind, ts, key, Shown(message).everything))


def key_of(message: Json) -> str:
    """The outbox key a message carries."""
    return str(message.get("metadata", {}).get("event_payload", {}).get("key", ""))
