"""What people do with the app: press buttons, submit forms, run commands and shortcuts."""

from typing import Any

from bot.sandbox import blockkit, forms, strict, text
from bot.sandbox.backend import Backend
from bot.sandbox.delivery import Ack, PayloadKind, Transport
from bot.sandbox.records import Channel, Person
from bot.sandbox.responses import Reply, Responses
from bot.sandbox.wire import ControlError, Json, SlackError

_NOT_RESPONDING = "The app did not respond in time. Try again in a moment."


class Interactions:
    """Builds Slack's interaction payloads, delivers them, and carries out what the app answers."""

    def __init__(self, backend: Backend, transport: Transport, responses: Responses) -> None:
        self._backend = backend
        self._workspace = backend.workspace
        self._views = backend.views
        self._transport = transport
        self._responses = responses

    async def press(self, user: str, channel_id: str, ts: str, action_id: str, *, value: Any) -> Ack:
        """Press (or choose from) an element of a message or of one's own ephemeral."""
        person, channel = self._see(user, channel_id)
        ephemeral = self._workspace.ephemeral(channel.id, person.id, ts)
        message = ephemeral or channel.messages.get(ts)
        if message is None:
            raise ControlError("not_visible", f"{person.name} cannot see a message {ts} in {channel_id}.", 404)
        action = self._action(person, blockkit.all_blocks(message), action_id, value)
        reply = Reply(channel.id, person.id, ts, is_ephemeral=ephemeral is not None)
        container: Json = {
            "type": "message",
            "message_ts": ts,
            "channel_id": channel.id,
            "is_ephemeral": ephemeral is not None,
        }
        if message.get("thread_ts"):
            container["thread_ts"] = message["thread_ts"]
        payload: Json = {
            **self._common(person, "block_actions"),
            "container": container,
            "channel": {"id": channel.id, "name": channel.payload_name},
            "state": {"values": {}},
            "response_url": self._responses.url(reply),
            "actions": [action],
        }
        if ephemeral is None:
            payload["message"] = dict(message)
        return await self._deliver(person, "interactive", payload)

    async def press_in_view(self, user: str, view_id: str, action_id: str, *, value: Any) -> Ack:
        """Press a button (or choose) inside an open modal."""
        person, view = self._open_view(user, view_id)
        action = self._action(person, view["blocks"], action_id, value)
        payload: Json = {
            **self._common(person, "block_actions"),
            "container": {"type": "view", "view_id": view_id},
            "view": self._view_json(view),
            "actions": [action],
        }
        return await self._deliver(person, "interactive", payload)

    async def submit(self, user: str, view_id: str, *, values: Json) -> Json:
        """Submit a modal; says what became of it."""
        person, view = self._open_view(user, view_id)
        complaints = forms.fill(view, values)
        if complaints:
            self._views.show_errors(person.id, view_id, complaints)
            return {"result": "errors", "errors": complaints}
        view.pop("errors", None)
        payload = {**self._common(person, "view_submission"), "view": self._view_json(view), "response_urls": []}
        ack = await self._deliver(person, "interactive", payload)
        return self._carry_out(person.id, view_id, ack)

    async def close(self, user: str, view_id: str) -> None:
        """Close a modal; the app hears of it if it asked to."""
        person, view = self._open_view(user, view_id)
        self._views.close(person.id, view_id)
        if view["notify_on_close"]:
            payload = {**self._common(person, "view_closed"), "view": self._view_json(view), "is_cleared": False}
            payload.pop("trigger_id")
            await self._deliver(person, "interactive", payload)

    async def command(self, user: str, channel_id: str, command: str, *, typed: str) -> Json:
        """Run a slash command; `response` is the message the app answered with, if it did so at once."""
        person, channel = self._see(user, channel_id)
        known = [entry.command for entry in self._backend.config.company.commands]
        if command not in known:
            raise ControlError("no_such_command", f"{command} is not a command here; there is {', '.join(known)}.")
        reply = Reply(channel.id, person.id)
        company = self._backend.config.company
        payload: Json = {
            "token": "sandbox-verification",
            "team_id": company.team.id,
            "team_domain": company.team.domain,
            "channel_id": channel.id,
            "channel_name": channel.payload_name,
            "user_id": person.id,
            "user_name": person.name,
            "command": command,
            "text": text.command_text(typed, self._workspace.people.values(), self._workspace.channels.values()),
            "api_app_id": company.app.app_id,
            "is_enterprise_install": "false",
            "response_url": self._responses.url(reply),
            "trigger_id": self._views.trigger(person.id),
        }
        ack = await self._deliver(person, "slash_commands", payload)
        shown = None
        if any(ack.payload.get(name) for name in ("text", "blocks", "attachments")):
            shown = self._shown(person, reply, ack.payload)
        return {"acked": ack.ok} if shown is None else {"acked": ack.ok, "response": shown}

    async def shortcut(self, user: str, channel_id: str, ts: str, callback_id: str) -> Ack:
        """Use a message shortcut."""
        person, channel = self._see(user, channel_id)
        if callback_id not in [entry.callback_id for entry in self._backend.config.company.shortcuts]:
            raise ControlError("no_such_shortcut", f"The app has no message shortcut {callback_id}.")
        message = channel.messages.get(ts)
        if message is None:
            raise ControlError("not_visible", f"There is no message {ts} in {channel_id}.", 404)
        payload: Json = {
            **self._common(person, "message_action"),
            "callback_id": callback_id,
            "action_ts": self._workspace.next_ts(),
            "message_ts": ts,
            "channel": {"id": channel.id, "name": channel.payload_name},
            "message": dict(message),
            "response_url": self._responses.url(Reply(channel.id, person.id, ts)),
        }
        return await self._deliver(person, "interactive", payload)

    def _see(self, user: str, channel_id: str) -> tuple[Person, Channel]:
        person, channel = self._workspace.person(user), self._workspace.channel(channel_id)
        if not self._workspace.may_see(user, channel):
            raise ControlError("not_visible", f"{person.name} is not a member of {channel_id}.", 403)
        return person, channel

    def _open_view(self, user: str, view_id: str) -> tuple[Person, Json]:
        person = self._workspace.person(user)
        view = self._views.find(user, view_id)
        if view is None:
            raise ControlError("no_such_view", f"{person.name} has no open view {view_id}.", 404)
        return person, view

    def _action(self, person: Person, blocks: list[Json], action_id: str, value: Any) -> Json:
        found = blockkit.find(blocks, action_id, value if isinstance(value, str) else None)
        if found is None:
            raise ControlError("no_such_action", f"Nothing here has the action_id {action_id}.", 404)
        block, element = found
        visible = element.get("visible_to_user_ids")
        if visible and person.id not in visible:
            raise ControlError("not_visible", f"{person.name} is not shown this button.", 403)
        action: Json = {"action_id": action_id, "block_id": block["block_id"], "action_ts": self._workspace.next_ts()}
        match element["type"]:
            case "button" | "icon_button" | "workflow_button":
                kept: Json = {name: element[name] for name in ("text", "value", "style", "url") if name in element}
                return {**action, "type": element["type"], **kept}
            case "feedback_buttons":
                return {**action, "type": "feedback_buttons", **_feedback(element, value)}
            case _:
                return {**action, **blockkit.state_value(element, value)}

    def _common(self, person: Person, kind: str) -> Json:
        company = self._backend.config.company
        team = person.team_id or company.team.id
        who = {"id": person.id, "username": person.name, "name": person.name, "team_id": team}
        return {
            "type": kind,
            "user": who,
            "api_app_id": company.app.app_id,
            "token": "sandbox-verification",
            "team": {"id": team, "domain": company.team.domain if team == company.team.id else "elsewhere"},
            "enterprise": None,
            "is_enterprise_install": False,
            "trigger_id": self._views.trigger(person.id),
        }

    def _view_json(self, view: Json) -> Json:
        return {name: value for name, value in view.items() if name != "errors"}

    async def _deliver(self, person: Person, kind: PayloadKind, payload: Json) -> Ack:
        ack = await self._transport.send(kind, payload)
        if not ack.ok:
            self._workspace.notice(person.id, _NOT_RESPONDING)
        return ack

    def _shown(self, person: Person, reply: Reply, body: Json) -> Json | None:
        try:
            return self._responses.apply(reply, body)
        except SlackError as refusal:
            self._workspace.notice(person.id, f"The app's answer was refused by Slack: {refusal.error}.")
            return None

    def _carry_out(self, user: str, view_id: str, ack: Ack) -> Json:
        if not ack.ok:
            problem = "We had some trouble connecting. Try again?"
            self._views.show_errors(user, view_id, {"": problem})
            return {"result": "errors", "errors": {"": problem}}
        try:
            return self._respond(user, view_id, ack.payload)
        except SlackError as refusal:
            self._workspace.notice(user, f"The app's answer was refused by Slack: {refusal.error}.")
            return {"result": "errors", "errors": {"": " ".join((refusal.error, *refusal.messages))}}

    def _respond(self, user: str, view_id: str, answer: Json) -> Json:
        match answer.get("response_action"):
            case None:
                self._views.close(user, view_id)
                return {"result": "closed"}
            case "clear":
                self._views.clear(user)
                return {"result": "closed"}
            case "errors":
                errors = {str(block): str(words) for block, words in answer.get("errors", {}).items()}
                self._views.show_errors(user, view_id, errors)
                return {"result": "errors", "errors": errors}
            case "update":
                self._views.replace(view_id, "", self._checked(answer.get("view")))
                return {"result": "updated"}
            case "push":
                self._views.push(user, self._checked(answer.get("view")))
                return {"result": "pushed"}
            case other:
                raise SlackError("invalid_response_action", f"[ERROR] {other}")

    def _checked(self, view: Any) -> Json:
        strict.check_view(view, "modal")
        checked: Json = view
        blockkit.fill_ids(checked["blocks"], self._workspace.make_id)
        return checked


def _feedback(element: Json, value: Any) -> Json:
    for name in ("positive_button", "negative_button"):
        if value in (name, element[name]["value"]):
            return {"value": element[name]["value"], "text": element[name]["text"]}
    raise ControlError("no_such_action", "Feedback is either the positive or the negative button's value.")
