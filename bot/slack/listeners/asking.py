"""Questions about money: the message shortcut and the slash command."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.domain.conversation import ThreadKey
from bot.domain.reports import BudgetCommand
from bot.slack.listeners.routing import workspace_of
from bot.slack.listeners.whisper import TOO_SLOW, in_time, whisper
from bot.slack.reading import first, obj, plain_text, word
from bot.slack.render.budget import budget_reply
from bot.slack.render.lines import whisper as sentence
from bot.slack.render.trace import cost_modal
from bot.slack.web import call


class Asking:
    """Answers at once, to the asker only."""

    async def cost(self, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        """Show what the conversation of this message has cost."""
        workspace = workspace_of(context)
        channel, message = word(obj(body.get("channel")).get("id")), obj(body.get("message"))
        user, trigger = word(obj(body.get("user")).get("id")), word(body.get("trigger_id"))
        root = first(message.get("thread_ts"), message.get("ts"), body.get("message_ts"))
        try:
            async with in_time("conversation_cost"):
                report = await workspace.desk.trace_of(ThreadKey(workspace.me.team_id, channel, root).id)
                await call(workspace.client.views_open(trigger_id=trigger, view=cost_modal(report)))
        except TimeoutError:
            await whisper(workspace.client, channel, user, TOO_SLOW)
        await ack()

    async def budget(self, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        """Answer `/agent-budget` to the person who typed it."""
        workspace = workspace_of(context)
        try:
            async with in_time("budget"):
                text = plain_text(body.get("text"), "")  # a mention of the bot is an argument here, not an address
                command = BudgetCommand(
                    workspace.me.team_id,
                    word(body.get("channel_id")),
                    word(body.get("user_id")),
                    text,
                    user_team=word(body.get("team_id")),
                )
                content = budget_reply(await workspace.desk.budget_command(command))
        except TimeoutError:
            content = sentence(TOO_SLOW)
        await ack(text=content["text"], blocks=content["blocks"], response_type="ephemeral")
