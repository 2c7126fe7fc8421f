"""A replay and what is different, in words for a terminal and in fields for programs."""

from collections.abc import Iterator
from dataclasses import asdict

from bot.agent.comparison import Change, Comparison, Side
from bot.agent.loop import RunResult
from bot.agent.record import Record
from bot.agent.replay import Replayed
from bot.agent.tape import Match
from bot.domain.answer import Outcome
from bot.domain.hidden import one_line, visible
from bot.domain.money import show_usd
from bot.workspaces.plan import OFFLINE

_ARGUMENTS = 200
"""Characters of a tool's arguments that are shown."""


def notes_on(record: Record, again: Replayed, comparison: Comparison, *, has_key: bool) -> Iterator[str]:
    """What one must know to read the difference rightly."""
    if comparison.after.models == (OFFLINE,):
        why = "as you asked" if has_key else "there is no ANTHROPIC_API_KEY"
        yield f"The offline model answered ({why}): it quotes articles and heeds no prompt or profile."
    if comparison.guessed:
        yield f"Tool calls with other arguments than the record's: {comparison.guessed}; they got the nearest result."
    if comparison.unknown:
        yield f"Tool calls that are not in the record: {comparison.unknown}; the model was told so."
    yield from _on_the_outcome(record.run.outcome, again.result)
    if any(event.name == "sent_back" for event in record.events):
        yield "The first answer of the recorded run was sent back; the replay was not reviewed."
    gone = sorted({spec.name for spec in record.pinned.tools} - {spec.name for spec in again.record.pinned.tools})
    if gone:
        yield f"Not offered, because the profile has them not: {', '.join(gone)}."


def _on_the_outcome(then: Outcome | None, now: RunResult) -> Iterator[str]:
    if now.outcome is Outcome.BUDGET_EXHAUSTED:
        yield f"It was stopped by --max-usd: {now.why}"
    elif now.outcome is Outcome.FAILED:
        yield f"It failed: {now.why}"
    elif then in (Outcome.ESCALATED, Outcome.AWAITING_APPROVAL):
        yield f"{then.value} is what the desk made of the agent's work then; a replay tells only how the agent ended."


def describe(
    record: Record, again: Replayed, comparison: Comparison, notes: list[str], *, steps: bool
) -> Iterator[str]:
    """The difference for a person at a terminal."""
    yield f"run {record.run.id} · {record.conversation.profile} · {record.conversation.id}"
    yield from _table(comparison.before, comparison.after)
    yield "\ntools"
    yield from _tools(comparison)
    if steps:
        yield "\nsteps of the replay"
        yield from _steps(again)
    yield "\nanswer" + (" (the same)" if comparison.same_answer else " ([-then-] {+now+})")
    yield visible(marked(comparison)) or "(none)"
    yield from (f"\nnote: {one_line(note, 400)}" for note in notes)


def marked(comparison: Comparison) -> str:
    """Both answers in one text: `[-words of then-]`, `{+words of now+}`."""
    marks = {Change.MISSING: ("[-", "-]"), Change.ADDED: ("{+", "+}")}
    parts = []
    for piece in comparison.answer:
        left, right = marks.get(piece.change, ("", ""))
        words = piece.text.rstrip()
        parts.append(f"{left}{words}{right}{piece.text[len(words) :] or ('' if not left else ' ')}")
    return "".join(parts).strip()


def _table(before: Side, after: Side) -> Iterator[str]:
    def tokens(side: Side) -> str:
        return f"{side.usage.prompt:,} + {side.usage.output:,}"

    def seconds(side: Side) -> str:
        return f"{side.duration_ms / 1000:.1f} s"

    rows = (
        ("", "then", "now"),
        ("outcome", before.outcome, after.outcome),
        ("model", ", ".join(before.models) or "none", ", ".join(after.models) or "none"),
        ("steps", str(before.steps), str(after.steps)),
        ("tool calls", str(before.tool_calls), str(after.tool_calls)),
        ("tokens", tokens(before), tokens(after)),
        ("cost", show_usd(before.usd), show_usd(after.usd)),
        ("model time", seconds(before), seconds(after)),
    )
    yield from (f"  {name:<11} {then:<24} {now}".rstrip() for name, then, now in rows)


def _tools(comparison: Comparison) -> Iterator[str]:
    signs = {Change.ADDED: "+", Change.MISSING: "-", Change.CHANGED: "~"}
    for one in comparison.tools:
        both = " → ".join(one_line(part, _ARGUMENTS) for part in (one.before, one.after) if part)
        yield f"  {signs[one.change]} {one_line(one.tool, 80)} {both}"
    if not comparison.tools:
        yield "  the same calls" if comparison.before.tool_calls else "  none"


def _steps(again: Replayed) -> Iterator[str]:
    matches = {asked.use_id: asked.match for asked in again.asked}
    for number, reply in enumerate(again.record.replies, start=1):
        for use in reply.tool_uses:
            match = matches.get(use.id, Match.UNKNOWN)
            yield f"  {number}. {one_line(use.name, 80)} {one_line(use.arguments, _ARGUMENTS)} ({match})"
        if reply.text.strip():
            yield f"  {number}. {one_line(reply.text, 2 * _ARGUMENTS)}"


def as_fields(record: Record, again: Replayed, comparison: Comparison, notes: list[str]) -> dict[str, object]:
    """The difference for programs; money in USD."""
    fields = asdict(comparison)
    for side in ("before", "after"):
        fields[side]["usd"] = float(fields[side]["usd"])
    return {
        "run": record.run.id,
        **fields,
        "answer_then": record.answer,
        "answer_now": again.record.answer,
        "asked": [asdict(one) for one in again.asked],
        "notes": notes,
    }
