"""The form for a customer's comment. Everybody may open it; the desk takes only the words of whoever was asked."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.slack.listeners.routing import workspace_of
from bot.slack.listeners.whisper import TOO_SLOW, in_time, whisper
from bot.slack.names import LANGUAGE_MARK
from bot.slack.parse_press import read_press
from bot.slack.render.forms import FormContext
from bot.slack.render.rating import comment_form
from bot.slack.web import call


async def comment(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
    """Open the form."""
    workspace, press = workspace_of(context), read_press(body)
    if press is not None:
        case_id, _, language = press.value.partition(LANGUAGE_MARK)
        where = FormContext(case_id, press.channel_id, press.thread_ts)
        try:
            async with in_time(press.action_id):
                await call(workspace.client.views_open(trigger_id=press.trigger_id, view=comment_form(where, language)))
        except TimeoutError:
            await whisper(workspace.client, press.channel_id, press.user_id, TOO_SLOW, press.thread_ts)
    await ack()
