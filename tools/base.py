"""What a tool is: a name, a directive description, validated arguments, and a coroutine that does the work."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, Generic, Literal, TypeVar, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator, model_validator

from bot.domain.exchange import SearchResult, ToolSpec
from bot.domain.principal import Principal
from tools.attempts import Attempt, forget


class ToolError(Exception):
    """A failure the model can act on: says what was wrong and what to try. The model reads the message."""


class OutcomeUnknownError(ToolError):
    """The back-end did not answer: nobody knows whether the work was done."""


class ConsentNeededError(Exception):
    """The call would do more than the tool may do by itself; nothing was done, a person has to consent first."""


class ToolUnavailableError(Exception):
    """A back-end did not do its work; worth another attempt. Never shown to the model or a customer as it is."""

    will_pass: ClassVar[bool] = True
    """False for a refusal that another attempt would meet again; it is no sign of an outage either."""

    def __init__(self, message: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds the back-end asked us to wait, if it did."""


@dataclass(frozen=True, slots=True)
class ToolContext:
    """Who asks, and in which run; tools decide on this, never on what the model claims."""

    principal: Principal
    conversation_id: str
    run_id: str
    tool_use_id: str
    epoch: int
    """The conversation's owner epoch under which the run began."""
    among_staff: bool = False
    """True where only staff can read the answer: a staff channel, or a direct message of somebody of staff."""
    profile: str = ""
    """Name of the agent profile that works on the run."""
    allowance: Decimal | None = None
    """What one customer may get within 24 hours without a person's consent, this call included; None: no such limit.
    A tool that adds up (`Arguments.summed`) raises ConsentNeededError above it."""
    is_consented: bool = False
    """True when a person has approved exactly this call."""
    tool: str = ""
    """The tool that runs (see `Tool.stamped`); settings of a profile are looked up by it."""
    safe_to_repeat: bool = True
    """Whether that tool may ask its back-ends twice for the same thing."""
    note_attempt: Callable[[Attempt], None] = field(default=forget, repr=False, compare=False)
    """Is told of every attempt at a back-end, for the trace of the run."""

    @property
    def key(self) -> str:
        """Idempotency key of this tool use; the same after a crash."""
        return f"{self.run_id}:{self.tool_use_id}"


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What the model gets back: text, or search results it can cite."""

    content: str | tuple[SearchResult, ...]
    note: str = ""
    """Short summary for the trace; defaults to the beginning of the content."""
    is_pending: bool = False
    """True when nothing was done yet: a person must consent first."""


class Arguments(BaseModel):
    """Base of every tool's arguments: unknown fields are refused, text is trimmed."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)
    summed: ClassVar[str] = ""
    """Argument that the tool adds up for each customer over 24 hours, so that a limit on the sum can be kept."""
    is_strict: ClassVar[bool] = True
    """Whether the vendor's strict mode takes the schema."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Of the arguments, in the tool's own order."""
        return tuple(cls.model_fields)

    @classmethod
    def wire_schema(cls) -> str:
        """JSON schema as the model sees it, keys in a stable order."""
        return strict_schema(cls)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: object) -> object:
        """A null for an optional argument means that it was left out."""
        return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value

    @field_validator("*", mode="before")
    @classmethod
    def _storable(cls, value: object, info: ValidationInfo) -> object:
        """PostgreSQL refuses U+0000 in text; models sometimes write the words of a list in capitals."""
        if not isinstance(value, str):
            return value
        text = value.replace("\0", "")
        return text.strip().lower() if _is_word_of_a_list(cls.model_fields[info.field_name or ""].annotation) else text


def _is_word_of_a_list(annotation: object) -> bool:
    return get_origin(annotation) is Literal or (isinstance(annotation, type) and issubclass(annotation, StrEnum))


A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True)
class Tool(Generic[A]):
    """A tool of the catalogue."""

    name: str
    description: str
    """Directive: when to use it, what it returns, what its result must not be trusted for."""
    arguments: type[A]
    run: Callable[[A, ToolContext], Awaitable[ToolOutput]]
    words: str
    """What the live line says while it runs, e.g. `Searching the knowledge base`."""
    prepare: Callable[[A, ToolContext], Awaitable[A]] | None = None
    """Asked before a call is put before people: the arguments as they would be run; ToolError when it cannot work."""
    writes: bool = True
    """False only for a tool that leaves nothing behind."""
    safe_to_repeat: bool = False
    """True when asking the back-ends twice does no harm: the tool only reads, or its work has an idempotency key."""
    examples: tuple[str, ...] = ()
    """Arguments as a model would write them; `deskhand tools check` validates them."""
    for_staff_only: bool = False
    """True for a tool that is offered only where nobody but staff can read the answer."""
    version: str = ""
    """Changes when somebody else, whose tool it is, describes it otherwise; empty for a tool of our own."""

    @property
    def spec(self) -> ToolSpec:
        """The tool as the model sees it."""
        return ToolSpec(self.name, self.description, self.arguments.wire_schema(), self.arguments.is_strict)

    def parse(self, arguments: str) -> A:
        """Validate the model's JSON; ToolError names the fields that are wrong."""
        try:
            return self.arguments.model_validate_json(arguments)
        except ValidationError as error:
            raise ToolError(_explain(error)) from error

    def stamped(self, context: ToolContext) -> ToolContext:
        """The context as this tool's own: guards of back-ends learn from it which tool asks, and what it may repeat."""
        return replace(context, tool=self.name, safe_to_repeat=self.safe_to_repeat)

    async def call(self, arguments: str, context: ToolContext) -> ToolOutput:
        """Validate the model's JSON and run."""
        return await self.run(self.parse(arguments), self.stamped(context))


AnyTool = Tool[Any]


def canonical_json(arguments: Arguments) -> str:
    """Validated arguments as one text: sorted keys, no blanks. `Tool.parse` reads it back to the same arguments."""
    fields = arguments.model_dump(mode="json")
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@cache
def strict_schema(model: type[BaseModel]) -> str:
    """JSON schema the vendor's strict mode accepts: no lengths or ranges, every field required, nothing additional."""
    return json.dumps(_strict(model.model_json_schema()), sort_keys=True)


_UNSUPPORTED = ("maxLength", "minLength", "maximum", "minimum", "maxItems", "minItems", "pattern", "default", "title")


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "properties" in node:
        properties = {name: _strict(value) for name, value in node["properties"].items()}
        rest = {k: _strict(v) for k, v in node.items() if k not in (*_UNSUPPORTED, "properties", "required")}
        return {**rest, "properties": properties, "required": sorted(properties), "additionalProperties": False}
    return {k: _strict(v) for k, v in node.items() if k not in _UNSUPPORTED}


def _explain(error: ValidationError) -> str:
    faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in error.errors())
    return f"The arguments do not fit: {faults}. Correct them and call the tool again."
