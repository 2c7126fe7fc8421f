"""Tools that answer from the record of a run: nothing is asked of any back-end, and nothing is done.

A call is answered with what the same call returned then; else with what the nearest call of the same tool returned,
which is noted as such; else the model reads that the record does not know.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from bot.agent.record import RecordedCall, canonical
from bot.domain.exchange import ToolSpec
from tools.base import Arguments, Tool, ToolContext, ToolError, ToolOutput

NOT_IN_RECORD = "This call is not in the record of the run, so nothing is known of its result. Go on without it."
_WORDS = "Reading the record"


class Match(StrEnum):
    """How well the record knew a call."""

    SAME = "same"
    OTHER_ARGUMENTS = "other arguments"
    UNKNOWN = "not in the record"


@dataclass(frozen=True, slots=True)
class Asked:
    """A call of the replay, and what it was answered with."""

    tool: str
    arguments: str
    """Canonical JSON."""
    match: Match
    use_id: str = ""
    recorded: str = ""
    """Arguments of the recorded call that answered it."""


class Tape:
    """The tool calls of a run, to be asked again."""

    def __init__(self, calls: Iterable[RecordedCall]) -> None:
        self._calls = [call for call in calls if call.result is not None]
        self._used: set[int] = set()
        self.asked: list[Asked] = []
        """In the order in which they were asked."""

    def tools(self, specs: Iterable[ToolSpec]) -> tuple["Tool[Arguments]", ...]:
        """Stand-ins for the tools of these specifications."""
        return tuple(_StandIn.of(spec, self) for spec in specs)

    def answer(self, tool: str, arguments: str, use_id: str = "") -> ToolOutput:
        """What the record has for a call; ToolError where it has an error, or nothing."""
        wanted = canonical(arguments)
        number = self._same(tool, wanted)
        match = Match.SAME
        if number is None:
            number, match = self._nearest(tool, wanted), Match.OTHER_ARGUMENTS
        if number is None:
            self.asked.append(Asked(tool, wanted, Match.UNKNOWN, use_id))
            raise ToolError(NOT_IN_RECORD)
        self._used.add(number)
        call = self._calls[number]
        self.asked.append(Asked(tool, wanted, match, use_id, call.arguments))
        return _output(call)

    def _same(self, tool: str, wanted: str) -> int | None:
        """The first such call that was not asked yet; when all were, the last."""
        same = [i for i, call in enumerate(self._calls) if (call.tool, call.arguments) == (tool, wanted)]
        fresh = [i for i in same if i not in self._used]
        return next(iter(fresh), max(same, default=None))

    def _nearest(self, tool: str, wanted: str) -> int | None:
        def fit(number: int) -> tuple[float, bool]:
            likeness = SequenceMatcher(None, self._calls[number].arguments, wanted).ratio()
            return likeness, number not in self._used

        return max((i for i, call in enumerate(self._calls) if call.tool == tool), key=fit, default=None)


def _output(call: RecordedCall) -> ToolOutput:
    result = call.result
    assert result is not None  # noqa: S101 - the tape holds no others, told to the type checker
    if result.is_error:
        raise ToolError(result.content if isinstance(result.content, str) else NOT_IN_RECORD)
    return ToolOutput(result.content, is_pending=result.is_pending)


async def _never(_: Arguments, __: ToolContext) -> ToolOutput:
    raise ToolError(NOT_IN_RECORD)


@dataclass(frozen=True, kw_only=True)
class _StandIn(Tool[Arguments]):
    """A tool that looks like the real one to a model, and asks the tape."""

    shown: ToolSpec
    tape: Tape

    @classmethod
    def of(cls, spec: ToolSpec, tape: Tape) -> "_StandIn":
        return cls(
            name=spec.name, description=spec.description, arguments=Arguments, run=_never, words=_WORDS, writes=False,
            shown=spec, tape=tape,
        )  # fmt: skip

    @property
    def spec(self) -> ToolSpec:
        return self.shown

    async def call(self, arguments: str, context: ToolContext) -> ToolOutput:
        """Whatever the arguments: they were the model's, and the record knows them as they were written."""
        return self.tape.answer(self.name, arguments, context.tool_use_id)
