"""What an admin has to look at: every tool the servers have, whether it is on, and what exactly it says of itself."""

import difflib
import json
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from tools.checks import CHARS_PER_TOKEN
from tools.mcp.definition import LONGEST_DESCRIPTION, Definition
from tools.mcp.pins import Pin, PinState
from tools.mcp.plain import is_hidden, revealed
from tools.mcp.settings import McpServer

SHORT = 32
"""Digits of a digest that stand for the whole. Whoever writes a description and its successor finds two that begin with
the same 12 within a minute."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a server."""

    server: McpServer
    digests: Sequence[str]
    """Of the tools as they are described now."""
    error: str
    """Class of what stood in the way; empty: nothing did."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One tool, with the approved and the newest description of it."""

    approved: Definition | None
    newest: Pin

    @property
    def name(self) -> str:
        """As models know it."""
        return self.newest.definition.name

    @property
    def waits(self) -> bool:
        """Whether an admin has to decide."""
        return self.newest.state is PinState.NEW

    @property
    def state(self) -> str:
        """In words."""
        if self.newest.definition.fault:
            return f"cannot be used: {self.newest.definition.fault}"
        if self.waits:
            return "off: it CHANGED since it was approved" if self.approved else "off: waits for approval"
        return "on" if self.newest.state is PinState.APPROVED else f"off: {self.newest.state.value}"

    @property
    def tokens(self) -> int:
        """What the model pays for it in every step, roughly; as `deskhand tools list` counts."""
        definition = self.newest.definition
        return (len(definition.name) + len(definition.told()) + len(definition.shown_schema())) // CHARS_PER_TOKEN


def entries(pins: Iterable[Pin], seen: Container[str] = ()) -> Sequence[Entry]:
    """One entry a tool, by name. `pins`: oldest first; `seen`: digests of what the servers say at this moment."""
    by_tool: dict[tuple[str, str], list[Pin]] = {}
    for pin in pins:
        by_tool.setdefault((pin.definition.server, pin.definition.tool), []).append(pin)
    return sorted((_entry(of_tool, seen) for of_tool in by_tool.values()), key=lambda one: one.name)


def _entry(pins: Sequence[Pin], seen: Container[str]) -> Entry:
    approved = next((pin for pin in pins if pin.state is PinState.APPROVED), None)
    now = [pin for pin in pins if pin.definition.digest in seen]
    waiting = [pin for pin in pins if pin.state is PinState.NEW]
    latest = max(pins, key=lambda pin: pin.decided_at or 0.0)
    return Entry(approved.definition if approved else None, (now or waiting or [approved or latest])[-1])


def in_full(definition: Definition) -> Sequence[str]:
    """Everything the server says of a tool, hidden characters spelt out, line by line."""
    schema = json.dumps(json.loads(definition.schema), indent=2, sort_keys=True, ensure_ascii=False)
    harmless = "yes" if definition.read_only else "no"
    lines = [
        f"tool: {revealed(definition.tool)} of {definition.server}, called {definition.name}",
        f"says that it changes nothing: {harmless}",
        "description:",
        *(f"  {line}" for line in revealed(definition.description).splitlines()),
        "arguments:",
        *(f"  {line}" for line in revealed(schema).splitlines()),
    ]
    if any(is_hidden(c) for c in f"{definition.tool}{definition.description}{schema}"):
        lines.append("ATTENTION: there are characters in it that show nothing (spelt <U+…> above).")
    if len(definition.description) > LONGEST_DESCRIPTION:
        lines.append(f"(The model reads the first {LONGEST_DESCRIPTION:,} characters of the description.)")
    return lines


def difference(before: Definition, after: Definition) -> Sequence[str]:
    """What became of a description, as a unified diff."""
    names = (f"approved {before.digest[:SHORT]}", f"now {after.digest[:SHORT]}")
    return list(difflib.unified_diff(in_full(before), in_full(after), *names, lineterm="", n=2))
