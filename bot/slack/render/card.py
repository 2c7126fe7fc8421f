"""The card of an escalation in the staff channel: what it is about, and what can be done."""

from bot.domain.escalation import CardView, Escalation, Origin, State
from bot.domain.money import show_usd
from bot.slack import names
from bot.slack.render import blocks as b
from bot.slack.render import money_card
from bot.slack.render.proposal import call_in_full, consent_blocks, is_proposal_cut, proposal_blocks, when
from bot.slack.render.text import link, literal, neutralise, shorten, to_mrkdwn
from bot.slack.render.waiting import reclaim_button, waiting_line

_REASON = 1500
_SUMMARY = 2800

_HEADLINES = {
    State.OPEN: "🔔 Needs a person",
    State.CLAIMED: "🙋 A person is on it",
    State.APPROVED: "✅ Approved",
    State.DENIED: "⛔ Denied",
    State.EXPIRED: "⌛ Expired",
    State.VOIDED: "💤 Overtaken",
    State.HANDED_BACK: "↩️ Handed back",
    State.RESOLVED: "🏁 Resolved",
}
_VERBS = {
    State.CLAIMED: "Taken over",
    State.APPROVED: "Approved",
    State.DENIED: "Denied",
    State.EXPIRED: "Expired, nothing was sent or done",
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
    Origin.ANSWERED: "a colleague answered in the thread",
    Origin.GATED: "a rule asks for a person's consent",
    Origin.PAUSED: "the bot is paused",
}


def card(view: CardView) -> b.Payload:
    """The card as it is now: with buttons while the case is live, one line of history afterwards."""
    case = view.escalation
    spoken = neutralise(f"{_HEADLINES[case.state]}: {view.customer_name}. {case.reason}")
    if not case.state.is_live:
        return b.payload(spoken, _closed(view))
    blocks = [b.header(_headline(case)), _facts(view), *_story(case), *proposal_blocks(case), *consent_blocks(view)]
    if view.budget_ask is not None:
        blocks += money_card.question(view.budget_ask)
    if case.state is State.CLAIMED:
        blocks.append(b.context(decided(case)))
    blocks += waiting_line(view)
    return b.payload(spoken, [*blocks, b.actions(_buttons(view)), _small_print(view)])


def decided(case: Escalation) -> str:
    """Who decided when and what, in one line of mrkdwn."""
    both = case.first_by and case.state is State.APPROVED
    who = f" by <@{case.first_by}> and <@{case.decided_by}>" if both else f" by <@{case.decided_by}>"
    at = f", {when(case.decided_at)}" if case.decided_at is not None else ""
    edited = f" (changed by <@{case.edited_by}>)" if case.edited_by and case.state is State.APPROVED else ""
    note = f": {literal(shorten(' '.join(case.note.split()), 400))}" if case.note.strip() else ""
    return f"*{_VERBS.get(case.state, 'Open')}*{who if case.decided_by else ''}{edited}{at}{note}"


def full_text(case: Escalation) -> str:
    """Everything of a case, in mrkdwn, however long."""
    parts = [f"*Reason*\n{to_mrkdwn(case.reason)}", f"*Summary*\n{to_mrkdwn(case.summary)}"]
    if case.proposal:
        call = case.proposal.call
        parts.append(call_in_full(call) if call else f"*Proposed reply*\n{to_mrkdwn(case.proposal.text)}")
    return "\n\n".join(parts)


def is_cut(case: Escalation) -> bool:
    """Whether the card shows only the beginning of something."""
    return is_proposal_cut(case) or len(to_mrkdwn(case.summary)) > _SUMMARY or len(to_mrkdwn(case.reason)) > _REASON


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


def _buttons(view: CardView) -> list[b.Block]:
    case = view.escalation
    trace = b.button(names.TRACE, "View trace", case.id)
    full = [b.button(names.FULL_TEXT, "Full text", case.id)] if is_cut(case) else []
    if case.state is State.CLAIMED:
        back = b.button(names.HAND_BACK, "Hand back", case.id)
        resolve = b.button(names.RESOLVE, "Resolve", case.id, style="primary")
        return [*reclaim_button(case), back, resolve, *full, trace]
    if view.budget_ask is not None:
        return [*money_card.buttons(case, view.budget_ask), *full, trace]
    deny = b.button(names.DENY, "Deny", case.id, style="danger")
    take = b.button(names.TAKE_OVER, "Take over", case.id)
    ask = b.button(names.ASK, "Ask", case.id)
    edit = [b.button(names.EDIT, "Edit", case.id)] if case.proposal is not None else []
    return [_approve(case), *edit, deny, ask, take, *full, trace]


def _approve(case: Escalation) -> b.Block:
    seen = f"{case.id}{names.VERSION_MARK}{case.version}"
    if case.proposal is None:
        withdrawn = bool(case.note.strip())  # nobody is to think that it was approved all the same
        return b.button(names.APPROVE, "Let the agent carry on" if withdrawn else "Approve", seen, style="primary")
    if case.proposal.call is not None:
        ask = b.confirm("Do this?", "Exactly the call on this card is made, once.", "Do it")
    else:
        ask = b.confirm("Send this reply?", "The proposed reply goes to the customer as it stands.", "Send it")
    return b.button(names.APPROVE, "Approve", seen, style="primary", confirm=ask)


def _closed(view: CardView) -> list[b.Block]:
    """One line: what was decided, about whom and what, with the way to the whole story."""
    case = view.escalation
    thread = f" · {link(view.thread_link, 'thread')}" if view.thread_link else ""
    what = case.reason
    if case.proposal is not None and case.proposal.call is not None:
        what = f"{case.proposal.call.tool}: {what}"
    sign = _HEADLINES[case.state].partition(" ")[0]
    subject = f"{_customer(view)}: {literal(shorten(' '.join(what.split()), 300))}{thread} · {show_usd(view.cost)}"
    buttons = [b.button(names.FULL_TEXT, "Full text", case.id), b.button(names.TRACE, "View trace", case.id)]
    return [b.section(f"{sign} {decided(case)} · {subject}"), *_rated(view), b.actions(buttons)]


def _rated(view: CardView) -> list[b.Block]:
    """What the customer thought, once they said so."""
    if view.rating is None:
        return []
    words = f": “{literal(shorten(' '.join(view.rating.comment.split()), 1000))}”" if view.rating.comment else ""
    return [b.context(f"The customer gave *{view.rating.shown}* ({view.rating.stars} of 5){words}")]


def _small_print(view: CardView) -> b.Block:
    return b.context(f"Opened {when(view.escalation.opened_at)} · {show_usd(view.cost)} so far")
