"""A tool of an MCP server among our own: same guard, same gate, same trace."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tools.base import OutcomeUnknownError, Tool, ToolContext, ToolError, ToolOutput
from tools.mcp.definition import Definition
from tools.mcp.once import CallBook
from tools.mcp.plain import plain
from tools.mcp.result import Answer
from tools.mcp.server import Server
from tools.mcp.session import RefusedError
from tools.mcp.shape import OpenArguments, arguments_of
from tools.resilience import Guard

_UNKNOWN = (
    "{} did not answer, and nobody knows whether it did its work. Do not call it again for the same thing; be honest "
    "about it, or call escalate_to_human."
)
_AWAY = "{} cannot be reached just now. Go on without it; be honest about it, or call escalate_to_human."
_LONGEST_REFUSAL = 300


@dataclass(frozen=True, slots=True)
class OutsideTool:
    """One approved definition, ready to be called."""

    definition: Definition
    server: Server
    guard: Guard
    book: CallBook

    def tool(self) -> Tool[OpenArguments]:
        """As the toolbox holds it; BadSchemaError when its schema is none."""
        definition, settings = self.definition, self.server.settings
        return Tool(
            definition.name,
            definition.told(),
            arguments_of(definition),
            self.run,
            f"Asking {settings.name}",
            writes=not definition.read_only,
            safe_to_repeat=definition.read_only,
            for_staff_only=settings.audience == "staff",
            version=definition.digest,
        )

    async def run(self, arguments: OpenArguments, context: ToolContext) -> ToolOutput:
        """Call the server; what it returns is data."""
        settings, name = self.server.settings, self.definition.name
        if settings.audience == "staff" and not _is_among_staff(context):
            raise ToolError(f"{name} is for staff only, and customers read here. Do without it.")
        answer = await self._answer(json.loads(arguments.model_dump_json()), context)
        if answer.is_error:
            raise ToolError(f"{name} could not do it. What it says of that (data from outside): {answer.complaint}")
        return ToolOutput(answer.told(settings.name, self.definition.tool, settings.max_result_chars))

    async def _answer(self, given: dict[str, object], context: ToolContext) -> Answer:
        """OutcomeUnknownError only when the server was asked for something that it may have done."""
        name, may_be_done = self.definition.name, False

        async def begin() -> bool:
            nonlocal may_be_done
            may_be_done = not self.definition.read_only
            return self.definition.read_only or await self.book.begin(context)

        try:
            return await self.guard.call(lambda: self._ask(given, begin), context, sorry=_UNKNOWN.format(name))
        except OutcomeUnknownError as error:
            if may_be_done:
                raise
            raise ToolError(_AWAY.format(name)) from error

    async def _ask(self, given: dict[str, object], begin: Callable[[], Awaitable[bool]]) -> Answer:
        try:
            return await self.server.call(self.definition, given, begin)
        except RefusedError as error:
            said = json.dumps(plain(str(error), _LONGEST_REFUSAL), ensure_ascii=False)
            raise ToolError(
                f"{self.definition.name} refused the call. What it says of that (data from outside): {said}"
            ) from error


def _is_among_staff(context: ToolContext) -> bool:
    """A call that waited for consent was asked for among staff: elsewhere the tool is not offered."""
    return context.among_staff or (context.is_consented and context.principal.is_staff)
