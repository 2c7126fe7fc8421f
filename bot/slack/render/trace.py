"""What the agent did, step by step, as a window."""

from bot.domain.money import show_usd
from bot.domain.reports import TraceReport
from bot.domain.trace import Action, TraceEvent
from bot.slack.render import blocks as b
from bot.slack.render.text import link, literal, shorten

_INNER = (Action.TOOL_ATTEMPT, Action.TOOL_RESULT, Action.DELIVERY)
"""Costs nothing and decides nothing."""
_SUMMARY = 300
_SHOWN = 90
_SHOWN_IN_MESSAGE = 40
_MARKS = {
    Action.LLM_CALL: "🧠",
    Action.TOOL_CALL: "🔧",
    Action.TOOL_ATTEMPT: "🔌",
    Action.TOOL_RESULT: "📄",
    Action.DECISION: "⚖️",
    Action.ERROR: "⚠️",
    Action.ESCALATION: "🔔",
    Action.DELIVERY: "📨",
}


def trace_modal(report: TraceReport) -> b.Block:
    """The whole record with summaries of what went in and out; for staff only."""
    omitted = _omitted(len(report.events), _SHOWN)
    lines = [b.section(_line(event) + _details(event)) for event in report.events[-_SHOWN:]]
    return b.modal("What the agent did", [b.section(totals(report)), b.divider(), *omitted, *lines])


def cost_modal(report: TraceReport | None) -> b.Block:
    """What a conversation cost; shows no content, so it may be shown to everybody in it."""
    if report is None:
        return b.modal("Cost", [b.section("I have not worked in this conversation, so it has cost nothing.")])
    return b.modal("Cost", cost_blocks(report, _SHOWN))


def cost_message(report: TraceReport) -> b.Payload:
    """The same as a message."""
    spent = f"This conversation has cost {show_usd(report.spend.usd)} of {show_usd(report.limit)}."
    return b.payload(spent, cost_blocks(report, _SHOWN_IN_MESSAGE))


def cost_blocks(report: TraceReport, shown: int) -> list[b.Block]:
    """Totals and one line per step; what a tool tried, what it found and where it was shown is for staff."""
    steps = [event for event in report.events if event.action not in _INNER]
    lines = [b.context(_line(event)) for event in steps[-shown:]]
    return [b.section(totals(report)), *_omitted(len(steps), shown), *lines]


def totals(report: TraceReport) -> str:
    """Money, steps and tokens of a conversation in mrkdwn."""
    spend = report.spend
    held = f" (+ {show_usd(spend.reserved)} set aside)" if spend.reserved else ""
    thread = f"\n{link(report.link, 'Open the thread')}" if report.link else ""
    return (
        f"*{show_usd(spend.usd)} of {show_usd(report.limit)}*{held} · {spend.steps} steps · "
        f"{spend.usage.counted:,} tokens, {spend.usage.cache_read:,} more read from the cache{thread}"
    )


def _omitted(there_are: int, shown: int) -> list[b.Block]:
    missing = there_are - shown
    return [b.context(f"_{missing} earlier entries are not shown_")] if missing > 0 else []


def _line(event: TraceEvent) -> str:
    step = f"*{event.step}.* " if event.step else ""
    facts = [f"{event.duration_ms:,} ms"] if event.duration_ms else []
    if event.usage.total:
        facts.append(f"{event.usage.prompt:,} → {event.usage.output:,} tokens")
    if event.cost:
        facts.append(show_usd(event.cost))
    if event.attempt > 1:
        facts.append(f"attempt {event.attempt}")
    failed = "" if event.ok else f" ✗ {literal(shorten(event.error or 'failed', 80))}"
    name = literal(shorten(event.name, 120))
    return f"{_MARKS[event.action]} {step}{name}{failed}" + "".join(f" · {fact}" for fact in facts)


def _details(event: TraceEvent) -> str:
    given = f"\nin: {literal(shorten(' '.join(event.given.split()), _SUMMARY))}" if event.given.strip() else ""
    got = f"\nout: {literal(shorten(' '.join(event.got.split()), _SUMMARY))}" if event.got.strip() else ""
    return given + got
