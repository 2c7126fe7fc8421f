"""Sent forms of Edit and Ask → what the desk is to do. Pure; None for what is not in order."""

from bot.domain.incoming import ProposalEdited, QuestionAsked
from bot.slack import names
from bot.slack.identity import Identity
from bot.slack.parse_press import note_of, team_of_presser
from bot.slack.reading import Json, first, items, obj, word
from bot.slack.render.edit_form import EditContext, put_together
from bot.slack.render.forms import FormContext


def edited(body: Json, me: Identity) -> ProposalEdited | None:
    """A sent form of Edit."""
    view, user = obj(body.get("view")), word(obj(body.get("user")).get("id"))
    context = EditContext.load(view.get("private_metadata"))
    press_id = first(view.get("id"), body.get("trigger_id"))
    if word(view.get("callback_id")) != names.EDIT_FORM or context is None or not (user and press_id):
        return None
    values = obj(obj(view.get("state")).get("values"))
    fields = {name: obj(obj(block).get(name)) for name, block in values.items()}
    parts = sorted((int(name.removeprefix(names.PART)), name) for name in fields if _is_part(name))
    return ProposalEdited(
        escalation_id=context.where.escalation_id,
        team_id=me.team_id,
        user_id=user,
        channel_id=context.where.channel_id,
        thread_ts=context.where.thread_ts,
        press_id=press_id,
        version=context.version,
        text=put_together([_value(fields[name]) for _, name in parts], context.joints),
        arguments=tuple(
            (name.removeprefix(names.ARGUMENT), _value(field))
            for name, field in fields.items()
            if name.startswith(names.ARGUMENT)
        ),
        approve=bool(items(fields.get(names.NOW_BLOCK, {}).get("selected_options"))),
        user_team=team_of_presser(body),
    )


def question(body: Json, me: Identity) -> QuestionAsked | None:
    """A sent form of Ask that is in order."""
    view, user = obj(body.get("view")), word(obj(body.get("user")).get("id"))
    if word(view.get("callback_id")) != names.ASK_FORM:
        return None
    where, text = FormContext.load(view.get("private_metadata")), note_of(view)
    press_id = first(view.get("id"), body.get("trigger_id"))
    if where is None or not (user and press_id) or question_problem(text):
        return None
    values = obj(obj(view.get("state")).get("values"))
    return QuestionAsked(
        escalation_id=where.escalation_id,
        team_id=me.team_id,
        user_id=user,
        channel_id=where.channel_id,
        thread_ts=where.thread_ts,
        press_id=press_id,
        text=text,
        of=word(obj(obj(values.get(names.WHOM_BLOCK)).get(names.WHOM_BLOCK)).get("selected_user")),
        user_team=team_of_presser(body),
    )


def question_problem(text: str) -> str | None:
    """What is wrong with a question, as a sentence for the person."""
    if names.REASON_MIN <= len(text) <= names.REASON_MAX:
        return None
    return f"Write a question of {names.REASON_MIN} to {names.REASON_MAX:,} characters."


def _is_part(name: str) -> bool:
    return name.startswith(names.PART) and name.removeprefix(names.PART).isdecimal()


def _value(field: Json) -> str:
    return first(field.get("value"), obj(field.get("selected_option")).get("value"))
