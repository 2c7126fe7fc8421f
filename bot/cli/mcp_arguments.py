"""What can be typed after `deskhand mcp`."""

import argparse
from collections.abc import Callable

_Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for what add_subparsers returns
_Plain = Callable[["_Commands[argparse.ArgumentParser]", str, str, str, str], argparse.ArgumentParser]

_MCP = (
    "[[mcp]] of CONNECTORS_FILE names the servers. None of their tools is used before it was approved, and one that\n"
    "describes itself differently later is switched off at once. Works beside a running bot."
)
_NAME = "a server, a tool (server__tool), or a tool exactly as it is now (server__tool@digest)"


def add_mcp(commands: "_Commands[argparse.ArgumentParser]", plain: _Plain) -> None:
    """`mcp` and its actions; `plain` makes a command in the house's style."""
    actions = plain(
        commands, "mcp", "look at tools of MCP servers, say which may be used", "deskhand mcp list", _MCP
    ).add_subparsers(dest="action", metavar="ACTION", required=True, title="actions")
    plain(actions, "list", "what the servers have, and what is on", "deskhand mcp list", "Asks every server.")
    diff = plain(
        actions,
        "diff",
        "show what changed since it was approved",
        "deskhand mcp diff files__read",
        "In full where nothing was approved yet. Characters that show nothing are spelt out.",
    )
    approve = plain(
        actions,
        "approve",
        "let the bot use tools exactly as they are described now",
        "deskhand mcp approve files__read",
        "Shows each tool in full, and asks. A tool that changes later is off until it is approved again.",
    )
    approve.add_argument("--yes", action="store_true", help="do not ask")
    reject = plain(actions, "reject", "keep tools off", "deskhand mcp reject files__delete", "At once.")
    for parser in (diff, approve, reject):
        _name(parser)


def _name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help=_NAME)
