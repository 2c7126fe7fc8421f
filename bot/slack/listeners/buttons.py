"""Buttons that open something, the forms behind them, and buttons nobody knows any more."""

from collections.abc import Callable
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.domain.escalation import MOVES, CardView, Decision
from bot.slack import names
from bot.slack.desk_port import Desk
from bot.slack.listeners.routing import workspace_of
from bot.slack.listeners.whisper import GONE, NO_LONGER
from bot.slack.listeners.window import Window
from bot.slack.parse_press import Press, form_problem, note_of, read_press
from bot.slack.reading import obj, word
from bot.slack.render.blocks import Block
from bot.slack.render.card import decided
from bot.slack.render.forms import FormContext, deny_form, full_text_modal
from bot.slack.render.hand_back import hand_back_form
from bot.slack.render.trace import trace_modal
from bot.slack.workspace import Workspace

Form = Callable[[CardView, FormContext], Block]


class Buttons:
    """Deny and Hand back ask for a note first; the decision itself is stored when the form is sent.

    Everything is done before the acknowledgement: nothing is left running behind Slack's back.
    """

    async def deny(self, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        """Open the form for a denial."""
        await _open_form(body, workspace_of(context), Decision.DENY, deny_form)
        await ack()

    async def hand_back(self, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        """Open the form for handing back."""
        await _open_form(body, workspace_of(context), Decision.HAND_BACK, hand_back_form)
        await ack()

    async def trace(self, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        """Show every step of the case's conversation."""
        workspace = workspace_of(context)
        await Window(workspace).open(body, lambda press: _trace(workspace.desk, press))
        await ack()

    async def full_text(self, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        """Show reason, summary and proposal without cuts."""
        workspace = workspace_of(context)
        await Window(workspace).open(body, lambda press: _full_text(workspace.desk, press))
        await ack()

    async def form_sent(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Close a form that was stored; show what is wrong with one that was not."""
        view = obj(body.get("view"))
        problem = form_problem(word(view.get("callback_id")), note_of(view))
        if problem:
            await ack(response_action="errors", errors={names.NOTE_BLOCK: problem})
        else:
            await ack()

    async def unknown(self, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        """A button of an older version."""
        press = read_press(body)
        if press is not None:
            await Window(workspace_of(context)).tell(press, NO_LONGER)
        await ack()


async def _open_form(body: dict[str, Any], workspace: Workspace, decision: Decision, form: Form) -> None:
    await Window(workspace).open(body, lambda press: _form(workspace.desk, press, decision, form))


async def _form(desk: Desk, press: Press, decision: Decision, form: Form) -> Block | str:
    view = await desk.case(press.value)
    if view is None:
        return GONE
    if view.escalation.state is not MOVES[decision][0]:
        return f"This button has nothing left to decide. {decided(view.escalation)}"
    return form(view, FormContext(view.escalation.id, press.channel_id, press.thread_ts))


async def _trace(desk: Desk, press: Press) -> Block | str:
    report = await desk.trace_of(press.value)
    return trace_modal(report) if report else GONE


async def _full_text(desk: Desk, press: Press) -> Block | str:
    view = await desk.case(press.value)
    return full_text_modal(view) if view else GONE
