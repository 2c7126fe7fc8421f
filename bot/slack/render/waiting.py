"""How long a case may still wait, and whether it is offered to others: a line and a button on its card."""

from datetime import UTC, datetime

from bot.domain.escalation import CardView, Escalation
from bot.slack import names
from bot.slack.render import blocks as b
from bot.slack.render.text import moment, named

_OVER = 1.0


def waiting_line(view: CardView) -> list[b.Block]:
    """`First answer due 14:30 · 50 % used · with @sam`, or that the owner is quiet; nothing when there is no clock."""
    case, deadline = view.escalation, view.deadline
    if case.offered_at is not None:
        text = f"🤚 *Offered to everybody* since {_when(case.offered_at)}: <@{case.decided_by}> has not answered."
        return [b.context(text)]
    if deadline is None:
        return []
    is_over = deadline.used >= _OVER
    sign = "🔴 *Overdue:* first answer was due" if is_over else "⏱ First answer due"
    used = "" if is_over else f" · {int(deadline.used * 100)} % used"
    urgent = " · *urgent*" if deadline.is_urgent else ""
    turn = f" · with {named(deadline.responder)}" if deadline.responder else ""
    return [b.context(f"{sign} {_when(deadline.due_at)}{used}{urgent}{turn}")]


def reclaim_button(case: Escalation) -> list[b.Block]:
    """By which a colleague takes over from an owner who went quiet; nothing while the case is not offered."""
    return [b.button(names.RECLAIM, "Take over", case.id, style="primary")] if case.offered_at is not None else []


def _when(at: float) -> str:
    return moment(at, datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC"))
