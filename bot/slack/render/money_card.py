"""What a card shows of a run that waits for money: how far it came, what it lacks, and the ways to go on."""

from decimal import Decimal

from bot.domain.budget_ask import BudgetAsk
from bot.domain.escalation import Escalation
from bot.domain.money import show_usd
from bot.slack import names
from bot.slack.render import blocks as b

_CELLS = 10
_ACTIONS = (names.ALLOW_LESS, names.ALLOW_MORE)


def question(ask: BudgetAsk) -> list[b.Block]:
    """The limit as a bar with its numbers, and who may say yes."""
    limit, used = ask.limit, ask.shortfall.used
    share = min(Decimal(1), used / limit.usd) if limit.usd else Decimal(1)
    filled = int(share * _CELLS)
    bar = "█" * filled + "░" * (_CELLS - filled)
    lines = [
        "*May it spend more?* The run waits, and goes on exactly where it stopped; nothing is paid twice.",
        f"`{bar}` {show_usd(used)} used of {limit} · the next step: up to {show_usd(ask.shortfall.wanted)}",
    ]
    if ask.is_for_admins:
        lines.append("_Only admins may allow more of this one._")
    return [b.section("\n".join(lines))]


def buttons(case: Escalation, ask: BudgetAsk) -> list[b.Block]:
    """Allow this much or that, take over, stop."""
    offers = list(zip(_ACTIONS[-len(ask.offers) :], ask.offers, strict=True))
    allow = [b.button(action, f"Allow +{show_usd_plain(usd)}", _value(case, usd)) for action, usd in offers]
    allow[0]["style"] = "primary"
    sure = b.confirm("Stop this run?", "The customer is told that nobody looks into it any further.", "Stop it")
    return [
        *allow,
        b.button(names.TAKE_OVER, "Take over", case.id),
        b.button(names.STOP_RUN, "Stop", case.id, style="danger", confirm=sure),
    ]


def show_usd_plain(usd: Decimal) -> str:
    """`$0.50`: cents, as people write prices."""
    return f"${usd:.2f}"


def _value(case: Escalation, usd: Decimal) -> str:
    return f"{case.id}{names.VERSION_MARK}{usd}"
