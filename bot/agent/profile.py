"""Agent profiles: files in `prompts/agents` with front matter (limits, tools, model) and the prompt itself."""

import hashlib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Literal

import frontmatter
from pydantic import BaseModel, ConfigDict, Field

import prompts
from bot.domain.exchange import ToolSpec


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


class UnknownProfileError(Exception):
    """No profile of that name; the message lists those there are."""


def load_profile(name: str) -> Profile:
    """Read a shipped profile; UnknownProfileError or pydantic's ValidationError when it is wrong."""
    if name not in prompts.agent_names():
        raise UnknownProfileError(f"no agent profile {name!r}; there are: {', '.join(prompts.agent_names())}")
    return parse_profile(prompts.read(f"agents/{name}.md"))


def parse_profile(text: str) -> Profile:
    """A profile from its file's text."""
    post = frontmatter.loads(text)
    fields = {k: str(v) if isinstance(v, float) else v for k, v in post.metadata.items()}
    return Profile.model_validate({**fields, "prompt": post.content.strip()})
