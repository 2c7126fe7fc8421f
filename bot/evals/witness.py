"""Remembers everything that was shown in a workspace, to whom, in order, if only for a moment."""

from dataclasses import dataclass, field

from bot.evals.sight import Shown, words_of
from bot.sandbox.records import Change
from bot.sandbox.workspace import Workspace

_KINDS = frozenset(("posted", "edited", "deleted", "ephemeral", "views", "prompts", "home"))


@dataclass(frozen=True, slots=True)
class Sight:
    """Something that was shown."""

    what: str
    """posted, edited, deleted, streamed, ephemeral, views, prompts or home."""
    channel: str
    thread_ts: str
    ts: str
    text: str
    key: str
    """Of our effect, such as `answer:…`; empty when the bot has marked nothing."""
    is_ours: bool
    reader: str = ""
    """Set when only one person saw it."""

    @property
    def kind(self) -> str:
        """What the bot marked it as: `answer`, `card`, `live`, …"""
        return "live" if self.what == "streamed" else self.key.partition(":")[0]


@dataclass
class Witness:
    """Watches a workspace from its making on."""

    workspace: Workspace
    sights: list[Sight] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.workspace.subscribe(self._see)

    def seen_by_customers(self) -> list[Sight]:
        """What of ours stood where customers read."""
        return [sight for sight in self.sights if sight.is_ours and self._is_public(sight)]

    def seen_by_staff(self) -> list[Sight]:
        """What of ours stood where only staff read."""
        return [sight for sight in self.sights if sight.is_ours and not self._is_public(sight)]

    def _is_public(self, sight: Sight) -> bool:
        if sight.reader:
            return not self._is_staff(sight.reader)
        channel = self.workspace.channels.get(sight.channel)
        return channel is not None and any(
            person.role == "customer" and person.id in channel.members for person in self.workspace.people.values()
        )

    def _is_staff(self, user: str) -> bool:
        return self.workspace.people[user].role in ("staff", "admin") if user in self.workspace.people else False

    def _see(self, change: Change) -> None:
        is_streamed = change.kind == "refreshed" and bool(change.data.get("streaming"))
        if not is_streamed and change.kind not in _KINDS:
            return
        data, before = change.data, change.before or {}
        shown = Shown(data)
        text = shown.everything if "ts" in data else "\n".join(words_of([data]))
        root = str(data.get("thread_ts") or before.get("thread_ts") or data.get("ts", ""))
        is_ours = (before or data).get("user") == self.workspace.company.app.user_id or change.kind in (
            "ephemeral", "views", "prompts", "home",
        )  # fmt: skip
        key = _key(data) or _key(before)
        what = "streamed" if is_streamed else change.kind
        ts = str(data.get("ts", ""))
        self.sights.append(Sight(what, change.channel, root, ts, text, key, is_ours, change.user))


def _key(message: dict[str, object]) -> str:
    metadata = message.get("metadata")
    payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
    return str(payload.get("key", "")) if isinstance(payload, dict) else ""
