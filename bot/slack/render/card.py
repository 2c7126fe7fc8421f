"""The card of an escalation in the staff channel: what it is about, and what can be done."""

from datetime import UTC, datetime

from bot.domain.escalation import SHOWN_ON_CARD, CardView, Escalation, Origin, State
from bot.domain.money import show_usd
from bot.slack import names
from bot.slack.render import blocks as b
from bot.slack.render.text import link, literal, moment, neutralise, shorten, to_mrkdwn

_BEGINNING = 1200
_REASON = 1500
_SUMMARY = 2800

_HEADLINES = {
    State.OPEN: "🔔 Needs a person",
    State.CLAIMED: "🙋 A person is on it",
    State.APPROVED: "✅ Approved",
    State.DENIED: "⛔ Denied",
    State.VOIDED: "💤 Overtaken",
    State.HANDED_BACK: "↩️ Handed back",
    State.RESOLVED: "🏁 Resolved",
}
_VERBS = {
    State.CLAIMED: "Taken over",
    State.APPROVED: "Approved",
    State.DENIED: "Denied",
    State.VOIDED: "Overtaken by events",
    State.HANDED_BACK: "Handed back",
    State.RESOLVED: "Resolved",
}
_ORIGINS = {
    Origin.TOOL: "asked for by the agent",
    Origin.LOW_CONFIDENCE: "the agent was not sure enough",
    Origin.BUDGET: "the budget is used up",
    Origin.FAILURE: "something failed",
    Origin.HANDOFF: "asked for in the thread",
}


def card(view: CardView) -> b.Payload:
    """The card as it is now: with buttons while the case is live, one line of history afterwards."""
    case = view.escalation
    spoken = neutralise(f"{_HEADLINES[case.state]}: {view.customer_name}. {case.reason}")
    if not case.state.is_live:
        return b.payload(spoken, [b.header(_headline(case)), *_closed(view)])
    blocks = [b.header(_headline(case)), _facts(view), *_story(case), *_proposal(case)]
    if case.state is State.CLAIMED:
        blocks.append(b.context(decided(case)))
    return b.payload(spoken, [*blocks, b.actions(_buttons(case)), _small_print(view)])


def decided(case: Escalation) -> str:
    """Who decided when and what, in one line of mrkdwn."""
    who = f" by <@{case.decided_by}>" if case.decided_by else ""
    when = f", {_when(case.decided_at)}" if case.decided_at is not None else ""
    note = f": {literal(shorten(' '.join(case.note.split()), 600))}" if case.note.strip() else ""
    return f"*{_VERBS.get(case.state, 'Open')}*{who}{when}{note}"


def full_text(case: Escalation) -> str:
    """Everything of a case, in mrkdwn, however long."""
    parts = [f"*Reason*\n{to_mrkdwn(case.reason)}", f"*Summary*\n{to_mrkdwn(case.summary)}"]
    if case.proposal:
        parts.append(f"*Proposed reply*\n{to_mrkdwn(case.proposal.text)}")
    return "\n\n".join(parts)


def is_cut(case: Escalation) -> bool:
    """Whether the card shows only the beginning of something."""
    long_proposal = case.proposal is not None and len(case.proposal.text) > SHOWN_ON_CARD
    return long_proposal or len(to_mrkdwn(case.summary)) > _SUMMARY or len(to_mrkdwn(case.reason)) > _REASON


def _headline(case: Escalation) -> str:
    team = f" · {case.team.replace('_', ' ')}" if case.team else ""
    return f"{_HEADLINES[case.state]}{team}"


def _customer(view: CardView) -> str:
    name = literal(shorten(view.customer_name, 100))
    return f"<@{view.customer_id}> ({name})" if view.customer_id else name


def _facts(view: CardView) -> b.Block:
    thread = link(view.thread_link, "Open the thread") if view.thread_link else "_no link_"
    return b.fields(
        f"*Customer*\n{_customer(view)}",
        f"*Conversation*\n{thread}",
        f"*Why*\n{_ORIGINS[view.escalation.origin]}",
        f"*So far*\n{show_usd(view.cost)} · {view.steps} {'step' if view.steps == 1 else 'steps'}",
    )


def _story(case: Escalation) -> list[b.Block]:
    reason = shorten(to_mrkdwn(case.reason), _REASON)
    story = [b.section(f"*Reason*\n{reason}")]
    if case.summary.strip():
        story.append(b.section(f"*Summary*\n{shorten(to_mrkdwn(case.summary), _SUMMARY)}"))
    return story


def _proposal(case: Escalation) -> list[b.Block]:
    if case.proposal is None:
        return []
    text = neutralise(case.proposal.text)
    if len(text) <= SHOWN_ON_CARD:
        return [b.divider(), b.section("*Proposed reply* (Approve sends exactly this)"), b.markdown(text)]
    label = "*Proposed reply* (the beginning; Approve sends the whole text, see *Full text* or the reply below)"
    return [b.divider(), b.section(label), b.section(shorten(to_mrkdwn(case.proposal.text), _BEGINNING))]


def _buttons(case: Escalation) -> list[b.Block]:
    trace = b.button(names.TRACE, "View trace", case.id)
    full = [b.button(names.FULL_TEXT, "Full text", case.id)] if is_cut(case) else []
    if case.state is State.CLAIMED:
        back = b.button(names.HAND_BACK, "Hand back", case.id)
        return [back, b.button(names.RESOLVE, "Resolve", case.id, style="primary"), *full, trace]
    deny = b.button(names.DENY, "Deny", case.id, style="danger")
    take = b.button(names.TAKE_OVER, "Take over", case.id)
    return [_approve(case), deny, take, *full, trace]


def _approve(case: Escalation) -> b.Block:
    seen = f"{case.id}{names.VERSION_MARK}{case.version}"
    if case.proposal is None:
        return b.button(names.APPROVE, "Approve", seen, style="primary")
    ask = b.confirm("Send this reply?", "The proposed reply goes to the customer as it stands.", "Send it")
    return b.button(names.APPROVE, "Approve", seen, style="primary", confirm=ask)


def _closed(view: CardView) -> list[b.Block]:
    case = view.escalation
    thread = f" · {link(view.thread_link, 'thread')}" if view.thread_link else ""
    subject = f"{_customer(view)}{thread} · {literal(shorten(' '.join(case.reason.split()), 300))}"
    buttons = [b.button(names.FULL_TEXT, "Full text", case.id), b.button(names.TRACE, "View trace", case.id)]
    return [b.section(f"{decided(case)}\n{subject}"), b.actions(buttons), _small_print(view)]


def _small_print(view: CardView) -> b.Block:
    return b.context(f"Opened {_when(view.escalation.opened_at)} · {show_usd(view.cost)} so far")


def _when(at: float) -> str:
    return moment(at, datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC"))
