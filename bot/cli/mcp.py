"""`deskhand mcp`: look at the tools of MCP servers, and say which may be used. Works beside a running bot."""

import argparse
import asyncio
import getpass
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.agent.outside import BETWEEN
from bot.cli.database import check_database
from bot.config import Settings, SettingsError, load_settings
from bot.domain.audit import AuditEntry
from bot.logs import configure_logging
from bot.ports.clock import system_clock
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from bot.store.store import SqlStore
from bot.workspaces.outside_tools import check_extra
from tools.base import ToolUnavailableError
from tools.connectors import ConnectorsError, load_connectors
from tools.database import create_tables
from tools.mcp.definition import Definition
from tools.mcp.pins import NameTakenError, Pins, PinState
from tools.mcp.review import SHORT, Entry, Look, difference, entries, in_full
from tools.mcp.settings import McpServer
from tools.side_by_side import all_of

_NOTHING = "No MCP server is set up; [[mcp]] of CONNECTORS_FILE names them."


def run(arguments: argparse.Namespace, ask: Callable[[str], str] = input) -> int:
    """Do what `mcp list`, `diff`, `approve` or `reject` asks for; 1 when there is no such tool, or it stays off."""
    settings = load_settings()
    configure_logging("ERROR")
    servers = _servers(settings)
    try:
        return asyncio.run(_act(arguments, settings, servers, ask))
    except ToolUnavailableError as error:
        line = f"DATABASE_URL: it does not answer ({error}). `deskhand doctor` looks closer."
        raise SettingsError([line]) from error


def _servers(settings: Settings) -> Sequence[McpServer]:
    try:
        servers = load_connectors(settings.connectors_file, settings.environment).mcp
    except ConnectorsError as error:
        raise SettingsError([f"CONNECTORS_FILE: {line}" for line in error.lines]) from error
    check_extra(servers)
    return servers


@dataclass(frozen=True, slots=True)
class _Desk:
    """What the command works on."""

    pins: Pins
    store: SqlStore
    ask: Callable[[str], str]


async def _act(
    arguments: argparse.Namespace, settings: Settings, servers: Sequence[McpServer], ask: Callable[[str], str]
) -> int:
    await check_database(settings.database_url)
    async with _desk(settings, ask) as desk:
        meant = [one for one in servers if arguments.action == "list" or one.name == _server_of(arguments.name)]
        looks = await _look(meant, desk.pins)
        found = entries(await desk.pins.all(), [digest for seen in looks for digest in seen.digests])
        if arguments.action == "list":
            print("\n".join(_listing(looks, found)) or _NOTHING)
            return 0
        chosen = [entry for entry in found if _is_meant(entry, arguments.name)]
        if not chosen:
            print(f"There is no tool {arguments.name}; `deskhand mcp list` names what there is.")
            return 1
        if arguments.action == "diff":
            print("\n\n".join("\n".join(_changes(entry)) for entry in chosen))
            return 0
        return await _decide(desk, chosen, arguments)


async def _look(servers: Sequence[McpServer], pins: Pins) -> Sequence[Look]:
    if not servers:
        return ()
    from tools.mcp.looking import look  # noqa: PLC0415 - needs the extra

    return await all_of(look(server, pins) for server in servers)


@asynccontextmanager
async def _desk(settings: Settings, ask: Callable[[str], str]) -> AsyncIterator[_Desk]:
    engine = create_engine(settings.database_url)
    try:
        await migrate(engine)
        await create_tables(engine)
        yield _Desk(Pins(engine, system_clock), SqlStore(engine, _no_queue, system_clock), ask)
    finally:
        await engine.dispose()


def _listing(looks: Sequence[Look], found: Sequence[Entry]) -> list[str]:
    lines: list[str] = []
    for seen in looks:
        server = seen.server
        state = f"not reached ({seen.error})" if seen.error else f"{len(seen.digests)} tools"
        lines.append(f"{server.name}: {state}; for {server.audience}, consent: {server.consent}")
        mine = (entry for entry in found if entry.newest.definition.server == server.name)
        lines += [f"  {entry.name:<40} {_state(entry, seen)}" for entry in mine]
    strange = [e.name for e in found if e.newest.definition.server not in {seen.server.name for seen in looks}]
    return [*lines, *([f"of servers that are not set up any more: {', '.join(strange)}"] if strange else [])]


def _state(entry: Entry, seen: Look) -> str:
    definition = entry.newest.definition
    if not seen.server.permits(definition.tool):
        return "off: not among `tools` of the server"
    if not seen.error and definition.digest not in seen.digests:
        return "off: the server does not have it any more"
    return f"{entry.state}  [{definition.digest[:SHORT]}, about {entry.tokens} tokens]"


def _server_of(name: str) -> str:
    return name.partition("@")[0].partition(BETWEEN)[0]


def _is_meant(entry: Entry, name: str) -> bool:
    """`server`, `server__tool`, or `server__tool@digest` for exactly what somebody has looked at."""
    wanted, _, digest = name.partition("@")
    definition = entry.newest.definition
    return wanted in (entry.name, definition.server) and definition.digest.startswith(digest)


def _changes(entry: Entry) -> Sequence[str]:
    if entry.approved is None or entry.approved.digest == entry.newest.definition.digest:
        return [f"{entry.name}: {entry.state}", *in_full(entry.newest.definition)]
    return [f"{entry.name}: {entry.state}", *difference(entry.approved, entry.newest.definition)]


async def _decide(desk: _Desk, chosen: Sequence[Entry], arguments: argparse.Namespace) -> int:
    """One tool after another, each shown in full first."""
    state = PinState.APPROVED if arguments.action == "approve" else PinState.REJECTED
    open_ones = [entry for entry in chosen if entry.newest.state is not state]
    if not open_ones:
        print("Nothing to decide: it is so already.")
    left = 0
    for entry in open_ones:
        print("\n".join(_changes(entry)))
        if state is PinState.APPROVED and not _agrees(desk, entry, arguments):
            left += 1
            continue
        trouble = await _kept(desk, entry, state)
        left += bool(trouble)
        print(f"{trouble or f'{entry.name} is {state.value}. A running bot knows within seconds.'}\n")
    return 1 if left else 0


async def _kept(desk: _Desk, entry: Entry, state: PinState) -> str:
    """What stood in the way; empty when it was decided."""
    try:
        done = await decide(desk.store, desk.pins, entry.newest.definition, state, by=f"os:{getpass.getuser()}")
    except NameTakenError:
        return f"{entry.name} stays off: another tool of the server that is approved has the same name for models."
    return "" if done else f"{entry.name} is another by now, so nothing was decided. Look again."


def _agrees(desk: _Desk, entry: Entry, arguments: argparse.Namespace) -> bool:
    if entry.newest.definition.fault:
        print(f"{entry.name} {entry.state}.\n")
        return False
    if len(arguments.name.partition("@")[2]) >= SHORT or arguments.yes:
        return True
    if not sys.stdin.isatty():
        exact = f"{entry.name}@{entry.newest.definition.digest[:SHORT]}"
        print(f"Nobody can be asked here. To approve exactly this: deskhand mcp approve {exact}\n")
        return False
    return desk.ask(f"May the bot use {entry.name} exactly as shown? [y/N] ").strip().lower() in ("y", "yes")


async def decide(store: SqlStore, pins: Pins, definition: Definition, state: PinState, *, by: str) -> bool:
    """Keep a decision and the record of it; False when the server has described the tool differently meanwhile."""
    deed = "tool.approve" if state is PinState.APPROVED else "tool.reject"
    async with store.write() as tx:
        decided = await pins.decide(tx.connection, definition, state, by)
        if decided is None:
            return False
        before = "\n".join(in_full(decided.before)) if decided.before else ""
        after = "\n".join(in_full(definition))
        await tx.audit.add(
            AuditEntry(
                system_clock(), "", by, deed, definition.name, digest=definition.digest, before=before, after=after
            )
        )
    return True


def _no_queue(*_: object) -> None:
    raise RuntimeError("this store was opened to keep what was decided; it takes no events")
