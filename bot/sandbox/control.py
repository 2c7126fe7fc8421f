"""The control API: what the page and headless tests use to act as a person and to look behind the scenes."""

import functools
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.sandbox.events import Events
from bot.sandbox.faults import Faults
from bot.sandbox.interact import Interactions
from bot.sandbox.page_ws import PageSockets
from bot.sandbox.people_actions import PeopleActions
from bot.sandbox.snapshot import people_json
from bot.sandbox.socket_mode import SocketMode
from bot.sandbox.webapi import WebApi
from bot.sandbox.wire import ControlError, Json, SlackError
from bot.sandbox.workspace import Workspace

Handler = Callable[[web.Request], Awaitable[Json]]

_NOT_FOUND = {"channel_not_found", "message_not_found", "user_not_found", "not_found"}


class Control:
    """Every `/control/*` route; answers are `{"ok": true, …}`."""

    def __init__(
        self,
        workspace: Workspace,
        people: PeopleActions,
        interactions: Interactions,
        pages: PageSockets,
        behind: "BehindTheScenes",
    ) -> None:
        self._workspace = workspace
        self._people = people
        self._interactions = interactions
        self._pages = pages
        self._behind = behind

    def routes(self) -> list[web.RouteDef]:
        """The routes, written out."""
        get: dict[str, Handler] = {
            "workspace": self._about,
            "state": self._state,
            "messages": self._messages,
            "calls": self._behind.calls,
            "deliveries": self._behind.deliveries,
        }
        post: dict[str, Handler] = {
            "messages": self._write,
            "messages/edit": self._edit,
            "messages/delete": self._delete,
            "messages/react": self._react,
            "dm": self._dm,
            "home": self._home,
            "press": self._press,
            "view/press": self._view_press,
            "view/submit": self._view_submit,
            "view/close": self._view_close,
            "command": self._command,
            "shortcut": self._shortcut,
            "stop": self._stop,
            "event": self._behind.event,
            "fault": self._behind.fault,
            "faults/clear": self._behind.clear_faults,
            "disconnect": self._behind.disconnect,
            "socket": self._behind.socket,
        }
        return [web.get(f"/control/{path}", _answering(handler)) for path, handler in get.items()] + [
            web.post(f"/control/{path}", _answering(handler)) for path, handler in post.items()
        ]

    async def _about(self, _request: web.Request) -> Json:
        company = self._workspace.company
        seeds = [channel for channel in self._workspace.channels.values() if channel.kind != "im"]
        return {
            "team": {"id": company.team.id, "name": company.team.name},
            "bot": {name: getattr(company.app, name) for name in ("user_id", "bot_id", "app_id", "name")},
            "people": people_json(self._workspace),
            "channels": [
                {"id": c.id, "name": c.name, "is_private": c.is_private, "topic": c.topic, "members": sorted(c.members)}
                for c in seeds
            ],
            "shortcuts": [dict(vars(shortcut)) for shortcut in company.shortcuts],
            "commands": [dict(vars(command)) for command in company.commands],
        }

    async def _state(self, request: web.Request) -> Json:
        return self._pages.state(request.query.get("user", ""))

    async def _messages(self, request: web.Request) -> Json:
        channel = self._workspace.channel(request.query.get("channel", ""))
        thread_ts, user = request.query.get("thread_ts"), request.query.get("user")
        shown = list(channel.messages.values()) if thread_ts is None else self._workspace.thread(channel.id, thread_ts)
        if user:
            mine = [m for m in self._workspace.ephemerals.get(user, []) if m["channel"] == channel.id]
            shown = shown + [m for m in mine if thread_ts is None or m.get("thread_ts") == thread_ts]
        return {"messages": sorted(shown, key=lambda message: float(message["ts"]))}

    async def _write(self, request: web.Request) -> Json:
        return {"ts": self._people.write(await _body(request))["ts"]}

    async def _edit(self, request: web.Request) -> Json:
        wish = await _body(request)
        self._people.edit(*_texts(wish, "user", "channel", "ts", "text"))
        return {}

    async def _delete(self, request: web.Request) -> Json:
        self._people.delete(*_texts(await _body(request), "user", "channel", "ts"))
        return {}

    async def _react(self, request: web.Request) -> Json:
        self._people.react(*_texts(await _body(request), "user", "channel", "ts", "name"))
        return {}

    async def _dm(self, request: web.Request) -> Json:
        return {"channel": self._people.open_dm(*_texts(await _body(request), "user")).id}

    async def _home(self, request: web.Request) -> Json:
        return {"home": self._people.open_home(*_texts(await _body(request), "user"))}

    async def _press(self, request: web.Request) -> Json:
        wish = await _body(request)
        where = _texts(wish, "user", "channel", "ts", "action_id")
        ack = await self._interactions.press(*where, value=wish.get("value"))
        return {"acked": ack.ok}

    async def _view_press(self, request: web.Request) -> Json:
        wish = await _body(request)
        where = _texts(wish, "user", "view_id", "action_id")
        ack = await self._interactions.press_in_view(*where, value=wish.get("value"))
        return {"acked": ack.ok}

    async def _view_submit(self, request: web.Request) -> Json:
        wish = await _body(request)
        values = wish.get("values")
        where = _texts(wish, "user", "view_id")
        return await self._interactions.submit(*where, values=values if isinstance(values, dict) else {})

    async def _view_close(self, request: web.Request) -> Json:
        await self._interactions.close(*_texts(await _body(request), "user", "view_id"))
        return {}

    async def _command(self, request: web.Request) -> Json:
        wish = await _body(request)
        where = _texts(wish, "user", "channel", "command")
        return await self._interactions.command(*where, typed=str(wish.get("text") or ""))

    async def _shortcut(self, request: web.Request) -> Json:
        ack = await self._interactions.shortcut(*_texts(await _body(request), "user", "channel", "ts", "callback_id"))
        return {"acked": ack.ok}

    async def _stop(self, request: web.Request) -> Json:
        self._people.stop(*_texts(await _body(request), "user", "channel", "thread_ts"))
        return {}


class BehindTheScenes:
    """What only tests ask for: calls, deliveries, raw events, faults, disconnects."""

    def __init__(self, api: WebApi, events: Events, faults: Faults, sockets: SocketMode) -> None:
        self._api = api
        self._events = events
        self._faults = faults
        self._sockets = sockets

    async def calls(self, request: web.Request) -> Json:
        """The Web API calls so far, newest last."""
        method = request.query.get("method")
        return {"calls": [call for call in self._api.calls if method in (None, call["method"])]}

    async def deliveries(self, request: web.Request) -> Json:
        """The events so far, newest last; with `ts` those of one message."""
        ts = request.query.get("ts")
        return {"deliveries": [delivery.json() for delivery in self._events.deliveries if ts in (None, delivery.ts)]}

    async def event(self, request: web.Request) -> Json:
        """Deliver a raw event."""
        event = (await _body(request)).get("event")
        if not isinstance(event, dict) or not isinstance(event.get("type"), str):
            raise ControlError("missing_field", "event must be an object with a type.")
        return {"event_id": self._events.publish(event)}

    async def fault(self, request: web.Request) -> Json:
        """Let the next calls fail."""
        self._faults.add(await _body(request))
        return {}

    async def clear_faults(self, _request: web.Request) -> Json:
        """No more faults."""
        self._faults.waiting.clear()
        return {}

    async def disconnect(self, request: web.Request) -> Json:
        """Ask the app's sockets to reconnect, as Slack does every few hours."""
        wish = await _body(request)
        await self._sockets.disconnect(str(wish.get("reason") or "refresh_requested"))
        return {}

    async def socket(self, request: web.Request) -> Json:
        """Trouble with the app's sockets: `do` is silence, cut or say (with `frame`); `most` limits their number."""
        wish = await _body(request)
        match wish.get("do"):
            case "silence":
                self._sockets.silence()
            case "cut":
                self._sockets.cut()
            case "say":
                await self._sockets.say(str(wish.get("frame", "")))
        if isinstance(wish.get("most"), int):
            self._sockets.most = wish["most"]
        return {}


def _answering(handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    @functools.wraps(handler)
    async def answer(request: web.Request) -> web.Response:
        try:
            return web.json_response({"ok": True, **await handler(request)})
        except ControlError as refusal:
            body = {"ok": False, "error": refusal.error, "detail": refusal.detail}
            return web.json_response(body, status=refusal.status)
        except SlackError as refusal:
            detail = " ".join(refusal.messages) or f"The workspace answered {refusal.error}."
            status = 404 if refusal.error in _NOT_FOUND else 400
            return web.json_response({"ok": False, "error": refusal.error, "detail": detail}, status=status)

    return answer


async def _body(request: web.Request) -> Json:
    try:
        wish = await request.json()
    except ValueError:
        raise ControlError("bad_json", "The body must be JSON.") from None
    if not isinstance(wish, dict):
        raise ControlError("bad_json", "The body must be a JSON object.")
    return wish


def _texts(wish: Json, *names: str) -> list[str]:
    values = []
    for name in names:
        value = wish.get(name)
        if not isinstance(value, str) or not value:
            raise ControlError("missing_field", f"{name} is missing.")
        values.append(value)
    return values
