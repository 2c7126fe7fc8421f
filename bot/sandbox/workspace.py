"""The state of the workspace: channels, messages, ephemerals, sessions. No I/O; observers are told of every change."""

import copy
from collections.abc import Callable, Iterator

from bot.sandbox.records import Change, Channel, Company, Person
from bot.sandbox.wire import Clock, Json, MakeId, SlackError

Observer = Callable[[Change], None]

SESSION_SECONDS = 3600.0
"""Slack turns a session that nobody refreshed from `processing` back to `active` after an hour."""

_MICRO = 1_000_000


class Workspace:
    """One Slack workspace. Messages are Slack's JSON, keyed by `ts`; unknown references raise Slack's errors."""

    def __init__(self, company: Company, clock: Clock, make_id: MakeId) -> None:
        self.company = company
        self.clock = clock
        self.make_id = make_id
        self.people: dict[str, Person] = {person.id: person for person in company.people}
        self.channels: dict[str, Channel] = {
            seed.id: Channel(
                seed.id,
                seed.name,
                set(seed.members),
                int(clock()),
                seed.topic,
                seed.is_private,
                is_shared=seed.is_shared,
            )
            for seed in company.channels
        }
        self.ephemerals: dict[str, list[Json]] = {}
        self.sessions: dict[tuple[str, str], Json] = {}
        self.prompts: dict[str, Json] = {}
        self._observers: list[Observer] = []
        self._last_ts = 0

    # observers

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Tell `observer` of every change until the returned function is called."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    def emit(self, change: Change) -> None:
        """Tell every observer."""
        for observer in tuple(self._observers):
            observer(change)

    # look-ups

    def next_ts(self) -> str:
        """A timestamp later than every one before it."""
        self._last_ts = max(self._last_ts + 1, int(self.clock() * _MICRO))
        return f"{self._last_ts // _MICRO}.{self._last_ts % _MICRO:06d}"

    def person(self, user: str) -> Person:
        """The person with that id, or `user_not_found`."""
        if user not in self.people:
            raise SlackError("user_not_found")
        return self.people[user]

    def channel(self, channel: str) -> Channel:
        """The channel with that id, or `channel_not_found`."""
        if channel not in self.channels:
            raise SlackError("channel_not_found")
        return self.channels[channel]

    def message(self, channel: str, ts: str) -> Json:
        """The stored message itself, or `message_not_found`."""
        found = self.channel(channel).messages.get(ts)
        if found is None:
            raise SlackError("message_not_found")
        return found

    def thread(self, channel: str, root_ts: str) -> list[Json]:
        """The root message and its replies, oldest first."""
        return [
            m for m in self.channel(channel).messages.values() if m["ts"] == root_ts or m.get("thread_ts") == root_ts
        ]

    def may_see(self, user: str, channel: Channel) -> bool:
        """Members see a channel; everybody sees a public one."""
        return user in channel.members or channel.kind == "channel"

    def channels_of(self, user: str) -> Iterator[Channel]:
        """The channels this person may see."""
        return (channel for channel in self.channels.values() if self.may_see(user, channel))

    def permalink(self, channel: str, ts: str) -> str:
        """The address that people copy from Slack's menu."""
        message = self.message(channel, ts)
        base = f"https://{self.company.team.domain}.slack.com/archives/{channel}/p{ts.replace('.', '')}"
        root = message.get("thread_ts")
        return f"{base}?thread_ts={root}&cid={channel}" if root and root != ts else base

    def open_dm(self, user: str) -> Channel:
        """The direct conversation between the app and this person, made when it is first needed."""
        person = self.person(user)
        channel_id = "D" + person.id[1:]
        if channel_id not in self.channels:
            members = {person.id, self.company.app.user_id}
            self.channels[channel_id] = Channel(
                channel_id, "", members, int(self.clock()), is_private=True, im_user=person.id
            )
            self.emit(Change("channels", channel_id))
        return self.channels[channel_id]

    # messages

    def post(self, channel_id: str, message: Json) -> Json:
        """Store a new message (giving it `ts` and its place in the thread) and announce it."""
        channel = self.channel(channel_id)
        message = {"type": "message", **message, "ts": self.next_ts()}
        channel.messages[message["ts"]] = message
        root_ts = message.get("thread_ts")
        if root_ts and root_ts in channel.messages:
            message["parent_user_id"] = channel.messages[root_ts].get("user", "")
        self.emit(Change("posted", channel_id, message))
        if root_ts:
            self._recount(channel, root_ts)
        return message

    def edit(self, channel_id: str, ts: str, fields: Json, editor: str = "") -> Json:
        """Replace fields of a message (None removes one) and announce it; with an `editor` it is marked as edited."""
        message = self.message(channel_id, ts)
        before = copy.deepcopy(message)
        message.update(fields)
        for name in [name for name, value in message.items() if value is None]:
            del message[name]
        if editor:
            message["edited"] = {"user": editor, "ts": self.next_ts()}
        self.emit(Change("edited", channel_id, message, before=before))
        return message

    def refresh(self, channel_id: str, ts: str) -> None:
        """Show what changed without being an edit (reactions, streams, reply counts)."""
        self.emit(Change("refreshed", channel_id, self.message(channel_id, ts)))

    def delete(self, channel_id: str, ts: str) -> None:
        """Remove a message; a root with replies leaves Slack's tombstone behind."""
        before = copy.deepcopy(self.message(channel_id, ts))
        channel = self.channel(channel_id)
        if before.get("reply_count"):
            stone: Json = {
                key: before[key] for key in ("type", "ts", "thread_ts", "reply_count", "latest_reply") if key in before
            }
            channel.messages[ts] = {
                **stone,
                "subtype": "tombstone",
                "user": "USLACKBOT",
                "text": "This message was deleted.",
                "hidden": True,
            }
            self.refresh(channel_id, ts)
        else:
            del channel.messages[ts]
        self.emit(Change("deleted", channel_id, {"ts": ts}, before=before))
        root_ts = before.get("thread_ts")
        if root_ts and root_ts != ts:
            self._recount(channel, root_ts)

    def _recount(self, channel: Channel, root_ts: str) -> None:
        root = channel.messages.get(root_ts)
        if root is None:
            return
        replies = [m for m in channel.messages.values() if m.get("thread_ts") == root_ts and m["ts"] != root_ts]
        root.update(thread_ts=root_ts, reply_count=len(replies))
        root["reply_users"] = sorted({m.get("user", "") for m in replies} - {""})
        root["reply_users_count"] = len(root["reply_users"])
        if replies:
            root["latest_reply"] = replies[-1]["ts"]
        self.refresh(channel.id, root_ts)

    # ephemerals

    def post_ephemeral(self, channel_id: str, user: str, message: Json) -> Json:
        """Show a message to one person only."""
        shown = {"type": "message", **message, "ts": self.next_ts(), "channel": channel_id, "is_ephemeral": True}
        self.ephemerals.setdefault(user, []).append(shown)
        self.emit(Change("ephemeral", channel_id, shown, user=user))
        return shown

    def ephemeral(self, channel_id: str, user: str, ts: str) -> Json | None:
        """One person's ephemeral, if it is still there."""
        mine = self.ephemerals.get(user, [])
        return next((m for m in mine if m["ts"] == ts and m["channel"] == channel_id), None)

    def replace_ephemeral(self, channel_id: str, user: str, ts: str, fields: Json) -> None:
        """Change an ephemeral in place (only a response_url can)."""
        shown = self.ephemeral(channel_id, user, ts)
        if shown is not None:
            shown.update(fields)
            for name in [name for name, value in shown.items() if value is None]:
                del shown[name]
            self.emit(Change("ephemeral", channel_id, shown, user=user))

    def delete_ephemeral(self, channel_id: str, user: str, ts: str) -> None:
        """Take an ephemeral away (only a response_url can)."""
        shown = self.ephemeral(channel_id, user, ts)
        if shown is not None:
            self.ephemerals[user].remove(shown)
            self.emit(Change("ephemeral_deleted", channel_id, {"ts": ts}, user=user))

    # sessions and prompts of the agent experience

    def set_session(self, channel_id: str, thread_ts: str, fields: Json) -> Json:
        """Create or change an agent session; `processing` lapses after an hour."""
        key = (channel_id, thread_ts)
        session = self.sessions.setdefault(
            key, {"channel": channel_id, "thread_ts": thread_ts, "title": "", "text": ""}
        )
        session.update(fields)
        if "status" in fields:
            session["expires_at"] = self.clock() + SESSION_SECONDS
        self.emit(Change("session", channel_id, dict(self.session(channel_id, thread_ts) or {})))
        return session

    def session(self, channel_id: str, thread_ts: str) -> Json | None:
        """The session of that thread as Slack would show it now."""
        session = self.sessions.get((channel_id, thread_ts))
        if session is not None and session.get("status") == "processing" and session["expires_at"] <= self.clock():
            session["status"] = "active"
        return session

    def set_prompts(self, channel_id: str, title: str, prompts: list[Json]) -> None:
        """Replace the suggested prompts of a direct conversation."""
        self.prompts[channel_id] = {"title": title, "prompts": prompts}
        self.emit(Change("prompts", channel_id, self.prompts[channel_id]))

    def notice(self, user: str, text: str, level: str = "error") -> None:
        """Tell one person what Slack's client would say itself (e.g. that the app did not respond)."""
        self.emit(Change("notice", data={"level": level, "text": text}, user=user))
