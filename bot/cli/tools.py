"""`deskhand tools`: list the agent's tools, call one, look for faults. See tools_bench for what they work on."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace

from bot.agent.outside import BETWEEN
from bot.agent.policy import NEVER_HELD_UP, Policy, Rule
from bot.agent.toolbox import shown
from bot.cli.mcp_probe import try_servers
from bot.cli.tools_bench import answering, backing_of, connectors_of, on_paper, open_bench
from bot.cli.tools_outside import outside_tools
from bot.config import Settings, SettingsError, load_settings
from bot.doctor import Verdict
from bot.domain.exchange import SearchResult, ToolResult
from bot.domain.principal import Principal, Role
from bot.logs import configure_logging
from bot.ports.clock import sortable_id
from bot.workspaces.plan import Plan
from tools.attempts import Attempt
from tools.base import (
    AnyTool,
    ConsentNeededError,
    ToolContext,
    ToolError,
    ToolOutput,
    ToolUnavailableError,
    canonical_json,
)
from tools.catalogue import build_catalogue
from tools.checks import faults, tokens
from tools.guards import Guards

_ROLES = ("staff", "customer")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked for; 1 when a tool reports an error, or something is wrong with one."""
    settings = load_settings()
    configure_logging("ERROR")
    consents = {server.name: server.consent for server in connectors_of(settings).mcp}
    plan = Plan.check(settings).with_consents(consents)
    try:
        if arguments.action == "list":
            return asyncio.run(_list(settings, plan.policy))
        if arguments.action == "call":
            return asyncio.run(_call(arguments, settings, plan.policy))
        return asyncio.run(_check(arguments, settings))
    except ToolUnavailableError as error:
        raise SettingsError([f"DATABASE_URL: it does not answer ({error}). `deskhand doctor` looks closer."]) from error


# --- list ---


async def _list(settings: Settings, policy: Policy) -> int:
    rows = [("tool", "back-ends", "writes", "repeatable", "asks people first", "tokens")]
    total = 0
    async with outside_tools(settings, Guards(), connect=False) as outside:
        others = [(tool, f"MCP server {name.partition(BETWEEN)[0]}") for name, tool in sorted(outside.items())]
    for tool, backends in (*on_paper(settings), *others):
        total += tokens(tool)
        rows.append(
            (tool.name, backends or "-", _yes(tool.writes), _yes(tool.safe_to_repeat), _gates(policy, tool.name),
             f"≈{tokens(tool)}")
        )  # fmt: skip
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(f"{len(rows) - 1} tools, about {total} tokens in every prompt.")
    if connectors_of(settings).mcp:
        print("Of MCP servers only what an admin has approved is used; `deskhand mcp list` has the others, too.")
    return 0


def _yes(is_so: bool) -> str:  # noqa: FBT001 - a value, not a switch
    return "yes" if is_so else "no"


def _gates(policy: Policy, name: str) -> str:
    """How many rules may hold the tool up."""
    nobody = Principal("", "", Role.CUSTOMER, "", None)
    asking = [rule for rule in policy.file.gate if rule.decision == "ask" and rule.is_about(name, nobody)]
    if not asking or name in NEVER_HELD_UP:
        return "never"
    return f"{len(asking)} rule{'s' * (len(asking) > 1)}"


# --- call ---


async def _call(arguments: argparse.Namespace, settings: Settings, policy: Policy) -> int:
    context = ToolContext(
        _principal(arguments.principal), f"{arguments.workspace}:cli", f"cli-{sortable_id()}", "cli", 0,
        among_staff=arguments.principal[0] == "staff", note_attempt=_tell_attempt,
    )  # fmt: skip
    if BETWEEN in arguments.name:
        async with outside_tools(settings, Guards()) as outside:
            return await _run(outside, arguments, context, policy)
    async with open_bench(settings, is_sample=arguments.sample) as backends:
        tools = build_catalogue(backing_of(backends, Guards(), arguments.workspace))
        return await _run({tool.name: tool for tool in tools}, arguments, context, policy)


async def _run(
    tools: Mapping[str, AnyTool], arguments: argparse.Namespace, context: ToolContext, policy: Policy
) -> int:
    tool = tools.get(arguments.name)
    if tool is None:
        known = ", ".join(tools) or "none that an admin has approved"
        print(f"There is no tool {arguments.name!r}; there are: {known}.")
        return 1
    try:
        output = await _gated(tool, arguments, context, policy)
    except ToolError as error:
        print(f"(is_error) {error}")
        return 1
    if output is None:
        print("Nothing was done.")
        return 1
    print(shown(ToolResult("cli", _with_notes(output.content))))
    return 0


def _with_notes(content: str | tuple[SearchResult, ...]) -> str | tuple[SearchResult, ...]:
    """With what the model is told beside each article: its date, its language, how well it fits."""
    if isinstance(content, str):
        return content
    return tuple(replace(one, passages=(*one.passages, f"[{one.about}]")) if one.about else one for one in content)


async def _gated(
    tool: AnyTool, arguments: argparse.Namespace, context: ToolContext, policy: Policy
) -> ToolOutput | None:
    """As the agent's own gate has it, but that the people who would be asked sit at the terminal."""
    ruling = policy.ruling(tool.name, canonical_json(tool.parse(arguments.given)), context.principal)
    rule = ruling.rule or (ruling.beyond if not tool.arguments.summed else None)
    try:
        return await _output(tool, arguments, replace(context, allowance=ruling.allowance), rule)
    except ConsentNeededError:
        return await _output(tool, arguments, context, ruling.beyond)


async def _output(
    tool: AnyTool, arguments: argparse.Namespace, context: ToolContext, rule: Rule | None
) -> ToolOutput | None:
    """None when it is not wanted."""
    if rule is not None:
        print(f"The agent would have to ask people first: {rule.why}", file=sys.stderr)
    if tool.writes and not arguments.yes and not await _is_wanted(tool.name):
        return None
    return await tool.call(arguments.given, replace(context, is_consented=rule is not None))


async def _is_wanted(name: str) -> bool:
    """Asks at the terminal; no answer is a no."""
    print(f"{name} writes. Run it? [y/N] ", end="", file=sys.stderr, flush=True)
    answer = await asyncio.to_thread(sys.stdin.readline)
    return answer.strip().lower() in {"y", "yes"}


def _principal(wished: list[str]) -> Principal:
    role, *email = wished
    if role not in _ROLES or len(email) != (role == "customer"):
        raise SettingsError([f"--as: {' '.join(wished)!r} is nobody. Use `--as staff` or `--as customer EMAIL`."])
    if role == "staff":
        return Principal("", "cli", Role.STAFF, "deskhand tools call", None)
    return Principal("", "cli", Role.CUSTOMER, "deskhand tools call", email[0])


def _tell_attempt(attempt: Attempt) -> None:
    what = "ok" if attempt.ok else f"failed: {attempt.error}"
    print(f"  {attempt.name}: attempt {attempt.number} {what}, {attempt.ms} ms", file=sys.stderr)


# --- check ---


@dataclass(frozen=True, slots=True)
class _Line:
    ok: bool
    text: str


async def _check(arguments: argparse.Namespace, settings: Settings) -> int:
    wrong = 0
    async for line in _lines(arguments, settings):
        print(f"{'✓' if line.ok else '✗'} {line.text}", flush=True)
        wrong += not line.ok
    print("All is well." if not wrong else f"{wrong} fault{'s' * (wrong > 1)}.")
    return 1 if wrong else 0


async def _lines(arguments: argparse.Namespace, settings: Settings) -> AsyncIterator[_Line]:
    for tool, _ in on_paper(settings):
        found = faults(tool)
        for fault in found:
            yield _Line(ok=False, text=f"{tool.name}: {fault}.".replace("..", "."))
        if not found:
            yield _Line(ok=True, text=f"{tool.name}: schema, description, {len(tool.examples)} example(s)")
    async with open_bench(settings, is_sample=arguments.sample) as backends:
        async for name, trouble in answering(backends, arguments.workspace):
            text = f"back-end {name} does not answer ({trouble}). `deskhand doctor` looks closer." if trouble else ""
            yield _Line(ok=not trouble, text=text or f"back-end {name} answers")
    async for finding in try_servers(() if arguments.sample else connectors_of(settings).mcp):
        yield _Line(ok=finding.verdict is Verdict.GOOD, text=finding.text)
