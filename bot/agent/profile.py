"""Agent profiles: files in `prompts/agents` with front matter (limits, tools, model) and the prompt itself."""

import hashlib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated, Literal

import frontmatter
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

import prompts
from bot.agent.tool_settings import ToolSettings, misnamed
from bot.domain.exchange import ToolSpec
from bot.domain.redaction import Redactor, Redactors, redactor_of


class Profile(BaseModel):
    """How one agent behaves and what it may spend."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    prompt: str
    """The system prompt; nothing that changes from turn to turn."""
    model: Literal["main", "helper"] = "main"
    """Which of the two configured models does the work."""
    effort: Literal["low", "medium", "high"] = "low"
    tools: tuple[str, ...]
    """Names; `server__*` stands for every tool of an MCP server that may be used."""
    max_steps: Annotated[int, Field(ge=1)] = 25
    """Model calls per run."""
    max_cost_per_conversation: Annotated[Decimal, Field(gt=0)] = Decimal("2.00")
    """USD over all runs of a conversation, helper calls included."""
    max_cost_per_run: Annotated[Decimal, Field(gt=0)] | None = None
    """USD of one run, from a question to its answer; None: as much as the conversation has."""
    max_cost_per_step: Annotated[Decimal, Field(gt=0)] = Decimal("0.50")
    """USD one model call may cost at worst; a call that could cost more is not made."""
    max_tokens_per_conversation: Annotated[int, Field(ge=1000)] = 100_000
    """Uncached input, cache writes and output; cache reads do not count."""
    max_output_tokens: Annotated[int, Field(ge=64)] = 2048
    """`max_tokens` of one model call."""
    alert_at: Annotated[float, Field(gt=0, le=1)] = 0.75
    """Share of the conversation's budget at which staff are told."""
    confidence_threshold: Annotated[float, Field(ge=0, le=1)] = 0.6
    """Below it an answer is proposed to staff instead of sent."""
    approval_hours: Annotated[float, Field(gt=0, le=1000)] = 4.0
    """Business hours in which staff may approve a proposal; then it expires."""
    redact: str = ""
    """What is hidden in its conversations besides that of REDACT, written likewise (`emails, phones`)."""
    resilience: Mapping[str, ToolSettings] = {}
    """How hard to try when a back-end fails, by tool; `*` for all others."""

    @model_validator(mode="after")
    def _settings_of_own_tools(self) -> "Profile":
        if strange := misnamed(self.resilience, self.tools):
            raise ValueError(
                f"resilience: this profile has no tool {strange!r}; name one of {', '.join(self.tools)}, or `*`"
            )
        return self

    @field_validator("redact")
    @classmethod
    def _known_kinds(cls, value: str) -> str:
        redactor_of(value)
        return value

    def has(self, tool: str) -> bool:
        """Whether the profile names the tool."""
        return any(fnmatchcase(tool, wanted) for wanted in self.tools)

    def version(self, specs: Iterable[ToolSpec]) -> str:
        """Hash of prompt and tools: what a conversation is pinned to."""
        parts = [self.prompt, *(f"{s.name}\n{s.description}\n{s.schema}" for s in specs)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


class Profiles:
    """The profiles of this installation, by name."""

    def __init__(self, by_name: Mapping[str, Profile]) -> None:
        self._by_name = by_name

    def of(self, name: str) -> Profile:
        """The profile of this name; `support` when it is gone."""
        return self._by_name.get(name) or self._by_name["support"]


def redactors_of(everywhere: Redactor, profiles: Mapping[str, Profile]) -> Redactors:
    """What is hidden where."""
    return Redactors(everywhere, {name: redactor_of(one.redact) for name, one in profiles.items() if one.redact})


class UnknownProfileError(Exception):
    """No profile of that name; the message lists those there are."""


class ProfileError(Exception):
    """A profile cannot be used; one sentence per fault: file, key, what is wrong."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def load_profile(name: str) -> Profile:
    """Read a shipped profile; UnknownProfileError, or ProfileError when it is wrong."""
    if name not in prompts.agent_names():
        raise UnknownProfileError(f"no agent profile {name!r}; there are: {', '.join(prompts.agent_names())}")
    file = f"agents/{name}.md"
    try:
        return parse_profile(prompts.read(file))
    except yaml.YAMLError as error:
        raise ProfileError([f"prompts/{file}: {_unreadable(error)}"]) from error
    except ValidationError as error:
        raise ProfileError([f"prompts/{file}: {_fault(e['loc'], e['msg'])}" for e in error.errors()]) from error


def _unreadable(error: yaml.YAMLError) -> str:
    """Where the front matter stops making sense; nearly always it is a `*` or a colon without quotes, or an indent."""
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    what = error.problem if isinstance(error, yaml.MarkedYAMLError) else "unreadable"
    return f'{where}the front matter is not YAML ({what}). Put a name like "*" in quotes; check colons and indents.'


def _fault(location: tuple[int | str, ...], message: str) -> str:
    """Where and what, as somebody reads it who has the file open."""
    where = ".".join(map(str, location))
    text = message.removeprefix("Value error, ")
    remedy = " Remove it, or mend its spelling." if "Extra inputs" in text else ""
    return f"{where}: {text}.{remedy}" if where else f"{text}."


def parse_profile(text: str) -> Profile:
    """A profile from its file's text; yaml's YAMLError or pydantic's ValidationError when it is wrong."""
    post = frontmatter.loads(text)
    fields = {k: str(v) if isinstance(v, float) else v for k, v in post.metadata.items()}
    return Profile.model_validate({**fields, "prompt": post.content.strip()})
