"""What people see of the workspace: words on the screen, and everything that was ever shown, if only for a moment."""

import copy
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.records import Change
from bot.sandbox.wire import Json
from bot.sandbox.workspace import Workspace

_SHOWN_KEYS = (
    "text", "fields", "elements", "blocks", "title", "label", "hint", "accessory", "positive_button",
    "negative_button", "submit", "close", "element", "placeholder", "accessibility_label", "description", "rows",
    "tasks", "details", "output",
)  # fmt: skip
_LINKING_KEYS = frozenset(("url", "image_url", "thumb_url", "title_link", "from_url"))
_ADDRESS = re.compile(r"(?:https?|kb)://[^\s<>|\"'\])\\]+")
_CHANGES = frozenset(("posted", "edited", "ephemeral", "views", "prompts", "home"))


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as a person sees it."""

    raw: Json

    @property
    def ts(self) -> str:
        return str(self.raw.get("ts", ""))

    @property
    def spoken(self) -> str:
        """The words alone, without sources, footer and buttons; for an answer that is what it says."""
        return str(self.raw.get("text", ""))

    @property
    def screen(self) -> str:
        """All words on the screen: blocks when there are any, else the text."""
        return "\n".join(words_of(self.raw["blocks"])) if self.raw.get("blocks") else self.spoken

    @property
    def everything(self) -> str:
        """The screen, the notification, and what is loaded or opened from there."""
        return "\n".join((self.spoken, self.screen, *links_of(self.raw)))

    @property
    def kind(self) -> str:
        """What the bot marked it as (`live`, `answer`, `card`, …); empty for people's messages."""
        if self.raw.get("streaming"):
            return "live"
        key = self.raw.get("metadata", {}).get("event_payload", {}).get("key", "")
        return str(key).split(":", maxsplit=1)[0]

    @property
    def user(self) -> str:
        return str(self.raw.get("user", ""))

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address in it, written or linked."""
        return tuple(dict.fromkeys(_ADDRESS.findall(self.everything)))

    @property
    def buttons(self) -> dict[str, str]:
        """Label → action id."""
        return {
            e["text"]["text"]: e["action_id"] for e in elements_of(self.raw.get("blocks", [])) if e["type"] == "button"
        }


@dataclass
class Recorder:
    """Remembers what of the bot's was shown where, by channel and thread, in order."""

    workspace: Workspace
    _seen: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    _whispered: dict[tuple[str, str], list[tuple[str, str]]] = field(default_factory=dict)
    """(timestamp, text) of what one person alone saw beside the threads, by channel and person."""

    def __post_init__(self) -> None:
        self.workspace.subscribe(self._see)

    def of(self, channel: str, thread_ts: str, readers: Collection[str] = ()) -> tuple[str, ...]:
        """Everything that was shown in one thread, or since then to its `readers` alone beside it, each text once."""
        beside = (one for reader in readers for one in self._whispered.get((channel, reader), ()))
        whispered = [text for ts, text in beside if ts > thread_ts]
        return tuple(dict.fromkeys((*self._seen.get((channel, thread_ts), ()), *whispered)))

    def forget(self, channel: str, thread_ts: str) -> None:
        """A thread nobody will ask about again."""
        self._seen.pop((channel, thread_ts), None)

    def _see(self, change: Change) -> None:
        is_streamed = change.kind == "refreshed" and change.data.get("streaming")
        if not is_streamed and change.kind not in _CHANGES:
            return
        if change.kind in ("posted", "edited") and change.data.get("user") != self.workspace.company.app.user_id:
            return
        root = str(change.data.get("thread_ts") or change.data.get("ts", ""))
        shown = Shown(change.data)
        text = shown.everything if "ts" in change.data else "\n".join(words_of([change.data]))
        if change.kind == "ephemeral" and not change.data.get("thread_ts"):
            self._whispered.setdefault((change.channel, change.user), []).append((root, text))
        self._seen.setdefault((change.channel, root), []).append(text)


def thread(workspace: Workspace, channel: str, thread_ts: str) -> list[Shown]:
    """What stands in a thread now."""
    return [Shown(copy.deepcopy(message)) for message in workspace.thread(channel, thread_ts)]


def words_of(node: Any) -> Iterator[str]:
    """Every visible word of a piece of Block Kit, in order."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, Sequence):
        for item in node:
            yield from words_of(item)
    elif isinstance(node, dict):
        for name in _SHOWN_KEYS:
            if name in node:
                yield from words_of(node[name])
        yield from words_of(node.get("views", []))


def links_of(node: Any) -> Iterator[str]:
    """Every address that a piece of Block Kit loads (a picture) or opens (a button, a link), though nobody reads it."""
    if isinstance(node, dict):
        for name, value in node.items():
            if isinstance(value, str) and name in _LINKING_KEYS:
                yield value
            else:
                yield from links_of(value)
    elif isinstance(node, list | tuple):
        for item in node:
            yield from links_of(item)


def elements_of(blocks: list[Json]) -> Iterator[Json]:
    """What can be pressed or chosen in a message."""
    for block in blocks:
        yield from block.get("elements", []) if block["type"] in ("actions", "context_actions") else []
        if "accessory" in block:
            yield block["accessory"]
