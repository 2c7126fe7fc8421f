"""Presses and sent forms → decisions and feedback. Pure; reading what the listeners need to open forms, too."""

import re
from dataclasses import dataclass
from decimal import Decimal

from bot.domain.conversation import ThreadKey
from bot.domain.escalation import Decision
from bot.domain.incoming import DecisionMade, FeedbackGiven, StopPressed
from bot.slack import names
from bot.slack.identity import Identity
from bot.slack.reading import Json, first, items, obj, word
from bot.slack.render.answer import BAD, GOOD
from bot.slack.render.forms import FormContext

_AT_ONCE = {
    names.APPROVE: Decision.APPROVE,
    names.TAKE_OVER: Decision.TAKE_OVER,
    names.RECLAIM: Decision.RECLAIM,
    names.RESOLVE: Decision.RESOLVE,
    names.ALLOW_LESS: Decision.ALLOW,
    names.ALLOW_MORE: Decision.ALLOW,
    names.STOP_RUN: Decision.STOP,
}
"""Buttons that decide by themselves; Deny and Hand back open a form first."""
_AMOUNT = re.compile(r"^\d{1,6}(\.\d{1,6})?$")
_BY_FORM = {names.DENY_FORM: Decision.DENY, names.HAND_BACK_FORM: Decision.HAND_BACK}


@dataclass(frozen=True, slots=True)
class Press:
    """Who pressed which button where."""

    action_id: str
    value: str
    user_id: str
    channel_id: str
    thread_ts: str | None
    trigger_id: str
    press_id: str
    user_team: str = ""
    """The presser's own workspace; with Slack Connect it is not ours."""


NO_TEAM = "?"
"""Of a presser whose workspace Slack did not tell: nobody's, so that such a press decides nothing."""


def team_of_presser(body: Json) -> str:
    """The workspace of whoever pressed, sent or chose: theirs, not that of the message."""
    return first(obj(body.get("user")).get("team_id"), obj(body.get("team")).get("id")) or NO_TEAM


def read_press(body: object) -> Press | None:
    """The first action of a block_actions request; None when something essential is missing."""
    whole = obj(body)
    actions = items(whole.get("actions"))
    if not actions:
        return None
    action, message, container = actions[0], obj(whole.get("message")), obj(whole.get("container"))
    user, trigger = word(obj(whole.get("user")).get("id")), word(whole.get("trigger_id"))
    action_id, channel = (
        word(action.get("action_id")),
        first(obj(whole.get("channel")).get("id"), container.get("channel_id")),
    )
    if not (action_id and user):
        return None
    return Press(
        action_id=action_id,
        value=word(action.get("value")),
        user_id=user,
        channel_id=channel,
        thread_ts=first(message.get("thread_ts"), container.get("thread_ts")) or None,
        trigger_id=trigger,
        press_id=trigger or f"{user}:{action_id}:{word(action.get('action_ts'))}",
        user_team=team_of_presser(whole),
    )


def press(body: Json, me: Identity) -> DecisionMade | FeedbackGiven | StopPressed | None:
    """A press that needs no further question."""
    pressed = read_press(body)
    if pressed is None or not (pressed.value and pressed.channel_id):
        return None
    if pressed.action_id == names.FEEDBACK:
        return _feedback(pressed, me)
    if pressed.action_id == names.STOP:
        return _stop(pressed, me)
    decision = _AT_ONCE.get(pressed.action_id)
    if decision is None:
        return None
    case_id, _, version = pressed.value.partition(names.VERSION_MARK)
    return DecisionMade(
        escalation_id=case_id,
        decision=decision,
        team_id=me.team_id,
        user_id=pressed.user_id,
        channel_id=pressed.channel_id,
        thread_ts=pressed.thread_ts,
        press_id=pressed.press_id,
        version=int(version) if version.isdecimal() else None,
        usd=_usd(version) if decision is Decision.ALLOW else None,
        user_team=pressed.user_team,
    )


def _stop(pressed: Press, me: Identity) -> StopPressed | None:
    if pressed.thread_ts is None:
        return None
    thread = ThreadKey(me.team_id, pressed.channel_id, pressed.thread_ts)
    return StopPressed(thread, pressed.user_id, f"press:{pressed.press_id}", pressed.user_team)


def _usd(text: str) -> Decimal | None:
    """Of the button, as we wrote it into its value."""
    return Decimal(text) if _AMOUNT.match(text) else None


def _feedback(pressed: Press, me: Identity) -> FeedbackGiven | None:
    verdict, _, run_id = pressed.value.partition(":")
    if verdict not in (GOOD, BAD) or not run_id:
        return None
    positive = verdict == GOOD
    return FeedbackGiven(run_id, me.team_id, pressed.channel_id, pressed.user_id, positive, pressed.press_id)


def note_of(view: Json) -> str:
    """What was written into the form's one field."""
    values = obj(obj(view.get("state")).get("values"))
    field = obj(obj(values.get(names.NOTE_BLOCK)).get(names.NOTE_INPUT))
    return word(field.get("value")).strip()


def next_step_of(view: Json) -> str:
    """What the agent is asked to do next, by the form for handing back."""
    values = obj(obj(view.get("state")).get("values"))
    field = obj(obj(values.get(names.NEXT_BLOCK)).get(names.NEXT_INPUT))
    return word(field.get("value")).strip()[: names.NOTE_MAX]


def form_problem(callback_id: str, note: str) -> str | None:
    """What is wrong with a form, as a sentence for the person; None when it can be taken."""
    if callback_id == names.DENY_FORM and not names.REASON_MIN <= len(note) <= names.REASON_MAX:
        return f"Give a reason of {names.REASON_MIN} to {names.REASON_MAX:,} characters; the agent works with it."
    if callback_id == names.HAND_BACK_FORM and len(note) > names.NOTE_MAX:
        return f"At most {names.NOTE_MAX:,} characters, please."
    return None


def submission(body: Json, me: Identity) -> DecisionMade | None:
    """A sent form that is in order."""
    view, user = obj(body.get("view")), word(obj(body.get("user")).get("id"))
    callback, where = word(view.get("callback_id")), FormContext.load(view.get("private_metadata"))
    decision, note = _BY_FORM.get(callback), note_of(view)
    press_id = first(view.get("id"), body.get("trigger_id"))
    if decision is None or where is None or not (user and press_id) or form_problem(callback, note):
        return None
    return DecisionMade(
        escalation_id=where.escalation_id,
        decision=decision,
        team_id=me.team_id,
        user_id=user,
        channel_id=where.channel_id,
        thread_ts=where.thread_ts,
        press_id=press_id,
        note=note,
        user_team=team_of_presser(body),
        next_step=next_step_of(view),
    )
