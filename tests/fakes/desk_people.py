"""People at the desk and what they see: the sandbox's control API in the words of a story."""

import asyncio
import base64
import copy
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.evals.sight import elements_of, words_of
from bot.sandbox.records import Change
from bot.sandbox.workspace import Workspace
from tests.fakes.sandbox_driver import Json, SandboxDriver

T = TypeVar("T")

BOT = "U0DESKHAND"
STAFF = {"U0SAM", "U0GRACE", "U0LEO"}
STAFF_CHANNELS = {"C0STAFF", "C0BILLING"}


@dataclass(frozen=True)
class Shown:
    """A message as a person sees it."""

    raw: Json

    @property
    def ts(self) -> str:
        return str(self.raw["ts"])

    @property
    def text(self) -> str:
        """All words on the screen: blocks when there are any, else the text."""
        return "\n".join(words_of(self.raw["blocks"])) if self.raw.get("blocks") else str(self.raw.get("text", ""))

    @property
    def everything(self) -> str:
        """The screen and the notification."""
        return f"{self.raw.get('text', '')}\n{self.text}"

    @property
    def kind(self) -> str:
        """What the bot marked it as (`live`, `answer`, `card`, …); empty for people's messages."""
        if self.raw.get("streaming"):
            return "live"
        key = self.raw.get("metadata", {}).get("event_payload", {}).get("key", "")
        return str(key).split(":", maxsplit=1)[0]

    @property
    def is_ours(self) -> bool:
        return self.raw.get("user") == BOT

    @property
    def is_root(self) -> bool:
        return str(self.raw.get("thread_ts", self.ts)) == self.ts

    @property
    def footer(self) -> str:
        """`step 2/25 · 1.2k tokens · $0.011 of $2.00`, or nothing."""
        found = re.search(r"^step \d+/\d+ · .*$", self.text, re.MULTILINE)
        return found[0] if found else ""

    @property
    def buttons(self) -> dict[str, str]:
        """Label → action id."""
        return {
            e["text"]["text"]: e["action_id"] for e in elements_of(self.raw.get("blocks", [])) if e["type"] == "button"
        }

    @property
    def has_feedback(self) -> bool:
        return any(e["type"] == "feedback_buttons" for e in elements_of(self.raw.get("blocks", [])))


async def seen(driver: SandboxDriver, look: Callable[[], T | None], seconds: float = 60.0) -> T:
    """What `look` finds; looks again whenever something changes in the workspace."""
    changed = asyncio.Event()
    forget = driver.server.workspace.subscribe(lambda _: changed.set())
    try:
        async with asyncio.timeout(seconds):
            while not (found := look()):
                changed.clear()
                await changed.wait()
    except TimeoutError:
        raise AssertionError("It did not happen in time.") from None
    finally:
        forget()
    return found


def messages(driver: SandboxDriver, channel: str, thread_ts: str = "") -> list[Shown]:
    """What stands in a channel or thread now."""
    workspace = driver.server.workspace
    found = workspace.thread(channel, thread_ts) if thread_ts else workspace.channel(channel).messages.values()
    return [Shown(copy.deepcopy(message)) for message in found]


@dataclass(frozen=True)
class Thread:
    """A customer's conversation."""

    driver: SandboxDriver
    channel: str
    ts: str

    def shown(self) -> list[Shown]:
        """Everything in it now."""
        return messages(self.driver, self.channel, self.ts)

    def ours(self) -> list[Shown]:
        """What the bot has said."""
        return [m for m in self.shown() if m.is_ours]

    def text(self) -> str:
        """All words of the bot in it."""
        return "\n".join(m.text for m in self.ours())

    def answers(self) -> list[Shown]:
        """The finished messages of the bot, without live lines."""
        return [m for m in self.ours() if m.kind != "live"]

    async def answer(self, number: int = 1, seconds: float = 60.0) -> Shown:
        """The n-th finished message of the bot, once it stands and nothing is being worked on."""

        def there() -> Shown | None:
            ours, done = self.ours(), self.answers()
            return done[number - 1] if len(done) >= number and len(done) == len(ours) else None

        return await seen(self.driver, there, seconds)

    async def is_worked_on(self) -> Shown:
        """The live line, once it stands."""
        return await seen(self.driver, lambda: next((m for m in self.ours() if m.kind == "live"), None))

    async def says(self, words: str, seconds: float = 60.0) -> Shown:
        """The message of the bot with these words, once it stands."""
        return await seen(self.driver, lambda: next((m for m in self.ours() if words in m.text), None), seconds)

    def session(self) -> str:
        """Slack's native status of a DM's thread."""
        found = self.driver.server.workspace.session(self.channel, self.ts)
        return str(found["status"]) if found else ""

    async def session_is(self, status: str) -> None:
        """Wait for a native status."""
        await seen(self.driver, lambda: self.session() == status or None)


@dataclass(frozen=True)
class Card:
    """A case in a staff channel."""

    driver: SandboxDriver
    channel: str
    ts: str

    def shown(self) -> Shown:
        return next(m for m in messages(self.driver, self.channel) if m.ts == self.ts)

    def replies(self) -> list[Shown]:
        """What stands under it."""
        return [m for m in messages(self.driver, self.channel, self.ts) if m.ts != self.ts]

    async def becomes(self, words: str) -> Shown:
        """The card once it says so."""
        return await seen(self.driver, lambda: shown if words in (shown := self.shown()).text else None)

    async def with_button(self, label: str) -> Shown:
        """The card once it offers this button."""
        return await seen(self.driver, lambda: shown if label in (shown := self.shown()).buttons else None)

    async def gets_reply(self, words: str) -> Shown:
        """The reply under it with these words, once it stands."""
        return await seen(self.driver, lambda: next((m for m in self.replies() if words in m.text), None))


@dataclass
class Person:
    """Somebody at Slack's client, in one channel."""

    driver: SandboxDriver
    user: str
    channel: str
    said: list[str]

    async def in_dm(self) -> "Person":
        """The same person in the bot's Messages tab."""
        opened = await self.driver.call("dm", user=self.user)
        return Person(self.driver, self.user, opened["channel"], self.said)

    async def asks(self, words: str, **more: Any) -> Thread:
        """Begin a conversation: a mention in a channel, plain words in a DM."""
        addressed = words if self.channel.startswith("D") else f"@deskhand {words}"
        return Thread(self.driver, self.channel, await self._write(addressed, **more))

    async def says(self, words: str, thread: Thread | None = None, **more: Any) -> str:
        """Write, in a thread if one is given; returns the ts."""
        place = {"thread_ts": thread.ts} if thread else {}
        return await self._write(words, **place, **more)

    async def under(self, card: Card, words: str, **more: Any) -> str:
        """Write in the thread of a card."""
        return await self.driver.says(self.user, words, channel=card.channel, thread_ts=card.ts, **more)

    async def edits(self, ts: str, words: str) -> None:
        self.said.append(words)
        assert (await self.driver.call("messages/edit", user=self.user, channel=self.channel, ts=ts, text=words))["ok"]

    async def reacts(self, ts: str, emoji: str, channel: str = "") -> None:
        """Put an emoji on a message."""
        wish = {"user": self.user, "channel": channel or self.channel, "ts": ts, "name": emoji}
        assert (await self.driver.call("messages/react", **wish))["ok"]

    async def deletes(self, ts: str) -> None:
        assert (await self.driver.call("messages/delete", user=self.user, channel=self.channel, ts=ts))["ok"]

    async def presses(self, label: str, on: Card | Shown, *, value: str | None = None) -> Json:
        """Press a button by its label, waiting for a card to show it (or by its action id)."""
        shown = await on.with_button(label) if isinstance(on, Card) else on
        channel = on.channel if isinstance(on, Card) else self.channel
        more = {"value": value} if value else {}
        action = shown.buttons.get(label, label)
        pressed = await self.driver.call(
            "press", user=self.user, channel=channel, ts=shown.ts, action_id=action, **more
        )
        assert pressed["ok"], pressed
        return pressed

    def windows(self) -> list[Json]:
        """The forms and windows that are open, topmost last."""
        return list(self.driver.server._views.stack(self.user))

    async def sees_form(self) -> Json:
        """The form or window on top, once it is open."""
        return await seen(self.driver, lambda: next(reversed(self.windows()), None))

    async def submits(self, **values: str) -> Json:
        """Send the form on top."""
        view = await self.sees_form()
        return await self.driver.call("view/submit", user=self.user, view_id=view["id"], values=values)

    async def closes(self) -> None:
        """Close the window on top."""
        view = await self.sees_form()
        await self.driver.call("view/close", user=self.user, view_id=view["id"])

    async def types(self, words: str = "", command: str = "/agent-budget") -> str:
        """Run a slash command; the words of the answer."""
        answer = await self.driver.call("command", user=self.user, channel=self.channel, command=command, text=words)
        assert answer["ok"], answer
        return Shown(answer["response"]).text if answer.get("response") else ""

    def whispers(self) -> list[Shown]:
        """What only this person was shown, anywhere."""
        return [Shown(copy.deepcopy(m)) for m in self.driver.server.workspace.ephemerals.get(self.user, [])]

    async def hears(self, words: str) -> Shown:
        """The ephemeral with these words, once it is there."""
        return await seen(self.driver, lambda: next((m for m in self.whispers() if words in m.text), None))

    async def _write(self, words: str, **more: Any) -> str:
        self.said.append(words)
        return await self.driver.says(self.user, words, channel=self.channel, **more)


def attached(name: str, media_type: str, content: bytes) -> list[Json]:
    """A file to send along."""
    return [{"name": name, "mimetype": media_type, "content_base64": base64.b64encode(content).decode()}]


def words_of_view(view: Json) -> str:
    """All words in a form or window."""
    return "\n".join(words_of([view]))


@dataclass(frozen=True)
class Sight:
    """Something that was shown, if only for a moment."""

    what: str
    channel: str
    thread_ts: str
    ts: str
    text: str
    kind: str
    is_ours: bool
    reader: str = ""
    """Set when only one person saw it."""

    @property
    def seen_by_customers(self) -> bool:
        return self.reader not in STAFF if self.reader else self.channel not in STAFF_CHANNELS


@dataclass
class Timeline:
    """Remembers every message, edit and ephemeral of a workspace, in order."""

    workspace: Workspace
    sights: list[Sight] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.workspace.subscribe(self._see)

    def of(self, thread: Thread) -> list[Sight]:
        """What was shown in one thread."""
        return [s for s in self.sights if (s.channel, s.thread_ts) == (thread.channel, thread.ts)]

    def _see(self, change: Change) -> None:
        streamed = change.kind == "refreshed" and change.data.get("streaming")
        if not streamed and change.kind not in ("posted", "edited", "deleted", "ephemeral", "views", "prompts"):
            return
        data = copy.deepcopy(change.data)
        shown = Shown(data)
        said = shown.everything if "ts" in data else "\n".join(words_of([data]))
        before = change.before or {}
        root = str(data.get("thread_ts") or before.get("thread_ts") or data.get("ts", ""))
        ours = (before or data).get("user") == BOT or change.kind in ("ephemeral", "views", "prompts")
        kind = shown.kind or Shown(before).kind if before else shown.kind
        sight = Sight(change.kind, change.channel, root, str(data.get("ts", "")), said, kind, ours, change.user)
        self.sights.append(sight)
