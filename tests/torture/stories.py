"""What people do: each story is one conversation, and writes down what must be true of it afterwards."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.fakes.desk_people import Shown
from tests.fakes.sandbox_driver import SandboxDriver
from tests.torture.slack import CUSTOMERS, ROOMS, STAFF, CardSight, Room, Witness

Json = dict[str, Any]
SECRET = "walnutwords"
"""Every message of a customer holds it; no log may."""
PATIENCE = 150.0
"""Seconds until a person gives up waiting: longer than any deadline of the bot's for a stalled call."""
IMPATIENCE = 12.0
"""Seconds until a person presses a button again that seems to have done nothing."""


@dataclass
class Said:
    """A customer's message."""

    label: str
    ts: str
    answered: str
    """`once`: exactly one answer; `never`: a person was in charge; `maybe`: it crossed with a take-over."""


@dataclass
class Conversation:
    """One thread and what is known of it."""

    number: int
    kind: str
    channel: str
    customer: str
    colleague: str
    thread_ts: str = ""
    said: list[Said] = field(default_factory=list)
    relayed: list[str] = field(default_factory=list)
    """Words of the colleague that must stand in the customer's thread exactly once."""
    taken: list[tuple[float, float]] = field(default_factory=list)
    """When a person was in charge, as everybody could read it; loop times."""
    limit_usd: float | None = None
    deeds: list[tuple[float, str]] = field(default_factory=list)
    """What people did; unix seconds."""
    troubles: list[str] = field(default_factory=list)
    """What people waited for in vain."""


class World:
    """Slack with its people, as a story needs it."""

    def __init__(self, driver: SandboxDriver, witness: Witness, set_limit: Callable[[str, float], None]) -> None:
        self.driver = driver
        self.witness = witness
        self.set_limit = set_limit
        """Lets a conversation (by id) cost at most so many USD."""


class Story:
    """One conversation from its first message to its end."""

    def __init__(self, world: World, number: int, seed: int, kind: str = "") -> None:
        self._world = world
        self._chance = Random(f"{seed}/{number}")  # noqa: S311 — chance that can be played again, no secret
        kind = kind or self._chance.choices(list(KINDS), weights=[weight for _, weight in KINDS.values()])[0]
        customer = self._chance.choice(CUSTOMERS)
        in_dm = self._chance.random() < 0.3
        channel = f"D{customer[1:]}" if in_dm else f"C0ROOM{number % ROOMS}"
        self.told = Conversation(number, kind, channel, customer, f"U0STAFF{number % STAFF}")

    async def play(self) -> Conversation:
        """Play it; what did not happen in time is among its troubles."""
        try:
            await KINDS[self.told.kind][0](self)
        except TimeoutError:
            pass
        except AssertionError as error:
            self.told.troubles.append(str(error))
        return self.told

    @property
    def _room(self) -> Room:
        return self._world.witness.thread(self.told.channel, self.told.thread_ts)

    # what people do

    async def says(self, wish: str, *, answered: str = "once") -> Said:
        """The customer writes."""
        told = self.told
        label = f"{told.number}.{len(told.said) + 1}"
        mention = "@deskhand " if not told.thread_ts or self._chance.random() < 0.5 else ""
        place = {"thread_ts": told.thread_ts} if told.thread_ts else {}
        self._note(f"customer writes #{label} {wish}")
        if told.channel.startswith("D"):
            mention = ""
            await self._world.driver.call("dm", user=told.customer)
        text = f"{mention}#{label} {wish} {SECRET}"
        ts = await self._world.driver.says(told.customer, text, channel=told.channel, **place)
        told.thread_ts = told.thread_ts or ts
        said = Said(label, ts, answered)
        told.said.append(said)
        return said

    async def asks(self, wish: str) -> Said:
        """The customer writes and waits for the answer."""
        before = len(self._answers())
        said = await self.says(wish)
        await self._until(lambda: len(self._answers()) > before and not self._lives(), f"the answer to {said.label}")
        return said

    async def edits(self, said: Said, wish: str) -> None:
        self._note(f"customer edits #{said.label}")
        text = f"#{said.label} {wish} {SECRET}"
        told = self.told
        await self._world.driver.call(
            "messages/edit", user=told.customer, channel=told.channel, ts=said.ts, text=f"@deskhand {text}"
        )

    async def presses(self, label: str, *, until: Callable[[Shown], bool]) -> None:
        """The colleague presses a button of the newest card, again and again until it shows what they want."""
        deadline = time.monotonic() + PATIENCE
        card = await self._card()
        while not until(card.shown()):
            if label in card.shown().buttons:
                self._note(f"colleague presses {label}")
                await self._world.driver.call(
                    "press", user=self.told.colleague, channel=card.channel, ts=card.shown().ts,
                    action_id=card.shown().buttons[label],
                )  # fmt: skip
            await self._soon(lambda: until(card.shown()), IMPATIENCE)
            if time.monotonic() > deadline:
                self._fail(f"the card to change after {label}")

    async def takes_over(self) -> None:
        await self.presses("Take over", until=lambda card: "Hand back" in card.buttons)
        await self._until(lambda: bool(self._notices("taken")), "the notice of the take-over")
        self.told.taken.append((asyncio.get_running_loop().time(), float("inf")))

    async def _allows(self) -> None:
        """The colleague allows more, again and again until nobody is asked any more."""
        deadline = time.monotonic() + PATIENCE
        while (card := self._asking_card()) is not None and (labels := self._offers()):
            self._note(f"colleague presses {labels[0]}")
            await self._world.driver.call(
                "press", user=self.told.colleague, channel=card.channel, ts=card.shown().ts,
                action_id=card.shown().buttons[labels[0]],
            )  # fmt: skip
            await self._soon(lambda: not self._offers(), IMPATIENCE)
            if time.monotonic() > deadline:
                self._fail("the card to close after Allow")

    async def writes_for_the_customer(self, words: str) -> None:
        """The colleague writes under the card."""
        self._note("colleague writes under the card")
        self.told.relayed.append(words)
        await self._under_card(words)
        await self._until(lambda: any(words in m.everything for m in self._room.shown()), f"the relay of {words!r}")

    async def hands_back(self) -> None:
        """The colleague types `resume` under the card, again if nothing happens."""
        before = len(self._notices("back"))
        deadline = time.monotonic() + PATIENCE
        while len(self._notices("back")) == before:
            began = asyncio.get_running_loop().time()
            self.told.taken[-1] = (self.told.taken[-1][0], began)
            self._note("colleague types resume")
            await self._under_card("@deskhand resume")
            await self._soon(lambda: len(self._notices("back")) > before, IMPATIENCE)
            if time.monotonic() > deadline:
                self._fail("the hand-back")

    # what people see

    def _answers(self) -> list[Shown]:
        return [m for m in self._room.shown() if m.kind == "answer"]

    def _lives(self) -> list[Shown]:
        return [m for m in self._room.shown() if m.kind in ("live", "")]

    def _is_told(self, before: int) -> bool:
        """Whether there are more answers than before, and none on its way."""
        return len(self._answers()) > before and not self._lives()

    def _offers(self) -> list[str]:
        """Buttons of the newest card that allow more money."""
        card = self._asking_card()
        return [label for label in card.shown().buttons if label.startswith("Allow")] if card else []

    def _asking_card(self) -> CardSight | None:
        return self._world.witness.card_in(self.told.channel, self.told.thread_ts)

    def _notices(self, kind: str) -> list[Shown]:
        return [m for m in self._room.shown() if m.kind == kind]

    async def _card(self) -> CardSight:
        card = self._world.witness.card_of
        await self._until(lambda: card(self.told.number) is not None, "a card")
        found = card(self.told.number)
        assert found is not None
        return found

    async def _under_card(self, words: str) -> None:
        card = await self._card()
        await self._world.driver.says(self.told.colleague, words, channel=card.channel, thread_ts=card.shown().ts)

    # waiting

    async def _until(self, there: Callable[[], bool], what: str) -> None:
        if not await self._soon(there, PATIENCE):
            self._fail(what)

    async def _soon(self, there: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not there():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.05)
        return True

    def _fail(self, what: str) -> None:
        self.told.troubles.append(f"waited {PATIENCE:.0f} s in vain for {what}")
        raise TimeoutError

    def _note(self, deed: str) -> None:
        self.told.deeds.append((time.time(), deed))

    async def pauses(self, most: float) -> None:
        await asyncio.sleep(self._chance.random() * most)

    # the stories

    async def plain(self) -> None:
        for _ in range(self._chance.randint(1, 3)):
            await self.asks("plain")

    async def burst(self) -> None:
        for _ in range(self._chance.randint(2, 4)):
            await self.says(self._chance.choice(("plain", "ticket")))
            await self.pauses(0.9)
        await self._until(lambda: self._is_answered(self.told.said[-1]), "the last answer")
        await self.asks("plain")

    async def ticket(self) -> None:
        await self.asks("ticket")
        if self._chance.random() < 0.5:
            await self.asks("ticket")

    async def edited(self) -> None:
        said = await self.says("plain")
        await self.pauses(0.5)
        await self.edits(said, "plain again")
        await self._until(lambda: self._is_answered(said), "the answer to the edited message")

    async def escalated(self) -> None:
        await self.asks("escalate")
        await self.presses("Approve", until=_is_closed)

    async def approved(self) -> None:
        await self.asks("approve")
        await self.pauses(self._chance.choice((0.0, 4.0)))
        await self.presses("Approve", until=_is_closed)
        await self.asks("plain")

    async def taken_over(self) -> None:
        await self.asks("escalate")
        await self.takes_over()
        await self.writes_for_the_customer(f"relay {self.told.number}.1")
        said = await self.says("plain", answered="never")
        await self._until(lambda: self._is_mirrored(said), f"{said.label} under the card")
        await self.writes_for_the_customer(f"relay {self.told.number}.2")
        await self.hands_back()
        await self.asks("plain")

    async def seized(self) -> None:
        """The colleague takes over while the bot is working."""
        await self.asks("escalate")
        await self.says("plain", answered="maybe")
        await self.pauses(1.5)
        await self.takes_over()
        await self.writes_for_the_customer(f"relay {self.told.number}.1")
        await self.hands_back()
        await self.asks("ticket")

    async def poor(self) -> None:
        """There is money for a few answers only; then the bot asks for more, and a colleague allows it."""
        await self.asks("plain")
        self.told.limit_usd = 0.05
        self._world.set_limit(f"T0FERNWAY:{self.told.channel}:{self.told.thread_ts}", self.told.limit_usd)
        for _ in range(4):
            before = len(self._answers())
            said = await self.says("ticket")
            await self._until(
                lambda b=before: self._is_told(b) or self._offers(), f"an answer or a card for {said.label}"
            )  # type: ignore[misc]  # bound now
            await self._allows()
            await self._until(lambda b=before: self._is_told(b), f"the answer to {said.label}")  # type: ignore[misc]  # bound now

    def _is_mirrored(self, said: Said) -> bool:
        card = self._world.witness.card_of(self.told.number)
        assert card is not None
        room = self._world.witness.thread(card.channel, card.shown().ts)
        return any(f"#{said.label}" in m.everything for m in room.shown())

    def _is_answered(self, said: Said) -> bool:
        return not self._lives() and any(said.label in m.everything for m in self._answers())


def _is_closed(card: Shown) -> bool:
    return not {"Approve", "Take over", "Hand back"} & set(card.buttons)


KINDS: dict[str, tuple[Callable[[Story], Awaitable[None]], int]] = {
    "plain": (Story.plain, 4),
    "burst": (Story.burst, 3),
    "ticket": (Story.ticket, 3),
    "edited": (Story.edited, 1),
    "escalated": (Story.escalated, 2),
    "approved": (Story.approved, 3),
    "taken_over": (Story.taken_over, 2),
    "seized": (Story.seized, 2),
    "poor": (Story.poor, 1),
}
"""How a conversation goes, and how often compared with the others."""
