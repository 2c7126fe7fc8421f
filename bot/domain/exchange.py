"""What goes to a language model and what comes back, independent of any vendor's wire format."""

from dataclasses import dataclass, field
from enum import StrEnum


class StopReason(StrEnum):
    """Why the model stopped; the names are those of Anthropic's Messages API."""

    END_TURN = "end_turn"
    TOOL_USE = "tool_use"
    MAX_TOKENS = "max_tokens"
    STOP_SEQUENCE = "stop_sequence"
    PAUSE_TURN = "pause_turn"
    REFUSAL = "refusal"
    CONTEXT_EXCEEDED = "model_context_window_exceeded"
    UNKNOWN = "unknown"
    """None, or a value this version does not know: nothing of such a reply is executed."""


class Purpose(StrEnum):
    """What a model call is for."""

    AGENT = "agent"
    JUDGE = "judge"
    SUMMARY = "summary"
    RECAP = "recap"
    """Folding the older part of a conversation."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage an answer rests on."""

    source: str
    """URL or `kb://slug` of the article."""
    title: str
    cited_text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of text; the model's own pieces may carry citations."""

    text: str
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Image:
    """A picture for the model."""

    media_type: str
    """image/jpeg, image/png, image/gif or image/webp."""
    data: str
    """Base64."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""


@dataclass(frozen=True, slots=True)
class Document:
    """A PDF for the model."""

    data: str
    """Base64."""
    title: str
    pages: int


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One article handed to the model so that it can cite it; each passage is one citable block."""

    source: str
    title: str
    passages: tuple[str, ...]
    about: str = ""
    """What the model should know of it, e.g. when it was updated; nothing to cite."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """The model's wish to run a tool."""

    id: str
    name: str
    arguments: str
    """JSON as the model wrote it; validated by the tool's own pydantic model."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The answer to one ToolUse."""

    tool_use_id: str
    content: str | tuple[SearchResult, ...]
    is_error: bool = False
    is_pending: bool = False
    """True when nothing was done yet: a person must consent first."""

    @property
    def is_done(self) -> bool:
        """Whether the tool did what it was asked for."""
        return not (self.is_error or self.is_pending)


@dataclass(frozen=True, slots=True)
class UserMessage:
    """What we say to the model; tool results come first."""

    content: tuple[Text | Image | Document | ToolResult, ...]


@dataclass(frozen=True, slots=True)
class AssistantMessage:
    """What the model said. `verbatim` is replayed unchanged inside a run; without it the plain text is."""

    text: str
    tool_uses: tuple[ToolUse, ...] = ()
    verbatim: str | None = None
    """The vendor's own content blocks as JSON (thinking blocks included), or None for plain text of earlier runs."""


Message = UserMessage | AssistantMessage


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it."""

    name: str
    description: str
    schema: str
    """JSON schema of the arguments, keys in a stable order."""
    strict: bool = True
    """Whether the vendor holds the model to the schema; it cannot with a schema that was written elsewhere."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or more calls; the four input kinds do not overlap."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0

    @property
    def prompt(self) -> int:
        """All input tokens, cached or not."""
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h

    @property
    def counted(self) -> int:
        """What counts against `max_tokens_per_conversation`: everything but cache reads."""
        return self.input + self.cache_write_5m + self.cache_write_1h + self.output

    @property
    def total(self) -> int:
        """All tokens."""
        return self.prompt + self.output

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write_5m + other.cache_write_5m,
            self.cache_write_1h + other.cache_write_1h,
        )


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call. `system` and `tools` are the stable, cached prefix."""

    model: str
    system: str
    messages: tuple[Message, ...]
    max_tokens: int
    tools: tuple[ToolSpec, ...] = ()
    purpose: Purpose = Purpose.AGENT
    effort: str | None = None
    """low | medium | high; None for the model's default."""
    output_schema: str | None = None
    """JSON schema of the wanted answer (structured output); excludes citations."""
    user_ref: str | None = None
    """Opaque hash of the customer, for abuse tracing at the vendor; never a name or e-mail."""


@dataclass(frozen=True, slots=True)
class ModelReply:
    """One finished call."""

    model: str
    """The model that answered; prices follow it."""
    stop_reason: StopReason
    usage: Usage
    texts: tuple[Text, ...] = ()
    tool_uses: tuple[ToolUse, ...] = ()
    verbatim: str | None = None
    stop_detail: str | None = None
    """Refusal category or the raw value of an unknown stop reason."""
    request_id: str | None = None
    notes: tuple[str, ...] = field(default=())
    """Oddities seen while reading the reply (unknown blocks), for the trace."""

    @property
    def text(self) -> str:
        """The text of all text blocks."""
        return "".join(piece.text for piece in self.texts)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """All citations, in order, each source passage once."""
        return tuple(dict.fromkeys(c for piece in self.texts for c in piece.citations))

    def as_message(self) -> AssistantMessage:
        """This reply as part of the transcript of the run."""
        return AssistantMessage(self.text, self.tool_uses, self.verbatim)
