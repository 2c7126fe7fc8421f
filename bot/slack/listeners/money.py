"""The money desk's buttons and forms. What they change is changed before the acknowledgement."""

from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.domain.reports import Asker, Field, FilledIn, FormAnswer
from bot.slack import names
from bot.slack.listeners.routing import workspace_of
from bot.slack.listeners.whisper import TOO_SLOW, in_time
from bot.slack.parse_press import Press, read_press, team_of_presser
from bot.slack.reading import first, obj, word
from bot.slack.render.blocks import Block
from bot.slack.render.money_forms import limit_form, pause_form, told_window
from bot.slack.web import call
from bot.slack.workspace import Workspace

_ONLY_ADMINS = "Only admins can do that (they are named in `ADMIN_USERS`). Nothing was changed."
Taking = Callable[[FilledIn], Awaitable[FormAnswer]]


class MoneyForms:
    """Opens forms for admins and carries out what they say.

    A refusal is shown in a window: the Home tab has no channel in which one could whisper.
    """

    async def ask_limit(self, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        """Open the form for a limit."""
        await _open(workspace_of(context), body, limit_form)
        await ack()

    async def ask_pause(self, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        """Open the form for a pause."""
        await _open(workspace_of(context), body, pause_form)
        await ack()

    async def resume(self, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        """Let the bot go on; its own question was asked by the button."""
        workspace, press = workspace_of(context), read_press(body)
        if press is not None and press.value:
            channel = "" if press.value == names.EVERYWHERE else press.value
            try:
                async with in_time(press.action_id):
                    told = await workspace.desk.resume(workspace.me.team_id, channel, _asker(press))
                    await _show(workspace, press, told_window("Resume", told))
            except TimeoutError:
                pass  # what was changed shows in the Home tab and in the next report
        await ack()

    async def limit_sent(self, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        """Set the limit, or say what is wrong beside its field."""
        workspace = workspace_of(context)
        await _answer(ack, workspace, body, workspace.desk.limit_form, "Limit", Field.AMOUNT)

    async def pause_sent(self, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        """Pause the bot, or say what is wrong."""
        workspace = workspace_of(context)
        await _answer(ack, workspace, body, workspace.desk.pause_form, "Pause", Field.REASON)


async def _open(workspace: Workspace, body: dict[str, Any], form: Callable[[], Block]) -> None:
    press = read_press(body)
    if press is None:
        return
    may = workspace.desk.may_change_budgets(_asker(press))
    try:
        async with in_time(press.action_id):
            await _show(workspace, press, form() if may else told_window("For admins", _ONLY_ADMINS))
    except TimeoutError:
        pass  # the button is still there to be pressed again


async def _show(workspace: Workspace, press: Press, view: Block) -> None:
    await call(workspace.client.views_open(trigger_id=press.trigger_id, view=view))


def _asker(press: Press) -> Asker:
    return Asker(press.user_team, press.user_id)


async def _answer(
    ack: AsyncAck, workspace: Workspace, body: dict[str, Any], take: Taking, title: str, last: Field
) -> None:
    """`last`: the field beside which it is said that something took too long."""
    try:
        async with in_time(title):
            answer = await take(read_form(body, workspace.me.team_id))
    except TimeoutError:
        answer = FormAnswer(problems={last: TOO_SLOW})
    if answer.problems:
        errors = {f"{names.FIELD}{name}": problem for name, problem in answer.problems.items()}
        await ack(response_action="errors", errors=errors)
    else:
        await ack(response_action="update", view=told_window(title, answer.told))


def read_form(body: dict[str, Any], team_id: str) -> FilledIn:
    """What was filled into one of these forms; fields left empty are missing."""
    values = obj(obj(obj(body.get("view")).get("state")).get("values"))
    filled = {name: _value(obj(obj(values.get(key := f"{names.FIELD}{name}")).get(key))) for name in Field}
    asker = Asker(team_of_presser(body), word(obj(body.get("user")).get("id")))
    return FilledIn(team_id, asker, {name: value for name, value in filled.items() if value})


def _value(state: dict[str, Any]) -> str:
    """The one value of an element's state, of whatever kind it is."""
    chosen = obj(state.get("selected_option")).get("value")
    return first(state.get("value"), state.get("selected_user"), state.get("selected_conversation"), chosen).strip()
