"""Modals and Home tabs: each person's stack of views, and the trigger ids that allow opening one."""

import hashlib
import json
from dataclasses import dataclass, field

from bot.sandbox.records import Change
from bot.sandbox.wire import Json, SlackError
from bot.sandbox.workspace import Workspace

TRIGGER_SECONDS = 3.0
"""A trigger id may be used once, within three seconds of the interaction."""

REMEMBER_SECONDS = 600.0
"""How long a late trigger id is still told apart from one that never existed."""

STACK_LIMIT = 3
"""One root view and two pushed ones."""


@dataclass
class _Trigger:
    user: str
    expires_at: float
    used: bool = False


@dataclass
class Views:
    """Every open view, as Slack's JSON with an extra `errors` for the page."""

    workspace: Workspace
    stacks: dict[str, list[Json]] = field(default_factory=dict)
    homes: dict[str, Json] = field(default_factory=dict)
    _triggers: dict[str, _Trigger] = field(default_factory=dict)

    def trigger(self, user: str) -> str:
        """A new trigger id for something this person just did."""
        now = self.workspace.clock()
        self._forget_old(now)
        trigger_id = f"{int(now * 1000)}.{self.workspace.make_id('')}"
        self._triggers[trigger_id] = _Trigger(user, now + TRIGGER_SECONDS)
        return trigger_id

    def _forget_old(self, now: float) -> None:
        while self._triggers:
            oldest = next(iter(self._triggers))
            if self._triggers[oldest].expires_at > now - REMEMBER_SECONDS:
                return
            del self._triggers[oldest]

    def take_trigger(self, trigger_id: str) -> str:
        """Whose click it was; raises Slack's errors for an unknown, used or late trigger id."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self.workspace.clock() > trigger.expires_at:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger.user

    def stack(self, user: str) -> list[Json]:
        """The views this person has open, topmost last."""
        return self.stacks.setdefault(user, [])

    def open(self, user: str, view: Json) -> Json:
        """Open a new root view; an older stack is replaced, as in Slack's client."""
        opened = self._build(view)
        opened["root_view_id"] = opened["id"]
        self.stacks[user] = [opened]
        self.announce(user)
        return opened

    def push(self, user: str, view: Json) -> Json:
        """Put a view on top of the stack."""
        stack = self.stack(user)
        if not stack:
            raise SlackError("not_found")
        if len(stack) >= STACK_LIMIT:
            raise SlackError("push_limit_reached")
        pushed = self._build(view)
        pushed.update(root_view_id=stack[0]["id"], previous_view_id=stack[-1]["id"])
        stack.append(pushed)
        self.announce(user)
        return pushed

    def replace(self, view_id: str, external_id: str, view: Json, expected_hash: str = "") -> Json:
        """Change an open view in place; a stale `hash` is a conflict."""
        user, stack, index = self._locate(view_id, external_id)
        current = stack[index]
        if expected_hash and expected_hash != current["hash"]:
            raise SlackError("hash_conflict")
        renewed = self._build(view)
        keep = ("id", "root_view_id", "previous_view_id")
        renewed.update({name: current[name] for name in keep})
        renewed["external_id"] = view.get("external_id", current["external_id"])
        stack[index] = renewed
        self.announce(user)
        return renewed

    def publish(self, user: str, view: Json, expected_hash: str = "") -> Json:
        """Set this person's Home tab; it stays the same view, with another hash. A stale `hash` is a conflict."""
        current = self.homes.get(user)
        if expected_hash and current is not None and expected_hash != current["hash"]:
            raise SlackError("hash_conflict")
        home = self._build(view)
        home["id"] = current["id"] if current is not None else home["id"]
        home["root_view_id"] = home["id"]
        self.homes[user] = home
        self.workspace.emit(Change("home", data={"home": home}, user=user))
        return home

    def close(self, user: str, view_id: str) -> None:
        """Close one view and everything above it."""
        stack = self.stack(user)
        ids = [view["id"] for view in stack]
        if view_id in ids:
            del stack[ids.index(view_id) :]
            self.announce(user)

    def clear(self, user: str) -> None:
        """Close every view of this person."""
        self.stacks[user] = []
        self.announce(user)

    def show_errors(self, user: str, view_id: str, errors: dict[str, str]) -> None:
        """Show these sentences beside their blocks."""
        view = self.find(user, view_id)
        if view is not None:
            view["errors"] = errors
            self.announce(user)

    def find(self, user: str, view_id: str) -> Json | None:
        """An open view of this person, or their Home tab."""
        home = [self.homes[user]] if user in self.homes else []
        return next((view for view in [*self.stack(user), *home] if view["id"] == view_id), None)

    def announce(self, user: str) -> None:
        """Tell the person's page about the stack as it is now."""
        self.workspace.emit(Change("views", data={"views": self.stack(user)}, user=user))

    def _locate(self, view_id: str, external_id: str) -> tuple[str, list[Json], int]:
        for user, stack in self.stacks.items():
            for index, view in enumerate(stack):
                if (view_id and view["id"] == view_id) or (external_id and view["external_id"] == external_id):
                    return user, stack, index
        raise SlackError("not_found")

    def _build(self, view: Json) -> Json:
        app, team = self.workspace.company.app, self.workspace.company.team
        external_id = view.get("external_id", "")
        digest = hashlib.sha256(json.dumps([view, self.workspace.next_ts()], sort_keys=True).encode()).hexdigest()[:8]
        blocks = [
            {**block, "block_id": block.get("block_id") or self.workspace.make_id("b")}
            for block in view.get("blocks", [])
        ]
        return {
            "id": self.workspace.make_id("V"),
            "team_id": team.id,
            "type": view.get("type", "modal"),
            "blocks": blocks,
            "private_metadata": view.get("private_metadata", ""),
            "callback_id": view.get("callback_id", ""),
            "external_id": external_id,
            "state": {"values": {}},
            "hash": f"{int(self.workspace.clock())}.{digest}",
            "title": view.get("title"),
            "submit": view.get("submit"),
            "close": view.get("close"),
            "clear_on_close": bool(view.get("clear_on_close", False)),
            "notify_on_close": bool(view.get("notify_on_close", False)),
            "submit_disabled": bool(view.get("submit_disabled", False)),
            "previous_view_id": None,
            "root_view_id": None,
            "app_id": app.app_id,
            "bot_id": app.bot_id,
            "app_installed_team_id": team.id,
        }
