"""How hard a profile lets its tools try: `resilience` in its front matter, by tool; `files__*` is for all tools of an
MCP server, `"*"` for all the others.

```yaml
resilience:
  "*": {attempts: 2}
  create_ticket: {attempt_seconds: 8, total_seconds: 20, breaker_failures: 3}
```

Attempts and deadlines are the call's own. The breaker and the number of calls at once belong to the back-end, whoever
asks it: all failures are counted together, and a call opens the breaker when it reaches the number of its own profile.
What may be repeated is not set here: the tool knows.
"""

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tools.base import ToolContext
from tools.breaker import MOST_FAILURES
from tools.resilience import STANDARD, Policy

ALL_OTHERS = "*"
Seconds = Annotated[float, Field(gt=0, le=300)]


class ToolSettings(BaseModel):
    """What is left out stays as the back-end's guard has it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    attempts: Annotated[int, Field(ge=1, le=10)] | None = None
    """At most; one alone is made where repeating might do harm."""
    attempt_seconds: Seconds | None = None
    """One attempt is cancelled after this."""
    total_seconds: Seconds | None = None
    """All attempts and the waits between them."""
    breaker_failures: Annotated[int, Field(ge=1, le=MOST_FAILURES)] | None = None
    """In a row; so many open the breaker, when they have gone on for long enough (the grace)."""
    breaker_window_seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    """Failures further apart than this are not the same trouble."""
    breaker_seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    """For so long the back-end is spared before one trial, at most."""
    breaker_first_seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    """The same when it has only just failed; grows with each trial that fails."""
    breaker_grace_seconds: Annotated[float, Field(ge=0, le=600)] | None = None
    """A back-end is spared only after nothing else than failures for so long, or MOST_FAILURES of them."""
    at_once: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Calls of one process to the back-end at once."""

    @model_validator(mode="after")
    def _makes_sense(self) -> "ToolSettings":
        one, total = self.attempt_seconds, self.total_seconds
        if (one or STANDARD.attempt_seconds) > (total or STANDARD.total_seconds):
            raise ValueError(
                f"an attempt may take {one or STANDARD.attempt_seconds:g} seconds, all together only "
                f"{total or STANDARD.total_seconds:g}: raise total_seconds, or lower attempt_seconds"
            )
        rules = self.applied_to(STANDARD).breaker
        if rules.grace_seconds > rules.window_seconds:
            raise ValueError(
                f"failures must go on for {rules.grace_seconds:g} seconds, but are remembered for "
                f"{rules.window_seconds:g}: raise breaker_window_seconds, or lower breaker_grace_seconds"
            )
        return self

    def applied_to(self, policy: Policy) -> Policy:
        """The policy with what is set here."""
        given = self.model_dump(exclude_none=True)
        rules = {
            name: given.pop(key)
            for key, name in (
                ("breaker_failures", "failures"),
                ("breaker_window_seconds", "window_seconds"),
                ("breaker_seconds", "open_seconds"),
                ("breaker_first_seconds", "first_seconds"),
                ("breaker_grace_seconds", "grace_seconds"),
            )
            if key in given
        }
        return replace(policy, **given, breaker=replace(policy.breaker, **rules))


BY_TOOL = Mapping[str, ToolSettings]


def misnamed(settings: BY_TOOL, tools: tuple[str, ...]) -> str:
    """Name of a tool that has settings and that the profile does not have; empty when there is none."""
    strange = (n for n in settings if n != ALL_OTHERS and not any(fnmatchcase(n, pattern) for pattern in tools))
    return next(strange, "")


class SettingsBook:
    """The settings of all profiles; implements `Instruments.adapt`."""

    def __init__(self, by_profile: Mapping[str, BY_TOOL]) -> None:
        self._by_profile = by_profile

    def adapt(self, context: ToolContext, policy: Policy) -> Policy:
        """How hard to try for the tool that runs, in the profile that works on the run."""
        settings = _of(context.tool, self._by_profile.get(context.profile, {}))
        return settings.applied_to(policy) if settings else policy


def _of(tool: str, by_tool: BY_TOOL) -> ToolSettings | None:
    """Its own; else the first that are for several and fit, `*` last."""
    if tool in by_tool:
        return by_tool[tool]
    several = (name for name in by_tool if name != ALL_OTHERS and fnmatchcase(tool, name))
    return by_tool.get(next(several, ALL_OTHERS))
