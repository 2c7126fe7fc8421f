"""The answer to `/agent-budget`: what was spent, what the limits are, who changed them. Also the heart of a Home tab.

Every number stands in words before its bar, and the trend is one line per day: a screen reader reads the same report.
There is no picture: Slack shows one only from a public address or as an uploaded file, which would stay in Slack for
ever, say nothing to a screen reader and not follow the numbers.
"""

from datetime import UTC, datetime
from decimal import Decimal

from bot.domain.audit import AuditEntry
from bot.domain.bot_pause import BotPause
from bot.domain.budget import EVERY, BudgetChange, Limit, Period, Scope, Spend
from bot.domain.money import ZERO, show_share, show_usd
from bot.domain.reports import BudgetReply, BudgetReport, DayCost, Gauge, TraceReport
from bot.slack import names
from bot.slack.render import blocks as b
from bot.slack.render.lines import whisper
from bot.slack.render.text import link, literal, moment, shorten
from bot.slack.render.trace import cost_message

_ROWS = 10
_WIDEST = 20
"""Characters of the longest bar of the trend."""
_SCOPES = {Scope.WORKSPACE: "Workspace", Scope.CHANNEL: "This channel", Scope.USER: "You"}
_PERIODS = {Period.DAY: "today", Period.WEEK: "this week", Period.MONTH: "this month"}


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
    """The whole report as a message."""
    spent = {gauge.period: show_usd(gauge.spent) for gauge in report.gauges if gauge.scope is Scope.WORKSPACE}
    spoken = f"The agent has spent {spent.get(Period.DAY, '$0')} today and {spent.get(Period.MONTH, '$0')} this month."
    paused = " It is paused." if any(pause.is_everywhere for pause in report.pauses) else ""
    return b.payload(spoken + paused, [b.header("What the agent costs"), *report_blocks(report)])


def report_blocks(report: BudgetReport) -> list[b.Block]:
    """Pauses, bars, trend, limits, dearest conversations, changes; for admins the buttons that change something."""
    return [
        *(_pause(pause, report) for pause in report.pauses[:_ROWS]),
        *([b.fields(*(_gauge(gauge) for gauge in report.gauges))] if report.gauges else []),
        *([b.actions(_buttons(report))] if report.may_change else []),
        *_trend(report.trend),
        *_rows("Limits", [_limit(limit) for limit in report.limits]),
        *_rows("Dearest open conversations", [_dear(*row) for row in report.dearest]),
        *_rows("Last changes", _changes(report)),
        *_dashboard(report.dashboard),
        b.context(
            f"Days, weeks and months are those of {literal(report.zone)}. "
            "Amounts include what is set aside for calls under way."
        ),
    ]


def _dashboard(url: str) -> list[b.Block]:
    if not url:
        return []
    return [b.section(f"{link(url, 'Open the dashboard')}. The link is yours alone: it works once, for five minutes.")]


def _gauge(gauge: Gauge) -> str:
    title = f"*{_SCOPES[gauge.scope]} {_PERIODS[gauge.period]}*"
    if gauge.limit is None:
        return f"{title}\n{show_usd(gauge.spent)}"
    return f"{title}\n{show_usd(gauge.spent)} of {show_usd(gauge.limit)}\n{show_share(gauge.spent, gauge.limit)}"


def _pause(pause: BotPause, report: BudgetReport) -> b.Block:
    where = "The bot is paused" if pause.is_everywhere else f"The bot is paused in <#{pause.channel_id}>"
    why = f": {literal(shorten(pause.reason, 300))}" if pause.reason else ""
    who = f", by <@{pause.by}>" if pause.by else ""
    block = b.section(f"⏸️ *{where}*{who}, {_when(pause.at)}{why}")
    if report.may_change:
        ask = b.confirm("Let the bot go on?", "It answers new messages from then on.", "Resume")
        block["accessory"] = b.button(
            names.RESUME, "Resume", pause.channel_id or names.EVERYWHERE, style="primary", confirm=ask
        )
    return block


def _buttons(report: BudgetReport) -> list[b.Block]:
    return [
        b.button(names.SET_LIMIT, "Set a limit", report.channel_id or "home"),
        b.button(names.PAUSE, "Pause", report.channel_id or "home"),
    ]


def _trend(days: tuple[DayCost, ...]) -> list[b.Block]:
    total = sum((day.usd for day in days), ZERO)
    if not days or not total:
        return []
    most = max(days, key=lambda day: day.usd)
    title = f"*Last {len(days)} days: {show_usd(total)}*, most on {_day(most)} ({show_usd(most.usd)})"
    width = max(len(show_usd(day.usd)) for day in days)
    rows = (f"{_day(day)}  {show_usd(day.usd):>{width}}  {_column(day.usd, most.usd)}".rstrip() for day in days)
    return [b.section(f"{title}\n```{chr(10).join(rows)}```")]


def _day(day: DayCost) -> str:
    return day.day.strftime("%a %d %b")


def _column(usd: Decimal, most: Decimal) -> str:
    """A day without any cost has no bar, every other one at least the shortest."""
    return "█" * max(1 if usd else 0, int(usd / most * _WIDEST) if most else 0)


def _rows(title: str, rows: list[str]) -> list[b.Block]:
    if not rows:
        return []
    more = f"\n_and {len(rows) - _ROWS} more_" if len(rows) > _ROWS else ""
    return [b.section(f"*{title}*\n" + "\n".join(f"• {row}" for row in rows[:_ROWS]) + more)]


def _limit(limit: Limit) -> str:
    everyone = " (each)" if limit.subject == EVERY else ""
    return f"{limit.scope}{everyone}: {show_usd(limit.usd)}{_per(limit.period)}"


def _dear(conversation_id: str, url: str, spend: Spend) -> str:
    where = link(url, "conversation") if url else "a conversation without a link"
    channel = conversation_id.split(":")[1]
    place = "direct" if channel.startswith("D") else f"<#{channel}>"
    steps = f"{spend.steps} {'step' if spend.steps == 1 else 'steps'}"
    return f"{where}: {show_usd(spend.usd + spend.reserved)} · {steps} · {place}"


def _changes(report: BudgetReport) -> list[str]:
    """Limits and pauses together, newest first."""
    both = [(change.at, _change(change)) for change in report.changes]
    both += [(entry.at, _switch(entry)) for entry in report.switches]
    return [words for _, words in sorted(both, key=lambda one: one[0], reverse=True)]


def _change(change: BudgetChange) -> str:
    what = "removed" if change.usd is None else f"set to {show_usd(change.usd)}{_per(change.period)}"
    every = "every " if change.subject == EVERY else ""
    who = f"<@{change.by}>" if change.by else "the agent itself"
    return f"{every}{literal(change.scope)} {_subject(change)}{what} by {who}, {_when(change.at)}"


def _switch(entry: AuditEntry) -> str:
    what = "paused" if entry.action == "bot.pause" else "resumed"
    where = f" in <#{entry.subject}>" if entry.subject else ""
    why = f": {literal(shorten(entry.detail, 150))}" if entry.detail and what == "paused" else ""
    return f"bot {what}{where} by <@{entry.actor}>, {_when(entry.at)}{why}"


def _subject(change: BudgetChange) -> str:
    match change.scope:
        case Scope.USER if change.subject != EVERY:
            return f"<@{change.subject}> "
        case Scope.CHANNEL if change.subject != EVERY:
            return f"<#{change.subject}> "
        case _:
            return ""


def _per(period: Period) -> str:
    return "" if period is Period.TOTAL else f" per {period}"


def _when(at: float) -> str:
    return moment(at, datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC"))
