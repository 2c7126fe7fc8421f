"""The answer to `/agent-budget`."""

from datetime import UTC, datetime

from bot.domain.budget import BudgetChange, Limit, Period, Scope, Spend
from bot.domain.money import show_usd
from bot.domain.reports import BudgetReply, BudgetReport, TraceReport
from bot.slack.render import blocks as b
from bot.slack.render.lines import whisper
from bot.slack.render.text import link, literal, moment
from bot.slack.render.trace import cost_message

_ROWS = 10


def budget_reply(reply: BudgetReply) -> b.Payload:
    """Whatever the desk answered, as an ephemeral message."""
    match reply:
        case BudgetReport():
            return report_message(reply)
        case TraceReport():
            return cost_message(reply)
        case _:
            return whisper(reply)


def report_message(report: BudgetReport) -> b.Payload:
    """Workspace, channel and own spending, limits, dearest conversations, last changes."""
    limits = report.limits
    spoken = f"The agent has spent {show_usd(report.today)} today and {show_usd(report.month)} this month."
    blocks = [
        b.header("What the agent costs"),
        b.fields(
            f"*Workspace today*\n{show_usd(report.today)}{_of(limits, Scope.WORKSPACE, Period.DAY)}",
            f"*Workspace this month*\n{show_usd(report.month)}{_of(limits, Scope.WORKSPACE, Period.MONTH)}",
            f"*This channel today*\n{show_usd(report.channel_today)}{_of(limits, Scope.CHANNEL, Period.DAY)}",
            f"*This channel this month*\n{show_usd(report.channel_month)}{_of(limits, Scope.CHANNEL, Period.MONTH)}",
            f"*You today*\n{show_usd(report.own_today)}{_of(limits, Scope.USER, Period.DAY)}",
            f"*You this month*\n{show_usd(report.own_month)}{_of(limits, Scope.USER, Period.MONTH)}",
        ),
        *_rows("Limits", [_limit(limit) for limit in report.limits]),
        *_rows("Dearest open conversations", [_dear(*row) for row in report.dearest]),
        *_rows("Last changes", [_change(change) for change in report.changes]),
        b.context("Days and months are those of UTC. Amounts include what is set aside for calls under way."),
    ]
    return b.payload(spoken, blocks)


def _of(limits: tuple[Limit, ...], scope: Scope, period: Period) -> str:
    found = [limit.usd for limit in limits if limit.scope is scope and limit.period is period]
    return f" of {show_usd(min(found))}" if found else ""


def _rows(title: str, rows: list[str]) -> list[b.Block]:
    if not rows:
        return []
    more = f"\n_and {len(rows) - _ROWS} more_" if len(rows) > _ROWS else ""
    return [b.section(f"*{title}*\n" + "\n".join(f"• {row}" for row in rows[:_ROWS]) + more)]


def _limit(limit: Limit) -> str:
    everyone = " (each)" if limit.subject == "*" else ""
    return f"{limit.scope}{everyone}: {show_usd(limit.usd)}{_per(limit.period)}"


def _dear(_conversation_id: str, url: str, spend: Spend) -> str:
    where = link(url, "conversation") if url else "a conversation without a link"
    return f"{where}: {show_usd(spend.usd + spend.reserved)} · {spend.steps} steps"


def _change(change: BudgetChange) -> str:
    when = moment(change.at, datetime.fromtimestamp(change.at, UTC).strftime("%Y-%m-%d %H:%M UTC"))
    what = "removed" if change.usd is None else f"set to {show_usd(change.usd)}{_per(change.period)}"
    return f"{literal(change.scope)} {_subject(change)}{what} by <@{change.by}>, {when}"


def _subject(change: BudgetChange) -> str:
    match change.scope:
        case Scope.USER if change.subject != "*":
            return f"<@{change.subject}> "
        case Scope.CHANNEL if change.subject != "*":
            return f"<#{change.subject}> "
        case _:
            return ""


def _per(period: Period) -> str:
    return "" if period is Period.TOTAL else f" per {period}"
