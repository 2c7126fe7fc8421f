"""What a card shows of a proposal: the whole reply or call, who has to agree until when, and what happened to it."""

import json
from datetime import UTC, datetime

from bot.domain.escalation import SHOWN_ON_CARD, CardView, Escalation, GatedCall, Question, State
from bot.slack.render import blocks as b
from bot.slack.render.text import literal, moment, neutralise, shorten, to_mrkdwn

_BEGINNING = 1200
_ROOM = b.SECTION_TEXT - 200
"""Characters for the arguments of a call."""
_QUESTION = 500


def proposal_blocks(case: Escalation) -> list[b.Block]:
    """The reply or the call that an approval is about; nothing without one."""
    if case.proposal is None:
        return []
    is_open = case.state is State.OPEN
    if case.proposal.call is not None:
        return [b.divider(), *_call(case.proposal.call, "Approve does exactly this, once" if is_open else "not done")]
    text = neutralise(case.proposal.text)
    if len(text) <= SHOWN_ON_CARD:
        told = "Approve sends exactly this" if is_open else "not sent"
        return [b.divider(), b.section(f"*Proposed reply* ({told})"), b.markdown(text)]
    told = "Approve sends the whole text" if is_open else "not sent"
    label = f"*Proposed reply* (the beginning; {told}, see *Full text* or the reply below)"
    return [b.divider(), b.section(label), b.section(shorten(to_mrkdwn(case.proposal.text), _BEGINNING))]


def is_proposal_cut(case: Escalation) -> bool:
    """Whether the card shows only the beginning of what would be sent or done."""
    if case.proposal is None:
        return False
    call = case.proposal.call
    length = max(len(case.proposal.words), len(neutralise(case.proposal.text)))  # marks against pings make it longer
    return length > SHOWN_ON_CARD or (call is not None and len("\n".join(_arguments(call))) > _ROOM)


def consent_blocks(view: CardView) -> list[b.Block]:
    """Small print about the consent to an open case's proposal, and about questions."""
    lines = list(_lines(view)) if view.escalation.state is State.OPEN else []
    return [b.context(*lines)] if lines else []


def call_in_full(call: GatedCall) -> str:
    """Every argument, in mrkdwn, however long."""
    return "\n".join([f"*Proposed action*: `{literal(call.tool)}`", *_arguments(call), f"_{literal(call.why)}_"])


def when(at: float) -> str:
    """A moment, in the reader's own time zone."""
    return moment(at, datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC"))


def _call(call: GatedCall, told: str) -> list[b.Block]:
    title = f"*Proposed action*: `{literal(call.tool)}` ({told})"
    arguments = "\n".join(_arguments(call)) or "_no arguments_"
    if len(arguments) > _ROOM:
        arguments = f"{shorten(arguments, _BEGINNING)}\n_The rest: see *Full text*, or the reply below._"
    why = [b.context(literal(call.why))] if call.why.strip() else []
    return [b.section(title), b.section(arguments), *why]


def _arguments(call: GatedCall) -> list[str]:
    values = json.loads(call.arguments)
    lines = []
    for name, value in values.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        lines.append(f"• *{literal(name)}*: {literal(text)}")
    return lines


def _lines(view: CardView) -> list[str]:
    case = view.escalation
    lines = []
    if case.note.strip() and case.proposal is None:
        lines.append(f"🚫 Withdrawn: {literal(shorten(' '.join(case.note.split()), _QUESTION))}")
    if case.edited_by:
        lines.append(f"✏️ Changed by <@{case.edited_by}>, see the thread")
    if view.needs:
        lines.append(f"🔐 Approval takes {literal(view.needs)}")
    if case.first_by:
        at = f", {when(case.first_at)}" if case.first_at is not None else ""
        lines.append(f"☑️ Approved by <@{case.first_by}>{at}; a second person has to approve, too")
    if case.proposal is not None and case.expires_at is not None:
        lines.append(f"⏳ Can be approved until {when(case.expires_at)}")
    if case.asked is not None:
        lines.append(_question(case.asked))
    return lines


def _question(asked: Question) -> str:
    whom = f"<@{asked.of}>" if asked.of else "the customer"
    state = f"answered {when(asked.answered_at)}" if asked.answered_at is not None else "no answer yet"
    words = literal(shorten(" ".join(asked.text.split()), _QUESTION))
    return f"❓ <@{asked.by}> asked {whom}, {when(asked.at)}: {words} ({state})"
