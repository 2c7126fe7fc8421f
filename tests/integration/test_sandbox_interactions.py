"""Buttons, forms, shortcuts and commands of the sandbox, as Bolt sees them over Socket Mode."""

import dataclasses
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.fakes.bolt_app import BUTTON, CARD, connected, modal, new_app, settled, shown
from tests.fakes.sandbox_driver import FAST, Json, SandboxDriver, eventually, sandbox_running


async def test_a_button_opens_a_form_that_is_checked_and_sent(sandbox: SandboxDriver, app: AsyncApp) -> None:
    got: list[Json] = []

    @app.action("go")
    async def pressed(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        got.append(body)
        await client.views_open(trigger_id=body["trigger_id"], view=modal(private_metadata="E1"))

    @app.view("deny")
    async def submitted(ack: Any, view: Json) -> None:
        words = view["state"]["values"]["why"]["reason"]["value"]
        await (ack() if words == "Too dear" else ack(response_action="errors", errors={"why": "Say more."}))

    async with connected(app):
        root = await sandbox.says("U0ANA", "hello")
        await app.client.chat_postMessage(channel="C0SUPPORT", text="card", blocks=CARD, thread_ts=root)
        card = (await sandbox.messages(thread_ts=root))[-1]
        pressed_answer = await sandbox.call("press", user="U0SAM", channel="C0SUPPORT", ts=card["ts"], action_id="go")
        assert pressed_answer == {"ok": True, "acked": True}
        [view] = await eventually(lambda: sandbox.views("U0SAM"))
        where = {"user": "U0SAM", "view_id": view["id"]}
        assert (await sandbox.call("view/submit", **where, values={}))["errors"] == {
            "why": "Please complete this required field."
        }
        refused = await sandbox.call("view/submit", **where, values={"reason": "no"})
        assert refused == {"ok": True, "result": "errors", "errors": {"why": "Say more."}}
        assert (await sandbox.views("U0SAM"))[0]["errors"] == {"why": "Say more."}
        assert (await sandbox.call("view/submit", **where, values={"reason": "Too dear"}))["result"] == "closed"
        assert await sandbox.views("U0SAM") == []
    [body] = got
    assert body["actions"][0]["value"] == "7"
    assert body["container"] == {
        "type": "message",
        "message_ts": card["ts"],
        "channel_id": "C0SUPPORT",
        "is_ephemeral": False,
        "thread_ts": root,
    }
    assert body["user"]["id"] == "U0SAM"


async def test_a_form_can_be_replaced_stacked_and_cleared(sandbox: SandboxDriver, app: AsyncApp) -> None:
    closed: list[Json] = []

    @app.shortcut("conversation_cost")
    async def open_form(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        assert body["message"]["thread_ts" if "thread_ts" in body["message"] else "ts"]
        await client.views_open(trigger_id=body["trigger_id"], view=modal(notify_on_close=True))

    @app.view("deny")
    async def submitted(ack: Any, view: Json) -> None:
        words = view["state"]["values"]["why"]["reason"]["value"]
        answers = {
            "more": {"response_action": "update", "view": modal()},
            "deep": {"response_action": "push", "view": modal()},
        }
        await ack(**answers.get(words, {"response_action": "clear"}))

    @app.view_closed("deny")
    async def left(ack: Any, view: Json) -> None:
        await ack()
        closed.append(view)

    async with connected(app):
        ts = await sandbox.says("U0ANA", "hello")
        await sandbox.call("shortcut", user="U0ANA", channel="C0SUPPORT", ts=ts, callback_id="conversation_cost")
        [view] = await eventually(lambda: sandbox.views("U0ANA"))
        who = {"user": "U0ANA", "view_id": view["id"]}
        assert (await sandbox.call("view/submit", **who, values={"reason": "more"}))["result"] == "updated"
        assert (await sandbox.call("view/submit", **who, values={"reason": "deep"}))["result"] == "pushed"
        stack = await sandbox.views("U0ANA")
        assert len(stack) == 2
        assert stack[1]["previous_view_id"] == view["id"]
        assert (await sandbox.call("view/submit", **who, values={"reason": "end"}))["result"] == "closed"
        assert await sandbox.views("U0ANA") == []
        await sandbox.call("shortcut", user="U0ANA", channel="C0SUPPORT", ts=ts, callback_id="conversation_cost")
        [again] = await eventually(lambda: sandbox.views("U0ANA"))
        await sandbox.call("view/close", user="U0ANA", view_id=again["id"])
        await eventually(lambda: settled(closed, 1))


async def test_a_trigger_id_works_once_and_for_three_seconds() -> None:
    now = [1_800_000_000.0]
    async with sandbox_running(dataclasses.replace(FAST, clock=lambda: now[0])) as sandbox:
        app = new_app(sandbox)
        errors: list[str] = []

        async def open_form(trigger_id: str, client: AsyncWebClient) -> str:
            try:
                await client.views_open(trigger_id=trigger_id, view=modal())
            except SlackApiError as refusal:
                return str(refusal.response["error"])
            return "opened"

        @app.action("go")
        async def pressed(ack: Any, body: Json, client: AsyncWebClient) -> None:
            await ack()
            late = bool(errors)
            now[0] += 4 if late else 0
            errors.append(await open_form(body["trigger_id"], client))
            errors.append(await open_form(body["trigger_id"], client))

        async with connected(app):
            await app.client.chat_postMessage(channel="C0SUPPORT", text="card", blocks=CARD)
            [card] = await sandbox.messages()
            press = {"user": "U0SAM", "channel": "C0SUPPORT", "ts": card["ts"], "action_id": "go"}
            await sandbox.call("press", **press)
            await eventually(lambda: settled(errors, 2))
            await sandbox.call("press", **press)
            await eventually(lambda: settled(errors, 4))
        assert errors == ["opened", "exchanged_trigger_id", "expired_trigger_id", "expired_trigger_id"]


async def test_a_command_answers_ephemerally_and_escapes_names(sandbox: SandboxDriver, app: AsyncApp) -> None:
    got: list[Json] = []

    @app.command("/agent-budget")
    async def budget(ack: Any, body: Json, respond: Any) -> None:
        got.append(body)
        await ack("$0.10 today")
        await respond(text="and for all", response_type="in_channel")

    async with connected(app):
        answer = await sandbox.call(
            "command", user="U0GRACE", channel="C0SUPPORT", command="/agent-budget", text="set user @ana 5"
        )
        assert answer["response"]["text"] == "$0.10 today"
        assert answer["response"]["is_ephemeral"] is True
        await eventually(lambda: shown(sandbox, "and for all"))
    assert got[0]["text"] == "set user <@U0ANA|ana> 5"
    assert await sandbox.texts(user="U0BO") == ["and for all"]
    unknown = await sandbox.call("command", user="U0BO", channel="C0SUPPORT", command="/nothing", text="")
    assert unknown["error"] == "no_such_command"


async def test_an_app_that_does_not_answer_is_noticed(impatient: SandboxDriver) -> None:
    url = f"{impatient.server.url}/ui/ws?user=U0ANA"
    async with connected(new_app(impatient)), impatient.http.ws_connect(url) as page:
        await page.receive_json()
        answer = await impatient.call("command", user="U0ANA", channel="C0SUPPORT", command="/agent-budget", text="")
        assert answer == {"ok": True, "acked": False}
        notice = await page.receive_json()
        assert notice["type"] == "notice"
        assert "did not respond" in notice["text"]


async def test_a_response_url_replaces_an_ephemeral_and_wears_out(sandbox: SandboxDriver, app: AsyncApp) -> None:
    urls: list[str] = []

    @app.action("go")
    async def pressed(ack: Any, body: Json) -> None:
        await ack()
        assert "message" not in body
        urls.append(body["response_url"])

    async with connected(app):
        await app.client.chat_postEphemeral(channel="C0SUPPORT", user="U0ANA", text="old", blocks=CARD)
        [shown] = await sandbox.messages(user="U0ANA")
        other = await sandbox.call("press", user="U0BO", channel="C0SUPPORT", ts=shown["ts"], action_id="go")
        assert other["error"] == "not_visible"
        await sandbox.call("press", user="U0ANA", channel="C0SUPPORT", ts=shown["ts"], action_id="go")
        await eventually(lambda: settled(urls, 1))
        webhook = AsyncWebhookClient(urls[0])
        assert (await webhook.send(text="new", replace_original=True)).body == "ok"
        assert await sandbox.texts(user="U0ANA") == ["new"]
        assert (await webhook.send(text=" ")).status_code == 400
        for _ in range(3):
            await webhook.send(text="again")
        await webhook.send(delete_original=True)
        assert await sandbox.texts(user="U0ANA") == ["again", "again", "again"]
        assert (await webhook.send(text="sixth")).status_code == 404


async def test_unknown_buttons_and_hidden_buttons_cannot_be_pressed(sandbox: SandboxDriver, app: AsyncApp) -> None:
    only_sam = [{"type": "actions", "elements": [{**BUTTON, "visible_to_user_ids": ["U0SAM"]}]}]
    await app.client.chat_postMessage(channel="C0SUPPORT", text="card", blocks=only_sam)
    [card] = await sandbox.messages()
    where = {"channel": "C0SUPPORT", "ts": card["ts"]}
    assert (await sandbox.call("press", user="U0ANA", **where, action_id="nope"))["error"] == "no_such_action"
    assert (await sandbox.call("press", user="U0ANA", **where, action_id="go"))["error"] == "not_visible"


async def test_a_home_tab_is_published_pressed_and_protected_by_its_hash(sandbox: SandboxDriver, app: AsyncApp) -> None:
    opened: list[Json] = []
    pressed: list[Json] = []
    home = {"type": "home", "blocks": [{"type": "actions", "elements": [BUTTON]}]}

    @app.event("app_home_opened")
    async def publish(event: Json, client: AsyncWebClient) -> None:
        opened.append(event)
        await client.views_publish(user_id=event["user"], view=home)

    @app.action("go")
    async def press(ack: Any, body: Json) -> None:
        await ack()
        pressed.append(body)

    async def published() -> Json | None:
        found: Json | None = (await sandbox.look("state", user="U0ANA"))["home"]
        return found

    async with connected(app):
        assert (await sandbox.call("home", user="U0ANA"))["home"] is None
        view = await eventually(published)
        assert (await sandbox.look("state", user="U0BO"))["home"] is None
        wish = {"user": "U0ANA", "view_id": view["id"], "action_id": "go"}
        assert (await sandbox.call("view/press", **wish)) == {"ok": True, "acked": True}
        newer = await app.client.views_publish(user_id="U0ANA", view=home, hash=view["hash"])
        assert newer["view"]["id"] == view["id"]
        with pytest.raises(SlackApiError, match="hash_conflict"):
            await app.client.views_publish(user_id="U0ANA", view=home, hash=view["hash"])
        await sandbox.call("home", user="U0ANA")
        await eventually(lambda: _count(opened, 2))
    assert [event["tab"] for event in opened] == ["home", "home"]
    assert "view" not in opened[0]
    assert opened[1]["view"]["id"] == view["id"]
    assert pressed[0]["container"] == {"type": "view", "view_id": view["id"]}
    assert "channel" not in pressed[0]


async def _count(things: list[Json], number: int) -> bool:
    return len(things) >= number
