"""Runs the tools a model asked for: side by side, each once, every failure an answer the model can act on."""

import asyncio
import logging
from collections import ChainMap
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from pydantic import TypeAdapter

from bot.agent.attempts import AttemptRecord
from bot.agent.calls import CANCELLED
from bot.agent.gate import Gate
from bot.agent.gated import GatedCalls
from bot.agent.policy import Policy
from bot.domain.exchange import SearchResult, ToolResult, ToolSpec, ToolUse
from bot.domain.hidden import visible
from bot.domain.redaction import Redactor, Redactors
from bot.domain.trace import Action, TraceEvent
from bot.ports.clock import Clock
from bot.ports.store import Store
from tools.base import AnyTool, ToolContext, ToolError

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 8
"""Tools of one step that are run; the rest are told to come again."""
PENDING = "pending"
"""Stands in the trace where an error would: nothing was done yet."""
RESULT_CHARS = 24_000
"""Of one tool result; what is beyond is cut with a remark."""
_RESULT: TypeAdapter[ToolResult] = TypeAdapter(ToolResult)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one tool was asked and what it returned; the judge weighs the answer against it."""

    tool: str
    arguments: str
    result: str
    ok: bool = True
    """False when the tool did not do what it was asked for."""
    has_articles: bool = False
    """True when the result is articles, which an answer can cite."""


class Toolbox:
    """The tools of one profile."""

    def __init__(
        self,
        tools: Iterable[AnyTool],
        store: Store,
        clock: Clock,
        gate: Gate | None = None,
        *,
        coming: MutableMapping[str, AnyTool] | None = None,
        redactors: Redactors | None = None,
    ) -> None:
        """`gate`: stands before every call; None: nothing is asked about. `coming`: tools that come and go while the
        bot runs, by name; somebody else keeps them."""
        self._tools = ChainMap({tool.name: tool for tool in tools}, {} if coming is None else coming)
        self._store = store
        self._clock = clock
        self._gate = gate
        self._redactors = redactors or Redactors()

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools as the model sees them, in a stable order."""
        return tuple(tool.spec for tool in self._tools.values())

    def only(self, names: Iterable[str]) -> "Toolbox":
        """A box with these tools alone, in this order; `server__*` stands for all there are now of an MCP server."""
        chosen = (self._tools[name] for name in self._names(names))
        return Toolbox(chosen, self._store, self._clock, self._gate, redactors=self._redactors)

    def within(self, names: Iterable[str]) -> "Toolbox":
        """A box without what is not among these, in its own order."""
        allowed = self._names(names)
        return self.only(name for name in self._tools if name in allowed)

    def for_everyone(self) -> "Toolbox":
        """A box without what is for staff only."""
        return self.only(name for name, tool in self._tools.items() if not tool.for_staff_only)

    def has(self, name: str) -> bool:
        """Whether there is such a tool in the box."""
        return name in self._tools

    def as_it_is(self, pinned: ToolSpec) -> ToolSpec:
        """A tool of our own as a conversation was opened with it; one of others as it is now.

        What its server said of that before holds no more.
        """
        tool = self._tools.get(pinned.name)
        return tool.spec if tool is not None and tool.version else pinned

    def _names(self, wanted: Iterable[str]) -> dict[str, None]:
        known = sorted(self._tools)
        return dict.fromkeys(name for one in wanted for name in known if fnmatchcase(name, one))

    def gated(self, policy: Policy) -> GatedCalls:
        """The same tools for calls that wait for consent."""
        return GatedCalls(self._tools, policy, self._redactors)

    def words(self, uses: Iterable[ToolUse]) -> str:
        """What the live line says while these run."""
        known = dict.fromkeys(self._tools[use.name].words for use in uses if use.name in self._tools)
        return ", ".join(known) or "Thinking"

    async def run_all(self, uses: tuple[ToolUse, ...], context: ToolContext, step: int) -> tuple[ToolResult, ...]:
        """One result per use, in order."""
        unique = list({use.id: use for use in uses}.values())
        async with asyncio.TaskGroup() as group:
            tasks = {use.id: group.create_task(self._run(use, i, context, step)) for i, use in enumerate(unique)}
        return tuple(tasks[use.id].result() for use in unique)

    async def _run(self, use: ToolUse, position: int, context: ToolContext, step: int) -> ToolResult:
        """The journaled result, or a fresh one; a crash after the tool's work is mended by the tool's own key."""
        name = f"t:{step}:{use.id}"
        async with self._store.read() as tx:
            journaled = await tx.runs.recall(context.run_id, name)
        if journaled is not None:
            return _RESULT.validate_json(journaled)
        began, record = self._clock(), AttemptRecord(self._clock)
        own = replace(context, tool_use_id=use.id, note_attempt=record.note)
        redactor = self._redactors.of(context.profile).sparing(context.principal.email)
        use = replace(use, arguments=redactor.redact_json(use.arguments, by_name=False))
        call = TraceEvent(
            context.conversation_id, context.run_id, step, Action.TOOL_CALL, use.name, began, given=use.arguments,
            ref=name,
        )  # fmt: skip
        try:
            result, note, error = await self._execute(use, position, own)
        except asyncio.CancelledError:  # somebody took over or pressed Stop, or time is up
            broken_off = replace(call, ok=False, error=CANCELLED)
            await asyncio.shield(self._note_broken_off(record.without_result(broken_off, ended=self._clock())))
            raise
        result = discreet(result, redactor)
        call = replace(call, ok=not result.is_error, error=error)
        async with self._store.write() as tx:
            await tx.runs.record(context.run_id, name, _RESULT.dump_json(result).decode())
            await tx.traces.add(*record.around(call, note or shown(result), ended=self._clock()))
        return result

    async def _note_broken_off(self, rows: tuple[TraceEvent, ...]) -> None:
        """Never raises: the cancellation goes on, whatever the database says meanwhile."""
        try:
            async with self._store.write() as tx:
                await tx.traces.add(*rows)
        except Exception:  # a row less in the trace is better than a run that does not end as it was told to
            logger.exception("tool.broken_off_untraced", extra={"fields": {"run": rows[0].run_id}})

    async def _execute(self, use: ToolUse, position: int, context: ToolContext) -> tuple[ToolResult, str, str]:
        """The result, a short note for the trace, and the class of the error (empty: none)."""
        tool = self._tools.get(use.name)
        if tool is None:
            known = ", ".join(self._tools) or "none"
            return _failed(use, f"There is no tool named {use.name!r}. Tools: {known}."), "", "unknown_tool"
        if position >= MOST_AT_ONCE:
            return _failed(use, f"At most {MOST_AT_ONCE} tools run at once. Call it again if needed."), "", "too_many"
        context = tool.stamped(context)
        try:
            call = self._gate.run(tool, use.arguments, context) if self._gate else tool.call(use.arguments, context)
            output = await call
        except ToolError as error:
            return _failed(use, str(error)), "", "tool_error"
        except Exception as error:  # one tool call of three allowed places: a tool's bug must not end the run
            logger.exception("tool.crashed", extra={"fields": {"tool": use.name, "run": context.run_id}})
            text = f"{use.name} failed on our side. Do not retry it; be honest about it, or escalate to a human."
            return _failed(use, text), "", type(error).__name__
        result = ToolResult(use.id, _bounded(output.content), is_pending=output.is_pending)
        return result, output.note, PENDING if output.is_pending else ""


def discreet(result: ToolResult, redactor: Redactor) -> ToolResult:
    """A result without what is private in it; JSON stays JSON."""
    if isinstance(result.content, str):
        return replace(result, content=redactor.redact_json(result.content))
    hide = redactor.redact
    found = (replace(r, title=hide(r.title), passages=tuple(map(hide, r.passages))) for r in result.content)
    return replace(result, content=tuple(found))


def shown(result: ToolResult) -> str:
    """A result as plain text."""
    if isinstance(result.content, str):
        return result.content
    return "\n\n".join(f"{r.title} ({r.source})\n" + "\n".join(r.passages) for r in result.content)


def _failed(use: ToolUse, text: str) -> ToolResult:
    return ToolResult(use.id, text, is_error=True)


def _bounded(content: str | tuple[SearchResult, ...]) -> str | tuple[SearchResult, ...]:
    """Not too long, and without what only a model would read: results hold words of others."""
    if isinstance(content, str):
        content = visible(content)
        return content if len(content) <= RESULT_CHARS else f"{content[:RESULT_CHARS]}\n(cut: the result was longer)"
    room, kept = RESULT_CHARS, []
    for result in content:
        passages = tuple(visible(p) for p in result.passages if (room := room - len(p)) > 0)
        if passages:
            kept.append(replace(result, title=visible(result.title), passages=passages))
    return tuple(kept)
