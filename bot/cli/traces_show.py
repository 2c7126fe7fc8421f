"""`deskhand traces show`: the steps of a run, or of a whole conversation, as a waterfall in text."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal

from bot.app import open_store
from bot.cli.database import check_database
from bot.config import Settings
from bot.domain.hidden import one_line
from bot.domain.money import show_usd
from bot.domain.trace import Action, TraceEvent

_WIDTH = 24
"""Characters of a bar."""
_SUMMARY = 160
_NAME = 28


async def show(settings: Settings, run_or_conversation: str, *, as_json: bool) -> int:
    """Print the steps; 1 when there are none."""
    await check_database(settings.database_url)
    async with open_store(settings) as store, store.read() as tx:
        events = await tx.traces.of_run(run_or_conversation)
        events = events or await tx.traces.of_conversation(run_or_conversation)
    if as_json:
        print(json.dumps([fields(event) for event in events], indent=2, ensure_ascii=False))
    elif events:
        print("\n".join(describe(events)))
    else:
        print(f"No trace of {run_or_conversation}; `deskhand traces` lists those there are.")
    return 0 if events else 1


def describe(events: Sequence[TraceEvent]) -> Iterator[str]:
    """Runs and what happened between them, for a person at a terminal; times in UTC."""
    for rows in _chapters(events):
        run_id = rows[0].run_id
        yield _heading(run_id, rows)
        scale = _Scale(rows) if run_id else None
        for event in rows:
            yield _line(event, scale)
            for sign, summary in (("<", event.given), (">", event.got)):
                if summary:
                    yield f"      {sign} {one_line(summary, _SUMMARY)}"
    yield _total(events)


def _chapters(events: Sequence[TraceEvent]) -> list[list[TraceEvent]]:
    """Each run in one piece, at the place where it began; the rest where it happened."""
    chapters: list[list[TraceEvent]] = []
    runs: dict[str, list[TraceEvent]] = {}
    for event in events:
        chapter = runs.get(event.run_id) if event.run_id else chapters[-1] if chapters else None
        if chapter is not None and chapter[0].run_id == event.run_id:
            chapter.append(event)
            continue
        chapters.append([event])
        if event.run_id:
            runs[event.run_id] = chapters[-1]
    return chapters


def fields(event: TraceEvent) -> dict[str, object]:
    """A step for programs; money in USD."""
    return {**asdict(event), "action": event.action.value, "cost": float(event.cost)}


class _Scale:
    """Where in the time of a run something was."""

    def __init__(self, events: Sequence[TraceEvent]) -> None:
        self._began = min(_began(event) for event in events)
        self._seconds = max(max(_ended(event) for event in events) - self._began, 0.001)

    def offset(self, event: TraceEvent) -> float:
        """Seconds since the run's first step."""
        return _began(event) - self._began

    def bar(self, event: TraceEvent) -> str:
        """Blocks from beginning to end, at least one."""
        first = int(self.offset(event) / self._seconds * (_WIDTH - 1))
        last = int((_ended(event) - self._began) / self._seconds * (_WIDTH - 1))
        blocks = "█" * (last - first + 1) if event.duration_ms else "▏"
        return f"{'·' * first}{blocks}".ljust(_WIDTH, "·")[:_WIDTH]


def _began(event: TraceEvent) -> float:
    """Decisions and deliveries are written when they are over; model and tool calls with when they began."""
    ended = event.action in (Action.DECISION, Action.DELIVERY)
    return event.at - event.duration_ms / 1000 if ended else event.at


def _ended(event: TraceEvent) -> float:
    return _began(event) + event.duration_ms / 1000


def _heading(run_id: str, events: Sequence[TraceEvent]) -> str:
    first = events[0]
    day = f"{datetime.fromtimestamp(_began(first), UTC):%Y-%m-%d %H:%M:%S}"
    if not run_id:
        return f"between runs, {day}"
    facts = (
        f"run {run_id}, {day}", first.profile, f"prompt {first.prompt_version}" if first.prompt_version else "",
        f"epoch {first.epoch}" if first.epoch is not None else "", first.conversation_id,
    )  # fmt: skip
    return " · ".join(filter(None, facts))


def _line(event: TraceEvent, scale: _Scale | None) -> str:
    usage = event.usage
    cached = f" ({usage.cache_read:,} from the cache)" if usage.cache_read else ""
    facts = (
        f"{usage.prompt:,} + {usage.output:,} tokens{cached}" if usage.prompt or usage.output else "",
        show_usd(event.cost) if event.cost else "",
        f"{event.duration_ms:,} ms" if event.duration_ms else "",
        f"attempt {event.attempt}" if event.attempt > 1 else "",
        f"epoch {event.epoch}" if scale is None and event.epoch is not None else "",
        "" if event.ok else f"failed: {event.error or 'unknown'}",
    )
    when = f"+{scale.offset(event):7.2f}s {scale.bar(event)}" if scale else f"{_clock(event):>9}"
    what = f"step {event.step:<2} {event.action:<12} {one_line(event.name, _NAME):<{_NAME}}"
    return f"  {when} {what}  {' · '.join(filter(None, facts))}".rstrip()


def _clock(event: TraceEvent) -> str:
    return f"{datetime.fromtimestamp(event.at, UTC):%H:%M:%S}"


def _total(events: Sequence[TraceEvent]) -> str:
    usage = sum(event.usage.total for event in events)
    cost = sum((event.cost for event in events), Decimal(0))
    return f"{len(events)} events · {usage:,} tokens · {show_usd(cost)}"
