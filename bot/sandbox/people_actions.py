"""What people do at Slack's client: write, edit, delete, attach files, open the bot's Messages tab, press Stop."""

import base64
import binascii

from bot.sandbox import blockkit, strict, text
from bot.sandbox.backend import Backend
from bot.sandbox.events import Events
from bot.sandbox.records import Channel, Person
from bot.sandbox.streams import is_live
from bot.sandbox.wire import ControlError, Json

TYPED_LIMIT = 40_000
"""Slack's client splits longer messages; the workspace refuses them."""


class PeopleActions:
    """A person at Slack's client."""

    def __init__(self, backend: Backend, events: Events) -> None:
        self._backend = backend
        self._workspace = backend.workspace
        self._events = events

    def write(self, wish: Json) -> Json:
        """Post as a person (or as another bot); returns the stored message."""
        person = self._workspace.person(_need(wish, "user"))
        channel = self._member(person, _need(wish, "channel"))
        typed = str(wish.get("text") or "")
        if len(typed) > TYPED_LIMIT:
            raise ControlError(
                "msg_too_long", f"A message may have {TYPED_LIMIT} characters, this one has {len(typed)}."
            )
        files = [self._file(person, entry) for entry in wish.get("files") or []]
        if not (typed.strip() or files or wish.get("blocks")):
            raise ControlError("no_text", "Write something or attach a file.")
        content = self._author(person, channel)
        content["text"] = text.typed(typed, self._workspace.people.values(), self._workspace.channels.values())
        if wish.get("blocks"):
            strict.check_blocks(wish["blocks"])
            blockkit.fill_ids(wish["blocks"], self._workspace.make_id)
            content["blocks"] = wish["blocks"]
        if files:
            content.update(files=files, upload=False, display_as_bot=False, subtype="file_share")
        self._place(channel, content, wish)
        return self._workspace.post(channel.id, content)

    def edit(self, user: str, channel_id: str, ts: str, typed: str) -> None:
        """Change one's own message."""
        self._own(user, channel_id, ts)
        words = text.typed(typed, self._workspace.people.values(), self._workspace.channels.values())
        self._workspace.edit(channel_id, ts, {"text": words, "blocks": None}, user)

    def delete(self, user: str, channel_id: str, ts: str) -> None:
        """Delete one's own message."""
        self._own(user, channel_id, ts)
        self._workspace.delete(channel_id, ts)

    def react(self, user: str, channel_id: str, ts: str, name: str) -> None:
        """Put an emoji on a message."""
        person = self._workspace.person(user)
        channel, message = self._member(person, channel_id), self._workspace.message(channel_id, ts)
        reactions: list[Json] = message.setdefault("reactions", [])
        entry = next((r for r in reactions if r["name"] == name), None)
        if entry is None:
            reactions.append(entry := {"name": name, "users": [], "count": 0})
        if user in entry["users"]:
            raise ControlError("already_reacted", f"{person.name} has put this emoji on it already.")
        entry["users"].append(user)
        entry["count"] = len(entry["users"])
        self._workspace.refresh(channel_id, ts)
        if self._backend.me in channel.members:
            item = {"type": "message", "channel": channel_id, "ts": ts}
            event: Json = {"type": "reaction_added", "user": user, "reaction": name, "item": item}
            self._events.publish({**event, "item_user": message.get("user", "")})

    def open_dm(self, user: str) -> Channel:
        """Open the app's Messages tab."""
        channel = self._workspace.open_dm(user)
        event = {"type": "app_home_opened", "user": user, "channel": channel.id, "tab": "messages", "context": {}}
        self._events.publish(event)
        return channel

    def open_home(self, user: str) -> Json | None:
        """Open the app's Home tab: as in Slack the app hears of it each time, with the view it published before."""
        channel, home = self._workspace.open_dm(user), self._backend.views.homes.get(user)
        event: Json = {"type": "app_home_opened", "user": user, "channel": channel.id, "tab": "home"}
        self._events.publish({**event, "view": dict(home)} if home else event)
        return home

    def stop(self, user: str, channel_id: str, thread_ts: str) -> None:
        """Press Slack's own Stop button on a working session."""
        session = self._workspace.session(channel_id, thread_ts)
        if session is None or session.get("status") != "processing":
            raise ControlError("nothing_to_stop", "No agent session is working in this thread.")
        live = [message for message in self._workspace.thread(channel_id, thread_ts) if is_live(message)]
        for message in live:
            message["stopped_by_user"] = True
        event: Json = {"type": "agent_session_stopped", "user": user, "channel": channel_id, "thread_ts": thread_ts}
        self._events.publish({**event, "streaming_message_ts": [message["ts"] for message in live]})

    def _member(self, person: Person, channel_id: str) -> Channel:
        channel = self._workspace.channel(channel_id)
        if person.id not in channel.members:
            raise ControlError("not_in_channel", f"{person.name} is not a member of {channel_id}.", 403)
        return channel

    def _own(self, user: str, channel_id: str, ts: str) -> Json:
        message = self._workspace.message(channel_id, ts)
        if message.get("user") != user:
            raise ControlError("not_yours", "People can change only what they wrote themselves.", 403)
        return message

    def _author(self, person: Person, channel: Channel) -> Json:
        team = person.team_id or self._backend.config.company.team.id
        if not person.bot_id:
            author = {"user": person.id, "team": team, "client_msg_id": self._workspace.make_id("cm-")}
            return {**author, **(_shared_author(person, team) if channel.is_shared or person.is_guest else {})}
        profile = {
            "id": person.bot_id,
            "app_id": person.app_id,
            "user_id": person.id,
            "name": person.name,
            "team_id": team,
        }
        return {
            "user": person.id,
            "team": team,
            "bot_id": person.bot_id,
            "app_id": person.app_id,
            "bot_profile": {**profile, "deleted": False, "updated": 0, "icons": {}},
        }

    def _place(self, channel: Channel, content: Json, wish: Json) -> None:
        thread_ts = wish.get("thread_ts")
        if not thread_ts:
            return
        root = channel.messages.get(str(thread_ts))
        if root is None:
            raise ControlError("thread_not_found", f"There is no message {thread_ts} in {channel.id}.", 404)
        content["thread_ts"] = root.get("thread_ts", root["ts"])
        if wish.get("broadcast"):
            content.update(subtype="thread_broadcast", root=dict(root))

    def _file(self, person: Person, entry: Json) -> Json:
        try:
            content = base64.b64decode(str(entry.get("content_base64", "")), validate=True)
        except binascii.Error:
            raise ControlError("bad_file", "content_base64 is not base64.") from None
        name = str(entry.get("name") or "file").replace("/", "_")
        return self._backend.files.add(name, str(entry.get("mimetype") or ""), content, person.id)


def _shared_author(person: Person, team: str) -> Json:
    """What events add about an author in a channel of several organisations, and about guests."""
    profile = {
        "real_name": person.real_name,
        "display_name": person.name,
        "team": team,
        "name": person.name,
        "is_restricted": person.is_guest,
        "is_ultra_restricted": False,
    }
    return {"user_team": team, "source_team": team, "user_profile": profile}


def _need(wish: Json, name: str) -> str:
    value = wish.get(name)
    if not isinstance(value, str) or not value:
        raise ControlError("missing_field", f"{name} is missing.")
    return value
