"""Edit and Ask: the forms behind these buttons. An edit is checked while its form is open, so that no word is lost."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.domain.escalation import State
from bot.domain.incoming import ProposalEdited
from bot.domain.revision import Fault, Problem
from bot.slack import names
from bot.slack.desk_port import Desk
from bot.slack.listeners.routing import workspace_of
from bot.slack.listeners.whisper import GONE, TOO_SLOW, in_time
from bot.slack.listeners.window import Window
from bot.slack.parse_consent import edited, question_problem
from bot.slack.parse_press import Press, note_of
from bot.slack.reading import obj
from bot.slack.render.ask_form import ask_form
from bot.slack.render.blocks import Block
from bot.slack.render.card import decided
from bot.slack.render.edit_form import edit_form, lost_words
from bot.slack.render.forms import FormContext

_LEFT = "This button has nothing left to decide. {}"


class ConsentForms:
    """Opens the forms, and takes what comes back or says what is wrong with it."""

    async def edit(self, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        """Open the form of an edit."""
        workspace = workspace_of(context)
        await Window(workspace).open(body, lambda press: _edit(workspace.desk, press))
        await ack()

    async def ask(self, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        """Open the form of a question."""
        workspace = workspace_of(context)
        await Window(workspace).open(body, lambda press: _ask(workspace.desk, press))
        await ack()

    async def asked(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Close a form that was stored; show what is wrong with one that was not."""
        problem = question_problem(note_of(obj(body.get("view"))))
        if problem:
            await ack(response_action="errors", errors={names.NOTE_BLOCK: problem})
        else:
            await ack()

    async def edited(self, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        """Store an edit that can be taken; any other stays with whoever wrote it, with the reason."""
        workspace = workspace_of(context)
        edit = edited(body, workspace.me)
        if edit is None:
            await ack()
            return
        try:
            async with in_time(names.EDIT_FORM):
                answer = await _taken(workspace.desk, edit)
        except TimeoutError:
            answer = _errors(edit, TOO_SLOW)
        await ack(**answer)


async def _edit(desk: Desk, press: Press) -> Block | str:
    sheet = await desk.edit_sheet(press.value)
    if sheet is None:
        return GONE
    case = sheet.view.escalation
    if case.state is not State.OPEN or case.proposal is None:
        return _LEFT.format(decided(case))
    if sheet.refusal:
        return sheet.refusal
    return edit_form(sheet.view, sheet.fields, FormContext(case.id, press.channel_id, press.thread_ts))


async def _ask(desk: Desk, press: Press) -> Block | str:
    view = await desk.case(press.value)
    if view is None:
        return GONE
    if view.escalation.state is not State.OPEN:
        return _LEFT.format(decided(view.escalation))
    return ask_form(view, FormContext(view.escalation.id, press.channel_id, press.thread_ts))


async def _taken(desk: Desk, edit: ProposalEdited) -> dict[str, Any]:
    """Store it; what Slack is to do with the form."""
    problem = await desk.edit_problem(edit)
    if problem is None:
        await desk.accept(edit)
        return {}
    if problem.fault is Fault.STALE:
        return {"response_action": "update", "view": await _again(desk, edit, problem)}
    return _errors(edit, problem.text, is_of_field=problem.fault is Fault.FIELD)


async def _again(desk: Desk, edit: ProposalEdited, problem: Problem) -> Block:
    """The form as the case is now, with what was written in it; only the words when nothing is left to edit."""
    sheet = await desk.edit_sheet(edit.escalation_id)
    words = edit.text or "\n".join(f"{name}: {value}" for name, value in edit.arguments)
    case = sheet.view.escalation if sheet else None
    call = case.proposal.call if case and case.proposal else None
    same_kind = case is not None and case.proposal is not None and bool(edit.arguments) == (call is not None)
    if sheet is None or sheet.refusal or case is None or case.state is not State.OPEN or not same_kind:
        return lost_words(problem.text, words)
    where = FormContext(case.id, edit.channel_id, edit.thread_ts)
    note = f"{problem.text} it stands in the form below. Save it again if it still fits."
    return edit_form(sheet.view, sheet.fields, where, note=note, written=dict(edit.arguments), text=edit.text)


def _errors(edit: ProposalEdited, text: str, *, is_of_field: bool = False) -> dict[str, Any]:
    """The sentence beside the field it is about, as far as that can be told, or at the end.

    Slack takes it for blocks of the form only, and the one at the end is in every form.
    """
    fields = [f"{names.ARGUMENT}{name}" for name, _ in edit.arguments] or [f"{names.PART}0"]
    named = [f"{names.ARGUMENT}{name}" for name, _ in edit.arguments if f"{name}:" in text]
    blocks = (named or fields[:1]) if is_of_field else [names.NOW_BLOCK]
    return {"response_action": "errors", "errors": dict.fromkeys(blocks, text)}
